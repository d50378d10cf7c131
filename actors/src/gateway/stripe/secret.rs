//! The API key: used in one header, never stored, logged or shown.

use std::fmt;

/// Shortest key of which the end may be shown.
const SHOWN_MIN: usize = 20;

/// A secret or restricted key of Stripe's.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Reads a key.
    ///
    /// # Errors
    /// What a key looks like; never the text itself.
    pub fn parse(text: &str) -> Result<ApiKey, String> {
        let known = ["sk_", "rk_"].iter().any(|head| text.starts_with(head));
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if known && plain && text.len() > 5 {
            Ok(ApiKey(text.to_owned()))
        } else {
            Err("is not a secret key of Stripe's (sk_... or rk_...)".to_owned())
        }
    }

    /// Whether no real money moves with it.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.kind() == Some("test")
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    fn kind(&self) -> Option<&str> {
        self.0.split('_').nth(1).filter(|kind| matches!(*kind, "test" | "live"))
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = &self.0[..3];
        let kind = self.kind().map_or(String::new(), |kind| format!("{kind}_"));
        let end = if self.0.len() < SHOWN_MIN { "" } else { &self.0[self.0.len() - 4..] };
        write!(f, "{head}{kind}...{end}")
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_at_most_four_characters() {
        for (text, shown, test) in [
            ("sk_test_0123456789abcdef", "sk_test_...cdef", true),
            ("rk_live_0123456789abcdef", "rk_live_...cdef", false),
            ("sk_0123456789abcdefghij", "sk_...ghij", false),
            ("sk_test_short", "sk_test_...", true),
        ] {
            let key = ApiKey::parse(text).unwrap();
            assert_eq!((key.to_string().as_str(), key.is_test()), (shown, test));
            assert_eq!(format!("{key:?}"), format!("ApiKey({shown})"));
        }
        for text in ["", "sk_", "pk_test_0123456789", "sk_test_a b", "sk_test_a\n"] {
            let error = ApiKey::parse(text).unwrap_err();
            assert!(text.len() < 5 || !error.contains(text), "{error}");
        }
    }
}

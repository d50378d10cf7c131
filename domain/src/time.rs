//! Time as values. There is no clock here: `now` always comes in as an argument.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Timestamp(pub u64);

/// A length of time, in milliseconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Span(pub u64);

impl Timestamp {
    /// The moment `span` later; the end of time if that is beyond it.
    #[must_use]
    pub fn plus(self, span: Span) -> Timestamp {
        Timestamp(self.0.saturating_add(span.0))
    }

    /// How long from `earlier` to here; nothing if it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// So many seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Span {
        Span(seconds.saturating_mul(1000))
    }

    /// Reads `250 ms`, `10 s`, `15 min`, `48 h` or `30 d` (the space is optional).
    ///
    /// # Errors
    /// A sentence that says what a span looks like.
    pub fn parse(text: &str) -> Result<Span, String> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let factor = match unit.trim() {
            "ms" => 1,
            "s" => 1000,
            "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(span_help(text)),
        };
        let number: u64 = number.parse().map_err(|_| span_help(text))?;
        number
            .checked_mul(factor)
            .filter(|ms| *ms <= SPAN_MAX.0)
            .map(Span)
            .ok_or_else(|| format!("\"{text}\" is longer than ten years"))
    }

    /// `self` doubled `times` times, but at most `most`.
    #[must_use]
    pub fn doubled(self, times: u32, most: Span) -> Span {
        let factor = 1u64.checked_shl(times.min(40)).unwrap_or(u64::MAX);
        Span(self.0.saturating_mul(factor).min(most.0))
    }
}

/// Longest span a plan may name: ten years.
pub const SPAN_MAX: Span = Span(10 * 366 * 86_400_000);

fn span_help(text: &str) -> String {
    format!(
        "\"{text}\" is not a length of time such as \"250 ms\", \"10 s\", \"15 min\", \"48 h\" or \"30 d\""
    )
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")];
        for (length, unit) in units {
            if self.0 >= length && self.0.is_multiple_of(length) {
                return write!(f, "{} {unit}", self.0 / length);
            }
        }
        write!(f, "{} ms", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_spans_and_says_what_is_wrong() {
        for (text, ms) in
            [("250 ms", 250), ("10s", 10_000), ("15 min", 900_000), ("48 h", 172_800_000)]
        {
            assert_eq!(Span::parse(text), Ok(Span(ms)), "{text}");
        }
        for text in ["", "10", "s", "-1 s", "1.5 h", "10 years", "99999999999999999999 d"] {
            assert!(Span::parse(text).is_err(), "{text}");
        }
        assert!(Span::parse("4000 d").unwrap_err().contains("ten years"));
    }

    #[test]
    fn doubles_up_to_the_most() {
        let most = Span::seconds(60);
        assert_eq!(Span::seconds(1).doubled(0, most), Span::seconds(1));
        assert_eq!(Span::seconds(1).doubled(3, most), Span::seconds(8));
        assert_eq!(Span::seconds(1).doubled(4_000_000_000, most), most);
    }

    #[test]
    fn prints_in_the_largest_whole_unit() {
        for (span, text) in
            [(Span(250), "250 ms"), (Span::seconds(90), "90 s"), (Span(172_800_000), "2 d")]
        {
            assert_eq!(span.to_string(), text);
        }
    }
}

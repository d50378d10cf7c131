//! What Stripe tells unasked. An event is believed only as far as "there is news of this payment":
//! the engine then asks Stripe itself.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::METADATA;
use crate::gateway::key::Key;

/// The header with the signature.
pub const SIGNATURE: &str = "stripe-signature";
/// How far the time of a signature may be off: an old event that somebody sends again is none.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// Reads events that were signed with a secret.
#[derive(Clone)]
pub struct Webhook {
    mac: Hmac<Sha256>,
}

/// The event is not from Stripe, or not from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsigned {
    /// There is no signature, or it cannot be read.
    #[error("Stripe-Signature: is missing, or has no time and signature")]
    Unreadable,
    /// It was made with another secret, or for another body.
    #[error("Stripe-Signature: does not fit; is the secret that of this endpoint?")]
    Wrong,
    /// It is too old, or the clocks differ.
    #[error("Stripe-Signature: is more than 5 minutes off; is this machine's clock right?")]
    Late,
}

impl Webhook {
    /// Events signed with this secret.
    ///
    /// # Errors
    /// If there is none.
    pub fn new(secret: &str) -> Result<Webhook, String> {
        if secret.trim().is_empty() {
            return Err("is empty".to_owned());
        }
        let mac = Hmac::new_from_slice(secret.as_bytes()).map_err(|error| error.to_string())?;
        Ok(Webhook { mac })
    }

    /// The payment that an event tells of; `None` for one that is not about us.
    ///
    /// # Errors
    /// [`Unsigned`] if nothing of it is to be believed.
    pub fn read(&self, signature: &str, body: &[u8]) -> Result<Option<Key>, Unsigned> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.verify(signature, body, now)?;
        Ok(named(body))
    }

    fn verify(&self, signature: &str, body: &[u8], now: Duration) -> Result<(), Unsigned> {
        let parts = signature.split(',').filter_map(|part| part.trim().split_once('='));
        let of = |wanted| parts.clone().filter(move |(n, _)| *n == wanted).map(|(_, value)| value);
        let time = of("t").next().ok_or(Unsigned::Unreadable)?;
        let at = time.parse().map(Duration::from_secs).map_err(|_| Unsigned::Unreadable)?;
        let mac = self.mac.clone().chain_update(time).chain_update(".").chain_update(body);
        // Several while a secret is being changed. The comparison takes the same time for each.
        let mut signed = of("v1").filter_map(bytes).peekable();
        if signed.peek().is_none() {
            return Err(Unsigned::Unreadable);
        }
        if !signed.any(|tag| mac.clone().verify_slice(&tag).is_ok()) {
            return Err(Unsigned::Wrong);
        }
        if now.abs_diff(at) > TOLERANCE { Err(Unsigned::Late) } else { Ok(()) }
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhook((secret))")
    }
}

/// The bytes that an even number of hexadecimal digits stands for.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let of = |pair: &[u8; 2]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
    if rest.is_empty() { pairs.iter().map(of).collect() } else { None }
}

/// The payment that the body of an event names. Nothing of it is believed by that.
#[must_use]
pub fn named(body: &[u8]) -> Option<Key> {
    let event: Value = serde_json::from_slice(body).ok()?;
    Key::parse(event["data"]["object"]["metadata"][METADATA].as_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_700_000_000);
    // Made with: printf '1700000000.{}' | openssl dgst -sha256 -hmac whsec_1
    const GOOD: &str = "c8cf6ed9fd9120874a1792902ffdf5b69559118b76d10974da8a20cf21f94bc5";

    fn verify(signature: &str, body: &str, now: Duration) -> Result<(), Unsigned> {
        Webhook::new("whsec_1").unwrap().verify(signature, body.as_bytes(), now)
    }

    #[test]
    fn believes_what_is_signed_and_fresh() {
        let good = format!("t=1700000000,v1={GOOD},v0=00");
        assert_eq!(verify(&good, "{}", NOW), Ok(()));
        let two = format!("t=1700000000, v1=00ff, v1={GOOD}");
        assert_eq!(verify(&two, "{}", NOW), Ok(()));
        assert_eq!(verify(&good, "{ }", NOW), Err(Unsigned::Wrong));
        let moved = format!("t=1700000001,v1={GOOD}");
        assert_eq!(verify(&moved, "{}", NOW), Err(Unsigned::Wrong));
        for off in [NOW + TOLERANCE, NOW - TOLERANCE] {
            assert_eq!(verify(&good, "{}", off), Ok(()));
        }
        let second = Duration::from_secs(1);
        for off in [NOW + TOLERANCE + second, NOW - TOLERANCE - second] {
            assert_eq!(verify(&good, "{}", off), Err(Unsigned::Late));
        }
        let half = format!("t=1700000000,v1={}", &GOOD[..32]);
        assert_eq!(verify(&half, "{}", NOW), Err(Unsigned::Wrong));
        for text in ["", "t=1700000000", "v1=00", "t=now,v1=00", "t=1700000000,v1=0g", "t=,v1=,"] {
            assert_eq!(verify(text, "{}", NOW), Err(Unsigned::Unreadable), "{text}");
        }
    }

    #[test]
    fn finds_the_payment_of_an_event() {
        let event = |key: &str| {
            let object = serde_json::json!({"metadata": {"surehold_key": key}});
            named(serde_json::json!({"data": {"object": object}}).to_string().as_bytes())
        };
        let key = "00000000000000000000000000000abc-3-7";
        assert_eq!(event(key).map(|key| key.to_string()).as_deref(), Some(key));
        assert_eq!(event(&format!("{key}-refund")), event(key));
        assert_eq!(event("order 7"), None);
        assert_eq!(named(b"[]"), None);
        assert_eq!(named(b"no json"), None);
    }
}

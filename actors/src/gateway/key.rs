//! The keys under which a gateway knows our payments: node, market, payment. They never change.

use std::fmt;

use surehold_domain::id::{MarketId, PaymentId};

/// What the key of a refund has behind the key of its payment.
const REFUND: &str = "-refund";

/// The key of a payment, unique among all nodes and for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The identity of the node's journal.
    pub node: u128,
    /// The market of the payment.
    pub market: MarketId,
    /// Its number there.
    pub payment: PaymentId,
}

impl Key {
    /// Reads a key as it was given to a gateway, be it of the payment or of its refund.
    #[must_use]
    pub fn parse(text: &str) -> Option<Key> {
        let mut parts = of_payment(text).split('-');
        let node = u128::from_str_radix(parts.next()?, 16).ok()?;
        let market = MarketId(parts.next()?.parse().ok()?);
        let payment = PaymentId(parts.next()?.parse().ok()?);
        let key = Key { node, market, payment };
        // Only what we would have written ourselves is ours.
        (key.to_string() == of_payment(text)).then_some(key)
    }

    /// The key of giving the money back.
    #[must_use]
    pub fn refund(&self) -> String {
        self.text(REFUND)
    }

    /// The key of the payment.
    #[must_use]
    pub fn charge(&self) -> String {
        self.text("")
    }

    /// Every call has a key, so it is written without the detours of formatting.
    fn text(&self, ending: &str) -> String {
        let mut node = [0; NODE_DIGITS];
        for (place, byte) in self.node.to_be_bytes().into_iter().enumerate() {
            node[2 * place] = DIGITS[usize::from(byte >> 4)];
            node[2 * place + 1] = DIGITS[usize::from(byte & 0xf)];
        }
        let mut text = String::with_capacity(LENGTH_MAX);
        // They are ASCII.
        text.push_str(str::from_utf8(&node).unwrap_or_default());
        for number in [u64::from(self.market.0), self.payment.0] {
            text.push('-');
            text.push_str(&number.to_string());
        }
        text.push_str(ending);
        text
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";
/// Digits of a node's identity.
const NODE_DIGITS: usize = 32;
/// A key has at most so many bytes: the node, two dashes, the market, the payment, the ending.
const LENGTH_MAX: usize = NODE_DIGITS + 2 + 5 + 20 + REFUND.len();

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.charge())
    }
}

/// The payment's key, also where `key` is that of its refund.
#[must_use]
pub fn of_payment(key: &str) -> &str {
    key.strip_suffix(REFUND).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_wrote_and_nothing_else() {
        let key = Key { node: 0xabc, market: MarketId(3), payment: PaymentId(7) };
        assert_eq!(key.to_string(), "00000000000000000000000000000abc-3-7");
        let longest =
            Key { node: u128::MAX, market: MarketId(u16::MAX), payment: PaymentId(u64::MAX) };
        assert_eq!(longest.refund().len(), LENGTH_MAX);
        assert_eq!(Key::parse(&longest.refund()), Some(longest));
        assert_eq!(Key::parse(&key.to_string()), Some(key));
        assert_eq!(Key::parse(&key.refund()), Some(key));
        assert_eq!(of_payment(&key.refund()), key.to_string());
        let long = format!("{key}-1");
        for text in ["", "-", "abc-3-7", "00000000000000000000000000000abc-3-+7", long.as_str()] {
            assert_eq!(Key::parse(text), None, "{text}");
        }
    }
}

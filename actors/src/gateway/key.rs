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
        format!("{self}{REFUND}")
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}-{}-{}", self.node, self.market.0, self.payment)
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
        assert_eq!(Key::parse(&key.to_string()), Some(key));
        assert_eq!(Key::parse(&key.refund()), Some(key));
        assert_eq!(of_payment(&key.refund()), key.to_string());
        let long = format!("{key}-1");
        for text in ["", "-", "abc-3-7", "00000000000000000000000000000abc-3-+7", long.as_str()] {
            assert_eq!(Key::parse(text), None, "{text}");
        }
    }
}

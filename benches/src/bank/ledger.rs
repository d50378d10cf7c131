//! What the service did, by idempotency key.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Fault;

/// A card that has this in its token is declined.
const DECLINED: &str = "declined";

/// One payment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// How much was asked for.
    pub amount: i64,
    /// Whether it was taken.
    pub captured: bool,
    /// How often it was asked for.
    pub asked: u64,
    /// What was given back, by idempotency key.
    pub refunds: BTreeMap<String, i64>,
}

impl Entry {
    /// What was given back in all.
    #[must_use]
    pub fn refunded(&self) -> i64 {
        self.refunds.values().sum()
    }

    /// What the merchant has of it.
    #[must_use]
    pub fn net(&self) -> i64 {
        if self.captured { self.amount - self.refunded() } else { 0 }
    }
}

/// What the service knows.
#[derive(Debug, Default)]
pub struct Ledger {
    /// All payments by key.
    pub payments: BTreeMap<String, Entry>,
    /// How often which fault came.
    pub faults: BTreeMap<Fault, u64>,
    /// Requests of all kinds.
    pub requests: u64,
    /// What it was asked that nobody should ask: one key with two amounts, more back than was taken.
    pub nonsense: Vec<String>,
}

impl Ledger {
    /// What was taken in all.
    #[must_use]
    pub fn captured(&self) -> i64 {
        self.payments.values().filter(|it| it.captured).map(|it| it.amount).sum()
    }

    /// What was given back in all.
    #[must_use]
    pub fn refunded(&self) -> i64 {
        self.payments.values().map(Entry::refunded).sum()
    }

    /// The payments by their number, which is the end of their key. One that is no number is left out.
    pub fn numbered(&self) -> impl Iterator<Item = (u64, &Entry)> {
        self.payments.iter().filter_map(|(key, entry)| {
            let (_, number) = key.rsplit_once('-')?;
            Some((number.parse().ok()?, entry))
        })
    }

    pub(super) fn charge(&mut self, key: &str, asked: &Value) -> (u16, Value) {
        let amount = asked["amount"].as_i64().unwrap_or_default();
        let captured = !asked["card"].as_str().is_some_and(|card| card.contains(DECLINED));
        let first = || Entry { amount, captured, ..Entry::default() };
        let entry = self.payments.entry(key.to_owned()).or_insert_with(first);
        entry.asked += 1;
        if entry.amount != amount {
            self.nonsense.push(format!("{key}: first {}, then {amount}", entry.amount));
        }
        if entry.captured {
            (201, json!({"state": "captured"}))
        } else {
            (402, json!({"declined": "not enough money"}))
        }
    }

    pub(super) fn refund(&mut self, payment: &str, key: &str, asked: &Value) -> (u16, Value) {
        let amount = asked["amount"].as_i64().unwrap_or_default();
        let Some(entry) = self.payments.get_mut(payment).filter(|it| it.captured) else {
            self.nonsense.push(format!("{key}: a refund of what was not taken"));
            return (404, json!({"error": "nothing to give back"}));
        };
        entry.refunds.entry(key.to_owned()).or_insert(amount);
        if entry.refunded() > entry.amount {
            self.nonsense.push(format!("{key}: more back than was taken"));
        }
        (201, json!({"amount": amount}))
    }

    pub(super) fn look(&self, payment: &str) -> (u16, Value) {
        match self.payments.get(payment) {
            None => (404, json!({"error": "no such payment"})),
            Some(entry) if !entry.captured => (200, json!({"state": "declined"})),
            Some(entry) if entry.refunded() > 0 => (200, json!({"state": "refunded"})),
            Some(_) => (200, json!({"state": "captured"})),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_carried_out_once() {
        let mut ledger = Ledger::default();
        let asked = json!({"amount": 70, "card": "tok-1"});
        for _ in 0..2 {
            assert_eq!(ledger.charge("n-0-1", &asked).0, 201);
        }
        assert_eq!(ledger.charge("n-0-2", &json!({"amount": 9, "card": "tok-declined"})).0, 402);
        for _ in 0..2 {
            assert_eq!(ledger.refund("n-0-1", "n-0-1-refund", &json!({"amount": 30})).0, 201);
        }
        assert_eq!((ledger.captured(), ledger.refunded()), (70, 30));
        let numbered: Vec<(u64, i64)> =
            ledger.numbered().map(|(number, entry)| (number, entry.net())).collect();
        assert_eq!(numbered, [(1, 40), (2, 0)]);
        assert_eq!(ledger.look("n-0-1"), (200, json!({"state": "refunded"})));
        assert_eq!(ledger.look("n-0-3").0, 404);
        assert!(ledger.nonsense.is_empty());
    }

    #[test]
    fn nonsense_is_noticed() {
        let mut ledger = Ledger::default();
        ledger.charge("n-0-1", &json!({"amount": 70}));
        ledger.charge("n-0-1", &json!({"amount": 71}));
        ledger.refund("n-0-1", "a", &json!({"amount": 70}));
        ledger.refund("n-0-1", "b", &json!({"amount": 1}));
        ledger.refund("n-0-9", "c", &json!({"amount": 1}));
        assert_eq!(ledger.nonsense.len(), 3, "{:?}", ledger.nonsense);
    }
}

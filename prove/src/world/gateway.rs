//! The world outside: a gateway that keeps a ledger by idempotency key.

use std::collections::BTreeMap;

use surehold_domain::id::PaymentId;
use surehold_domain::money::Money;
use surehold_domain::payment::{Answer, Effect};
use surehold_domain::time::{Span, Timestamp};

/// How long a charge may be on its way. Less than a payment stays quiet before it believes that
/// there is none.
pub(crate) const WIRE: Span = Span::seconds(15);

/// What the gateway makes of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Does what it is asked and says so.
    #[default]
    Does,
    /// Declines a charge.
    Declines,
    /// Nothing reaches it and nothing comes back.
    Silent,
    /// Does what it is asked, and the answer is lost.
    Mute,
    /// A charge reaches it later; until then it knows of none.
    Slow,
    /// Knows nothing of a charge that shall go back.
    Keeps,
}

/// What the gateway did under one key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Account {
    pub(crate) captures: Vec<Money>,
    pub(crate) refunds: Vec<Money>,
    pub(crate) declined: bool,
}

/// The gateway.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gateway {
    pub(crate) ledger: BTreeMap<PaymentId, Account>,
    /// Charges on their way, and when they arrive.
    pub(crate) wire: Vec<(Timestamp, PaymentId, Money)>,
}

impl Gateway {
    /// Answers a call, or does not.
    pub(crate) fn call(
        &mut self,
        key: PaymentId,
        effect: Effect,
        amount: Money,
        reply: Reply,
        now: Timestamp,
    ) -> Answer {
        let silence = Answer::Unknown("timeout".to_owned());
        let account = self.ledger.entry(key).or_default();
        match (effect, reply) {
            (_, Reply::Silent) => return silence,
            (Effect::Capture, Reply::Slow) => {
                // The same key twice is the same charge.
                if self.wire.iter().all(|(_, other, _)| *other != key) {
                    self.wire.push((now.plus(WIRE), key, amount));
                }
                return silence;
            }
            (Effect::Capture, Reply::Declines) => account.declined |= account.captures.is_empty(),
            (Effect::Capture, Reply::Does | Reply::Mute | Reply::Keeps) => account.capture(amount),
            (Effect::Ask, _) => {}
            (Effect::Refund(_), Reply::Keeps) => return Answer::NotFound,
            (Effect::Refund(back), _) => account.refund(back),
        }
        if reply == Reply::Mute { silence } else { account.answer(effect) }
    }

    /// What was on its way until now arrives; for which payments.
    pub(crate) fn arrive(&mut self, now: Timestamp) -> Vec<PaymentId> {
        if self.wire.is_empty() {
            return Vec::new();
        }
        let due: Vec<_> = self.wire.iter().filter(|(at, ..)| *at <= now).copied().collect();
        self.wire.retain(|(at, ..)| *at > now);
        for (_, key, amount) in &due {
            self.ledger.entry(*key).or_default().capture(*amount);
        }
        due.into_iter().map(|(_, key, _)| key).collect()
    }

    /// Whether a charge of this payment is on its way.
    pub(crate) fn is_awaited(&self, payment: PaymentId) -> bool {
        self.wire.iter().any(|(_, key, _)| *key == payment)
    }

    /// What came in and what went back under this key.
    pub(crate) fn flow(&self, payment: PaymentId) -> (i64, i64) {
        let sum = |flow: &[Money]| -> i64 { flow.iter().map(Money::amount).sum() };
        let account = self.ledger.get(&payment);
        account.map_or((0, 0), |account| (sum(&account.captures), sum(&account.refunds)))
    }
}

impl Account {
    /// The same key charges once.
    fn capture(&mut self, amount: Money) {
        if self.captures.is_empty() && !self.declined {
            self.captures.push(amount);
        }
    }

    /// The same key refunds once; what was never charged is not refunded.
    fn refund(&mut self, amount: Money) {
        if !self.captures.is_empty() && self.refunds.is_empty() {
            self.refunds.push(amount);
        }
    }

    fn answer(&self, effect: Effect) -> Answer {
        match effect {
            Effect::Refund(_) => match self.refunds.first() {
                Some(back) => Answer::Refunded(*back),
                None => Answer::NotFound,
            },
            Effect::Capture | Effect::Ask if self.declined => {
                Answer::Declined("no money".to_owned())
            }
            Effect::Capture | Effect::Ask if self.captures.is_empty() => Answer::NotFound,
            Effect::Capture | Effect::Ask => Answer::Captured,
        }
    }
}

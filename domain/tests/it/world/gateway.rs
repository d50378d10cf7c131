//! The world outside: a gateway that keeps a ledger by idempotency key, and has moods.

use std::collections::BTreeMap;

use surehold_domain::id::PaymentId;
use surehold_domain::money::Money;
use surehold_domain::payment::{Answer, Effect};
use surehold_domain::time::{Span, Timestamp};

/// How long a charge may be on its way.
const WIRE: Span = Span::seconds(15);

/// How the gateway behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Does what it is asked and says so.
    #[default]
    Fine,
    /// Declines every charge.
    Declines,
    /// Nothing reaches it and nothing comes back.
    Silent,
    /// Does what it is asked, and the answer is lost; asked what it did, it says so.
    Mute,
    /// Does what it is asked, and says nothing, not even when it is asked what it did.
    Wordless,
    /// A charge reaches it later; until then it knows of none.
    Slow,
    /// Known to be down: it is not even asked for new charges.
    Down,
    /// Knows nothing of a charge that shall go back.
    KeepsTheMoney,
}

/// What the gateway did under one key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    pub(crate) captures: Vec<Money>,
    pub(crate) refunds: Vec<Money>,
    declined: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Gateway {
    pub(crate) mood: Mood,
    pub(crate) ledger: BTreeMap<PaymentId, Account>,
    wire: Vec<(Timestamp, PaymentId, Money)>,
}

impl Gateway {
    /// Answers a call, or does not.
    pub(crate) fn call(
        &mut self,
        key: PaymentId,
        effect: Effect,
        amount: Money,
        now: Timestamp,
    ) -> Answer {
        let silence = Answer::Unknown("timeout".to_owned());
        let account = self.ledger.entry(key).or_default();
        match (effect, self.mood) {
            (_, Mood::Silent | Mood::Down) => return silence,
            (Effect::Capture, Mood::Slow) => {
                self.wire.push((now.plus(WIRE), key, amount));
                return silence;
            }
            (Effect::Capture, Mood::Declines) => account.declined |= account.captures.is_empty(),
            (Effect::Capture, Mood::Fine | Mood::Mute | Mood::Wordless | Mood::KeepsTheMoney) => {
                account.capture(amount);
            }
            (Effect::Ask, _) => {}
            (Effect::Refund(_), Mood::KeepsTheMoney) => return Answer::NotFound,
            (Effect::Refund(back), _) => account.refund(back),
        }
        let mute = self.mood == Mood::Mute && effect != Effect::Ask;
        if mute || self.mood == Mood::Wordless { silence } else { account.answer(effect) }
    }

    /// What was on its way arrives.
    pub(crate) fn arrive(&mut self, now: Timestamp) {
        for (at, key, amount) in std::mem::take(&mut self.wire) {
            if at > now {
                self.wire.push((at, key, amount));
            } else {
                self.ledger.entry(key).or_default().capture(amount);
            }
        }
    }

    /// When the next charge arrives.
    pub(crate) fn arrival(&self) -> Option<Timestamp> {
        self.wire.iter().map(|(at, _, _)| *at).min()
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

//! What an order can be told.

use surehold_domain::id::{EffectId, OrderKey};
use surehold_domain::saga::{Command, Outcome, Reason, Rejection, Saga};
use tokio::sync::oneshot;

use crate::watch::Seen;

/// A message to an order.
pub enum OrderMsg {
    /// The world answers an effect.
    Outcome(EffectId, Outcome),
    /// The inventory granted the hold.
    Granted(EffectId),
    /// It did not; the number is that of the ask it answers.
    NotHeld(EffectId, Reason, u64),
    /// The gateway has the money.
    Charged(EffectId),
    /// Somebody asks for something and waits for the verdict.
    Command(Command, oneshot::Sender<CommandReply>),
    /// The deadline has come, as far as the agenda knows.
    Wake,
    /// A participant came back and may have missed what the order asked of it.
    Reissue,
    /// The payments can be reached again after a while in which they could not.
    PaymentsBack,
    /// A fault on demand.
    Crash,
}

/// What a command came to. A refusal is a reply.
#[derive(Debug)]
pub enum CommandReply {
    /// It was recorded; the order stands like this, once the sequence is durable.
    Done(Seen),
    /// It was so already.
    AlreadySo(Seen),
    /// The order refuses.
    Rejected(Rejection),
    /// There is no such order.
    NoSuchOrder,
}

/// The state of an order that was placed just now.
pub struct Begin {
    /// The order after its first fact.
    pub saga: Box<Saga>,
    /// That fact's sequence.
    pub sequence: u64,
}

/// A fault on demand: where it is set, the order panics as soon as it lives.
#[derive(Clone, Copy, Debug, Default)]
pub struct Poison(pub bool);

impl Poison {
    /// Panics if the fault is set.
    ///
    /// # Panics
    /// That is what it is for.
    pub fn strike(self, key: OrderKey) {
        assert!(!self.0, "order {} is poisoned", key.order);
    }
}

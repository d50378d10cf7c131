//! One movement of money: asked for, known or not, and perhaps given back.
//!
//! ```text
//!  Pending --captured--> Captured --refund--> Refunding --refunded--> Refunded
//!    |  \--declined--> Declined                   \--no answer--> asked again, same key
//!    |  \--no answer--> Unknown --(the same answers; not found: Pending again)
//!    \--refund wanted before the outcome is known--> Voiding --captured--> Refunding
//!    |                                                   \--declined, not found--> Voided
//!    \--nothing more shall be charged, what was stays--> Settling --captured--> Captured
//!              (refund wanted meanwhile: Voiding)          |  \--declined--> Declined
//!                                                          \--not found--> Voided
//! ```
//!
//! A gateway that did not answer is `Unknown`, never `Declined`: it is asked again under the same
//! key until it speaks. Nothing is called void while a charge may still be on its way; and if it comes
//! to something after all, what was void or declined goes back: `Refunding`.

mod fact;

use serde::{Deserialize, Serialize};

pub use fact::{Event, Fact, State};

use crate::card::Card;
use crate::id::{OrderKey, PaymentId};
use crate::money::Money;
use crate::mutant::{self, Mutant};
use crate::time::{Span, Timestamp};

/// First pause before a gateway that did not answer is asked again.
pub const ASK_PAUSE: Span = Span::seconds(1);
/// Longest such pause.
pub const ASK_PAUSE_MAX: Span = Span::seconds(60);
/// A "not found" is believed only this long after the last charge was sent: until then the charge
/// may still be on its way to the gateway.
pub const QUIET: Span = Span::seconds(30);

/// What is owed to a payment by the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Take the money.
    Capture,
    /// Say what became of the charge.
    Ask,
    /// Give this much back.
    Refund(Money),
}

/// What a payment is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The order wants this much back; `None`: whatever was or may have been charged.
    Refund(Option<Money>),
    /// The order wants to know what became of the charge, and no more charged.
    Settle,
    /// The gateway answered.
    Answer(Answer),
}

/// What a gateway said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The money is there.
    Captured,
    /// No, and why.
    Declined(String),
    /// Nothing, or nothing clear: a timeout, a reset, an error of its own.
    Unknown(String),
    /// There is no charge under this key.
    NotFound,
    /// So much went back.
    Refunded(Money),
}

/// What the payment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This is now a fact.
    Record(Event),
    /// Nothing changes, and that is right.
    Ignore,
}

/// One payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    id: PaymentId,
    order: OrderKey,
    amount: Money,
    card: Option<Card>,
    state: State,
    /// Facts applied so far.
    number: u32,
    /// When a charge was last sent.
    sent_at: Timestamp,
    updated_at: Timestamp,
}

impl Payment {
    /// The payment its first fact makes; `None` if that fact does not request one.
    #[must_use]
    pub fn begin(id: PaymentId, fact: &Fact) -> Option<Payment> {
        Payment::begin_with(id, fact.clone())
    }

    /// As [`Payment::begin`], for whoever needs the fact no longer.
    #[must_use]
    pub fn begin_with(id: PaymentId, fact: Fact) -> Option<Payment> {
        let Event::Requested { order, amount, card } = fact.event else { return None };
        Some(Payment {
            id,
            order,
            amount,
            card,
            state: State::Pending,
            number: 1,
            sent_at: fact.at,
            updated_at: fact.at,
        })
    }

    /// Looks at what it is told and says what becomes of it. Pure and total.
    #[must_use]
    pub fn decide(&self, input: Input, now: Timestamp) -> Verdict {
        match input {
            Input::Refund(amount) => self.refund(amount),
            Input::Settle => self.settle(),
            Input::Answer(answer) => self.answered(answer, now),
        }
    }

    fn refund(&self, amount: Option<Money>) -> Verdict {
        match &self.state {
            State::Pending | State::Unknown { .. } | State::Settling { .. } => {
                Verdict::Record(Event::VoidRequested)
            }
            State::Captured => {
                Verdict::Record(Event::RefundRequested(amount.unwrap_or(self.amount)))
            }
            State::Declined(_)
            | State::Voiding { .. }
            | State::Refunding { .. }
            | State::Voided
            | State::Refunded(_) => Verdict::Ignore,
        }
    }

    fn settle(&self) -> Verdict {
        match &self.state {
            State::Pending | State::Unknown { .. } => Verdict::Record(Event::SettleRequested),
            // It is known, or on its way to be; and what was to go back goes back.
            State::Captured
            | State::Declined(_)
            | State::Voiding { .. }
            | State::Refunding { .. }
            | State::Voided
            | State::Refunded(_)
            | State::Settling { .. } => Verdict::Ignore,
        }
    }

    fn answered(&self, answer: Answer, now: Timestamp) -> Verdict {
        let answer = match answer {
            Answer::Unknown(why) if mutant::is(Mutant::UnknownIsDeclined) => Answer::Declined(why),
            Answer::Captured
            | Answer::Declined(_)
            | Answer::Unknown(_)
            | Answer::NotFound
            | Answer::Refunded(_) => answer,
        };
        match (&self.state, answer) {
            (
                State::Pending
                | State::Unknown { .. }
                | State::Voiding { .. }
                | State::Settling { .. },
                Answer::Captured,
            )
            // Nobody waits for it any more: it goes back.
            | (State::Voided | State::Declined(_), Answer::Captured) => {
                Verdict::Record(Event::Captured)
            }
            (
                State::Pending | State::Unknown { .. } | State::Settling { .. },
                Answer::Declined(why),
            ) => Verdict::Record(Event::Declined(why)),
            (State::Voiding { .. }, Answer::Declined(_)) => Verdict::Record(Event::Voided),
            (State::Pending | State::Unknown { .. }, Answer::NotFound) => {
                Verdict::Record(Event::NotFound)
            }
            (
                State::Voiding { attempt, .. } | State::Settling { attempt, .. },
                Answer::NotFound,
            ) => {
                if now.since(self.sent_at) >= QUIET {
                    Verdict::Record(Event::Voided)
                } else {
                    self.unanswered(*attempt, now)
                }
            }
            (State::Refunding { .. }, Answer::Refunded(amount)) => {
                Verdict::Record(Event::Refunded(amount))
            }
            (State::Pending, Answer::Unknown(_)) => self.unanswered(0, now),
            (
                State::Unknown { attempt, .. }
                | State::Voiding { attempt, .. }
                | State::Refunding { attempt, .. }
                | State::Settling { attempt, .. },
                Answer::Unknown(_),
            ) => self.unanswered(*attempt, now),
            // A gateway that contradicts itself is asked on; the order gets stuck, a person looks.
            (State::Refunding { attempt, .. }, Answer::NotFound | Answer::Declined(_)) => {
                self.unanswered(*attempt, now)
            }
            (
                State::Pending
                | State::Unknown { .. }
                | State::Voiding { .. }
                | State::Settling { .. },
                Answer::Refunded(_),
            )
            | (State::Refunding { .. }, Answer::Captured)
            | (
                State::Captured | State::Declined(_) | State::Voided | State::Refunded(_),
                Answer::Captured
                | Answer::Declined(_)
                | Answer::Unknown(_)
                | Answer::NotFound
                | Answer::Refunded(_),
            ) => Verdict::Ignore,
        }
    }

    fn unanswered(&self, attempt: u32, now: Timestamp) -> Verdict {
        let again_at = now.plus(ASK_PAUSE.doubled(attempt, ASK_PAUSE_MAX));
        Verdict::Record(Event::Unanswered { attempt: attempt.saturating_add(1), again_at })
    }

    /// Makes a fact so.
    pub fn apply(&mut self, fact: &Fact) {
        self.number += 1;
        self.updated_at = fact.at;
        match &fact.event {
            Event::Requested { .. } => {}
            Event::Captured => {
                let unwanted = matches!(self.state, State::Voiding { .. }) || self.is_nothing();
                self.state =
                    if unwanted { self.refunding(self.amount, fact.at) } else { State::Captured };
            }
            Event::Declined(why) => self.state = State::Declined(why.clone()),
            Event::Unanswered { attempt, again_at } => {
                if *attempt == 1 {
                    // The call that was not answered may have left later than it was asked for.
                    self.sent_at = fact.at;
                }
                self.state = self.unanswered_state(*attempt, *again_at);
            }
            Event::NotFound => {
                self.state = State::Pending;
                self.sent_at = fact.at;
            }
            Event::RefundRequested(amount) => self.state = self.refunding(*amount, fact.at),
            Event::VoidRequested => {
                // A charge that waited for its turn may be leaving just now.
                self.sent_at = fact.at;
                self.state = State::Voiding { attempt: 0, again_at: fact.at };
            }
            Event::SettleRequested => {
                // As above.
                self.sent_at = fact.at;
                self.state = State::Settling { attempt: 0, again_at: fact.at };
            }
            Event::Refunded(amount) => self.state = State::Refunded(*amount),
            Event::Voided => self.state = State::Voided,
        }
    }

    fn refunding(&self, amount: Money, at: Timestamp) -> State {
        State::Refunding { amount, attempt: 0, again_at: at }
    }

    fn unanswered_state(&self, attempt: u32, again_at: Timestamp) -> State {
        match self.state {
            State::Voiding { .. } => State::Voiding { attempt, again_at },
            State::Settling { .. } => State::Settling { attempt, again_at },
            State::Refunding { amount, .. } => State::Refunding { amount, attempt, again_at },
            State::Pending
            | State::Unknown { .. }
            | State::Captured
            | State::Declined(_)
            | State::Voided
            | State::Refunded(_) => State::Unknown { attempt, again_at },
        }
    }

    /// What the gateway owes this payment, and from when on it may be asked.
    #[must_use]
    pub fn effect(&self) -> Option<(Effect, Timestamp)> {
        match &self.state {
            State::Pending => Some((Effect::Capture, self.updated_at)),
            State::Unknown { again_at, .. }
            | State::Voiding { again_at, .. }
            | State::Settling { again_at, .. } => Some((Effect::Ask, *again_at)),
            State::Refunding { amount, again_at, .. } => Some((Effect::Refund(*amount), *again_at)),
            State::Captured | State::Declined(_) | State::Voided | State::Refunded(_) => None,
        }
    }

    /// Whether the gateway said that it came to nothing.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        matches!(self.state, State::Voided | State::Declined(_))
    }

    /// Its number in its market.
    #[must_use]
    pub fn id(&self) -> PaymentId {
        self.id
    }

    /// The order it pays.
    #[must_use]
    pub fn order(&self) -> OrderKey {
        self.order
    }

    /// How much.
    #[must_use]
    pub fn amount(&self) -> Money {
        self.amount
    }

    /// What with.
    #[must_use]
    pub fn card(&self) -> Option<&Card> {
        self.card.as_ref()
    }

    /// Where it is.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Facts applied so far.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The state's name on the wire.
    #[must_use]
    pub fn state_name(&self) -> &'static str {
        match &self.state {
            State::Pending => "pending",
            State::Unknown { .. } | State::Voiding { .. } | State::Settling { .. } => "unknown",
            State::Captured | State::Refunding { .. } => "captured",
            State::Declined(_) => "declined",
            State::Voided => "voided",
            State::Refunded(amount) if *amount == self.amount => "refunded",
            State::Refunded(_) => "partly_refunded",
        }
    }
}

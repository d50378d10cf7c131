//! What can happen to an order, and what the order says to it.

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::state::{Phase, Reason};
use crate::attributes::Attributes;
use crate::card::Card;
use crate::id::{ConfirmationId, EffectId, OfferingId, PaymentId};
use crate::money::Money;
use crate::order::Claim;
use crate::quantity::Quantity;
use crate::terms::ConfirmationTerms;
use crate::time::Timestamp;

/// Something a person or program asks of an order.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Pay an unpaid order.
    Pay {
        /// The number the payment will have.
        payment: PaymentId,
        /// What with.
        card: Card,
    },
    /// Cancel; what was taken is undone.
    Cancel {
        /// The customer's words.
        note: Option<String>,
        /// The quote that must be honoured, by its event number.
        quote: Option<u32>,
        /// What the marketplace keeps beside the order, as far as it changes with this.
        attributes: Attributes,
    },
    /// What was booked was delivered.
    Complete,
    /// The customer did not come.
    NoShow {
        /// The operator's words.
        note: Option<String>,
    },
    /// Say what a cancellation now would return, and hold to it for a while.
    Quote,
    /// Try a stuck compensation again.
    Retry,
    /// Change what the marketplace keeps beside the order.
    Annotate(Attributes),
}

/// What the world owes an order. It follows from the state alone, so that running and recovering
/// are one path.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Hold units.
    Hold {
        /// Of what.
        offering: OfferingId,
        /// How much.
        claim: Claim,
    },
    /// Take the money.
    Charge {
        /// The payment's number: the gateway's idempotency key is made of it.
        payment: PaymentId,
        /// How much.
        amount: Money,
        /// What with.
        card: Option<Card>,
    },
    /// Get the confirmation.
    Confirm {
        /// Its number.
        confirmation: ConfirmationId,
        /// From whom, and by when.
        terms: ConfirmationTerms,
        /// Whether the time is up and the answer is yes.
        demanded: bool,
    },
    /// Give money back, whatever became of the charge.
    Refund {
        /// Of which payment.
        payment: PaymentId,
        /// How much; `None` for all that was charged, if anything was.
        amount: Option<Money>,
    },
    /// Say what became of the charge; no more is charged, and what was stays for now.
    Settle {
        /// Of which payment.
        payment: PaymentId,
    },
    /// Give units back.
    Release {
        /// Of what.
        offering: OfferingId,
    },
    /// Take a waiting confirmation out of the operator's queue.
    Withdraw {
        /// Its number.
        confirmation: ConfirmationId,
    },
    /// Credit the points that come with the order.
    Credit {
        /// How many.
        points: u64,
    },
    /// Count what the order brought.
    Supply {
        /// Of what.
        offering: OfferingId,
        /// How much.
        quantity: Quantity,
    },
}

/// Who owes an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Party {
    /// The offering's actor.
    Inventory,
    /// The payments actor.
    Payments,
    /// The confirmations actor.
    Confirmations,
    /// The mileage actor.
    Mileage,
}

impl Effect {
    /// What is asked, in a word.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Effect::Hold { .. } => "hold",
            Effect::Charge { .. } => "charge",
            Effect::Confirm { .. } => "confirm",
            Effect::Refund { .. } => "refund",
            Effect::Settle { .. } => "settle",
            Effect::Release { .. } => "release",
            Effect::Withdraw { .. } => "withdraw",
            Effect::Credit { .. } => "credit",
            Effect::Supply { .. } => "supply",
        }
    }

    /// Who owes it.
    #[must_use]
    pub fn party(&self) -> Party {
        match self {
            Effect::Hold { .. } | Effect::Release { .. } | Effect::Supply { .. } => {
                Party::Inventory
            }
            Effect::Charge { .. } | Effect::Refund { .. } | Effect::Settle { .. } => {
                Party::Payments
            }
            Effect::Confirm { .. } | Effect::Withdraw { .. } => Party::Confirmations,
            Effect::Credit { .. } => Party::Mileage,
        }
    }
}

/// Numbers for what follows a hold; the shell asks [`super::Saga::needs`] which one to bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The next payment's number.
    Payment(PaymentId),
    /// The next confirmation's number: there is nothing to pay.
    Confirmation(ConfirmationId),
    /// The payments are known to be down.
    PaymentsDown,
    /// Points come with the payment, and the mileage is known to be down.
    MileageDown,
    /// Nothing is asked for yet: the customer pays later.
    Nothing,
}

/// What the world answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The units are held.
    Held(Next),
    /// They are not, and will not be.
    NotHeld(Reason),
    /// The money is there; the number is for the confirmation that follows.
    Captured(ConfirmationId),
    /// The gateway said no.
    Declined(String),
    /// The gateway was never asked: it is down.
    Unavailable,
    /// So much went back (nothing, if nothing had been charged).
    Refunded(Money),
    /// The units are back.
    Released,
    /// The confirmation stands in the operator's queue.
    Awaited,
    /// The promise is made.
    Confirmed,
    /// The operator said no.
    Rejected(Option<String>),
    /// The confirmation is out of the queue.
    Withdrawn,
    /// The points are credited.
    Credited,
    /// They are not, and will not be: the mileage is down.
    NotCredited,
    /// What the order brought is counted.
    Supplied,
}

/// Anything that can happen to an order.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Somebody asks for something.
    Command(Command),
    /// The world answers an effect.
    Outcome(EffectId, Outcome),
    /// Time passed; the order looks at its own deadline.
    Wake,
    /// The payments can be reached again; the number is for the charge that now follows.
    PaymentsBack(PaymentId),
}

/// What the order says.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// This is now a fact.
    Record(Event),
    /// Nothing changes, and that is right.
    Ignore(Why),
    /// No.
    Reject(Rejection),
}

/// Why an input changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It answers an effect that is no longer outstanding, or answers it twice.
    NotOutstanding,
    /// It answers the outstanding effect with something that is no answer to it.
    NoAnswer,
    /// It is already so, or on its way.
    AlreadySo,
    /// The deadline is not there yet.
    NotDue,
}

/// Why an order refuses a command. A reply, never an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The command does not fit the phase.
    #[error("an order that is {phase} cannot {command}")]
    WrongPhase {
        /// Where the order is.
        phase: Phase,
        /// What was asked.
        command: &'static str,
    },
    /// Nobody can fail to come to what has not begun.
    #[error("what was booked has not begun")]
    NotBegun {
        /// When it begins.
        starts_at: Timestamp,
    },
    /// The order brings something: nobody is expected.
    #[error("an order that brings stock cannot be a no-show; cancel it")]
    NobodyExpected,
    /// There is no such quote, or it no longer holds.
    #[error("the quote is unknown or no longer holds; ask for a new one")]
    QuoteExpired,
    /// The order carries as much as it may.
    #[error("an order carries at most {0} attributes")]
    TooManyAttributes(usize),
    /// The order was quoted or changed too often.
    #[error("an order takes at most {0} quotes and changes")]
    TooManyChanges(u32),
}

impl Command {
    /// The command's name, as refusals use it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Command::Pay { .. } => "be paid",
            Command::Cancel { .. } => "be cancelled",
            Command::Complete => "be completed",
            Command::NoShow { .. } => "be a no-show",
            Command::Quote => "be quoted a cancellation",
            Command::Retry => "be retried",
            Command::Annotate(_) => "be changed",
        }
    }
}

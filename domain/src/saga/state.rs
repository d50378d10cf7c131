//! Where an order can be. Each state carries exactly what that phase needs.
//!
//! ```text
//!  Holding --no room-------------------------------------------------> Refused
//!    | held                \--cancelled, no answer in time, gateway or mileage down--> Releasing
//!    |--pay later--> Unpaid --pay, gateway back--> Paying;  cancelled, deadline--> Releasing
//!    |--nothing to pay--> Paid
//!    v
//!  Paying --declined, gateway down and refuse--> Releasing
//!    |  \--gateway down and pay later--> Unpaid
//!    |  \--cancelled, no answer in time--> Refunding (what is in flight counts as charged)
//!    |--captured, points come with it--> Crediting --credited--> Paid
//!    |                                       \--no mileage, cancelled, no answer in time--> Refunding
//!    v captured
//!  Paid --rejected, cancelled, confirmation deadline--> Refunding (nothing charged: Releasing)
//!    v confirmed
//!  Confirmed --cancelled, no-show--> Refunding (nothing to return: Releasing)
//!    |  \--brings stock, not completed in time--> Releasing
//!    |--completed, brings stock--> Delivering --counted--> Fulfilled
//!    v completed
//!  Fulfilled
//!
//!  Refunding --refunded--> Releasing --released--> Cancelled
//!    |  \--too many attempts--> Stuck <--/   Stuck --retry, cancelled--> where it was
//!    \--the money came late, and the plan says retake--> Paid, or Crediting where points come with it
//! ```
//!
//! An order that no longer waits for its money is `Refunding` also while it only asks whether the
//! money came: its units are held until that is known.
//!
//! To the outside `Crediting` is still paying, and `Delivering` still confirmed.
//!
//! `Releasing` first returns the units, then takes a waiting confirmation out of the operator's
//! queue; both are one phase to the outside.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::ConfirmationId;
use crate::money::Money;
use crate::time::Timestamp;

/// Why an order did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Nothing is left of what was asked for.
    NoRoom,
    /// The offering is no longer sold.
    OfferingClosed,
    /// The inventory is down.
    InventoryUnavailable,
    /// The customer cancelled, and perhaps said why.
    Customer(Option<String>),
    /// The inventory did not answer in time.
    HoldExpired,
    /// The gateway declined the card.
    PaymentDeclined(String),
    /// The gateway could not be reached, and the plan says to refuse.
    PaymentUnavailable,
    /// The money did not arrive while the units were held.
    PaymentExpired,
    /// The customer did not pay in the time given.
    Unpaid,
    /// The operator said no, and perhaps why.
    Rejected(Option<String>),
    /// Nobody confirmed in time.
    ConfirmationExpired,
    /// The plan credits points with the payment, and the mileage is down.
    MileageUnavailable,
    /// The offering is not booked like this: by units, nights or slots.
    WrongClaim,
    /// What the order was to bring did not arrive in time.
    NotDelivered,
    /// The customer did not come, and perhaps what the operator says of it.
    NoShow(Option<String>),
}

impl Reason {
    /// A stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Reason::NoRoom => "no_room",
            Reason::OfferingClosed => "offering_closed",
            Reason::InventoryUnavailable => "inventory_unavailable",
            Reason::Customer(_) => "customer",
            Reason::HoldExpired => "hold_expired",
            Reason::PaymentDeclined(_) => "payment_declined",
            Reason::PaymentUnavailable => "payment_unavailable",
            Reason::PaymentExpired => "payment_expired",
            Reason::Unpaid => "unpaid",
            Reason::Rejected(_) => "rejected",
            Reason::ConfirmationExpired => "confirmation_expired",
            Reason::MileageUnavailable => "mileage_unavailable",
            Reason::WrongClaim => "wrong_claim",
            Reason::NotDelivered => "not_delivered",
            Reason::NoShow(_) => "no_show",
        }
    }

    /// The words that came with it.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        match self {
            Reason::Customer(note) | Reason::Rejected(note) | Reason::NoShow(note) => {
                note.as_deref()
            }
            Reason::PaymentDeclined(note) => Some(note),
            Reason::NoRoom
            | Reason::OfferingClosed
            | Reason::InventoryUnavailable
            | Reason::HoldExpired
            | Reason::PaymentUnavailable
            | Reason::PaymentExpired
            | Reason::Unpaid
            | Reason::ConfirmationExpired
            | Reason::MileageUnavailable
            | Reason::WrongClaim
            | Reason::NotDelivered => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.note() {
            Some(note) => write!(f, "{}: {note}", self.code()),
            None => f.write_str(self.code()),
        }
    }
}

/// The money side of a compensation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Return {
    /// Nothing was charged, or nothing comes back.
    Nothing,
    /// All that was or may have been charged: the outcome of the payment is not known.
    All,
    /// This much of what was charged.
    Part(Money),
    /// Nothing yet: it is asked whether the money came after all. If it did, the order takes it and
    /// goes on; if it did not, the rest is undone.
    Retake,
}

/// A compensation under way: what is undone, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// Why.
    pub reason: Reason,
    /// What money comes back.
    pub money: Return,
    /// A confirmation that still waits in the operator's queue and must be taken out of it.
    pub withdraw: Option<ConfirmationId>,
}

/// Which confirmation answer the order waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asked {
    /// The request is on its way.
    Requested,
    /// It stands in the operator's queue; only time or a person moves it.
    Waiting,
    /// Time moved it: the plan says that it now counts as confirmed.
    Demanded,
}

/// Which compensation is under way, or was when it got stuck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// Money goes back.
    Money,
    /// Units go back.
    Units,
    /// The waiting confirmation is withdrawn.
    Confirmation,
}

/// Where an order is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// The inventory was asked for a hold.
    Holding {
        /// When the order gives up waiting for it.
        until: Timestamp,
    },
    /// The payment was asked for.
    Paying {
        /// When the order gives up waiting for it.
        until: Timestamp,
    },
    /// Units are held; the customer has still to pay.
    Unpaid {
        /// When the customer's time is up.
        until: Timestamp,
    },
    /// Paid (or nothing to pay); a confirmation is asked for.
    Paid {
        /// When the time to confirm is up.
        until: Timestamp,
        /// How far the asking got.
        asked: Asked,
    },
    /// Promised to the customer.
    Confirmed {
        /// When it counts as fulfilled by itself.
        until: Timestamp,
    },
    /// A compensation is under way.
    Undoing {
        /// What is undone.
        undo: Undo,
        /// Which part of it.
        part: Part,
        /// Attempts made, from 1.
        attempt: u32,
        /// When to try again.
        until: Timestamp,
    },
    /// A compensation could not finish: a person must look. It is tried again now and then.
    Stuck {
        /// What is undone.
        undo: Undo,
        /// Which part of it did not finish.
        part: Part,
        /// When to try again.
        until: Timestamp,
    },
    /// Done.
    Fulfilled,
    /// Never held, never charged.
    Refused(Reason),
    /// Undone.
    Cancelled(Reason),
    /// The money is there, and the points that come with it are asked for.
    Crediting {
        /// The number of the confirmation that follows.
        confirmation: ConfirmationId,
        /// When the order gives up waiting for them.
        until: Timestamp,
    },
    /// What the order brings has arrived, and the inventory is asked to count it.
    Delivering {
        /// When to ask again.
        until: Timestamp,
    },
}

/// The name of a state, as the outside knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// See [`State::Holding`].
    Holding,
    /// See [`State::Paying`].
    Paying,
    /// See [`State::Unpaid`].
    Unpaid,
    /// See [`State::Paid`].
    Paid,
    /// See [`State::Confirmed`].
    Confirmed,
    /// Undoing, money first.
    Refunding,
    /// Undoing, then units and waiting confirmations.
    Releasing,
    /// See [`State::Stuck`].
    Stuck,
    /// See [`State::Fulfilled`].
    Fulfilled,
    /// See [`State::Refused`].
    Refused,
    /// See [`State::Cancelled`].
    Cancelled,
}

impl Phase {
    /// All phases, in the order of a booking's life.
    pub const ALL: [Phase; 11] = [
        Phase::Holding,
        Phase::Paying,
        Phase::Unpaid,
        Phase::Paid,
        Phase::Confirmed,
        Phase::Refunding,
        Phase::Releasing,
        Phase::Stuck,
        Phase::Fulfilled,
        Phase::Refused,
        Phase::Cancelled,
    ];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Phase::Holding => "holding",
            Phase::Paying => "paying",
            Phase::Unpaid => "unpaid",
            Phase::Paid => "paid",
            Phase::Confirmed => "confirmed",
            Phase::Refunding => "refunding",
            Phase::Releasing => "releasing",
            Phase::Stuck => "stuck",
            Phase::Fulfilled => "fulfilled",
            Phase::Refused => "refused",
            Phase::Cancelled => "cancelled",
        }
    }

    /// The phase with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Phase> {
        Phase::ALL.into_iter().find(|phase| phase.name() == name)
    }

    /// Whether nothing can follow.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Phase::Fulfilled | Phase::Refused | Phase::Cancelled)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl State {
    /// The name of this state.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self {
            State::Holding { .. } => Phase::Holding,
            State::Paying { .. } | State::Crediting { .. } => Phase::Paying,
            State::Unpaid { .. } => Phase::Unpaid,
            State::Paid { .. } => Phase::Paid,
            State::Confirmed { .. } | State::Delivering { .. } => Phase::Confirmed,
            State::Undoing { part: Part::Money, .. } => Phase::Refunding,
            State::Undoing { part: Part::Units | Part::Confirmation, .. } => Phase::Releasing,
            State::Stuck { .. } => Phase::Stuck,
            State::Fulfilled => Phase::Fulfilled,
            State::Refused(_) => Phase::Refused,
            State::Cancelled(_) => Phase::Cancelled,
        }
    }

    /// When to look again; every state that is not terminal has a time.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            State::Holding { until }
            | State::Paying { until }
            | State::Unpaid { until }
            | State::Paid { until, .. }
            | State::Confirmed { until }
            | State::Undoing { until, .. }
            | State::Stuck { until, .. }
            | State::Crediting { until, .. }
            | State::Delivering { until } => Some(*until),
            State::Fulfilled | State::Refused(_) | State::Cancelled(_) => None,
        }
    }
}

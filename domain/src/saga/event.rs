//! The journal's vocabulary for an order: facts in the past tense, never refused, never changed.
//!
//! Variants are only ever added at the end: stored bytes name a variant by its place.

use serde::{Deserialize, Serialize};

pub use super::kind::EventKind;
use super::state::{Phase, Reason, Undo};
use crate::attributes::Attributes;
use crate::card::Card;
use crate::id::{ConfirmationId, PaymentId};
use crate::money::Money;
use crate::order::Order;
use crate::time::Timestamp;

/// Where an order goes once its units are held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AfterHold {
    /// The payment was asked for.
    Pay {
        /// Its number.
        payment: PaymentId,
        /// When the order gives up waiting for it.
        until: Timestamp,
    },
    /// The customer pays later.
    PayLater {
        /// When the customer's time is up.
        until: Timestamp,
    },
    /// Nothing is to be paid; the confirmation is asked for.
    Confirm {
        /// Its number.
        confirmation: ConfirmationId,
        /// When the time to confirm is up.
        until: Timestamp,
    },
    /// The gateway was known to be down, and the plan says to refuse.
    Undo {
        /// What is undone.
        undo: Undo,
        /// When to try again.
        until: Timestamp,
    },
}

/// A fact about an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// A customer asked.
    Placed {
        /// What for.
        order: Box<Order>,
        /// What with.
        card: Option<Card>,
        /// When the order gives up waiting for the inventory.
        until: Timestamp,
    },
    /// The units are held.
    Held(AfterHold),
    /// There was no room.
    Refused(Reason),
    /// The customer sent a card for an unpaid order.
    PayRequested {
        /// The number of the payment asked for.
        payment: PaymentId,
        /// What with.
        card: Card,
        /// When the order gives up waiting for it.
        until: Timestamp,
    },
    /// The gateway was down; the customer may pay later.
    PaymentDeferred {
        /// When the customer's time is up.
        until: Timestamp,
    },
    /// The money is there.
    Paid {
        /// The number of the confirmation asked for.
        confirmation: ConfirmationId,
        /// When the time to confirm is up.
        until: Timestamp,
    },
    /// The confirmation stands in the operator's queue.
    ConfirmationAwaited,
    /// Nobody spoke in time, and the plan says that this is a yes.
    ConfirmationDemanded {
        /// When to ask again.
        until: Timestamp,
    },
    /// The promise is made.
    Confirmed {
        /// When the order counts as fulfilled by itself.
        until: Timestamp,
    },
    /// What was booked was delivered.
    Fulfilled,
    /// A compensation began.
    UndoStarted {
        /// What is undone.
        undo: Undo,
        /// When to try again.
        until: Timestamp,
        /// What the marketplace keeps beside the order, as far as it changed with this.
        attributes: Attributes,
    },
    /// One more attempt at a compensation.
    UndoRetried {
        /// Which attempt this is.
        attempt: u32,
        /// When to try again.
        until: Timestamp,
    },
    /// The money went back (nothing, if it had never been charged).
    Refunded {
        /// How much.
        amount: Money,
        /// When to try the next part again.
        until: Timestamp,
    },
    /// The units went back.
    Released {
        /// When to try the next part again.
        until: Timestamp,
    },
    /// The waiting confirmation was taken out of the queue.
    Withdrawn,
    /// The compensation was given up for now.
    GotStuck {
        /// When it is tried again.
        until: Timestamp,
    },
    /// A stuck compensation was taken up again.
    Resumed {
        /// When to try again.
        until: Timestamp,
    },
    /// The customer was told what a cancellation returns.
    Quoted {
        /// How much.
        refund: Money,
        /// Until when that holds.
        until: Timestamp,
    },
    /// The marketplace changed what it keeps beside the order.
    Annotated(Attributes),
    /// The money is there; the points that come with it are asked for.
    Charged {
        /// The number of the confirmation that follows.
        confirmation: ConfirmationId,
        /// When the order gives up waiting for the points.
        until: Timestamp,
    },
    /// What the order brings has arrived; the inventory is asked to count it.
    Delivered {
        /// When to ask again.
        until: Timestamp,
    },
    /// The gateway answers again, and what the order was to be paid with is known: it is asked for.
    PaymentResumed {
        /// The number of the payment asked for.
        payment: PaymentId,
        /// When the order gives up waiting for it.
        until: Timestamp,
    },
    /// The money came after the time for it, and the order takes it and goes on.
    Retaken {
        /// The number of the confirmation that follows.
        confirmation: ConfirmationId,
        /// Whether points come with the payment and are asked for first.
        points: bool,
        /// When the time for what follows is up: the points, or the confirmation.
        until: Timestamp,
    },
}

/// A fact and when it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// Who or what brought a fact about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// The customer's command.
    Customer,
    /// The operator's command.
    Operator,
    /// The inventory's answer.
    Inventory,
    /// The payment's answer.
    Payments,
    /// The confirmation's answer.
    Confirmations,
    /// A deadline that passed.
    Deadline,
    /// The marketplace's command.
    Market,
}

impl Cause {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Cause::Customer => "customer",
            Cause::Operator => "operator",
            Cause::Inventory => "inventory",
            Cause::Payments => "payments",
            Cause::Confirmations => "confirmations",
            Cause::Deadline => "deadline",
            Cause::Market => "market",
        }
    }
}

impl Event {
    /// Which fact it is.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        match self {
            Event::Placed { .. } => EventKind::Placed,
            Event::Held(_) => EventKind::Held,
            Event::Refused(_) => EventKind::Refused,
            Event::PayRequested { .. } => EventKind::PayRequested,
            Event::PaymentDeferred { .. } => EventKind::PaymentDeferred,
            Event::Paid { .. } => EventKind::Paid,
            Event::ConfirmationAwaited => EventKind::ConfirmationAwaited,
            Event::ConfirmationDemanded { .. } => EventKind::ConfirmationDemanded,
            Event::Confirmed { .. } => EventKind::Confirmed,
            Event::Fulfilled => EventKind::Fulfilled,
            Event::UndoStarted { .. } => EventKind::UndoStarted,
            Event::UndoRetried { .. } => EventKind::UndoRetried,
            Event::Refunded { .. } => EventKind::Refunded,
            Event::Released { .. } => EventKind::Released,
            Event::Withdrawn => EventKind::Withdrawn,
            Event::GotStuck { .. } => EventKind::GotStuck,
            Event::Resumed { .. } => EventKind::Resumed,
            Event::Quoted { .. } => EventKind::Quoted,
            Event::Annotated(_) => EventKind::Annotated,
            Event::Charged { .. } => EventKind::Charged,
            Event::Delivered { .. } => EventKind::Delivered,
            Event::PaymentResumed { .. } => EventKind::PaymentResumed,
            Event::Retaken { .. } => EventKind::Retaken,
        }
    }

    /// The payment and the confirmation whose numbers were given with this fact.
    #[must_use]
    pub fn numbers(&self) -> (Option<PaymentId>, Option<ConfirmationId>) {
        match self {
            Event::Held(AfterHold::Pay { payment, .. })
            | Event::PayRequested { payment, .. }
            | Event::PaymentResumed { payment, .. } => (Some(*payment), None),
            Event::Held(AfterHold::Confirm { confirmation, .. })
            | Event::Paid { confirmation, .. }
            | Event::Charged { confirmation, .. }
            | Event::Retaken { confirmation, .. } => (None, Some(*confirmation)),
            Event::Placed { .. }
            | Event::Held(AfterHold::PayLater { .. } | AfterHold::Undo { .. })
            | Event::Refused(_)
            | Event::PaymentDeferred { .. }
            | Event::ConfirmationAwaited
            | Event::ConfirmationDemanded { .. }
            | Event::Confirmed { .. }
            | Event::Fulfilled
            | Event::UndoStarted { .. }
            | Event::UndoRetried { .. }
            | Event::Refunded { .. }
            | Event::Released { .. }
            | Event::Withdrawn
            | Event::GotStuck { .. }
            | Event::Resumed { .. }
            | Event::Quoted { .. }
            | Event::Annotated(_)
            | Event::Delivered { .. } => (None, None),
        }
    }

    /// What brought it about, as far as the event itself tells.
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self {
            Event::Placed { .. } | Event::PayRequested { .. } | Event::Quoted { .. } => {
                Cause::Customer
            }
            Event::Held(_) | Event::Refused(_) | Event::Released { .. } => Cause::Inventory,
            Event::PaymentDeferred { .. }
            | Event::Paid { .. }
            | Event::Charged { .. }
            | Event::Retaken { .. }
            | Event::Refunded { .. } => Cause::Payments,
            Event::ConfirmationAwaited | Event::Confirmed { .. } | Event::Withdrawn => {
                Cause::Confirmations
            }
            Event::ConfirmationDemanded { .. }
            | Event::UndoRetried { .. }
            | Event::GotStuck { .. } => Cause::Deadline,
            Event::Fulfilled | Event::Delivered { .. } | Event::Resumed { .. } => Cause::Operator,
            Event::Annotated(_) | Event::PaymentResumed { .. } => Cause::Market,
            Event::UndoStarted { undo, .. } => undo.reason.cause(),
        }
    }
}

impl Reason {
    /// Who or what gave this reason.
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self {
            Reason::NoRoom
            | Reason::OfferingClosed
            | Reason::InventoryUnavailable
            | Reason::WrongClaim => Cause::Inventory,
            Reason::Customer(_) => Cause::Customer,
            Reason::PaymentDeclined(_)
            | Reason::PaymentUnavailable
            | Reason::MileageUnavailable => Cause::Payments,
            Reason::Rejected(_) | Reason::NoShow(_) => Cause::Operator,
            Reason::HoldExpired
            | Reason::PaymentExpired
            | Reason::Unpaid
            | Reason::ConfirmationExpired
            | Reason::NotDelivered => Cause::Deadline,
        }
    }
}

/// One line of an order's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// Which event.
    pub event: EventKind,
    /// The phase it led to.
    pub phase: Phase,
    /// What brought it about.
    pub cause: Cause,
    /// The words that came with it.
    pub note: Option<String>,
}

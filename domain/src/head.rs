//! The heads of stored facts: what those who follow the journal want to know of each, and no more.
//!
//! A fact is stored as its fields one after another, an event as the place of its variant and then its
//! fields. So a type with the first fields of another reads the front of what that one wrote: every type
//! here lies over its namesake, in the same order, and ends where nobody wants to know more. What is
//! not read costs nothing, be it the attributes of an order or the text of a message.
//!
//! Whoever adds to a namesake adds here; a test in `actors` holds both against one another over one
//! sample of everything that is stored.

use serde::Deserialize;

use crate::id::{ConfirmationId, MessageId, OfferingId, OrderId};
use crate::message::Occasion;
use crate::money::Money;
use crate::saga::{Return, Turn, Undo};
use crate::time::Timestamp;

/// See [`crate::saga::Fact`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct OrderFact<'a> {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(borrow)]
    pub event: OrderEvent<'a>,
}

/// See [`crate::saga::Event`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "each is what its namesake is")]
pub enum OrderEvent<'a> {
    #[serde(borrow)]
    Placed(OrderHead<'a>),
    Held(AfterHold),
    Refused,
    PayRequested,
    PaymentDeferred,
    Paid,
    ConfirmationAwaited,
    ConfirmationDemanded,
    Confirmed,
    Fulfilled,
    UndoStarted(Undo),
    UndoRetried,
    Refunded(Money),
    Released,
    Withdrawn,
    GotStuck,
    Resumed,
    Quoted,
    Annotated,
    Charged,
    Delivered,
    PaymentResumed,
    Retaken {
        confirmation: ConfirmationId,
        points: bool,
    },
}

/// See [`crate::order::Order`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct OrderHead<'a> {
    /// Who asked.
    pub customer: &'a str,
    /// What for.
    pub offering: OfferingId,
}

/// See [`crate::saga::AfterHold`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "each is what its namesake is")]
pub enum AfterHold {
    Pay,
    PayLater,
    Confirm,
    Undo(Undo),
}

impl OrderEvent<'_> {
    /// See [`crate::saga::Event::turn`].
    #[must_use]
    pub fn turn(&self) -> Option<Turn<'_>> {
        match self {
            OrderEvent::Paid
            | OrderEvent::Retaken { points: false, .. }
            | OrderEvent::Held(AfterHold::Confirm) => Some(Turn::Booked),
            OrderEvent::ConfirmationAwaited => Some(Turn::Awaited),
            OrderEvent::Confirmed => Some(Turn::Confirmed),
            OrderEvent::Fulfilled => Some(Turn::Fulfilled),
            OrderEvent::UndoStarted(Undo { money: Return::Retake, .. }) => None,
            OrderEvent::UndoStarted(undo) | OrderEvent::Held(AfterHold::Undo(undo)) => {
                Some(Turn::Undone(undo))
            }
            OrderEvent::Refunded(amount) => Some(Turn::Refunded(*amount)),
            OrderEvent::Released => Some(Turn::Released),
            OrderEvent::Placed(_)
            | OrderEvent::Held(AfterHold::Pay | AfterHold::PayLater)
            | OrderEvent::Refused
            | OrderEvent::PayRequested
            | OrderEvent::PaymentResumed
            | OrderEvent::PaymentDeferred
            | OrderEvent::ConfirmationDemanded
            | OrderEvent::UndoRetried
            | OrderEvent::Withdrawn
            | OrderEvent::GotStuck
            | OrderEvent::Resumed
            | OrderEvent::Quoted
            | OrderEvent::Annotated
            | OrderEvent::Charged
            | OrderEvent::Retaken { points: true, .. }
            | OrderEvent::Delivered => None,
        }
    }
}

/// See [`crate::payment::Fact`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct PaymentFact {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: PaymentEvent,
}

/// See [`crate::payment::Event`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "each is what its namesake is")]
pub enum PaymentEvent {
    Requested,
    Captured,
    Declined,
    Unanswered,
    NotFound,
    RefundRequested,
    VoidRequested,
    Refunded,
    Voided,
    SettleRequested,
}

/// See [`crate::inventory::Fact`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct OfferingFact {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: OfferingEvent,
}

/// See [`crate::inventory::Event`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "each is what its namesake is")]
pub enum OfferingEvent {
    Opened,
    Changed,
    Closed,
    Held,
    Released,
    Received,
    Adjusted,
}

/// See [`crate::message::Message`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct MessageHead<'a> {
    /// Its number in its market.
    pub id: MessageId,
    /// The record it tells of.
    pub source: u64,
    /// What it is about.
    pub occasion: Occasion,
    /// The order it tells of.
    pub order: OrderId,
    /// What was booked.
    pub offering: OfferingId,
    /// Whom it tells.
    pub customer: &'a str,
}

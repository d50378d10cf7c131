//! The names of an order's facts.

use serde::{Deserialize, Serialize};

/// Which fact it is, without what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// See [`super::Event::Placed`].
    Placed,
    /// See [`super::Event::Held`].
    Held,
    /// See [`super::Event::Refused`].
    Refused,
    /// See [`super::Event::PayRequested`].
    PayRequested,
    /// See [`super::Event::PaymentDeferred`].
    PaymentDeferred,
    /// See [`super::Event::Paid`].
    Paid,
    /// See [`super::Event::ConfirmationAwaited`].
    ConfirmationAwaited,
    /// See [`super::Event::ConfirmationDemanded`].
    ConfirmationDemanded,
    /// See [`super::Event::Confirmed`].
    Confirmed,
    /// See [`super::Event::Fulfilled`].
    Fulfilled,
    /// See [`super::Event::UndoStarted`].
    UndoStarted,
    /// See [`super::Event::UndoRetried`].
    UndoRetried,
    /// See [`super::Event::Refunded`].
    Refunded,
    /// See [`super::Event::Released`].
    Released,
    /// See [`super::Event::Withdrawn`].
    Withdrawn,
    /// See [`super::Event::GotStuck`].
    GotStuck,
    /// See [`super::Event::Resumed`].
    Resumed,
    /// See [`super::Event::Quoted`].
    Quoted,
    /// See [`super::Event::Annotated`].
    Annotated,
    /// See [`super::Event::Charged`].
    Charged,
    /// See [`super::Event::Delivered`].
    Delivered,
    /// See [`super::Event::PaymentResumed`].
    PaymentResumed,
    /// See [`super::Event::Retaken`].
    Retaken,
}

impl EventKind {
    /// The event's name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EventKind::Placed => "OrderPlaced",
            EventKind::Held => "OrderHeld",
            EventKind::Refused => "OrderRefused",
            EventKind::PayRequested => "PaymentRequested",
            EventKind::PaymentDeferred => "PaymentDeferred",
            EventKind::Paid => "OrderPaid",
            EventKind::ConfirmationAwaited => "ConfirmationAwaited",
            EventKind::ConfirmationDemanded => "ConfirmationDemanded",
            EventKind::Confirmed => "OrderConfirmed",
            EventKind::Fulfilled => "OrderFulfilled",
            EventKind::UndoStarted => "UndoStarted",
            EventKind::UndoRetried => "UndoRetried",
            EventKind::Refunded => "OrderRefunded",
            EventKind::Released => "OrderReleased",
            EventKind::Withdrawn => "ConfirmationWithdrawn",
            EventKind::GotStuck => "OrderStuck",
            EventKind::Resumed => "OrderResumed",
            EventKind::Quoted => "CancellationQuoted",
            EventKind::Annotated => "OrderAnnotated",
            EventKind::Charged => "OrderCharged",
            EventKind::Delivered => "OrderDelivered",
            EventKind::PaymentResumed => "PaymentResumed",
            EventKind::Retaken => "OrderRetaken",
        }
    }
}

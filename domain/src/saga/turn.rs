//! The turns of an order's life that others care about: followers, views, subscribers.

use super::event::{AfterHold, Event};
use super::state::{Return, Undo};
use crate::money::Money;

/// A turn of an order's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn<'a> {
    /// It came into being: paid, or there is nothing to pay.
    Booked,
    /// It waits for the operator.
    Awaited,
    /// It is confirmed.
    Confirmed,
    /// It is done.
    Fulfilled,
    /// It is being undone; perhaps it never came into being.
    Undone(&'a Undo),
    /// Its money went back.
    Refunded(Money),
    /// Its units went back.
    Released,
}

impl Event {
    /// The turn this fact is, if it is one.
    #[must_use]
    pub fn turn(&self) -> Option<Turn<'_>> {
        match self {
            Event::Paid { .. }
            | Event::Retaken { points: false, .. }
            | Event::Held(AfterHold::Confirm { .. }) => Some(Turn::Booked),
            Event::ConfirmationAwaited => Some(Turn::Awaited),
            Event::Confirmed { .. } => Some(Turn::Confirmed),
            Event::Fulfilled => Some(Turn::Fulfilled),
            // Nothing is undone while it is only asked whether the money came.
            Event::UndoStarted { undo: Undo { money: Return::Retake, .. }, .. } => None,
            Event::UndoStarted { undo, .. } | Event::Held(AfterHold::Undo { undo, .. }) => {
                Some(Turn::Undone(undo))
            }
            Event::Refunded { amount, .. } => Some(Turn::Refunded(*amount)),
            Event::Released { .. } => Some(Turn::Released),
            Event::Placed { .. }
            | Event::Held(AfterHold::Pay { .. } | AfterHold::PayLater { .. })
            | Event::Refused(_)
            | Event::PayRequested { .. }
            | Event::PaymentResumed { .. }
            | Event::PaymentDeferred { .. }
            | Event::ConfirmationDemanded { .. }
            | Event::UndoRetried { .. }
            | Event::Withdrawn
            | Event::GotStuck { .. }
            | Event::Resumed { .. }
            | Event::Quoted { .. }
            | Event::Annotated(_)
            | Event::Charged { .. }
            | Event::Retaken { points: true, .. }
            | Event::Delivered { .. } => None,
        }
    }
}

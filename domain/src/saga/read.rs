//! What a saga shows of itself.

use super::{Phase, Quote, Reason, Saga, State, Step};
use crate::attributes::Attributes;
use crate::card::Card;
use crate::id::{ConfirmationId, OrderKey, PaymentId};
use crate::money::Money;
use crate::order::Order;
use crate::time::Timestamp;

impl Saga {
    /// The order's identity.
    #[must_use]
    pub fn key(&self) -> OrderKey {
        self.key
    }

    /// What was asked for.
    #[must_use]
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// Where the order is.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Where the order is, as the outside knows it.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.state.phase()
    }

    /// Why it did not come, or is not coming, to its end.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        match &self.state {
            State::Undoing { undo, .. } | State::Stuck { undo, .. } => Some(&undo.reason),
            State::Refused(reason) | State::Cancelled(reason) => Some(reason),
            State::Holding { .. }
            | State::Paying { .. }
            | State::Unpaid { .. }
            | State::Paid { .. }
            | State::Confirmed { .. }
            | State::Fulfilled
            | State::Crediting { .. }
            | State::Delivering { .. } => None,
        }
    }

    /// Whether that changed since it was placed.
    #[must_use]
    pub fn attributes_changed(&self) -> bool {
        self.origin.is_some()
    }

    /// What the marketplace kept beside the order when it was placed.
    #[must_use]
    pub fn placed_attributes(&self) -> &Attributes {
        self.origin.as_deref().unwrap_or(&self.order.attributes)
    }

    /// Facts applied so far.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The payment asked for last.
    #[must_use]
    pub fn payment(&self) -> Option<PaymentId> {
        self.payment
    }

    /// What the customer pays with.
    #[must_use]
    pub fn card(&self) -> Option<&Card> {
        self.card.as_ref()
    }

    /// The confirmation asked for.
    #[must_use]
    pub fn confirmation(&self) -> Option<ConfirmationId> {
        self.confirmation
    }

    /// What the order knows to have been charged.
    #[must_use]
    pub fn captured(&self) -> Option<Money> {
        self.captured
    }

    /// What the order knows to have gone back.
    #[must_use]
    pub fn refunded(&self) -> Option<Money> {
        self.refunded
    }

    /// Whether the order knows itself to hold its units.
    #[must_use]
    pub fn holds_units(&self) -> bool {
        self.held
    }

    /// The cancellation quote given last.
    #[must_use]
    pub fn quote(&self) -> Option<Quote> {
        self.quote
    }

    /// When it was placed.
    #[must_use]
    pub fn placed_at(&self) -> Timestamp {
        self.placed_at
    }

    /// When its last fact was recorded.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// Its steps so far, at most [`HISTORY_MAX`](super::HISTORY_MAX): the first and the latest.
    #[must_use]
    pub fn history(&self) -> &[Step] {
        &self.history
    }
}

//! What a saga shows of itself.

use super::{Asked, Part, Party, Phase, Quote, Reason, Saga, State, Step};
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

    /// What was asked for and what with, for whoever needs the rest no longer.
    #[must_use]
    pub fn into_order(self) -> (Order, Option<Card>) {
        (self.order, self.card)
    }

    /// Who owes what [`Saga::effect`] says. This is asked at every step, and makes nothing.
    #[must_use]
    pub fn owed_by(&self) -> Option<Party> {
        match &self.state {
            State::Holding { .. } => Some(Party::Inventory),
            State::Paying { .. } => self.payment.map(|_| Party::Payments),
            State::Paid { asked: Asked::Waiting, .. } => None,
            State::Paid { asked: Asked::Requested | Asked::Demanded, .. } => {
                self.confirmation.map(|_| Party::Confirmations)
            }
            State::Undoing { part: Part::Money, .. } => self.payment.map(|_| Party::Payments),
            State::Undoing { part: Part::Units, .. } => Some(Party::Inventory),
            State::Undoing { part: Part::Confirmation, undo, .. } => {
                undo.withdraw.map(|_| Party::Confirmations)
            }
            State::Crediting { .. } => self.points().map(|_| Party::Mileage),
            State::Delivering { .. } => self.brings().map(|_| Party::Inventory),
            State::Unpaid { .. }
            | State::Confirmed { .. }
            | State::Stuck { .. }
            | State::Fulfilled
            | State::Refused(_)
            | State::Cancelled(_) => None,
        }
    }

    /// Whether a charge may still be asked for, or asked about: it is not at its end, the money is not
    /// there, and there is some to come.
    #[must_use]
    pub fn may_still_be_paid(&self) -> bool {
        let done = self.captured.is_some() || self.confirmation.is_some();
        !done && !self.phase().is_terminal()
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

//! Making facts so. No choices here: what a fact does was settled when it was recorded.

use super::event::{AfterHold, Event, Fact, Step};
use super::state::{Asked, Part, Return, State, Undo};
use super::{HISTORY_MAX, Quote, Saga};
use crate::attributes::Attributes;
use crate::money::Money;
use crate::time::Timestamp;

impl Saga {
    /// Makes a fact so.
    ///
    /// A second [`Event::Placed`] changes nothing but the count.
    pub fn apply(&mut self, fact: &Fact) {
        self.number += 1;
        let before = self.state.clone();
        self.apply_event(&fact.event);
        if asks_anew(&before, &self.state) {
            self.since = self.number;
        }
        self.updated_at = fact.at;
        self.remember(fact);
    }

    fn apply_event(&mut self, event: &Event) {
        match event {
            Event::Placed { .. } => {}
            Event::Held(after) => self.apply_held(after),
            Event::Refused(reason) => self.state = State::Refused(reason.clone()),
            Event::PayRequested { payment, card, until } => {
                self.payment = Some(*payment);
                self.card = Some(card.clone());
                self.state = State::Paying { until: *until };
            }
            Event::PaymentResumed { payment, until } => {
                self.payment = Some(*payment);
                self.state = State::Paying { until: *until };
            }
            Event::PaymentDeferred { until } => self.state = State::Unpaid { until: *until },
            Event::Paid { confirmation, until } => {
                self.charged();
                self.confirmation = Some(*confirmation);
                self.state = State::Paid { until: *until, asked: Asked::Requested };
            }
            Event::Charged { confirmation, until } => {
                self.charged();
                self.state = State::Crediting { confirmation: *confirmation, until: *until };
            }
            Event::Retaken { confirmation, points, until } => {
                self.charged();
                let (confirmation, until) = (*confirmation, *until);
                if *points {
                    self.state = State::Crediting { confirmation, until };
                } else {
                    self.confirmation = Some(confirmation);
                    self.state = State::Paid { until, asked: Asked::Requested };
                }
            }
            Event::Delivered { until } => self.state = State::Delivering { until: *until },
            Event::ConfirmationAwaited => self.ask(Asked::Waiting, None),
            Event::ConfirmationDemanded { until } => self.ask(Asked::Demanded, Some(*until)),
            Event::Confirmed { until } => self.state = State::Confirmed { until: *until },
            Event::Fulfilled => self.state = State::Fulfilled,
            Event::UndoStarted { undo, until, attributes } => {
                self.keep(attributes);
                self.undo_from(undo.clone(), *until);
            }
            Event::UndoRetried { .. }
            | Event::Refunded { .. }
            | Event::Released { .. }
            | Event::Withdrawn
            | Event::GotStuck { .. }
            | Event::Resumed { .. } => self.apply_undo(event),
            Event::Quoted { refund, until } => {
                self.quote = Some(Quote { number: self.number, refund: *refund, until: *until });
            }
            Event::Annotated(attributes) => self.keep(attributes),
        }
    }

    /// The money is there. What was quoted before says nothing about it; what is quoted from now on
    /// does, and stays when points follow.
    fn charged(&mut self) {
        if self.captured.is_none() {
            self.captured = Some(self.order.price);
            self.quote = None;
        }
    }

    /// Keeps changed values; what was placed is remembered from the first change on.
    fn keep(&mut self, attributes: &Attributes) {
        if !attributes.is_empty() && self.origin.is_none() {
            self.origin = Some(Box::new(self.order.attributes.clone()));
        }
        self.order.attributes.extend(attributes.clone());
    }

    fn apply_held(&mut self, after: &AfterHold) {
        self.held = true;
        match after {
            AfterHold::Pay { payment, until } => {
                self.payment = Some(*payment);
                self.state = State::Paying { until: *until };
            }
            AfterHold::PayLater { until } => self.state = State::Unpaid { until: *until },
            AfterHold::Confirm { confirmation, until } => {
                self.confirmation = Some(*confirmation);
                self.state = State::Paid { until: *until, asked: Asked::Requested };
            }
            AfterHold::Undo { undo, until } => self.undo_from(undo.clone(), *until),
        }
    }

    fn ask(&mut self, asked: Asked, until: Option<Timestamp>) {
        if let State::Paid { until: old, .. } = self.state {
            self.state = State::Paid { until: until.unwrap_or(old), asked };
        }
    }

    fn undo_from(&mut self, undo: Undo, until: Timestamp) {
        let part = match undo.money {
            Return::Nothing => Part::Units,
            Return::All | Return::Part(_) | Return::Retake => Part::Money,
        };
        self.state = State::Undoing { undo, part, attempt: 1, until };
    }

    fn apply_undo(&mut self, event: &Event) {
        let (undo, part) = match &self.state {
            State::Undoing { undo, part, .. } | State::Stuck { undo, part, .. } => {
                (undo.clone(), *part)
            }
            State::Holding { .. }
            | State::Paying { .. }
            | State::Unpaid { .. }
            | State::Paid { .. }
            | State::Confirmed { .. }
            | State::Fulfilled
            | State::Refused(_)
            | State::Cancelled(_)
            | State::Crediting { .. }
            | State::Delivering { .. } => return,
        };
        self.state = match event {
            Event::UndoRetried { attempt, until } => {
                State::Undoing { undo, part, attempt: *attempt, until: *until }
            }
            Event::Resumed { until } => State::Undoing { undo, part, attempt: 1, until: *until },
            Event::GotStuck { until } => State::Stuck { undo, part, until: *until },
            Event::Refunded { amount, until } => {
                self.note_refund(*amount);
                State::Undoing { undo, part: Part::Units, attempt: 1, until: *until }
            }
            Event::Released { until } => {
                self.held = false;
                if undo.withdraw.is_some() {
                    State::Undoing { undo, part: Part::Confirmation, attempt: 1, until: *until }
                } else {
                    State::Cancelled(undo.reason)
                }
            }
            Event::Withdrawn => State::Cancelled(undo.reason),
            Event::Placed { .. }
            | Event::Held(_)
            | Event::Refused(_)
            | Event::PayRequested { .. }
            | Event::PaymentResumed { .. }
            | Event::PaymentDeferred { .. }
            | Event::Paid { .. }
            | Event::ConfirmationAwaited
            | Event::ConfirmationDemanded { .. }
            | Event::Confirmed { .. }
            | Event::Fulfilled
            | Event::UndoStarted { .. }
            | Event::Quoted { .. }
            | Event::Annotated(_)
            | Event::Charged { .. }
            | Event::Retaken { .. }
            | Event::Delivered { .. } => return,
        };
    }

    /// A refund of a charge the order never heard of tells it of both at once.
    fn note_refund(&mut self, amount: Money) {
        if self.captured.is_none() && !amount.is_zero() {
            self.captured = Some(amount);
        }
        self.refunded = Some(amount);
    }

    pub(super) fn remember(&mut self, fact: &Fact) {
        let note = match &fact.event {
            Event::UndoStarted { undo, .. } | Event::Held(AfterHold::Undo { undo, .. }) => {
                Some(undo.reason.to_string())
            }
            Event::Refused(reason) => Some(reason.to_string()),
            Event::Refunded { amount, .. } => Some(amount.to_string()),
            Event::UndoRetried { attempt, .. } => Some(format!("attempt {attempt}")),
            Event::Placed { .. }
            | Event::Held(_)
            | Event::PayRequested { .. }
            | Event::PaymentResumed { .. }
            | Event::PaymentDeferred { .. }
            | Event::Paid { .. }
            | Event::ConfirmationAwaited
            | Event::ConfirmationDemanded { .. }
            | Event::Confirmed { .. }
            | Event::Fulfilled
            | Event::Released { .. }
            | Event::Withdrawn
            | Event::GotStuck { .. }
            | Event::Resumed { .. }
            | Event::Quoted { .. }
            | Event::Annotated(_)
            | Event::Charged { .. }
            | Event::Retaken { .. }
            | Event::Delivered { .. } => None,
        };
        if self.history.len() >= HISTORY_MAX {
            // The first line says how it began; the oldest after it makes room.
            self.history.remove(1);
        }
        self.history.push(Step {
            at: fact.at,
            event: fact.event.kind(),
            phase: self.state.phase(),
            cause: fact.event.cause(),
            note,
        });
    }
}

/// Whether the step from `before` to `after` asks the world for something new. A confirmation
/// keeps its name from request to answer; another attempt at a compensation is a new asking.
fn asks_anew(before: &State, after: &State) -> bool {
    match (before, after) {
        (State::Paid { .. }, State::Paid { .. }) => false,
        _ => before != after,
    }
}

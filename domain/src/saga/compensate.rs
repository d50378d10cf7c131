//! The way back: money first, then units, then what waits in the operator's queue.

use super::event::Event;
use super::input::{Outcome, Rejection, Verdict, Why};
use super::state::{Asked, Part, Reason, Return, State, Undo};
use super::{STUCK_PAUSE, Saga, UNDO_ATTEMPTS_MAX, UNDO_PAUSE, UNDO_PAUSE_MAX};
use crate::attributes::Attributes;
use crate::id::ConfirmationId;
use crate::money::Money;
use crate::terms::LateMoney;
use crate::time::Timestamp;

impl Saga {
    pub(super) fn cancel(
        &self,
        note: Option<String>,
        quote: Option<u32>,
        attributes: Attributes,
        now: Timestamp,
    ) -> Verdict {
        let money = match self.state() {
            State::Holding { .. } | State::Unpaid { .. } => Return::Nothing,
            // The charge may have gone through: to undo it, treat it as if it had.
            State::Paying { .. } => Return::All,
            State::Crediting { .. } => self.all_charged(),
            State::Paid { .. } | State::Confirmed { .. } => match quote {
                Some(number) => match self.honoured(number, now) {
                    Ok(money) => money,
                    Err(rejection) => return Verdict::Reject(rejection),
                },
                None => self.returned(self.refund_now(now)),
            },
            // Who cancels while it is asked whether the money came does not want it taken any more.
            State::Undoing { undo, part, .. } | State::Stuck { undo, part, .. }
                if (undo.money, *part) == (Return::Retake, Part::Money) =>
            {
                Return::All
            }
            // It is on its way: whoever asks again waits for the same end.
            State::Undoing { .. } | State::Stuck { .. } => {
                return Verdict::Ignore(Why::AlreadySo);
            }
            // What was brought cannot be unbrought.
            State::Delivering { .. }
            | State::Fulfilled
            | State::Refused(_)
            | State::Cancelled(_) => {
                return self.wrong_phase("be cancelled");
            }
        };
        if let Err(rejection) = self.room_for(&attributes) {
            return Verdict::Reject(rejection);
        }
        let (undo, until) = self.undo(Reason::Customer(note), money, now);
        Verdict::Record(Event::UndoStarted { undo, until, attributes })
    }

    pub(super) fn start_undo(&self, reason: Reason, money: Return, now: Timestamp) -> Verdict {
        let (undo, until) = self.undo(reason, money, now);
        Verdict::Record(Event::UndoStarted { undo, until, attributes: Attributes::new() })
    }

    pub(super) fn undo(&self, reason: Reason, money: Return, now: Timestamp) -> (Undo, Timestamp) {
        // An operator's answer ended the wait by itself; anything else leaves the queue to be told.
        let answered = matches!(reason, Reason::Rejected(_));
        let withdraw =
            match self.state() {
                State::Paid {
                    asked: Asked::Requested | Asked::Waiting | Asked::Demanded, ..
                } if !answered => self.confirmation(),
                State::Holding { .. }
                | State::Paying { .. }
                | State::Unpaid { .. }
                | State::Paid { .. }
                | State::Confirmed { .. }
                | State::Undoing { .. }
                | State::Stuck { .. }
                | State::Fulfilled
                | State::Refused(_)
                | State::Cancelled(_)
                | State::Crediting { .. }
                | State::Delivering { .. } => None,
            };
        (Undo { reason, money, withdraw }, now.plus(UNDO_PAUSE))
    }

    /// What comes back if the customer cancels at `now`, as far as anything was charged.
    pub(super) fn refund_now(&self, now: Timestamp) -> Money {
        match self.captured() {
            // Without its points it is not yet paid for: all of it comes back.
            Some(charged) if matches!(self.state(), State::Crediting { .. }) => charged,
            Some(charged) => self.order().terms.refund(charged, self.order().starts_at, now),
            None => Money::zero(self.order().price.currency()),
        }
    }

    pub(super) fn all_charged(&self) -> Return {
        self.captured().map_or(Return::Nothing, |charged| self.returned(charged))
    }

    fn returned(&self, amount: Money) -> Return {
        if amount.is_zero() { Return::Nothing } else { Return::Part(amount) }
    }

    pub(super) fn undoing(
        &self,
        undo: &Undo,
        part: Part,
        outcome: Outcome,
        now: Timestamp,
    ) -> Verdict {
        let until = now.plus(UNDO_PAUSE);
        match (part, outcome) {
            (Part::Money, Outcome::Captured(confirmation)) if undo.money == Return::Retake => {
                self.retake(&undo.reason, confirmation, now)
            }
            (Part::Money, Outcome::Refunded(amount)) => {
                Verdict::Record(Event::Refunded { amount, until })
            }
            (Part::Units, Outcome::Released) => Verdict::Record(Event::Released { until }),
            (Part::Confirmation, Outcome::Withdrawn) => Verdict::Record(Event::Withdrawn),
            (Part::Money | Part::Units | Part::Confirmation, _) => Verdict::Ignore(Why::NoAnswer),
        }
    }

    /// What becomes of money that does not arrive while the order waits for it.
    pub(super) fn when_late(&self) -> Return {
        match self.order().terms.late {
            LateMoney::Refund => Return::All,
            LateMoney::Retake => Return::Retake,
        }
    }

    /// The money came after all. The units are still held, because money is undone before units.
    fn retake(&self, reason: &Reason, confirmation: ConfirmationId, now: Timestamp) -> Verdict {
        // Nobody pays for what went by while the gateway was silent.
        let went_by = |start: Timestamp| self.placed_at() < start && start <= now;
        if self.order().starts_at.is_some_and(went_by) {
            return self.start_undo(reason.clone(), Return::All, now);
        }
        let (points, terms) = (self.points().is_some(), &self.order().terms);
        let until = now.plus(if points { terms.hold } else { terms.confirmation.within });
        Verdict::Record(Event::Retaken { confirmation, points, until })
    }

    /// The operator says that the customer did not come. Said twice it is said once.
    pub(super) fn no_show(&self, note: Option<String>, now: Timestamp) -> Verdict {
        let already = matches!(self.reason(), Some(Reason::NoShow(_)));
        match self.state() {
            State::Confirmed { .. } | State::Delivering { .. } if self.brings().is_some() => {
                Verdict::Reject(Rejection::NobodyExpected)
            }
            State::Confirmed { .. } => match self.order().starts_at {
                Some(starts_at) if starts_at > now => {
                    Verdict::Reject(Rejection::NotBegun { starts_at })
                }
                Some(_) | None => {
                    let percent = self.order().terms.no_show;
                    let back = self.captured().map(|charged| charged.percent(percent));
                    let money = back.map_or(Return::Nothing, |back| self.returned(back));
                    self.start_undo(Reason::NoShow(note), money, now)
                }
            },
            State::Undoing { .. } | State::Stuck { .. } | State::Cancelled(_) if already => {
                Verdict::Ignore(Why::AlreadySo)
            }
            State::Holding { .. }
            | State::Paying { .. }
            | State::Unpaid { .. }
            | State::Paid { .. }
            | State::Undoing { .. }
            | State::Stuck { .. }
            | State::Fulfilled
            | State::Refused(_)
            | State::Cancelled(_)
            | State::Crediting { .. }
            | State::Delivering { .. } => self.wrong_phase("be a no-show"),
        }
    }

    pub(super) fn try_again(&self, attempt: u32, now: Timestamp) -> Verdict {
        if attempt >= UNDO_ATTEMPTS_MAX {
            return Verdict::Record(Event::GotStuck { until: now.plus(STUCK_PAUSE) });
        }
        let pause = UNDO_PAUSE.doubled(attempt, UNDO_PAUSE_MAX);
        Verdict::Record(Event::UndoRetried { attempt: attempt + 1, until: now.plus(pause) })
    }

    pub(super) fn retry(&self, now: Timestamp) -> Verdict {
        match self.state() {
            State::Stuck { .. } => self.resume(now),
            // Retrying what is under way, or done, asks for nothing new.
            State::Holding { .. }
            | State::Paying { .. }
            | State::Unpaid { .. }
            | State::Paid { .. }
            | State::Confirmed { .. }
            | State::Undoing { .. }
            | State::Fulfilled
            | State::Refused(_)
            | State::Cancelled(_)
            | State::Crediting { .. }
            | State::Delivering { .. } => Verdict::Ignore(Why::AlreadySo),
        }
    }

    pub(super) fn resume(&self, now: Timestamp) -> Verdict {
        Verdict::Record(Event::Resumed { until: now.plus(UNDO_PAUSE) })
    }
}

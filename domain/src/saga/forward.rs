//! One function per phase on the way forward: what an order says while it holds, pays, waits.

use super::event::{AfterHold, Event};
use super::input::{Next, Outcome, Rejection, Verdict, Why};
use super::state::{Reason, Return, State};
use super::{Need, Saga};
use crate::card::Card;
use crate::id::PaymentId;
use crate::terms::{PaymentTerms, WhenUnavailable, WhenUnconfirmed};
use crate::time::Timestamp;

impl Saga {
    pub(super) fn holding(&self, outcome: Outcome, now: Timestamp) -> Verdict {
        let terms = &self.order().terms;
        match outcome {
            Outcome::NotHeld(reason) => Verdict::Record(Event::Refused(reason)),
            Outcome::Held(next) => match (self.needs(), next) {
                (Need::Payment, Next::Payment(payment)) => {
                    let until = now.plus(terms.hold);
                    Verdict::Record(Event::Held(AfterHold::Pay { payment, until }))
                }
                (Need::Payment, Next::PaymentsDown) => {
                    Verdict::Record(Event::Held(self.unpayable(now)))
                }
                (Need::Nothing, Next::Nothing) => {
                    let until = now.plus(match terms.payment {
                        PaymentTerms::Later { within } => within,
                        PaymentTerms::None | PaymentTerms::WithOrder => terms.hold,
                    });
                    Verdict::Record(Event::Held(AfterHold::PayLater { until }))
                }
                (Need::Confirmation, Next::Confirmation(confirmation)) => {
                    let until = now.plus(terms.confirmation.within);
                    Verdict::Record(Event::Held(AfterHold::Confirm { confirmation, until }))
                }
                (Need::Payment | Need::Nothing | Need::Confirmation, _) => {
                    Verdict::Ignore(Why::NoAnswer)
                }
            },
            Outcome::Captured(_)
            | Outcome::Declined(_)
            | Outcome::Unavailable
            | Outcome::Refunded(_)
            | Outcome::Released
            | Outcome::Awaited
            | Outcome::Confirmed
            | Outcome::Rejected(_)
            | Outcome::Withdrawn => Verdict::Ignore(Why::NoAnswer),
        }
    }

    fn unpayable(&self, now: Timestamp) -> AfterHold {
        match self.order().terms.when_unavailable {
            WhenUnavailable::PayLater { within } => AfterHold::PayLater { until: now.plus(within) },
            WhenUnavailable::Refuse => {
                let (undo, until) = self.undo(Reason::PaymentUnavailable, Return::Nothing, now);
                AfterHold::Undo { undo, until }
            }
        }
    }

    pub(super) fn paying(&self, outcome: Outcome, now: Timestamp) -> Verdict {
        let terms = &self.order().terms;
        match outcome {
            Outcome::Captured(confirmation) => {
                let until = now.plus(terms.confirmation.within);
                Verdict::Record(Event::Paid { confirmation, until })
            }
            Outcome::Declined(why) => {
                self.start_undo(Reason::PaymentDeclined(why), Return::Nothing, now)
            }
            Outcome::Unavailable => match terms.when_unavailable {
                WhenUnavailable::Refuse => {
                    self.start_undo(Reason::PaymentUnavailable, Return::Nothing, now)
                }
                WhenUnavailable::PayLater { within } => {
                    // The time to pay does not begin anew with every attempt.
                    let latest = self.placed_at().plus(terms.hold).plus(within);
                    let until = now.plus(within).min(latest);
                    Verdict::Record(Event::PaymentDeferred { until })
                }
            },
            Outcome::Held(_)
            | Outcome::NotHeld(_)
            | Outcome::Refunded(_)
            | Outcome::Released
            | Outcome::Awaited
            | Outcome::Confirmed
            | Outcome::Rejected(_)
            | Outcome::Withdrawn => Verdict::Ignore(Why::NoAnswer),
        }
    }

    pub(super) fn paid(&self, outcome: Outcome, now: Timestamp) -> Verdict {
        match outcome {
            Outcome::Confirmed => {
                let until = now.plus(self.order().terms.completion);
                Verdict::Record(Event::Confirmed { until })
            }
            Outcome::Rejected(note) => {
                self.start_undo(Reason::Rejected(note), self.all_charged(), now)
            }
            // Asked again after a crash, the queue says once more that it has the request.
            Outcome::Awaited => match self.effect() {
                Some(_) => Verdict::Record(Event::ConfirmationAwaited),
                None => Verdict::Ignore(Why::AlreadySo),
            },
            Outcome::Held(_)
            | Outcome::NotHeld(_)
            | Outcome::Captured(_)
            | Outcome::Declined(_)
            | Outcome::Unavailable
            | Outcome::Refunded(_)
            | Outcome::Released
            | Outcome::Withdrawn => Verdict::Ignore(Why::NoAnswer),
        }
    }

    pub(super) fn pay(&self, payment: PaymentId, card: Card, now: Timestamp) -> Verdict {
        match self.state() {
            State::Unpaid { .. } => {
                let until = now.plus(self.order().terms.hold);
                Verdict::Record(Event::PayRequested { payment, card, until })
            }
            State::Holding { .. }
            | State::Paying { .. }
            | State::Paid { .. }
            | State::Confirmed { .. }
            | State::Undoing { .. }
            | State::Stuck { .. }
            | State::Fulfilled
            | State::Refused(_)
            | State::Cancelled(_) => self.wrong_phase("be paid"),
        }
    }

    pub(super) fn complete(&self) -> Verdict {
        match self.state() {
            State::Confirmed { .. } => Verdict::Record(Event::Fulfilled),
            State::Holding { .. }
            | State::Paying { .. }
            | State::Unpaid { .. }
            | State::Paid { .. }
            | State::Undoing { .. }
            | State::Stuck { .. }
            | State::Fulfilled
            | State::Refused(_)
            | State::Cancelled(_) => self.wrong_phase("be completed"),
        }
    }

    pub(super) fn quote_cancellation(&self, now: Timestamp) -> Verdict {
        match self.state() {
            State::Holding { .. }
            | State::Paying { .. }
            | State::Unpaid { .. }
            | State::Paid { .. }
            | State::Confirmed { .. } => Verdict::Record(Event::Quoted {
                refund: self.refund_now(now),
                until: now.plus(self.order().terms.quote),
            }),
            State::Undoing { .. }
            | State::Stuck { .. }
            | State::Fulfilled
            | State::Refused(_)
            | State::Cancelled(_) => self.wrong_phase("be quoted a cancellation"),
        }
    }

    /// What the passed deadline means in this phase.
    pub(super) fn woken(&self, now: Timestamp) -> Verdict {
        match self.state() {
            State::Holding { .. } => self.start_undo(Reason::HoldExpired, Return::Nothing, now),
            State::Paying { .. } => self.start_undo(Reason::PaymentExpired, Return::All, now),
            State::Unpaid { .. } => self.start_undo(Reason::Unpaid, Return::Nothing, now),
            State::Paid { asked, .. } => match self.order().terms.confirmation.then {
                WhenUnconfirmed::Cancel => {
                    self.start_undo(Reason::ConfirmationExpired, self.all_charged(), now)
                }
                WhenUnconfirmed::Confirm if *asked == super::Asked::Demanded => {
                    Verdict::Record(Event::ConfirmationDemanded {
                        until: now.plus(super::STUCK_PAUSE),
                    })
                }
                WhenUnconfirmed::Confirm => Verdict::Record(Event::ConfirmationDemanded {
                    until: now.plus(super::UNDO_PAUSE_MAX),
                }),
            },
            State::Confirmed { .. } => Verdict::Record(Event::Fulfilled),
            State::Undoing { attempt, .. } => self.try_again(*attempt, now),
            State::Stuck { .. } => self.resume(now),
            State::Fulfilled | State::Refused(_) | State::Cancelled(_) => {
                Verdict::Ignore(Why::NotDue)
            }
        }
    }

    /// The quote that a cancellation must honour.
    pub(super) fn honoured(&self, number: u32, now: Timestamp) -> Result<Return, Rejection> {
        match self.quote() {
            Some(quote) if quote.number == number && now <= quote.until => {
                Ok(if quote.refund.is_zero() {
                    Return::Nothing
                } else {
                    Return::Part(quote.refund)
                })
            }
            Some(_) | None => Err(Rejection::QuoteExpired),
        }
    }
}

//! One function per phase on the way forward: what an order says while it holds, pays, waits.

use super::event::{AfterHold, Event};
use super::input::{Next, Outcome, Rejection, Verdict, Why};
use super::state::{Asked, Reason, Return, State};
use super::{Need, Saga, UNDO_PAUSE_MAX};
use crate::card::Card;
use crate::id::{ConfirmationId, PaymentId};
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
                (Need::Payment, Next::MileageDown) => {
                    let reason = Reason::MileageUnavailable;
                    let (undo, until) = self.undo(reason, Return::Nothing, now);
                    Verdict::Record(Event::Held(AfterHold::Undo { undo, until }))
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
            | Outcome::Withdrawn
            | Outcome::Credited
            | Outcome::NotCredited
            | Outcome::Supplied => Verdict::Ignore(Why::NoAnswer),
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
            Outcome::Captured(confirmation) if self.points().is_some() => {
                Verdict::Record(Event::Charged { confirmation, until: now.plus(terms.hold) })
            }
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
            | Outcome::Withdrawn
            | Outcome::Credited
            | Outcome::NotCredited
            | Outcome::Supplied => Verdict::Ignore(Why::NoAnswer),
        }
    }

    /// The points that come with the payment itself; `None` where they follow it, or there are none.
    pub(super) fn points(&self) -> Option<u64> {
        let mileage = self.order().terms.mileage.filter(|mileage| mileage.sync)?;
        Some(mileage.points(self.order().price))
    }

    pub(super) fn crediting(
        &self,
        confirmation: ConfirmationId,
        outcome: Outcome,
        now: Timestamp,
    ) -> Verdict {
        match outcome {
            Outcome::Credited => {
                let until = now.plus(self.order().terms.confirmation.within);
                Verdict::Record(Event::Paid { confirmation, until })
            }
            Outcome::NotCredited => {
                self.start_undo(Reason::MileageUnavailable, self.all_charged(), now)
            }
            Outcome::Held(_)
            | Outcome::NotHeld(_)
            | Outcome::Captured(_)
            | Outcome::Declined(_)
            | Outcome::Unavailable
            | Outcome::Refunded(_)
            | Outcome::Released
            | Outcome::Awaited
            | Outcome::Confirmed
            | Outcome::Rejected(_)
            | Outcome::Withdrawn
            | Outcome::Supplied => Verdict::Ignore(Why::NoAnswer),
        }
    }

    pub(super) fn paid(&self, outcome: Outcome, now: Timestamp) -> Verdict {
        match outcome {
            Outcome::Confirmed => {
                // What begins later cannot be done before it began.
                let begins = self.order().starts_at.map_or(now, |start| start.max(now));
                let until = begins.plus(self.order().terms.completion);
                Verdict::Record(Event::Confirmed { until })
            }
            Outcome::Rejected(note) => {
                self.start_undo(Reason::Rejected(note), self.all_charged(), now)
            }
            // Asked again after a crash, the queue says once more that it has the request. What it said
            // before time moved the request is old: a demand is answered with yes or no.
            Outcome::Awaited => {
                if matches!(self.state(), State::Paid { asked: Asked::Requested, .. }) {
                    Verdict::Record(Event::ConfirmationAwaited)
                } else {
                    Verdict::Ignore(Why::AlreadySo)
                }
            }
            Outcome::Held(_)
            | Outcome::NotHeld(_)
            | Outcome::Captured(_)
            | Outcome::Declined(_)
            | Outcome::Unavailable
            | Outcome::Refunded(_)
            | Outcome::Released
            | Outcome::Withdrawn
            | Outcome::Credited
            | Outcome::NotCredited
            | Outcome::Supplied => Verdict::Ignore(Why::NoAnswer),
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
            | State::Cancelled(_)
            | State::Crediting { .. }
            | State::Delivering { .. } => self.wrong_phase("be paid"),
        }
    }

    /// Whether the order is unpaid only because the payments could not be reached, and what it is
    /// paid with is known: a token, not a number of which nothing is kept.
    #[must_use]
    pub fn waits_for_payments(&self) -> bool {
        let unpaid = matches!(self.state(), State::Unpaid { .. });
        // Where the customer pays later anyway, only one who tried to was turned away.
        let tried = match self.order().terms.payment {
            PaymentTerms::WithOrder => true,
            PaymentTerms::Later { .. } | PaymentTerms::None => self.payment().is_some(),
        };
        unpaid && tried && matches!(self.card(), Some(Card::Token(_)))
    }

    pub(super) fn payments_back(&self, payment: PaymentId, now: Timestamp) -> Verdict {
        if !self.waits_for_payments() {
            return Verdict::Ignore(Why::AlreadySo);
        }
        let until = now.plus(self.order().terms.hold);
        Verdict::Record(Event::PaymentResumed { payment, until })
    }

    pub(super) fn complete(&self, now: Timestamp) -> Verdict {
        match self.state() {
            State::Confirmed { .. } => self.done(now),
            // It is on its way.
            State::Delivering { .. } => Verdict::Ignore(Why::AlreadySo),
            State::Crediting { .. } => self.wrong_phase("be completed"),
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

    /// What was promised is done; what it brings is still to be counted.
    fn done(&self, now: Timestamp) -> Verdict {
        if self.brings().is_some() {
            // It answers in microseconds; one that says nothing is asked again now and then.
            let again = matches!(self.state(), State::Delivering { .. });
            let pause = if again { super::STUCK_PAUSE } else { UNDO_PAUSE_MAX };
            return Verdict::Record(Event::Delivered { until: now.plus(pause) });
        }
        Verdict::Record(Event::Fulfilled)
    }

    pub(super) fn quote_cancellation(&self, now: Timestamp) -> Verdict {
        match self.state() {
            State::Holding { .. }
            | State::Paying { .. }
            | State::Unpaid { .. }
            | State::Paid { .. }
            | State::Crediting { .. }
            | State::Confirmed { .. } => Verdict::Record(Event::Quoted {
                refund: self.refund_now(now),
                until: now.plus(self.order().terms.quote),
            }),
            State::Delivering { .. }
            | State::Undoing { .. }
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
            State::Paying { .. } => self.start_undo(Reason::PaymentExpired, self.when_late(), now),
            State::Unpaid { .. } => self.start_undo(Reason::Unpaid, Return::Nothing, now),
            State::Paid { asked, .. } => match self.order().terms.confirmation.then {
                WhenUnconfirmed::Cancel => {
                    self.start_undo(Reason::ConfirmationExpired, self.all_charged(), now)
                }
                WhenUnconfirmed::Confirm if *asked == Asked::Demanded => {
                    Verdict::Record(Event::ConfirmationDemanded {
                        until: now.plus(super::STUCK_PAUSE),
                    })
                }
                WhenUnconfirmed::Confirm => Verdict::Record(Event::ConfirmationDemanded {
                    until: now.plus(super::UNDO_PAUSE_MAX),
                }),
            },
            State::Crediting { .. } => {
                self.start_undo(Reason::MileageUnavailable, self.all_charged(), now)
            }
            // Nobody says that it arrived, so it is not counted.
            State::Confirmed { .. } if self.brings().is_some() => {
                self.start_undo(Reason::NotDelivered, self.all_charged(), now)
            }
            State::Confirmed { .. } | State::Delivering { .. } => self.done(now),
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

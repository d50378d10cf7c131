//! The saga: carries one order to its end, forward or back.
//!
//! Four verbs. [`Saga::decide`] looks and says; [`Saga::apply`] makes a fact so, without a choice;
//! [`Saga::effect`] and [`Saga::deadline`] follow from the state alone. So a restarted order does
//! what a running one does: apply the facts, ask for the effect, wait for the deadline.

pub mod event;
pub mod input;
pub mod state;

mod apply;
mod compensate;
mod forward;
mod kind;
mod read;
mod turn;
pub mod v1;
pub mod v2;

use serde::{Deserialize, Serialize};

pub use event::{AfterHold, Cause, Event, EventKind, Fact, Step};
pub use input::{Command, Effect, Input, Next, Outcome, Party, Rejection, Verdict, Why};
pub use state::{Asked, Part, Phase, Reason, Return, State, Undo};
pub use turn::Turn;

use crate::attributes::{ATTRIBUTES_MAX, Attributes};
use crate::card::Card;
use crate::id::{ConfirmationId, EffectId, OrderKey, PaymentId};
use crate::money::Money;
use crate::order::{Claim, Order};
use crate::quantity::Quantity;
use crate::terms::PaymentTerms;
use crate::time::{Span, Timestamp};

/// How long the inventory has to answer. It answers in microseconds; this is for when it is down.
pub const HOLD_ANSWER: Span = Span::seconds(30);
/// First pause between two attempts at a compensation.
pub const UNDO_PAUSE: Span = Span::seconds(2);
/// Longest pause between two attempts at a compensation.
pub const UNDO_PAUSE_MAX: Span = Span::seconds(300);
/// Attempts at one part of a compensation before a person must look: about an hour of them.
pub const UNDO_ATTEMPTS_MAX: u32 = 18;
/// How often a stuck order tries again by itself.
pub const STUCK_PAUSE: Span = Span::seconds(3600);
/// Facts after which an order takes no more quotes and notes, so that nobody can make it grow for
/// ever. What it needs to come to its end is never refused.
pub const FACTS_MAX: u32 = 1000;
/// Lines of history an order carries; the oldest after the first make room.
pub const HISTORY_MAX: usize = 64;
/// Lines of an order that meets no trouble; room for these is made at once.
const HISTORY_USUAL: usize = 6;

/// One order on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saga {
    key: OrderKey,
    order: Order,
    state: State,
    /// Facts applied so far.
    number: u32,
    /// The fact that asked for the outstanding effect.
    since: u32,
    card: Option<Card>,
    payment: Option<PaymentId>,
    confirmation: Option<ConfirmationId>,
    captured: Option<Money>,
    refunded: Option<Money>,
    held: bool,
    quote: Option<Quote>,
    /// What the marketplace kept beside the order when it was placed, if that changed since.
    origin: Option<Box<Attributes>>,
    placed_at: Timestamp,
    updated_at: Timestamp,
    history: Vec<Step>,
}

/// What the customer was told a cancellation returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// The quote's name: the number of the fact that recorded it.
    pub number: u32,
    /// How much comes back.
    pub refund: Money,
    /// Until when that holds.
    pub until: Timestamp,
}

/// What the shell must bring to an [`Outcome::Held`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A payment number, unless the payments are down.
    Payment,
    /// A confirmation number: there is nothing to pay.
    Confirmation,
    /// Nothing: the customer pays later.
    Nothing,
}

impl Saga {
    /// The fact that begins an order.
    #[must_use]
    pub fn place(order: impl Into<Box<Order>>, card: Option<Card>, now: Timestamp) -> Fact {
        let (order, until) = (order.into(), now.plus(HOLD_ANSWER));
        Fact { at: now, event: Event::Placed { order, card, until } }
    }

    /// The saga its first fact makes; `None` if that fact does not begin an order.
    #[must_use]
    pub fn begin(key: OrderKey, fact: &Fact) -> Option<Saga> {
        let Event::Placed { order, card, until } = &fact.event else { return None };
        Some(Saga::placed(key, Order::clone(order), card.clone(), *until, fact.at))
    }

    /// As [`Saga::begin`], for whoever needs the fact no longer.
    #[must_use]
    pub fn begin_with(key: OrderKey, fact: Fact) -> Option<Saga> {
        let Event::Placed { order, card, until } = fact.event else { return None };
        Some(Saga::placed(key, *order, card, until, fact.at))
    }

    fn placed(
        key: OrderKey,
        order: Order,
        card: Option<Card>,
        until: Timestamp,
        at: Timestamp,
    ) -> Saga {
        let state = State::Holding { until };
        let (event, phase, cause) = (EventKind::Placed, state.phase(), Cause::Customer);
        let mut history = Vec::with_capacity(HISTORY_USUAL);
        history.push(Step { at, event, phase, cause, note: None });
        Saga {
            key,
            order,
            state,
            number: 1,
            since: 1,
            card,
            payment: None,
            confirmation: None,
            captured: None,
            refunded: None,
            held: false,
            quote: None,
            origin: None,
            placed_at: at,
            updated_at: at,
            history,
        }
    }

    /// Looks at what happened and says what becomes of it. Pure and total: one fact per input.
    #[must_use]
    pub fn decide(&self, input: Input, now: Timestamp) -> Verdict {
        match input {
            Input::Outcome(id, outcome) => {
                if self.effect_id() == Some(id) {
                    self.answered(outcome, now)
                } else {
                    Verdict::Ignore(Why::NotOutstanding)
                }
            }
            Input::Wake => match self.state.until() {
                Some(until) if until <= now => self.woken(now),
                Some(_) | None => Verdict::Ignore(Why::NotDue),
            },
            Input::Command(command) => self.commanded(command, now),
            Input::PaymentsBack(payment) => self.payments_back(payment, now),
        }
    }

    fn answered(&self, outcome: Outcome, now: Timestamp) -> Verdict {
        match &self.state {
            State::Holding { .. } => self.holding(outcome, now),
            State::Paying { .. } => self.paying(outcome, now),
            State::Paid { .. } => self.paid(outcome, now),
            State::Undoing { undo, part, .. } => self.undoing(undo, *part, outcome, now),
            State::Crediting { confirmation, .. } => self.crediting(*confirmation, outcome, now),
            State::Delivering { .. } if outcome == Outcome::Supplied => {
                Verdict::Record(Event::Fulfilled)
            }
            State::Delivering { .. } => Verdict::Ignore(Why::NoAnswer),
            State::Unpaid { .. }
            | State::Confirmed { .. }
            | State::Stuck { .. }
            | State::Fulfilled
            | State::Refused(_)
            | State::Cancelled(_) => Verdict::Ignore(Why::NotOutstanding),
        }
    }

    fn commanded(&self, command: Command, now: Timestamp) -> Verdict {
        match command {
            Command::Pay { payment, card } => self.pay(payment, card, now),
            Command::Cancel { note, quote, attributes } => {
                self.cancel(note, quote, attributes, now)
            }
            Command::Complete => self.complete(now),
            Command::NoShow { note } => self.no_show(note, now),
            Command::Quote | Command::Annotate(_) if self.number >= FACTS_MAX => {
                Verdict::Reject(Rejection::TooManyChanges(FACTS_MAX))
            }
            Command::Quote => self.quote_cancellation(now),
            Command::Retry => self.retry(now),
            Command::Annotate(attributes) => {
                let same = |(name, value)| self.order.attributes.get(name) == Some(value);
                match self.room_for(&attributes) {
                    Err(rejection) => Verdict::Reject(rejection),
                    Ok(()) if attributes.iter().all(same) => Verdict::Ignore(Why::AlreadySo),
                    Ok(()) => Verdict::Record(Event::Annotated(attributes)),
                }
            }
        }
    }

    /// Whether the order can carry these as well.
    fn room_for(&self, attributes: &Attributes) -> Result<(), Rejection> {
        let known = &self.order.attributes;
        let new = attributes.keys().filter(|name| !known.contains_key(*name)).count();
        if known.len() + new > ATTRIBUTES_MAX {
            return Err(Rejection::TooManyAttributes(ATTRIBUTES_MAX));
        }
        Ok(())
    }

    fn wrong_phase(&self, command: &'static str) -> Verdict {
        Verdict::Reject(Rejection::WrongPhase { phase: self.phase(), command })
    }

    /// What the world owes this order now.
    #[must_use]
    pub fn effect(&self) -> Option<Effect> {
        let offering = self.order.offering;
        match &self.state {
            State::Holding { .. } => {
                Some(Effect::Hold { offering, claim: self.order.claim.clone() })
            }
            State::Paying { .. } => self.payment.map(|payment| Effect::Charge {
                payment,
                amount: self.order.price,
                card: self.card.clone(),
            }),
            State::Paid { asked, .. } => match asked {
                Asked::Waiting => None,
                Asked::Requested | Asked::Demanded => {
                    self.confirmation.map(|confirmation| Effect::Confirm {
                        confirmation,
                        terms: self.order.terms.confirmation,
                        demanded: *asked == Asked::Demanded,
                    })
                }
            },
            State::Undoing { undo, part, .. } => match part {
                Part::Money => self.payment.map(|payment| match undo.money {
                    Return::Retake => Effect::Settle { payment },
                    Return::Part(amount) => Effect::Refund { payment, amount: Some(amount) },
                    Return::All | Return::Nothing => Effect::Refund { payment, amount: None },
                }),
                Part::Units => Some(Effect::Release { offering }),
                Part::Confirmation => {
                    undo.withdraw.map(|confirmation| Effect::Withdraw { confirmation })
                }
            },
            State::Crediting { .. } => self.points().map(|points| Effect::Credit { points }),
            State::Delivering { .. } => {
                self.brings().map(|quantity| Effect::Supply { offering, quantity })
            }
            State::Unpaid { .. }
            | State::Confirmed { .. }
            | State::Stuck { .. }
            | State::Fulfilled
            | State::Refused(_)
            | State::Cancelled(_) => None,
        }
    }

    /// How much the order brings, if it brings and does not take.
    #[must_use]
    pub fn brings(&self) -> Option<Quantity> {
        match &self.order.claim {
            Claim::Supply(quantity) => Some(*quantity),
            Claim::Units(_) | Claim::Nights { .. } | Claim::Slot { .. } => None,
        }
    }

    /// What may be asked again although nobody owes it: whether the operator has spoken. The word
    /// may have been written down just before a crash, and the order not told of it.
    #[must_use]
    pub fn inquiry(&self) -> Option<Effect> {
        let State::Paid { asked: Asked::Waiting, .. } = &self.state else { return None };
        let terms = self.order.terms.confirmation;
        self.confirmation.map(|confirmation| Effect::Confirm {
            confirmation,
            terms,
            demanded: false,
        })
    }

    /// The name of the outstanding effect, if there is one to be answered. A confirmation that
    /// waits in the queue is no longer asked for, but may still be answered.
    #[must_use]
    pub fn effect_id(&self) -> Option<EffectId> {
        let waiting = matches!(self.state, State::Paid { .. });
        (waiting || self.owed_by().is_some())
            .then_some(EffectId { order: self.key, number: self.since })
    }

    /// When to look again. Every phase that is not terminal has a time.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.state.until()
    }

    /// Which number an [`Outcome::Held`] must bring.
    #[must_use]
    pub fn needs(&self) -> Need {
        match self.order.terms.payment {
            PaymentTerms::None => Need::Confirmation,
            PaymentTerms::WithOrder | PaymentTerms::Later { .. } if self.order.price.is_zero() => {
                Need::Confirmation
            }
            PaymentTerms::WithOrder => Need::Payment,
            PaymentTerms::Later { .. } => Need::Nothing,
        }
    }
}

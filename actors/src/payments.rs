//! The payments actor: all payments under way, a bounded number of gateway calls, one key per
//! payment for ever.
//!
//! A gateway call leaves the node, so it waits until the payment's request is durable. It runs in a
//! task of its own and comes back as a message; the mailbox never waits. An answer that does not
//! come is `Unknown`: the gateway is asked again under the same key.
//!
//! While the circuit breaker is open nothing new is charged. What was sent before goes on at its
//! own pace, and tells the breaker how the gateway is.

mod calls;
pub mod guard;
pub mod load;
mod msg;

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use rustc_hash::FxHashMap;
use surehold_domain::id::EffectId;
use surehold_domain::money::Money;
use surehold_domain::payment::{Answer, Effect, Event, Fact, Input, Payment, State, Verdict};
use surehold_domain::saga::Outcome;
use surehold_domain::time::{Span, Timestamp};
use tokio::sync::Semaphore;
use tracing::warn;

use crate::order::OrderMsg;
use crate::post::Post;
use crate::shelf::ShelfError;
use crate::stream::PaymentKey;
use calls::{Call, Desk, call};
pub use msg::PaymentsMsg;

/// A charge that may have left so long ago is asked about before it is sent again: gateways know a
/// key for a day, not for ever.
const REPEATED_WITHIN: Span = Span::seconds(12 * 60 * 60);

/// What the payments actor is started with.
#[derive(Clone)]
pub struct PaymentsArgs {
    /// What all actors share.
    pub post: Arc<Post>,
    /// How long one gateway call may take.
    pub call_timeout: Duration,
    /// How many may be under way at once.
    pub calls_max: usize,
}

/// The actor; all it has is in its state.
pub struct PaymentsActor;

/// All payments under way.
pub struct PaymentsState {
    args: PaymentsArgs,
    active: FxHashMap<PaymentKey, Active>,
    /// Those of them of which it is not known what became of the charge.
    unknown: usize,
    desk: Arc<Desk>,
    /// This life of the actor. A call that has not left when its life ends never leaves: the next
    /// life may have decided otherwise.
    life: Arc<()>,
}

struct Active {
    payment: Payment,
    sequence: u64,
    /// Who waits for it.
    effect: Option<EffectId>,
    /// What is under way.
    busy: Busy,
}

/// What is under way for a payment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Busy {
    No,
    /// The pause before a call.
    Pause,
    Call,
}

impl Actor for PaymentsActor {
    type Msg = PaymentsMsg;
    type State = PaymentsState;
    type Arguments = PaymentsArgs;

    async fn pre_start(
        &self,
        _myself: ActorRef<PaymentsMsg>,
        args: PaymentsArgs,
    ) -> Result<PaymentsState, ActorProcessingErr> {
        let permits = Semaphore::new(args.calls_max);
        let desk = Arc::new(Desk { args: args.clone(), permits });
        let life = Arc::default();
        metrics::gauge!("surehold_payments_unknown").set(0);
        Ok(PaymentsState { args, active: FxHashMap::default(), unknown: 0, desk, life })
    }

    async fn handle(
        &self,
        _myself: ActorRef<PaymentsMsg>,
        message: PaymentsMsg,
        state: &mut PaymentsState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            PaymentsMsg::Charge { effect, payment, amount, card, again } => {
                let key = PaymentKey { market: effect.order.market, payment };
                let requested = Event::Requested { order: effect.order, amount, card };
                state.charge(key, effect, requested, again)?;
            }
            PaymentsMsg::Refund { effect, payment, amount } => {
                let key = PaymentKey { market: effect.order.market, payment };
                let nothing = amount.map(|amount| Money::zero(amount.currency()));
                state.undo(key, effect, Input::Refund(amount), nothing)?;
            }
            PaymentsMsg::Settle { effect, payment } => {
                let key = PaymentKey { market: effect.order.market, payment };
                state.undo(key, effect, Input::Settle, None)?;
            }
            PaymentsMsg::Answered(key, answer) => state.answered(key, answer)?,
            PaymentsMsg::Due(key) => state.wake(key, false),
            PaymentsMsg::News(key) => state.news(key)?,
            PaymentsMsg::Crash => crash(),
        }
        Ok(())
    }
}

fn crash() {
    panic!("the payments were told to crash");
}

impl PaymentsState {
    fn charge(
        &mut self,
        key: PaymentKey,
        effect: EffectId,
        requested: Event,
        again: bool,
    ) -> Result<(), ShelfError> {
        if !self.known(key, again)? {
            let fact = Fact { at: self.args.post.clock.now(), event: requested };
            if self.args.post.breaker.is_open(fact.at) {
                self.void(key, &fact)?;
                self.args.post.answer(effect, Outcome::Unavailable);
                return Ok(());
            }
            let sequence = self.args.post.shelf.append::<Payment>(key.stream(), 1, &fact)?;
            let Some(payment) = Payment::begin_with(key.payment, fact) else { return Ok(()) };
            self.active.insert(key, Active { payment, sequence, effect: None, busy: Busy::No });
        }
        if let Some(active) = self.active.get_mut(&key) {
            active.effect = Some(effect);
        }
        self.tell(key)?;
        self.drive(key);
        Ok(())
    }

    /// No more is charged: what was goes back, or stays until the order has said what it wants.
    fn undo(
        &mut self,
        key: PaymentKey,
        effect: EffectId,
        input: Input,
        nothing: Option<Money>,
    ) -> Result<(), ShelfError> {
        if !self.known(key, true)? {
            // The charge never got here, so nothing can have been taken.
            return self.nothing_charged(effect, key, nothing);
        }
        if let Some(active) = self.active.get_mut(&key) {
            active.effect = Some(effect);
        }
        self.step(key, input)?;
        self.tell(key)?;
        self.drive(key);
        Ok(())
    }

    /// A refund for a payment that does not exist: it is written down as void, so that a charge
    /// that turns up later finds it so.
    fn nothing_charged(
        &mut self,
        effect: EffectId,
        key: PaymentKey,
        nothing: Option<Money>,
    ) -> Result<(), ShelfError> {
        let post = &self.args.post;
        let stream = crate::stream::order(effect.order);
        let loaded = post.shelf.load::<surehold_domain::saga::Saga>(stream)?;
        let Some(order) = loaded else { return Ok(()) };
        let amount = order.machine.order().price;
        let at = post.clock.now();
        let requested = Event::Requested { order: effect.order, amount, card: None };
        self.void(key, &Fact { at, event: requested })?;
        let nothing = nothing.unwrap_or(Money::zero(amount.currency()));
        post.answer(effect, Outcome::Refunded(nothing));
        Ok(())
    }

    /// Writes down a payment that is never made, so that a message that turns up later makes none.
    fn void(&self, key: PaymentKey, requested: &Fact) -> Result<(), ShelfError> {
        let shelf = &self.args.post.shelf;
        shelf.append::<Payment>(key.stream(), 1, requested)?;
        let voided = Fact { at: requested.at, event: Event::Voided };
        shelf.append::<Payment>(key.stream(), 2, &voided).map(|_| ())
    }

    /// Whether the payment exists; if so it is among the active ones afterwards.
    fn known(&mut self, key: PaymentKey, look: bool) -> Result<bool, ShelfError> {
        if self.active.contains_key(&key) {
            return Ok(true);
        }
        if !look {
            return Ok(false);
        }
        let Some(loaded) = self.args.post.shelf.load::<Payment>(key.stream())? else {
            return Ok(false);
        };
        let (payment, sequence) = (loaded.machine, loaded.sequence);
        self.count_unknown(false, is_unknown(&payment));
        self.active.insert(key, Active { payment, sequence, effect: None, busy: Busy::No });
        Ok(true)
    }

    fn answered(&mut self, key: PaymentKey, answer: Answer) -> Result<(), ShelfError> {
        if !self.known(key, true)? {
            warn!(payment = %key.payment, "an answer for a payment nobody asked for");
            return Ok(());
        }
        if let Answer::Unknown(why) = &answer {
            warn!(payment = %key.payment, why, "the gateway did not answer; it is asked again");
        }
        if let Some(active) = self.active.get_mut(&key) {
            active.busy = Busy::No;
        }
        self.step(key, Input::Answer(answer))?;
        self.tell(key)?;
        self.drive(key);
        self.let_go(key);
        Ok(())
    }

    fn step(&mut self, key: PaymentKey, input: Input) -> Result<(), ShelfError> {
        let Some(active) = self.active.get_mut(&key) else { return Ok(()) };
        let now = self.args.post.clock.now();
        match active.payment.decide(input, now) {
            Verdict::Record(event) => {
                let fact = Fact { at: now, event };
                let was = is_unknown(&active.payment);
                let number = active.payment.number() + 1;
                let shelf = &self.args.post.shelf;
                active.sequence = shelf.append::<Payment>(key.stream(), number, &fact)?;
                active.payment.apply(&fact);
                let is = is_unknown(&active.payment);
                self.count_unknown(was, is);
                Ok(())
            }
            Verdict::Ignore => Ok(()),
        }
    }

    /// A payment of which it was, or was not, known what became of the charge.
    fn count_unknown(&mut self, was: bool, is: bool) {
        self.unknown = (self.unknown + usize::from(is)).saturating_sub(usize::from(was));
        if was != is {
            let count = u32::try_from(self.unknown).unwrap_or(u32::MAX);
            metrics::gauge!("surehold_payments_unknown").set(count);
        }
    }

    /// Tells the order what is known, and lets go of a payment that owes and is owed nothing.
    fn tell(&mut self, key: PaymentKey) -> Result<(), ShelfError> {
        let Some(active) = self.active.get(&key) else { return Ok(()) };
        let Some(effect) = active.effect else { return Ok(()) };
        let post = &self.args.post;
        match active.payment.state() {
            State::Pending
            | State::Unknown { .. }
            | State::Voiding { .. }
            | State::Settling { .. }
            | State::Refunding { .. } => return Ok(()),
            State::Captured => post.directory.order(effect.order, OrderMsg::Charged(effect)),
            State::Declined(why) => {
                // Whichever the order waits for; the other answer is no answer to it.
                post.answer(effect, Outcome::Declined(why.clone()));
                post.answer(effect, Outcome::Refunded(zero(&active.payment)));
            }
            State::Voided => {
                // As above: an order that still wants to be paid hears that it cannot be.
                post.answer(effect, Outcome::Refunded(zero(&active.payment)));
                post.answer(effect, Outcome::Unavailable);
            }
            State::Refunded(amount) => post.answer(effect, Outcome::Refunded(*amount)),
        }
        post.shelf.settle(key.stream(), &active.payment, active.sequence)?;
        self.active.remove(&key);
        Ok(())
    }

    /// Ends the pause before the next question. One that came to nothing is asked about once more: what
    /// came after all goes back.
    fn news(&mut self, key: PaymentKey) -> Result<(), ShelfError> {
        if self.active.contains_key(&key) {
            self.wake(key, true);
        } else if self.known(key, true)? {
            if self.active.get(&key).is_some_and(|active| active.payment.is_nothing()) {
                self.ask(key, Effect::Ask, Span(0));
            } else {
                self.drive(key);
            }
            self.let_go(key);
        }
        Ok(())
    }

    /// Lets go of a payment that owes and is owed nothing, and that nobody waits for.
    fn let_go(&mut self, key: PaymentKey) {
        let rests = |active: &Active| {
            let asked = active.effect.is_some() || active.busy != Busy::No;
            !asked && active.payment.effect().is_none()
        };
        if self.active.get(&key).is_some_and(rests) {
            self.active.remove(&key);
        }
    }

    /// Ends a pause, if there is one. Whoever is asked already is not asked twice.
    fn wake(&mut self, key: PaymentKey, early: bool) {
        let Some(active) = self.active.get_mut(&key) else { return };
        if active.busy != Busy::Pause {
            return;
        }
        active.busy = Busy::No;
        if early {
            self.call(key, Span(0), self.args.post.clock.now());
        } else {
            self.drive(key);
        }
    }

    /// Makes the call the payment's state asks for, now or after its pause.
    fn drive(&mut self, key: PaymentKey) {
        let Some((_, not_before)) = self.active.get(&key).and_then(|one| one.payment.effect())
        else {
            return;
        };
        let now = self.args.post.clock.now();
        self.call(key, not_before.since(now), now);
    }

    fn call(&mut self, key: PaymentKey, pause: Span, now: Timestamp) {
        let owed = self.active.get(&key).and_then(|active| active.payment.effect());
        let Some((effect, since)) = owed else { return };
        let old = now.since(since) >= REPEATED_WITHIN;
        let effect = if old && effect == Effect::Capture { Effect::Ask } else { effect };
        self.ask(key, effect, pause);
    }

    fn ask(&mut self, key: PaymentKey, effect: Effect, pause: Span) {
        let Some(active) = self.active.get_mut(&key) else { return };
        if active.busy != Busy::No {
            return;
        }
        active.busy = if pause == Span(0) { Busy::Call } else { Busy::Pause };
        call(Call {
            desk: Arc::clone(&self.desk),
            life: Arc::downgrade(&self.life),
            key,
            order: active.payment.order(),
            amount: active.payment.amount(),
            card: active.payment.card().cloned(),
            durable: active.sequence,
            effect,
            pause: Duration::from_millis(pause.0),
        });
    }
}

fn is_unknown(payment: &Payment) -> bool {
    let state = payment.state();
    matches!(state, State::Unknown { .. } | State::Voiding { .. } | State::Settling { .. })
}

fn zero(payment: &Payment) -> Money {
    Money::zero(payment.amount().currency())
}

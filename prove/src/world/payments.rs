//! The payments actor: one key per payment for ever, and calls that wait for the disk.

use std::rc::Rc;

use surehold_domain::id::{EffectId, OrderId, PaymentId};
use surehold_domain::money::Money;
use surehold_domain::payment::{self, Answer, Effect, Event, Input, State, Verdict};
use surehold_domain::saga::Outcome;
use surehold_domain::time::{Span, Timestamp};

use super::{Entry, Message, Reply, START, Said, Time, Touched, World};

/// A charge that may have left so long ago is asked about before it is sent again.
const REPEATED_WITHIN: Span = Span::seconds(12 * 60 * 60);

/// A payment under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Desk {
    /// Who waits for it.
    pub(crate) wanted: Option<EffectId>,
    /// Whether a call is under way, or its pause.
    pub(crate) busy: bool,
}

impl World {
    pub(crate) fn touch_payment(&mut self, payment: PaymentId) {
        if let Some(paid) = self.node.payments.get(&payment) {
            self.touched.push(Touched::Order(paid.order().order));
        }
    }

    fn record_payment(&mut self, payment: PaymentId, event: Event) {
        self.age_answers(payment, &event);
        self.record(Entry::Payment(payment, payment::Fact { at: self.now, event }));
    }

    /// A fact that begins a payment's quiet anew makes answers from before it too early for it: calls
    /// end long before the quiet does. Where time is abstract, that has to be said.
    fn age_answers(&mut self, payment: PaymentId, event: &Event) {
        let anew = match event {
            Event::VoidRequested | Event::SettleRequested | Event::NotFound => true,
            Event::Unanswered { attempt, .. } => *attempt == 1,
            Event::Requested { .. }
            | Event::Captured
            | Event::Declined(_)
            | Event::RefundRequested(_)
            | Event::Refunded(_)
            | Event::Voided => false,
        };
        for message in self.mail.iter_mut().filter(|_| anew && self.time == Time::Abstract) {
            if let Message::Back { payment: other, asked_at, .. } = message
                && *other == payment
            {
                *asked_at = Timestamp(0);
            }
        }
    }

    pub(super) fn charge(&mut self, id: EffectId, payment: PaymentId, amount: Money) {
        if !self.node.payments.contains_key(&payment) {
            let requested = Event::Requested { order: id.order, amount, card: None };
            self.record_payment(payment, requested);
            if self.breaker_open {
                // Never sent, and never will be: written down, in case the same ask comes twice.
                self.record_payment(payment, Event::Voided);
                self.desk.remove(&payment);
                return self.answer(id, Said::Plain(Outcome::Unavailable));
            }
        }
        self.desk.entry(payment).or_default().wanted = Some(id);
        self.report(payment);
        self.drive(payment);
    }

    /// No more is charged: what was goes back, or stays until the order has said what it wants.
    pub(super) fn undo(&mut self, id: EffectId, payment: PaymentId, input: Input) {
        let Some(paid) = self.node.payments.get(&payment) else {
            return self.nothing_charged(id, payment);
        };
        let verdict = paid.decide(input, self.now);
        self.desk.entry(payment).or_default().wanted = Some(id);
        if let Verdict::Record(event) = verdict {
            self.record_payment(payment, event);
        }
        self.report(payment);
        self.drive(payment);
    }

    /// An undoing of what was never charged: written down as void, so that a charge that turns up
    /// later finds it so.
    fn nothing_charged(&mut self, id: EffectId, payment: PaymentId) {
        let Some(saga) = self.node.orders.get(&id.order.order) else { return };
        let amount = saga.order().price;
        self.record_payment(payment, Event::Requested { order: id.order, amount, card: None });
        self.record_payment(payment, Event::Voided);
        self.desk.remove(&payment);
        self.answer(id, Said::Plain(Outcome::Refunded(Money::zero(amount.currency()))));
    }

    /// Tells whoever asked last how the payment stands, if it stands.
    fn report(&mut self, payment: PaymentId) {
        let Some(paid) = self.node.payments.get(&payment) else { return };
        let Some(id) = self.desk.get(&payment).and_then(|desk| desk.wanted) else { return };
        let nothing = Outcome::Refunded(Money::zero(paid.amount().currency()));
        let said = match paid.state() {
            State::Pending
            | State::Unknown { .. }
            | State::Voiding { .. }
            | State::Settling { .. }
            | State::Refunding { .. } => return,
            State::Captured => vec![Said::Charged],
            // Whichever the order waits for; the other answer is no answer to it.
            State::Declined(why) => {
                vec![Said::Plain(Outcome::Declined(why.clone())), Said::Plain(nothing)]
            }
            State::Voided => vec![Said::Plain(nothing), Said::Plain(Outcome::Unavailable)],
            State::Refunded(amount) => vec![Said::Plain(Outcome::Refunded(*amount))],
        };
        self.desk.remove(&payment);
        said.into_iter().for_each(|said| self.answer(id, said));
    }

    /// Makes the call the payment's state asks for, now or after its pause.
    fn drive(&mut self, payment: PaymentId) {
        let Some(paid) = self.node.payments.get(&payment) else { return };
        let Some((effect, since)) = paid.effect() else { return };
        let desk = self.desk.entry(payment).or_default();
        if desk.busy {
            return;
        }
        desk.busy = true;
        let old = self.time == Time::Passes && self.now.since(since) >= REPEATED_WITHIN;
        let effect = match effect {
            Effect::Capture if old => Effect::Ask,
            Effect::Capture | Effect::Ask | Effect::Refund(_) => effect,
        };
        let paused = self.time == Time::Abstract || since > self.now;
        // A capture never waits: it is owed from the moment it was asked for.
        let paused = paused && effect != Effect::Capture;
        let effect = if paused { None } else { Some(effect) };
        self.mail.push(Message::Call { payment, effect });
    }

    /// When a call that waits in the mail may leave.
    pub(crate) fn call_at(&self, at: usize) -> Option<Timestamp> {
        match self.mail.get(at).filter(|_| self.is_call(at))? {
            Message::Call { effect: Some(_), .. } => Some(START),
            Message::Call { payment, effect: None } => {
                let due = self.node.payments.get(payment).and_then(|paid| paid.effect());
                Some(due.map_or(START, |(_, at)| at))
            }
            Message::Ask { .. } | Message::Answer { .. } | Message::Back { .. } => None,
        }
    }

    /// A call leaves the node, once what it rests on is on disk, and the gateway makes this of it.
    pub(crate) fn call(&mut self, at: usize, reply: Reply) {
        if !matches!(self.mail.get(at), Some(Message::Call { .. })) {
            return;
        }
        let Message::Call { payment, effect } = self.mail.remove(at) else { return };
        let Some(paid) = self.node.payments.get(&payment) else { return };
        let amount = paid.amount();
        let owed = paid.effect().map(|(effect, _)| effect);
        let Some(effect) = effect.or(owed) else {
            self.desk.entry(payment).or_default().busy = false;
            return;
        };
        self.sync_up_to(payment);
        let asked_at = self.call_time(payment);
        let answer = self.gateway.call(payment, effect, amount, reply, self.outside);
        self.say(|_| {
            format!("the gateway is called for payment {payment}: {effect:?}, and {reply:?}")
        });
        self.touch_payment(payment);
        if !self.base.payments.contains_key(&payment) {
            self.wrong(format!("the gateway was called for payment {payment}, not yet on disk"));
        }
        self.mail.push(Message::Back { payment, answer, asked_at });
    }

    /// A charge on its way arrives at the gateway.
    pub(crate) fn arrive(&mut self, payment: PaymentId) {
        let due = self.gateway.wire.iter().position(|(_, key, _)| *key == payment);
        if let Some((at, ..)) = due.map(|at| self.gateway.wire[at]) {
            self.say(|_| format!("the charge of payment {payment} arrives at the gateway"));
            self.gateway.arrive(at);
            self.touch_payment(payment);
        }
    }

    pub(super) fn gateway_said(&mut self, payment: PaymentId, answer: Answer, asked_at: Timestamp) {
        let Some(paid) = self.node.payments.get(&payment) else { return };
        let now = match self.time {
            Time::Passes => self.now,
            Time::Abstract => asked_at,
        };
        let verdict = paid.decide(Input::Answer(answer), now);
        self.desk.entry(payment).or_default().busy = false;
        if let Verdict::Record(event) = verdict {
            self.record_payment(payment, event);
        }
        self.report(payment);
        self.drive(payment);
    }

    /// The disk catches up to the payment's last fact.
    fn sync_up_to(&mut self, payment: PaymentId) {
        let mine = |entry: &Rc<Entry>| matches!(&**entry, Entry::Payment(id, _) if *id == payment);
        let behind = self.tail.iter().rposition(mine).map_or(0, |at| at + 1);
        self.sync(behind);
    }

    /// When a call leaves. Where time is abstract, that is before a payment's quiet is over as long
    /// as a charge of it is on its way, and long after that otherwise: a charge is on its way for less
    /// than the quiet lasts without the time of a call.
    fn call_time(&self, payment: PaymentId) -> Timestamp {
        match self.time {
            Time::Passes => self.outside,
            Time::Abstract if self.gateway.is_awaited(payment) => Timestamp(0),
            Time::Abstract => Timestamp(u64::MAX / 2),
        }
    }

    /// The payments of an order.
    pub(crate) fn payments_of(
        &self,
        order: OrderId,
    ) -> impl Iterator<Item = &payment::Payment> + '_ {
        let all = self.node.payments.values().map(|paid| &**paid);
        all.filter(move |paid| paid.order().order == order)
    }
}

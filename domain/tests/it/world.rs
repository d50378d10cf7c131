//! A whole small node: one offering, its orders, payments, confirmations, and a gateway outside.
//!
//! There is no clock and no thread: a queue of messages, a time that jumps, and one journal in one
//! total order. A crash loses everything but a prefix of the journal, at least up to what left the
//! node (output commit: the gateway is called only for what is on disk). Then the journal is
//! replayed and every order asks again for what it is owed: running and recovering are one path.
//!
//! Rules a shell must keep, and this one does: asks from one order to one party stay in their
//! order; a gateway's answer that is older than [`CALL_MAX`] counts as none; a payment that is
//! refused because the gateway is down is remembered as void, so that the same ask, come twice,
//! never charges; an inventory that refused an order refuses it again, for the same reason (a no
//! ends the order, a yes after it would be held for ever); an answer goes to whoever asked last; a restarted order that waits for an
//! operator looks whether the operator has spoken meanwhile; the mileage credits an order only while
//! that order still asks for it, and takes back what it credited when it reads of an undoing.

mod audit;
mod gateway;
mod mileage;
mod node;
mod parties;
mod recovery;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use surehold_domain::attributes::Attributes;
use surehold_domain::id::{ConfirmationId, EffectId, OrderId, PaymentId};
use surehold_domain::inventory::Offering;
use surehold_domain::order::Order;
use surehold_domain::payment::Answer;
use surehold_domain::saga::{
    self, Command, Effect, Input, Need, Next, Outcome, Phase, Reason, Saga, Verdict,
};
use surehold_domain::time::{Span, Timestamp};

use crate::check::{START, card, span};
pub(crate) use gateway::{Gateway, Mood};
use mileage::waits_for_points;
pub(crate) use node::{Entry, Node, hall, shop};

/// How long a call to the gateway may take before it counts as not answered.
const CALL_MAX: Span = Span::seconds(10);
/// Far more steps than any world of these tests needs; a world that takes more runs in a circle.
const STEPS_MAX: u32 = 20_000;

/// What a party says to an order; the order's shell adds the numbers.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    Held,
    Captured,
    /// Anything that needs no number.
    Plain(Outcome),
}

#[derive(Clone, Debug)]
pub(crate) enum Message {
    Ask(EffectId, Effect),
    Answer(EffectId, Said),
    Gateway { payment: PaymentId, answer: Answer, asked_at: Timestamp },
}

/// What people outside do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Cancel(OrderId),
    Pay(OrderId),
    Complete(OrderId),
    NoShow(OrderId),
    Speak(ConfirmationId, Word),
    /// Somebody mends what is broken.
    Mend,
}

/// What people do about an order a minute after this fact.
pub(crate) type Reaction = (&'static str, fn(OrderId) -> Act);

/// What an operator says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Yes,
    No,
    Nothing,
}

/// What goes wrong, once, with one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The ask of this effect is lost.
    Lost(&'static str),
    /// So is every further one, until the order is stuck and somebody looks.
    Silent(&'static str),
    /// The ask arrives twice.
    Twice(&'static str),
    /// The answer arrives when the order has moved on.
    Late(&'static str),
    /// The ask itself does, and everybody has read of it. Only for who is asked one thing: asks from
    /// one order to one party stay in their order.
    Overtaken(&'static str),
    /// The node dies before this fact is on disk.
    CrashBefore(&'static str),
    /// The node dies as soon as this fact is on disk.
    CrashAfter(&'static str),
}

pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) node: Node,
    pub(crate) journal: Vec<Entry>,
    /// How many entries of the journal no crash can take away.
    pub(crate) durable: usize,
    pub(crate) queue: VecDeque<Message>,
    pub(crate) gateway: Gateway,
    /// The order that a fault is about, and the fault.
    pub(crate) fault: Option<(OrderId, Fault)>,
    /// What people will do.
    pub(crate) agenda: Vec<(Timestamp, Act)>,
    /// What the operator says an hour after a confirmation was queued.
    pub(crate) operator: Word,
    /// Customers who could pay later and did, after ten minutes, once.
    pub(crate) payers: BTreeSet<OrderId>,
    /// An order, and what people do about it.
    pub(crate) reaction: Option<(OrderId, Reaction)>,
    /// Whether the mileage is down: it neither answers nor reads.
    pub(crate) mileage_down: bool,
    /// An order, and its fact at which the mileage goes down.
    pub(crate) mileage_ends: Option<(OrderId, &'static str)>,
    /// Orders that were stuck at some time.
    pub(crate) stuck: BTreeSet<OrderId>,
    /// How much of the journal the mileage has read.
    followed: usize,
    /// Which effect the answer about a payment goes to.
    wanted: BTreeMap<PaymentId, EffectId>,
    /// Whom the inventory refused, and why: the same order asking twice hears the same.
    refused: BTreeMap<OrderId, Reason>,
    /// The fact of a payment for which the gateway was called.
    called: BTreeMap<PaymentId, u32>,
    /// Answers kept back until their order has moved on.
    late: Vec<(EffectId, Said)>,
    /// Asks kept back until their order has moved on.
    pub(crate) overtaken: Vec<(EffectId, Effect)>,
    numbers: u64,
}

impl World {
    /// A node that sells this.
    pub(crate) fn new(offering: Box<Offering>) -> World {
        let opened = Entry::opened(offering);
        World {
            now: START,
            node: Node::replay(std::slice::from_ref(&opened)),
            journal: vec![opened],
            durable: 1,
            queue: VecDeque::new(),
            gateway: Gateway::default(),
            fault: None,
            agenda: Vec::new(),
            operator: Word::Yes,
            payers: BTreeSet::new(),
            reaction: None,
            mileage_down: false,
            mileage_ends: None,
            stuck: BTreeSet::new(),
            followed: 0,
            wanted: BTreeMap::new(),
            refused: BTreeMap::new(),
            called: BTreeMap::new(),
            late: Vec::new(),
            overtaken: Vec::new(),
            numbers: 0,
        }
    }

    pub(crate) fn place(&mut self, order: Order) -> OrderId {
        self.numbers += 1;
        let id = OrderId(self.numbers);
        if self.record(Entry::Order(id, Saga::place(order, Some(card()), self.now))) {
            self.ask(id);
        }
        id
    }

    /// Goes on until nothing is left to do, and says so if that takes too long.
    pub(crate) fn run(&mut self) {
        for _ in 0..STEPS_MAX {
            if !self.step() {
                return;
            }
        }
        let open: Vec<_> =
            self.node.orders.values().map(|saga| (saga.phase(), saga.effect())).collect();
        let paid: Vec<_> =
            self.node.payments.values().filter(|paid| paid.effect().is_some()).collect();
        panic!(
            "the world runs in a circle: orders {open:?}, payments {paid:?}, queue {:?}",
            self.queue
        );
    }

    /// Goes on until time must pass, or nothing is left to do.
    pub(crate) fn settle(&mut self) {
        for _ in 0..STEPS_MAX {
            if !self.work() {
                return;
            }
        }
        panic!("the world runs in a circle without any time passing");
    }

    /// Does the next thing, if need be later; `false` if there is none.
    pub(crate) fn step(&mut self) -> bool {
        if self.work() {
            return true;
        }
        let Some(next) = self.next_time() else { return false };
        self.now = next;
        true
    }

    /// Does the next thing there is to do now; `false` if there is none.
    fn work(&mut self) -> bool {
        self.gateway.arrive(self.now);
        let worked = match self.queue.pop_front() {
            Some(message) => {
                self.deliver(message);
                true
            }
            None => {
                self.call_gateway() || self.follow() || self.catch_up() || self.act() || self.wake()
            }
        };
        self.watch();
        worked
    }

    /// The next time at which something happens by itself.
    pub(crate) fn next_time(&self) -> Option<Timestamp> {
        let deadlines = self.node.orders.values().filter_map(Saga::deadline);
        let acts = self.agenda.iter().map(|(at, _)| *at);
        let calls = self.node.payments.values().filter_map(|payment| payment.effect());
        let calls = calls.map(|(_, at)| at).filter(|at| *at > self.now);
        deadlines.chain(acts).chain(calls).chain(self.gateway.arrival()).min()
    }

    fn act(&mut self) -> bool {
        let due = self.agenda.iter().position(|(at, _)| *at <= self.now);
        let Some(due) = due else { return false };
        match self.agenda.remove(due).1 {
            Act::Cancel(order) => self.command(order, Act::Cancel(order)),
            Act::Pay(order) => self.command(order, Act::Pay(order)),
            Act::Complete(order) => self.command(order, Act::Complete(order)),
            Act::NoShow(order) => self.command(order, Act::NoShow(order)),
            Act::Speak(confirmation, word) => self.speak(confirmation, word),
            Act::Mend => self.mend(),
        }
        true
    }

    /// Somebody looks, and mends what was broken.
    pub(crate) fn mend(&mut self) {
        self.gateway.mood = Mood::Fine;
        self.mileage_down = false;
        if matches!(self.fault, Some((_, Fault::Silent(_)))) {
            self.fault = None;
        }
    }

    fn command(&mut self, order: OrderId, act: Act) {
        self.numbers += 1;
        let payment = PaymentId(self.numbers);
        let (note, quote, attributes) = (None, None, Attributes::new());
        let command = match act {
            Act::Pay(_) => Command::Pay { payment, card: card() },
            Act::Complete(_) => Command::Complete,
            Act::NoShow(_) => Command::NoShow { note },
            Act::Cancel(_) | Act::Speak(..) | Act::Mend => {
                Command::Cancel { note, quote, attributes }
            }
        };
        self.tell(order, Input::Command(command));
    }

    fn wake(&mut self) -> bool {
        let due = |saga: &&Saga| saga.deadline().is_some_and(|until| until <= self.now);
        let Some(order) = self.node.orders.values().find(due).map(|saga| saga.key().order) else {
            return false;
        };
        self.tell(order, Input::Wake);
        true
    }

    pub(crate) fn deliver(&mut self, message: Message) {
        match message {
            Message::Ask(id, effect) => self.asked(id, effect),
            Message::Answer(id, said) => self.answered(id, said),
            Message::Gateway { payment, answer, asked_at } => {
                let late = self.now.since(asked_at) > CALL_MAX;
                let answer = if late { Answer::Unknown("timeout".to_owned()) } else { answer };
                self.gateway_said(payment, answer);
            }
        }
    }

    fn asked(&mut self, id: EffectId, effect: Effect) {
        let name = effect.name();
        match self.fault {
            Some((order, Fault::Lost(lost))) if (order, lost) == (id.order.order, name) => {
                self.fault = None;
                return;
            }
            Some((order, Fault::Silent(silent))) if (order, silent) == (id.order.order, name) => {
                return;
            }
            Some((order, Fault::Twice(twice))) if (order, twice) == (id.order.order, name) => {
                self.fault = None;
                self.queue.push_front(Message::Ask(id, effect.clone()));
            }
            Some((order, Fault::Overtaken(late))) if (order, late) == (id.order.order, name) => {
                self.fault = None;
                self.overtaken.push((id, effect));
                return;
            }
            Some(_) | None => {}
        }
        self.serve(id, effect);
    }

    /// An ask that was kept back arrives; `false` if there is none.
    fn catch_up(&mut self) -> bool {
        let moved = |(id, _): &(EffectId, Effect)| {
            self.node.orders.get(&id.order.order).is_some_and(|it| it.effect_id() != Some(*id))
        };
        let Some(moved) = self.overtaken.iter().position(moved) else { return false };
        let (id, effect) = self.overtaken.remove(moved);
        self.serve(id, effect);
        true
    }

    fn answered(&mut self, id: EffectId, said: Said) {
        let Some(saga) = self.node.orders.get(&id.order.order) else { return };
        if let Some((order, Fault::Late(late))) = self.fault {
            let owed = saga.effect().is_some_and(|effect| effect.name() == late);
            if order == id.order.order && owed {
                self.fault = None;
                self.late.push((id, said));
                return;
            }
        }
        self.numbers += 1;
        let outcome = match said {
            Said::Held => Outcome::Held(match saga.needs() {
                Need::Payment if self.gateway.mood == Mood::Down => Next::PaymentsDown,
                Need::Payment if self.mileage_down && waits_for_points(saga) => Next::MileageDown,
                Need::Payment => Next::Payment(PaymentId(self.numbers)),
                Need::Confirmation => Next::Confirmation(ConfirmationId(self.numbers)),
                Need::Nothing => Next::Nothing,
            }),
            Said::Captured => Outcome::Captured(ConfirmationId(self.numbers)),
            Said::Plain(outcome) => outcome,
        };
        self.tell(id.order.order, Input::Outcome(id, outcome));
    }

    /// Decide, record, speak: the whole of an order's shell.
    pub(crate) fn tell(&mut self, order: OrderId, input: Input) {
        let Some(saga) = self.node.orders.get(&order) else { return };
        let owed = (saga.effect_id(), saga.effect());
        let woken = input == Input::Wake;
        let Verdict::Record(event) = saga.decide(input, self.now) else { return };
        let fact = saga::Fact { at: self.now, event };
        if !self.record(Entry::Order(order, fact)) {
            return;
        }
        let saga = &self.node.orders[&order];
        // A deadline that asks for the same again is an asking too.
        if woken || owed != (saga.effect_id(), saga.effect()) {
            self.ask(order);
        }
        self.notice(order);
    }

    /// What people do about what they see of an order.
    fn notice(&mut self, order: OrderId) {
        let saga = &self.node.orders[&order];
        let (phase, last) = (saga.phase(), saga.history().last().expect("a step").event.name());
        if phase == Phase::Stuck && self.stuck.insert(order) {
            self.mend();
            self.fault = None;
        }
        if phase == Phase::Unpaid && self.payers.insert(order) {
            self.agenda.push((self.now.plus(span("10 min")), Act::Pay(order)));
        }
        if let Some((whose, (fact, act))) = self.reaction
            && (whose, fact) == (order, last)
        {
            self.agenda.push((self.now.plus(span("1 min")), act(order)));
        }
        if self.mileage_ends == Some((order, last)) {
            self.mileage_ends = None;
            self.mileage_down = true;
        }
        let moved =
            |(id, _): &(EffectId, Said)| self.node.orders[&id.order.order].effect_id() != Some(*id);
        if let Some(moved) = self.late.iter().position(moved) {
            let (id, said) = self.late.remove(moved);
            self.queue.push_back(Message::Answer(id, said));
        }
    }

    fn ask(&mut self, order: OrderId) {
        let saga = &self.node.orders[&order];
        if let (Some(id), Some(effect)) = (saga.effect_id(), saga.effect()) {
            self.queue.push_back(Message::Ask(id, effect));
        }
    }

    /// Puts a fact into the journal and makes it so; `false` if the node died of it.
    fn record(&mut self, entry: Entry) -> bool {
        let name = entry.name(&self.node);
        match self.fault {
            Some((order, Fault::CrashBefore(at))) if (Some(order), at) == name => {
                self.crash(self.journal.len());
                return false;
            }
            Some((order, Fault::CrashAfter(at))) if (Some(order), at) == name => {
                self.journal.push(entry);
                self.crash(self.journal.len());
                return false;
            }
            Some(_) | None => {}
        }
        self.node.apply(&entry);
        self.journal.push(entry);
        true
    }
}

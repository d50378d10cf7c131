//! A whole node without a clock, a thread or a disk: the domain's machines, the messages between
//! them, a journal, and a gateway outside.
//!
//! Nothing moves by itself. Whoever proves something with it says what happens next: which message
//! arrives, what the gateway does, which deadline passes, where the node dies. `model` tries all of
//! it, `simulate` throws dice.
//!
//! The rules between the machines are those of the actors' shells: decide, apply, append, speak;
//! asks from one order to one party stay in their order; inside the node a message may leave before
//! its record is durable, and what leaves the node waits. A crash loses everything but a prefix of
//! the journal, at least up to what left the node.

mod audit;
mod crash;
mod gateway;
mod mail;
mod mileage;
mod node;
mod oracle;
mod orders;
mod parties;
mod payments;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use surehold_domain::id::{EffectId, MarketId, OfferingId, OrderId, OrderKey, PaymentId};
use surehold_domain::saga::{Party, Phase, Reason};
use surehold_domain::time::{Span, Timestamp};

pub(crate) use gateway::{Gateway, Reply};
pub(crate) use mail::{Message, Said};
pub(crate) use node::{Entry, Node, Numbers};
pub(crate) use parties::Word;
pub(crate) use payments::Desk;

/// When every world begins: 2027-01-15.
pub(crate) const START: Timestamp = Timestamp(1_800_000_000_000);
/// How long a call to the gateway may take before it counts as not answered.
pub(crate) const CALL_MAX: Span = Span::seconds(10);

/// An order of the one market there is.
pub(crate) fn key(order: OrderId) -> OrderKey {
    OrderKey { market: MarketId(0), order }
}

/// How a world treats time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    /// It passes as it is told to.
    Passes,
    /// Only the order of things counts: whatever waits for time has waited long enough, except that
    /// a charge on its way arrives before the payment's quiet is over.
    Abstract,
}

/// What was told to the outside about an order, and must stay true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// How many facts the order had.
    pub(crate) number: u32,
    /// Where it was.
    pub(crate) phase: Phase,
}

/// What a step touched, and the oracles look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touched {
    /// An offering.
    Offering(OfferingId),
    /// An order, its payments and its account at the gateway.
    Order(OrderId),
}

/// A node and what is around it.
#[derive(Clone)]
pub(crate) struct World {
    /// What the node's clock shows.
    pub(crate) now: Timestamp,
    /// What time it is outside: it never goes back.
    pub(crate) outside: Timestamp,
    /// How time is treated.
    pub(crate) time: Time,
    /// The machines as they are.
    pub(crate) node: Node,
    /// The machines as the disk knows them.
    pub(crate) base: Node,
    /// The facts the disk does not know yet.
    pub(crate) tail: Vec<Rc<Entry>>,
    /// Most facts the disk may be behind; more are written at once.
    pub(crate) tail_max: usize,
    /// How many facts the disk knows.
    pub(crate) durable: u64,
    /// What is on its way inside the node, in the order of sending.
    pub(crate) mail: Vec<Message>,
    /// The payments under way.
    pub(crate) desk: BTreeMap<PaymentId, Desk>,
    /// Whom an offering refused: asked again, it says the same.
    pub(crate) refused: BTreeMap<(OfferingId, OrderId), Reason>,
    /// How often anything was asked in this life, and the number of each order's latest ask.
    pub(crate) asks: u32,
    pub(crate) latest: BTreeMap<OrderId, u32>,
    /// The outside.
    pub(crate) gateway: Gateway,
    /// Whether the node knows the gateway to be down.
    pub(crate) breaker_open: bool,
    /// Who is stopped.
    pub(crate) stopped: BTreeSet<Party>,
    /// The numbers given in this life.
    pub(crate) numbers: Numbers,
    /// What the outside was told, by order.
    pub(crate) told: BTreeMap<OrderId, Told>,
    /// The order a key was answered with.
    pub(crate) told_keys: BTreeMap<u64, OrderId>,
    /// Turns of orders with points, as far as they are durable, and how many the mileage has read.
    pub(crate) turns: Vec<(OrderId, bool)>,
    pub(crate) followed: usize,
    /// What the step under way touched.
    pub(crate) touched: Vec<Touched>,
    /// The first thing that was seen to be wrong.
    pub(crate) broken: Option<String>,
    /// What happened, line by line, if somebody wants to read it.
    pub(crate) tale: Option<Vec<String>>,
}

impl World {
    /// A node that sells nothing yet.
    pub(crate) fn new(time: Time, tail_max: usize) -> World {
        World {
            now: START,
            outside: START,
            time,
            node: Node::default(),
            base: Node::default(),
            tail: Vec::new(),
            tail_max,
            durable: 0,
            mail: Vec::new(),
            desk: BTreeMap::new(),
            refused: BTreeMap::new(),
            asks: 0,
            latest: BTreeMap::new(),
            gateway: Gateway::default(),
            breaker_open: false,
            stopped: BTreeSet::new(),
            numbers: Numbers::default(),
            told: BTreeMap::new(),
            told_keys: BTreeMap::new(),
            turns: Vec::new(),
            followed: 0,
            touched: Vec::new(),
            broken: None,
            tale: None,
        }
    }

    /// A line of the tale, if one is told.
    pub(crate) fn say(&mut self, line: impl FnOnce(&World) -> String) {
        if self.tale.is_none() {
            return;
        }
        let line = format!("+{} {}", self.now.since(START), line(self));
        if let Some(tale) = &mut self.tale {
            tale.push(line);
        }
    }

    /// Notes what is wrong; the first of it counts.
    pub(crate) fn wrong(&mut self, what: String) {
        if self.broken.is_none() {
            self.say(|_| format!("WRONG: {what}"));
            self.broken = Some(what);
        }
    }

    /// Time passes, inside and outside.
    pub(crate) fn pass(&mut self, span: Span) {
        self.now = self.now.plus(span);
        self.outside = self.outside.plus(span);
        for payment in self.gateway.arrive(self.outside) {
            self.touch_payment(payment);
        }
    }

    /// Puts a fact into the journal and makes it so.
    pub(crate) fn record(&mut self, entry: Entry) {
        self.say(|world| entry.line(&world.node));
        self.node.apply(&entry);
        match &entry {
            Entry::Inventory(offering, _) => self.touched.push(Touched::Offering(*offering)),
            Entry::Order(order, ..) | Entry::Mileage(order, _) => {
                self.touched.push(Touched::Order(*order));
            }
            Entry::Payment(payment, _) => self.touch_payment(*payment),
            Entry::Confirmation(..) => {}
        }
        self.tail.push(Rc::new(entry));
        if self.tail.len() > self.tail_max {
            self.sync(1);
        }
    }

    /// How many facts the journal has, on disk or not.
    pub(crate) fn length(&self) -> u64 {
        self.durable + self.tail.len() as u64
    }

    /// The disk catches up by so many facts, and what waited for them leaves the node.
    pub(crate) fn sync(&mut self, facts: usize) {
        let facts = facts.min(self.tail.len());
        for entry in self.tail.drain(..facts) {
            self.base.apply(&entry);
            self.durable += 1;
            let Entry::Order(order, fact, used) = &*entry else { continue };
            let Some(saga) = self.base.orders.get(order) else { continue };
            self.told.insert(*order, Told { number: saga.number(), phase: saga.phase() });
            if let Some(used) = used {
                self.told_keys.insert(*used, *order);
            }
            mileage::note_turn(&mut self.turns, *order, saga, &fact.event);
        }
    }

    /// Whether this is what the order waits for.
    pub(crate) fn is_owed(&self, id: EffectId) -> bool {
        self.node.orders.get(&id.order.order).is_some_and(|saga| saga.effect_id() == Some(id))
    }
}

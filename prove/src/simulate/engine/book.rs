//! What the journal tells, folded record by record as it is appended, apart from the engine: the
//! oracle of every step.
//!
//! Holds are added up here anew, so that an engine that miscounts them is caught with the first unit
//! too many.

use std::collections::BTreeMap;

use surehold::domain::id::{MarketId, OrderId, OrderKey};
use surehold::domain::invariants;
use surehold::domain::inventory::{self, Inventory, Offering};
use surehold::domain::order::Claim;
use surehold::domain::payment::{self, Payment, State};
use surehold::domain::saga::{Phase, Saga};
use surehold::domain::time::Timestamp;
use surehold_actors::machine::Machine;
use surehold_actors::stream::{Kind, OfferingKey, PaymentKey, order_key};
use surehold_storage::{Record, Stream};

use super::notes::Found;

/// An order, and which record tells what.
pub(super) struct OrderLine {
    pub(super) saga: Saga,
    /// Sequence and time of each of its facts, and the phase it led to.
    facts: Vec<(u64, Timestamp, Phase)>,
}

struct PaymentLine {
    payment: Payment,
    requested: u64,
    /// Since when money may go back.
    undone: Option<u64>,
}

struct Offered {
    offering: Offering,
    /// What was brought or counted since, in thousandths.
    more: i128,
    holds: BTreeMap<OrderId, Claim>,
}

/// Everything the journal tells.
#[derive(Default)]
pub(super) struct Book {
    orders: BTreeMap<OrderKey, OrderLine>,
    payments: BTreeMap<PaymentKey, PaymentLine>,
    offerings: BTreeMap<OfferingKey, Offered>,
}

/// An order as lines name it.
pub(super) fn named(key: OrderKey) -> String {
    format!("order {}/{}", key.market.0, key.order)
}

fn found(about: OrderKey, what: String) -> Found {
    Found { what, about: Some(named(about)) }
}

impl Book {
    /// What these records tell.
    pub(super) fn of(records: &[Record]) -> Result<Book, Found> {
        let mut book = Book::default();
        for record in records {
            book.record(record)?;
        }
        Ok(book)
    }

    /// One more record; says in a few words what it tells of an order, or what it breaks.
    pub(super) fn record(&mut self, record: &Record) -> Result<String, Found> {
        let stream = record.stream;
        match Kind::of(stream) {
            Some(Kind::Order) => self.order_fact(record),
            Some(Kind::Payment) => self.payment_fact(record),
            Some(Kind::Offering) => self.offering_fact(record),
            Some(
                Kind::Node
                | Kind::Market
                | Kind::Confirmation
                | Kind::Key
                | Kind::Mileage
                | Kind::Message
                | Kind::Review
                | Kind::Sale
                | Kind::Supply
                | Kind::Switch,
            )
            | None => Ok(format!("stream {stream}")),
        }
    }

    fn order_fact(&mut self, record: &Record) -> Result<String, Found> {
        let key = order_key(record.stream);
        let fact = fact_of::<Saga>(record)?;
        let told = format!("{} {}", named(key), fact.event.kind().name());
        let line = match self.orders.remove(&key) {
            Some(mut line) => {
                line.saga.apply(&fact);
                line.facts.push((record.sequence, fact.at, line.saga.phase()));
                line
            }
            None => match Saga::begin(key, &fact) {
                Some(saga) => {
                    let facts = vec![(record.sequence, fact.at, saga.phase())];
                    OrderLine { saga, facts }
                }
                None => return Err(found(key, format!("{} begins with {told}", named(key)))),
            },
        };
        let broken = invariants::order(&line.saga).err();
        let twice = record.number != line.saga.number();
        self.orders.insert(key, line);
        match broken {
            Some(broken) => Err(found(key, format!("{}: {}", broken.rule, broken.seen))),
            None if twice => Err(found(key, format!("{told} is fact {} twice", record.number))),
            None => Ok(told),
        }
    }

    fn payment_fact(&mut self, record: &Record) -> Result<String, Found> {
        let key = payment_key(record.stream);
        let fact = fact_of::<Payment>(record)?;
        let line = match self.payments.remove(&key) {
            Some(mut line) => {
                line.payment.apply(&fact);
                if matches!(line.payment.state(), State::Refunding { .. }) {
                    line.undone.get_or_insert(record.sequence);
                }
                line
            }
            None => match Payment::begin(key.payment, &fact) {
                Some(payment) => PaymentLine { payment, requested: record.sequence, undone: None },
                None => {
                    let what = format!("payment {} begins with {}", key.payment, fact.event.name());
                    return Err(Found { what, about: None });
                }
            },
        };
        let order = line.payment.order();
        let captured = *line.payment.state() == State::Captured;
        self.payments.insert(key, line);
        if captured && fact.event == payment::Event::Captured {
            let mut others = self.payments.iter().filter(|(other, line)| {
                **other != key
                    && line.payment.order() == order
                    && *line.payment.state() == State::Captured
            });
            if let Some((other, _)) = others.next() {
                let (one, two) = (other.payment, key.payment);
                let what = format!("{} is paid twice: {one} and {two}", named(order));
                return Err(found(order, what));
            }
        }
        Ok(format!("payment {} of {} {}", key.payment, named(order), fact.event.name()))
    }

    fn offering_fact(&mut self, record: &Record) -> Result<String, Found> {
        let market = MarketId(record.stream.group);
        let key =
            OfferingKey { market, offering: surehold::domain::id::OfferingId(record.stream.id) };
        let fact = fact_of::<Inventory>(record)?;
        let name = fact.event.name();
        let told = format!("offering {}/{} {name}", market.0, record.stream.id);
        match fact.event {
            inventory::Event::Opened(offering) => {
                let offered = Offered { offering: *offering, more: 0, holds: BTreeMap::new() };
                self.offerings.insert(key, offered);
                return Ok(told);
            }
            inventory::Event::Changed(offering) => {
                if let Some(offered) = self.offerings.get_mut(&key) {
                    (offered.offering, offered.more) = (*offering, 0);
                }
            }
            inventory::Event::Held { order, claim } => {
                let about = OrderKey { market, order };
                let Some(offered) = self.offerings.get_mut(&key) else { return Ok(told) };
                offered.holds.insert(order, claim);
                return match offered.oversold() {
                    Some(what) => Err(found(about, format!("{told}: {what}"))),
                    None => Ok(format!("{told} for {}", named(about))),
                };
            }
            inventory::Event::Released { order } => {
                if let Some(offered) = self.offerings.get_mut(&key) {
                    offered.holds.remove(&order);
                }
                return Ok(format!("{told} by {}", named(OrderKey { market, order })));
            }
            inventory::Event::Received { order, quantity } => {
                self.count(key, i128::from(quantity.thousandths()));
                return Ok(format!("{told} from {}", named(OrderKey { market, order })));
            }
            inventory::Event::Adjusted { quantity, up } => {
                let by = i128::from(quantity.thousandths());
                self.count(key, if up { by } else { -by });
            }
            inventory::Event::Closed => {}
        }
        Ok(told)
    }

    fn count(&mut self, key: OfferingKey, more: i128) {
        if let Some(offered) = self.offerings.get_mut(&key) {
            offered.more += more;
        }
    }

    /// Whether the order stood like this at some time, in a record up to this one.
    pub(super) fn stood(
        &self,
        key: OrderKey,
        (at, phase): (Timestamp, Phase),
        durable: u64,
    ) -> bool {
        let Some(line) = self.orders.get(&key) else { return false };
        let mut facts = line.facts.iter();
        facts.any(|fact| (fact.1, fact.2) == (at, phase) && fact.0 <= durable)
    }

    /// Whether a payment was asked for in a record up to this one; if `back`, whether its money may
    /// go back.
    pub(super) fn may_call(&self, key: PaymentKey, back: bool, durable: u64) -> bool {
        let since = self
            .payments
            .get(&key)
            .and_then(|line| if back { line.undone } else { Some(line.requested) });
        since.is_some_and(|sequence| sequence <= durable)
    }

    /// The order that a payment pays.
    pub(super) fn paid_by(&self, key: PaymentKey) -> Option<OrderKey> {
        self.payments.get(&key).map(|line| line.payment.order())
    }

    /// All orders.
    pub(super) fn orders(&self) -> impl Iterator<Item = (&OrderKey, &Saga)> {
        self.orders.iter().map(|(key, line)| (key, &line.saga))
    }

    /// One of them.
    pub(super) fn order(&self, key: OrderKey) -> Option<&Saga> {
        self.orders.get(&key).map(|line| &line.saga)
    }

    /// The first order that is not at its end, and how many there are.
    pub(super) fn unfinished(&self) -> Option<(OrderKey, Phase, usize)> {
        let mut open = self.orders().filter(|(_, saga)| !saga.phase().is_terminal());
        let (key, saga) = open.next()?;
        Some((*key, saga.phase(), 1 + open.count()))
    }

    /// All payments.
    pub(super) fn payments(&self) -> impl Iterator<Item = (&PaymentKey, &Payment)> {
        self.payments.iter().map(|(key, line)| (key, &line.payment))
    }
}

impl Offered {
    /// What is sold beyond what there is and what was declared, if anything is.
    fn oversold(&self) -> Option<String> {
        let limit = i128::from(self.offering.limit()?.thousandths()) + self.more;
        let mut held: BTreeMap<String, i128> = BTreeMap::new();
        let mut add = |place: String, claim: &Claim| {
            *held.entry(place).or_default() += i128::from(claim.quantity().thousandths());
        };
        for claim in self.holds.values() {
            match claim {
                Claim::Units(_) => add("all".to_owned(), claim),
                Claim::Nights { from, to, .. } => {
                    from.until(*to).for_each(|night| add(night.to_string(), claim));
                }
                Claim::Slot { slot, .. } => add(slot.name(), claim),
                Claim::Supply(_) => {}
            }
        }
        let (place, held) = held.into_iter().find(|(_, held)| *held > limit)?;
        Some(format!("{held} thousandths are held of {limit} ({place})"))
    }
}

fn payment_key(stream: Stream) -> PaymentKey {
    let market = MarketId(stream.group);
    PaymentKey { market, payment: surehold::domain::id::PaymentId(stream.id) }
}

fn fact_of<M: Machine>(record: &Record) -> Result<M::Fact, Found> {
    M::fact_from_bytes(&record.bytes).map_err(|error| {
        let what = format!("record {} cannot be read: {error}", record.sequence);
        Found { what, about: None }
    })
}

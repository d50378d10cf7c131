//! The machines of a node, and the journal they are made of.

use std::collections::BTreeMap;

use surehold_domain::attributes::Attributes;
use surehold_domain::confirmation::{self, Confirmation};
use surehold_domain::id::{ConfirmationId, OfferingId, OrderId, PaymentId};
use surehold_domain::inventory::{self, Inventory, Model, Offering};
use surehold_domain::mileage::{self, Mileage};
use surehold_domain::payment::{self, Payment};
use surehold_domain::quantity::Quantity;
use surehold_domain::saga::{self, Saga};

use crate::check::{START, euro, key};

/// One fact of one machine.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Inventory(inventory::Fact),
    Order(OrderId, saga::Fact),
    Payment(PaymentId, payment::Fact),
    Confirmation(ConfirmationId, confirmation::Fact),
    Mileage(OrderId, mileage::Fact),
}

/// All machines, as far as their facts made them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) inventory: Inventory,
    pub(crate) orders: BTreeMap<OrderId, Saga>,
    pub(crate) payments: BTreeMap<PaymentId, Payment>,
    pub(crate) confirmations: BTreeMap<ConfirmationId, Confirmation>,
    pub(crate) mileage: BTreeMap<OrderId, Mileage>,
}

/// What is sold: a hall with so many seats.
pub(crate) fn hall(seats: u64) -> Box<Offering> {
    let capacity = Quantity::whole(seats).expect("a quantity");
    offering("the hall", Model::Seats { capacity })
}

/// What is sold: so many pieces in a shop, to which more can be brought.
pub(crate) fn shop(pieces: u64) -> Box<Offering> {
    let quantity = Quantity::whole(pieces).expect("a quantity");
    offering("the shop", Model::Stock { quantity })
}

fn offering(name: &str, model: Model) -> Box<Offering> {
    let (name, price, overbook) = (name.to_owned(), euro(1000), Quantity::NONE);
    Box::new(Offering { name, price, model, overbook, attributes: Attributes::new() })
}

impl Entry {
    /// The fact that opens an offering.
    pub(crate) fn opened(offering: Box<Offering>) -> Entry {
        let event = inventory::Event::Opened(offering);
        Entry::Inventory(inventory::Fact { at: START, event })
    }

    /// Which order it is about, and its name.
    pub(crate) fn name(&self, node: &Node) -> (Option<OrderId>, &'static str) {
        match self {
            Entry::Inventory(fact) => match &fact.event {
                inventory::Event::Held { order, .. } => (Some(*order), fact.event.name()),
                inventory::Event::Released { order } | inventory::Event::Received { order, .. } => {
                    (Some(*order), fact.event.name())
                }
                inventory::Event::Opened(_)
                | inventory::Event::Changed(_)
                | inventory::Event::Adjusted { .. }
                | inventory::Event::Closed => (None, fact.event.name()),
            },
            Entry::Order(order, fact) => (Some(*order), fact.event.kind().name()),
            Entry::Mileage(order, fact) => (Some(*order), fact.event.name()),
            // An order has a fact of this name too: the customer sent a card.
            Entry::Payment(
                _,
                payment::Fact { event: payment::Event::Requested { order, .. }, .. },
            ) => (Some(order.order), "ChargeRequested"),
            Entry::Payment(id, fact) => {
                (node.payments.get(id).map(|it| it.order().order), fact.event.name())
            }
            Entry::Confirmation(id, fact) => {
                // The order calls its own fact the same.
                let name = match fact.event.name() {
                    "ConfirmationWithdrawn" => "PromiseWithdrawn",
                    name => name,
                };
                let order = match &fact.event {
                    confirmation::Event::Queued { order, .. }
                    | confirmation::Event::Issued { order }
                    | confirmation::Event::Abandoned { order } => Some(order.order),
                    confirmation::Event::Confirmed
                    | confirmation::Event::Rejected(_)
                    | confirmation::Event::Withdrawn => {
                        node.confirmations.get(id).map(|it| it.order().order)
                    }
                };
                (order, name)
            }
        }
    }
}

impl Node {
    /// The machines these facts make.
    pub(crate) fn replay(journal: &[Entry]) -> Node {
        let Some(Entry::Inventory(opened)) = journal.first() else {
            panic!("the journal begins with the offering")
        };
        let mut node = Node {
            inventory: Inventory::begin(OfferingId(1), opened).expect("it opens an offering"),
            orders: BTreeMap::new(),
            payments: BTreeMap::new(),
            confirmations: BTreeMap::new(),
            mileage: BTreeMap::new(),
        };
        journal[1..].iter().for_each(|entry| node.apply(entry));
        node
    }

    pub(crate) fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Inventory(fact) => self.inventory.apply(fact),
            Entry::Order(id, fact) => match self.orders.get_mut(id) {
                Some(saga) => saga.apply(fact),
                None => {
                    let saga = Saga::begin(key(id.0), fact).expect("it begins an order");
                    self.orders.insert(*id, saga);
                }
            },
            Entry::Payment(id, fact) => match self.payments.get_mut(id) {
                Some(payment) => payment.apply(fact),
                None => {
                    let payment = Payment::begin(*id, fact).expect("it begins a payment");
                    self.payments.insert(*id, payment);
                }
            },
            Entry::Confirmation(id, fact) => match self.confirmations.get_mut(id) {
                Some(promise) => promise.apply(fact),
                None => {
                    let promise = Confirmation::begin(*id, fact).expect("it begins one");
                    self.confirmations.insert(*id, promise);
                }
            },
            Entry::Mileage(order, fact) => match self.mileage.get_mut(order) {
                Some(entry) => entry.apply(fact),
                None => {
                    let entry = Mileage::begin(fact).expect("it begins an entry");
                    self.mileage.insert(*order, entry);
                }
            },
        }
    }
}

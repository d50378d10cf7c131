//! The machines of a node, and the facts they are made of.

use std::collections::BTreeMap;
use std::rc::Rc;

use surehold_domain::confirmation::{self, Confirmation};
use surehold_domain::id::{ConfirmationId, OfferingId, OrderId, PaymentId};
use surehold_domain::inventory::{self, Inventory};
use surehold_domain::mileage::{self, Mileage};
use surehold_domain::payment::{self, Payment};
use surehold_domain::saga::{self, Saga};

use super::key;

/// One fact of one machine.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// Of an offering.
    Inventory(OfferingId, inventory::Fact),
    /// Of an order; its first fact comes with the idempotency key it was placed under.
    Order(OrderId, saga::Fact, Option<u64>),
    /// Of a payment.
    Payment(PaymentId, payment::Fact),
    /// Of a confirmation.
    Confirmation(ConfirmationId, confirmation::Fact),
    /// Of an order's points.
    Mileage(OrderId, mileage::Fact),
}

/// The last numbers given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) order: u64,
    pub(crate) payment: u64,
    pub(crate) confirmation: u64,
}

/// All machines, as far as their facts made them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Node {
    pub(crate) offerings: BTreeMap<OfferingId, Rc<Inventory>>,
    pub(crate) orders: BTreeMap<OrderId, Rc<Saga>>,
    pub(crate) payments: BTreeMap<PaymentId, Rc<Payment>>,
    pub(crate) confirmations: BTreeMap<ConfirmationId, Rc<Confirmation>>,
    pub(crate) mileage: BTreeMap<OrderId, Rc<Mileage>>,
    pub(crate) keys: BTreeMap<u64, OrderId>,
    /// The highest numbers any fact names: a restarted node goes on after them.
    pub(crate) numbers: Numbers,
}

impl Entry {
    /// The fact in one line.
    pub(crate) fn line(&self, node: &Node) -> String {
        match self {
            Entry::Inventory(offering, fact) => match &fact.event {
                inventory::Event::Held { order, .. }
                | inventory::Event::Released { order }
                | inventory::Event::Received { order, .. } => {
                    format!("offering {offering}: {} for order {order}", fact.event.name())
                }
                inventory::Event::Opened(_)
                | inventory::Event::Changed(_)
                | inventory::Event::Closed
                | inventory::Event::Adjusted { .. } => {
                    format!("offering {offering}: {}", fact.event.name())
                }
            },
            Entry::Order(order, fact, _) => {
                format!("order {order}: {}", fact.event.kind().name())
            }
            Entry::Payment(payment, fact) => {
                let order = match &fact.event {
                    payment::Event::Requested { order, .. } => Some(order.order),
                    payment::Event::Captured
                    | payment::Event::Declined(_)
                    | payment::Event::Unanswered { .. }
                    | payment::Event::NotFound
                    | payment::Event::RefundRequested(_)
                    | payment::Event::VoidRequested
                    | payment::Event::SettleRequested
                    | payment::Event::Refunded(_)
                    | payment::Event::Voided => {
                        node.payments.get(payment).map(|it| it.order().order)
                    }
                };
                let order = order.map_or_else(String::new, |order| format!(" of order {order}"));
                format!("payment {payment}{order}: {}", fact.event.name())
            }
            Entry::Confirmation(id, fact) => format!("confirmation {id}: {}", fact.event.name()),
            Entry::Mileage(order, fact) => {
                format!("points of order {order}: {}", fact.event.name())
            }
        }
    }
}

impl Node {
    /// Makes a fact so.
    pub(crate) fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Inventory(id, fact) => match self.offerings.get_mut(id) {
                Some(offering) => Rc::make_mut(offering).apply(fact),
                None => {
                    let begun = Inventory::begin(*id, fact).map(|it| (*id, Rc::new(it)));
                    self.offerings.extend(begun);
                }
            },
            Entry::Order(id, fact, used) => self.apply_order(*id, fact, *used),
            Entry::Payment(id, fact) => match self.payments.get_mut(id) {
                Some(payment) => Rc::make_mut(payment).apply(fact),
                None => {
                    self.numbers.payment = self.numbers.payment.max(id.0);
                    let begun = Payment::begin(*id, fact).map(|it| (*id, Rc::new(it)));
                    self.payments.extend(begun);
                }
            },
            Entry::Confirmation(id, fact) => match self.confirmations.get_mut(id) {
                Some(promise) => Rc::make_mut(promise).apply(fact),
                None => {
                    self.numbers.confirmation = self.numbers.confirmation.max(id.0);
                    let begun = Confirmation::begin(*id, fact).map(|it| (*id, Rc::new(it)));
                    self.confirmations.extend(begun);
                }
            },
            Entry::Mileage(order, fact) => match self.mileage.get_mut(order) {
                Some(entry) => Rc::make_mut(entry).apply(fact),
                None => {
                    let begun = Mileage::begin(fact).map(|it| (*order, Rc::new(it)));
                    self.mileage.extend(begun);
                }
            },
        }
    }

    fn apply_order(&mut self, id: OrderId, fact: &saga::Fact, used: Option<u64>) {
        match self.orders.get_mut(&id) {
            Some(saga) => Rc::make_mut(saga).apply(fact),
            None => {
                self.numbers.order = self.numbers.order.max(id.0);
                self.keys.extend(used.map(|used| (used, id)));
                let begun = Saga::begin(key(id), fact).map(|it| (id, Rc::new(it)));
                self.orders.extend(begun);
            }
        }
        let (payment, confirmation) = fact.event.numbers();
        if let Some(payment) = payment {
            self.numbers.payment = self.numbers.payment.max(payment.0);
        }
        if let Some(confirmation) = confirmation {
            self.numbers.confirmation = self.numbers.confirmation.max(confirmation.0);
        }
    }
}

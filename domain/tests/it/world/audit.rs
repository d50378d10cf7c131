//! What must hold in a world: at every step, and once nothing is left to do.

use std::collections::BTreeSet;

use surehold_domain::confirmation;
use surehold_domain::id::OrderId;
use surehold_domain::invariants::{self, Broken};
use surehold_domain::inventory::{self, Event};
use surehold_domain::payment;
use surehold_domain::saga::{Phase, Reason, Saga, State};

use super::mileage::{earns, waits_for_points};
use super::{Entry, Node, World};

fn must(rule: Result<(), Broken>) {
    if let Err(broken) = rule {
        panic!("{}: {}", broken.rule, broken.seen);
    }
}

/// Money that came and money that went.
type Flow = (i64, i64);

impl World {
    /// At every step: never oversold, never charged twice, never more back than came.
    pub(super) fn watch(&self) {
        must(invariants::never_oversold(&self.node.inventory));
        self.node.orders.values().for_each(|saga| must(invariants::order(saga)));
        self.watch_stock();
        self.watch_points();
        for (key, account) in &self.gateway.ledger {
            assert!(account.captures.len() <= 1, "payment {key} was captured twice");
            let sum = |flow: &[_]| -> i64 {
                flow.iter().map(surehold_domain::money::Money::amount).sum()
            };
            let (came, went) = (sum(&account.captures), sum(&account.refunds));
            assert!(went <= came, "payment {key}: {came} came and {went} went back");
        }
    }

    /// There is what there was, and what arrived; and only what was delivered arrived.
    fn watch_stock(&self) {
        let Entry::Inventory(inventory::Fact { event: Event::Opened(opened), .. }) =
            &self.journal[0]
        else {
            panic!("the journal begins with the offering")
        };
        let mut stock = opened.model.capacity();
        for order in self.node.inventory.receipts() {
            let saga = &self.node.orders[order];
            let delivered = matches!(saga.state(), State::Delivering { .. } | State::Fulfilled);
            assert!(delivered, "order {order} is {} and what it brings is counted", saga.phase());
            let brought = saga.brings().expect("only what is brought arrives");
            stock = stock.map(|stock| stock.plus(brought));
        }
        assert_eq!(self.node.inventory.offering().model.capacity(), stock, "there is so much");
    }

    /// An order that waits for points is not booked without them; and nobody has points who never
    /// asked for them.
    fn watch_points(&self) {
        for saga in self.node.orders.values() {
            let (order, phase) = (saga.key().order, saga.phase());
            let booked = matches!(phase, Phase::Paid | Phase::Confirmed | Phase::Fulfilled);
            if booked && saga.captured().is_some() && waits_for_points(saga) {
                let points = Some(self.points(order));
                assert_eq!(points, earns(saga), "order {order} is {phase}: its points");
            }
        }
        for (order, entry) in &self.node.mileage {
            let saga = &self.node.orders[order];
            let earned = (saga.key(), earns(saga));
            assert_eq!((entry.order, Some(entry.credited)), earned, "order {order} earned this");
            let facts = 1 + u32::from(entry.taken_back);
            assert_eq!(entry.number, facts, "order {order}: credited once, taken back once");
        }
    }

    /// What the gateway moved for an order.
    pub(crate) fn gateway_flow(&self, order: OrderId) -> Flow {
        let mine = self.node.payments.values().filter(|paid| paid.order().order == order);
        let accounts = mine.filter_map(|paid| self.gateway.ledger.get(&paid.id()));
        accounts.fold((0, 0), |(came, went), account| {
            let capture: i64 = account.captures.iter().map(|money| money.amount()).sum();
            let refund: i64 = account.refunds.iter().map(|money| money.amount()).sum();
            (came + capture, went + refund)
        })
    }

    /// At the end: everybody tells the same story, to the cent and to the seat.
    pub(crate) fn audit(&self) {
        assert_eq!(Node::replay(&self.journal), self.node, "replayed and live are not the same");
        self.node.orders.values().for_each(|saga| self.audit_order(saga));
        // Whoever brings something holds nothing.
        let holds = |saga: &&Saga| saga.holds_units() && saga.brings().is_none();
        let holders = self.node.orders.values().filter(holds);
        let holders: Vec<OrderId> = holders.map(|saga| saga.key().order).collect();
        let held: Vec<OrderId> = self.node.inventory.holds().keys().copied().collect();
        assert_eq!(held, holders, "the inventory and the orders differ on who holds units");
        let supplies = |saga: &&Saga| saga.phase() == Phase::Fulfilled && saga.brings().is_some();
        let supplies = self.node.orders.values().filter(supplies);
        let supplies: BTreeSet<OrderId> = supplies.map(|saga| saga.key().order).collect();
        assert_eq!(*self.node.inventory.receipts(), supplies, "what was delivered is counted");
        for paid in self.node.payments.values() {
            assert!(paid.effect().is_none(), "payment {} is not settled", paid.id());
        }
    }

    fn audit_order(&self, saga: &Saga) {
        let (order, phase) = (saga.key().order, saga.phase());
        assert!(phase.is_terminal(), "order {order} is still {phase}");
        must(invariants::order(saga));
        if let Some(paid) = saga.payment().and_then(|id| self.node.payments.get(&id)) {
            must(invariants::order_and_payment_agree(saga, paid));
        }
        let amount =
            |money: Option<surehold_domain::money::Money>| money.map_or(0, |it| it.amount());
        let known = (amount(saga.captured()), amount(saga.refunded()));
        assert_eq!(self.gateway_flow(order), known, "order {order}: the gateway, and the order");
        assert_eq!(self.payments_flow(order), known, "order {order}: its payments, and the order");
        let captures = self.node.payments.values().filter(|paid| paid.order().order == order);
        let captures = captures.filter_map(|paid| self.gateway.ledger.get(&paid.id()));
        let captures: usize = captures.map(|account| account.captures.len()).sum();
        assert!(captures <= 1, "order {order} was charged {captures} times");
        // Without tiers all comes back, but to who did not come.
        let missing = matches!(saga.reason(), Some(Reason::NoShow(_)));
        if phase == Phase::Cancelled && !missing && saga.order().terms.tiers.is_empty() {
            assert_eq!(known.0, known.1, "order {order} was cancelled, and its money kept");
        }
        let promised = matches!(phase, Phase::Fulfilled);
        let earned = if promised { earns(saga).unwrap_or(0) } else { 0 };
        assert_eq!(self.points(order), earned, "order {order} is {phase}: its points");
        for promise in self.node.confirmations.values().filter(|it| it.order().order == order) {
            let confirmed = *promise.state() == confirmation::State::Confirmed;
            let waiting = matches!(promise.state(), confirmation::State::Waiting { .. });
            assert!(!waiting, "order {order} is {phase} and stands in the operator's queue");
            assert!(confirmed || !promised, "order {order} is {phase} and not confirmed");
        }
    }

    fn payments_flow(&self, order: OrderId) -> Flow {
        let mine = self.node.payments.values().filter(|paid| paid.order().order == order);
        mine.fold((0, 0), |(came, went), paid| match paid.state() {
            payment::State::Captured => (came + paid.amount().amount(), went),
            payment::State::Refunded(back) => (came + paid.amount().amount(), went + back.amount()),
            payment::State::Declined(_) | payment::State::Voided => (came, went),
            payment::State::Pending
            | payment::State::Unknown { .. }
            | payment::State::Voiding { .. }
            | payment::State::Settling { .. }
            | payment::State::Refunding { .. } => panic!("payment {} is not settled", paid.id()),
        })
    }
}

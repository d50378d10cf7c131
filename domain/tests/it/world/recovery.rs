//! Dying and coming back: the journal is replayed, and every order asks again.

use surehold_domain::id::OrderId;

use super::{Message, Node, World};
use crate::check::key;

impl World {
    /// The node dies with so much of its journal on disk, and starts again.
    pub(crate) fn crash(&mut self, kept: usize) {
        self.fault = None;
        self.journal.truncate(kept.max(self.durable));
        self.durable = self.journal.len();
        self.node = Node::replay(&self.journal);
        self.queue.clear();
        self.followed = 0;
        self.wanted.clear();
        self.refused.clear();
        self.called.clear();
        self.late.clear();
        self.overtaken.clear();
        let orders: Vec<OrderId> = self.node.orders.keys().copied().collect();
        for order in orders {
            self.resume(order);
            self.notice(order);
        }
    }

    /// One order's actor dies: what was on its way to it is lost, and it asks again.
    pub(crate) fn crash_order(&mut self, order: OrderId) {
        self.queue.retain(
            |message| !matches!(message, Message::Answer(id, _) if id.order == key(order.0)),
        );
        self.resume(order);
    }

    /// A restarted order asks again for what it is owed, and for the word it waits for.
    fn resume(&mut self, order: OrderId) {
        let Some(saga) = self.node.orders.get(&order) else { return };
        match (saga.effect(), saga.effect_id(), saga.confirmation()) {
            (None, Some(id), Some(number)) => self.announce(id, number),
            _ => self.ask(order),
        }
    }
}

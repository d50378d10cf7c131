//! Dying and coming back: the node, one order, one party.

use surehold_domain::id::OrderId;
use surehold_domain::saga::Party;

use super::{Message, Touched, World};

impl World {
    /// The node dies with so much of its tail on disk, and starts again.
    pub(crate) fn crash(&mut self, kept: usize) {
        let kept = kept.min(self.tail.len());
        let lost = self.tail.len() - kept;
        self.say(|_| format!("the node dies and comes back without its last {lost} facts"));
        let all = lost == 0;
        self.sync(kept);
        self.tail.clear();
        if all && self.base != self.node {
            self.wrong("replayed and live are not the same".to_owned());
        }
        self.node = self.base.clone();
        self.numbers = self.node.numbers;
        self.mail.clear();
        self.desk.clear();
        self.refused.clear();
        self.latest.clear();
        self.followed = 0;
        self.touched.extend(self.node.orders.keys().map(|order| Touched::Order(*order)));
        self.touched.extend(self.node.offerings.keys().map(|it| Touched::Offering(*it)));
        self.check_told();
        let open: Vec<OrderId> = self.open_orders().collect();
        open.into_iter().for_each(|order| self.ask(order, true));
    }

    /// The orders that are not at their end.
    pub(crate) fn open_orders(&self) -> impl Iterator<Item = OrderId> + '_ {
        let open = self.node.orders.iter().filter(|(_, saga)| !saga.phase().is_terminal());
        open.map(|(order, _)| *order)
    }

    /// One order's actor dies: what was on its way to it is lost, and it asks again.
    pub(crate) fn crash_order(&mut self, order: OrderId) {
        self.say(|_| format!("order {order} dies and comes back"));
        self.mail.retain(
            |message| !matches!(message, Message::Answer { id, .. } if id.order.order == order),
        );
        self.ask(order, true);
    }

    /// A party dies: what was on its way to it is lost, with all it knew by heart.
    pub(crate) fn crash_party(&mut self, party: Party) {
        self.say(|_| format!("the {party:?} dies and comes back"));
        // A call that left still comes back, to the next life.
        let calls = self.mail.iter().filter(|message| matches!(message, Message::Back { .. }));
        let calls: Vec<Message> =
            if party == Party::Payments { calls.cloned().collect() } else { Vec::new() };
        self.forget(party);
        self.mail.splice(0..0, calls);
        self.ask_again(party);
    }

    /// A party is stopped: it neither hears nor speaks.
    pub(crate) fn stop(&mut self, party: Party) {
        self.say(|_| format!("the {party:?} is stopped"));
        self.forget(party);
        self.stopped.insert(party);
    }

    /// A party is started again, and whoever waits for it asks again.
    pub(crate) fn start(&mut self, party: Party) {
        if self.stopped.remove(&party) {
            self.say(|_| format!("the {party:?} is started"));
            self.ask_again(party);
        }
    }

    fn forget(&mut self, party: Party) {
        self.mail.retain(|message| message.party() != Some(party));
        match party {
            Party::Inventory => self.refused.clear(),
            Party::Payments => self.desk.clear(),
            Party::Mileage => self.followed = 0,
            Party::Confirmations => {}
        }
    }

    fn ask_again(&mut self, party: Party) {
        let waits = |order: &OrderId| {
            let saga = &self.node.orders[order];
            saga.effect().or(saga.inquiry()).is_some_and(|effect| effect.party() == party)
        };
        let waiting: Vec<OrderId> = self.open_orders().filter(waits).collect();
        waiting.into_iter().for_each(|order| self.ask(order, true));
    }

    /// What was told to the outside is still so.
    fn check_told(&mut self) {
        let lost = self.told.iter().find(|(order, told)| {
            let Some(saga) = self.node.orders.get(order) else { return true };
            let at = usize::try_from(told.number).unwrap_or(usize::MAX).saturating_sub(1);
            // A very long history has lost its middle.
            let step =
                saga.history().get(at).filter(|_| saga.number() as usize == saga.history().len());
            saga.number() < told.number || step.is_some_and(|step| step.phase != told.phase)
        });
        if let Some((order, told)) = lost {
            let what = format!("the outside was told that order {order} was {}", told.phase);
            return self.wrong(format!("{what}, and after a crash it is not so"));
        }
        let other =
            self.told_keys.iter().find(|(used, order)| self.node.keys.get(used) != Some(order));
        if let Some((used, order)) = other {
            self.wrong(format!("request {used} was answered with order {order}: forgotten"));
        }
    }
}

//! The mileage: points for orders that wait for them, and for those it reads of in the journal.

use surehold_domain::id::{EffectId, OrderId};
use surehold_domain::mileage::{self, Mileage};
use surehold_domain::saga::{Outcome, Saga, Turn};

use super::{Entry, Said, World};

/// Whether an order that is paid for waits for its points.
pub(super) fn waits_for_points(saga: &Saga) -> bool {
    saga.order().terms.mileage.is_some_and(|mileage| mileage.sync)
}

/// The points an order earns once it is booked; whoever brings something earns none.
pub(super) fn earns(saga: &Saga) -> Option<u64> {
    let terms = saga.order().terms.mileage.filter(|_| saga.brings().is_none())?;
    Some(terms.points(saga.order().price))
}

impl World {
    /// An order waits for its points. One that no longer does gets none, and no answer.
    pub(super) fn credit(&mut self, id: EffectId, points: u64) {
        let order = id.order.order;
        if self.mileage_down {
            return self.answer(id, Said::Plain(Outcome::NotCredited));
        }
        let waits = self.node.orders.get(&order).is_some_and(|saga| saga.effect_id() == Some(id));
        if waits && self.earned(order, points) {
            self.answer(id, Said::Plain(Outcome::Credited));
        }
    }

    /// Reads on in the journal up to the next turn of an order's life; `false` if there is none.
    ///
    /// After a crash it reads all of it again.
    pub(crate) fn follow(&mut self) -> bool {
        while !self.mileage_down && self.followed < self.journal.len() {
            let at = self.followed;
            self.followed += 1;
            let Entry::Order(order, fact) = &self.journal[at] else { continue };
            let order = *order;
            match fact.event.turn() {
                Some(Turn::Booked) => {
                    if let Some(points) = earns(&self.node.orders[&order]) {
                        self.earned(order, points);
                    }
                }
                Some(Turn::Undone(_)) => self.take_back(order),
                Some(
                    Turn::Awaited
                    | Turn::Confirmed
                    | Turn::Fulfilled
                    | Turn::Refunded(_)
                    | Turn::Released,
                )
                | None => continue,
            }
            return true;
        }
        false
    }

    /// Once for every order, however often it is asked; `false` if the node died of it.
    fn earned(&mut self, order: OrderId, points: u64) -> bool {
        if self.node.mileage.contains_key(&order) {
            return true;
        }
        let saga = &self.node.orders[&order];
        let event = mileage::Event::Credited {
            order: saga.key(),
            customer: saga.order().customer.clone(),
            offering: saga.order().offering,
            payment: saga.payment(),
            points,
        };
        self.record(Entry::Mileage(order, mileage::Fact { at: self.now, event }))
    }

    fn take_back(&mut self, order: OrderId) {
        if let Some(event) = self.node.mileage.get(&order).and_then(Mileage::take_back) {
            self.record(Entry::Mileage(order, mileage::Fact { at: self.now, event }));
        }
    }

    /// The points an order has.
    pub(crate) fn points(&self, order: OrderId) -> u64 {
        self.node.mileage.get(&order).map_or(0, Mileage::points)
    }
}

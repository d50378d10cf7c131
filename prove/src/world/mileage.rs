//! The mileage: points for orders that wait for them, and for those it reads of once they are durable.

use surehold_domain::id::{EffectId, OrderId};
use surehold_domain::mileage::{self, Mileage};
use surehold_domain::saga::{Event, Outcome, Party, Saga, Turn};

use super::{Entry, Said, World};

/// The points an order earns once it is booked; whoever brings something earns none.
pub(crate) fn earns(saga: &Saga) -> Option<u64> {
    let terms = saga.order().terms.mileage.filter(|_| saga.brings().is_none())?;
    Some(terms.points(saga.order().price))
}

/// Notes a turn the mileage has to read of: whether the order was undone, else it was booked.
pub(super) fn note_turn(
    turns: &mut Vec<(OrderId, bool)>,
    order: OrderId,
    saga: &Saga,
    event: &Event,
) {
    if saga.order().terms.mileage.is_none() {
        return;
    }
    match event.turn() {
        Some(Turn::Booked) => turns.push((order, false)),
        Some(Turn::Undone(_)) => turns.push((order, true)),
        Some(
            Turn::Awaited | Turn::Confirmed | Turn::Fulfilled | Turn::Refunded(_) | Turn::Released,
        )
        | None => {}
    }
}

impl World {
    /// An order waits for its points. One that no longer does gets none, and no answer.
    pub(super) fn credit(&mut self, id: EffectId, points: u64) {
        if self.is_owed(id) {
            self.earned(id.order.order, points);
            self.answer(id, Said::Plain(Outcome::Credited));
        }
    }

    /// Reads of the next turn of an order's life; `false` if there is none.
    pub(crate) fn follow(&mut self) -> bool {
        if self.stopped.contains(&Party::Mileage) || self.followed >= self.turns.len() {
            return false;
        }
        let (order, undone) = self.turns[self.followed];
        self.followed += 1;
        let Some(saga) = self.node.orders.get(&order) else { return true };
        if undone {
            if let Some(event) = self.node.mileage.get(&order).and_then(|it| it.take_back()) {
                self.record(Entry::Mileage(order, mileage::Fact { at: self.now, event }));
            }
        } else if let Some(points) = earns(saga) {
            self.earned(order, points);
        }
        true
    }

    /// Once for every order, however often it is asked.
    fn earned(&mut self, order: OrderId, points: u64) {
        if self.node.mileage.contains_key(&order) {
            return;
        }
        let Some(saga) = self.node.orders.get(&order) else { return };
        let event = mileage::Event::Credited {
            order: saga.key(),
            customer: saga.order().customer.clone(),
            offering: saga.order().offering,
            payment: saga.payment(),
            points,
        };
        self.record(Entry::Mileage(order, mileage::Fact { at: self.now, event }));
    }

    /// The points an order has.
    pub(crate) fn points(&self, order: OrderId) -> u64 {
        self.node.mileage.get(&order).map_or(0, |it| Mileage::points(it))
    }
}

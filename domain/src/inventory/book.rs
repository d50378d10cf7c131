//! The book: the part of an inventory that grows with its orders. It can be taken out and put back, in
//! parts, so that whoever stores an inventory need not write all orders there ever were for each new one.
//!
//! Facts may be applied to an inventory whose book is not whole, as long as the orders that they name
//! are in the parts that are there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Event, Inventory};
use crate::id::OrderId;
use crate::order::Claim;

/// Orders whose entries share a part of the book, as a power of two: if all of them are for one
/// offering, a part has some ten thousand bytes.
const PART_BITS: u32 = 14;

/// What the book says of some orders that follow one another. Each order stands as the difference to
/// the one before it, which takes a byte where the number takes five.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    holds: Vec<(u64, Claim)>,
    receipts: Vec<u64>,
}

impl Event {
    /// The part of the book that is changed; `None` if none is.
    #[must_use]
    pub fn part(&self) -> Option<u64> {
        match self {
            Event::Held { order, .. }
            | Event::Released { order }
            | Event::Received { order, .. } => Some(part_of(*order)),
            Event::Opened(_) | Event::Changed(_) | Event::Closed | Event::Adjusted { .. } => None,
        }
    }
}

impl Inventory {
    /// Takes the book out, as far as it is there. What the holds come to stays.
    pub fn take_book(&mut self) -> BTreeMap<u64, Part> {
        let mut parts: BTreeMap<u64, Part> = BTreeMap::new();
        let mut before = OrderId(0);
        for (order, claim) in std::mem::take(&mut self.holds) {
            let holds = &mut parts.entry(part_of(order)).or_default().holds;
            holds.push((difference(order, before, holds.is_empty()), claim));
            before = order;
        }
        for order in std::mem::take(&mut self.receipts) {
            let receipts = &mut parts.entry(part_of(order)).or_default().receipts;
            receipts.push(difference(order, before, receipts.is_empty()));
            before = order;
        }
        parts
    }

    /// Puts a part of the book back.
    pub fn put_book(&mut self, part: Part) {
        let mut order = 0;
        self.holds.extend(part.holds.into_iter().map(|(more, claim)| {
            order += more;
            (OrderId(order), claim)
        }));
        order = 0;
        self.receipts.extend(part.receipts.into_iter().map(|more| {
            order += more;
            OrderId(order)
        }));
    }
}

/// The first order of a part stands as it is.
fn difference(order: OrderId, before: OrderId, first: bool) -> u64 {
    if first { order.0 } else { order.0 - before.0 }
}

fn part_of(order: OrderId) -> u64 {
    order.0 >> PART_BITS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Fact, Model, Offering};
    use crate::money::{Currency, Money};
    use crate::quantity::Quantity;
    use crate::time::Timestamp;

    fn inventory() -> Inventory {
        let model = Model::Seats { capacity: Quantity::whole(1_000).unwrap() };
        let price = Money::zero(Currency::parse("EUR").unwrap());
        let (name, overbook) = ("a seat".to_owned(), Quantity::NONE);
        let offering = Offering { name, price, model, overbook, attributes: Default::default() };
        let opened = Event::Opened(Box::new(offering));
        Inventory::begin(crate::id::OfferingId(1), &fact(opened)).unwrap()
    }

    fn fact(event: Event) -> Fact {
        Fact { at: Timestamp(1), event }
    }

    #[test]
    fn a_book_that_is_taken_apart_and_put_back_is_the_same() {
        let mut inventory = inventory();
        for order in [1, 2, 300, 16_383, 16_384, 16_390, 5_000_000_000] {
            let (order, claim) = (OrderId(order), Claim::Units(Quantity::ONE));
            let event = Event::Held { order, claim };
            assert_eq!(event.part(), Some(order.0 / 16_384));
            inventory.apply(&fact(event));
            inventory.apply(&fact(Event::Received { order, quantity: Quantity::ONE }));
        }
        let whole = inventory.clone();
        let parts = inventory.take_book();
        let places: Vec<u64> = parts.keys().copied().collect();
        assert_eq!(places, [0, 1, 5_000_000_000 / 16_384]);
        assert!(inventory.holds().is_empty() && inventory.receipts().is_empty());
        assert_eq!(inventory.held(), whole.held(), "what the holds come to stays");
        parts.into_values().rev().for_each(|part| inventory.put_book(part));
        assert_eq!(inventory, whole);
    }

    #[test]
    fn facts_need_only_the_part_that_they_are_about() {
        let held =
            |order| fact(Event::Held { order: OrderId(order), claim: Claim::Units(Quantity::ONE) });
        let mut whole = inventory();
        [1, 20_000, 40_000].into_iter().for_each(|order| whole.apply(&held(order)));
        let mut other = whole.clone();
        let mut parts = other.take_book();
        let facts = [fact(Event::Released { order: OrderId(20_000) }), held(20_001), held(20_001)];
        other.put_book(parts.remove(&facts[0].event.part().unwrap()).unwrap());
        for fact in &facts {
            whole.apply(fact);
            other.apply(fact);
        }
        parts.into_values().for_each(|part| other.put_book(part));
        assert_eq!(other, whole);
    }
}

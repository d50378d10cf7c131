//! Points: what one order earned its customer, and whether it was taken back.
//!
//! There is one entry per order, under the order's number, so that points are credited once however
//! often that is asked for. A customer's balance is the sum of the entries that still stand.

use serde::{Deserialize, Serialize};

use crate::id::{OfferingId, OrderKey, PaymentId};
use crate::time::Timestamp;

/// A fact about an entry. Variants are only ever added at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The order earned points.
    Credited {
        /// The order.
        order: OrderKey,
        /// Whose points they are.
        customer: String,
        /// What was booked.
        offering: OfferingId,
        /// The payment they come with, if something was paid.
        payment: Option<PaymentId>,
        /// How many.
        points: u64,
    },
    /// The order was undone, and its points with it.
    TakenBack,
}

impl Event {
    /// The event's name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Event::Credited { .. } => "MileageCredited",
            Event::TakenBack => "MileageTakenBack",
        }
    }
}

/// A fact and when it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// One entry of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mileage {
    /// The order that earned it; the entry has its number.
    pub order: OrderKey,
    /// Whose points they are.
    pub customer: String,
    /// What was booked.
    pub offering: OfferingId,
    /// The payment they come with, if something was paid.
    pub payment: Option<PaymentId>,
    /// How many were credited.
    pub credited: u64,
    /// Whether they were taken back.
    pub taken_back: bool,
    /// Facts applied so far.
    pub number: u32,
    /// When its last fact was recorded.
    pub updated_at: Timestamp,
}

impl Mileage {
    /// The entry its first fact makes; `None` if that fact does not begin one.
    #[must_use]
    pub fn begin(fact: &Fact) -> Option<Mileage> {
        let Event::Credited { order, customer, offering, payment, points } = &fact.event else {
            return None;
        };
        Some(Mileage {
            order: *order,
            customer: customer.clone(),
            offering: *offering,
            payment: *payment,
            credited: *points,
            taken_back: false,
            number: 1,
            updated_at: fact.at,
        })
    }

    /// The fact that takes the points back; `None` if that was done.
    #[must_use]
    pub fn take_back(&self) -> Option<Event> {
        (!self.taken_back).then_some(Event::TakenBack)
    }

    /// Makes a fact so.
    pub fn apply(&mut self, fact: &Fact) {
        self.number += 1;
        self.updated_at = fact.at;
        match &fact.event {
            Event::Credited { .. } => {}
            Event::TakenBack => self.taken_back = true,
        }
    }

    /// The points that still stand.
    #[must_use]
    pub fn points(&self) -> u64 {
        if self.taken_back { 0 } else { self.credited }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{MarketId, OrderId};

    #[test]
    fn points_are_taken_back_once() {
        let order = OrderKey { market: MarketId(0), order: OrderId(7) };
        let event = Event::Credited {
            order,
            customer: "ann".to_owned(),
            offering: OfferingId(1),
            payment: Some(PaymentId(3)),
            points: 5,
        };
        let mut entry = Mileage::begin(&Fact { at: Timestamp(1), event }).unwrap();
        assert_eq!(entry.points(), 5);
        let event = entry.take_back().unwrap();
        entry.apply(&Fact { at: Timestamp(2), event });
        assert_eq!((entry.points(), entry.take_back()), (0, None));
        assert_eq!(Mileage::begin(&Fact { at: Timestamp(1), event: Event::TakenBack }), None);
    }
}

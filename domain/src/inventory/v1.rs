//! Facts about offerings as version 1 stored them: an offering had no overbooking.
//!
//! These types are only read from old journals, and never change again. What they have in common with
//! the present ones (the model, the claim) only ever grew at its end.

use serde::{Deserialize, Serialize};

use super::{Event as Now, Model};
use crate::attributes::Attributes;
use crate::id::OrderId;
use crate::money::Money;
use crate::order::Claim;
use crate::quantity::Quantity;
use crate::time::Timestamp;

/// What is sold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offering {
    /// What people call it.
    pub name: String,
    /// The price of one unit.
    pub price: Money,
    /// How its units are counted.
    pub model: Model,
    /// What the marketplace keeps beside it.
    pub attributes: Attributes,
}

/// A fact about an offering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// It is sold from now on.
    Opened(Box<Offering>),
    /// Something about it changed.
    Changed(Box<Offering>),
    /// It is no longer sold; orders that hold units go on.
    Closed,
    /// An order holds units.
    Held {
        /// Which order.
        order: OrderId,
        /// How much.
        claim: Claim,
    },
    /// An order gave its units back.
    Released {
        /// Which order.
        order: OrderId,
    },
}

/// A fact and when it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

impl From<Offering> for super::Offering {
    fn from(old: Offering) -> super::Offering {
        let Offering { name, price, model, attributes } = old;
        super::Offering { name, price, model, overbook: Quantity::NONE, attributes }
    }
}

impl From<Fact> for super::Fact {
    fn from(old: Fact) -> super::Fact {
        let event = match old.event {
            Event::Opened(offering) => Now::Opened(Box::new((*offering).into())),
            Event::Changed(offering) => Now::Changed(Box::new((*offering).into())),
            Event::Closed => Now::Closed,
            Event::Held { order, claim } => Now::Held { order, claim },
            Event::Released { order } => Now::Released { order },
        };
        super::Fact { at: old.at, event }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every fact of version 1 and what it means now, written out.
    #[test]
    fn old_facts_mean_what_they_meant() {
        let price = crate::testing::order().price;
        let attributes = Attributes::new();
        let model = Model::Seats { capacity: Quantity::ONE };
        let old = Offering {
            name: "the hall".to_owned(),
            price,
            model: model.clone(),
            attributes: attributes.clone(),
        };
        let overbook = Quantity::NONE;
        let now = super::super::Offering {
            name: "the hall".to_owned(),
            price,
            model,
            overbook,
            attributes,
        };
        let order = OrderId(7);
        let claim = Claim::Units(Quantity::ONE);
        let cases = [
            (Event::Opened(Box::new(old.clone())), Now::Opened(Box::new(now.clone()))),
            (Event::Changed(Box::new(old)), Now::Changed(Box::new(now))),
            (Event::Closed, Now::Closed),
            (Event::Held { order, claim: claim.clone() }, Now::Held { order, claim }),
            (Event::Released { order }, Now::Released { order }),
        ];
        for (old, now) in cases {
            let at = Timestamp(1_000_000_000_000);
            let read = super::super::Fact::from(Fact { at, event: old });
            assert_eq!(read, super::super::Fact { at, event: now });
        }
    }
}

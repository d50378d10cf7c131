//! What a customer asked for: parsed, and never invalid afterwards.

use serde::{Deserialize, Serialize};

use crate::attributes::Attributes;
use crate::id::OfferingId;
use crate::money::Money;
use crate::quantity::Quantity;
use crate::terms::Terms;
use crate::time::Timestamp;

/// The part of an offering an order asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Claim {
    /// So many units, any of them.
    Units(Quantity),
    /// tmp
    Nights {
        /// t
        a: u32,
    },
    /// tmp
    Slot {
        /// t
        a: u32,
    },
    /// tmp
    Supply(Quantity),
}

impl Claim {
    /// How many units are claimed.
    #[must_use]
    pub fn quantity(&self) -> Quantity {
        match self {
            Claim::Units(quantity) | Claim::Supply(quantity) => *quantity,
            Claim::Nights { .. } | Claim::Slot { .. } => Quantity::NONE,
        }
    }
}

/// An order as it was placed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Who asked, in the marketplace's own words.
    pub customer: String,
    /// What is asked for.
    pub offering: OfferingId,
    /// How much of it.
    pub claim: Claim,
    /// The price of all of it.
    pub price: Money,
    /// When what is booked begins, if it begins at a time.
    pub starts_at: Option<Timestamp>,
    /// What the marketplace keeps beside it.
    pub attributes: Attributes,
    /// The terms it was placed under.
    pub terms: Terms,
}

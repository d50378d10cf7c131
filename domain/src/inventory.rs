//! One offering: what is sold, at what price, and who holds how much of it.
//!
//! The inventory never promises more than there is: a hold is granted or refused here and nowhere
//! else, one at a time. Asking twice for the same order changes nothing, and so does releasing twice.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::attributes::Attributes;
use crate::id::{OfferingId, OrderId};
use crate::money::Money;
use crate::order::Claim;
use crate::quantity::Quantity;
use crate::saga::Reason;
use crate::time::Timestamp;

/// How the units of an offering are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Model {
    /// There is always one more.
    Unlimited,
    /// A number of places, each sold once.
    Seats {
        /// How many there are.
        capacity: Quantity,
    },
    /// A measured quantity.
    Stock {
        /// How much there is.
        quantity: Quantity,
    },
}

impl Model {
    /// The name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Model::Unlimited => "unlimited",
            Model::Seats { .. } => "seats",
            Model::Stock { .. } => "stock",
        }
    }

    /// How much there is in all; `None` without a limit.
    #[must_use]
    pub fn capacity(&self) -> Option<Quantity> {
        match self {
            Model::Unlimited => None,
            Model::Seats { capacity } => Some(*capacity),
            Model::Stock { quantity } => Some(*quantity),
        }
    }

    /// Whether an order may ask for this much of it.
    ///
    /// # Errors
    /// A sentence for the customer.
    pub fn admits(&self, claim: &Claim) -> Result<(), &'static str> {
        let quantity = claim.quantity();
        if quantity.is_none() {
            return Err("the quantity must be above 0");
        }
        match self {
            Model::Unlimited | Model::Seats { .. } if !quantity.is_whole() => {
                Err("the quantity must be a whole number: these are sold one by one")
            }
            Model::Unlimited | Model::Seats { .. } | Model::Stock { .. } => Ok(()),
        }
    }
}

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

/// A fact about an offering. Variants are only ever added at the end.
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

impl Event {
    /// The event's name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Event::Opened(_) => "OfferingOpened",
            Event::Changed(_) => "OfferingChanged",
            Event::Closed => "OfferingClosed",
            Event::Held { .. } => "UnitsHeld",
            Event::Released { .. } => "UnitsReleased",
        }
    }
}

/// A fact and when it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// What an offering is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Hold units for an order.
    Hold {
        /// For whom.
        order: OrderId,
        /// How much.
        claim: Claim,
    },
    /// Take an order's units back.
    Release {
        /// Whose.
        order: OrderId,
    },
    /// Change what is sold.
    Change(Box<Offering>),
    /// Sell no more of it.
    Close,
}

/// What the offering says.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// This is now a fact.
    Record(Event),
    /// It is already so.
    AlreadySo,
    /// No hold, and why.
    NotHeld(Reason),
    /// What was sold without a limit was not counted, so a limit set later would sell it again.
    Uncounted,
    /// The change would leave less than is already held.
    BelowHeld {
        /// How much is held.
        held: Quantity,
    },
}

/// An offering with its holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    id: OfferingId,
    offering: Offering,
    open: bool,
    /// Facts applied so far.
    number: u32,
    holds: BTreeMap<OrderId, Claim>,
    held: Quantity,
    updated_at: Timestamp,
}

impl Inventory {
    /// The inventory its first fact makes; `None` if that fact does not open an offering.
    #[must_use]
    pub fn begin(id: OfferingId, fact: &Fact) -> Option<Inventory> {
        let Event::Opened(offering) = &fact.event else { return None };
        Some(Inventory {
            id,
            offering: Offering::clone(offering),
            open: true,
            number: 1,
            holds: BTreeMap::new(),
            held: Quantity::NONE,
            updated_at: fact.at,
        })
    }

    /// Looks at what is asked and says what becomes of it. Pure and total.
    #[must_use]
    pub fn decide(&self, input: Input) -> Verdict {
        match input {
            Input::Hold { order, .. } if self.holds.contains_key(&order) => Verdict::AlreadySo,
            Input::Hold { .. } if !self.open => Verdict::NotHeld(Reason::OfferingClosed),
            Input::Hold { order, claim } => match self.free() {
                Some(free) if claim.quantity() > free => Verdict::NotHeld(Reason::NoRoom),
                Some(_) => Verdict::Record(Event::Held { order, claim }),
                // Nothing is counted, so there is nothing to remember.
                None => Verdict::AlreadySo,
            },
            Input::Release { order } => {
                if self.holds.contains_key(&order) {
                    Verdict::Record(Event::Released { order })
                } else {
                    Verdict::AlreadySo
                }
            }
            Input::Change(offering) => self.change(offering),
            Input::Close if self.open => Verdict::Record(Event::Closed),
            Input::Close => Verdict::AlreadySo,
        }
    }

    fn change(&self, offering: Box<Offering>) -> Verdict {
        if *offering == self.offering {
            return Verdict::AlreadySo;
        }
        match offering.model.capacity() {
            Some(_) if self.offering.model == Model::Unlimited => Verdict::Uncounted,
            Some(capacity) if capacity < self.held => Verdict::BelowHeld { held: self.held },
            Some(_) | None => Verdict::Record(Event::Changed(offering)),
        }
    }

    /// Makes a fact so.
    pub fn apply(&mut self, fact: &Fact) {
        self.number += 1;
        self.updated_at = fact.at;
        match &fact.event {
            Event::Opened(offering) | Event::Changed(offering) => {
                self.offering = Offering::clone(offering);
            }
            Event::Closed => self.open = false,
            Event::Held { order, claim } => {
                self.held = self.held.plus(claim.quantity());
                self.holds.insert(*order, claim.clone());
            }
            Event::Released { order } => {
                if let Some(claim) = self.holds.remove(order) {
                    self.held = self.held.minus(claim.quantity());
                }
            }
        }
    }

    /// How much is free; `None` without a limit.
    #[must_use]
    pub fn free(&self) -> Option<Quantity> {
        self.offering.model.capacity().map(|capacity| capacity.minus(self.held))
    }

    /// How much is held, over all orders.
    #[must_use]
    pub fn held(&self) -> Quantity {
        self.held
    }

    /// Who holds how much.
    #[must_use]
    pub fn holds(&self) -> &BTreeMap<OrderId, Claim> {
        &self.holds
    }

    /// Its number in its market.
    #[must_use]
    pub fn id(&self) -> OfferingId {
        self.id
    }

    /// What is sold.
    #[must_use]
    pub fn offering(&self) -> &Offering {
        &self.offering
    }

    /// Whether it is still sold.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Facts applied so far.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// When its last fact was recorded.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        self.updated_at
    }
}

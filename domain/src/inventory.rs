//! One offering: what is sold, at what price, and who holds how much of it.
//!
//! The inventory never promises more than there is (and what its seller declared may be sold beyond
//! that): a hold is granted or refused here and nowhere else, one at a time. Asking twice for the same
//! order changes nothing, and so does releasing twice.
//!
//! **Nights are counted, not rooms.** A stay needs, on every night from arrival to before departure,
//! that what is held and what it asks for are within what there is. No room is given out with the hold;
//! the house does that at arrival. Counting is exact: it refuses nothing that would fit, and whoever
//! holds is never moved from one room to another. For stays are intervals. Give each guest, in
//! the order of arrival, any free room. If there were none, then every one of the N rooms has a guest
//! who came before and is still there on that night, and with the new one that night has N + 1 of
//! them; but no night has more than N. (So the intervals can be coloured with N colours, greedily.) Had
//! rooms been given out with the hold instead, in the order of booking, gaps between stays would
//! refuse guests whom the house could take.
//!
//! **Slots are counted each by itself**, by their moment: a time that the clock shows twice is two.

mod availability;
mod book;
mod fact;
mod held;
mod offering;
pub mod v1;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use self::availability::Availability;
pub use self::book::Part;
pub use self::fact::{Event, Fact, Input, Verdict};
pub(crate) use self::held::Held;
pub use self::offering::{Model, NIGHTS_MAX, Offering, Patch, SLOTS_MAX};
use crate::id::{OfferingId, OrderId};
use crate::mutant::{self, Mutant};
use crate::order::Claim;
use crate::quantity::{QUANTITY_MAX, Quantity};
use crate::saga::Reason;
use crate::time::Timestamp;

/// An offering with its holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    id: OfferingId,
    offering: Offering,
    open: bool,
    /// Facts applied so far.
    number: u32,
    holds: BTreeMap<OrderId, Claim>,
    /// What the holds come to.
    held: Held,
    /// The orders whose goods have arrived.
    receipts: BTreeSet<OrderId>,
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
            held: Held::default(),
            receipts: BTreeSet::new(),
            updated_at: fact.at,
        })
    }

    /// Looks at what is asked and says what becomes of it. Pure and total.
    #[must_use]
    pub fn decide(&self, input: Input) -> Verdict {
        match input {
            Input::Hold { order, .. } if self.holds.contains_key(&order) => Verdict::AlreadySo,
            Input::Hold { .. } if !self.open => Verdict::NotHeld(Reason::OfferingClosed),
            Input::Hold { order, claim } => self.hold(order, claim),
            Input::Release { order } => {
                if self.holds.contains_key(&order) {
                    Verdict::Record(Event::Released { order })
                } else {
                    Verdict::AlreadySo
                }
            }
            Input::Change { offering, now } => self.change(offering, now),
            Input::Close if self.open => Verdict::Record(Event::Closed),
            Input::Close => Verdict::AlreadySo,
            Input::Receive { order, .. } if self.receipts.contains(&order) => Verdict::AlreadySo,
            Input::Receive { order, quantity } => match self.restocked(quantity, true) {
                Ok(_) => Verdict::Record(Event::Received { order, quantity }),
                Err(verdict) => verdict,
            },
            Input::Adjust { quantity, up } => match self.restocked(quantity, up) {
                Ok(_) if quantity.is_none() => Verdict::AlreadySo,
                Ok(_) => Verdict::Record(Event::Adjusted { quantity, up }),
                Err(verdict) => verdict,
            },
        }
    }

    fn hold(&self, order: OrderId, claim: Claim) -> Verdict {
        // Nobody holds nothing: the index has no place for it.
        if claim.quantity().is_none() || !self.offering.model.fits(&claim) {
            return Verdict::NotHeld(Reason::WrongClaim);
        }
        match self.free_for(&claim) {
            Some(free) if claim.quantity() > free => Verdict::NotHeld(Reason::NoRoom),
            Some(_) => Verdict::Record(Event::Held { order, claim }),
            // Nothing is counted, so there is nothing to remember.
            None => Verdict::AlreadySo,
        }
    }

    /// How much is free of what is claimed, over all of its nights; `None` if that is not counted.
    fn free_for(&self, claim: &Claim) -> Option<Quantity> {
        let limit = self.offering.limit()?;
        match claim {
            Claim::Units(_) => Some(limit.minus(self.held.total())),
            Claim::Nights { from, to, .. } => Some(limit.minus(self.held.most_on(*from, *to))),
            Claim::Slot { slot, .. } => match &self.offering.model {
                // A slot that was taken off since the order was placed has nothing left.
                Model::Slots { slots, .. } if slots.binary_search(slot).is_err() => {
                    Some(Quantity::NONE)
                }
                Model::Slots { .. }
                | Model::Unlimited
                | Model::Seats { .. }
                | Model::Stock { .. }
                | Model::Nights { .. } => Some(limit.minus(self.held.at(slot))),
            },
            Claim::Supply(_) => None,
        }
    }

    fn change(&self, offering: Box<Offering>, now: Timestamp) -> Verdict {
        if *offering == self.offering {
            return Verdict::AlreadySo;
        }
        if !offering.model.same_kind(&self.offering.model) {
            if self.offering.model == Model::Unlimited {
                return Verdict::Uncounted;
            }
            if !self.holds.is_empty() {
                return Verdict::KindHeld;
            }
        }
        match self.held.too_much_for(&offering, now) {
            Some(held) => Verdict::BelowHeld { held },
            None => Verdict::Record(Event::Changed(offering)),
        }
    }

    /// How much stock there would be with so much more or less, or what speaks against it.
    fn restocked(&self, change: Quantity, up: bool) -> Result<Quantity, Verdict> {
        let Model::Stock { quantity } = &self.offering.model else {
            return Err(Verdict::NotStock);
        };
        if up {
            let sum = quantity.plus(change);
            return if sum.thousandths() > QUANTITY_MAX { Err(Verdict::TooMuch) } else { Ok(sum) };
        }
        let (left, held) = (quantity.minus(change), self.held.total());
        if change > *quantity || held > left.plus(self.offering.overbook) {
            return Err(Verdict::BelowHeld { held });
        }
        Ok(left)
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
                self.held.add(claim);
                if let Some(before) = self.holds.insert(*order, claim.clone()) {
                    self.held.remove(&before);
                }
            }
            Event::Released { order } => {
                if let Some(claim) = self.holds.remove(order) {
                    self.held.remove(&claim);
                    if mutant::is(Mutant::ReleaseTwice) {
                        self.held.remove(&claim);
                    }
                }
            }
            Event::Received { order, quantity } => {
                self.receipts.insert(*order);
                self.restock(*quantity, true);
            }
            Event::Adjusted { quantity, up } => self.restock(*quantity, *up),
        }
    }

    fn restock(&mut self, change: Quantity, up: bool) {
        match &mut self.offering.model {
            Model::Stock { quantity } if up => *quantity = quantity.plus(change),
            Model::Stock { quantity } => *quantity = quantity.minus(change),
            Model::Unlimited | Model::Seats { .. } | Model::Nights { .. } | Model::Slots { .. } => {
            }
        }
    }

    /// How much is free; `None` without a limit, and where every night or slot has its own: that is
    /// what [`availability`](Inventory::availability) tells.
    #[must_use]
    pub fn free(&self) -> Option<Quantity> {
        match self.availability(None, None) {
            Availability::Units { free } => Some(free),
            Availability::Unlimited | Availability::Nights(_) | Availability::Slots(_) => None,
        }
    }

    /// How much is held, over all orders; a stay counts once, however many nights it has.
    #[must_use]
    pub fn held(&self) -> Quantity {
        self.held.total()
    }

    pub(crate) fn index(&self) -> &Held {
        &self.held
    }

    /// The orders whose goods have arrived.
    #[must_use]
    pub fn receipts(&self) -> &BTreeSet<OrderId> {
        &self.receipts
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

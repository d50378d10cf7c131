//! What is sold, how its units are counted, and what an order may ask of it.

use serde::{Deserialize, Serialize};

use crate::attributes::Attributes;
use crate::money::Money;
use crate::order::Claim;
use crate::quantity::Quantity;
use crate::slot::Slot;
use crate::zone::Zone;

/// Longest stay, in nights.
pub const NIGHTS_MAX: u32 = 366;
/// Most slots of one offering.
pub const SLOTS_MAX: usize = 2000;

/// How the units of an offering are counted. Variants are only ever added at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// A number of units, each sold once for every night.
    Nights {
        /// How many there are.
        units: Quantity,
    },
    /// A number of places at each of some times.
    Slots {
        /// How many there are at each time.
        capacity: Quantity,
        /// Where its clock hangs.
        zone: Zone,
        /// The times, in order, each once.
        slots: Vec<Slot>,
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
            Model::Nights { .. } => "nights",
            Model::Slots { .. } => "slots",
        }
    }

    /// How much there is: in all, every night, or in each slot. `None` without a limit.
    #[must_use]
    pub fn capacity(&self) -> Option<Quantity> {
        match self {
            Model::Unlimited => None,
            Model::Seats { capacity } | Model::Slots { capacity, .. } => Some(*capacity),
            Model::Stock { quantity } => Some(*quantity),
            Model::Nights { units } => Some(*units),
        }
    }

    /// Whether both are counted by the same measure, however much there is of it.
    #[must_use]
    pub fn same_kind(&self, other: &Model) -> bool {
        self.name() == other.name()
    }

    fn measure(&self) -> Measure {
        match self {
            Model::Unlimited | Model::Seats { .. } | Model::Stock { .. } => Measure::Units,
            Model::Nights { .. } => Measure::Nights,
            Model::Slots { .. } => Measure::Slots,
        }
    }

    /// Whether these are units of this kind; how many there are is another matter.
    pub(crate) fn fits(&self, claim: &Claim) -> bool {
        match claim {
            Claim::Units(_) => self.measure() == Measure::Units,
            Claim::Nights { from, to, .. } => {
                let nights = from.nights_until(*to);
                self.measure() == Measure::Nights && (1..=NIGHTS_MAX).contains(&nights)
            }
            Claim::Slot { .. } => self.measure() == Measure::Slots,
            Claim::Supply(_) => matches!(self, Model::Stock { .. }),
        }
    }

    /// Whether an order may ask for this much of it.
    ///
    /// # Errors
    /// The field to blame, as it is called on the wire, and a sentence for the customer that
    /// goes behind it.
    pub fn admits(&self, claim: &Claim) -> Result<(), (&'static str, String)> {
        self.admits_kind(claim)?;
        let quantity = claim.quantity();
        if quantity.is_none() {
            return refuse("quantity", "must be above 0");
        }
        match self {
            Model::Stock { .. } => Ok(()),
            Model::Unlimited | Model::Seats { .. } | Model::Nights { .. } | Model::Slots { .. } => {
                if quantity.is_whole() {
                    return Ok(());
                }
                refuse("quantity", "must be a whole number: these are sold one by one")
            }
        }
    }

    fn admits_kind(&self, claim: &Claim) -> Result<(), (&'static str, String)> {
        let measure = self.measure();
        match claim {
            Claim::Units(_) => match measure {
                Measure::Units => Ok(()),
                Measure::Nights => refuse("from", format!("is missing: {}", measure.booked_by())),
                Measure::Slots => refuse("slot", format!("is missing: {}", measure.booked_by())),
            },
            Claim::Nights { from, to, .. } if measure == Measure::Nights => {
                stay(from.nights_until(*to))
            }
            Claim::Nights { .. } => {
                refuse("from", format!("does not belong here: {}", measure.booked_by()))
            }
            Claim::Slot { slot, .. } => self.admits_slot(slot),
            Claim::Supply(_) if matches!(self, Model::Stock { .. }) => Ok(()),
            Claim::Supply(_) => {
                refuse("offering", "takes no supplies: only what is counted as stock is supplied")
            }
        }
    }

    fn admits_slot(&self, slot: &Slot) -> Result<(), (&'static str, String)> {
        match self {
            Model::Slots { slots, .. } if slots.binary_search(slot).is_ok() => Ok(()),
            Model::Slots { .. } => {
                let found = "GET …/availability lists those that can be booked";
                refuse("slot", format!("{slot} is not a time of this offering; {found}"))
            }
            Model::Unlimited | Model::Seats { .. } | Model::Stock { .. } | Model::Nights { .. } => {
                let why = self.measure().booked_by();
                refuse("slot", format!("does not belong here: {why}"))
            }
        }
    }

    /// Whether an offering may be counted so.
    ///
    /// # Errors
    /// The field to blame, as it is called on the wire, and a sentence that goes behind it.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        match self {
            Model::Unlimited | Model::Stock { .. } => Ok(()),
            Model::Seats { capacity } if capacity.is_whole() => Ok(()),
            Model::Seats { .. } => refuse("capacity", "must be a whole number"),
            Model::Nights { units } => some("units", *units),
            Model::Slots { capacity, slots, .. } => {
                some("capacity", *capacity)?;
                if slots.len() > SLOTS_MAX {
                    return refuse("slots", format!("must be at most {SLOTS_MAX}"));
                }
                match slots.windows(2).find(|two| two[0] >= two[1]) {
                    None => Ok(()),
                    Some(two) if two[0] == two[1] => {
                        refuse("slots", format!("must not have {} twice", two[0]))
                    }
                    Some(two) => {
                        let order = format!("must be in order: {} is before {}", two[1], two[0]);
                        refuse("slots", order)
                    }
                }
            }
        }
    }
}

/// What an offering is booked by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    Units,
    Nights,
    Slots,
}

impl Measure {
    fn booked_by(self) -> &'static str {
        match self {
            Measure::Units => "this is booked by quantity alone",
            Measure::Nights => "this is booked by nights, from arrival to departure",
            Measure::Slots => "this is booked by the slot; GET …/availability lists them",
        }
    }
}

fn refuse<T>(
    field: &'static str,
    sentence: impl Into<String>,
) -> Result<T, (&'static str, String)> {
    Err((field, sentence.into()))
}

fn some(field: &'static str, units: Quantity) -> Result<(), (&'static str, String)> {
    if units.is_whole() && !units.is_none() {
        return Ok(());
    }
    refuse(field, "must be a whole number from 1 to 1000000000")
}

fn stay(nights: u32) -> Result<(), (&'static str, String)> {
    match nights {
        0 => refuse("to", "must be after from: it is the day of departure, which is not paid"),
        1..=NIGHTS_MAX => Ok(()),
        _ => refuse("to", format!("must be at most {NIGHTS_MAX} nights after from")),
    }
}

/// What is sold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offering {
    /// What people call it.
    pub name: String,
    /// The price of one unit; of what is booked by nights, of one unit for one night.
    pub price: Money,
    /// How its units are counted.
    pub model: Model,
    /// How much may be sold beyond what there is, in all, every night or in each slot. Declared:
    /// the seller knows that not everybody comes. Means nothing without a limit.
    pub overbook: Quantity,
    /// What the marketplace keeps beside it.
    pub attributes: Attributes,
}

/// What changes about an offering; `None` stays as it is. It is applied to the offering as it stands
/// when its turn comes, so that it undoes nothing that happened meanwhile.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patch {
    /// What people call it.
    pub name: Option<String>,
    /// The price of one unit.
    pub price: Option<Money>,
    /// How its units are counted.
    pub model: Option<Model>,
    /// How much may be sold beyond what there is.
    pub overbook: Option<Quantity>,
    /// What the marketplace keeps beside it, replaced as a whole.
    pub attributes: Option<Attributes>,
}

impl Offering {
    /// The offering with these changes.
    #[must_use]
    pub fn patched(&self, patch: Patch) -> Offering {
        let Patch { name, price, model, overbook, attributes } = patch;
        Offering {
            name: name.unwrap_or_else(|| self.name.clone()),
            price: price.unwrap_or(self.price),
            model: model.unwrap_or_else(|| self.model.clone()),
            overbook: overbook.unwrap_or(self.overbook),
            attributes: attributes.unwrap_or_else(|| self.attributes.clone()),
        }
    }

    /// How much may be held: what there is and what may be sold beyond it. In all, every night, or in
    /// each slot; `None` without a limit.
    #[must_use]
    pub fn limit(&self) -> Option<Quantity> {
        self.model.capacity().map(|capacity| capacity.plus(self.overbook))
    }

    /// Whether this may be sold.
    ///
    /// # Errors
    /// The field to blame, as it is called on the wire, and a sentence that goes behind it.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        self.model.check()?;
        if self.overbook.is_whole() || matches!(self.model, Model::Stock { .. }) {
            return Ok(());
        }
        refuse("overbook", "must be a whole number: these are sold one by one")
    }
}

#[cfg(test)]
#[path = "offering_tests.rs"]
mod tests;

//! What a customer asked for: parsed, and never invalid afterwards.

use serde::{Deserialize, Serialize};

use crate::attributes::Attributes;
use crate::day::Day;
use crate::id::OfferingId;
use crate::money::Money;
use crate::quantity::Quantity;
use crate::slot::Slot;
use crate::terms::Terms;
use crate::time::Timestamp;
use crate::zone::Zone;

/// The part of an offering an order asks for. Variants are only ever added at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Claim {
    /// So many units, any of them.
    Units(Quantity),
    /// So many units for every night of a stay.
    Nights {
        /// The day of arrival: its night is the first.
        from: Day,
        /// The day of departure: its night is free again.
        to: Day,
        /// How many units.
        units: Quantity,
    },
    /// So many units at a time that is declared.
    Slot {
        /// When.
        slot: Slot,
        /// How many units.
        units: Quantity,
    },
    /// So many units are brought, not taken: it holds nothing.
    Supply(Quantity),
}

impl Claim {
    /// How many units are claimed; of a stay, every night.
    #[must_use]
    pub fn quantity(&self) -> Quantity {
        match self {
            Claim::Units(units)
            | Claim::Nights { units, .. }
            | Claim::Slot { units, .. }
            | Claim::Supply(units) => *units,
        }
    }

    /// What the price of a unit is multiplied by: of a stay, its units times its nights. Who brings
    /// something pays nothing.
    #[must_use]
    pub fn charged(&self) -> Quantity {
        match self {
            Claim::Units(units) | Claim::Slot { units, .. } => *units,
            Claim::Nights { from, to, units } => units.times(from.nights_until(*to)),
            Claim::Supply(_) => Quantity::NONE,
        }
    }

    /// When what is claimed begins: a stay with its day of arrival in `zone`, a slot with its
    /// moment. `None` if it begins at no time.
    #[must_use]
    pub fn starts_at(&self, zone: &Zone) -> Option<Timestamp> {
        match self {
            Claim::Nights { from, .. } => Some(zone.start_of(*from)),
            Claim::Slot { slot, .. } => Some(slot.at()),
            Claim::Units(_) | Claim::Supply(_) => None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_knows_what_is_charged_and_when_it_begins() {
        let two = Quantity::whole(2).unwrap();
        let zone = Zone::parse("Europe/Berlin").unwrap();
        let [from, to] = ["2027-03-28", "2027-03-31"].map(|day| Day::parse(day).unwrap());
        let slot = zone.slot("2027-03-28T10:00").unwrap();
        let midnight = Zone::utc().slot("2027-03-27T23:00").unwrap().at();
        let cases = [
            (Claim::Units(two), "2", None),
            (Claim::Nights { from, to, units: two }, "6", Some(midnight)),
            (Claim::Nights { from: to, to: from, units: two }, "0", Some(zone.start_of(to))),
            (Claim::Slot { slot, units: two }, "2", Some(slot.at())),
            (Claim::Supply(two), "0", None),
        ];
        for (claim, charged, starts_at) in cases {
            assert_eq!(claim.quantity(), two, "{claim:?}");
            assert_eq!(claim.charged().to_string(), charged, "{claim:?}");
            assert_eq!(claim.starts_at(&zone), starts_at, "{claim:?}");
        }
    }
}

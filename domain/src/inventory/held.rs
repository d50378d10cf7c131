//! How much is held, by what it is counted by: kept beside the holds, so that nobody adds them up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Model, Offering};
use crate::day::Day;
use crate::order::Claim;
use crate::quantity::Quantity;
use crate::slot::Slot;
use crate::time::Timestamp;

/// What all holds of an offering come to. What comes to nothing is not kept, so that the same holds
/// always give the same value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    total: Quantity,
    nights: BTreeMap<Day, Quantity>,
    slots: BTreeMap<Slot, Quantity>,
}

impl Held {
    /// What these claims come to.
    pub(crate) fn of<'a>(claims: impl Iterator<Item = &'a Claim>) -> Held {
        let mut held = Held::default();
        claims.for_each(|claim| held.add(claim));
        held
    }

    pub(super) fn add(&mut self, claim: &Claim) {
        self.total = self.total.plus(claim.quantity());
        match claim {
            Claim::Units(_) | Claim::Supply(_) => {}
            Claim::Nights { from, to, units } => {
                for night in from.until(*to) {
                    let held = self.nights.entry(night).or_default();
                    *held = held.plus(*units);
                }
            }
            Claim::Slot { slot, units } => {
                let held = self.slots.entry(*slot).or_default();
                *held = held.plus(*units);
            }
        }
    }

    pub(super) fn remove(&mut self, claim: &Claim) {
        self.total = self.total.minus(claim.quantity());
        match claim {
            Claim::Units(_) | Claim::Supply(_) => {}
            Claim::Nights { from, to, units } => {
                from.until(*to).for_each(|night| take(&mut self.nights, &night, *units));
            }
            Claim::Slot { slot, units } => take(&mut self.slots, slot, *units),
        }
    }

    /// Over all orders; of a stay, the units of one night.
    pub(crate) fn total(&self) -> Quantity {
        self.total
    }

    pub(super) fn on(&self, night: Day) -> Quantity {
        self.nights.get(&night).copied().unwrap_or_default()
    }

    pub(super) fn at(&self, slot: &Slot) -> Quantity {
        self.slots.get(slot).copied().unwrap_or_default()
    }

    /// What is held on each night that somebody holds.
    pub(super) fn nights(&self) -> impl Iterator<Item = Quantity> + '_ {
        self.nights.values().copied()
    }

    /// What is held of each slot that somebody holds.
    pub(super) fn slots(&self) -> impl Iterator<Item = (Slot, Quantity)> + '_ {
        self.slots.iter().map(|(slot, held)| (*slot, *held))
    }

    /// The most that is held on any night of a stay.
    pub(super) fn most_on(&self, from: Day, to: Day) -> Quantity {
        if from >= to {
            return Quantity::NONE;
        }
        self.nights.range(from..to).map(|(_, held)| *held).max().unwrap_or_default()
    }

    /// How much is held where this offering would not have enough; `None` if it has. Nights and slots
    /// that are over at `now` do not count: nobody needs them any more.
    pub(crate) fn too_much_for(&self, offering: &Offering, now: Timestamp) -> Option<Quantity> {
        let limit = offering.limit()?;
        match &offering.model {
            Model::Unlimited => None,
            Model::Seats { .. } | Model::Stock { .. } => Some(self.total).filter(|it| *it > limit),
            Model::Nights { .. } => {
                let to_come = self.nights.iter().filter(|(night, _)| !night.is_over(now));
                to_come.map(|(_, held)| *held).filter(|it| *it > limit).max()
            }
            Model::Slots { slots, .. } => {
                let declared = |slot| slots.binary_search(slot).is_ok();
                let to_come = self.slots.iter().filter(|(slot, _)| slot.at() > now);
                let short = to_come.filter(|(slot, it)| **it > limit || !declared(slot));
                short.map(|(_, held)| *held).max()
            }
        }
    }
}

fn take<K: Ord>(held: &mut BTreeMap<K, Quantity>, key: &K, units: Quantity) {
    let Some(left) = held.get_mut(key) else { return };
    *left = left.minus(units);
    if left.is_none() {
        held.remove(key);
    }
}

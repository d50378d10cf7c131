//! What is still free of an offering, for who wants to choose.

use super::{Inventory, Model, NIGHTS_MAX};
use crate::day::Day;
use crate::quantity::Quantity;
use crate::slot::Slot;

/// What is free, by what it is counted by. What may be sold beyond what there is counts as free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// There is always one more.
    Unlimited,
    /// So much, at any time.
    Units {
        /// How much.
        free: Quantity,
    },
    /// So much on each night.
    Nights(Vec<(Day, Quantity)>),
    /// So much in each slot.
    Slots(Vec<(Slot, Quantity)>),
}

impl Inventory {
    /// How much there is and how much of it is free, for the books: over all declared slots, and over
    /// all nights that somebody holds. `None` if nothing is counted.
    #[must_use]
    pub fn account(&self) -> Option<(Quantity, Quantity)> {
        let limit = self.offering().limit()?;
        let each: Vec<Quantity> = match &self.offering().model {
            Model::Unlimited => return None,
            Model::Seats { .. } | Model::Stock { .. } => vec![self.held()],
            Model::Nights { .. } => self.index().nights().collect(),
            Model::Slots { slots, .. } => {
                let gone =
                    self.index().slots().filter(|(slot, _)| slots.binary_search(slot).is_err());
                let gone: Vec<Quantity> = gone.map(|(_, held)| held).collect();
                slots.iter().map(|slot| self.index().at(slot)).chain(gone).collect()
            }
        };
        let none = (Quantity::NONE, Quantity::NONE);
        Some(each.into_iter().fold(none, |(there, free), held| {
            // What is over may have had more than there is today.
            let most = limit.max(held);
            (there.plus(most), free.plus(most.minus(held)))
        }))
    }

    /// What is free from one day to another, which is no longer among them. Whether it is still
    /// sold at all, [`is_open`](Inventory::is_open) says.
    ///
    /// What is booked by nights needs both days: without them no night is told, and of more than
    /// [`NIGHTS_MAX`] nights only the first. Slots are chosen by what the calendar on the wall shows;
    /// a day that is not given is no bound. For all else the days mean nothing.
    #[must_use]
    pub fn availability(&self, from: Option<Day>, to: Option<Day>) -> Availability {
        let Some(limit) = self.offering().limit() else { return Availability::Unlimited };
        match &self.offering().model {
            Model::Unlimited => Availability::Unlimited,
            Model::Seats { .. } | Model::Stock { .. } => {
                Availability::Units { free: limit.minus(self.held()) }
            }
            Model::Nights { .. } => {
                let to = to.unwrap_or_default();
                let nights = from.into_iter().flat_map(|from| from.until(to));
                let most = usize::try_from(NIGHTS_MAX).unwrap_or(usize::MAX);
                let free = |night| (night, limit.minus(self.index().on(night)));
                Availability::Nights(nights.take(most).map(free).collect())
            }
            Model::Slots { slots, .. } => {
                let wanted = |slot: &&Slot| {
                    let day = slot.local().day();
                    from.is_none_or(|from| from <= day) && to.is_none_or(|to| day < to)
                };
                let free = |slot: &Slot| (*slot, limit.minus(self.index().at(slot)));
                Availability::Slots(slots.iter().filter(wanted).map(free).collect())
            }
        }
    }
}

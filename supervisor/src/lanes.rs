//! How much of the engine one offering may take: an order enters through one of two lanes of its
//! offering, so that a crowd at one offering leaves room for everybody else's.
//!
//! The lanes are a fixed table, because a map with an entry per offering would need a lock and grow.
//! Two offerings may meet in a lane; that both lanes of one are full because of others, by chance, is
//! one in a million with one crowded offering.

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::limits::{LANES, OFFERING_PLACING_MAX};

/// What an order is for, as a number: its market and offering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted(u64);

impl Wanted {
    pub(crate) fn new(market: usize, offering: u64) -> Wanted {
        // The steps of splitmix64: numbers that are neighbours end far apart.
        let mut mixed = (market as u64).rotate_right(16) ^ offering;
        mixed = mixed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Wanted(mixed ^ (mixed >> 31))
    }

    /// The two lanes, which are never the same.
    fn lanes(self) -> (usize, usize) {
        let place = |bits: u64| usize::try_from(bits % LANES as u64).unwrap_or(0);
        let (first, second) = (place(self.0), place(self.0 >> 32));
        (first, if first == second { first ^ 1 } else { second })
    }
}

/// The lanes.
pub(crate) struct Lanes(Box<[Semaphore]>);

impl Default for Lanes {
    fn default() -> Self {
        Lanes((0..LANES).map(|_| Semaphore::new(OFFERING_PLACING_MAX / 2)).collect())
    }
}

impl Lanes {
    /// How many orders are under way in the offering's lanes, this one among them.
    pub(crate) fn inside(&self, wanted: Wanted) -> usize {
        let (first, second) = wanted.lanes();
        let free = self.0[first].available_permits() + self.0[second].available_permits();
        OFFERING_PLACING_MAX.saturating_sub(free)
    }

    /// Room in one of the offering's lanes, if there is any.
    pub(crate) fn try_enter(&self, wanted: Wanted) -> Option<SemaphorePermit<'_>> {
        let (first, second) = wanted.lanes();
        self.0[first].try_acquire().or_else(|_| self.0[second].try_acquire()).ok()
    }

    /// Room in whichever of them has some first.
    pub(crate) async fn enter(&self, wanted: Wanted) -> Option<SemaphorePermit<'_>> {
        let (first, second) = wanted.lanes();
        tokio::select! {
            permit = self.0[first].acquire() => permit.ok(),
            permit = self.0[second].acquire() => permit.ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_at_one_offering_fills_its_share_and_hinders_nobody() {
        let lanes = Lanes::default();
        let crowd = Wanted::new(0, 7);
        let inside: Vec<_> = std::iter::from_fn(|| lanes.try_enter(crowd)).collect();
        assert_eq!(inside.len(), OFFERING_PLACING_MAX);
        for market in 0..5 {
            for offering in (1..2000).filter(|offering| (market, *offering) != (0, 7)) {
                let other = lanes.try_enter(Wanted::new(market, offering));
                assert!(other.is_some(), "{market} {offering}");
            }
        }
        drop(inside);
        assert!(lanes.try_enter(crowd).is_some());
    }

    #[test]
    fn the_two_lanes_differ() {
        for offering in 0..10_000 {
            let (first, second) = Wanted::new(3, offering).lanes();
            assert!(first != second && first < LANES && second < LANES, "{offering}");
        }
    }
}

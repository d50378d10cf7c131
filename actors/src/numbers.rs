//! The numbers of things: sequential per market and kind, never given twice.
//!
//! A number is used up when it is given, also by an order that comes to nothing. After a restart the
//! counters continue after the highest number the journal knows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use surehold_domain::id::MarketId;
use surehold_storage::Stream;

use crate::stream::Kind;

/// Markets whose counters stand in a table, where one is found without a lock: more than a node has.
const NEAR: usize = 64;

/// The last number given per kind and market.
#[derive(Debug)]
pub struct Numbers {
    /// Of each kind, and of each of the first markets.
    near: Box<[OnceLock<Arc<AtomicU64>>]>,
    /// Those of all other markets.
    far: RwLock<BTreeMap<(u8, u16), Arc<AtomicU64>>>,
}

impl Default for Numbers {
    fn default() -> Self {
        let places = (Kind::ALL.len() + 1) * NEAR;
        Numbers { near: (0..places).map(|_| OnceLock::new()).collect(), far: RwLock::default() }
    }
}

impl Numbers {
    /// The counter in the table; `None` if it is not there.
    fn near(&self, kind: Kind, market: MarketId) -> Option<&Arc<AtomicU64>> {
        let market = usize::from(market.0);
        let slot = (market < NEAR).then(|| self.near.get(kind as usize * NEAR + market))??;
        Some(slot.get_or_init(Arc::default))
    }

    /// The counter of a kind in a market; keep it where numbers are given often.
    #[must_use]
    pub fn counter(&self, kind: Kind, market: MarketId) -> Arc<AtomicU64> {
        if let Some(counter) = self.near(kind, market) {
            return Arc::clone(counter);
        }
        let place = (kind as u8, market.0);
        if let Some(counter) = self.far.read().unwrap_or_else(PoisonError::into_inner).get(&place) {
            return Arc::clone(counter);
        }
        let mut far = self.far.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(far.entry(place).or_default())
    }

    /// The next number.
    #[must_use]
    pub fn next(&self, kind: Kind, market: MarketId) -> u64 {
        let last = match self.near(kind, market) {
            Some(counter) => counter.fetch_add(1, Ordering::Relaxed),
            None => self.counter(kind, market).fetch_add(1, Ordering::Relaxed),
        };
        last + 1
    }

    /// The last number given.
    #[must_use]
    pub fn last(&self, kind: Kind, market: MarketId) -> u64 {
        self.counter(kind, market).load(Ordering::Relaxed)
    }

    /// Learns from a stream found in the journal that its number was given.
    pub fn seen(&self, stream: Stream) {
        let Some(kind) = Kind::of(stream) else { return };
        match kind {
            Kind::Offering
            | Kind::Order
            | Kind::Payment
            | Kind::Confirmation
            | Kind::Message
            | Kind::Review
            | Kind::Sale
            | Kind::Supply => {
                self.counter(kind, MarketId(stream.group)).fetch_max(stream.id, Ordering::Relaxed);
            }
            // These are not counted: their numbers are given otherwise.
            Kind::Node | Kind::Market | Kind::Key | Kind::Mileage | Kind::Switch => {}
        }
    }

    /// All counters, to be stored.
    #[must_use]
    pub fn all(&self) -> Vec<(u8, u16, u64)> {
        let near = Kind::ALL.into_iter().flat_map(|kind| {
            let of_kind = (0..).zip(self.near.iter().skip(kind as usize * NEAR).take(NEAR));
            of_kind.filter_map(move |(market, slot)| Some((kind as u8, market, slot.get()?)))
        });
        let far = self.far.read().unwrap_or_else(PoisonError::into_inner);
        let far = far.iter().map(|((kind, market), last)| (*kind, *market, last));
        let all = near.chain(far);
        let mut all: Vec<(u8, u16, u64)> =
            all.map(|(kind, market, last)| (kind, market, last.load(Ordering::Relaxed))).collect();
        all.sort_unstable();
        all
    }

    /// Takes over stored counters.
    pub fn restore(&self, stored: &[(u8, u16, u64)]) {
        for (kind, market, last) in stored {
            if let Some(kind) = Kind::from_number(*kind) {
                self.counter(kind, MarketId(*market)).fetch_max(*last, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_and_market_counts_for_itself_and_goes_on_after_a_restart() {
        let numbers = Numbers::default();
        let markets = [0, 1, 63, 64, u16::MAX].map(MarketId);
        for market in markets {
            for kind in Kind::ALL {
                let first = u64::from(market.0) + kind as u64;
                numbers.counter(kind, market).store(first, Ordering::Relaxed);
                assert_eq!(numbers.next(kind, market), first + 1);
                assert_eq!(numbers.last(kind, market), first + 1);
            }
        }
        let all = numbers.all();
        assert_eq!(all.len(), markets.len() * Kind::ALL.len());
        assert!(all.is_sorted());
        let again = Numbers::default();
        assert_eq!((again.all(), again.last(Kind::Order, MarketId(5))), (vec![], 0));
        again.restore(&all);
        assert_eq!(again.next(Kind::Switch, MarketId(64)), 64 + 13 + 2);
        let (market, id) = (1, 500);
        again.seen(Stream { kind: Kind::Payment as u8, group: market, id });
        assert_eq!(again.next(Kind::Payment, MarketId(market)), 501);
    }
}

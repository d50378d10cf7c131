//! The numbers of things: sequential per market and kind, never given twice.
//!
//! A number is used up when it is given, also by an order that comes to nothing. After a restart the
//! counters continue after the highest number the journal knows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use surehold_domain::id::MarketId;
use surehold_storage::Stream;

use crate::stream::Kind;

type Counters = BTreeMap<(u8, u16), Arc<AtomicU64>>;

/// The last number given per kind and market.
#[derive(Debug, Default)]
pub struct Numbers {
    counters: RwLock<Counters>,
}

impl Numbers {
    /// The counter of a kind in a market; keep it where numbers are given often.
    #[must_use]
    pub fn counter(&self, kind: Kind, market: MarketId) -> Arc<AtomicU64> {
        let place = (kind as u8, market.0);
        if let Some(counter) =
            self.counters.read().unwrap_or_else(PoisonError::into_inner).get(&place)
        {
            return Arc::clone(counter);
        }
        let mut counters = self.counters.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(counters.entry(place).or_default())
    }

    /// The next number.
    #[must_use]
    pub fn next(&self, kind: Kind, market: MarketId) -> u64 {
        self.counter(kind, market).fetch_add(1, Ordering::Relaxed) + 1
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
        let counters = self.counters.read().unwrap_or_else(PoisonError::into_inner);
        counters
            .iter()
            .map(|((kind, market), last)| (*kind, *market, last.load(Ordering::Relaxed)))
            .collect()
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

//! How much stands before the gateway, and what a call takes just now. Whoever lets orders in looks
//! here first.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use surehold_domain::time::Span;

/// One call moves the mean by a share of one in so many: what is known is some hundred calls old at most, and one slow
/// call means little.
const WEIGHT: u64 = 64;

/// The load of one gateway.
#[derive(Debug, Default)]
pub struct Load {
    /// Calls that run or wait for a permit.
    under_way: AtomicUsize,
    /// What a call takes, in microseconds, and one: zero while nothing is known.
    took: AtomicU64,
}

impl Load {
    /// Counts a call as long as what is returned lives.
    #[must_use]
    pub fn enter(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// Calls that run or wait for a permit, whatever they are about.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// Takes note of what a call took, answered or not.
    pub fn took(&self, span: Span) {
        let new = span.0.saturating_mul(1000);
        let mean = |known: u64| match known.checked_sub(1) {
            None => Some(new + 1),
            Some(mean) => Some((mean * (WEIGHT - 1) + new) / WEIGHT + 1),
        };
        // The closure always returns something.
        let _ = self.took.fetch_update(Ordering::Relaxed, Ordering::Relaxed, mean);
    }

    /// What a call takes just now; `None` until one has ended.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        self.took.load(Ordering::Relaxed).checked_sub(1).map(Duration::from_micros)
    }
}

/// A call that is counted.
#[derive(Debug)]
pub struct UnderWay(Arc<Load>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_follows_the_last_calls() {
        let load = Load::default();
        assert_eq!(load.mean(), None);
        load.took(Span(500));
        assert_eq!(load.mean(), Some(Duration::from_millis(500)), "the first says it alone");
        for _ in 0..400 {
            load.took(Span(100));
        }
        let mean = load.mean().unwrap();
        assert!(mean < Duration::from_millis(102), "{mean:?}");
        load.took(Span(8_000));
        assert!(load.mean().unwrap() < Duration::from_millis(250), "one slow call is no rush");
        for _ in 0..1000 {
            load.took(Span(0));
        }
        assert!(load.mean().unwrap() < Duration::from_millis(1));
    }

    #[test]
    fn a_call_counts_as_long_as_it_lives() {
        let load = Arc::new(Load::default());
        let (one, two) = (load.enter(), load.enter());
        assert_eq!(load.under_way(), 2);
        drop(one);
        assert_eq!(load.under_way(), 1);
        drop(two);
        assert_eq!(load.under_way(), 0);
    }
}

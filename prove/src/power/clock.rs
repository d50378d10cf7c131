//! The machine's clock: no two answers are the same, so that a time tells one record from another.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use surehold::Clock;
use surehold::domain::time::Timestamp;

/// A clock that moves with every look, and so many times as fast as the time on the wall.
pub(super) struct Ticking {
    latest: AtomicU64,
    from: u64,
    speed: u64,
    began: Instant,
}

impl Ticking {
    /// A clock that begins at `from`.
    pub(super) fn starting_at(from: Timestamp, speed: u64) -> Ticking {
        Ticking { latest: AtomicU64::new(from.0), from: from.0, speed, began: Instant::now() }
    }
}

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        let passed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let wall = self.from.saturating_add(passed.saturating_mul(self.speed));
        let next = |latest: u64| Some(wall.max(latest.saturating_add(1)));
        let before = self.latest.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        let (Ok(before) | Err(before)) = before;
        Timestamp(wall.max(before.saturating_add(1)))
    }
}

//! The clock as a port: the domain has none, and tests bring one that obeys paused time.
//!
//! An engine's time never goes backwards and never stands still, whatever is done to the system's
//! clock: what was due in a minute is due in a minute. Where the system's clock was set back, the engine
//! stays ahead of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use surehold_domain::time::Timestamp;

/// Says what time it is.
pub trait Clock: Send + Sync + 'static {
    /// Now. Never earlier than the last answer.
    fn now(&self) -> Timestamp;
    /// From now on it is this time, or later. Clocks that tests move themselves need not hear it.
    fn not_before(&self, _time: Timestamp) {}
}

/// The system's clock. When that is set forward, so is this one; when it is set back, this one goes
/// on from where it was.
#[derive(Debug)]
pub struct SystemClock {
    /// Counts on whatever happens to the system's clock.
    began: Instant,
    began_at: u64,
    off_by: i64,
    /// How far this clock is ahead of what was counted since it began.
    ahead: AtomicU64,
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock::off_by(0)
    }
}

impl SystemClock {
    /// The system's clock, off by so many milliseconds.
    #[must_use]
    pub fn off_by(milliseconds: i64) -> SystemClock {
        let (began, began_at) = (Instant::now(), system(milliseconds));
        SystemClock { began, began_at, off_by: milliseconds, ahead: AtomicU64::new(0) }
    }

    fn counted(&self) -> u64 {
        let elapsed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.began_at.saturating_add(elapsed)
    }
}

/// What the system's clock says.
fn system(off_by: i64) -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    now.saturating_add_signed(off_by)
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let counted = self.counted();
        let ahead = system(self.off_by).saturating_sub(counted);
        let ahead = self.ahead.fetch_max(ahead, Ordering::Relaxed).max(ahead);
        Timestamp(counted.saturating_add(ahead))
    }

    fn not_before(&self, time: Timestamp) {
        self.ahead.fetch_max(time.0.saturating_sub(self.counted()), Ordering::Relaxed);
    }
}

/// A clock that follows the runtime's time, so that a test with paused time moves it too.
#[derive(Debug)]
pub struct RuntimeClock {
    start: tokio::time::Instant,
    epoch: AtomicU64,
}

impl RuntimeClock {
    /// A clock that reads `epoch` now.
    #[must_use]
    pub fn starting_at(epoch: Timestamp) -> RuntimeClock {
        RuntimeClock { start: tokio::time::Instant::now(), epoch: AtomicU64::new(epoch.0) }
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.epoch.load(Ordering::Relaxed).saturating_add(self.elapsed()))
    }

    fn not_before(&self, time: Timestamp) {
        self.epoch.fetch_max(time.0.saturating_sub(self.elapsed()), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_goes_on() {
        let clock = SystemClock::default();
        let before = clock.now();
        let hour = Timestamp(before.0 + 3_600_000);
        clock.not_before(hour);
        let now = clock.now();
        assert!(now >= hour && now.0 < hour.0 + 60_000, "{now:?}");
        clock.not_before(before);
        assert!(clock.now() >= now, "it never goes back");
        // As if a second were over, whatever the system's clock says.
        let later = SystemClock { began_at: clock.began_at + 1000, ..clock };
        assert!(later.now().0 >= now.0 + 1000, "and never stands still");
    }
}

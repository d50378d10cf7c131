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

/// The system's clock is looked at this often, in milliseconds: what counts on is asked for the time
/// all the time, and that the system's clock was set is heard of early enough after this.
const LOOK_EVERY: u64 = 10;

/// The system's clock. When that is set forward, so is this one a moment later; when it is set back,
/// this one goes on from where it was.
#[derive(Debug)]
pub struct SystemClock {
    /// Counts on whatever happens to the system's clock.
    began: Instant,
    began_at: u64,
    off_by: i64,
    /// How far this clock is ahead of what was counted since it began.
    ahead: AtomicU64,
    /// What will have been counted when the system's clock is looked at again.
    look_at: AtomicU64,
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
        let (ahead, look_at) = (AtomicU64::new(0), AtomicU64::new(0));
        SystemClock { began, began_at, off_by: milliseconds, ahead, look_at }
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
        if counted >= self.look_at.load(Ordering::Relaxed) {
            // Two who come at once look both, which is as good.
            self.look_at.store(counted.saturating_add(LOOK_EVERY), Ordering::Relaxed);
            let ahead = system(self.off_by).saturating_sub(counted);
            self.ahead.fetch_max(ahead, Ordering::Relaxed);
        }
        // It only ever grows, and so does what was counted: so does their sum.
        Timestamp(counted.saturating_add(self.ahead.load(Ordering::Relaxed)))
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

    #[test]
    fn a_clock_that_was_set_forward_is_followed_a_moment_later() {
        let clock = SystemClock::default();
        let before = clock.now();
        // As if the system's clock were set.
        let set = SystemClock { off_by: 3_600_000, ..clock };
        let looks_at = Timestamp(set.look_at.load(Ordering::Relaxed));
        assert!(looks_at.0 <= before.0 + LOOK_EVERY, "{looks_at:?} after {before:?}");
        let mut last = before;
        while Timestamp(set.counted()) < looks_at {
            let now = set.now();
            assert!(now >= last, "it never goes back");
            last = now;
        }
        assert!(set.now().0 >= before.0 + 3_600_000);
        let back = SystemClock { off_by: 0, look_at: AtomicU64::new(0), ..set };
        assert!(back.now().0 >= before.0 + 3_600_000, "and back it is not");
    }
}

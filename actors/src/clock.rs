//! The clock as a port: the domain has none, and tests bring one that obeys paused time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use surehold_domain::time::Timestamp;

/// Says what time it is.
pub trait Clock: Send + Sync + 'static {
    /// Now. Never earlier than the last answer.
    fn now(&self) -> Timestamp;
}

/// The system's clock, held back from ever going backwards.
#[derive(Debug, Default)]
pub struct SystemClock {
    latest: AtomicU64,
    off_by: i64,
}

impl SystemClock {
    /// The system's clock, off by so many milliseconds.
    #[must_use]
    pub fn off_by(milliseconds: i64) -> SystemClock {
        SystemClock { latest: AtomicU64::new(0), off_by: milliseconds }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let now = now.saturating_add_signed(self.off_by);
        Timestamp(self.latest.fetch_max(now, Ordering::Relaxed).max(now))
    }
}

/// A clock that follows the runtime's time, so that a test with paused time moves it too.
#[derive(Debug)]
pub struct RuntimeClock {
    start: tokio::time::Instant,
    epoch: u64,
}

impl RuntimeClock {
    /// A clock that reads `epoch` now.
    #[must_use]
    pub fn starting_at(epoch: Timestamp) -> RuntimeClock {
        RuntimeClock { start: tokio::time::Instant::now(), epoch: epoch.0 }
    }
}

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        let elapsed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        Timestamp(self.epoch.saturating_add(elapsed))
    }
}

//! When requests leave: one after the other, or at their own times whatever becomes of those before them.
//!
//! Times come from a thread of their own, because the runtime's timers only know whole milliseconds. It lets requests
//! go by permits; one that finds no free connection takes its permit late, and its waiting counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// When requests leave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// Closed loop: a connection sends its next request when the last one is answered.
    Closed,
    /// Open loop: so many a second over all connections, at even distances. Latency counts from the time at which a
    /// request should have left, so that a stall is not hidden by requests that were never sent.
    Open(f64),
}

impl Pace {
    /// When the request with this number should leave, from the start; `None` in a closed loop.
    pub(super) fn due(self, number: usize) -> Option<Duration> {
        match self {
            Self::Closed => None,
            Self::Open(rate) => Some(Duration::from_secs_f64(number as f64 / rate)),
        }
    }
}

/// Lets requests go at their times. Dropped, it stops.
#[derive(Debug)]
pub(super) struct Pacer {
    permits: Arc<Semaphore>,
    stopped: Arc<AtomicBool>,
    thread: Thread,
}

impl Pacer {
    /// Lets `requests` go, the first one at `start`.
    pub(super) fn start(pace: Pace, requests: usize, start: Instant) -> Self {
        let permits = Arc::new(Semaphore::new(0));
        let stopped = Arc::new(AtomicBool::new(false));
        let (giving, ended) = (Arc::clone(&permits), Arc::clone(&stopped));
        let thread = thread::spawn(move || {
            for number in 0..requests {
                let due = start + pace.due(number).unwrap_or_default();
                while let Some(left) = due.checked_duration_since(Instant::now()) {
                    if left.is_zero() || ended.load(Ordering::Relaxed) {
                        break;
                    }
                    thread::park_timeout(left);
                }
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                giving.add_permits(1);
            }
        });
        Self { permits, stopped, thread: thread.thread().clone() }
    }

    /// Waits until one more may go; those that wait go in their order.
    pub(super) async fn wait(&self) {
        if let Ok(permit) = self.permits.acquire().await {
            permit.forget();
        }
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}

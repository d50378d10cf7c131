//! All connections: counted, and looked at once a second.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::{Counter, Gauge, counter, gauge};
use tokio::time::MissedTickBehavior;

use super::limits::{Patience, SWEEP_EVERY};
use super::line::{Bounds, Line, Ticks, Why};

/// The connections that are served.
pub(super) struct Lines {
    ticks: Ticks,
    most: usize,
    bounds: Bounds,
    hurry: AtomicBool,
    next: AtomicU64,
    open: Mutex<HashMap<u64, Arc<Line>>>,
    served: Gauge,
    cut: [Counter; 3],
}

/// One of them, for as long as it is served.
pub(super) struct Open {
    lines: Arc<Lines>,
    number: u64,
    pub(super) line: Arc<Line>,
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = self.lines.open();
        open.remove(&self.number);
        self.lines.count(&open);
    }
}

impl Lines {
    pub(super) fn new(most: usize, patience: Patience) -> Lines {
        let ticks = |span: Duration| {
            let ticks = span.as_millis().div_ceil(SWEEP_EVERY.as_millis());
            u32::try_from(ticks).unwrap_or(u32::MAX)
        };
        let Patience { head, idle, send, body: _ } = patience;
        Lines {
            ticks: Ticks::default(),
            most,
            bounds: Bounds { head: ticks(head), idle: ticks(idle), send: ticks(send) },
            hurry: AtomicBool::new(false),
            next: AtomicU64::new(0),
            open: Mutex::default(),
            served: gauge!("surehold_connections"),
            cut: ["head", "idle", "send"]
                .map(|why| counter!("surehold_connections_cut_total", "why" => why)),
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Line>>> {
        // Every critical section leaves the map whole.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, open: &HashMap<u64, Arc<Line>>) {
        self.served.set(f64::from(u32::try_from(open.len()).unwrap_or(u32::MAX)));
    }

    /// A place for one more, if there is one.
    pub(super) fn add(self: &Arc<Lines>) -> Option<Open> {
        let mut open = self.open();
        if open.len() >= self.most {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let line = Arc::new(Line::new(Arc::clone(&self.ticks)));
        open.insert(number, Arc::clone(&line));
        self.count(&open);
        Some(Open { lines: Arc::clone(self), number, line })
    }

    /// From now on nobody is waited for who has not sent a whole request, or does not read: the server
    /// is about to end.
    pub(super) fn hurry(&self) {
        self.hurry.store(true, Ordering::Relaxed);
    }

    /// Cuts, until it is dropped, whoever is too slow.
    pub(super) async fn sweep(&self, mut also: impl FnMut(u32)) {
        let mut every = tokio::time::interval(SWEEP_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            let tick = self.ticks.fetch_add(1, Ordering::Relaxed);
            let hurried = self.hurry.load(Ordering::Relaxed);
            let bounds = if hurried { Bounds { head: 1, idle: 1, send: 1 } } else { self.bounds };
            for line in self.open().values() {
                let Some(why) = line.cut_if_late(bounds) else { continue };
                let [head, idle, send] = &self.cut;
                match why {
                    Why::Head => head.increment(1),
                    Why::Idle => idle.increment(1),
                    Why::Send => send.increment(1),
                }
            }
            also(tick);
        }
    }
}

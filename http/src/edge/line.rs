//! What one connection does, and since when, in a word that its task writes and the sweep reads.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::task::AbortHandle;

/// Counts the sweeps. One that is late counts once: a process that slept cuts nobody for it.
pub(super) type Ticks = Arc<AtomicU32>;

/// It waits for the head of a request.
const HEAD: u64 = 0;
/// It waits for a request to begin.
const IDLE: u64 = 1;
/// A request is under way, up to the last byte of its answer that was handed to the socket.
const BUSY: u64 = 2;
/// It was cut, and its task is about to end.
const CUT: u64 = 3;

fn word(state: u64, tick: u32) -> u64 {
    state << 32 | u64::from(tick)
}

fn parts(word: u64) -> (u64, u32) {
    (word >> 32, u32::try_from(word & u64::from(u32::MAX)).unwrap_or(u32::MAX))
}

/// Why a connection was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The head did not come.
    Head,
    /// Nothing came.
    Idle,
    /// The answer was not read.
    Send,
}

/// How many sweeps each may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) head: u32,
    pub(super) idle: u32,
    pub(super) send: u32,
}

/// A connection, as the sweep sees it.
pub(super) struct Line {
    ticks: Ticks,
    does: AtomicU64,
    /// The tick since which its answer cannot be sent; 0 while it can.
    blocked: AtomicU32,
    task: OnceLock<AbortHandle>,
}

/// A request under way. The line waits for the next one when it is dropped.
pub(super) struct Busy(Arc<Line>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.does.store(word(IDLE, self.0.now()), Ordering::Relaxed);
    }
}

impl Line {
    pub(super) fn new(ticks: Ticks) -> Line {
        let does = AtomicU64::new(word(HEAD, ticks.load(Ordering::Relaxed)));
        Line { ticks, does, blocked: AtomicU32::new(0), task: OnceLock::new() }
    }

    fn now(&self) -> u32 {
        self.ticks.load(Ordering::Relaxed)
    }

    /// The task that serves it, so that it can be cut.
    pub(super) fn served_by(&self, task: AbortHandle) {
        // It is set once, where the task is made.
        let _ = self.task.set(task);
    }

    /// Bytes came, perhaps the first ones of a request.
    pub(super) fn heard(&self) {
        let before = self.does.load(Ordering::Relaxed);
        if parts(before).0 == IDLE {
            let begun = word(HEAD, self.now());
            // If it fails, the line was cut.
            let _ = self.does.compare_exchange(before, begun, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// The head of a request is whole; `None` if the line was cut a moment ago.
    pub(super) fn begin(self: &Arc<Line>) -> Option<Busy> {
        let before = self.does.swap(word(BUSY, 0), Ordering::Relaxed);
        if parts(before).0 == CUT {
            self.does.store(before, Ordering::Relaxed);
            return None;
        }
        Some(Busy(Arc::clone(self)))
    }

    /// The socket took something of an answer. The end of a long one goes when its request is over.
    pub(super) fn sent(&self) {
        if self.blocked.load(Ordering::Relaxed) != 0 {
            self.blocked.store(0, Ordering::Relaxed);
        }
        let before = self.does.load(Ordering::Relaxed);
        let now = word(IDLE, self.now());
        if parts(before).0 == IDLE && before != now {
            // If it fails, the line was cut.
            let _ = self.does.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// The socket is full: the client has not read what it was sent before.
    pub(super) fn full(&self) {
        if self.blocked.load(Ordering::Relaxed) == 0 {
            self.blocked.store(self.now().max(1), Ordering::Relaxed);
        }
    }

    /// Cuts the line if its client took too long.
    pub(super) fn cut_if_late(&self, bounds: Bounds) -> Option<Why> {
        let why = self.late(bounds)?;
        if let Some(task) = self.task.get() {
            task.abort();
        }
        Some(why)
    }

    fn late(&self, bounds: Bounds) -> Option<Why> {
        let now = self.now();
        let since = |tick: u32| now.saturating_sub(tick);
        let seen = self.does.load(Ordering::Relaxed);
        let (state, tick) = parts(seen);
        let blocked = self.blocked.load(Ordering::Relaxed);
        let why = match state {
            CUT => return None,
            // Whatever it waits for besides, the client has to read first.
            _ if blocked != 0 => (since(blocked) > bounds.send).then_some(Why::Send)?,
            HEAD => (since(tick) > bounds.head).then_some(Why::Head)?,
            IDLE => (since(tick) > bounds.idle).then_some(Why::Idle)?,
            _ => return None,
        };
        // A request that begins right now is not cut off; the next sweep looks again.
        let cut = word(CUT, now);
        let cut = self.does.compare_exchange(seen, cut, Ordering::Relaxed, Ordering::Relaxed);
        cut.is_ok().then_some(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { head: 2, idle: 5, send: 3 };

    fn line() -> (Ticks, Arc<Line>) {
        let ticks = Ticks::default();
        (Arc::clone(&ticks), Arc::new(Line::new(ticks)))
    }

    #[test]
    fn a_head_has_its_time_and_waiting_has_another() {
        let (ticks, line) = line();
        ticks.store(2, Ordering::Relaxed);
        assert_eq!(line.cut_if_late(BOUNDS), None);
        let busy = line.begin().unwrap();
        ticks.store(100, Ordering::Relaxed);
        assert_eq!(line.cut_if_late(BOUNDS), None, "the server may take its time");
        drop(busy);
        ticks.store(105, Ordering::Relaxed);
        assert_eq!(line.cut_if_late(BOUNDS), None);
        line.heard();
        ticks.store(107, Ordering::Relaxed);
        line.heard();
        assert_eq!(line.cut_if_late(BOUNDS), None);
        ticks.store(108, Ordering::Relaxed);
        assert_eq!(line.cut_if_late(BOUNDS), Some(Why::Head), "every byte is no new beginning");
        assert_eq!(line.cut_if_late(BOUNDS), None, "once");
        assert!(line.begin().is_none());
        assert!(line.begin().is_none());
    }

    #[test]
    fn silence_and_answers_that_nobody_reads_end_it() {
        let (ticks, line) = line();
        drop(line.begin());
        ticks.store(4, Ordering::Relaxed);
        line.sent();
        ticks.store(9, Ordering::Relaxed);
        assert_eq!(line.cut_if_late(BOUNDS), None, "the end of an answer was sent meanwhile");
        ticks.store(10, Ordering::Relaxed);
        assert_eq!(line.cut_if_late(BOUNDS), Some(Why::Idle));

        let (ticks, line) = self::line();
        let _busy = line.begin();
        for tick in 0..20 {
            ticks.store(tick, Ordering::Relaxed);
            line.full();
            assert_eq!(line.cut_if_late(BOUNDS), None, "{tick}");
            if tick % 3 == 0 {
                line.sent();
            }
        }
        line.sent();
        line.full();
        ticks.store(23, Ordering::Relaxed);
        assert_eq!(line.cut_if_late(BOUNDS), Some(Why::Send));
    }
}

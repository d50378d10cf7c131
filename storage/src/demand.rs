//! Who is at work, and who of them waits for the disk: what the writer has to know to choose the moment of a commit.
//!
//! A commit costs the processor and the disk the same for one record as for hundreds, so it pays to wait until
//! somebody needs it, and then until many do. When half of those at work wait, the other half keeps the processors
//! busy meanwhile; waiting for more would leave them idle.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::durable::Durable;

/// The counts, and the bell of the thread that commits.
#[derive(Debug, Default)]
pub(crate) struct Demand {
    at_work: AtomicUsize,
    waiting: AtomicUsize,
    /// The writer sleeps and wants to be woken when a commit is due.
    resting: AtomicBool,
    /// The writer sleeps without an end: it has to be woken for anything.
    asleep: AtomicBool,
    writer: OnceLock<Thread>,
}

/// Somebody is at work who will wait for the disk, as long as this lives.
#[derive(Debug)]
pub struct AtWork(Arc<Durable>);

impl Drop for AtWork {
    fn drop(&mut self) {
        let demand = &self.0.demand;
        demand.at_work.fetch_sub(1, Ordering::SeqCst);
        if demand.is_due() {
            demand.ring();
        }
    }
}

impl Durable {
    /// Says that somebody is at work who will wait for the disk.
    #[must_use]
    pub fn enter(self: &Arc<Self>) -> AtWork {
        self.demand.at_work.fetch_add(1, Ordering::SeqCst);
        AtWork(Arc::clone(self))
    }
}

impl Demand {
    /// How many are at work.
    pub(crate) fn at_work(&self) -> usize {
        self.at_work.load(Ordering::SeqCst)
    }

    /// Whether anybody waits.
    pub(crate) fn is_wanted(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    /// Whether so many wait that a commit is due. Those who did not say that they are at work count like the others.
    pub(crate) fn is_due(&self) -> bool {
        let waiting = self.waiting.load(Ordering::SeqCst);
        waiting > 0 && waiting * 2 >= self.at_work()
    }

    /// One more waits; returns whether the writer has to hear of it: the first sets its clock going.
    pub(crate) fn wait(&self) -> bool {
        self.waiting.fetch_add(1, Ordering::SeqCst) == 0 || self.is_due()
    }

    /// So many wait no longer.
    pub(crate) fn served(&self, count: usize) {
        self.waiting.fetch_sub(count, Ordering::SeqCst);
    }

    /// Something was appended where nothing was.
    pub(crate) fn appended(&self) {
        if self.asleep.load(Ordering::SeqCst) {
            self.ring();
        }
    }

    /// Wakes the writer if it sleeps; waking it costs a system call.
    pub(crate) fn ring(&self) {
        if self.resting.swap(false, Ordering::SeqCst)
            && let Some(writer) = self.writer.get()
        {
            writer.unpark();
        }
    }

    /// This thread commits from now on.
    pub(crate) fn commit_here(&self) {
        // A durable sequence has one writer in its life.
        let _ = self.writer.set(thread::current());
    }

    /// The writer is about to sleep, without an end or not. Whatever rings after this wakes it.
    pub(crate) fn rest(&self, without_end: bool) {
        self.asleep.store(without_end, Ordering::SeqCst);
        self.resting.store(true, Ordering::SeqCst);
    }

    /// Sleeps until somebody rings, or so long. May return early.
    pub(crate) fn sleep(&self, time: Option<Duration>) {
        match time {
            Some(time) => thread::park_timeout(time),
            None => thread::park(),
        }
        self.up();
    }

    /// The writer is up again, or did not lie down after all.
    pub(crate) fn up(&self) {
        self.resting.store(false, Ordering::SeqCst);
        self.asleep.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use crate::durable::Durable;

    #[test]
    fn a_commit_is_due_when_half_of_those_at_work_wait() {
        let durable = Durable::starting_at(0);
        let demand = &durable.demand;
        assert!(!demand.is_due(), "nobody waits");
        demand.wait();
        assert!(demand.is_due(), "one who never said that he works");
        let workers: Vec<_> = (0..5).map(|_| durable.enter()).collect();
        assert!(!demand.is_due(), "one of five");
        demand.wait();
        demand.wait();
        assert!(demand.is_due(), "three of five");
        demand.served(1);
        assert!(!demand.is_due(), "two of five");
        drop(workers);
        assert!(demand.is_due() && demand.is_wanted(), "nobody else will come");
        demand.served(2);
        assert!(!demand.is_due() && !demand.is_wanted());
    }
}

//! The durable sequence: how far the journal has reached the disk, and who waits for it.
//!
//! Each waiter says for which sequence, so that a commit wakes those it has satisfied and nobody else; a plain
//! broadcast would wake every waiter on every commit. They sit in a list that each commit goes through once: nearly
//! all of them wait for this commit or the next, and their number is bounded by the gate and by the calls under way.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::demand::Demand;

/// The journal closed before the awaited record became durable; it may or may not be on disk.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("the journal closed before the record was on disk: {0}")]
pub struct NotDurable(pub Arc<str>);

#[derive(Debug, Default)]
struct Waiting {
    closed: Option<Arc<str>>,
    waiters: Vec<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    sequence: u64,
    sender: oneshot::Sender<()>,
    /// Whether the commit is made for it; the others take what comes.
    hurried: bool,
}

/// How far the journal has reached the disk. The writer publishes, everybody else waits.
#[derive(Debug, Default)]
pub struct Durable {
    reached: AtomicU64,
    waiting: Mutex<Waiting>,
    closing: Notify,
    is_closed: AtomicBool,
    pub(crate) demand: Demand,
}

impl Durable {
    /// Starts at `reached`, the last sequence found on disk.
    #[must_use]
    pub fn starting_at(reached: u64) -> Arc<Durable> {
        Arc::new(Durable { reached: AtomicU64::new(reached), ..Durable::default() })
    }

    /// The last durable sequence.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.reached.load(Ordering::Acquire)
    }

    /// Whether no more records will become durable.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Why no more records will become durable, once that is so.
    #[must_use]
    pub fn closed(&self) -> Option<Arc<str>> {
        if !self.is_closed() {
            return None;
        }
        self.waiting().closed.clone()
    }

    /// Returns when `sequence` is durable, which is done for the sake of whoever asks.
    ///
    /// # Errors
    /// [`NotDurable`] if the journal closed first.
    pub async fn reached(&self, sequence: u64) -> Result<(), NotDurable> {
        self.wait(sequence, true).await
    }

    /// As [`Durable::reached`], but hurries nobody: for those who follow what is committed anyway.
    ///
    /// # Errors
    /// [`NotDurable`] if the journal closed first.
    pub async fn followed(&self, sequence: u64) -> Result<(), NotDurable> {
        self.wait(sequence, false).await
    }

    async fn wait(&self, sequence: u64, hurried: bool) -> Result<(), NotDurable> {
        if self.get() >= sequence {
            return Ok(());
        }
        let (receiver, ring) = {
            let mut waiting = self.waiting();
            // The writer raises the number before it takes the lock, so this second look misses nothing.
            if self.get() >= sequence {
                return Ok(());
            }
            if let Some(reason) = &waiting.closed {
                return Err(NotDurable(Arc::clone(reason)));
            }
            let (sender, receiver) = oneshot::channel();
            waiting.waiters.push(Waiter { sequence, sender, hurried });
            // Counted before anybody can serve it.
            (receiver, hurried && self.demand.wait())
        };
        if ring {
            self.demand.ring();
        }
        match receiver.await {
            Ok(()) => Ok(()),
            Err(_) => Err(NotDurable(self.closed().unwrap_or_else(|| "it went away".into()))),
        }
    }

    /// Returns when nothing more will become durable, with the reason.
    pub async fn closing(&self) -> Arc<str> {
        loop {
            let closing = self.closing.notified();
            if let Some(reason) = self.closed() {
                return reason;
            }
            closing.await;
        }
    }

    /// Says that everything up to `sequence` is durable. Only the journal's writer calls this.
    pub fn publish(&self, sequence: u64) {
        self.reached.fetch_max(sequence, Ordering::AcqRel);
        let satisfied: Vec<Waiter> = {
            let mut waiting = self.waiting();
            waiting.waiters.extract_if(.., |waiter| waiter.sequence <= sequence).collect()
        };
        let mut hurried = 0;
        for waiter in satisfied {
            hurried += usize::from(waiter.hurried);
            // A waiter that went away needs no answer.
            let _ = waiter.sender.send(());
        }
        self.demand.served(hurried);
    }

    /// Says that nothing more will become durable. The first reason stays.
    pub fn close(&self, reason: &str) {
        let mut waiting = self.waiting();
        waiting.closed.get_or_insert_with(|| reason.into());
        self.is_closed.store(true, Ordering::Release);
        waiting.waiters.clear();
        drop(waiting);
        self.closing.notify_waiters();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Every critical section leaves the list whole, so a poisoned lock holds good data.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

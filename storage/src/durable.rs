//! The durable sequence: how far the journal has reached the disk, and who waits for it.
//!
//! Waiters sit in a map ordered by sequence, so that a commit wakes those it has satisfied and
//! nobody else; a plain broadcast would wake every waiter on every commit.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

/// The journal closed before the awaited record became durable; it may or may not be on disk.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("the journal closed before the record was on disk: {0}")]
pub struct NotDurable(pub Arc<str>);

#[derive(Debug, Default)]
struct Waiting {
    closed: Option<Arc<str>>,
    by_sequence: BTreeMap<u64, Vec<oneshot::Sender<()>>>,
}

/// How far the journal has reached the disk. The writer publishes, everybody else waits.
#[derive(Debug, Default)]
pub struct Durable {
    reached: AtomicU64,
    waiting: Mutex<Waiting>,
    closing: Notify,
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

    /// Why no more records will become durable, once that is so.
    #[must_use]
    pub fn closed(&self) -> Option<Arc<str>> {
        self.waiting().closed.clone()
    }

    /// Returns when `sequence` is durable.
    ///
    /// # Errors
    /// [`NotDurable`] if the journal closed first.
    pub async fn reached(&self, sequence: u64) -> Result<(), NotDurable> {
        if self.get() >= sequence {
            return Ok(());
        }
        let receiver = {
            let mut waiting = self.waiting();
            // The writer raises the number before it takes the lock, so this second look misses nothing.
            if self.get() >= sequence {
                return Ok(());
            }
            if let Some(reason) = &waiting.closed {
                return Err(NotDurable(Arc::clone(reason)));
            }
            let (sender, receiver) = oneshot::channel();
            waiting.by_sequence.entry(sequence).or_default().push(sender);
            receiver
        };
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
        let satisfied = {
            let mut waiting = self.waiting();
            let later = waiting.by_sequence.split_off(&(sequence + 1));
            std::mem::replace(&mut waiting.by_sequence, later)
        };
        for sender in satisfied.into_values().flatten() {
            // A waiter that went away needs no answer.
            let _ = sender.send(());
        }
    }

    /// Says that nothing more will become durable. The first reason stays.
    pub fn close(&self, reason: &str) {
        let mut waiting = self.waiting();
        waiting.closed.get_or_insert_with(|| reason.into());
        waiting.by_sequence.clear();
        drop(waiting);
        self.closing.notify_waiters();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Every critical section leaves the map whole, so a poisoned lock holds good data.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

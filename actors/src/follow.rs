//! A follower of the committed feed: what it reads next, how far it has come, and when it looks again.
//!
//! What a follower does about a record must be harmless when done again: its cursor is stored now and
//! then, never before what it wrote is durable, and after a crash it does some records once more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ractor::{ActorRef, Message};
use surehold_domain::time::{Span, Timestamp};
use surehold_storage::{Batch, Change, Record};

use crate::post::Post;
use crate::shelf::{CURSORS, Shelf, ShelfError};

/// Bounds of a follower.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Records taken in one go.
    pub records: usize,
    /// Pause between two gulps, so that it works in batches.
    pub pause: Duration,
    /// How often the cursor is stored while it moves.
    pub stored_every: Span,
}

/// How far a follower has come, for whoever watches it.
pub type Reached = Arc<AtomicU64>;

/// How far the follower of this name has come, as far as that was stored.
///
/// # Errors
/// [`ShelfError`] if its cursor cannot be read.
pub fn stored_cursor(shelf: &Shelf, name: &str) -> Result<Option<u64>, ShelfError> {
    let stored = shelf.snapshots().get(CURSORS, name.as_bytes())?;
    Ok(stored.and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes))
}

/// Stores how far the follower of this name has come.
///
/// # Errors
/// [`ShelfError`] if it cannot be stored.
pub fn store_cursor(shelf: &Shelf, name: &str, cursor: u64) -> Result<(), ShelfError> {
    let (key, value) = (name.as_bytes().to_vec(), cursor.to_be_bytes().to_vec());
    Ok(shelf.snapshots().apply(vec![Change::Put { space: CURSORS, key, value }])?)
}

/// One follower.
pub struct Follower {
    post: Arc<Post>,
    name: &'static str,
    pace: Pace,
    reached: Reached,
    cursor: u64,
    stored: u64,
    stored_at: Timestamp,
    /// The last record it wrote itself.
    wrote: u64,
}

impl Follower {
    /// A follower that continues where an earlier life of this name left off.
    ///
    /// # Errors
    /// [`ShelfError`] if its cursor cannot be read.
    pub fn open(
        post: Arc<Post>,
        name: &'static str,
        pace: Pace,
        reached: Reached,
    ) -> Result<Follower, ShelfError> {
        let stored = stored_cursor(&post.shelf, name)?.unwrap_or(0);
        // A cursor beyond the journal is of another journal.
        let cursor = if stored > post.shelf.journal().last() { 0 } else { stored };
        // Nothing is removed that this follower had not done: what is gone needs nothing more.
        let cursor = cursor.max(post.shelf.journal().anchor());
        reached.store(cursor, Ordering::Release);
        let stored_at = post.clock.now();
        Ok(Follower { post, name, pace, reached, cursor, stored: cursor, stored_at, wrote: 0 })
    }

    /// Does the next gulp of records, one by one; `learn` says which record it wrote itself, if it wrote
    /// any. Says whether there is more at once.
    ///
    /// # Errors
    /// [`ShelfError`] if the journal cannot be read, the cursor cannot be stored, or `learn` fails.
    pub fn gulp(
        &mut self,
        mut learn: impl FnMut(&Record) -> Result<Option<u64>, ShelfError>,
    ) -> Result<bool, ShelfError> {
        let records = self.post.shelf.journal().follow(self.cursor, self.pace.records)?;
        for record in records.iter() {
            if let Some(sequence) = learn(record)? {
                self.wrote(sequence);
            }
        }
        self.done(&records)
    }

    /// It wrote something itself: the cursor is not stored before that is durable.
    pub fn wrote(&mut self, sequence: u64) {
        self.wrote = sequence;
    }

    /// All these records are done. Says whether there is more at once.
    fn done(&mut self, records: &Batch) -> Result<bool, ShelfError> {
        let Some(last) = records.last() else { return Ok(false) };
        self.cursor = last.sequence;
        self.reached.store(self.cursor, Ordering::Release);
        let shelf = &self.post.shelf;
        let now = self.post.clock.now();
        let due = now.since(self.stored_at) >= self.pace.stored_every;
        if due && self.cursor > self.stored && shelf.journal().durable().get() >= self.wrote {
            store_cursor(shelf, self.name, self.cursor)?;
            (self.stored, self.stored_at) = (self.cursor, now);
        }
        Ok(records.len() == self.pace.records)
    }

    /// Sends `message` to the follower's actor when there is more to read.
    pub fn again<M: Message>(&self, more: bool, myself: ActorRef<M>, message: M) {
        let (post, cursor, pause) = (Arc::clone(&self.post), self.cursor, self.pace.pause);
        tokio::spawn(async move {
            if !more {
                // A closed journal ends this life of the tree.
                if post.shelf.journal().durable().followed(cursor + 1).await.is_err() {
                    return;
                }
                tokio::time::sleep(pause).await;
            }
            // It may have been stopped meanwhile; a new life asks for itself.
            let _ = myself.send_message(message);
        });
    }
}

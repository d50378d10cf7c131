//! Stores in memory that outlive an engine, and remember every batch of the snapshots, so that a
//! crash after any of them can be played.

use std::sync::{Arc, Mutex};

use surehold_actors::shelf::VIEWS;
use surehold_storage::{
    Change, Direction, Entry, JournalError, MemoryJournal, MemorySnapshots, SnapshotError,
    SnapshotStore, Space,
};

use crate::stores::{Opened, Stores};

pub(super) struct Kept {
    journal: Mutex<Arc<MemoryJournal>>,
    pub(super) snapshots: Arc<Taped>,
}

impl Default for Kept {
    fn default() -> Self {
        Kept { journal: Mutex::new(MemoryJournal::new(7)), snapshots: Arc::default() }
    }
}

impl Kept {
    /// The same journal, over snapshots as they stood after so many of the taped batches.
    pub(super) fn as_of(&self, batches: usize) -> Kept {
        let journal = self.journal.lock().unwrap().reopened();
        let snapshots = Arc::new(Taped::default());
        let tape = self.snapshots.tape.lock().unwrap();
        for changes in tape.iter().take(batches) {
            snapshots.apply(changes.clone()).unwrap();
        }
        Kept { journal: Mutex::new(journal), snapshots }
    }

    /// Both as they stand, to be opened by hand, and to be opened again by an engine.
    pub(super) fn copy(&self) -> (Arc<MemoryJournal>, Kept) {
        let kept = self.as_of(usize::MAX);
        let journal = kept.journal.lock().unwrap().clone();
        (journal, kept)
    }
}

impl Stores for Kept {
    fn open(&self) -> Result<Opened, JournalError> {
        let mut journal = self.journal.lock().unwrap();
        *journal = journal.reopened();
        Ok((journal.clone(), self.snapshots.clone()))
    }

    fn room(&self) -> Result<(), String> {
        Ok(())
    }
}

#[derive(Default)]
pub(super) struct Taped {
    inner: MemorySnapshots,
    tape: Mutex<Vec<Vec<Change>>>,
}

impl Taped {
    pub(super) fn batches(&self) -> usize {
        self.tape.lock().unwrap().len()
    }

    /// The cursor of the index that is live.
    pub(super) fn live_cursor(&self) -> u64 {
        let live = self.get(VIEWS, &[0]).unwrap().map_or(1, |bytes| bytes[0]);
        let cursor = self.get(VIEWS, &[live, 0]).unwrap();
        cursor.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()))
    }

    /// The generations that have keys.
    pub(super) fn generations(&self) -> Vec<u8> {
        let stored = self.scan(VIEWS, &[1], &[0xff], Direction::Up, usize::MAX).unwrap();
        let mut found: Vec<u8> = stored.iter().map(|(key, _)| key[0]).collect();
        found.dedup();
        found
    }

    /// After which numbers of batches a crash means something for the views, from this one on.
    pub(super) fn crashes(&self, from: usize) -> Vec<usize> {
        let tape = self.tape.lock().unwrap();
        let views = |change: &Change| match change {
            Change::Put { space, .. } | Change::Remove { space, .. } => *space == VIEWS,
        };
        let changed = (1..).zip(&*tape).filter(|(_, changes)| changes.iter().any(views));
        changed.map(|(number, _)| number).filter(|number| *number >= from).collect()
    }
}

impl SnapshotStore for Taped {
    fn apply(&self, changes: Vec<Change>) -> Result<(), SnapshotError> {
        self.tape.lock().unwrap().push(changes.clone());
        self.inner.apply(changes)
    }
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, SnapshotError> {
        self.inner.get(space, key)
    }
    fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Entry>, SnapshotError> {
        self.inner.scan(space, from, to, direction, limit)
    }
    fn sync(&self) -> Result<(), SnapshotError> {
        Ok(())
    }
    fn clear(&self) -> Result<(), SnapshotError> {
        self.inner.clear()
    }
    fn size_on_disk(&self) -> u64 {
        0
    }
}

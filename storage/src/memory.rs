//! The twins in memory: the same contracts without a disk, for tests and for trying things out.
//!
//! They keep every promise but one: nothing survives the process.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::durable::Durable;
use crate::journal::{Journal, JournalError, NewRecord, Record};
use crate::snapshot::{Change, Direction, Entry, SnapshotError, SnapshotStore, Space};

/// When an appended record counts as durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    AtOnce,
    WhenReleased,
}

#[derive(Debug, Default)]
struct Records {
    list: Vec<Record>,
    closed: Option<Arc<str>>,
}

/// A journal in memory.
#[derive(Debug)]
pub struct MemoryJournal {
    records: Mutex<Records>,
    durable: Arc<Durable>,
    identity: u128,
    pace: Pace,
}

impl MemoryJournal {
    /// An empty journal in which records are durable as soon as they are appended.
    #[must_use]
    pub fn new(identity: u128) -> Arc<MemoryJournal> {
        MemoryJournal::with(identity, Pace::AtOnce, Vec::new())
    }

    /// An empty journal in which records become durable only by [`MemoryJournal::release`].
    #[must_use]
    pub fn held(identity: u128) -> Arc<MemoryJournal> {
        MemoryJournal::with(identity, Pace::WhenReleased, Vec::new())
    }

    fn with(identity: u128, pace: Pace, list: Vec<Record>) -> Arc<MemoryJournal> {
        let durable = Durable::starting_at(list.len() as u64);
        let records = Mutex::new(Records { list, closed: None });
        Arc::new(MemoryJournal { records, durable, identity, pace })
    }

    /// Makes everything appended so far durable.
    pub fn release(&self) {
        let records = self.records();
        if records.closed.is_none() {
            self.durable.publish(records.list.len() as u64);
        }
    }

    /// Closes as after a failed write: what is not durable now is lost.
    pub fn fail(&self, reason: &str) {
        self.shut(reason);
    }

    /// What a restart finds: a journal of the same identity and pace with the durable records.
    #[must_use]
    pub fn reopened(&self) -> Arc<MemoryJournal> {
        self.shut("it was opened anew");
        let list = self.records().list.clone();
        MemoryJournal::with(self.identity, self.pace, list)
    }

    fn shut(&self, reason: &str) {
        let mut records = self.records();
        let Records { list, closed } = &mut *records;
        closed.get_or_insert_with(|| {
            let durable = usize::try_from(self.durable.get()).unwrap_or(usize::MAX);
            list.truncate(durable);
            reason.into()
        });
        drop(records);
        self.durable.close(reason);
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        // Every critical section leaves the list whole, so a poisoned lock holds good data.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for MemoryJournal {
    fn append(&self, records: Vec<NewRecord>) -> Result<u64, JournalError> {
        let mut all = self.records();
        if let Some(reason) = &all.closed {
            return Err(JournalError::Closed(Arc::clone(reason)));
        }
        for (record, sequence) in records.into_iter().zip(all.list.len() as u64 + 1..) {
            let NewRecord { stream, number, bytes } = record;
            all.list.push(Record { sequence, stream, number, bytes });
        }
        let last = all.list.len() as u64;
        if self.pace == Pace::AtOnce {
            self.durable.publish(last);
        }
        Ok(last)
    }

    fn read_from(&self, after: u64, limit: usize) -> Result<Vec<Record>, JournalError> {
        let all = self.records();
        if let Some(reason) = &all.closed {
            return Err(JournalError::Closed(Arc::clone(reason)));
        }
        let durable = usize::try_from(self.durable.get()).unwrap_or(usize::MAX);
        let after = usize::try_from(after).unwrap_or(usize::MAX).min(durable);
        Ok(all.list[after..durable].iter().take(limit).cloned().collect())
    }

    fn durable(&self) -> &Arc<Durable> {
        &self.durable
    }

    fn identity(&self) -> u128 {
        self.identity
    }

    fn size_on_disk(&self) -> u64 {
        0
    }

    fn close(&self) {
        self.release();
        self.shut("it was closed in order");
    }
}

/// Values by space and key.
type Entries = BTreeMap<(u8, Vec<u8>), Vec<u8>>;

/// A snapshot store in memory.
#[derive(Debug, Default)]
pub struct MemorySnapshots {
    entries: RwLock<Entries>,
}

impl MemorySnapshots {
    /// An empty store.
    #[must_use]
    pub fn new() -> Arc<MemorySnapshots> {
        Arc::default()
    }
}

impl SnapshotStore for MemorySnapshots {
    fn apply(&self, changes: Vec<Change>) -> Result<(), SnapshotError> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            match change {
                Change::Put { space, key, value } => entries.insert((space.0, key), value),
                Change::Remove { space, key } => entries.remove(&(space.0, key)),
            };
        }
        Ok(())
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, SnapshotError> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        Ok(entries.get(&(space.0, key.to_vec())).cloned())
    }

    fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Entry>, SnapshotError> {
        // A map panics over a range that ends before it begins.
        if from >= to {
            return Ok(Vec::new());
        }
        let bounds =
            (Bound::Included((space.0, from.to_vec())), Bound::Excluded((space.0, to.to_vec())));
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let range = entries.range(bounds).map(|((_, key), value)| (key.clone(), value.clone()));
        Ok(match direction {
            Direction::Up => range.take(limit).collect(),
            Direction::Down => range.rev().take(limit).collect(),
        })
    }

    fn sync(&self) -> Result<(), SnapshotError> {
        Ok(())
    }

    fn clear(&self) -> Result<(), SnapshotError> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    fn size_on_disk(&self) -> u64 {
        0
    }
}

//! The twins in memory: the same contracts without a disk, for tests and for trying things out.
//!
//! They keep every promise but one: nothing survives the process.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::durable::Durable;
use crate::journal::{Archive, Journal, JournalError, NewRecord, Record};
use crate::snapshot::{Change, Direction, Entry, SnapshotError, SnapshotStore, Space};

/// When an appended record counts as durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    AtOnce,
    WhenReleased,
}

#[derive(Debug, Default)]
struct Records {
    /// The last sequence that was removed.
    anchor: u64,
    /// Those after it.
    list: VecDeque<Record>,
    closed: Option<Arc<str>>,
}

impl Records {
    fn last(&self) -> u64 {
        self.anchor + self.list.len() as u64
    }

    /// How many of them have sequences up to this one.
    fn upto(&self, sequence: u64) -> usize {
        let count = sequence.saturating_sub(self.anchor);
        usize::try_from(count).unwrap_or(usize::MAX).min(self.list.len())
    }

    fn check_open(&self) -> Result<(), JournalError> {
        match &self.closed {
            Some(reason) => Err(JournalError::Closed(Arc::clone(reason))),
            None => Ok(()),
        }
    }
}

/// A journal in memory.
#[derive(Debug)]
pub struct MemoryJournal {
    records: Arc<Mutex<Records>>,
    archive: Arc<MemorySnapshots>,
    durable: Arc<Durable>,
    identity: u128,
    pace: Pace,
}

impl MemoryJournal {
    /// An empty journal in which records are durable as soon as they are appended.
    #[must_use]
    pub fn new(identity: u128) -> Arc<MemoryJournal> {
        MemoryJournal::with(identity, Pace::AtOnce, Records::default(), Arc::default())
    }

    /// An empty journal in which records become durable only by [`MemoryJournal::release`].
    #[must_use]
    pub fn held(identity: u128) -> Arc<MemoryJournal> {
        MemoryJournal::with(identity, Pace::WhenReleased, Records::default(), Arc::default())
    }

    fn with(
        identity: u128,
        pace: Pace,
        records: Records,
        archive: Arc<MemorySnapshots>,
    ) -> Arc<MemoryJournal> {
        let durable = Durable::starting_at(records.last());
        let records = Arc::new(Mutex::new(records));
        Arc::new(MemoryJournal { records, archive, durable, identity, pace })
    }

    /// Makes everything appended so far durable.
    pub fn release(&self) {
        let records = self.records();
        if records.closed.is_none() {
            self.durable.publish(records.last());
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
        let records = self.records();
        let (anchor, list) = (records.anchor, records.list.clone());
        let records = Records { anchor, list, closed: None };
        MemoryJournal::with(self.identity, self.pace, records, Arc::new(self.archive.copy()))
    }

    fn shut(&self, reason: &str) {
        let mut records = self.records();
        if records.closed.is_none() {
            let durable = records.upto(self.durable.get());
            records.list.truncate(durable);
            records.closed = Some(reason.into());
        }
        drop(records);
        self.durable.close(reason);
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        lock(&self.records)
    }
}

fn lock(records: &Mutex<Records>) -> MutexGuard<'_, Records> {
    // Every critical section leaves the list whole, so a poisoned lock holds good data.
    records.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Journal for MemoryJournal {
    fn append(&self, records: Vec<NewRecord>) -> Result<u64, JournalError> {
        let mut all = self.records();
        all.check_open()?;
        for (record, sequence) in records.into_iter().zip(all.last() + 1..) {
            let NewRecord { stream, number, bytes } = record;
            all.list.push_back(Record { sequence, stream, number, bytes });
        }
        let last = all.last();
        if self.pace == Pace::AtOnce {
            self.durable.publish(last);
        }
        Ok(last)
    }

    fn read_from(&self, after: u64, limit: usize) -> Result<Vec<Record>, JournalError> {
        let all = self.records();
        all.check_open()?;
        if after < all.anchor {
            return Err(JournalError::Removed { first: all.anchor + 1 });
        }
        let durable = all.upto(self.durable.get());
        let after = all.upto(after).min(durable);
        Ok(all.list.range(after..durable).take(limit).cloned().collect())
    }

    fn durable(&self) -> &Arc<Durable> {
        &self.durable
    }

    fn identity(&self) -> u128 {
        self.identity
    }

    fn anchor(&self) -> u64 {
        self.records().anchor
    }

    fn archive(&self) -> Option<Arc<dyn Archive>> {
        Some(Arc::new(MemoryArchive {
            records: Arc::clone(&self.records),
            durable: Arc::clone(&self.durable),
            entries: Arc::clone(&self.archive),
        }))
    }

    fn size_on_disk(&self) -> u64 {
        0
    }

    fn close(&self) {
        self.release();
        self.shut("it was closed in order");
    }
}

/// The archive of a journal in memory. It has no frames: each record goes by itself.
struct MemoryArchive {
    records: Arc<Mutex<Records>>,
    durable: Arc<Durable>,
    entries: Arc<MemorySnapshots>,
}

impl Archive for MemoryArchive {
    fn remove_to(&self, sequence: u64, frames: usize) -> Result<u64, JournalError> {
        let mut records = lock(&self.records);
        records.check_open()?;
        let count = records.upto(sequence.min(self.durable.get())).min(frames);
        records.list.drain(..count);
        records.anchor += count as u64;
        Ok(records.anchor)
    }

    fn verify(&self) -> Result<(), JournalError> {
        lock(&self.records).check_open()
    }
}

impl SnapshotStore for MemoryArchive {
    fn apply(&self, changes: Vec<Change>) -> Result<(), SnapshotError> {
        self.entries.apply(changes)
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, SnapshotError> {
        self.entries.get(space, key)
    }

    fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Entry>, SnapshotError> {
        self.entries.scan(space, from, to, direction, limit)
    }

    fn sync(&self) -> Result<(), SnapshotError> {
        Ok(())
    }

    fn clear(&self) -> Result<(), SnapshotError> {
        let reason = "an archive is no cache: what it stands for is gone".to_owned();
        Err(SnapshotError::Unavailable { file: PathBuf::from("memory"), reason })
    }

    fn size_on_disk(&self) -> u64 {
        0
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

    fn copy(&self) -> MemorySnapshots {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner).clone();
        MemorySnapshots { entries: RwLock::new(entries) }
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

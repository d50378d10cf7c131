//! The archive: what stands for the frames that were removed, in the journal's own file.
//!
//! ```text
//!  table archive   space u8, key -> value, packed (see `packed.rs`)
//! ```
//!
//! It is as safe as the journal, because it is part of it: every batch is a commit, survives a power
//! cut on return, and changes the anchor's sum over all entries with it. Frames are removed in
//! commits of their own, after what stands for them: so at any moment the archive knows at least
//! what the removed frames told, and it may know more.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use redb::{Table, TableDefinition, TableError, WriteTransaction};

use super::Shared;
use super::anchor::{Anchor, Sum};
use super::leading::Leading;
use super::packed::{pack, unpack};
use super::store::{
    ANCHOR_KEY, FRAMES, Frames, Store, anchor_of, damaged, error_of, guarded, place_of,
};
use crate::journal::{Archive, JournalError};
use crate::snapshot::{Change, Direction, Entry, SnapshotError, SnapshotStore, Space};

const ARCHIVE: TableDefinition<&[u8], &[u8]> = TableDefinition::new("archive");
const PLACE: &str = "in the table archive";

fn full(space: Space, key: &[u8]) -> Vec<u8> {
    let mut full = Vec::with_capacity(1 + key.len());
    full.push(space.0);
    full.extend_from_slice(key);
    full
}

impl Store {
    fn unpacked(&self, key: &[u8], packed: &[u8]) -> Result<Vec<u8>, JournalError> {
        unpack(key, packed).ok_or_else(|| {
            let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            damaged(self.file(), PLACE, format!("the value under key {hex} fails its crc"))
        })
    }

    /// Changes the frames, the archive and the anchor in one commit, which survives a power cut on
    /// return.
    fn change<T>(
        &self,
        identity: u128,
        place: &str,
        work: impl FnOnce(&mut Writing<'_, '_>) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        guarded(self.file(), place, || {
            let error = |error: redb::Error| error_of(self.file(), place, error);
            let transaction = self.begin_write().map_err(error)?;
            let done = {
                let frames = transaction.open_table(FRAMES).map_err(|e| error(e.into()))?;
                let anchor = anchor_of(&frames, self.file())?;
                let anchor = anchor.unwrap_or_else(|| Anchor::first(identity));
                let mut writing =
                    Writing { transaction: &transaction, frames, anchor, store: self };
                let done = work(&mut writing)?;
                let bytes = writing.anchor.to_bytes();
                let put = writing.frames.insert(ANCHOR_KEY, bytes.as_slice());
                put.map_err(|e| error(e.into()))?;
                done
            };
            transaction.commit().map_err(|e| error(e.into()))?;
            Ok(done)
        })
    }

    /// Lets `visit` see entries in the given range and direction until it says that it is enough.
    fn archived(
        &self,
        (from, to): (&[u8], &[u8]),
        direction: Direction,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<bool, JournalError>,
    ) -> Result<(), JournalError> {
        if from >= to {
            return Ok(());
        }
        guarded(self.file(), PLACE, || {
            let error = |error: redb::Error| error_of(self.file(), PLACE, error);
            let transaction = self.begin_read().map_err(error)?;
            let table = match transaction.open_table(ARCHIVE) {
                Ok(table) => table,
                Err(TableError::TableDoesNotExist(_)) => return Ok(()),
                Err(other) => return Err(error(other.into())),
            };
            let mut range = table.range(from..to).map_err(|e| error(e.into()))?;
            loop {
                let next = match direction {
                    Direction::Up => range.next(),
                    Direction::Down => range.next_back(),
                };
                let Some(entry) = next else { return Ok(()) };
                let (key, value) = entry.map_err(|e| error(e.into()))?;
                if !visit(key.value(), value.value())? {
                    return Ok(());
                }
            }
        })
    }

    /// Holds all entries against the anchor's sum.
    fn verify_archive(&self) -> Result<(), JournalError> {
        let mut sum = Sum::default();
        self.archived((&[], &[0xff]), Direction::Up, |key, value| {
            sum.add(key, value);
            Ok(true)
        })?;
        let anchor = self.read(|frames| frames.anchor())?;
        if anchor.map_or_else(Sum::default, |anchor| anchor.archive) == sum {
            return Ok(());
        }
        Err(damaged(self.file(), PLACE, "entries are missing, or some are not those that were put"))
    }
}

/// A commit in the making.
struct Writing<'a, 't> {
    transaction: &'t WriteTransaction,
    frames: Table<'t, u64, &'static [u8]>,
    anchor: Anchor,
    store: &'a Store,
}

/// A change of the archive as it will be stored: made before the commit, which the journal's writer
/// waits for.
struct Packed {
    key: Vec<u8>,
    /// The value, and what it adds to the sum; `None` to remove it.
    value: Option<(Vec<u8>, Sum)>,
}

impl Packed {
    fn of(change: &Change) -> Packed {
        match change {
            Change::Put { space, key, value } => {
                let (key, mut sum) = (full(*space, key), Sum::default());
                let value = pack(&key, value);
                sum.add(&key, &value);
                Packed { key, value: Some((value, sum)) }
            }
            Change::Remove { space, key } => Packed { key: full(*space, key), value: None },
        }
    }
}

impl Writing<'_, '_> {
    /// Applies all changes to the archive, and enters them into the anchor's sum.
    fn archive(&mut self, changes: &[Packed]) -> Result<(), redb::Error> {
        let mut table = self.transaction.open_table(ARCHIVE)?;
        let sum = &mut self.anchor.archive;
        for Packed { key, value } in changes {
            let old = match value {
                Some((value, added)) => {
                    sum.join(*added);
                    table.insert(key.as_slice(), value.as_slice())?
                }
                None => table.remove(key.as_slice())?,
            };
            if let Some(old) = old {
                sum.take(key, old.value());
            }
        }
        Ok(())
    }

    /// Removes frames that were checked, and enters them into the anchor; none of them if another
    /// removed frames meanwhile.
    fn remove(&mut self, leading: &Leading) -> Result<(), JournalError> {
        if self.anchor.tip != leading.before {
            return Ok(());
        }
        for first in &leading.firsts {
            let (file, place) = (self.store.file(), || place_of(*first));
            let removed = self.frames.remove(*first);
            if removed.map_err(|error| error_of(file, &place(), error))?.is_none() {
                return Err(damaged(file, &place(), "it is missing"));
            }
        }
        self.anchor.tip = leading.reached;
        Ok(())
    }
}

/// The archive of an open journal.
pub(crate) struct RedbArchive(pub(crate) Arc<Shared>);

impl RedbArchive {
    fn with<T>(
        &self,
        call: impl FnOnce(&Store) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let store = self.0.store.read().unwrap_or_else(PoisonError::into_inner);
        call(store.as_ref().ok_or_else(|| self.0.closed())?)
    }

    fn cached<T>(
        &self,
        call: impl FnOnce(&Store) -> Result<T, JournalError>,
    ) -> Result<T, SnapshotError> {
        self.with(call).map_err(|error| SnapshotError::Unavailable {
            file: self.0.file.clone(),
            reason: error.to_string(),
        })
    }
}

impl SnapshotStore for RedbArchive {
    fn apply(&self, changes: Vec<Change>) -> Result<(), SnapshotError> {
        let changes: Vec<Packed> = changes.iter().map(Packed::of).collect();
        self.cached(|store| {
            store.change(self.0.identity, PLACE, |writing| {
                let error = |error| error_of(store.file(), PLACE, error);
                writing.archive(&changes).map_err(error)
            })
        })
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, SnapshotError> {
        let (key, mut found) = (full(space, key), None);
        let mut end = key.clone();
        end.push(0);
        self.cached(|store| {
            store.archived((&key, &end), Direction::Up, |key, value| {
                found = Some(store.unpacked(key, value)?);
                Ok(false)
            })
        })?;
        Ok(found)
    }

    fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Entry>, SnapshotError> {
        let (from, to, mut found) = (full(space, from), full(space, to), Vec::new());
        if limit > 0 {
            self.cached(|store| {
                store.archived((&from, &to), direction, |key, value| {
                    found.push((key[1..].to_vec(), store.unpacked(key, value)?));
                    Ok(found.len() < limit)
                })
            })?;
        }
        Ok(found)
    }

    /// Every batch was durable when it was applied.
    fn sync(&self) -> Result<(), SnapshotError> {
        Ok(())
    }

    fn clear(&self) -> Result<(), SnapshotError> {
        let reason = "an archive is no cache: what it stands for is gone".to_owned();
        Err(SnapshotError::Unavailable { file: self.0.file.clone(), reason })
    }

    fn size_on_disk(&self) -> u64 {
        0
    }
}

impl Archive for RedbArchive {
    fn remove_to(&self, sequence: u64, frames_max: usize) -> Result<u64, JournalError> {
        let upto = sequence.min(self.0.durable.get());
        let reached = self.with(|store| {
            let find =
                |frames: &Frames<'_>| Leading::find(frames, self.0.identity, upto, frames_max);
            let leading = store.read(find)?;
            if leading.firsts.is_empty() {
                return Ok(leading.reached.sequence);
            }
            store.change(self.0.identity, "while removing frames", |writing| {
                writing.remove(&leading)?;
                Ok(writing.anchor.tip.sequence)
            })
        })?;
        self.0.anchor.fetch_max(reached, Ordering::Release);
        Ok(reached)
    }

    fn verify(&self) -> Result<(), JournalError> {
        self.with(Store::verify_archive)
    }
}

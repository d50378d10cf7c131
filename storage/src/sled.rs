//! The snapshots on disk: a sled tree, with a sync of its own and rebuilt when it has grown fat.
//!
//! sled 0.34 is fast and compact to use, but its `flush` does not reach the disk, it grows without
//! bound under overwrites, and it may refuse to open after an abrupt stop. Here it holds only what
//! can be rebuilt from the journal, is synced by us (see `generation`), carries a crc with every
//! value, and is replaced by a compact copy of itself once it takes more than four times the room
//! of what it holds. Counting that reads all of it, so it is done at most when the store has grown by
//! half, and not before it takes four times what it held the last time.
//!
//! What is not promised: sled keeps pages that hold a value of more than about 100 KB in files of their
//! own, which it writes and removes in no order with its log. A power cut may then take such a page
//! back to an earlier batch, also a synced one. Whoever stores such values checks what it finds, as
//! the shelf does by the tallies of its stretches, before it uses anything.
//!
//! All spaces share one tree (key = space byte, then key), because that is what makes a batch over
//! several spaces atomic.

mod barrier;
mod envelope;
mod generation;
mod layout;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use sled::Batch;

pub use self::barrier::Barrier;
use self::barrier::System;
use self::generation::{Generation, unavailable};
use crate::folder;
use crate::snapshot::{Change, Direction, Entry, SnapshotError, SnapshotStore, Space};

/// Below this size a store is never rebuilt: it would gain nothing worth the copying.
const REBUILD_FROM_BYTES: u64 = 64 * 1024 * 1024;
/// A store is rebuilt when it takes this many times the room of what it holds.
const OUTGROWN: u64 = 4;
/// What an entry takes besides key and value, roughly.
const ENTRY_OVERHEAD: u64 = 16;
/// Entries are copied in batches of about this many bytes.
const COPY_BATCH_BYTES: usize = 1024 * 1024;

/// What the writers of the store share.
struct Upkeep {
    /// The highest number a generation has had.
    number: u64,
    /// Size on disk at which it is worth counting again whether the store has outgrown its data.
    count_from: u64,
}

/// The snapshots on disk. See the module and [`crate::snapshot`].
pub struct SledSnapshots {
    folder: PathBuf,
    // Three locks, taken in this order. `syncing` lets one sync, rebuild or clear run at a time. A
    // batch holds the other two, so that no scan sees half of it; a rebuild holds `upkeep` while it
    // copies, so that readers go on, and `current` only to swap.
    syncing: Mutex<()>,
    upkeep: Mutex<Upkeep>,
    current: RwLock<Arc<Generation>>,
    /// A new generation was appointed and the folder is not synced yet.
    appointed: AtomicBool,
    rebuild_from: u64,
    barrier: Arc<dyn Barrier>,
    // Dropped last: the next opener comes in when the generation is closed.
    _lock: File,
}

impl SledSnapshots {
    /// Opens the store in `folder`, or makes a new one there.
    ///
    /// # Errors
    /// [`SnapshotError::InUse`] if somebody has it open; [`SnapshotError::Unavailable`] if it cannot be
    /// read: then [`discard`] it and open a new one.
    pub fn open(folder: &Path) -> Result<Arc<SledSnapshots>, SnapshotError> {
        SledSnapshots::open_with(folder, REBUILD_FROM_BYTES)
    }

    /// As [`SledSnapshots::open`], with another size from which on the store may be rebuilt.
    ///
    /// # Errors
    /// As [`SledSnapshots::open`].
    pub fn open_with(
        folder: &Path,
        rebuild_from: u64,
    ) -> Result<Arc<SledSnapshots>, SnapshotError> {
        SledSnapshots::start(folder, rebuild_from, Arc::new(System))
    }

    /// As [`SledSnapshots::open_with`], but what survives a power cut is this barrier's affair.
    ///
    /// # Errors
    /// As [`SledSnapshots::open`].
    #[cfg(any(test, feature = "testing"))]
    pub fn open_on(
        folder: &Path,
        rebuild_from: u64,
        barrier: Arc<dyn Barrier>,
    ) -> Result<Arc<SledSnapshots>, SnapshotError> {
        SledSnapshots::start(folder, rebuild_from, barrier)
    }

    fn start(
        folder: &Path,
        rebuild_from: u64,
        barrier: Arc<dyn Barrier>,
    ) -> Result<Arc<SledSnapshots>, SnapshotError> {
        let io = |error: std::io::Error| unavailable(folder, error.to_string());
        barrier::create(&*barrier, folder).map_err(io)?;
        let lock = lock(folder)?;
        let number = layout::tidy(folder).map_err(io)?;
        let current = Generation::open(&layout::generation(folder, number), Arc::clone(&barrier))?;
        Ok(Arc::new(SledSnapshots {
            folder: folder.to_owned(),
            upkeep: Mutex::new(Upkeep { number, count_from: rebuild_from }),
            syncing: Mutex::new(()),
            current: RwLock::new(Arc::new(current)),
            appointed: AtomicBool::new(false),
            rebuild_from,
            barrier,
            _lock: lock,
        }))
    }

    /// Rebuilds the store if it has outgrown what it holds; [`SnapshotStore::sync`] calls it. Says
    /// whether it did. Readers go on meanwhile, writers wait.
    ///
    /// # Errors
    /// [`SnapshotError`] if the store cannot be read or its successor not written; the store stays
    /// as it was.
    pub fn maintain(&self) -> Result<bool, SnapshotError> {
        let _syncing = self.syncing();
        self.rebuild_if_outgrown()
    }

    /// Rebuilds if it is due; the caller holds `syncing`.
    fn rebuild_if_outgrown(&self) -> Result<bool, SnapshotError> {
        let size = self.size_on_disk();
        if size < self.upkeep().count_from {
            return Ok(false);
        }
        // Whatever comes of it, not again before it grew by half, nor before it could have outgrown what
        // it holds now. One whose contents become fewer then is rebuilt when it has outgrown these.
        self.upkeep().count_from = size + size / 2;
        let current = self.current();
        // Writers go on while it is counted, and wait only while it is copied.
        let live = live_bytes(&current)?;
        let outgrown = live.saturating_mul(OUTGROWN);
        let mut upkeep = self.upkeep();
        if size < outgrown {
            upkeep.count_from = upkeep.count_from.max(outgrown);
            return Ok(false);
        }
        self.replace(&mut upkeep, current, copy)?;
        let after = self.size_on_disk();
        upkeep.count_from = self.rebuild_from.max(after.saturating_mul(2));
        tracing::info!(live, before = size, after, "rebuilt the snapshots");
        Ok(true)
    }

    /// Puts a new generation, filled by `fill`, in the place of `outdated`, the current one. The
    /// caller holds `syncing`.
    fn replace(
        &self,
        upkeep: &mut Upkeep,
        outdated: Arc<Generation>,
        fill: impl FnOnce(&Generation, &Generation) -> Result<(), SnapshotError>,
    ) -> Result<(), SnapshotError> {
        let io = |error: std::io::Error| unavailable(&self.folder, error.to_string());
        // An attempt that failed leaves its folder behind, so a number is never used twice.
        upkeep.number += 1;
        let next = layout::generation(&self.folder, upkeep.number);
        let next = Generation::open(&next, Arc::clone(&self.barrier))?;
        fill(&outdated, &next)?;
        next.sync()?;
        self.barrier.folder(&self.folder).map_err(io)?;
        self.appointed.store(true, Ordering::Release);
        layout::appoint(&*self.barrier, &self.folder, upkeep.number).map_err(io)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        self.sync_appointed()?;
        let path = outdated.folder().to_owned();
        drop(outdated);
        // If it stays, the next opening removes it.
        if let Err(error) = fs::remove_dir_all(&path) {
            tracing::warn!(folder = %path.display(), %error, "an outdated generation stays");
        }
        Ok(())
    }

    /// Makes sure that the appointment of the current generation survives a power cut: without it
    /// nothing in that generation does.
    fn sync_appointed(&self) -> Result<(), SnapshotError> {
        if self.appointed.load(Ordering::Acquire) {
            self.barrier
                .folder(&self.folder)
                .map_err(|error| unavailable(&self.folder, error.to_string()))?;
            self.appointed.store(false, Ordering::Release);
        }
        Ok(())
    }

    fn upkeep(&self) -> MutexGuard<'_, Upkeep> {
        self.upkeep.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn syncing(&self) -> MutexGuard<'_, ()> {
        self.syncing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> Arc<Generation> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn opened<'a>(&self, key: &[u8], sealed: &'a [u8]) -> Result<&'a [u8], SnapshotError> {
        envelope::open(key, sealed).ok_or_else(|| damaged(&self.folder, key))
    }
}

impl SnapshotStore for SledSnapshots {
    fn apply(&self, changes: Vec<Change>) -> Result<(), SnapshotError> {
        let (mut batch, mut largest) = (Batch::default(), 0);
        for change in changes {
            match change {
                Change::Put { space, key, value } => {
                    largest = largest.max(value.len());
                    let key = full_key(space, &key);
                    let sealed = envelope::seal(&key, &value);
                    batch.insert(key, sealed);
                }
                Change::Remove { space, key } => batch.remove(full_key(space, &key)),
            }
        }
        let _upkeep = self.upkeep();
        self.current.write().unwrap_or_else(PoisonError::into_inner).apply(batch, largest)
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, SnapshotError> {
        let key = full_key(space, key);
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let sealed = current.get(&key)?;
        sealed.map(|sealed| self.opened(&key, &sealed).map(<[u8]>::to_vec)).transpose()
    }

    fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Entry>, SnapshotError> {
        let mut entries = Vec::new();
        if limit == 0 {
            return Ok(entries);
        }
        let (from, to) = (full_key(space, from), full_key(space, to));
        let down = direction == Direction::Down;
        // Held while walking, so that no batch comes in between.
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.walk(&from, Some(&to), down, |key, sealed| {
            let value = self.opened(key, sealed)?;
            entries.push((key[1..].to_vec(), value.to_vec()));
            Ok(entries.len() < limit)
        })?;
        Ok(entries)
    }

    fn sync(&self) -> Result<(), SnapshotError> {
        let _syncing = self.syncing();
        self.sync_appointed()?;
        self.current().sync()?;
        if let Err(error) = self.rebuild_if_outgrown() {
            // What was asked for is done; a store that stays fat is a nuisance, not a failure.
            tracing::warn!(%error, "the snapshots could not be rebuilt");
        }
        Ok(())
    }

    fn clear(&self) -> Result<(), SnapshotError> {
        let _syncing = self.syncing();
        let mut upkeep = self.upkeep();
        upkeep.count_from = self.rebuild_from;
        self.replace(&mut upkeep, self.current(), |_, _| Ok(()))
    }

    fn size_on_disk(&self) -> u64 {
        folder::size(&self.folder)
    }
}

impl std::fmt::Debug for SledSnapshots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SledSnapshots").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Removes the store in `folder`, readable or not. A folder that is not there is as good.
///
/// # Errors
/// [`SnapshotError::InUse`] if somebody has it open, [`SnapshotError::Unavailable`] if the system refuses.
pub fn discard(folder: &Path) -> Result<(), SnapshotError> {
    let io = |error: std::io::Error| unavailable(folder, error.to_string());
    if !folder.try_exists().map_err(io)? {
        return Ok(());
    }
    let _lock = lock(folder)?;
    fs::remove_dir_all(folder).map_err(io)
}

fn lock(folder: &Path) -> Result<File, SnapshotError> {
    let lock = folder::lock(&layout::lock(folder));
    let lock = lock.map_err(|error| unavailable(folder, error.to_string()))?;
    lock.ok_or_else(|| SnapshotError::InUse(folder.to_owned()))
}

fn full_key(space: Space, key: &[u8]) -> Vec<u8> {
    let mut full = Vec::with_capacity(1 + key.len());
    full.push(space.0);
    full.extend_from_slice(key);
    full
}

fn damaged(folder: &Path, key: &[u8]) -> SnapshotError {
    let key = key.iter().map(|byte| format!("{byte:02x}")).collect();
    SnapshotError::Damaged { file: folder.to_owned(), key }
}

/// Bytes of all entries, found by reading them.
fn live_bytes(generation: &Generation) -> Result<u64, SnapshotError> {
    let mut live = 0;
    generation.walk(&[], None, false, |key, sealed| {
        live += (key.len() + sealed.len()) as u64 + ENTRY_OVERHEAD;
        Ok(true)
    })?;
    Ok(live)
}

/// Copies all entries; a damaged one stops it, because the copy would be no better.
fn copy(from: &Generation, to: &Generation) -> Result<(), SnapshotError> {
    let (mut batch, mut bytes, mut largest) = (Batch::default(), 0, 0);
    from.walk(&[], None, false, |key, sealed| {
        envelope::open(key, sealed).ok_or_else(|| damaged(from.folder(), key))?;
        batch.insert(key, sealed);
        bytes += key.len() + sealed.len();
        largest = largest.max(sealed.len());
        if bytes > COPY_BATCH_BYTES {
            to.apply(std::mem::take(&mut batch), largest)?;
            (bytes, largest) = (0, 0);
        }
        Ok(true)
    })?;
    to.apply(batch, largest)
}

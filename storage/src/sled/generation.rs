//! One generation of the store: a sled folder of its own, opened, read, written, synced, deleted.
//!
//! sled panics on some garbled files where it should return an error. Every call into it is
//! guarded; after a panic sled's locks may be in any state, so the generation is not touched again.

use std::fs::{self, File, OpenOptions};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sled::{Batch, Db, IVec};

use super::barrier::{self, Barrier};
use crate::folder;
use crate::snapshot::SnapshotError;

/// Memory sled may use for pages.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// Values sled keeps in files of their own begin above this size (a quarter of its segments).
const LARGE_BYTES: usize = 100 * 1024;
/// sled's threads let go of its file a little after it was dropped; this long they may take.
const RELEASE_MAX: Duration = Duration::from_secs(5);
const RELEASE_STEP: Duration = Duration::from_millis(1);

/// An open sled folder.
pub(crate) struct Generation {
    // Only `None` while dropping.
    db: Option<Db>,
    /// The file that `sync` syncs: sled itself never waits for the disk.
    file: File,
    folder: PathBuf,
    barrier: Arc<dyn Barrier>,
    /// Large values were written that are not synced yet.
    large: AtomicBool,
    /// sled panicked; it is not called again.
    broken: AtomicBool,
}

impl Generation {
    /// Opens the sled folder, or makes one.
    pub(crate) fn open(
        folder: &Path,
        barrier: Arc<dyn Barrier>,
    ) -> Result<Generation, SnapshotError> {
        let fail = |reason: String| unavailable(folder, reason);
        let db = open_released(folder)?;
        let file = OpenOptions::new().read(true).write(true).open(folder.join("db"));
        let file = file.map_err(|error| fail(error.to_string()))?;
        let (large, broken) = (AtomicBool::new(false), AtomicBool::new(false));
        let generation =
            Generation { db: Some(db), file, folder: folder.to_owned(), barrier, large, broken };
        generation.settle().map_err(|error| fail(error.to_string()))?;
        Ok(generation)
    }

    /// Makes what sled creates and never syncs survive a power cut.
    fn settle(&self) -> std::io::Result<()> {
        let conf = self.folder.join("conf");
        self.barrier.file(&File::open(&conf)?, &conf)?;
        self.barrier.file(&self.file, &self.db_path())?;
        self.barrier.folder(&self.folder.join("blobs"))?;
        barrier::create(&*self.barrier, &self.folder)
    }

    fn db_path(&self) -> PathBuf {
        self.folder.join("db")
    }

    /// The folder it lives in.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The stored bytes under `key`.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<IVec>, SnapshotError> {
        self.guarded(|db| db.get(key))
    }

    /// Applies all of the batch or none of it. `largest` is the size of its largest value.
    pub(crate) fn apply(&self, batch: Batch, largest: usize) -> Result<(), SnapshotError> {
        if largest > LARGE_BYTES {
            self.large.store(true, Ordering::Release);
        }
        self.guarded(|db| db.apply_batch(batch))
    }

    /// Lets `each` see the stored entries from `from` (included) to `to` (excluded; `None` is the
    /// end), until it says `false`.
    pub(crate) fn walk(
        &self,
        from: &[u8],
        to: Option<&[u8]>,
        down: bool,
        mut each: impl FnMut(&[u8], &[u8]) -> Result<bool, SnapshotError>,
    ) -> Result<(), SnapshotError> {
        if to.is_some_and(|to| from >= to) {
            return Ok(());
        }
        let mut entries = self.guarded(|db| {
            Ok(match to {
                Some(to) => db.range(from..to),
                None => db.range(from..),
            })
        })?;
        loop {
            let next = |_: &Db| if down { entries.next_back() } else { entries.next() }.transpose();
            let Some((key, value)) = self.guarded(next)? else { return Ok(()) };
            if !each(&key, &value)? {
                return Ok(());
            }
        }
    }

    /// Returns when everything applied before is on the disk. sled's own `flush` ends in
    /// `sync_file_range`, which is no barrier and does not store the file's size, so the file is
    /// synced here; large values lie in files of their own that sled never syncs.
    pub(crate) fn sync(&self) -> Result<(), SnapshotError> {
        let large = self.large.swap(false, Ordering::AcqRel);
        self.guarded(|db| db.flush())?;
        let synced = || -> std::io::Result<()> {
            if large {
                let blobs = self.folder.join("blobs");
                for blob in fs::read_dir(&blobs)? {
                    let path = blob?.path();
                    match File::open(&path) {
                        Ok(blob) => self.barrier.file(&blob, &path)?,
                        // sled removed it meanwhile: nobody needs it.
                        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                        Err(error) => return Err(error),
                    }
                }
                self.barrier.folder(&blobs)?;
            }
            self.barrier.file(&self.file, &self.db_path())
        };
        synced().map_err(|error| {
            self.large.fetch_or(large, Ordering::AcqRel);
            unavailable(&self.folder, error.to_string())
        })
    }

    fn guarded<T>(&self, work: impl FnOnce(&Db) -> sled::Result<T>) -> Result<T, SnapshotError> {
        let db = match &self.db {
            Some(db) if !self.broken.load(Ordering::Acquire) => db,
            _ => return Err(unavailable(&self.folder, "sled failed earlier".to_owned())),
        };
        match catch_unwind(AssertUnwindSafe(|| work(db))) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(unavailable(&self.folder, error.to_string())),
            Err(panic) => {
                self.broken.store(true, Ordering::Release);
                Err(unavailable(&self.folder, folder::panic_text(&*panic)))
            }
        }
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        let Some(db) = self.db.take() else { return };
        if self.broken.load(Ordering::Acquire) {
            // Closing it would wait on locks that a panic may have left in any state. The file
            // stays locked until the process ends; the next generation has another one.
            std::mem::forget(db);
        } else if catch_unwind(AssertUnwindSafe(|| drop(db))).is_err() {
            tracing::warn!(folder = %self.folder.display(), "sled did not close cleanly");
        }
    }
}

/// Opens sled; waits, within bounds, for the threads of an earlier handle of this process to let
/// its file go. Other processes are kept out by a lock of our own.
fn open_released(folder: &Path) -> Result<Db, SnapshotError> {
    let deadline = Instant::now() + RELEASE_MAX;
    loop {
        let config = sled::Config::new().path(folder).cache_capacity(CACHE_BYTES);
        let config = config.flush_every_ms(None);
        let error = match catch_unwind(AssertUnwindSafe(|| config.open())) {
            Ok(Ok(db)) => return Ok(db),
            Ok(Err(error)) => error,
            Err(panic) => return Err(unavailable(folder, folder::panic_text(&*panic))),
        };
        let locked = error.to_string().contains("could not acquire lock");
        if !locked || Instant::now() >= deadline {
            return Err(unavailable(folder, error.to_string()));
        }
        thread::park_timeout(RELEASE_STEP);
    }
}

/// An error that says that the store cannot be used.
pub(crate) fn unavailable(folder: &Path, reason: String) -> SnapshotError {
    SnapshotError::Unavailable { file: folder.to_owned(), reason }
}

//! The journal on disk: a redb table of frames, written by one thread.
//!
//! ```text
//!  append --> queue --> writer: one frame, one commit --> journal.redb
//!                         |                                   |
//!                         +--> tail --> read_from <-----------+
//!                         +--> Durable --> whoever waits
//! ```
//!
//! # Recovery
//!
//! After a hard stop redb walks its whole file, unless each commit also stores how the pages are
//! allotted ("quick repair"), which costs a second sync per commit. Measured on two cores with
//! records of 120 bytes:
//!
//! | | without | with |
//! |---|---|---|
//! | one appender, median time of a commit | 0.19 ms | 0.39 ms |
//! | many appenders, 1,024 records under way | 650,000 to 900,000 records/s | 490,000 records/s |
//! | opening after a kill, 1.2 GB in 300,000 frames | 1.8 s | 0.002 s |
//!
//! So a journal commits with one sync until its file is 1 GiB large and with quick repair from then on:
//! recovery takes at most a second or two, however large the journal grows. With quick repair every
//! commit writes the map of all pages, some 64 KiB for each GiB of the file, and that is what orders cost
//! more once there are millions of them.
//!
//! What is not promised: with one sync per commit, damage to the pages of the very last commit
//! looks, after a hard stop, like a commit that the stop tore, and is taken back like one.

mod anchor;
mod archive;
#[cfg(any(test, feature = "testing"))]
pub mod forge;
mod frame;
mod leading;
mod packed;
mod recover;
mod store;
mod tail;
#[cfg(any(test, feature = "testing"))]
pub mod trial;
mod writer;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::{self, JoinHandle};

use self::archive::RedbArchive;
use self::recover::Reader;
use self::store::Store;
use self::tail::Tail;
use self::writer::{Queue, Records};
use crate::batch::Batch;
use crate::durable::Durable;
use crate::folder;
use crate::journal::{Archive, Journal, JournalError, NewRecord, Record};

/// The journal's file in its folder.
pub const FILE: &str = store::FILE;

/// Bytes that the journal in this folder takes on disk, whoever has it open.
#[must_use]
pub fn size_on_disk(folder: &Path) -> u64 {
    std::fs::metadata(folder.join(FILE)).map_or(0, |metadata| folder::allocated(&metadata))
}

/// Most bytes one `append` may bring: what a frame has to hold at worst.
pub const APPEND_BYTES_MAX: usize = 256 * 1024 * 1024;

/// What the handle and the writer's thread share.
struct Shared {
    file: PathBuf,
    identity: u128,
    durable: Arc<Durable>,
    /// The last sequence that was removed.
    anchor: AtomicU64,
    queue: Queue,
    tail: Mutex<Tail>,
    reader: Reader,
    /// Gone once the journal is closed, and with it the lock on the file.
    store: RwLock<Option<Store>>,
}

impl Shared {
    fn closed(&self) -> JournalError {
        let reason = self.durable.closed().unwrap_or_else(|| "it was closed".into());
        JournalError::Closed(reason)
    }

    fn push(&self, records: Records) -> Result<u64, JournalError> {
        let bytes: usize = records.as_slice().iter().map(|record| record.bytes.len()).sum();
        if bytes > APPEND_BYTES_MAX {
            let reason = format!("{bytes} bytes in one append, at most {APPEND_BYTES_MAX} go");
            return Err(JournalError::Io { file: self.file.clone(), reason });
        }
        self.queue.push(records)
    }

    fn write(&self, first: u64, frame: &[u8]) -> Result<(), JournalError> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        store.as_ref().ok_or_else(|| self.closed())?.write(first, frame)
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        // A push that panicked halfway leaves a run without gaps all the same.
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses everything from now on and gives the file up.
    fn shut(&self, reason: &str) {
        self.queue.close(reason);
        let store = self.store.write().unwrap_or_else(PoisonError::into_inner).take();
        // redb writes while it closes, and after a failed write that may fail in any way.
        if catch_unwind(AssertUnwindSafe(|| drop(store))).is_err() {
            let file = self.file.display();
            tracing::error!(%file, "the journal's file did not close cleanly");
        }
        // Last, so that whoever is told so may open the file anew at once.
        self.durable.close(reason);
    }
}

/// The journal on disk. See the module and [`crate::journal`].
pub struct RedbJournal {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl RedbJournal {
    /// Opens the journal in `folder`, or makes a new one there.
    ///
    /// # Errors
    /// [`JournalError::InUse`] if somebody has it open, [`JournalError::Damaged`] if its file is
    /// not what was written, [`JournalError::Io`] if the system refuses.
    pub fn open(folder: &Path) -> Result<Arc<RedbJournal>, JournalError> {
        RedbJournal::start(Store::open(folder)?)
    }

    /// Gives the room of frames that were removed back to the system: the file of a journal that
    /// nobody has open becomes as small as what is in it. An open one uses such room again instead.
    ///
    /// # Errors
    /// As [`RedbJournal::open`].
    pub fn shrink(folder: &Path) -> Result<(), JournalError> {
        let mut store = Store::open(folder)?;
        while store.shrink()? {}
        Ok(())
    }

    /// Opens the journal in `backend`; an empty one becomes a new journal with this identity.
    ///
    /// # Errors
    /// As [`RedbJournal::open`].
    #[cfg(any(test, feature = "testing"))]
    pub fn open_on(
        backend: impl redb::StorageBackend,
        identity: u128,
    ) -> Result<Arc<RedbJournal>, JournalError> {
        RedbJournal::start(Store::open_on(backend, identity, 0)?)
    }

    /// As [`RedbJournal::open_on`], but it behaves as a journal that is about to become so large
    /// that its commits change (see the module's part on recovery): `bytes` before that.
    ///
    /// # Errors
    /// As [`RedbJournal::open`].
    #[cfg(any(test, feature = "testing"))]
    pub fn open_on_before_growth(
        backend: impl redb::StorageBackend,
        identity: u128,
        bytes: u64,
    ) -> Result<Arc<RedbJournal>, JournalError> {
        let bytes = store::QUICK_REPAIR_FROM_BYTES.saturating_sub(bytes);
        RedbJournal::start(Store::open_on(backend, identity, bytes)?)
    }

    fn start(store: Store) -> Result<Arc<RedbJournal>, JournalError> {
        let identity = store.identity()?;
        let tip = recover::tip(&store, identity)?;
        let start = store.read(|frames| recover::start(frames, identity))?;
        let durable = Durable::starting_at(tip.sequence);
        let shared = Arc::new(Shared {
            file: store.file().to_owned(),
            identity,
            anchor: AtomicU64::new(start.sequence),
            queue: Queue::before(&durable),
            durable,
            tail: Mutex::default(),
            reader: Reader::default(),
            store: RwLock::new(Some(store)),
        });
        let writer = thread::Builder::new().name("journal".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || writer::run(&shared, tip)
        });
        let writer = writer.map_err(|error| store::io_error(&shared.file, &error))?;
        Ok(Arc::new(RedbJournal { shared, writer: Mutex::new(Some(writer)) }))
    }
}

/// Records that were read: those that the writer has in memory, or some from the file.
enum Found {
    Shared(Batch),
    Own(Vec<Record>),
}

impl RedbJournal {
    fn found(&self, after: u64, limit: usize) -> Result<Found, JournalError> {
        let shared = &*self.shared;
        // Held while reading, so that closing waits for it.
        let store = shared.store.read().unwrap_or_else(PoisonError::into_inner);
        let store = store.as_ref().ok_or_else(|| shared.closed())?;
        let (last, anchor) = (shared.durable.get(), self.anchor());
        if after < anchor {
            return Err(JournalError::Removed { first: anchor + 1 });
        }
        if after >= last || limit == 0 {
            return Ok(Found::Shared(Batch::default()));
        }
        if let Some(records) = shared.tail().read(after, last, limit) {
            return Ok(Found::Shared(records));
        }
        shared.reader.read(store, shared.identity, after, last, limit).map(Found::Own)
    }
}

impl Journal for RedbJournal {
    fn append(&self, records: Vec<NewRecord>) -> Result<u64, JournalError> {
        self.shared.push(Records::Many(records))
    }

    fn append_one(&self, record: NewRecord) -> Result<u64, JournalError> {
        self.shared.push(Records::One(record))
    }

    fn read_from(&self, after: u64, limit: usize) -> Result<Vec<Record>, JournalError> {
        Ok(match self.found(after, limit)? {
            Found::Shared(batch) => batch.to_vec(),
            Found::Own(records) => records,
        })
    }

    fn follow(&self, after: u64, limit: usize) -> Result<Batch, JournalError> {
        Ok(match self.found(after, limit)? {
            Found::Shared(batch) => batch,
            Found::Own(records) => Batch::from(records),
        })
    }

    fn durable(&self) -> &Arc<Durable> {
        &self.shared.durable
    }

    fn identity(&self) -> u128 {
        self.shared.identity
    }

    fn anchor(&self) -> u64 {
        self.shared.anchor.load(Ordering::Acquire)
    }

    fn archive(&self) -> Option<Arc<dyn Archive>> {
        Some(Arc::new(RedbArchive(Arc::clone(&self.shared))))
    }

    fn size_on_disk(&self) -> u64 {
        std::fs::metadata(&self.shared.file).map_or(0, |metadata| folder::allocated(&metadata))
    }

    fn close(&self) {
        // The second of two closers waits here until the first is done.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.queue.close("it was closed in order");
        if let Some(writer) = writer.take() {
            // It catches its own panics, and leaves the journal closed either way.
            let _ = writer.join();
        }
    }
}

impl Drop for RedbJournal {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for RedbJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedbJournal").field("file", &self.shared.file).finish_non_exhaustive()
    }
}

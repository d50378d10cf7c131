//! The journal's file as redb sees it: two tables, opened, read and written. No frame is understood
//! here.
//!
//! redb reports most damage as an error, but some garbled pages make it panic. Every call therefore
//! runs guarded, and a panic becomes [`JournalError::Damaged`] like any other sign of damage.

use std::fs::{self, File};
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use redb::{
    Builder, Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable,
    ReadableTableMetadata, TableDefinition, WriteTransaction,
};

use super::anchor::{self, Anchor, AnchorError};
use crate::folder;
use crate::journal::JournalError;

pub(crate) const FRAMES: TableDefinition<u64, &[u8]> = TableDefinition::new("frames");
/// Where the anchor lies among the frames: no frame can begin there.
pub(crate) const ANCHOR_KEY: u64 = u64::MAX;
const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
const IDENTITY: &str = "identity";

pub(crate) const FILE: &str = "journal.redb";
/// The file while it is being made; it gets its name once it is complete and on disk.
const FILE_UNFINISHED: &str = "journal.redb.new";
const LOCK: &str = "journal.lock";

/// Memory redb may use for pages. The journal writes at its end and its readers have a tail of
/// their own, so more would buy nothing.
const CACHE_BYTES: usize = 32 * 1024 * 1024;
/// From this size on, every commit also stores what redb needs to open at once after a hard stop.
/// Below it redb walks the whole file then, which is quick enough; see the figures in [`super`].
pub(crate) const QUICK_REPAIR_FROM_BYTES: u64 = 1024 * 1024 * 1024;
/// After so much was written the file is asked again how large it is: room in it is used again.
const LOOK_AGAIN_BYTES: u64 = 16 * 1024 * 1024;

/// The open file, and the lock that keeps other processes out for as long as it is open.
pub(crate) struct Store {
    // Dropped before the lock is: the file is closed when the next opener comes in.
    database: Database,
    file: PathBuf,
    /// About how large the file is: at the last look, and what was written since.
    bytes: AtomicU64,
    since: AtomicU64,
    lock: Option<File>,
}

impl Store {
    /// Opens the journal's file in `folder`, which is made if it is missing.
    pub(crate) fn open(folder: &Path) -> Result<Store, JournalError> {
        let file = folder.join(FILE);
        let io = |error| io_error(&file, &error);
        folder::create(folder).map_err(io)?;
        let lock = folder::lock(&folder.join(LOCK)).map_err(io)?;
        let lock = lock.ok_or_else(|| JournalError::InUse(file.clone()))?;
        if !file.try_exists().map_err(io)? {
            create(folder, &file)?;
        }
        let database = guarded(&file, "while opening", || {
            builder().open(&file).map_err(|error| error_of(&file, "while opening", error))
        })?;
        let bytes = fs::metadata(&file).map_err(io)?;
        let bytes = AtomicU64::new(folder::allocated(&bytes));
        Ok(Store { database, file, bytes, since: AtomicU64::new(0), lock: Some(lock) })
    }

    /// Opens the journal in `backend`, or makes one with the given identity if it is empty. It
    /// counts as `bytes` large.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn open_on(
        backend: impl redb::StorageBackend,
        identity: u128,
        bytes: u64,
    ) -> Result<Store, JournalError> {
        let file = PathBuf::from(FILE);
        let empty = backend.len().map_err(|error| io_error(&file, &error))? == 0;
        let database = guarded(&file, "while opening", || {
            let database = builder().create_with_backend(backend);
            let database = database.map_err(|error| error_of(&file, "while opening", error))?;
            if empty {
                initialize(&database, identity)
                    .map_err(|error| error_of(&file, "while creating", error))?;
            }
            Ok(database)
        })?;
        let (bytes, since) = (AtomicU64::new(bytes), AtomicU64::new(0));
        Ok(Store { database, file, bytes, since, lock: None })
    }

    /// The file's name, for errors.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// The number the journal was given when it was made.
    pub(crate) fn identity(&self) -> Result<u128, JournalError> {
        let place = "in the table meta";
        let bytes = guarded(&self.file, place, || {
            let read = || -> Result<Option<Vec<u8>>, redb::Error> {
                let table = self.database.begin_read()?.open_table(META)?;
                Ok(table.get(IDENTITY)?.map(|value| value.value().to_vec()))
            };
            read().map_err(|error| error_of(&self.file, place, error))
        })?;
        let bytes = bytes.and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
        let bytes = bytes.ok_or_else(|| damaged(&self.file, place, "there is no identity"))?;
        Ok(u128::from_le_bytes(bytes))
    }

    /// Lets `work` read the frames as of now.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Frames<'_>) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let place = "in the table frames";
        guarded(&self.file, place, || {
            let open = || -> Result<ReadOnlyTable<u64, &'static [u8]>, redb::Error> {
                Ok(self.database.begin_read()?.open_table(FRAMES)?)
            };
            let table = open().map_err(|error| error_of(&self.file, place, error))?;
            work(&Frames { table, file: &self.file })
        })
    }

    pub(crate) fn begin_read(&self) -> Result<ReadTransaction, redb::Error> {
        Ok(self.database.begin_read()?)
    }

    /// A transaction that commits as all others do.
    pub(crate) fn begin_write(&self) -> Result<WriteTransaction, redb::Error> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_quick_repair(self.is_large());
        Ok(transaction)
    }

    fn is_large(&self) -> bool {
        let (bytes, since) = (&self.bytes, &self.since);
        bytes.load(Ordering::Relaxed) + since.load(Ordering::Relaxed) >= QUICK_REPAIR_FROM_BYTES
    }

    /// So much is written more.
    fn grow(&self, bytes: u64) {
        let since = self.since.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if since < LOOK_AGAIN_BYTES || self.lock.is_none() {
            return;
        }
        if let Ok(metadata) = fs::metadata(&self.file) {
            self.bytes.store(folder::allocated(&metadata), Ordering::Relaxed);
            self.since.store(0, Ordering::Relaxed);
        }
    }

    /// Gives pages that nothing is on back to the system. Says whether there were any.
    pub(crate) fn shrink(&mut self) -> Result<bool, JournalError> {
        let (file, place) = (self.file.clone(), "while shrinking");
        guarded(&file, place, || {
            self.database.compact().map_err(|error| error_of(&file, place, error))
        })
    }

    /// Writes one frame; on return it survives a power cut.
    pub(crate) fn write(&self, first: u64, frame: &[u8]) -> Result<(), JournalError> {
        let place = "while writing";
        let quick_repair = self.is_large();
        self.grow(frame.len() as u64);
        guarded(&self.file, place, || {
            let write = || -> Result<(), redb::Error> {
                // Durable when the commit returns: that is redb's default.
                let mut transaction = self.database.begin_write()?;
                transaction.set_quick_repair(quick_repair);
                transaction.open_table(FRAMES)?.insert(first, frame)?;
                Ok(transaction.commit()?)
            };
            write().map_err(|error| error_of(&self.file, place, error))
        })
    }
}

/// The frames as of one moment.
pub(crate) struct Frames<'a> {
    table: ReadOnlyTable<u64, &'static [u8]>,
    file: &'a Path,
}

impl Frames<'_> {
    /// The file's name, for errors.
    pub(crate) fn file(&self) -> &Path {
        self.file
    }

    /// How many there are.
    pub(crate) fn count(&self) -> Result<u64, JournalError> {
        let all = self.table.len();
        let all = all.map_err(|error| error_of(self.file, "in the table frames", error))?;
        Ok(all - u64::from(self.anchor()?.is_some()))
    }

    /// What they begin with, if older ones were removed.
    pub(crate) fn anchor(&self) -> Result<Option<Anchor>, JournalError> {
        anchor_of(&self.table, self.file)
    }

    /// The last frame whose key is at most `sequence`.
    pub(crate) fn at_or_before<T>(
        &self,
        sequence: u64,
        read: impl FnOnce(u64, &[u8]) -> Result<T, JournalError>,
    ) -> Result<Option<T>, JournalError> {
        let place = || format!("the frame that holds sequence {sequence}");
        let error = |error| error_of(self.file, &place(), error);
        let highest = sequence.min(ANCHOR_KEY - 1);
        match self.table.range(..=highest).map_err(error)?.next_back() {
            Some(entry) => {
                let (key, value) = entry.map_err(error)?;
                read(key.value(), value.value()).map(Some)
            }
            None => Ok(None),
        }
    }

    /// The frame with exactly this key.
    pub(crate) fn at<T>(
        &self,
        first: u64,
        read: impl FnOnce(&[u8]) -> Result<T, JournalError>,
    ) -> Result<Option<T>, JournalError> {
        let value = self.table.get(first);
        let value = value.map_err(|error| error_of(self.file, &place_of(first), error))?;
        value.map(|value| read(value.value())).transpose()
    }
}

/// The anchor among the frames.
pub(crate) fn anchor_of(
    frames: &impl ReadableTable<u64, &'static [u8]>,
    file: &Path,
) -> Result<Option<Anchor>, JournalError> {
    let place = "the anchor";
    let stored = frames.get(ANCHOR_KEY).map_err(|error| error_of(file, place, error))?;
    let Some(stored) = stored else { return Ok(None) };
    match Anchor::from_bytes(stored.value()) {
        Ok(anchor) => Ok(Some(anchor)),
        Err(AnchorError::UnknownVersion(found)) if found > anchor::VERSION => {
            let (file, place) = (file.to_owned(), place.to_owned());
            Err(JournalError::Newer { file, place, found, known: anchor::VERSION })
        }
        Err(error) => Err(damaged(file, place, error)),
    }
}

/// How errors name a frame.
pub(crate) fn place_of(first: u64) -> String {
    format!("the frame that begins with sequence {first}")
}

/// An error that says what is damaged.
pub(crate) fn damaged(file: &Path, place: &str, reason: impl ToString) -> JournalError {
    let (file, place) = (file.to_owned(), place.to_owned());
    JournalError::Damaged { file, place, reason: reason.to_string() }
}

/// An error of the operating system.
pub(crate) fn io_error(file: &Path, error: &io::Error) -> JournalError {
    JournalError::Io { file: file.to_owned(), reason: error.to_string() }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder.set_repair_callback(|session| {
        tracing::info!(progress = session.progress(), "repairing the journal after a hard stop");
    });
    builder
}

/// Makes a complete, empty journal under another name, then gives it its own: a file that has the
/// journal's name was a whole journal once, so an empty one is damage and never a fresh start.
fn create(folder: &Path, file: &Path) -> Result<(), JournalError> {
    let unfinished = folder.join(FILE_UNFINISHED);
    let io = |error| io_error(&unfinished, &error);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    guarded(&unfinished, "while creating", || {
        let make = || -> Result<(), redb::Error> {
            initialize(&builder().create(&unfinished)?, new_identity())
        };
        make().map_err(|error| error_of(&unfinished, "while creating", error))
    })?;
    File::open(&unfinished).and_then(|file| file.sync_all()).map_err(io)?;
    fs::rename(&unfinished, file).map_err(io)?;
    folder::sync(folder).map_err(io)
}

fn initialize(database: &Database, identity: u128) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(META)?.insert(IDENTITY, identity.to_le_bytes().as_slice())?;
    transaction.open_table(FRAMES)?;
    Ok(transaction.commit()?)
}

/// A number no other journal has: from the system's randomness, and from time, process and
/// address in case there is none.
fn new_identity() -> u128 {
    let mut random = [0_u8; 16];
    // Without it the rest must do.
    let _ = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut random));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&random);
    hasher.update(&now.map_or(0, |since| since.as_nanos()).to_le_bytes());
    hasher.update(&std::process::id().to_le_bytes());
    hasher.update(format!("{:p}", &random).as_bytes());
    let mut identity = [0; 16];
    hasher.finalize_xof().fill(&mut identity);
    u128::from_le_bytes(identity)
}

/// Runs `work`; if it panics, what it read was damaged.
pub(crate) fn guarded<T>(
    file: &Path,
    place: &str,
    work: impl FnOnce() -> Result<T, JournalError>,
) -> Result<T, JournalError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(damaged(file, place, folder::panic_text(&*panic))))
}

/// What an error of redb means here.
pub(crate) fn error_of(file: &Path, place: &str, error: impl Into<redb::Error>) -> JournalError {
    let error = error.into();
    if let redb::Error::DatabaseAlreadyOpen = error {
        return JournalError::InUse(file.to_owned());
    }
    // Bytes that are not there, or not those of a database, are damage and no trouble of the disk.
    let io = if let redb::Error::Io(io) = &error {
        !matches!(io.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData)
    } else {
        use redb::Error::{DatabaseClosed, LockPoisoned, PreviousIo};
        matches!(error, PreviousIo | DatabaseClosed | LockPoisoned(_))
    };
    if io {
        return JournalError::Io { file: file.to_owned(), reason: error.to_string() };
    }
    damaged(file, place, error)
}

//! Where an engine keeps its data, and how that is opened, again and again if need be.

mod closing;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use surehold_storage::{
    Journal, JournalError, MemoryJournal, MemorySnapshots, RedbJournal, SledSnapshots,
    SnapshotError, SnapshotStore, sled,
};
use tokio::task::JoinError;
use tracing::warn;

use closing::Closing;

use crate::limits::DISK_ROOM;

/// An opened journal and its snapshots.
pub type Opened = (Arc<dyn Journal>, Arc<dyn SnapshotStore>);

/// Opens a journal and its snapshots. The engine opens them anew after a failed write.
pub trait Stores: Send + Sync + 'static {
    /// Opens both. Blocks.
    ///
    /// # Errors
    /// [`JournalError`] if the journal cannot be used; snapshots that cannot be are replaced.
    fn open(&self) -> Result<Opened, JournalError>;
    /// Gives everything up, so that it can be opened again at once.
    fn close(&self) {}
    /// Whether opening, reading and syncing may take time. What does runs beside the actors, on threads
    /// of its own; what does not runs where it is asked for, so that everything has one order.
    fn blocks(&self) -> bool {
        true
    }
    /// Whether there is room to write.
    ///
    /// # Errors
    /// A sentence that says why not.
    fn room(&self) -> Result<(), String>;
}

/// Runs work on the stores: beside the actors if it `blocks`, else here and now.
///
/// # Errors
/// [`JoinError`] if work beside the actors panicked.
pub(crate) async fn beside<T: Send + 'static>(
    blocks: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    if blocks { tokio::task::spawn_blocking(work).await } else { Ok(work()) }
}

/// Data in a folder: `journal/` is the truth, `snapshots/` may be deleted at any time.
pub struct FolderStores {
    folder: PathBuf,
    /// Kept open while the journal is opened anew.
    snapshots: Mutex<Option<Arc<Closing<SledSnapshots>>>>,
}

impl FolderStores {
    /// Data in this folder, which is made if it is not there.
    #[must_use]
    pub fn new(folder: PathBuf) -> FolderStores {
        FolderStores { folder, snapshots: Mutex::default() }
    }

    fn snapshots(&self) -> Result<Arc<Closing<SledSnapshots>>, SnapshotError> {
        let mut kept = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(snapshots) = &*kept {
            return Ok(Arc::clone(snapshots));
        }
        let folder = self.folder.join("snapshots");
        let snapshots = match SledSnapshots::open(&folder) {
            Ok(snapshots) => snapshots,
            Err(error) => {
                warn!(%error, "the snapshots cannot be opened; they are built anew");
                sled::discard(&folder)?;
                SledSnapshots::open(&folder)?
            }
        };
        Ok(Arc::clone(kept.insert(Arc::new(Closing::new(folder, snapshots)))))
    }
}

impl Stores for FolderStores {
    fn open(&self) -> Result<Opened, JournalError> {
        let journal: Arc<dyn Journal> = RedbJournal::open(&self.folder.join("journal"))?;
        match self.snapshots() {
            Ok(snapshots) => Ok((journal, snapshots)),
            Err(error) => {
                journal.close();
                let (file, reason) = (self.folder.join("snapshots"), error.to_string());
                Err(JournalError::Io { file, reason })
            }
        }
    }

    fn close(&self) {
        if let Some(snapshots) =
            self.snapshots.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            snapshots.close();
        }
    }

    fn room(&self) -> Result<(), String> {
        probe(&self.folder.join("room.probe")).map_err(|error| {
            format!("{} has no room for {DISK_ROOM} more bytes: {error}", self.folder.display())
        })
    }
}

/// Writes and removes a file of the size that must be free.
fn probe(file: &Path) -> std::io::Result<()> {
    let written = fs::File::create(file).and_then(|mut probe| {
        let block = [0u8; 64 * 1024];
        let mut left = DISK_ROOM;
        while left > 0 {
            probe.write_all(&block)?;
            left = left.saturating_sub(block.len() as u64);
        }
        probe.sync_all()
    });
    let removed = fs::remove_file(file);
    written.and(removed)
}

/// Data in memory: gone with the process. For tests, examples and measurements.
pub struct MemoryStores {
    opened: Opened,
}

impl Default for MemoryStores {
    fn default() -> Self {
        MemoryStores {
            opened: (MemoryJournal::new(u128::from(std::process::id())), MemorySnapshots::new()),
        }
    }
}

impl Stores for MemoryStores {
    fn open(&self) -> Result<Opened, JournalError> {
        Ok((Arc::clone(&self.opened.0), Arc::clone(&self.opened.1)))
    }

    fn room(&self) -> Result<(), String> {
        Ok(())
    }
}

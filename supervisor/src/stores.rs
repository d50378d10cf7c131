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

use crate::limits::{DISK_ROOM, TAIL_RECORDS_MAX};

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
    /// Records in memory since the last checkpoint before the next one is made.
    fn tail_records_max(&self) -> usize {
        TAIL_RECORDS_MAX
    }
}

/// Opens snapshots in this folder by `open`. Those that cannot be opened are removed: they are a
/// cache, and are built anew from the journal. Those that another process uses are left alone.
///
/// # Errors
/// [`SnapshotError`] if they can neither be opened nor removed.
pub fn open_or_discard(
    folder: &Path,
    open: impl Fn(&Path) -> Result<Arc<SledSnapshots>, SnapshotError>,
) -> Result<Arc<SledSnapshots>, SnapshotError> {
    match open(folder) {
        Ok(snapshots) => Ok(snapshots),
        Err(error @ SnapshotError::InUse(_)) => Err(error),
        Err(error) => {
            warn!(%error, "the snapshots cannot be opened; they are built anew");
            sled::discard(folder)?;
            open(folder)
        }
    }
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
        let snapshots = open_or_discard(&folder, SledSnapshots::open)?;
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
                let file = self.folder.join("snapshots");
                // Whoever had the data is about to be gone: it gives the journal up first.
                if matches!(error, SnapshotError::InUse(_)) {
                    return Err(JournalError::InUse(file));
                }
                Err(JournalError::Io { file, reason: error.to_string() })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_that_somebody_still_holds_are_waited_for_and_not_thrown_away() {
        let folder = tempfile::tempdir().unwrap();
        let snapshots = folder.path().join("snapshots");
        let other = SledSnapshots::open(&snapshots).unwrap();
        let kept = snapshots.join("kept");
        fs::write(&kept, "").unwrap();
        let stores = FolderStores::new(folder.path().to_owned());
        let refused = stores.open().map(drop).unwrap_err();
        assert!(matches!(refused, JournalError::InUse(_)), "{refused:?}");
        drop(other);
        assert!(stores.open().is_ok(), "the journal was given up again");
        assert!(kept.exists());
    }
}

//! A machine whose power may be cut: a disk under the journal and a folder under the snapshots, both
//! of which know what is certain, and the engine's stores over them.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use surehold::stores::{Opened, Stores, open_or_discard};
use surehold_storage::faulty::{FaultyDisk, FaultyFolder, FolderImage, Player, Survivors, Tape};
use surehold_storage::{Journal, JournalError, RedbJournal, SledSnapshots};

/// What tells the journals of this proof from others.
pub(super) const IDENTITY: u128 = 0x5eed;
/// Records between two checkpoints: few, so that many of them are cut.
const TAIL_RECORDS: usize = 48;
/// From this size on the snapshots are rebuilt when they have outgrown their data: at once, so that
/// the change from one generation to the next is cut, too.
const REBUILD_FROM_BYTES: u64 = 1024 * 1024;

/// What a power cut leaves.
pub(super) struct Remains {
    pub(super) journal: Vec<u8>,
    pub(super) snapshots: FolderImage,
}

/// A moment at which the power goes, and what survives it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// Its number in the run, to be told.
    pub(super) number: u64,
    /// Steps the journal's disk made before.
    pub(super) at: usize,
    /// What survives of what was not synced.
    pub(super) survivors: Survivors,
    /// Chooses among it.
    pub(super) seed: u64,
}

/// What is open. The snapshots stay so while the journal is opened anew.
type Opening = (Option<Arc<RedbJournal>>, Option<Arc<SledSnapshots>>);

/// A machine.
pub(super) struct Machine {
    pub(super) disk: FaultyDisk,
    folder: Arc<FaultyFolder>,
    /// Bytes until the journal commits with two syncs.
    growth: u64,
    opened: Mutex<Opening>,
    // Dropped last: sled's files lie in it.
    _home: tempfile::TempDir,
}

impl Machine {
    /// A machine that finds these remains.
    pub(super) fn with(remains: Remains, growth: u64) -> Result<Arc<Machine>, String> {
        let home = home().map_err(|error| format!("no folder: {error}"))?;
        let disk = FaultyDisk::recording(remains.journal);
        let clock = disk.clone();
        let root = home.path().join("snapshots");
        let folder = FaultyFolder::holding(&root, &remains.snapshots, move || clock.steps());
        let folder = Arc::new(folder.map_err(|error| format!("no folder: {error}"))?);
        Ok(Arc::new(Machine { disk, folder, growth, opened: Mutex::default(), _home: home }))
    }

    /// A new machine, with an empty journal. A real one is made under another name and gets its own
    /// when it is complete; that step is a rename of the system's and is not cut here.
    pub(super) fn new(growth: u64) -> Result<Arc<Machine>, String> {
        let disk = FaultyDisk::new();
        let journal = RedbJournal::open_on(disk.clone(), IDENTITY);
        journal.map_err(|error| format!("no journal: {error}"))?.close();
        let (journal, snapshots) = (disk.contents(), FolderImage::new());
        Machine::with(Remains { journal, snapshots }, growth)
    }

    /// Bytes until the journal commits with two syncs.
    pub(super) fn growth(&self) -> u64 {
        self.growth
    }

    /// What happened to the journal's disk so far.
    pub(super) fn tape(&self) -> Tape {
        self.disk.tape()
    }

    /// The moments of the snapshots' folder: how far the journal's disk was at each.
    pub(super) fn moments(&self) -> Vec<usize> {
        self.folder.moments()
    }

    /// What a cut leaves. `player` goes along the tape of this machine. The snapshots are cut at
    /// their last moment by then.
    pub(super) fn after(&self, cut: Cut, player: &mut Player<'_>) -> Remains {
        player.forward(cut.at);
        let moment = self.moments().partition_point(|stamp| *stamp <= cut.at).saturating_sub(1);
        Remains {
            journal: player.after_power_cut(cut.survivors, cut.seed),
            snapshots: self.folder.after_power_cut(moment, cut.survivors, cut.seed),
        }
    }
}

/// A folder for sled: in memory where the system has such a place. What survives is modelled, so that
/// sled's own syncs would only cost time.
fn home() -> std::io::Result<tempfile::TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())
}

impl Stores for Machine {
    fn open(&self) -> Result<Opened, JournalError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(journal) = opened.0.take() {
            journal.close();
        }
        let disk = self.disk.clone();
        let journal = RedbJournal::open_on_before_growth(disk, IDENTITY, self.growth)?;
        let snapshots = match &opened.1 {
            Some(snapshots) => Arc::clone(snapshots),
            None => {
                let open = |folder: &Path| {
                    SledSnapshots::open_on(folder, REBUILD_FROM_BYTES, self.folder.clone())
                };
                open_or_discard(self.folder.root(), open).map_err(|error| JournalError::Io {
                    file: self.folder.root().to_owned(),
                    reason: error.to_string(),
                })?
            }
        };
        *opened = (Some(Arc::clone(&journal)), Some(Arc::clone(&snapshots)));
        Ok((journal, snapshots))
    }

    fn close(&self) {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let (journal, _) = std::mem::take(&mut *opened);
        if let Some(journal) = journal {
            journal.close();
        }
    }

    fn room(&self) -> Result<(), String> {
        Ok(())
    }

    fn tail_records_max(&self) -> usize {
        TAIL_RECORDS
    }
}

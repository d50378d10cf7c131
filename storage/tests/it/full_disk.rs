//! A full disk: the journal closes, loses nothing durable, and opens anew when there is room.

use std::fs;
use std::path::Path;
use std::process::Command;

use surehold_storage::faulty::FaultyDisk;
use surehold_storage::{Journal, JournalError, RedbJournal};

use crate::{assert_prefix, read_all, records, wait_durable};

/// Appends until the journal closes; the last sequence given out.
fn fill(journal: &RedbJournal) -> u64 {
    let mut last = journal.last();
    while let Ok(sequence) = journal.append(records(last + 1, last + 200)) {
        last = sequence;
        if wait_durable(journal, last).is_err() {
            return last;
        }
    }
    last
}

fn check(journal: &RedbJournal, promised: u64) {
    assert!(journal.last() >= promised, "{promised} was durable, {} is there", journal.last());
    assert_prefix(&read_all(journal, 1000).unwrap());
    let next = journal.last() + 1;
    wait_durable(journal, journal.append(records(next, next + 200)).unwrap()).unwrap();
    assert_prefix(&read_all(journal, 1000).unwrap());
}

#[test]
fn of_a_disk_in_memory() {
    for capacity in [3 << 20, 5 << 20, 6_000_001] {
        let disk = FaultyDisk::new();
        let journal = RedbJournal::open_on(disk.clone(), 1).unwrap();
        disk.fill_up_at(capacity);
        assert!(fill(&journal) > journal.last(), "the last append was refused by the disk");
        assert!(matches!(journal.append(records(1, 1)), Err(JournalError::Closed(_))));
        let promised = journal.last();
        journal.close();
        // More room, and a new handle.
        let journal = RedbJournal::open_on(FaultyDisk::holding(disk.contents()), 1).unwrap();
        check(&journal, promised);
    }
}

/// A small file system of its own, gone when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None`, with a line that says so, where mounting is not allowed.
    fn mount() -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"]).arg(folder.path());
        match mount.output() {
            Ok(output) if output.status.success() => Some(SmallDisk(folder)),
            refused => {
                println!("skipped: a tmpfs cannot be mounted here: {refused:?}");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "it stays mounted");
    }
}

#[test]
fn of_a_real_file_system() {
    let Some(disk) = SmallDisk::mount() else { return };
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![1; 2 << 20]).unwrap();
    let folder = disk.path().join("journal");
    let journal = RedbJournal::open(&folder).unwrap();
    fill(&journal);
    let reason = journal.durable().closed().unwrap();
    assert!(reason.contains("No space left"), "{reason}");
    assert!(reason.contains("journal.redb"), "{reason}");
    let promised = journal.last();
    assert!(promised > 0);
    // The handle stays alive, as in a process whose tree is being restarted.
    fs::remove_file(&ballast).unwrap();
    let reopened = RedbJournal::open(&folder).unwrap();
    check(&reopened, promised);
    assert!(matches!(journal.append(records(1, 1)), Err(JournalError::Closed(_))));
}

//! Journals as a program of the future writes them are refused by name, and left as they are.

use surehold_storage::redb::forge::{change_frames, change_records, frames};
use surehold_storage::{Journal, JournalError, RedbJournal};

use crate::{read_all, record, wait_durable};

/// A folder with a journal of two frames.
fn written() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let journal = RedbJournal::open(folder.path()).unwrap();
    for records in [vec![record(1, 5), record(2, 9)], vec![record(3, 4)]] {
        wait_durable(&*journal, journal.append(records).unwrap()).unwrap();
    }
    journal.close();
    folder
}

#[test]
fn a_frame_of_a_newer_format_is_refused_by_name() {
    let folder = written();
    change_frames(folder.path(), |_, bytes| [&[bytes[0] + 1], &bytes[1..]].concat()).unwrap();
    let before = frames(folder.path()).unwrap();
    let error = RedbJournal::open(folder.path()).unwrap_err();
    assert!(matches!(error, JournalError::Newer { found: 2, known: 1, .. }), "{error:?}");
    let words =
        "the frame that begins with sequence 3 has format 2, and 1 is the newest known here";
    assert!(error.to_string().ends_with(&format!("journal.redb: {words}")), "{error}");
    assert_eq!(frames(folder.path()).unwrap(), before);
}

#[test]
fn a_frame_of_no_format_is_damage() {
    let folder = written();
    change_frames(folder.path(), |_, bytes| [&[0], &bytes[1..]].concat()).unwrap();
    let error = RedbJournal::open(folder.path()).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error:?}");
}

#[test]
fn changed_records_are_a_whole_chain_of_the_same_journal() {
    let folder = written();
    let identity = RedbJournal::open(folder.path()).unwrap().identity();
    change_records(folder.path(), |record| {
        if record.sequence == 2 {
            record.bytes = b"other".as_slice().into();
        }
    })
    .unwrap();
    let journal = RedbJournal::open(folder.path()).unwrap();
    assert_eq!(journal.identity(), identity);
    let read = read_all(&*journal, 10).unwrap();
    assert_eq!(read.len(), 3);
    assert_eq!(&read[1].bytes[..], b"other");
}

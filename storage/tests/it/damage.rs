//! Damaged files: named, never read as something else, never a panic.

use std::fs;
use std::path::Path;

use surehold_storage::faulty::{Dice, FaultyDisk};
use surehold_storage::{Journal, JournalError, RedbJournal};

use crate::{assert_prefix, read_all, records, seeds, wait_durable};

const LAST: u64 = 600;
/// redb keeps its header here. Garbling it can bring an earlier state of the file back, whole and
/// consistent; anywhere else nothing may be missing unnoticed.
const HEADER: u64 = 4096;

fn filled() -> Vec<u8> {
    let disk = FaultyDisk::new();
    let journal = RedbJournal::open_on(disk.clone(), 1).unwrap();
    for first in (1..LAST).step_by(10) {
        wait_durable(&*journal, journal.append(records(first, first + 9)).unwrap()).unwrap();
    }
    journal.close();
    disk.contents()
}

/// Opens a journal with this file and reads everything; what was read must be what was written.
fn check(image: Vec<u8>, may_be_short: bool, context: &str) -> Result<(), JournalError> {
    let journal = RedbJournal::open_on(FaultyDisk::holding(image), 1)?;
    let read = read_all(&*journal, 64)?;
    assert_prefix(&read);
    assert!(may_be_short || read.len() as u64 == LAST, "{context}: {} are left", read.len());
    Ok(())
}

fn names_the_file(error: &JournalError) -> bool {
    let (JournalError::Damaged { file, .. } | JournalError::Io { file, .. }) = error else {
        return false;
    };
    file == Path::new("journal.redb")
}

#[test]
fn a_flipped_bit_is_named_or_harmless() {
    let image = filled();
    let (mut named, mut harmless) = (0, 0);
    for seed in seeds(400) {
        let mut dice = Dice::new(seed);
        let mut image = image.clone();
        let used = image.iter().rposition(|byte| *byte != 0).unwrap() as u64 + 1;
        let at = dice.below(used);
        image[usize::try_from(at).unwrap()] ^= 1 << dice.below(8);
        let context = format!("seed {seed}, a bit at {at}");
        match check(image, at < HEADER, &context) {
            Ok(()) => harmless += 1,
            Err(error) => {
                assert!(names_the_file(&error), "{context}: {error}");
                named += 1;
            }
        }
    }
    println!("{named} named, {harmless} harmless");
}

#[test]
fn a_garbled_page_is_named_or_harmless() {
    let image = filled();
    for seed in seeds(100) {
        let mut dice = Dice::new(seed);
        let mut image = image.clone();
        let page = usize::try_from(dice.below(image.len() as u64 / 4096)).unwrap() * 4096;
        for byte in &mut image[page..page + 4096] {
            *byte = dice.below(256).to_le_bytes()[0];
        }
        let context = format!("seed {seed}, the page at {page}");
        if let Err(error) = check(image, page == 0, &context) {
            assert!(names_the_file(&error), "{context}: {error}");
        }
    }
}

#[test]
fn a_cut_off_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let journal = RedbJournal::open(folder.path()).unwrap();
    wait_durable(&*journal, journal.append(records(1, 100)).unwrap()).unwrap();
    journal.close();
    let file = folder.path().join("journal.redb");
    let whole = fs::read(&file).unwrap();
    for length in [0, 1, 100, 4096, whole.len() / 2, whole.len() - 1] {
        fs::write(&file, &whole[..length]).unwrap();
        match RedbJournal::open(folder.path()).map(|journal| read_all(&*journal, 64)) {
            Ok(Ok(read)) => panic!("{length} bytes opened, with {} records", read.len()),
            Ok(Err(error)) | Err(error) => {
                assert!(error.to_string().contains("journal.redb"), "{length} bytes: {error}");
            }
        }
    }
    fs::write(&file, &whole).unwrap();
    assert_prefix(&read_all(&*RedbJournal::open(folder.path()).unwrap(), 64).unwrap());
}

#[test]
fn a_file_left_by_an_interrupted_creation_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("journal.redb.new"), b"half a journal").unwrap();
    let journal = RedbJournal::open(folder.path()).unwrap();
    wait_durable(&*journal, journal.append(records(1, 3)).unwrap()).unwrap();
    assert!(!folder.path().join("journal.redb.new").exists());
}

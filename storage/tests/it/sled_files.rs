//! What sled needs besides the contract: reopening, rebuilding, and files damaged in every way.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use surehold_storage::faulty::Dice;
use surehold_storage::sled::discard;
use surehold_storage::{Direction, SledSnapshots, SnapshotError, SnapshotStore};

use crate::seeds;
use crate::snapshots::{ONE, TWO, put, value_of};

#[test]
fn sled_opens_right_after_it_was_dropped() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..30_u8 {
        let store = SledSnapshots::open(folder.path()).unwrap();
        if let Some(before) = round.checked_sub(1) {
            assert_eq!(value_of(&*store, ONE, &[before]), Some(vec![before; 5000]));
        }
        assert!(SledSnapshots::open(folder.path()).is_err(), "one user at a time");
        assert!(discard(folder.path()).is_err(), "nor is it removed under one");
        store.apply(vec![put(ONE, &[round], &[round; 5000])]).unwrap();
        if round % 2 == 0 {
            store.sync().unwrap();
        }
    }
}

#[test]
fn sled_is_rebuilt_when_it_has_outgrown_its_data() {
    const FLOOR: u64 = 1 << 20;
    let folder = tempfile::tempdir().unwrap();
    let store = SledSnapshots::open_with(folder.path(), FLOOR).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    store.apply(vec![put(TWO, b"still", b"here")]).unwrap();
    let reader = thread::spawn({
        let (store, done) = (Arc::clone(&store), Arc::clone(&done));
        move || {
            while !done.load(Ordering::Acquire) {
                assert_eq!(value_of(&*store, TWO, b"still"), Some(b"here".to_vec()));
            }
        }
    });
    let (mut rebuilt, mut highest) = (0, 0);
    for round in 0..400_u64 {
        let mut dice = Dice::new(round);
        let value = |dice: &mut Dice| -> Vec<u8> {
            (0..2000).map(|_| dice.below(256).to_le_bytes()[0]).collect()
        };
        let batch = (0..20).map(|key| put(ONE, &[key], &value(&mut dice))).collect();
        store.apply(batch).unwrap();
        highest = highest.max(store.size_on_disk());
        if round % 20 == 19 && store.maintain().unwrap() {
            rebuilt += 1;
            assert!(store.size_on_disk() < FLOOR, "{} bytes", store.size_on_disk());
        }
        let last: Vec<u8> = value_of(&*store, ONE, &[19]).unwrap();
        assert_eq!(last.len(), 2000);
    }
    done.store(true, Ordering::Release);
    reader.join().unwrap();
    println!("rebuilt {rebuilt} times, at most {highest} bytes");
    assert!(rebuilt > 0);
    let before = store.scan(ONE, &[], &[255], Direction::Up, 99).unwrap();
    drop(store);
    let store = SledSnapshots::open(folder.path()).unwrap();
    assert_eq!(store.scan(ONE, &[], &[255], Direction::Up, 99).unwrap(), before);
    assert_eq!(value_of(&*store, TWO, b"still"), Some(b"here".to_vec()));
    let folders = fs::read_dir(folder.path()).unwrap().flatten();
    assert_eq!(folders.filter(|entry| entry.path().is_dir()).count(), 1, "nothing is left over");
}

#[test]
fn what_was_synced_is_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = SledSnapshots::open(folder.path()).unwrap();
    store.apply(vec![put(TWO, b"before", b"cleared")]).unwrap();
    store.clear().unwrap();
    let large = vec![9; 400_000];
    for round in 0..20_u8 {
        store.apply(vec![put(ONE, &[round], &[round; 3000]), put(TWO, b"large", &large)]).unwrap();
        store.sync().unwrap();
        // The files as they are while the store is still open: what kill -9 leaves.
        let left = tempfile::tempdir().unwrap();
        copy_files(folder.path(), left.path());
        let left = SledSnapshots::open(left.path()).unwrap();
        for key in 0..=round {
            assert_eq!(value_of(&*left, ONE, &[key]), Some(vec![key; 3000]));
        }
        assert_eq!(value_of(&*left, TWO, b"large").as_ref(), Some(&large));
        assert_eq!(value_of(&*left, TWO, b"before"), None);
    }
}

#[test]
fn a_rebuild_that_was_cut_off_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = SledSnapshots::open(folder.path()).unwrap();
    store.apply(vec![put(ONE, b"k", b"v")]).unwrap();
    store.sync().unwrap();
    drop(store);
    // A successor that was being filled, and an appointment that was being written.
    fs::create_dir_all(folder.path().join("2").join("blobs")).unwrap();
    fs::write(folder.path().join("2").join("db"), b"half").unwrap();
    fs::write(folder.path().join("current.new"), b"").unwrap();
    let store = SledSnapshots::open(folder.path()).unwrap();
    assert_eq!(value_of(&*store, ONE, b"k"), Some(b"v".to_vec()));
    assert!(!folder.path().join("2").exists());
    store.clear().unwrap();
    assert_eq!(value_of(&*store, ONE, b"k"), None);
}

/// The files of the store, so that a test can damage each of them.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .filter(|path| !path.ends_with("lock"))
        .collect();
    files.sort();
    files
}

fn copy_files(from: &Path, to: &Path) {
    for file in files(from) {
        let copy = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(&file, copy).unwrap();
    }
}

fn filled(folder: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let store = SledSnapshots::open(folder).unwrap();
    let mut expected = BTreeMap::new();
    for key in 0..60_u8 {
        let value = vec![key; if key == 30 { 200_000 } else { usize::from(key) * 20 }];
        store.apply(vec![put(ONE, &[key], &value)]).unwrap();
        expected.insert(vec![key], value);
    }
    store.sync().unwrap();
    expected
}

/// Opens the store and reads it; what it answers must be what was put, or nothing, or an error.
fn never_altered(folder: &Path, expected: &BTreeMap<Vec<u8>, Vec<u8>>, context: &str) {
    let Ok(store) = SledSnapshots::open(folder) else {
        discard(folder).unwrap();
        drop(SledSnapshots::open(folder).unwrap());
        return;
    };
    for (key, value) in expected {
        if let Ok(Some(read)) = store.get(ONE, key) {
            assert_eq!(read, *value, "{context}: key {key:?}");
        }
    }
    if let Ok(entries) = store.scan(ONE, &[], &[255], Direction::Up, 999) {
        assert!(entries.iter().all(|(key, value)| expected.get(key) == Some(value)), "{context}");
    }
    // Whatever happened to it, it can be emptied and used.
    store.clear().unwrap_or_else(|error| panic!("{context}: {error}"));
    store.apply(vec![put(TWO, b"k", b"v")]).unwrap();
    assert_eq!(value_of(&*store, TWO, b"k"), Some(b"v".to_vec()));
}

#[test]
fn a_damaged_sled_folder_alters_no_value() {
    let original = tempfile::tempdir().unwrap();
    let expected = filled(original.path());
    let names: Vec<PathBuf> = files(original.path())
        .iter()
        .map(|file| file.strip_prefix(original.path()).unwrap().to_owned())
        .collect();
    assert!(names.len() >= 3, "{names:?}");
    for seed in seeds(60) {
        let mut dice = Dice::new(seed);
        let folder = tempfile::tempdir().unwrap();
        copy_files(original.path(), folder.path());
        let name = &names[usize::try_from(dice.below(names.len() as u64)).unwrap()];
        let file = folder.path().join(name);
        let mut bytes = fs::read(&file).unwrap();
        // Mostly within what is used: the rest of the file is empty.
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(1, |last| last as u64 + 1);
        let at = usize::try_from(dice.below(used)).unwrap();
        let what = dice.below(4);
        match what {
            0 => fs::remove_file(&file).unwrap(),
            1 => fs::write(&file, &bytes[..at]).unwrap(),
            _ => {
                let end = if what == 2 { at + 1 } else { bytes.len().min(at + 5000) };
                bytes.get_mut(at..end).into_iter().flatten().for_each(|byte| *byte ^= 0x55);
                fs::write(&file, &bytes).unwrap();
            }
        }
        let context = format!("seed {seed}: way {what} at {at} of {}", name.display());
        never_altered(folder.path(), &expected, &context);
    }
}

#[test]
fn a_value_that_is_not_what_was_put_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    {
        // Before any store of ours: unlike ours, a bare sled does not wait for an earlier handle.
        let config = sled::Config::new().path(folder.path().join("1")).flush_every_ms(None);
        let raw = config.open().unwrap();
        raw.insert(b"\x01key", &b"no crc at all"[..]).unwrap();
        raw.flush().unwrap();
    }
    let store = SledSnapshots::open(folder.path()).unwrap();
    let Err(SnapshotError::Damaged { file, key }) = store.get(ONE, b"key") else {
        panic!("it was not noticed")
    };
    assert_eq!((file.as_path(), key.as_str()), (folder.path(), "016b6579"));
    let scanned = store.scan(ONE, &[], &[255], Direction::Up, 9);
    assert!(matches!(scanned, Err(SnapshotError::Damaged { .. })));
    assert_eq!(value_of(&*store, ONE, b"other"), None);
}

#[test]
fn a_discarded_store_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("snapshots");
    discard(&folder).unwrap();
    filled(&folder);
    discard(&folder).unwrap();
    assert!(!folder.exists());
    let store = SledSnapshots::open(&folder).unwrap();
    assert_eq!(store.scan(ONE, &[], &[255], Direction::Up, 9).unwrap(), []);
}

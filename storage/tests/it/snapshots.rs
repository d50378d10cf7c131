//! The snapshot store's contract, promise by promise, over every backend.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use proptest::prelude::*;
use surehold_storage::faulty::FaultySnapshots;
use surehold_storage::{
    Change, Direction, Entry, MemorySnapshots, SledSnapshots, SnapshotError, SnapshotStore, Space,
};

pub(crate) const ONE: Space = Space(1);
pub(crate) const TWO: Space = Space(2);

pub(crate) fn put(space: Space, key: &[u8], value: &[u8]) -> Change {
    Change::Put { space, key: key.to_vec(), value: value.to_vec() }
}

fn remove(space: Space, key: &[u8]) -> Change {
    Change::Remove { space, key: key.to_vec() }
}

pub(crate) fn value_of(store: &dyn SnapshotStore, space: Space, key: &[u8]) -> Option<Vec<u8>> {
    store.get(space, key).unwrap()
}

fn keys(entries: Vec<Entry>) -> Vec<u8> {
    entries.into_iter().map(|(key, _)| key[0]).collect()
}

/// Runs every promise over one store, emptied between them.
fn check(store: Arc<dyn SnapshotStore>) {
    for promise in [keeps_values, keeps_spaces_apart, scans_both_ways, forgets_everything] {
        promise(&*store);
        store.clear().unwrap();
    }
    shows_whole_batches(&store);
}

#[test]
fn sled() {
    let folder = tempfile::tempdir().unwrap();
    check(SledSnapshots::open(folder.path()).unwrap());
}

#[test]
fn memory() {
    check(MemorySnapshots::new());
}

#[test]
fn faulty_without_a_fault() {
    check(FaultySnapshots::new(MemorySnapshots::new()));
}

fn keeps_values(store: &dyn SnapshotStore) {
    assert_eq!(value_of(store, ONE, b"k"), None);
    store.apply(vec![]).unwrap();
    store.apply(vec![put(ONE, b"k", b"v"), put(ONE, b"", b""), remove(ONE, b"no")]).unwrap();
    assert_eq!(value_of(store, ONE, b"k"), Some(b"v".to_vec()));
    assert_eq!(value_of(store, ONE, b""), Some(vec![]), "empty is a value, and a key");
    let large = vec![7; 300_000];
    store.apply(vec![put(ONE, b"k", &large), remove(ONE, b"")]).unwrap();
    store.sync().unwrap();
    assert_eq!(value_of(store, ONE, b"k"), Some(large), "replaced");
    assert_eq!(value_of(store, ONE, b""), None, "removed");
    store.apply(vec![put(ONE, b"x", b"1"), put(ONE, b"x", b"2")]).unwrap();
    assert_eq!(value_of(store, ONE, b"x"), Some(b"2".to_vec()), "the last change counts");
}

/// Promise 4.
fn keeps_spaces_apart(store: &dyn SnapshotStore) {
    let batch = vec![put(ONE, b"k", b"one"), put(TWO, b"k", b"two"), put(Space(255), b"k", b"top")];
    store.apply(batch).unwrap();
    store.apply(vec![remove(ONE, b"k")]).unwrap();
    assert_eq!(value_of(store, ONE, b"k"), None);
    assert_eq!(value_of(store, TWO, b"k"), Some(b"two".to_vec()));
    let all = store.scan(TWO, &[], &[255; 9], Direction::Up, 9).unwrap();
    assert_eq!(all, [(b"k".to_vec(), b"two".to_vec())]);
    assert_eq!(keys(store.scan(Space(255), &[], b"z", Direction::Down, 9).unwrap()), b"k");
}

fn scans_both_ways(store: &dyn SnapshotStore) {
    store.apply((b'a'..=b'j').map(|key| put(ONE, &[key], &[key, key])).collect()).unwrap();
    let table: [(&str, &str, Direction, usize, &str); 9] = [
        ("a", "z", Direction::Up, 99, "abcdefghij"),
        ("a", "z", Direction::Down, 99, "jihgfedcba"),
        ("c", "f", Direction::Up, 99, "cde"),
        ("c", "f", Direction::Down, 99, "edc"),
        ("c", "f", Direction::Up, 2, "cd"),
        ("c", "f", Direction::Down, 2, "ed"),
        ("c", "c", Direction::Up, 99, ""),
        ("f", "c", Direction::Down, 99, ""),
        ("a", "z", Direction::Up, 0, ""),
    ];
    for (from, to, direction, limit, expected) in table {
        let entries = store.scan(ONE, from.as_bytes(), to.as_bytes(), direction, limit).unwrap();
        assert!(entries.iter().all(|(key, value)| *value == [key[0], key[0]]));
        assert_eq!(keys(entries), expected.as_bytes(), "{from}..{to} {direction:?} {limit}");
    }
}

fn forgets_everything(store: &dyn SnapshotStore) {
    store.apply(vec![put(ONE, b"k", b"v"), put(TWO, b"k", b"v")]).unwrap();
    store.clear().unwrap();
    assert_eq!((value_of(store, ONE, b"k"), value_of(store, TWO, b"k")), (None, None));
    store.apply(vec![put(ONE, b"k", b"again")]).unwrap();
    assert_eq!(value_of(store, ONE, b"k"), Some(b"again".to_vec()));
}

/// Promise 1: while batches set all keys to one value, no scan sees two values.
fn shows_whole_batches(store: &Arc<dyn SnapshotStore>) {
    let batch = |value: u8| (0..20).map(|key| put(ONE, &[key], &[value])).collect();
    store.apply(batch(0)).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let reader = thread::spawn({
        let (store, done) = (Arc::clone(store), Arc::clone(&done));
        move || {
            while !done.load(Ordering::Acquire) {
                let seen = store.scan(ONE, &[0], &[255], Direction::Up, 99).unwrap();
                assert!(seen.len() == 20 && seen.iter().all(|(_, value)| *value == seen[0].1));
            }
        }
    });
    for value in 1..100 {
        store.apply(batch(value)).unwrap();
    }
    done.store(true, Ordering::Release);
    reader.join().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]
    #[test]
    fn sled_equals_memory(
        batches in prop::collection::vec(
            prop::collection::vec((0_u8..2, 0_u8..12, prop::option::of(0_usize..400)), 1..8),
            1..12,
        ),
        sync_after: prop::sample::Index,
    ) {
        let folder = tempfile::tempdir().unwrap();
        // From no size on, so that every sync looks whether to rebuild.
        let mut sled = SledSnapshots::open_with(folder.path(), 0).unwrap();
        let memory = MemorySnapshots::new();
        let sync_after = sync_after.index(batches.len());
        for (number, batch) in batches.iter().enumerate() {
            let changes: Vec<Change> = batch
                .iter()
                .map(|(space, key, length)| match length {
                    Some(length) => put(Space(*space), &[*key], &vec![*key; *length]),
                    None => remove(Space(*space), &[*key]),
                })
                .collect();
            memory.apply(changes.clone()).unwrap();
            sled.apply(changes).unwrap();
            if number == sync_after {
                sled.sync().unwrap();
                drop(sled);
                sled = SledSnapshots::open_with(folder.path(), 0).unwrap();
            }
        }
        for space in [Space(0), Space(1)] {
            for direction in [Direction::Up, Direction::Down] {
                let all = |store: &dyn SnapshotStore| store.scan(space, &[], &[9], direction, 99);
                prop_assert_eq!(all(&*sled).unwrap(), all(&*memory).unwrap());
            }
        }
    }
}

#[test]
fn faults_do_what_they_say() {
    let store = FaultySnapshots::new(MemorySnapshots::new());
    store.fail_apply_at(2);
    store.apply(vec![put(ONE, b"a", b"1")]).unwrap();
    assert!(store.apply(vec![put(ONE, b"a", b"2")]).is_err());
    assert_eq!(value_of(&*store, ONE, b"a"), Some(b"1".to_vec()), "a failed batch changes nothing");
    store.fail_sync_at(1);
    assert!(store.sync().is_err());
    store.sync().unwrap();
    store.damage(ONE, b"a");
    assert!(matches!(store.get(ONE, b"a"), Err(SnapshotError::Damaged { .. })));
    let scanned = store.scan(ONE, b"", b"z", Direction::Up, 9);
    assert!(matches!(scanned, Err(SnapshotError::Damaged { .. })));
    store.apply(vec![put(ONE, b"a", b"3")]).unwrap();
    assert_eq!(value_of(&*store, ONE, b"a"), Some(b"3".to_vec()));
    store.set_unavailable(true);
    assert!(store.get(ONE, b"a").is_err() && store.clear().is_err());
    store.set_unavailable(false);
    assert_eq!(value_of(&*store, ONE, b"a"), Some(b"3".to_vec()));
}

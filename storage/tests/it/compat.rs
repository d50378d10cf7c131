//! Golden files: what was stored once stays readable for ever.
//!
//! The files under `tests/golden` are never changed; a new format gets new files beside them.

use std::collections::BTreeMap;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};
use surehold_storage::codec::{self, CodecError};
use surehold_storage::faulty::FaultyDisk;
use surehold_storage::{Journal, NewRecord, RedbJournal};

use crate::{read_all, record, wait_durable};

const FRAMES: TableDefinition<u64, &[u8]> = TableDefinition::new("frames");
const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
const IDENTITY: u128 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;

/// Frames of version 1: the first of the journal with [`IDENTITY`], and the one after it.
const FRAMES_1: [(u64, &[u8]); 2] = [
    (1, include_bytes!("../golden/frame-1-first.bin")),
    (4, include_bytes!("../golden/frame-1-second.bin")),
];
const ENVELOPE_3: &[u8] = include_bytes!("../golden/envelope-3.bin");

fn first() -> Vec<NewRecord> {
    vec![record(1, 5), record(2, 0), record(3, 40)]
}

fn second() -> Vec<NewRecord> {
    vec![record(4, 300)]
}

fn written_today() -> Vec<(u64, Vec<u8>)> {
    let disk = FaultyDisk::new();
    let journal = RedbJournal::open_on(disk.clone(), IDENTITY).unwrap();
    for records in [first(), second()] {
        wait_durable(&*journal, journal.append(records).unwrap()).unwrap();
    }
    journal.close();
    let disk = FaultyDisk::holding(disk.contents());
    let database = Database::builder().create_with_backend(disk).unwrap();
    let frames = database.begin_read().unwrap().open_table(FRAMES).unwrap();
    let frames = frames.iter().unwrap().map(|entry| {
        let (key, value) = entry.unwrap();
        (key.value(), value.value().to_vec())
    });
    frames.collect()
}

#[test]
fn a_frame_written_today_equals_the_golden_one() {
    let written = written_today();
    assert_eq!(written.len(), FRAMES_1.len());
    for ((key, written), (golden_key, golden)) in written.iter().zip(FRAMES_1) {
        assert_eq!(*key, golden_key);
        assert_eq!(written, golden, "the frame format changed: give it a new version");
    }
}

#[test]
fn the_golden_frames_are_readable() {
    let disk = FaultyDisk::new();
    let database = Database::builder().create_with_backend(disk.clone()).unwrap();
    let transaction = database.begin_write().unwrap();
    for (key, frame) in FRAMES_1 {
        transaction.open_table(FRAMES).unwrap().insert(key, frame).unwrap();
    }
    let identity = IDENTITY.to_le_bytes();
    transaction.open_table(META).unwrap().insert("identity", identity.as_slice()).unwrap();
    transaction.commit().unwrap();
    drop(database);

    let journal = RedbJournal::open_on(FaultyDisk::holding(disk.contents()), 0).unwrap();
    assert_eq!((journal.identity(), journal.last()), (IDENTITY, 4));
    let read = read_all(&*journal, 2).unwrap();
    for (read, written) in read.iter().zip(first().into_iter().chain(second())) {
        assert_eq!((read.stream, read.number), (written.stream, written.number));
        assert_eq!(read.bytes, written.bytes);
    }
    assert_eq!(journal.append(vec![record(5, 5)]).unwrap(), 5, "and it goes on");
    assert_eq!(wait_durable(&*journal, 5), Ok(()));
}

/// One field of each kind that stored types are made of. Never changed.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Sample {
    small: u8,
    large: u64,
    signed: i64,
    wide: u128,
    flag: bool,
    text: String,
    list: Vec<u16>,
    none: Option<u32>,
    some: Option<u32>,
    choice: Choice,
    map: BTreeMap<String, i32>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Choice {
    Unit,
    Tuple(u8, String),
    Struct { left: i8, right: char },
}

fn sample(choice: Choice) -> Sample {
    Sample {
        small: 7,
        large: u64::MAX,
        signed: -300,
        wide: 1 << 100,
        flag: true,
        text: "Z\u{fc}rich \u{1F6CF}".to_owned(),
        list: vec![0, 250, 251, 65_535],
        none: None,
        some: Some(70_000),
        choice,
        map: [("a".to_owned(), -1), ("b".to_owned(), 2)].into(),
    }
}

fn samples() -> [Sample; 3] {
    [
        sample(Choice::Unit),
        sample(Choice::Tuple(1, "x".to_owned())),
        sample(Choice::Struct { left: -2, right: '\u{df}' }),
    ]
}

#[test]
fn a_value_written_today_equals_the_golden_one() {
    let written = codec::encode(3, &samples()).unwrap();
    assert_eq!(written, ENVELOPE_3, "stored values would no longer be readable");
}

#[test]
fn the_golden_value_is_readable() {
    let (version, body) = codec::open(ENVELOPE_3).unwrap();
    assert_eq!(version, 3);
    assert_eq!(codec::decode::<[Sample; 3]>(body), Ok(samples()));
}

#[test]
fn no_part_of_a_value_is_taken_for_the_whole() {
    assert_eq!(codec::open(&[]), Err(CodecError::Empty));
    let (_, body) = codec::open(ENVELOPE_3).unwrap();
    for length in 0..body.len() {
        let cut = codec::decode::<[Sample; 3]>(&body[..length]);
        assert!(matches!(cut, Err(CodecError::Malformed(_))), "{length} bytes");
    }
    let longer = [body, &[0]].concat();
    assert!(matches!(codec::decode::<[Sample; 3]>(&longer), Err(CodecError::Malformed(_))));
}

/// How the golden files were made. Run by hand for a new format, with new names:
/// `SUREHOLD_GOLDEN=<folder> cargo test -p surehold-storage writes_golden_files`.
#[test]
fn writes_golden_files_when_asked_to() {
    let Some(folder) = std::env::var_os("SUREHOLD_GOLDEN").map(std::path::PathBuf::from) else {
        return;
    };
    for ((_, frame), name) in written_today().iter().zip(["frame-1-first", "frame-1-second"]) {
        std::fs::write(folder.join(format!("{name}.bin")), frame).unwrap();
    }
    let envelope = codec::encode(3, &samples()).unwrap();
    std::fs::write(folder.join("envelope-3.bin"), envelope).unwrap();
}

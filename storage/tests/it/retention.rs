//! Old frames go, and what stands for them stays: at every moment, over power cuts and damage.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use surehold_storage::faulty::{Dice, FaultyDisk, Survivors};
use surehold_storage::redb::forge;
use surehold_storage::{
    Archive, Change, Direction, Journal, JournalError, Record, RedbJournal, Space,
};

use crate::{records, seeds, wait_durable};

const IDENTITY: u128 = 0x5eed;
const STATES: Space = Space(1);
/// Under which the archive says up to which sequence it stands for the records.
const REACHED: &[u8] = b"reached";

fn archive(journal: &RedbJournal) -> Arc<dyn Archive> {
    journal.archive().unwrap()
}

fn put(key: &[u8], value: &[u8]) -> Change {
    Change::Put { space: STATES, key: key.to_vec(), value: value.to_vec() }
}

/// Frames of ten records each, up to `last`.
fn fill(journal: &RedbJournal, last: u64) {
    for first in (journal.last() + 1..last).step_by(10) {
        wait_durable(journal, journal.append(records(first, first + 9)).unwrap()).unwrap();
    }
}

/// Says what the records up to `sequence` come to, then removes them.
fn compact(journal: &RedbJournal, sequence: u64, most: usize) -> Result<u64, JournalError> {
    let archive = archive(journal);
    let sequence = sequence.max(archive.get(STATES, REACHED).map_or(0, number));
    let said = archive.apply(vec![put(REACHED, &sequence.to_be_bytes())]);
    said.map_err(|error| JournalError::Closed(error.to_string().into()))?;
    archive.remove_to(sequence, most)
}

fn reached(journal: &RedbJournal) -> u64 {
    number(archive(journal).get(STATES, REACHED).unwrap())
}

fn number(stored: Option<Vec<u8>>) -> u64 {
    stored.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()))
}

/// Everything after the anchor, which must be what was written.
fn check_rest(journal: &RedbJournal, context: &str) {
    let (mut after, mut read) = (journal.anchor(), Vec::<Record>::new());
    loop {
        let more = journal.read_from(after, 37).unwrap_or_else(|e| panic!("{context}: {e}"));
        let Some(last) = more.last() else { break };
        after = last.sequence;
        read.extend(more);
    }
    assert_eq!(after, journal.last(), "{context}");
    let expected = records(journal.anchor() + 1, journal.last());
    assert_eq!(read.len(), expected.len(), "{context}");
    for (read, expected) in read.iter().zip(expected) {
        assert_eq!(u64::from(read.number), read.sequence, "{context}");
        assert_eq!((&read.bytes, read.stream), (&expected.bytes, expected.stream), "{context}");
    }
}

#[test]
fn what_is_removed_is_gone_by_whole_frames_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let journal = RedbJournal::open(folder.path()).unwrap();
    fill(&journal, 100);
    assert_eq!(journal.anchor(), 0);
    assert_eq!(compact(&journal, 45, 2).unwrap(), 20, "two frames at most");
    assert_eq!(compact(&journal, 45, 100).unwrap(), 40, "whole frames only");
    assert_eq!((journal.anchor(), journal.last()), (40, 100));
    for after in [0, 39] {
        let refused = journal.read_from(after, 10).unwrap_err();
        assert!(matches!(refused, JournalError::Removed { first: 41 }), "{refused}");
    }
    check_rest(&journal, "open");
    journal.close();
    assert!(matches!(compact(&journal, 90, 9), Err(JournalError::Closed(_))));
    let journal = RedbJournal::open(folder.path()).unwrap();
    assert_eq!((journal.anchor(), journal.last(), reached(&journal)), (40, 100, 45));
    check_rest(&journal, "opened again");
    fill(&journal, 130);
    check_rest(&journal, "appended to");
    assert_eq!(compact(&journal, 500, 100).unwrap(), 130, "all that is durable may go");
    journal.close();
    let journal = RedbJournal::open(folder.path()).unwrap();
    assert_eq!((journal.anchor(), journal.last()), (130, 130), "numbers go on without a frame");
    assert_eq!(journal.read_from(130, 10).unwrap(), []);
    fill(&journal, 150);
    check_rest(&journal, "after nothing was left");
    archive(&journal).verify().unwrap();
    journal.close();
}

/// A frame that was read to its end is not kept: whoever comes back for it, or to the middle of one, reads
/// it again.
#[test]
fn a_file_is_read_forwards_and_backwards_alike() {
    let disk = FaultyDisk::new();
    let journal = RedbJournal::open_on(disk.clone(), IDENTITY).unwrap();
    fill(&journal, 100);
    journal.close();
    let journal = RedbJournal::open_on(disk, IDENTITY).unwrap();
    let check = |after: u64, limit: u64, context: &str| {
        let records = journal.read_from(after, usize::try_from(limit).unwrap()).unwrap();
        let expected = after + 1..=100.min(after + limit);
        assert!(records.iter().map(|record| record.sequence).eq(expected), "{context}");
    };
    for limit in [1, 4, 10, 13, 20, 1000] {
        for after in 0..=100 {
            check(after, limit, &format!("{limit} after {after}"));
        }
        for forth in 0..=100 {
            check(forth, limit, &format!("{limit} after {forth}"));
            check(
                100 - forth,
                limit,
                &format!("{limit} after {forth}, then after the mirrored one"),
            );
        }
    }
}

#[test]
fn two_who_remove_at_once_leave_a_whole_chain() {
    let journal = RedbJournal::open_on(FaultyDisk::new(), IDENTITY).unwrap();
    fill(&journal, 1_000);
    let remove = |most| while archive(&journal).remove_to(900, most).unwrap() < 900 {};
    thread::scope(|scope| {
        scope.spawn(|| remove(1));
        scope.spawn(|| remove(3));
    });
    assert_eq!(journal.anchor(), 900);
    check_rest(&journal, "after both");
}

#[test]
fn an_archive_is_read_as_a_snapshot_store_is() {
    let journal = RedbJournal::open_on(FaultyDisk::new(), IDENTITY).unwrap();
    let archive = archive(&journal);
    assert_eq!(archive.get(STATES, b"a").unwrap(), None, "before there is any");
    let other = Change::Put { space: Space(2), key: b"b".to_vec(), value: b"x".to_vec() };
    archive.apply(vec![put(b"a", b"1"), put(b"b", b"2"), put(b"c", b"3"), other]).unwrap();
    archive
        .apply(vec![Change::Remove { space: STATES, key: b"b".to_vec() }, put(b"c", b"4")])
        .unwrap();
    assert_eq!(archive.get(STATES, b"c").unwrap().as_deref(), Some(b"4".as_slice()));
    assert_eq!(archive.get(STATES, b"b").unwrap(), None);
    let scan = |direction, limit| {
        let found = archive.scan(STATES, b"", &[0xff], direction, limit).unwrap();
        found.into_iter().map(|(key, value)| [key, value].concat()).collect::<Vec<_>>()
    };
    assert_eq!(scan(Direction::Up, 9), [b"a1".to_vec(), b"c4".to_vec()]);
    assert_eq!(scan(Direction::Down, 1), [b"c4".to_vec()]);
    archive.verify().unwrap();
    assert!(archive.clear().is_err(), "it is no cache");
    journal.close();
    assert!(archive.get(STATES, b"c").is_err(), "closed with its journal");
}

/// One run of appends, batches for the archive and removals, cut at each of its steps.
#[test]
fn no_power_cut_loses_what_was_durable_or_stands_for_what_went() {
    for seed in seeds(3) {
        let mut dice = Dice::new(seed);
        let disk = FaultyDisk::new();
        RedbJournal::open_on(disk.clone(), IDENTITY).unwrap().close();
        let disk = FaultyDisk::recording(disk.contents());
        let growth = [u64::MAX, 0][usize::try_from(seed % 2).unwrap()];
        let journal = RedbJournal::open_on_before_growth(disk.clone(), IDENTITY, growth).unwrap();
        // What was promised once the disk had made so many steps: last, anchor, reached.
        let mut promised = vec![(0, 0, 0, 0)];
        for _ in 0..25 {
            let first = journal.last() + 1;
            let last = journal.append(records(first, first + dice.below(30))).unwrap();
            wait_durable(&*journal, last).unwrap();
            if dice.below(2) == 0 {
                let upto = journal.anchor() + dice.below(1 + last - journal.anchor());
                compact(&journal, upto, 1 + usize::try_from(dice.below(3)).unwrap()).unwrap();
            }
            let (anchor, reached) = (journal.anchor(), reached(&journal));
            promised.push((disk.steps(), journal.last(), anchor, reached));
        }
        journal.close();
        let tape = disk.tape();
        let mut player = tape.play();
        for step in (0..=tape.len()).filter(|step| step % 5 == 0 || tape.is_sync(*step)) {
            player.forward(step);
            let (_, last, anchor, reached) =
                *promised.iter().rev().find(|(at, ..)| *at <= step).unwrap();
            for survivors in [Survivors::Nothing, Survivors::Prefix, Survivors::Subset] {
                let context = format!("seed {seed}, step {step}, {survivors:?}");
                let image = player.after_power_cut(survivors, seed);
                check_cut(image, (last, anchor, reached), &context);
            }
        }
    }
}

fn check_cut(image: Vec<u8>, (last, anchor, told): (u64, u64, u64), context: &str) {
    let journal = RedbJournal::open_on(FaultyDisk::holding(image), IDENTITY)
        .unwrap_or_else(|error| panic!("{context}: it does not open: {error}"));
    assert!(journal.last() >= last, "{context}: {} of {last}", journal.last());
    assert!(journal.anchor() >= anchor, "{context}: what was removed came back");
    assert!(reached(&journal) >= told, "{context}: the archive lost something");
    assert!(reached(&journal) >= journal.anchor(), "{context}: nothing stands for what went");
    check_rest(&journal, context);
    archive(&journal).verify().unwrap_or_else(|error| panic!("{context}: {error}"));
    journal.close();
}

#[test]
fn readers_and_writers_go_on_while_frames_go() {
    let folder = tempfile::tempdir().unwrap();
    let journal = RedbJournal::open(folder.path()).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            fill(&journal, 2000);
            done.store(true, Ordering::Release);
        });
        let reader = scope.spawn(|| {
            let mut after = 0;
            while after < 2000 {
                match journal.read_from(after, 50) {
                    Ok(read) => {
                        for record in read {
                            assert_eq!(record.sequence, after + 1);
                            after = record.sequence;
                        }
                    }
                    Err(JournalError::Removed { first }) => after = first - 1,
                    Err(error) => panic!("{error}"),
                }
            }
        });
        while !done.load(Ordering::Acquire) {
            let upto = journal.last().saturating_sub(500);
            compact(&journal, upto, 4).unwrap();
        }
        reader.join().unwrap();
    });
    assert!(journal.anchor() > 0);
    check_rest(&journal, "after all");
    journal.close();
}

fn compacted(folder: &Path) {
    let journal = RedbJournal::open(folder).unwrap();
    fill(&journal, 100);
    compact(&journal, 50, 100).unwrap();
    journal.close();
}

#[test]
fn a_frame_or_an_anchor_that_is_missing_is_noticed() {
    // The first frame left, one in the middle, and the anchor.
    for first in [51, 71, u64::MAX] {
        let folder = tempfile::tempdir().unwrap();
        compacted(folder.path());
        assert!(forge::take(folder.path(), first).unwrap());
        let refused = RedbJournal::open(folder.path()).map(drop).unwrap_err();
        assert!(matches!(refused, JournalError::Damaged { .. }), "{first}: {refused}");
    }
}

#[test]
fn a_frame_that_was_altered_is_noticed() {
    for place in [51, 71] {
        let folder = tempfile::tempdir().unwrap();
        compacted(folder.path());
        // Whole in itself, but of another journal, or from another place.
        let other = forge::frames(folder.path()).unwrap();
        let (_, bytes) = other.iter().find(|(first, _)| *first == 91).unwrap();
        forge::change_frames(folder.path(), |first, frame| {
            if first == place { bytes.to_vec() } else { frame.to_vec() }
        })
        .unwrap();
        let journal = RedbJournal::open(folder.path()).unwrap();
        let refused = journal.read_from(50, 100).unwrap_err();
        assert!(matches!(refused, JournalError::Damaged { .. }), "{place}: {refused}");
        assert!(compact(&journal, 100, 100).is_err(), "{place}: nor is it removed unseen");
        journal.close();
    }
}

#[test]
fn a_file_shrinks_when_nobody_has_it_open() {
    let folder = tempfile::tempdir().unwrap();
    let journal = RedbJournal::open(folder.path()).unwrap();
    for first in (1..30_000).step_by(1000) {
        wait_durable(&*journal, journal.append(records(first, first + 999)).unwrap()).unwrap();
    }
    compact(&journal, 29_000, 100_000).unwrap();
    let before = journal.size_on_disk();
    let refused = RedbJournal::shrink(folder.path()).unwrap_err();
    assert!(matches!(refused, JournalError::InUse(_)), "{refused}");
    journal.close();
    RedbJournal::shrink(folder.path()).unwrap();
    let journal = RedbJournal::open(folder.path()).unwrap();
    let after = journal.size_on_disk();
    assert!(after * 4 < before, "{before} bytes became {after}");
    check_rest(&journal, "shrunk");
    journal.close();
}

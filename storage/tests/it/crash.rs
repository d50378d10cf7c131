//! Power cuts: what was durable is there, in order, whole appends only, and the chain holds.

use std::sync::Arc;

use surehold_storage::faulty::{Dice, FaultyDisk, Survivors};
use surehold_storage::{Journal, RedbJournal};

use crate::{assert_prefix, read_all, records, seeds, wait_durable};

const IDENTITY: u128 = 0x5eed;
const CUTS: [Survivors; 3] = [Survivors::Nothing, Survivors::Prefix, Survivors::Subset];

/// How the journal commits: with one sync; with two; and changing from one to the other on the way.
const BEFORE_GROWTH: [u64; 3] = [u64::MAX, 0, 20_000];

/// A new journal on a new disk.
fn new(before_growth: u64) -> (FaultyDisk, Arc<RedbJournal>) {
    let disk = FaultyDisk::new();
    let journal = RedbJournal::open_on_before_growth(disk.clone(), IDENTITY, before_growth);
    (disk, journal.unwrap())
}

/// Appends until the power goes; the sequences at which appends ended, from 0 on.
fn work(journal: &RedbJournal, mut dice: Dice) -> Vec<u64> {
    let mut ends = vec![journal.last()];
    while ends.len() < 60 {
        let first = ends.last().unwrap() + 1;
        // Large appends now and then, so that the file grows while it is cut.
        let count = if dice.below(10) == 0 { 1 + dice.below(400) } else { 1 + dice.below(9) };
        let Ok(last) = journal.append(records(first, first + count - 1)) else { break };
        ends.push(last);
        if dice.below(3) > 0 && wait_durable(journal, last).is_err() {
            break;
        }
    }
    journal.close();
    ends
}

/// Opens what the cut left and checks it against what was promised.
fn check(image: Vec<u8>, promised: u64, ends: &[u64], context: &str) -> FaultyDisk {
    let disk = FaultyDisk::holding(image);
    let journal = RedbJournal::open_on(disk.clone(), IDENTITY)
        .unwrap_or_else(|error| panic!("{context}: it does not open: {error}"));
    let last = journal.last();
    assert!(last >= promised, "{context}: {promised} was durable, {last} is there");
    assert!(ends.contains(&last), "{context}: half of an append survived: {last}");
    let read = read_all(&*journal, 100).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert_eq!(read.len() as u64, last, "{context}");
    assert_prefix(&read);
    let next = journal.append(records(last + 1, last + 2)).unwrap();
    wait_durable(&*journal, next).unwrap_or_else(|error| panic!("{context}: {error}"));
    journal.close();
    disk
}

#[test]
fn no_power_cut_loses_what_was_durable() {
    for seed in seeds(60) {
        let mut dice = Dice::new(seed);
        let (disk, journal) = new(BEFORE_GROWTH[usize::try_from(seed % 3).unwrap()]);
        disk.cut_power_at_sync(disk.syncs() + 1 + dice.below(50));
        let ends = work(&journal, dice);
        let promised = journal.last();
        for survivors in CUTS {
            let context = format!("seed {seed}, {survivors:?}");
            check(disk.after_power_cut(survivors, seed), promised, &ends, &context);
        }
    }
}

#[test]
fn a_power_cut_during_the_recovery_from_one_is_survived() {
    for seed in seeds(10) {
        let mut dice = Dice::new(seed);
        let (disk, journal) = new(BEFORE_GROWTH[usize::try_from(seed % 3).unwrap()]);
        disk.cut_power_at_sync(disk.syncs() + 5 + dice.below(20));
        let ends = work(&journal, dice.clone());
        let promised = journal.last();
        let image = disk.after_power_cut(Survivors::Subset, seed);
        for sync in 1..6 {
            let again = FaultyDisk::holding(image.clone());
            again.cut_power_at_sync(sync);
            // Whether it still opens depends on where the cut comes; nothing is promised by it.
            drop(RedbJournal::open_on(again.clone(), IDENTITY));
            let context = format!("seed {seed}, cut again at sync {sync}");
            check(again.after_power_cut(Survivors::Subset, sync), promised, &ends, &context);
        }
    }
}

#[test]
fn after_a_failed_write_nothing_more_is_taken() {
    let (disk, journal) = new(u64::MAX);
    wait_durable(&*journal, journal.append(records(1, 5)).unwrap()).unwrap();
    disk.cut_power_at_sync(disk.syncs() + 1);
    let lost = journal.append(records(6, 6)).unwrap();
    assert!(wait_durable(&*journal, lost).is_err());
    assert!(journal.append(records(7, 7)).is_err());
    assert!(journal.durable().closed().is_some_and(|reason| reason.contains("power is off")));
    assert_eq!(journal.last(), 5);
    check(disk.after_power_cut(Survivors::Nothing, 0), 5, &[5, 6], "after a failed write");
}

#[test]
fn killing_the_process_loses_nothing_durable() {
    let (disk, journal) = new(u64::MAX);
    let appended: Vec<u64> = (1..=40).map(|id| journal.append(records(id, id)).unwrap()).collect();
    let last = *appended.last().unwrap();
    wait_durable(&*journal, last).unwrap();
    // The file as it is while the journal is still open: what kill -9 leaves.
    let contents = disk.contents();
    check(contents, last, &[last], "killed");
    assert_eq!(Arc::strong_count(&journal), 1);
}

//! The journal's contract, promise by promise, over every backend.

use std::sync::{Arc, Barrier};
use std::thread;

use bytes::Bytes;
use surehold_storage::faulty::{FaultyDisk, FaultyJournal};
use surehold_storage::{Journal, JournalError, MemoryJournal, NewRecord, RedbJournal};
use tempfile::TempDir;

use crate::{AnyJournal, assert_prefix, read_all, record, records, wait, wait_durable};

/// Runs every promise over new journals of one backend.
fn check(mut new: impl FnMut() -> AnyJournal) {
    starts_empty(&*new());
    appends_in_one_order(&*new());
    reads_from_anywhere(&*new());
    orders_concurrent_appends(new());
    closes_for_good(&*new());
    drains_when_closing(&*new());
    takes_an_empty_append_for_nothing(&*new());
    removes_what_is_archived(&*new());
}

#[test]
fn redb() {
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    check(|| {
        number += 1;
        RedbJournal::open(&folder.path().join(number.to_string())).unwrap()
    });
}

#[test]
fn redb_on_a_disk_in_memory() {
    check(|| RedbJournal::open_on(FaultyDisk::new(), 7).unwrap());
}

#[test]
fn memory() {
    check(|| MemoryJournal::new(7));
}

#[test]
fn faulty_without_a_fault() {
    check(|| FaultyJournal::new(MemoryJournal::new(7)));
    check(|| FaultyJournal::new(RedbJournal::open_on(FaultyDisk::new(), 7).unwrap()));
}

fn starts_empty(journal: &dyn Journal) {
    assert_eq!(journal.last(), 0);
    assert_eq!(journal.read_from(0, 10).unwrap(), []);
    assert_eq!(journal.durable().closed(), None);
    assert_eq!(wait_durable(journal, 0), Ok(()), "nothing is durable already");
}

/// Promise 8.
fn removes_what_is_archived(journal: &dyn Journal) {
    for first in (1..40).step_by(4) {
        wait_durable(journal, journal.append(records(first, first + 3)).unwrap()).unwrap();
    }
    let archive = journal.archive().unwrap();
    archive.apply(Vec::new()).unwrap();
    assert_eq!(journal.anchor(), 0);
    let mut reached = 0;
    loop {
        let next = archive.remove_to(20, 3).unwrap();
        assert_eq!(journal.anchor(), next);
        if next == reached {
            break;
        }
        reached = next;
    }
    assert_eq!(reached, 20);
    let refused = journal.read_from(19, 9).unwrap_err();
    assert!(matches!(refused, JournalError::Removed { first: 21 }), "{refused}");
    let rest = journal.read_from(20, 99).unwrap();
    assert_eq!((rest[0].sequence, rest.len()), (21, 20));
    assert_eq!(journal.append(records(41, 41)).unwrap(), 41);
    wait_durable(journal, 41).unwrap();
    assert_eq!(archive.remove_to(u64::MAX, 99).unwrap(), 41);
    assert_eq!(journal.read_from(41, 9).unwrap(), []);
    assert_eq!(journal.append(records(42, 42)).unwrap(), 42);
    assert!(archive.clear().is_err());
    archive.verify().unwrap();
    journal.close();
    assert!(archive.remove_to(42, 9).is_err());
}

/// Promises 1 and 2.
fn appends_in_one_order(journal: &dyn Journal) {
    assert_eq!(journal.append(records(1, 1)).unwrap(), 1);
    assert_eq!(journal.append(records(2, 5)).unwrap(), 5, "the sequence of the last one");
    assert_eq!(wait_durable(journal, 5), Ok(()));
    assert_eq!(journal.last(), 5);
    let read = journal.read_from(0, 10).unwrap();
    assert_eq!(read.len(), 5);
    assert_prefix(&read);
}

fn reads_from_anywhere(journal: &dyn Journal) {
    for first in (1..=100).step_by(5) {
        let sequence = journal.append(records(first, first + 4)).unwrap();
        wait_durable(journal, sequence).unwrap();
    }
    for after in 0..=105 {
        for limit in [0, 1, 3, 7, 1000] {
            let read = journal.read_from(after, limit).unwrap();
            let expected = (100 - after.min(100)).min(limit as u64);
            assert_eq!(read.len() as u64, expected, "after {after}, limit {limit}");
            for (record, sequence) in read.iter().zip(after + 1..) {
                assert_eq!((record.sequence, record.stream.id), (sequence, sequence));
            }
        }
    }
    assert_eq!(journal.read_from(u64::MAX, 10).unwrap(), []);
    assert_eq!(read_all(journal, 13).unwrap().len(), 100);
}

/// Promises 1, 2 and 4: appends of several threads do not mix, and each thread's stay in order.
fn orders_concurrent_appends(journal: AnyJournal) {
    const THREADS: u64 = 4;
    const APPENDS: u64 = 100;
    let start = Arc::new(Barrier::new(4));
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (journal, start) = (Arc::clone(&journal), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                let appended: Vec<u64> = (0..APPENDS)
                    .map(|append| {
                        let id = thread * 1000 + append;
                        journal.append(vec![record(id, 20), record(id, 30)]).unwrap()
                    })
                    .collect();
                wait_durable(&*journal, *appended.last().unwrap()).unwrap();
                appended
            })
        })
        .collect();
    let given: Vec<Vec<u64>> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    let read = read_all(&*journal, 50).unwrap();
    assert_eq!(read.len() as u64, THREADS * APPENDS * 2);
    for (record, sequence) in read.iter().zip(1..) {
        assert_eq!(record.sequence, sequence, "no gap");
    }
    for (thread, sequences) in (0..).zip(given) {
        assert!(sequences.is_sorted());
        for (append, sequence) in (0..).zip(sequences) {
            let pair = &read[usize::try_from(sequence).unwrap() - 2..][..2];
            assert!(pair.iter().all(|record| record.stream.id == thread * 1000 + append));
        }
    }
}

/// Promises 5 and 7.
fn closes_for_good(journal: &dyn Journal) {
    journal.append(records(1, 3)).unwrap();
    journal.close();
    journal.close();
    assert!(matches!(journal.append(records(4, 4)), Err(JournalError::Closed(_))));
    assert!(matches!(journal.read_from(0, 10), Err(JournalError::Closed(_))));
    assert!(journal.durable().closed().is_some());
    assert_eq!(wait_durable(journal, 3), Ok(()), "what is durable stays so");
    assert!(wait_durable(journal, 4).is_err(), "and nothing more becomes so");
}

fn drains_when_closing(journal: &dyn Journal) {
    let appended: Vec<u64> = (1..=50).map(|id| journal.append(records(id, id)).unwrap()).collect();
    assert!(appended.is_sorted());
    journal.close();
    assert_eq!(journal.last(), 50, "what was appended before is written");
}

fn takes_an_empty_append_for_nothing(journal: &dyn Journal) {
    assert_eq!(journal.append(Vec::new()).unwrap(), 0);
    assert_eq!(journal.append(records(1, 1)).unwrap(), 1);
    wait_durable(journal, 1).unwrap();
    assert_eq!(journal.append(Vec::new()).unwrap(), 1);
    assert_prefix(&read_all(journal, 10).unwrap());
}

fn reopened(folder: &TempDir) -> Arc<RedbJournal> {
    RedbJournal::open(folder.path()).unwrap()
}

#[test]
fn redb_goes_on_where_it_was_closed() {
    let folder = tempfile::tempdir().unwrap();
    let mut identity = None;
    for round in 0..4 {
        let journal = reopened(&folder);
        assert_eq!(*identity.get_or_insert(journal.identity()), journal.identity());
        assert_eq!(journal.last(), round * 20);
        assert_prefix(&read_all(&*journal, 7).unwrap());
        for first in (round * 20 + 1..).step_by(4).take(5) {
            journal.append(records(first, first + 3)).unwrap();
        }
        // Every other round it is only dropped; that must write as well.
        if round % 2 == 0 {
            journal.close();
        }
    }
    let journal = reopened(&folder);
    assert!(journal.size_on_disk() > 0);
    assert_eq!(read_all(&*journal, 1000).unwrap().len(), 80);
}

#[test]
fn journals_have_identities_of_their_own() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert_ne!(reopened(&one).identity(), reopened(&two).identity());
}

#[test]
fn redb_has_one_user_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let journal = reopened(&folder);
    assert!(matches!(RedbJournal::open(folder.path()), Err(JournalError::InUse(_))));
    journal.close();
    drop(reopened(&folder));
    assert_eq!(journal.last(), 0, "a closed handle gives its file up while it still lives");
}

#[test]
fn redb_keeps_a_large_append_whole_and_refuses_a_huge_one() {
    let folder = tempfile::tempdir().unwrap();
    let journal = reopened(&folder);
    // More than a frame takes otherwise.
    let many: Vec<_> = (1..=70_000).map(|id| record(id, 0)).collect();
    wait_durable(&*journal, journal.append(many).unwrap()).unwrap();
    let part = NewRecord { bytes: Bytes::from(vec![0; 129 << 20]), ..record(1, 0) };
    let huge = vec![part.clone(), part];
    assert!(matches!(journal.append(huge), Err(JournalError::Io { .. })));
    assert_eq!(journal.append(vec![record(70_001, 1 << 20)]).unwrap(), 70_001, "and goes on");
    journal.close();
    let journal = reopened(&folder);
    assert_eq!(read_all(&*journal, 9_999).unwrap().len(), 70_001);
}

#[test]
fn memory_holds_durability_back_until_released() {
    let journal = MemoryJournal::held(1);
    journal.append(records(1, 3)).unwrap();
    assert_eq!(journal.last(), 0);
    assert_eq!(journal.read_from(0, 10).unwrap(), [], "only durable records are read");
    journal.release();
    journal.append(records(4, 5)).unwrap();
    assert_prefix(&read_all(&*journal, 10).unwrap());
    journal.fail("the power went");
    assert_eq!(wait_durable(&*journal, 4).unwrap_err().0.as_ref(), "the power went");
    let reopened = journal.reopened();
    assert_eq!((reopened.last(), reopened.identity()), (3, 1), "what was durable is there");
    assert_eq!(reopened.append(records(4, 4)).unwrap(), 4);
}

#[test]
fn faults_do_what_they_say() {
    let new = || FaultyJournal::new(MemoryJournal::new(1));

    let journal = new();
    journal.freeze();
    assert_eq!(journal.append(records(1, 2)).unwrap(), 2, "a frozen disk delays no append");
    assert_eq!(journal.last(), 0);
    journal.thaw();
    assert_eq!(journal.last(), 2);

    let journal = new();
    journal.lag_by(2);
    let lasts = (1..=4).map(|id| {
        journal.append(records(id, id)).unwrap();
        journal.last()
    });
    assert_eq!(lasts.collect::<Vec<_>>(), [0, 0, 1, 2]);
    journal.close();
    assert_eq!(journal.last(), 4);

    let journal = new();
    journal.fail_at(2);
    journal.append(records(1, 1)).unwrap();
    assert_eq!(journal.append(records(2, 2)).unwrap(), 2);
    assert!(wait_durable(&*journal, 2).unwrap_err().0.contains("injected"));
    assert!(matches!(journal.append(records(3, 3)), Err(JournalError::Closed(_))));
    assert_eq!(journal.inner().reopened().last(), 1);

    let journal = new();
    journal.fill_up_after(50);
    journal.append(vec![record(1, 50)]).unwrap();
    journal.append(vec![record(2, 1)]).unwrap();
    assert!(wait_durable(&*journal, 2).unwrap_err().0.contains("no space"));
}

#[test]
fn a_waiter_is_told_when_the_journal_fails() {
    let journal = FaultyJournal::new(MemoryJournal::new(1));
    journal.freeze();
    let sequence = journal.append(records(1, 1)).unwrap();
    wait(async {
        let durable = Arc::clone(journal.durable());
        let waiter = tokio::spawn(async move { durable.reached(sequence).await });
        tokio::task::yield_now().await;
        journal.fail("the disk broke");
        assert_eq!(waiter.await.unwrap().unwrap_err().0.as_ref(), "the disk broke");
    });
}

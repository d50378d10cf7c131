//! The stores keep their promises: all backends, after power cuts, over damage, with a full disk.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, only clippy cannot tell")]
#![expect(clippy::print_stdout, reason = "a test prints its seeds and what it skips")]

mod compat;
mod contract;
mod crash;
mod damage;
mod forge;
mod full_disk;
mod retention;
mod sled_files;
mod sled_power;
mod snapshots;

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use surehold_storage::{Journal, JournalError, NewRecord, NotDurable, Record, Stream};

/// A record whose bytes tell which one it is.
fn record(id: u64, length: usize) -> NewRecord {
    let bytes: Vec<u8> = id.to_le_bytes().into_iter().cycle().take(length).collect();
    let number = u32::try_from(id).unwrap();
    NewRecord { stream: Stream { kind: 1, group: 2, id }, number, bytes: Bytes::from(bytes) }
}

/// The records `from..=to`, each of a length of its own.
fn records(from: u64, to: u64) -> Vec<NewRecord> {
    (from..=to).map(|id| record(id, usize::try_from(id * 7 % 300).unwrap())).collect()
}

/// Waits as a caller would.
fn wait<T>(what: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(what)
}

fn wait_durable(journal: &dyn Journal, sequence: u64) -> Result<(), NotDurable> {
    wait(journal.durable().reached(sequence))
}

/// Everything in the journal, read in steps.
fn read_all(journal: &dyn Journal, step: usize) -> Result<Vec<Record>, JournalError> {
    let mut all = Vec::new();
    loop {
        let after = all.last().map_or(0, |record: &Record| record.sequence);
        let mut read = journal.read_from(after, step)?;
        if read.is_empty() {
            return Ok(all);
        }
        all.append(&mut read);
    }
}

/// Asserts that these are the records of [`records`] from 1 on.
fn assert_prefix(read: &[Record]) {
    let expected = records(1, read.len() as u64);
    for ((read, expected), sequence) in read.iter().zip(expected).zip(1..) {
        assert_eq!(read.sequence, sequence);
        assert_eq!((read.stream, read.number), (expected.stream, expected.number));
        assert_eq!(read.bytes, expected.bytes, "sequence {sequence}");
    }
}

/// The seeds of a test: always the same, or the one in `SUREHOLD_SEED`. Each is printed.
fn seeds(count: u64) -> impl Iterator<Item = u64> {
    let given = std::env::var("SUREHOLD_SEED").ok().map(|seed| seed.parse::<u64>().unwrap());
    let all = given.map_or(0..count, |seed| seed..seed + 1);
    all.inspect(|seed| println!("SUREHOLD_SEED={seed}"))
}

/// An owned trait object, to be handed about.
type AnyJournal = Arc<dyn Journal>;

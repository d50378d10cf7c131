//! Power cuts: the real engine works on a disk that knows what is certain; then the power is cut at
//! every sync and in between, with torn writes, and what is left is opened again.
//!
//! One run of traffic (see `traffic`) is recorded once and cut as often as wanted afterwards: what had
//! been told and charged at each step of the disk is known. Cuts come in three sorts:
//!
//! - the **journal** alone, at every sync with three sorts of survivors and at every write in between:
//!   it opens, every frame and its chain are right, everything told is there, no key made two orders,
//!   no unit is held by nobody, and no charge left before its reason;
//! - the **engine**, over what is left of journal and snapshots: besides, what was under way comes to
//!   a right end, the same request gets the same answer, the audit balances, and the gateway's ledger
//!   agrees;
//! - **twice**: the engine as above, and the power goes again while it recovers or soon after.
//!
//! A run is not the same to the last byte when it is repeated, because the journal's thread gathers
//! what it finds; the traffic and the dice are. The journal's syncs wait until the engine has nothing
//! else to do: whatever it says without waiting for the disk is said before the disk is asked.

mod bank;
mod clock;
mod idle;
mod machine;
mod records;
mod recovery;
mod run;
mod traffic;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::{Ask, Fault, Verdict};
use run::{Broken, Sizes, cut_up};

/// Seeds of a full proof and of a quick one.
const SEEDS: u64 = 16;
const SEEDS_QUICK: u64 = 3;
/// How much of each run is cut.
const FULL: Sizes = Sizes { every: 1, engines: 40 };
const QUICK: Sizes = Sizes { every: 9, engines: 4 };
/// Faults that are told; the others are likely the same one.
const FAULTS_MAX: usize = 3;

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    runs: u64,
    answers: u64,
    journals: u64,
    records: u64,
    removed: u64,
    engines: u64,
    twice: u64,
}

/// Cuts the power, thousands of times.
#[must_use]
pub fn run(ask: &Ask) -> Verdict {
    let seeds = ask.seeds_or(SEEDS, SEEDS_QUICK);
    let sizes = if ask.quick { QUICK } else { FULL };
    let next = AtomicU64::new(0);
    let verdict = Mutex::new(Verdict::default());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    if place >= seeds {
                        break;
                    }
                    let seed = ask.seed.wrapping_add(place);
                    let mut count = Count::default();
                    let outcome = cut_up(seed, sizes, &mut count);
                    let mut verdict = verdict.lock().unwrap_or_else(PoisonError::into_inner);
                    enter(&mut verdict, count);
                    if let Err(broken) = outcome {
                        verdict.faults.push(fault(broken, seed, ask.quick));
                        if verdict.faults.len() >= FAULTS_MAX {
                            next.store(seeds, Ordering::Relaxed);
                        }
                    }
                    ask.progress.at(next.load(Ordering::Relaxed).min(seeds), seeds, "runs cut up");
                }
            });
        }
    });
    verdict.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn enter(verdict: &mut Verdict, count: Count) {
    verdict.tried(count.journals, "cuts of the journal");
    verdict.tried(count.engines, "cuts of the whole engine");
    verdict.tried(count.twice, "cuts during or after the recovery from one");
    verdict.tried(count.runs, "runs");
    verdict.tried(count.answers, "answers remembered");
    verdict.tried(count.records, "records checked");
    verdict.tried(count.removed, "of them archived and removed");
}

fn fault(Broken { what, story }: Broken, seed: u64, quick: bool) -> Fault {
    let quick = if quick { " --quick" } else { "" };
    let repeat = Some(format!("surehold prove power --seed {seed} --seeds 1{quick}"));
    Fault { what, repeat, story }
}

//! The real engine in worlds under a seed: its tree, actors, routing and recovery on one thread and a
//! virtual clock, over a disk, a gateway, customers and operators that the seed makes difficult.
//!
//! ```text
//!  moves (made from the seed)      clients: what they were told
//!    |                               ^
//!  life --- Engine --- bank          |    oracles of every record: book
//!    |        `------- disk, snapshots          of every answer: clients
//!  dies, and lives again from what the disk kept    of every life and the end: audit
//! ```
//!
//! One seed tells one story, byte for byte, in any process: nothing here asks the time of the machine,
//! and no thread but its own has a part in a world.

mod audit;
mod bank;
mod book;
mod clients;
mod disk;
mod life;
mod moves;
mod node;
mod notes;
mod panics;
mod snapshots;
mod story;
mod town;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bank::Bank;
use clients::Clients;
use disk::Disk;
use life::{End, Scene, live};
use moves::Move;
use notes::{Kept, Notes};

use crate::{Ask, Fault, Verdict};

/// Worlds that are tried every time, from seed 1 on.
const FIXED: u64 = 1500;
/// Fresh worlds.
const FRESH: u64 = 2500;
/// Both at small sizes.
const QUICK: u64 = 12;
/// Worlds that may break before no more are tried: each takes a while to be told.
const BROKEN_MAX: usize = 3;
/// How long a story may take to be made short; at small sizes.
const SHORTENED_WITHIN: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(4));
/// Lives of one node. More than its moves can end means that it does not stay up by itself.
const LIVES_MAX: u64 = 100;

/// Tries worlds, and adds what came of them.
pub fn run(ask: &Ask, verdict: &mut Verdict) {
    let fresh = |count: u64| ask.seed..ask.seed.saturating_add(count);
    let blocks: Vec<Range<u64>> = match (ask.seeds, ask.quick) {
        (Some(count), _) => vec![fresh(count)],
        (None, true) => vec![1..QUICK + 1, fresh(QUICK)],
        (None, false) => vec![1..FIXED + 1, fresh(FRESH)],
    };
    let seeds: Vec<u64> = blocks.into_iter().flatten().collect();
    let all = Mutex::new(Results::default());
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get).min(seeds.len());
    std::thread::scope(|scope| {
        for _ in 0..workers.max(1) {
            scope.spawn(|| work(ask, &seeds, &next, &all));
        }
    });
    let Results { done, counts, mut broken } =
        all.into_inner().unwrap_or_else(PoisonError::into_inner);
    verdict.tried(done, "worlds of the real engine");
    for (what, count) in counts {
        verdict.tried(count, what);
    }
    broken.sort_by_key(|(seed, _)| *seed);
    verdict.faults.extend(broken.into_iter().map(|(_, fault)| fault));
}

#[derive(Default)]
struct Results {
    done: u64,
    counts: BTreeMap<&'static str, u64>,
    broken: Vec<(u64, Fault)>,
}

fn work(ask: &Ask, seeds: &[u64], next: &AtomicUsize, all: &Mutex<Results>) {
    while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
        let moves = moves::moves(*seed);
        let kept = world(*seed, &moves, false);
        let fault = kept.faults.first().map(|found| {
            next.fetch_add(if enough(all) { seeds.len() } else { 0 }, Ordering::Relaxed);
            let (full, quick) = SHORTENED_WITHIN;
            story::tell(*seed, moves, found, if ask.quick { quick } else { full })
        });
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        all.done += 1;
        for (what, count) in kept.counts {
            *all.counts.entry(what).or_default() += count;
        }
        all.broken.extend(fault.map(|fault| (*seed, fault)));
        ask.progress.at(all.done, seeds.len() as u64, "worlds");
    }
}

/// Whether the world that just broke is the last that needs to be told.
fn enough(all: &Mutex<Results>) -> bool {
    all.lock().unwrap_or_else(PoisonError::into_inner).broken.len() + 1 >= BROKEN_MAX
}

/// The whole story of a seed, line by line; the same every time.
#[must_use]
pub fn story_of(seed: u64) -> Vec<String> {
    world(seed, &moves::moves(seed), true).lines
}

/// A number that is the same for the same story.
#[must_use]
pub fn sum_of(seed: u64) -> u64 {
    world(seed, &moves::moves(seed), false).sum
}

/// Plays a world to its end. Keeps the lines of its story only if they are wanted.
fn world(seed: u64, moves: &[Move], lines: bool) -> Kept {
    panics::listen();
    let notes = Arc::new(Notes::new(lines));
    match town::plans() {
        Ok(plans) => {
            let scene = Arc::new(Scene {
                plans,
                notes: Arc::clone(&notes),
                disk: Arc::new(Disk::new(seed)),
                bank: Arc::new(Bank::new(seed)),
                clients: Clients::default(),
                moves: moves.to_vec(),
                next: AtomicUsize::new(0),
                settled: AtomicBool::new(false),
            });
            lives(&scene);
        }
        Err(error) => notes.fault(error.to_string(), None),
    }
    for panic in panics::heard() {
        notes.fault(format!("a panic nobody asked for: {panic}"), None);
    }
    notes.take()
}

/// One life after the other, each on a runtime of its own that is dropped as it stands.
fn lives(scene: &Arc<Scene>) {
    let mut age = 0;
    for _ in 0..LIVES_MAX {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = match builder.enable_time().start_paused(true).build() {
            Ok(runtime) => runtime,
            Err(error) => return scene.notes.fault(error.to_string(), None),
        };
        let (end, now) = runtime.block_on(live(Arc::clone(scene), age));
        drop(runtime);
        scene.notes.count("lives of a node", 1);
        let away = match end {
            End::Died(death) => {
                scene.disk.cut(&death, &scene.notes);
                death.away
            }
            End::Closed => 10,
            End::Over => return,
        };
        age = now + away;
    }
    scene.notes.fault("the node does not stay up".to_owned(), None);
}

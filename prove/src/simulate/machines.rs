//! Whole markets of machines under one seed: what happens next is thrown, and a seed throws the same
//! for ever.
//!
//! A script of throws is played in a small world (offerings of every kind, customers, an operator, a
//! gateway, a disk that lags behind); then everything calms down, and all orders must end right. A
//! script that fails is made shorter as long as it still fails, and told as a story.

mod calm;
mod happen;
mod scene;
mod script;
mod shrink;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use scene::{Fixtures, Scene};
use script::{OfSeed, Script};

use crate::{Ask, Fault, Verdict};

/// Seeds of the fixed block and of the fresh one each: full size, and for a quick look.
const SEEDS: [u64; 2] = [1000, 60];
/// The first seed of the fixed block.
const FIRST: u64 = 1;
/// Stories told at most: the first few say enough.
const STORIES_MAX: usize = 3;
/// After so many worlds somebody hears how far it is.
const PROGRESS_EVERY: u64 = 64;

/// What a world came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) orders: u64,
    pub(crate) facts: u64,
    /// Messages, calls and deadlines.
    pub(crate) steps: u64,
    /// Crashes of nodes, orders and parties.
    pub(crate) crashes: u64,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.orders += other.orders;
        self.facts += other.facts;
        self.steps += other.steps;
        self.crashes += other.crashes;
    }
}

/// What is wrong with a world, and what happened in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) what: String,
    pub(crate) story: Vec<String>,
}

/// Plays the fixed block of seeds and one that begins at the seed asked for.
#[must_use]
pub fn run(ask: &Ask) -> Verdict {
    let size = ask.seeds_or(SEEDS[0], SEEDS[1]);
    let fresh = ask.seed.max(FIRST.saturating_add(size));
    let fresh = if ask.seeds.is_some() && ask.seed < fresh { ask.seed } else { fresh };
    let mut seeds: Vec<u64> = (FIRST..FIRST.saturating_add(size)).collect();
    seeds.extend(fresh..fresh.saturating_add(size));
    let next = AtomicU64::new(0);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let played = thread::scope(|scope| {
        let workers: Vec<_> =
            (0..workers).map(|_| scope.spawn(|| play_block(ask, &seeds, &next))).collect();
        let all: Vec<_> = workers.into_iter().filter_map(|worker| worker.join().ok()).collect();
        all
    });
    let mut tally = Tally::default();
    let (mut worlds, mut failed) = (0, Vec::new());
    for (count, one, seeds) in played {
        worlds += count;
        tally.add(one);
        failed.extend(seeds);
    }
    failed.sort_unstable();
    failed.dedup();
    let mut verdict = verdict(worlds, tally, &failed);
    if worlds < seeds.len() as u64 {
        let what = format!("{} worlds were never played", seeds.len() as u64 - worlds);
        verdict.faults.push(Fault { what, repeat: None, story: Vec::new() });
    }
    verdict
}

fn play_block(ask: &Ask, seeds: &[u64], next: &AtomicU64) -> (u64, Tally, Vec<u64>) {
    let fixtures = Fixtures::new();
    let (mut worlds, mut tally, mut failed) = (0, Tally::default(), Vec::new());
    let of = seeds.len() as u64;
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let Some(seed) = usize::try_from(at).ok().and_then(|at| seeds.get(at)) else { break };
        let (scene, script) = thrown(&fixtures, *seed);
        let (one, failure) = play(&scene, &script, false);
        worlds += 1;
        tally.add(one);
        failed.extend(failure.map(|_| *seed));
        if at.is_multiple_of(PROGRESS_EVERY) {
            ask.progress.at(at, of, "worlds");
        }
    }
    (worlds, tally, failed)
}

fn verdict(worlds: u64, tally: Tally, failed: &[u64]) -> Verdict {
    let mut verdict = Verdict::default();
    verdict.tried(worlds, "worlds");
    verdict.tried(tally.orders, "orders");
    verdict.tried(tally.steps, "messages, calls and deadlines");
    verdict.tried(tally.facts, "facts");
    verdict.tried(tally.crashes, "crashes");
    let fixtures = Fixtures::new();
    for seed in failed.iter().take(STORIES_MAX) {
        verdict.faults.push(told(&fixtures, *seed));
    }
    if let Some(more) = failed.len().checked_sub(STORIES_MAX).filter(|more| *more > 0) {
        let what = format!("{more} more worlds end wrong");
        verdict.faults.push(Fault { what, repeat: None, story: Vec::new() });
    }
    verdict
}

fn thrown(fixtures: &Fixtures, seed: u64) -> (Scene, Script) {
    (Scene::of(fixtures, seed), Script::of(seed))
}

/// The shortest story of a seed that fails.
fn told(fixtures: &Fixtures, seed: u64) -> Fault {
    let (scene, script) = thrown(fixtures, seed);
    let all = script.len();
    let script = shrink::shrink(&script, |script| play(&scene, script, false).1.is_some());
    let failure = play(&scene, &script, true).1;
    let (what, mut story) = failure.map_or_else(
        || (format!("seed {seed} fails, but not twice"), Vec::new()),
        |failure| (failure.what, failure.story),
    );
    story.insert(0, format!("seed {seed}, {} of its {all} moves", script.len()));
    let repeat = Some(format!("surehold prove simulate --seed {seed} --seeds 1"));
    Fault { what, repeat, story }
}

/// Plays a script to its end; the story only if it is asked for.
fn play(scene: &Scene, script: &Script, tell: bool) -> (Tally, Option<Failure>) {
    let mut stage = happen::Stage::new(scene, tell);
    let played = catch_unwind(AssertUnwindSafe(|| stage.play(script)));
    if played.is_err() {
        stage.world.wrong("a machine panicked".to_owned());
    }
    let world = &mut stage.world;
    stage.tally.orders = world.node.orders.len() as u64;
    stage.tally.facts = world.length();
    let story = world.tale.take().unwrap_or_default();
    let failure = world.broken.take().map(|what| Failure { what, story });
    (stage.tally, failure)
}

/// The whole story of a seed, whether it fails or not: what one seed repeats byte for byte.
#[must_use]
pub fn story(seed: u64) -> Vec<String> {
    let (scene, script) = thrown(&Fixtures::new(), seed);
    let mut stage = happen::Stage::new(&scene, true);
    stage.play(&script);
    stage.world.tale.take().unwrap_or_default()
}

//! One run of the engine under traffic, recorded, and the cuts of it.

use std::sync::Arc;
use std::time::Duration;

use surehold::domain::time::{Span, Timestamp};
use surehold::stores::Stores;
use surehold::{Clock, Data, Engine, Options, Retention};
use surehold_storage::faulty::{Dice, Survivors, Tape};
use tokio::task::JoinSet;

use super::bank::{Bank, Ledger};
use super::clock::Ticking;
use super::idle::Idle;
use super::machine::{Cut, Machine};
use super::recovery::{self, Left, Life};
use super::traffic::{self, Ears, plans};
use super::{Count, records};

/// When a run begins: some day in 2027.
const BEGINS: Timestamp = Timestamp(1_800_000_000_000);
/// How long the power stays away: short enough that holds still stand, or long enough that they
/// do not and a gateway is asked before it is charged again.
const AWAY: [Span; 2] = [Span::seconds(120), Span::seconds(26 * 60 * 60)];
/// Records that stay in the journal: few, so that the removal of the others is cut, too.
pub(super) const KEPT: Retention = Retention::Last(24);
/// Bytes until the journal commits with two syncs: never, at once, in the middle of a run.
const GROWTH: [u64; 3] = [u64::MAX, 0, 30_000];
/// Engines that recover at a time on one thread: most of their time they wait.
const TOGETHER: usize = 4;
/// What survives, by turns.
const SURVIVORS: [Survivors; 3] = [Survivors::Nothing, Survivors::Prefix, Survivors::Subset];

/// How much of a run is cut.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    /// The journal is cut at every step with a number divisible by this.
    pub(super) every: usize,
    /// So many cuts are recovered by the whole engine.
    pub(super) engines: u64,
}

/// A cut after which something does not hold.
pub(super) struct Broken {
    pub(super) what: String,
    pub(super) story: Vec<String>,
}

/// A run that was recorded.
struct Run {
    machine: Arc<Machine>,
    tape: Tape,
    bank: Arc<Bank>,
    ears: Arc<Ears>,
    ended: Timestamp,
    seed: u64,
}

/// Runs the traffic of one seed and cuts it. Ends at the first cut that breaks something.
pub(super) fn cut_up(seed: u64, sizes: Sizes, count: &mut Count) -> Result<(), Broken> {
    let plain = |what: String| Broken { what, story: vec![format!("in the run of seed {seed}")] };
    let run = record(seed).map_err(plain)?;
    let mut wrongs = run.ears.wrongs().into_iter().chain(run.bank.wrongs());
    if let Some(wrong) = wrongs.next() {
        return Err(plain(wrong));
    }
    count.runs += 1;
    count.answers += run.ears.told_at(usize::MAX).len() as u64;
    run.cut_records(sizes, count)?;
    run.cut_engines(sizes, count)
}

/// Lets the engine work on a machine that records everything, and takes it away without a word.
fn record(seed: u64) -> Result<Run, String> {
    let growth = GROWTH[usize::try_from(seed % 3).unwrap_or(0)];
    let machine = Machine::new(growth)?;
    let (runtime, idle) = Idle::runtime()?;
    machine.disk.before_sync(move || idle.wait());
    let disk = machine.disk.clone();
    let bank = Arc::new(Bank::holding(Ledger::new(), false, move || disk.steps()));
    let (ears, clock) = (Arc::<Ears>::default(), Arc::new(Ticking::starting_at(BEGINS, 1)));
    let mut options = Options::new(Data::Stores(machine.clone()), plans()?);
    (options.gateway, options.clock) = (bank.clone(), clock.clone());
    options.retention = KEPT;
    runtime.block_on(async {
        let engine = Engine::open(options).await;
        let engine = engine.map_err(|error| format!("a new engine does not open: {error}"))?;
        traffic::run(engine, machine.disk.clone(), Arc::clone(&ears), seed).await;
        Ok::<(), String>(())
    })?;
    let tape = machine.tape();
    runtime.shutdown_timeout(Duration::from_secs(5));
    machine.close();
    Ok(Run { machine, tape, bank, ears, ended: clock.now(), seed })
}

impl Run {
    fn left_at(&self, steps: usize) -> Left {
        Left { told: self.ears.told_at(steps), ledger: self.bank.ledger_at(steps) }
    }

    /// Cuts the journal before every sync in all three ways, and after other writes in one.
    fn cut_records(&self, sizes: Sizes, count: &mut Count) -> Result<(), Broken> {
        let (mut player, mut number) = (self.tape.play(), 0);
        for at in (0..=self.tape.len()).step_by(sizes.every) {
            let ways =
                if self.tape.is_sync(at) { &SURVIVORS[..] } else { &SURVIVORS[1 + at % 2..][..1] };
            player.forward(at);
            let left = self.left_at(at);
            for survivors in ways {
                number += 1;
                let cut = Cut { number, at, survivors: *survivors, seed: self.seed ^ number };
                let image = player.after_power_cut(cut.survivors, cut.seed);
                let read = records::check(image, &left.told, &left.ledger);
                let (records, removed) =
                    read.map_err(|what| self.broken(what, cut, "the journal alone"))?;
                count.records += records;
                count.removed += removed;
                count.journals += 1;
            }
        }
        Ok(())
    }

    /// Where the whole engine is cut: half of the cuts at moments of the snapshots, the others
    /// anywhere.
    fn engine_cuts(&self, engines: u64) -> Vec<Cut> {
        let (mut dice, moments) = (Dice::new(self.seed), self.machine.moments());
        let mut cuts = Vec::new();
        for number in 1..=engines {
            let anywhere = dice.below(self.tape.len() as u64 + 1);
            let anywhere = usize::try_from(anywhere).unwrap_or(0);
            let moment = usize::try_from(dice.below(moments.len() as u64)).unwrap_or(0);
            let at = if number % 2 == 0 { moments[moment].min(self.tape.len()) } else { anywhere };
            let survivors = SURVIVORS[usize::try_from(dice.below(3)).unwrap_or(0)];
            cuts.push(Cut { number, at, survivors, seed: dice.below(u64::MAX) });
        }
        cuts.sort_by_key(|cut| cut.at);
        cuts
    }

    fn cut_engines(&self, sizes: Sizes, count: &mut Count) -> Result<(), Broken> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_time().build();
        let runtime = runtime
            .map_err(|error| Broken { what: format!("no runtime: {error}"), story: Vec::new() })?;
        let outcome = runtime.block_on(async {
            let (mut player, mut under_way) = (self.tape.play(), JoinSet::new());
            for cut in self.engine_cuts(sizes.engines) {
                if under_way.len() >= TOGETHER {
                    self.join(&mut under_way, count).await?;
                }
                let remains = self.machine.after(cut, &mut player);
                let machine = Machine::with(remains, self.machine.growth());
                let machine = machine.map_err(|what| self.broken(what, cut, "the engine"))?;
                let left = self.left_at(cut.at);
                under_way.spawn(recover(machine, left, self.ended, cut));
            }
            while !under_way.is_empty() {
                self.join(&mut under_way, count).await?;
            }
            Ok(())
        });
        runtime.shutdown_timeout(Duration::from_secs(5));
        outcome
    }

    async fn join(
        &self,
        under_way: &mut JoinSet<Result<u64, (String, Cut)>>,
        count: &mut Count,
    ) -> Result<(), Broken> {
        match under_way.join_next().await {
            Some(Ok(Ok(twice))) => {
                count.engines += 1;
                count.twice += twice;
                Ok(())
            }
            Some(Ok(Err((what, cut)))) => Err(self.broken(what, cut, "the engine")),
            Some(Err(error)) => Err(Broken { what: error.to_string(), story: Vec::new() }),
            None => Ok(()),
        }
    }

    fn broken(&self, what: String, cut: Cut, who: &str) -> Broken {
        let Cut { number, at, survivors, .. } = cut;
        let next = if self.tape.is_sync(at) { "at a sync" } else { "between two writes" };
        let story = vec![
            format!("seed {}, cut {number}: {who} was opened on what was left", self.seed),
            format!("the power went {next}, after {at} of {} steps of the disk", self.tape.len()),
            format!("of what was not synced survived: {survivors:?}"),
            format!("{} answers had been given by then", self.ears.told_at(at).len()),
        ];
        Broken { what, story }
    }
}

/// Recovers from a cut, and every second time from another one during or after that. Says how often
/// the power was cut again.
async fn recover(
    machine: Arc<Machine>,
    left: Left,
    ended: Timestamp,
    cut: Cut,
) -> Result<u64, (String, Cut)> {
    let mut dice = Dice::new(cut.seed);
    let away = AWAY[usize::try_from(dice.below(2)).unwrap_or(0)];
    let life =
        recovery::check(machine, left, ended.plus(away)).await.map_err(|what| (what, cut))?;
    if cut.number % 2 == 1 {
        return Ok(0);
    }
    // Mostly early, where it recovers.
    let steps = life.machine.tape().len() as u64;
    let within = if dice.below(3) == 0 { steps } else { steps.min(60) };
    let at = usize::try_from(dice.below(within + 1)).unwrap_or(0);
    let again = Cut { at, seed: dice.below(u64::MAX), ..cut };
    let what =
        |what| (format!("{what} (the power was cut again after {at} steps of the recovery)"), cut);
    cut_again(&life, again, ended.plus(away)).await.map_err(what)?;
    Ok(1)
}

async fn cut_again(life: &Life, cut: Cut, ended: Timestamp) -> Result<(), String> {
    let remains = {
        let tape = life.machine.tape();
        life.machine.after(cut, &mut tape.play())
    };
    let machine = Machine::with(remains, life.machine.growth())?;
    let later = ended.plus(Span::seconds(24 * 60 * 60));
    recovery::check(machine, life.left_at(cut.at), later).await.map(|_| ())
}

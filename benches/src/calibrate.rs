//! The yardsticks that need no server: what a sync costs on the disk that is measured, and what a message costs
//! between two bare tokio tasks. Both are taken in the run whose figures are held against them.
//!
//! The hop runs on a runtime of its own, with as many workers as there are cores, and in a thread of its own, so that
//! this may be called from anywhere, from inside another runtime too. Nothing else should be measured meanwhile.

use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use crate::findings::{Calibration, Figure, Unit, Yardstick};
use crate::machine::{Sync, sync_times};
use crate::report::median;

/// How often each yardstick is taken; the median counts. A debug build is tried, not measured.
const RUNS: usize = if cfg!(debug_assertions) { 2 } else { 5 };
/// Messages with an answer, one at a time: some tenths of a second.
const ROUND_TRIPS: usize = if cfg!(debug_assertions) { 500 } else { 10_000 };
/// Messages one way.
const ONE_WAY: usize = if cfg!(debug_assertions) { 5_000 } else { 200_000 };
/// Room of the one-way channel: enough that neither side waits for each message.
const ROOM: usize = 1024;

/// What the sync is called.
pub const SYNCED_WRITE: &str = "overwriting 4 KiB and fdatasync";
/// What a message and its answer are called, the hop that figures are divided by.
pub const ROUND_TRIP: &str = "a message and its answer";
/// What messages without an answer are called.
pub const ONE_WAY_HOP: &str = "messages one way, room for 1024";

/// Takes both: overwriting 4 KiB and `fdatasync` in `folder`, and the hop; of the hop, the message with its answer
/// comes first. Takes about a second.
///
/// # Errors
/// A probe file that cannot be written, or a runtime or thread that cannot be made.
pub fn sync_and_hop(folder: &Path) -> io::Result<Vec<Calibration>> {
    let mut taken = vec![sync(folder)?];
    taken.extend(hop()?);
    Ok(taken)
}

/// Overwriting 4 KiB and `fdatasync`.
///
/// # Errors
/// A probe file that cannot be written.
pub fn sync(folder: &Path) -> io::Result<Calibration> {
    let runs: Vec<Run> =
        (0..RUNS).map(|_| Ok(Run::of(&sync_times(folder)?))).collect::<io::Result<_>>()?;
    Ok(of_runs(Yardstick::Sync, SYNCED_WRITE, &runs))
}

/// The sync as it was when the machine was looked at.
#[must_use]
pub fn looked_at(sync: Sync) -> Calibration {
    let (what, median_us) = (SYNCED_WRITE.to_owned(), sync.p50_ms * 1e3);
    Calibration { yardstick: Yardstick::Sync, what, per_second: 1e6 / median_us, median_us }
}

/// Adds the yardsticks that are missing: the sync as it was when the machine was looked at, the hop as it is now.
///
/// # Errors
/// A runtime or a thread that cannot be made.
pub fn complete(calibrations: &mut Vec<Calibration>, sync: Sync) -> io::Result<()> {
    let has =
        |calibrations: &[Calibration], which| calibrations.iter().any(|it| it.yardstick == which);
    if !has(calibrations, Yardstick::Sync) {
        calibrations.push(looked_at(sync));
    }
    if !has(calibrations, Yardstick::Hop) {
        calibrations.extend(hop()?);
    }
    Ok(())
}

/// A message between two tasks: with its answer, and one way.
///
/// # Errors
/// A runtime or a thread that cannot be made.
pub fn hop() -> io::Result<[Calibration; 2]> {
    thread::scope(|scope| {
        let taken = thread::Builder::new().spawn_scoped(scope, take_hops)?;
        taken.join().map_err(|_| io::Error::other("the tasks of the hop died"))?
    })
}

/// The same figure beside each yardstick it is not yet held against: rates beside rates, times beside times.
/// Of several calibrations of one yardstick, the first counts. Bytes, shares and counts have no yardstick.
#[must_use]
pub fn beside_all(mut figure: Figure, calibrations: &[Calibration]) -> Figure {
    for calibration in calibrations {
        let known = figure.ratios.iter().any(|ratio| ratio.to == calibration.yardstick);
        let value = match figure.unit {
            Unit::PerSecond => calibration.per_second,
            Unit::Seconds => calibration.median_us / 1e6,
            Unit::Milliseconds => calibration.median_us / 1e3,
            Unit::Microseconds => calibration.median_us,
            Unit::Bytes | Unit::Ratio | Unit::Count => continue,
        };
        if !known {
            let runs = figure.runs.len();
            figure = figure.beside(calibration.yardstick, &vec![value; runs]);
        }
    }
    figure
}

/// One taking of a yardstick.
struct Run {
    per_second: f64,
    median_us: f64,
}

impl Run {
    /// Of the times that each took.
    fn of(taken: &[Duration]) -> Self {
        let all: Duration = taken.iter().sum();
        let us = taken.iter().map(|one| one.as_secs_f64() * 1e6);
        Self { per_second: taken.len() as f64 / all.as_secs_f64(), median_us: median(us) }
    }
}

fn of_runs(yardstick: Yardstick, what: &str, runs: &[Run]) -> Calibration {
    Calibration {
        yardstick,
        what: what.to_owned(),
        per_second: median(runs.iter().map(|run| run.per_second)),
        median_us: median(runs.iter().map(|run| run.median_us)),
    }
}

fn take_hops() -> io::Result<[Calibration; 2]> {
    let workers = thread::available_parallelism()?.get();
    let runtime = Builder::new_multi_thread().worker_threads(workers).build()?;
    let round_trips: Vec<Run> = (0..RUNS).map(|_| Run::of(&round_trips(&runtime))).collect();
    let one_way: Vec<Run> = (0..RUNS).map(|_| one_way(&runtime)).collect();
    Ok([
        of_runs(Yardstick::Hop, ROUND_TRIP, &round_trips),
        of_runs(Yardstick::Hop, ONE_WAY_HOP, &one_way),
    ])
}

/// Asks another task again and again, one question at a time.
fn round_trips(runtime: &Runtime) -> Vec<Duration> {
    let (ask, mut asked) = mpsc::channel::<u64>(1);
    let (answer, mut answered) = mpsc::channel::<u64>(1);
    runtime.spawn(async move {
        while let Some(number) = asked.recv().await {
            if answer.send(number).await.is_err() {
                break;
            }
        }
    });
    // A task, too: the thread that blocks on a runtime is none of its workers.
    let asking = runtime.spawn(async move {
        let mut taken = Vec::with_capacity(ROUND_TRIPS);
        let mut start = Instant::now();
        for number in 0..ROUND_TRIPS as u64 {
            if ask.send(number).await.is_err() || answered.recv().await.is_none() {
                break;
            }
            let now = Instant::now();
            taken.push(now.duration_since(start));
            start = now;
        }
        taken
    });
    runtime.block_on(asking).unwrap_or_default()
}

/// Sends to another task as fast as it takes the messages.
fn one_way(runtime: &Runtime) -> Run {
    let (send, mut sent) = mpsc::channel::<u64>(ROOM);
    let start = Instant::now();
    let taking = runtime.spawn(async move {
        let mut got = 0_usize;
        while sent.recv().await.is_some() {
            got += 1;
        }
        got
    });
    runtime.spawn(async move {
        for number in 0..ONE_WAY as u64 {
            if send.send(number).await.is_err() {
                break;
            }
        }
    });
    let got = runtime.block_on(taking).unwrap_or_default() as f64;
    let seconds = start.elapsed().as_secs_f64();
    Run { per_second: got / seconds, median_us: seconds * 1e6 / got }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_yardsticks_can_be_taken_inside_a_runtime_too() {
        let folder = tempfile::tempdir().unwrap();
        let taken = sync_and_hop(folder.path()).unwrap();
        let which: Vec<_> = taken.iter().map(|one| (one.yardstick, one.what.as_str())).collect();
        let sync = (Yardstick::Sync, SYNCED_WRITE);
        assert_eq!(which, [sync, (Yardstick::Hop, ROUND_TRIP), (Yardstick::Hop, ONE_WAY_HOP)]);
        for one in &taken {
            assert!(one.per_second > 0.0 && one.per_second.is_finite(), "{one:?}");
            assert!(one.median_us > 0.0 && one.median_us.is_finite(), "{one:?}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the probe is removed");
    }

    #[test]
    fn a_suite_that_took_no_yardsticks_gets_them() {
        let mut taken = Vec::new();
        complete(&mut taken, Sync { p50_ms: 0.5, p99_ms: 1.0 }).unwrap();
        let which: Vec<_> = taken.iter().map(|one| one.yardstick).collect();
        assert_eq!(which, [Yardstick::Sync, Yardstick::Hop, Yardstick::Hop]);
        assert!(
            (taken[0].median_us - 500.0).abs() < 1e-6
                && (taken[0].per_second - 2_000.0).abs() < 1e-6
        );
        complete(&mut taken, Sync { p50_ms: 9.0, p99_ms: 9.0 }).unwrap();
        assert_eq!(taken.len(), 3, "each is taken once");
    }

    #[test]
    fn figures_are_held_against_what_they_are_counted_in() {
        let calibration = |yardstick, per_second, median_us| Calibration {
            yardstick,
            what: String::new(),
            per_second,
            median_us,
        };
        let known = [
            calibration(Yardstick::Sync, 1_000.0, 500.0),
            calibration(Yardstick::Hop, 4_000.0, 250.0),
            calibration(Yardstick::Hop, 1.0, 1.0),
        ];
        let ratios = |unit, value| -> Vec<(Yardstick, f64)> {
            let figure = Figure::new("a", "a", unit, vec![value; 3]);
            let ratios = beside_all(figure, &known).ratios;
            ratios.iter().map(|ratio| (ratio.to, ratio.value)).collect()
        };
        let of = |sync, hop| vec![(Yardstick::Sync, sync), (Yardstick::Hop, hop)];
        assert_eq!(ratios(Unit::PerSecond, 2_000.0), of(2.0, 0.5));
        assert_eq!(ratios(Unit::Milliseconds, 1.0), of(2.0, 4.0));
        assert_eq!(ratios(Unit::Microseconds, 500.0), of(1.0, 2.0));
        assert_eq!(ratios(Unit::Bytes, 500.0), []);
    }
}

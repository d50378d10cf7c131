//! The suite `journal`: records appended and durable a second, in commits of 1 to 1,024 records.
//!
//! One thread appends a batch, waits until it is durable, and appends the next; so a batch is one commit, and the
//! number of commits is known. Beside it stands what overwriting 4 KiB and `fdatasync` takes.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use surehold_storage::{Journal, NewRecord, RedbJournal, Stream};

use super::safety::Safety;
use super::{SuiteError, fresh, runtime, scratch, seconds, setting};
use crate::calibrate::looked_at;
use crate::findings::{Axis, Curve, Figure, Findings, Plot, Unit, Yardstick};
use crate::report::median;

/// What is asked of the suite.
#[derive(Debug, Clone, Args)]
pub struct JournalArgs {
    /// Records of a commit; each number is measured by itself.
    #[arg(long, value_delimiter = ',', default_value = "1,4,16,64,256,1024")]
    pub sizes: Vec<u64>,
    /// Commits of each size in one run.
    #[arg(long, default_value = "1000")]
    pub commits: u64,
    /// Bytes of a record: as many as a fact of an order has.
    #[arg(long, default_value = "120")]
    pub bytes: usize,
    /// Runs, each on a fresh folder.
    #[arg(long, default_value = "3")]
    pub runs: usize,
    /// Folder for the fresh folders; without it, the system's temporary folder.
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
}

/// One size in one run.
struct Leg {
    elapsed: Duration,
    /// Each commit, in microseconds.
    taken_us: Vec<f64>,
}

/// Runs it.
///
/// # Errors
/// The journal does not open, or takes no records.
pub fn run(args: &JournalArgs, progress: &mut dyn FnMut(&str)) -> Result<Findings, SuiteError> {
    let scratch = scratch(args.scratch.as_ref());
    let safety = Safety::before(&scratch)?;
    let runtime = runtime()?;
    let mut legs: Vec<Vec<Leg>> = args.sizes.iter().map(|_| Vec::new()).collect();
    for number in 1..=args.runs {
        for (size, legs) in args.sizes.iter().zip(&mut legs) {
            let folder = fresh(&scratch)?;
            let journal = RedbJournal::open(folder.path())?;
            let leg = runtime.block_on(leg(&*journal, *size, args))?;
            let rate = (size * args.commits) as f64 / seconds(leg.elapsed);
            progress(&format!("run {number}: {rate:.0} records/s in commits of {size}"));
            journal.close();
            legs.push(leg);
        }
    }
    Ok(findings(args, &safety, &legs))
}

async fn leg(journal: &dyn Journal, size: u64, args: &JournalArgs) -> Result<Leg, SuiteError> {
    let bytes = bytes_of(args.bytes);
    let record = |id| NewRecord {
        stream: Stream { kind: 1, group: 0, id },
        number: 1,
        bytes: bytes.clone(),
    };
    let (start, mut taken_us, mut id) = (Instant::now(), Vec::new(), 0);
    for _ in 0..args.commits {
        let begun = Instant::now();
        let records = (id..id + size).map(record).collect();
        id += size;
        let last = journal.append(records)?;
        let reached = journal.durable().reached(last).await;
        reached.map_err(|error| SuiteError::Answer(error.to_string()))?;
        taken_us.push(seconds(begun.elapsed()) * 1e6);
    }
    Ok(Leg { elapsed: start.elapsed(), taken_us })
}

fn bytes_of(length: usize) -> bytes::Bytes {
    // Neither all the same nor random: facts are numbers and short texts.
    (0..length).map(|at| u8::try_from(at % 97).unwrap_or(0)).collect()
}

fn findings(args: &JournalArgs, safety: &Safety, legs: &[Vec<Leg>]) -> Findings {
    let sync = looked_at(safety.machine().sync);
    let commits = args.commits * (args.sizes.len() * args.runs) as u64;
    let safe = safety.after(commits);
    let (mut figures, mut points, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for (size, legs) in args.sizes.iter().zip(legs) {
        let of = |value: &dyn Fn(&Leg) -> f64| legs.iter().map(value).collect::<Vec<f64>>();
        let rates = of(&|leg| (size * args.commits) as f64 / seconds(leg.elapsed));
        let us = of(&|leg| median(leg.taken_us.iter().copied()));
        let what = format!("records, commits of {size}");
        let (per_second, median_us) =
            (vec![sync.per_second; legs.len()], vec![sync.median_us; legs.len()]);
        let key = format!("journal.{size}.records");
        let rate = Figure::new(&key, &what, Unit::PerSecond, rates);
        points.push((*size as f64, rate.median));
        figures.push(rate.beside(Yardstick::Sync, &per_second));
        let key = format!("journal.{size}.commit");
        let commit = Figure::new(&key, "one such commit", Unit::Microseconds, us);
        times.push((*size as f64, commit.median));
        figures.push(commit.beside(Yardstick::Sync, &median_us));
    }
    let mut settings = safe.settings;
    settings.extend([
        setting("commits of each size", args.commits),
        setting("bytes of a record", args.bytes),
    ]);
    Findings {
        suite: "journal".to_owned(),
        machine: safety.machine().clone(),
        settings,
        calibrations: vec![sync],
        figures,
        plots: vec![plot("Records a second", points), plot("A commit, microseconds", times)],
        budgets: Vec::new(),
        failures: safe.failures,
        remarks: safe.remarks,
    }
}

fn plot(what: &str, points: Vec<(f64, f64)>) -> Plot {
    Plot {
        title: format!("{what}, by the size of the commit"),
        x: Axis { label: "records of a commit".to_owned(), logarithmic: true },
        y: Axis { label: what.to_owned(), logarithmic: true },
        curves: vec![Curve { name: "journal".to_owned(), points }],
    }
}

//! The suite `recovery`: so many orders are open when the process is killed, and others long at their end. How long
//! until it takes orders again?
//!
//! The folder is filled through the library by a process that is killed with signal 9 while more orders are on their
//! way. What is opened then is the server itself, where its binary is named, and this program otherwise. The time is
//! from starting the process to its word that it is ready. Every order that was answered must be there afterwards.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;

use super::safety::Safety;
use super::shop::Goods;
use super::subject::{Subject, SubjectArgs};
use super::{SuiteError, budget, fresh, scratch, seconds, setting, slow_build};
use crate::calibrate::looked_at;
use crate::control::Control;
use crate::findings::{Figure, Findings, Unit};
use crate::server::Launch;

/// The budget: so many open orders...
const BUDGET_ORDERS: u64 = 1_000_000;
/// ... ready in so many seconds.
const BUDGET_SECONDS: f64 = 5.0;
/// Offerings that the finished orders are for.
const FINISHED_OFFERINGS: u64 = 1000;

/// What is asked of the suite.
#[derive(Debug, Clone, Args)]
pub struct RecoveryArgs {
    /// Orders that are open when the process is killed.
    #[arg(long, default_value = "1000000")]
    pub orders: u64,
    /// Orders that are at their end, in another market of the folder: ready does not depend on them.
    #[arg(long, default_value = "0")]
    pub finished: u64,
    /// How often the process is killed and opened again.
    #[arg(long, default_value = "3")]
    pub kills: usize,
    /// Orders on their way at any moment.
    #[arg(long, default_value = "1024")]
    pub in_flight: usize,
    /// Seed of the customers.
    #[arg(long, default_value = "1")]
    pub seed: u64,
    /// The server's binary; without it, this program opens the folder through the library.
    #[arg(long, value_name = "PATH")]
    pub server: Option<PathBuf>,
    /// A folder filled by an earlier run; it is used as it is and stays.
    #[arg(long, value_name = "DIR")]
    pub filled: Option<PathBuf>,
    /// Folder for the fresh data folder; without it, the system's temporary folder.
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
}

/// Runs it; `program` is this program, to be started again.
///
/// # Errors
/// A process that is measured does not do its work.
pub async fn run(
    args: &RecoveryArgs,
    program: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Findings, SuiteError> {
    let folder = fresh(&scratch(args.scratch.as_ref()))?;
    let safety = Safety::before(folder.path())?;
    let (data, mut commits) = (folder.path().join("data"), 0);
    let data = args.filled.clone().unwrap_or(data);
    if !data.exists() {
        fill_and_kill(args, program, &data).await?;
        commits = 2 * (args.orders + args.finished) / args.in_flight.max(1) as u64;
    }
    let finished = args.finished;
    progress(&format!("killed with {} open orders, {finished} at their end", args.orders));
    let mut lives = Vec::new();
    for _ in 0..args.kills {
        let life = match &args.server {
            Some(server) => through_server(server, &data, args.orders).await?,
            None => through_library(args, program, &data).await?,
        };
        progress(&format!("ready after {:.2} s; killed again", life.ready));
        lives.push(life);
    }
    Ok(findings(args, &safety, commits, &lives))
}

/// One opening of the folder, ended with signal 9.
struct Life {
    /// From starting the process to ready, in seconds.
    ready: f64,
    /// What the library took of that, where it was asked.
    opened: Option<f64>,
    /// Resident when it was ready.
    resident_bytes: u64,
    /// Orders that were answered and are not there.
    missing: u64,
}

/// Fills the folder and kills whoever did, while it takes more orders.
async fn fill_and_kill(args: &RecoveryArgs, program: &Path, data: &Path) -> Result<(), SuiteError> {
    if args.finished > 0 {
        let mut subject = subject_args(args, data);
        (subject.goods, subject.offerings) = (Goods::Finished, FINISHED_OFFERINGS);
        subject.marks = vec![args.finished];
        let mut subject = Subject::start(program, &subject).await?;
        subject.mark().await?;
        subject.close().await?;
    }
    let mut subject = subject_args(args, data);
    subject.marks = vec![args.orders, args.orders.saturating_mul(2)];
    let mut subject = Subject::start(program, &subject).await?;
    subject.mark().await?;
    subject.kill().await?;
    Ok(())
}

fn subject_args(args: &RecoveryArgs, data: &Path) -> SubjectArgs {
    SubjectArgs {
        data: data.to_owned(),
        goods: Goods::Operator,
        offerings: 1,
        expected: 0,
        marks: Vec::new(),
        in_flight: args.in_flight,
        seed: args.seed,
        keep_records: None,
    }
}

async fn through_library(
    args: &RecoveryArgs,
    program: &Path,
    data: &Path,
) -> Result<Life, SuiteError> {
    let mut wanted = subject_args(args, data);
    wanted.expected = args.orders;
    let mut subject = Subject::start(program, &wanted).await?;
    let resident_bytes = subject.memory()?.resident_bytes;
    let missing = subject.missing().await?;
    let (ready, opened) = (seconds(subject.started_in), Some(subject.ready_seconds));
    subject.kill().await?;
    Ok(Life { ready, opened, resident_bytes, missing })
}

async fn through_server(server: &Path, data: &Path, orders: u64) -> Result<Life, SuiteError> {
    let mut launch = Launch::new(server.to_owned());
    launch.market = Some("yogiyogi".into());
    let start = Instant::now();
    let server = launch.start_on(data).await.map_err(refused)?;
    let ready = seconds(start.elapsed());
    let resident_bytes = server.memory()?.resident_bytes;
    let mut control = Control::open(server.address()).await.map_err(refused)?;
    let mut missing = 0;
    for order in [1, orders.div_ceil(2), orders] {
        let found = control.get(&format!("/v1/yogiyogi/orders/{order}")).await;
        missing += u64::from(found.is_err());
    }
    // To be dropped is to be killed.
    drop(server);
    Ok(Life { ready, opened: None, resident_bytes, missing })
}

fn refused(error: impl std::fmt::Display) -> SuiteError {
    SuiteError::Subject(error.to_string())
}

fn findings(args: &RecoveryArgs, safety: &Safety, commits: u64, lives: &[Life]) -> Findings {
    let mut safe = safety.after(commits);
    let ready: Vec<f64> = lives.iter().map(|life| life.ready).collect();
    let opened: Vec<f64> = lives.iter().filter_map(|life| life.opened).collect();
    let memory = lives.iter().map(|life| life.resident_bytes as f64).collect();
    let mut figures =
        vec![Figure::new("recovery.ready", "from the start to ready", Unit::Seconds, ready)];
    if !opened.is_empty() {
        let what = "of that, opening through the library";
        figures.push(Figure::new("recovery.opened", what, Unit::Seconds, opened));
    }
    figures.push(Figure::new("recovery.memory", "resident when ready", Unit::Bytes, memory));
    let missing: u64 = lives.iter().map(|life| life.missing).sum();
    if missing > 0 {
        safe.failures.push(format!("{missing} orders that were answered are not there"));
    }
    let took = figures[0].median;
    let few = (args.orders < BUDGET_ORDERS)
        .then(|| format!("the budget is for {BUDGET_ORDERS} orders, these are {}", args.orders));
    let mut settings = safe.settings;
    settings.extend([
        setting("orders", args.orders),
        setting("finished orders", args.finished),
        setting("kills", args.kills),
        setting("seed", args.seed),
        setting("opened by", if args.server.is_some() { "the server" } else { "the library" }),
        setting("market", "yogiyogi"),
    ]);
    Findings {
        suite: "recovery".to_owned(),
        machine: safety.machine().clone(),
        settings,
        calibrations: vec![looked_at(safety.machine().sync)],
        figures,
        plots: Vec::new(),
        budgets: vec![budget(
            &format!("kill -9 with {BUDGET_ORDERS} open orders, to ready"),
            "under 5 s",
            format!("{took:.2} s"),
            took < BUDGET_SECONDS,
            few.or_else(slow_build),
        )],
        failures: safe.failures,
        remarks: safe.remarks,
    }
}

//! The measured process: this program, started again with a shop in it and nothing else.
//!
//! It tells what it has done, one JSON object a line, on its standard output. When its standard input ends it closes
//! the engine in order and ends; so it never outlives whoever started it. To be killed is what it is for.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use serde::{Deserialize, Serialize};
use surehold::Retention;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::shop::{Goods, Load, Shop};
use super::{SuiteError, runtime, seconds};
use crate::usage::{self, Disk};

/// The name of the hidden command that makes a process a subject.
pub const COMMAND: &str = "subject";
/// How long a subject may say nothing: longer than any step between two marks takes.
const SILENT_MAX: Duration = Duration::from_secs(1800);
/// The quantile of the latency that a mark tells.
const LATENCY_QUANTILE: f64 = 0.99;

/// What a subject is told to do.
#[derive(Debug, Clone, Args)]
pub struct SubjectArgs {
    /// Its data folder.
    #[arg(long)]
    pub data: PathBuf,
    /// What is sold.
    #[arg(long, value_enum)]
    pub goods: Goods,
    /// Offerings.
    #[arg(long, default_value = "1")]
    pub offerings: u64,
    /// So many orders were answered in earlier lives: it looks whether they are there.
    #[arg(long, default_value = "0")]
    pub expected: u64,
    /// Numbers of orders, ascending: at each it tells how it stands.
    #[arg(long, value_delimiter = ',')]
    pub marks: Vec<u64>,
    /// Orders on their way at any moment.
    #[arg(long, default_value = "1024")]
    pub in_flight: usize,
    /// Seed of customers and offerings.
    #[arg(long, default_value = "1")]
    pub seed: u64,
    /// Old records that stay in the journal.
    #[arg(long)]
    pub keep_records: Option<Retention>,
}

/// What a subject says.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// The engine is open and takes orders.
    Ready {
        /// What opening took.
        seconds: f64,
        /// Resident memory.
        resident_bytes: u64,
    },
    /// Of the orders looked for, so many are not there.
    Missing(u64),
    /// So many orders are placed in all.
    Mark(Mark),
    /// It closed in order.
    Closed,
}

/// How a subject stands after so many orders.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Mark {
    /// Orders so far.
    pub orders: u64,
    /// Orders since the last mark.
    pub step: u64,
    /// What those took.
    pub seconds: f64,
    /// What one of those took at the 99th percentile, in milliseconds.
    pub p99_ms: f64,
    /// Orders of those that were turned away for the moment.
    pub again: u64,
    /// Processor time of those.
    pub processor_seconds: f64,
    /// Resident memory.
    pub resident_bytes: u64,
    /// The most so far.
    pub peak_bytes: u64,
    /// What the data folder takes.
    pub disk_bytes: u64,
}

/// Lives as a subject.
///
/// # Errors
/// The engine does not open, or refuses an order.
pub fn run(args: SubjectArgs) -> Result<(), SuiteError> {
    runtime()?.block_on(live(args))
}

async fn live(args: SubjectArgs) -> Result<(), SuiteError> {
    let start = Instant::now();
    let kept = args.keep_records.unwrap_or_default();
    let shop = Shop::open_keeping(&args.data, args.goods, args.offerings, kept).await?;
    let opened = seconds(start.elapsed());
    let resident_bytes = usage::memory(std::process::id())?.resident_bytes;
    say(&Said::Ready { seconds: opened, resident_bytes })?;
    if args.expected > 0 {
        say(&Said::Missing(shop.missing(args.expected).await?))?;
    }
    let (mut orders, mut at) = (0, args.seed);
    for mark in &args.marks {
        let step = mark.saturating_sub(orders);
        at = at.wrapping_add(1);
        let load = Load { orders: step, in_flight: args.in_flight, seed: at };
        let before = usage::processor_time(std::process::id())?;
        let tally = shop.order(load).await?;
        orders += step;
        let memory = usage::memory(std::process::id())?;
        let Disk { allocated_bytes, .. } = usage::disk(&args.data)?;
        let used = usage::processor_time(std::process::id())?.saturating_sub(before);
        say(&Said::Mark(Mark {
            orders,
            step,
            seconds: seconds(tally.elapsed),
            p99_ms: tally.latencies_us.value_at_quantile(LATENCY_QUANTILE) as f64 / 1e3,
            again: tally.again,
            processor_seconds: seconds(used),
            resident_bytes: memory.resident_bytes,
            peak_bytes: memory.peak_bytes,
            disk_bytes: allocated_bytes,
        }))?;
    }
    // Whatever comes is thrown away; the end of it is what is waited for.
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    shop.engine.close().await;
    say(&Said::Closed)
}

fn say(said: &Said) -> Result<(), SuiteError> {
    let mut line = serde_json::to_vec(said).map_err(io::Error::other)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    Ok(out.flush()?)
}

/// A running subject, as the suites see it. One that is dropped is killed.
pub struct Subject {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    pid: u32,
    /// What it said when it was ready.
    pub ready_seconds: f64,
    /// From starting the process to that.
    pub started_in: Duration,
}

impl Subject {
    /// Starts this program as a subject and waits until its engine is open.
    ///
    /// # Errors
    /// It does not start, or ends before it is ready.
    pub async fn start(program: &Path, args: &SubjectArgs) -> Result<Subject, SuiteError> {
        let marks: Vec<String> = args.marks.iter().map(u64::to_string).collect();
        let goods = clap::ValueEnum::to_possible_value(&args.goods);
        let goods = goods.ok_or_else(|| SuiteError::Subject("sells nothing".to_owned()))?;
        let mut command = Command::new(program);
        command.arg(COMMAND).arg("--data").arg(&args.data).args(["--goods", goods.get_name()]);
        command.args(["--offerings", &args.offerings.to_string()]);
        command.args(["--in-flight", &args.in_flight.to_string()]);
        command.args(["--seed", &args.seed.to_string()]);
        command.args(["--expected", &args.expected.to_string()]);
        match args.keep_records {
            Some(Retention::All) => command.args(["--keep-records", "all"]),
            Some(Retention::Last(kept)) => command.args(["--keep-records", &kept.to_string()]),
            None => &mut command,
        };
        if !marks.is_empty() {
            command.args(["--marks", &marks.join(",")]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let start = Instant::now();
        let mut child = command.spawn()?;
        let pid = child.id().ok_or_else(|| io::Error::other("a child that never ran"))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("stdout is not piped"))?;
        let lines = BufReader::new(stdout).lines();
        let (ready_seconds, started_in) = (0.0, Duration::ZERO);
        let mut subject = Subject { child, stdin, lines, pid, ready_seconds, started_in };
        match subject.hear().await? {
            Said::Ready { seconds, .. } => subject.ready_seconds = seconds,
            other @ (Said::Missing(_) | Said::Mark(_) | Said::Closed) => {
                return Err(unexpected(other));
            }
        }
        subject.started_in = start.elapsed();
        Ok(subject)
    }

    async fn hear(&mut self) -> Result<Said, SuiteError> {
        let line = timeout(SILENT_MAX, self.lines.next_line()).await;
        let line = line.map_err(|_| SuiteError::Subject("is silent".to_owned()))??;
        let line = line.ok_or_else(|| SuiteError::Subject("ended (see above)".to_owned()))?;
        serde_json::from_str(&line).map_err(|error| SuiteError::Subject(format!("said {error}")))
    }

    /// Waits for its next mark.
    ///
    /// # Errors
    /// It ended, or said something else.
    pub async fn mark(&mut self) -> Result<Mark, SuiteError> {
        match self.hear().await? {
            Said::Mark(mark) => Ok(mark),
            other @ (Said::Ready { .. } | Said::Missing(_) | Said::Closed) => {
                Err(unexpected(other))
            }
        }
    }

    /// How many of the expected orders are not there.
    ///
    /// # Errors
    /// It ended, or said something else.
    pub async fn missing(&mut self) -> Result<u64, SuiteError> {
        match self.hear().await? {
            Said::Missing(missing) => Ok(missing),
            other @ (Said::Ready { .. } | Said::Mark(_) | Said::Closed) => Err(unexpected(other)),
        }
    }

    /// Its memory now.
    ///
    /// # Errors
    /// It is gone.
    pub fn memory(&self) -> io::Result<usage::Memory> {
        usage::memory(self.pid)
    }

    /// Kills it, as a power cut of the process would: nothing more runs in it.
    ///
    /// # Errors
    /// It cannot be killed, or does not end.
    pub async fn kill(mut self) -> Result<ExitStatus, SuiteError> {
        self.child.start_kill()?;
        Ok(self.child.wait().await?)
    }

    /// Has it close in order.
    ///
    /// # Errors
    /// It ended otherwise.
    pub async fn close(mut self) -> Result<(), SuiteError> {
        drop(self.stdin.take());
        match self.hear().await? {
            Said::Closed => {}
            other @ (Said::Ready { .. } | Said::Missing(_) | Said::Mark(_)) => {
                return Err(unexpected(other));
            }
        }
        let status = self.child.wait().await?;
        if status.success() { Ok(()) } else { Err(SuiteError::Subject(format!("ended: {status}"))) }
    }
}

fn unexpected(said: Said) -> SuiteError {
    SuiteError::Subject(format!("said {said:?}"))
}

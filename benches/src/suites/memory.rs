//! The suite `memory`: so many orders wait for an operator. How much memory does the process take that holds them, as
//! it comes, with no setting changed?
//!
//! It is looked at when the last order is answered, and again when the engine has had time to put what is idle to
//! sleep. The larger of the two counts.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::safety::Safety;
use super::shop::Goods;
use super::subject::{Mark, Subject, SubjectArgs};
use super::{SuiteError, budget, fresh, scratch, setting};
use crate::calibrate::looked_at;
use crate::findings::{Axis, Curve, Figure, Findings, Plot, Unit};

/// The budget: so many open orders...
const BUDGET_ORDERS: u64 = 1_000_000;
/// ... in so many bytes.
const BUDGET_BYTES: f64 = 1.5e9;
/// Points of the curve.
const POINTS: u64 = 10;
/// How long after the last order memory is looked at again: sweeps and a checkpoint have come by then.
const REST: Duration = Duration::from_secs(30);

/// What is asked of the suite.
#[derive(Debug, Clone, Args)]
pub struct MemoryArgs {
    /// Orders that wait for an operator.
    #[arg(long, default_value = "1000000")]
    pub orders: u64,
    /// Orders on their way at any moment while they are placed.
    #[arg(long, default_value = "1024")]
    pub in_flight: usize,
    /// Seed of the customers.
    #[arg(long, default_value = "1")]
    pub seed: u64,
    /// Seconds to wait after the last order before memory is looked at again.
    #[arg(long, default_value_t = REST.as_secs())]
    pub rest: u64,
    /// Folder for the fresh data folder; without it, the system's temporary folder.
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
}

/// Runs it; `program` is this program, to be started again.
///
/// # Errors
/// The process that is measured does not do its work.
pub async fn run(
    args: &MemoryArgs,
    program: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Findings, SuiteError> {
    let folder = fresh(&scratch(args.scratch.as_ref()))?;
    let safety = Safety::before(folder.path())?;
    let mut subject = Subject::start(program, &subject_args(args, folder.path())).await?;
    let empty = subject.memory()?.resident_bytes;
    let mut marks: Vec<Mark> = Vec::new();
    while marks.last().is_none_or(|mark| mark.orders < args.orders) {
        let mark = subject.mark().await?;
        let (mib, orders) = (mark.resident_bytes >> 20, mark.orders);
        progress(&format!("{orders} orders wait: {mib} MiB, {:.0} orders/s", rate(&mark)));
        marks.push(mark);
    }
    tokio::time::sleep(Duration::from_secs(args.rest)).await;
    let rested = subject.memory()?;
    progress(&format!("at rest: {} MiB", rested.resident_bytes >> 20));
    // Two commits an order, at least, that all in flight share.
    let safe = safety.after(2 * args.orders / args.in_flight.max(1) as u64);
    subject.close().await?;
    let full = marks.last().map_or(0, |mark| mark.resident_bytes);
    let most = full.max(rested.resident_bytes) as f64;
    let bytes = |key, what, value: u64| Figure::new(key, what, Unit::Bytes, vec![value as f64]);
    let each = (most - empty as f64) / args.orders as f64;
    let unfit = (args.orders < BUDGET_ORDERS)
        .then(|| format!("the budget is for {BUDGET_ORDERS} orders, these are {}", args.orders));
    let mut settings = safe.settings;
    settings.extend([
        setting("orders", args.orders),
        setting("in flight", args.in_flight),
        setting("seed", args.seed),
        setting("market", "yogiyogi"),
    ]);
    Ok(Findings {
        suite: "memory".to_owned(),
        machine: safety.machine().clone(),
        settings,
        calibrations: vec![looked_at(safety.machine().sync)],
        figures: vec![
            bytes("memory.empty", "resident, without orders", empty),
            bytes("memory.full", "resident, all orders waiting", full),
            bytes("memory.rested", "resident, some time later", rested.resident_bytes),
            bytes("memory.peak", "resident, the most at any time", rested.peak_bytes),
            Figure::new("memory.order", "resident for each open order", Unit::Bytes, vec![each]),
        ],
        plots: vec![plot(empty, &marks)],
        budgets: vec![budget(
            &format!("memory of {BUDGET_ORDERS} open orders"),
            "under 1.5 GB resident",
            format!("{:.2} GB", most / 1e9),
            most < BUDGET_BYTES,
            unfit,
        )],
        failures: safe.failures,
        remarks: safe.remarks,
    })
}

fn subject_args(args: &MemoryArgs, folder: &Path) -> SubjectArgs {
    SubjectArgs {
        data: folder.join("data"),
        goods: Goods::Operator,
        offerings: 1,
        expected: 0,
        marks: marks(args.orders),
        in_flight: args.in_flight,
        seed: args.seed,
        keep_records: None,
    }
}

/// Evenly up to all of them.
fn marks(orders: u64) -> Vec<u64> {
    let mut marks: Vec<u64> = (1..=POINTS).map(|point| orders * point / POINTS).collect();
    marks.dedup();
    marks.retain(|mark| *mark > 0);
    marks
}

fn rate(mark: &Mark) -> f64 {
    mark.step as f64 / mark.seconds
}

fn plot(empty: u64, marks: &[Mark]) -> Plot {
    let axis = |label: &str| Axis { label: label.to_owned(), logarithmic: false };
    let first = std::iter::once((0.0, empty as f64 / 1e6));
    let points = first
        .chain(marks.iter().map(|mark| (mark.orders as f64, mark.resident_bytes as f64 / 1e6)));
    Plot {
        title: "Memory of open orders".to_owned(),
        x: axis("orders that wait for an operator"),
        y: axis("resident, MB"),
        curves: vec![Curve { name: "resident".to_owned(), points: points.collect() }],
    }
}

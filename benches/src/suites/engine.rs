//! The suite `engine`: the library without HTTP. Durable, paid orders a second with many in flight, spread over many
//! offerings, on a real folder, with as many runtime workers as there are cores; and the latency of one at a time.

use std::path::PathBuf;

use clap::Args;

use super::safety::Safety;
use super::shop::{Goods, Load, Shop, Tally};
use super::{SuiteError, budget, cores, fresh, runtime, scratch, seconds, setting, slow_build};
use crate::calibrate::{self, looked_at};
use crate::findings::{Axis, Curve, Figure, Findings, Plot, Unit, Yardstick};
use crate::machine::Machine;
use crate::report::{Budget, median};

/// The budget: so many orders a second...
const BUDGET_RATE: f64 = 100_000.0;
/// ... with so many in flight.
const BUDGET_IN_FLIGHT: usize = 1024;
/// The budget of one order's latency, in milliseconds...
const BUDGET_P50_MS: f64 = 1.0;
/// ... where a sync takes this long.
const BUDGET_SYNC_MS: f64 = 0.2;
/// Orders for the latency of one at a time: a share of all...
const ALONE_SHARE: u64 = 50;
/// ... but at least these.
const ALONE_MIN: u64 = 20;
/// Before anything is timed, a tenth of the orders.
const WARM_UP_SHARE: u64 = 10;
/// Points of the curve of latencies.
const QUANTILES: [f64; 9] = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0];

/// What is asked of the suite.
#[derive(Debug, Clone, Args)]
pub struct EngineArgs {
    /// Orders of one run.
    #[arg(long, default_value = "200000")]
    pub orders: u64,
    /// Orders on their way at any moment.
    #[arg(long, default_value_t = BUDGET_IN_FLIGHT)]
    pub in_flight: usize,
    /// Offerings the orders are spread over.
    #[arg(long, default_value = "1000")]
    pub offerings: u64,
    /// Runs, each on a fresh folder.
    #[arg(long, default_value = "5")]
    pub runs: usize,
    /// Seed of customers and offerings.
    #[arg(long, default_value = "1")]
    pub seed: u64,
    /// Folder for the fresh data folders; without it, the system's temporary folder.
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
}

/// One run.
struct Run {
    many: Tally,
    alone: Tally,
    imbalance: Option<String>,
}

/// Runs it, on a runtime of its own.
///
/// # Errors
/// The engine does not open, or an order is no booking.
pub fn run(args: &EngineArgs, progress: &mut dyn FnMut(&str)) -> Result<Findings, SuiteError> {
    let scratch = scratch(args.scratch.as_ref());
    let safety = Safety::before(&scratch)?;
    let mut runs = Vec::new();
    for number in 1..=args.runs {
        let run = runtime()?.block_on(one(args, &scratch))?;
        let rate = args.orders as f64 / seconds(run.many.elapsed);
        progress(&format!("run {number} of {}: {rate:.0} orders/s", args.runs));
        runs.push(run);
    }
    // The disk may have been busy with somebody else's data at the first look.
    let sync_ms = safety.machine().sync.p50_ms.min(calibrate::sync(&scratch)?.median_us / 1e3);
    Ok(findings(args, &safety, &runs, sync_ms))
}

async fn one(args: &EngineArgs, scratch: &std::path::Path) -> Result<Run, SuiteError> {
    let folder = fresh(scratch)?;
    let shop = Shop::open(&folder.path().join("data"), Goods::Seats, args.offerings).await?;
    let load =
        |orders, in_flight, part: u64| Load { orders, in_flight, seed: args.seed ^ (part << 40) };
    shop.order(load(args.orders / WARM_UP_SHARE, args.in_flight, 1)).await?;
    let many = shop.order(load(args.orders, args.in_flight, 2)).await?;
    let alone = shop.order(load((args.orders / ALONE_SHARE).max(ALONE_MIN), 1, 3)).await?;
    let imbalance = shop.imbalance().await?;
    shop.engine.close().await;
    Ok(Run { many, alone, imbalance })
}

fn findings(args: &EngineArgs, safety: &Safety, runs: &[Run], sync_ms: f64) -> Findings {
    let machine = safety.machine();
    let alone_orders = (args.orders / ALONE_SHARE).max(ALONE_MIN);
    let each = 2 * args.orders / args.in_flight.max(1) as u64 + 2 * alone_orders;
    let mut safe = safety.after(each * runs.len() as u64);
    let sync = looked_at(machine.sync);
    let at = |tally: &Tally, quantile| tally.latencies_us.value_at_quantile(quantile) as f64 / 1e3;
    let ms = |key: &str, what: &str, of: &dyn Fn(&Run) -> f64| {
        let figure = Figure::new(key, what, Unit::Milliseconds, runs.iter().map(of).collect());
        figure.beside(Yardstick::Sync, &vec![sync.median_us / 1e3; runs.len()])
    };
    let rate = |run: &Run| args.orders as f64 / seconds(run.many.elapsed);
    let rates = Figure::new(
        "engine.orders",
        &format!("durable paid orders, {} in flight", args.in_flight),
        Unit::PerSecond,
        runs.iter().map(rate).collect(),
    )
    .beside(Yardstick::Sync, &vec![sync.per_second; runs.len()]);
    let alone = ms("engine.alone.p50", "one order at a time, median", &|run| at(&run.alone, 0.5));
    let (median_rate, p50) = (rates.median, alone.median);
    let figures = vec![
        rates,
        ms("engine.p50", "the same orders, median latency", &|run| at(&run.many, 0.5)),
        ms("engine.p99", "99 of 100 are faster than", &|run| at(&run.many, 0.99)),
        ms("engine.p999", "999 of 1000 are faster than", &|run| at(&run.many, 0.999)),
        alone,
        ms("engine.alone.p99", "one at a time, 99 of 100", &|run| at(&run.alone, 0.99)),
    ];
    safe.failures.extend(runs.iter().filter_map(|run| run.imbalance.clone()));
    if p50 < sync_ms / 2.0 {
        safe.failures.push("orders are answered faster than the disk syncs".to_owned());
    }
    let again: u64 = runs.iter().map(|run| run.many.again).sum();
    if again > 0 {
        safe.remarks.push(format!("{again} orders were turned away for the moment"));
    }
    let mut settings = safe.settings;
    settings.extend([
        setting("orders", args.orders),
        setting("in flight", args.in_flight),
        setting("offerings", args.offerings),
        setting("workers", cores()),
        setting("seed", args.seed),
    ]);
    Findings {
        suite: "engine".to_owned(),
        machine: machine.clone(),
        settings,
        calibrations: vec![sync],
        figures,
        plots: vec![plot(runs)],
        budgets: budgets(args, machine, median_rate, p50),
        failures: safe.failures,
        remarks: safe.remarks,
    }
}

fn budgets(args: &EngineArgs, machine: &Machine, rate: f64, p50: f64) -> Vec<Budget> {
    let other = (args.in_flight != BUDGET_IN_FLIGHT)
        .then(|| format!("the budget is for {BUDGET_IN_FLIGHT} in flight"));
    let slow = (machine.sync.p50_ms > BUDGET_SYNC_MS * 1.25 && p50 >= BUDGET_P50_MS)
        .then(|| format!("a sync takes {:.2} ms here", machine.sync.p50_ms));
    vec![
        budget(
            &format!("orders through the library, {BUDGET_IN_FLIGHT} in flight"),
            &format!("{BUDGET_RATE:.0} a second"),
            format!("{rate:.0} a second"),
            rate >= BUDGET_RATE,
            other.or_else(slow_build),
        ),
        budget(
            "p50 of one order at a time, library",
            "under 1 ms where a sync takes 0.2 ms",
            format!("{p50:.3} ms"),
            p50 < BUDGET_P50_MS,
            slow.or_else(slow_build),
        ),
    ]
}

fn plot(runs: &[Run]) -> Plot {
    let curve = |name: &str, of: &dyn Fn(&Run) -> &Tally| {
        let point = |quantile: &f64| {
            let at = |run: &Run| of(run).latencies_us.value_at_quantile(*quantile) as f64 / 1e3;
            (quantile * 100.0, median(runs.iter().map(at)))
        };
        Curve { name: name.to_owned(), points: QUANTILES.iter().map(point).collect() }
    };
    Plot {
        title: "Latency of an order through the library".to_owned(),
        x: Axis { label: "percent of the orders".to_owned(), logarithmic: false },
        y: Axis { label: "at most, ms".to_owned(), logarithmic: true },
        curves: vec![
            curve("many in flight", &|run| &run.many),
            curve("one at a time", &|run| &run.alone),
        ],
    }
}

//! The suite `bare`: the bare path of an order beside the engine. What do the engine's other duties cost, and what would
//! be left to be had if they cost nothing?
//!
//! The bare path (`path`, `parties`) decides with the domain's own machines, writes the same eight records of an order into
//! the same journal, and waits for the disk in the same two places: before the gateway is asked, and before the customer
//! is told. It is hosted on bare tasks and channels, and over HTTP on warp as it comes (`edge`). It does not do what an
//! engine is for besides: it looks nothing over and limits nothing, knows no keys and no markets, restarts nobody, has no
//! snapshots, views, messages or deadlines, answers no question about an order, and does not come up again.
//!
//! Both are measured in turns. So the figures say which part of a budget the machine leaves to all of that.

pub mod edge;
mod legs;
mod parties;
pub mod path;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Args;
use surehold_domain::card::Card;
use surehold_domain::id::OfferingId;
use tokio::task::JoinSet;

use self::legs::{Legs, Plan};
use self::path::{Bare, Wanted};
use super::safety::Safety;
use super::shop::{Goods, Load, Shop};
use super::{SuiteError, cores, fresh, runtime, scratch, seconds, setting};
use crate::calibrate::looked_at;
use crate::findings::{Figure, Findings, Unit, Yardstick};
use crate::http::HttpError;
use crate::interrupt::{Interrupted, unless_interrupted};
use crate::report::{Leg, median};
use crate::server::Launch;
use crate::workload::Random;

/// Customers; each has many orders.
const CUSTOMERS: u64 = 10_000;
/// Before anything is timed, a tenth of the orders.
const WARM_UP_SHARE: u64 = 10;
/// Records that an order leaves.
const RECORDS: u64 = 8;

/// What is asked of the suite.
#[derive(Debug, Clone, Args)]
pub struct BareArgs {
    /// Orders of one run through the library.
    #[arg(long, default_value = "200000")]
    pub orders: u64,
    /// Of these, on their way at any moment.
    #[arg(long, default_value = "1024")]
    pub in_flight: usize,
    /// Orders of one leg over HTTP, and as many echoes.
    #[arg(long, default_value = "50000")]
    pub requests: usize,
    /// Keep-alive connections; several numbers make several series.
    #[arg(long, default_value = "64,256", value_delimiter = ',')]
    pub connections: Vec<usize>,
    /// Offerings the orders are spread over.
    #[arg(long, default_value = "1000")]
    pub offerings: u64,
    /// How often both take turns; the medians count.
    #[arg(long, default_value = "5")]
    pub rounds: usize,
    /// Seed of customers and offerings.
    #[arg(long, default_value = "1")]
    pub seed: u64,
    /// The server's binary; without it, the release binary is built.
    #[arg(long, value_name = "PATH")]
    pub server: Option<PathBuf>,
    /// Folder for the fresh data folders; without it, the system's temporary folder.
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
}

/// Why the suite has no figures.
#[derive(Debug, thiserror::Error)]
pub enum BareError {
    /// Without HTTP.
    #[error(transparent)]
    Suite(#[from] SuiteError),
    /// Over HTTP.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The machine could not be looked at.
    #[error("cannot look at the machine: {0}")]
    Machine(#[from] std::io::Error),
    /// Somebody wants it to end.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// Runs it, on runtimes of its own; `program` is this program, to be started again, `launch` the server.
///
/// # Errors
/// [`BareError`].
pub fn run(
    args: &BareArgs,
    program: &Path,
    launch: &Launch,
    progress: &mut dyn FnMut(&str),
) -> Result<Findings, BareError> {
    let scratch = scratch(args.scratch.as_ref());
    let safety = Safety::before(&scratch)?;
    let mut rates = (Vec::new(), Vec::new());
    for round in 1..=args.rounds {
        let bare = runtime()?.block_on(bare(args, &scratch))?;
        let engine = runtime()?.block_on(engine(args, &scratch))?;
        progress(&format!("library, round {round}: bare {bare:.0}, engine {engine:.0} orders/s"));
        rates.0.push(bare);
        rates.1.push(engine);
    }
    let mut over_http = Vec::new();
    // One thread: the cores are the servers'.
    let waiting = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for &connections in &args.connections {
        let BareArgs { requests: orders, rounds, offerings, seed, .. } = *args;
        let plan = Plan { connections, orders, rounds, offerings, seed, launch, program };
        over_http.push((
            connections,
            waiting.block_on(unless_interrupted(legs::run(&plan, progress)))??,
        ));
    }
    Ok(findings(args, &safety, &rates, &over_http))
}

/// Orders a second of the bare path.
async fn bare(args: &BareArgs, scratch: &Path) -> Result<f64, SuiteError> {
    let folder = fresh(scratch)?;
    let bare = Bare::open(&folder.path().join("data"), args.offerings)?;
    let mut rate = f64::NAN;
    for (part, orders) in [(1, args.orders / WARM_UP_SHARE), (2, args.orders)] {
        let start = Instant::now();
        let taken = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        for task in 0..args.in_flight as u64 {
            let random = Random::new(args.seed ^ (part << 40) ^ (task << 20));
            tasks.spawn(order(
                Arc::clone(&bare),
                Arc::clone(&taken),
                orders,
                random,
                args.offerings,
            ));
        }
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|error| SuiteError::Answer(error.to_string()))??;
        }
        rate = orders as f64 / seconds(start.elapsed());
    }
    bare.close();
    let (there, due) = (bare.records(), RECORDS * (args.orders / WARM_UP_SHARE + args.orders));
    if there != due {
        return Err(SuiteError::Answer(format!("{there} records are on disk and {due} are due")));
    }
    Ok(rate)
}

/// One task: orders until all are taken.
async fn order(
    bare: Arc<Bare>,
    taken: Arc<AtomicU64>,
    orders: u64,
    mut random: Random,
    offerings: u64,
) -> Result<(), SuiteError> {
    let card = Card::parse("tok_bench").map_err(|error| SuiteError::Answer(error.to_string()))?;
    while taken.fetch_add(1, Ordering::Relaxed) < orders {
        let wanted = Wanted {
            customer: format!("customer-{}", random.below(CUSTOMERS)),
            offering: OfferingId(1 + random.below(offerings)),
            card: card.clone(),
        };
        bare.place(wanted).await?;
    }
    Ok(())
}

/// Orders a second of the engine.
async fn engine(args: &BareArgs, scratch: &Path) -> Result<f64, SuiteError> {
    let folder = fresh(scratch)?;
    let shop = Shop::open(&folder.path().join("data"), Goods::Seats, args.offerings).await?;
    let load = |orders, part: u64| Load {
        orders,
        in_flight: args.in_flight,
        seed: args.seed ^ (part << 40),
    };
    shop.order(load(args.orders / WARM_UP_SHARE, 1)).await?;
    let tally = shop.order(load(args.orders, 2)).await?;
    shop.engine.close().await;
    Ok(args.orders as f64 / seconds(tally.elapsed))
}

/// For each number of connections, the legs of the bare path and of the server.
type OverHttp = [(usize, (Legs, Legs))];

fn findings(
    args: &BareArgs,
    safety: &Safety,
    rates: &(Vec<f64>, Vec<f64>),
    over_http: &OverHttp,
) -> Findings {
    let each = 4 * args.orders / args.in_flight.max(1) as u64;
    let mut safe = safety.after(each * args.rounds as u64);
    let sync = looked_at(safety.machine().sync);
    let (bare, engine) = rates;
    let library = |key: &str, what: &str, runs: &[f64]| {
        let what = format!("{what}, {} in flight", args.in_flight);
        Figure::new(key, &what, Unit::PerSecond, runs.to_vec())
            .beside(Yardstick::Sync, &vec![sync.per_second; runs.len()])
    };
    let mut figures = vec![
        library("bare.library", "bare path", bare),
        library("bare.library.engine", "engine", engine),
        share("bare.library.share", "engine of bare path, without HTTP", engine, bare),
    ];
    safe.remarks.push(format!(
        "without HTTP the engine takes {:.1} us an order more than the bare path's {:.1}",
        1e6 / median(engine.iter().copied()) - 1e6 / median(bare.iter().copied()),
        1e6 / median(bare.iter().copied())
    ));
    for (connections, (bare, server)) in over_http {
        figures.extend(of_connections(*connections, bare, server));
        safe.remarks.push(format!(
            "at {connections} connections the bare path makes {:.2} of its echo, the server {:.2}",
            bare.share(),
            server.share()
        ));
    }
    let mut settings = safe.settings;
    settings.extend([
        setting("orders", args.orders),
        setting("in flight", args.in_flight),
        setting("orders of a leg over HTTP", args.requests),
        setting("offerings", args.offerings),
        setting("workers", cores()),
        setting("seed", args.seed),
    ]);
    Findings {
        suite: "bare".to_owned(),
        machine: safety.machine().clone(),
        settings,
        calibrations: vec![sync],
        figures,
        plots: Vec::new(),
        budgets: Vec::new(),
        failures: safe.failures,
        remarks: safe.remarks,
    }
}

fn share(key: &str, what: &str, part: &[f64], of: &[f64]) -> Figure {
    let runs = part.iter().zip(of).map(|(part, of)| part / of).collect();
    Figure::new(key, what, Unit::Ratio, runs)
}

fn of_connections(connections: usize, bare: &Legs, server: &Legs) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (name, legs) in [("path", bare), ("server", server)] {
        let figure = |end: &str, what: &str, unit, of: fn(&Leg) -> f64| {
            let key = format!("bare.{connections}.{name}{end}");
            Figure::new(
                &key,
                &format!("{name}, {connections} connections: {what}"),
                unit,
                legs.each(of),
            )
        };
        figures.push(
            figure("", "orders a second", Unit::PerSecond, |leg| leg.per_second)
                .beside(Yardstick::Echo, &legs.echoes()),
        );
        figures.push(figure(".server_us", "processor time for each", Unit::Microseconds, |leg| {
            leg.server_us
        }));
    }
    let rates = |legs: &Legs| legs.each(|leg| leg.per_second);
    let what = format!("server of bare path, {connections} connections");
    figures.push(share(&format!("bare.{connections}.share"), &what, &rates(server), &rates(bare)));
    figures
}

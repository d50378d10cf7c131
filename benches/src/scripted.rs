//! The command line of the scripted runs, see `surehold_benches::runs`.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use surehold_benches::build::build_server;
use surehold_benches::interrupt::unless_interrupted;
use surehold_benches::runs::{Outcome, crashes, faults, overload, slow_payments};
use surehold_benches::server::Launch;

use super::{at_least_one, tell};

#[derive(Args)]
struct Common {
    /// Seed of whatever is drawn; without it, another one each time, which is printed.
    #[arg(long)]
    seed: Option<u64>,
    /// The server's binary; without it, the release binary is built.
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Folder for the fresh data folder; without it, the system's temporary folder.
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Also write what came of it as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct SlowPaymentsArgs {
    /// Customers at once.
    #[arg(long, default_value = "100", value_parser = at_least_one)]
    connections: usize,
    /// How long they order, in seconds.
    #[arg(long, default_value = "60", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// How long the payment service's own limit is measured, in seconds.
    #[arg(long, default_value = "10", value_parser = clap::value_parser!(u64).range(1..))]
    calibration: u64,
    /// What a charge takes at the payment service, in milliseconds: from, to.
    #[arg(long, default_value = "400,620", value_parser = range)]
    sleep_ms: (u64, u64),
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
pub(crate) struct OverloadArgs {
    /// Connections of the generator; orders that find none free leave late, and are counted.
    #[arg(long, default_value = "2000", value_parser = at_least_one)]
    connections: usize,
    /// Length of the rush, in seconds.
    #[arg(long, default_value = "60", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// How long the sustainable rate is measured before, in seconds.
    #[arg(long, default_value = "10", value_parser = clap::value_parser!(u64).range(1..))]
    calibration: u64,
    /// Charges the payment service works at at once.
    #[arg(long, default_value = "200", value_parser = at_least_one)]
    hands: usize,
    /// How many times the sustainable rate comes in.
    #[arg(long, default_value = "10")]
    factor: f64,
    /// What a charge takes at the payment service, in milliseconds: from, to.
    #[arg(long, default_value = "400,620", value_parser = range)]
    sleep_ms: (u64, u64),
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
pub(crate) struct FaultsArgs {
    /// Orders of one leg.
    #[arg(long, default_value = "10000", value_parser = clap::value_parser!(u64).range(1..))]
    orders: u64,
    /// Customers at once.
    #[arg(long, default_value = "256", value_parser = at_least_one)]
    connections: usize,
    /// Of how many hundredths of the requests each of the six kinds of fault comes; several numbers make several legs.
    #[arg(long, default_value = "10,4", value_delimiter = ',', value_parser = clap::value_parser!(u64).range(1..=16))]
    percent: Vec<u64>,
    /// How long everything may take to be at rest, in seconds.
    #[arg(long, default_value = "400")]
    settle_within: u64,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
pub(crate) struct CrashesArgs {
    /// Customers at once.
    #[arg(long, default_value = "64", value_parser = at_least_one)]
    connections: usize,
    /// How long they order, in seconds.
    #[arg(long, default_value = "60", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Crashes a second.
    #[arg(long, default_value = "10", value_parser = clap::value_parser!(u32).range(1..=100))]
    rate: u32,
    #[command(flatten)]
    common: Common,
}

/// A run and what it needs.
enum Run {
    SlowPayments(slow_payments::Plan),
    Overload(overload::Plan),
    Faults(faults::Plan),
    Crashes(crashes::Plan),
}

pub(crate) fn slow_payments(args: SlowPaymentsArgs) -> Result<bool, Box<dyn Error>> {
    let SlowPaymentsArgs { connections, seconds, calibration, sleep_ms, common } = args;
    let seed = common.seed.unwrap_or_else(any_seed);
    let plan = slow_payments::Plan { connections, seconds, calibration, sleep_ms, seed };
    run(Run::SlowPayments(plan), common)
}

pub(crate) fn overload(args: OverloadArgs) -> Result<bool, Box<dyn Error>> {
    let OverloadArgs { connections, seconds, calibration, hands, factor, sleep_ms, common } = args;
    if !(factor.is_finite() && factor > 0.0) {
        return Err("--factor: must be above 0".into());
    }
    let seed = common.seed.unwrap_or_else(any_seed);
    let plan = overload::Plan { connections, seconds, calibration, hands, factor, sleep_ms, seed };
    run(Run::Overload(plan), common)
}

pub(crate) fn faults(args: FaultsArgs) -> Result<bool, Box<dyn Error>> {
    let FaultsArgs { orders, connections, percent, settle_within, common } = args;
    let seed = common.seed.unwrap_or_else(any_seed);
    let plan = faults::Plan { orders, connections, percent, seed, settle_within };
    run(Run::Faults(plan), common)
}

pub(crate) fn crashes(args: CrashesArgs) -> Result<bool, Box<dyn Error>> {
    let CrashesArgs { connections, seconds, rate, common } = args;
    let seed = common.seed.unwrap_or_else(any_seed);
    run(Run::Crashes(crashes::Plan { connections, seconds, rate, seed }), common)
}

/// Runs it and says what came of it; whether everything holds.
fn run(run: Run, common: Common) -> Result<bool, Box<dyn Error>> {
    let Common { server, scratch, json, seed: _ } = common;
    let mut launch = Launch::new(server.map_or_else(build_server, Ok)?);
    launch.scratch = scratch.unwrap_or(launch.scratch);
    // One thread: the cores are the server's.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(until_interrupted(&run, &launch))?;
    io::stdout().lock().write_all(outcome.to_string().as_bytes())?;
    if let Some(file) = json {
        fs::write(&file, serde_json::to_string_pretty(&outcome)?)
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    }
    Ok(outcome.is_sound())
}

/// Runs until done or interrupted; either way the server is gone and its folder removed.
async fn until_interrupted(run: &Run, launch: &Launch) -> Result<Outcome, Box<dyn Error>> {
    let mut progress = |line: &str| tell(line);
    let running = async {
        match run {
            Run::SlowPayments(plan) => slow_payments::run(plan, launch, &mut progress).await,
            Run::Overload(plan) => overload::run(plan, launch, &mut progress).await,
            Run::Faults(plan) => faults::run(plan, launch, &mut progress).await,
            Run::Crashes(plan) => crashes::run(plan, launch, &mut progress).await,
        }
    };
    Ok(unless_interrupted(running).await??)
}

/// Another one each time.
fn any_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(1, |now| u64::from(now.subsec_nanos()))
}

/// Two numbers with a comma between them, the smaller one first.
fn range(text: &str) -> Result<(u64, u64), String> {
    let number = |text: &str| text.trim().parse::<u64>().map_err(|error| error.to_string());
    let (from, to) = text.split_once(',').ok_or("must be two numbers, such as 400,620")?;
    let (from, to) = (number(from)?, number(to)?);
    if from > to { Err("the smaller number comes first".to_owned()) } else { Ok((from, to)) }
}

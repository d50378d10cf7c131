//! Measures a Surehold server from outside, over HTTP.
//!
//! ```text
//! cargo run --release -p surehold-benches -- http
//! cargo run --release -p surehold-benches -- http --connections 1,64,256 --json report.json
//! cargo run --release -p surehold-benches -- http --hot
//! cargo run --release -p surehold-benches -- participants
//! cargo run --release -p surehold-benches -- slow-payments
//! cargo run --release -p surehold-benches -- overload
//! cargo run --release -p surehold-benches -- faults --seed 7
//! cargo run --release -p surehold-benches -- crashes --seed 7
//! cargo run --release -p surehold-benches -- compare
//! ```
//!
//! Without `--server PATH` the release server is built first. Each number of connections gets a fresh server on a fresh
//! data folder, and both are gone at the end. The folder is made in the system's temporary folder, or below `--scratch`;
//! it must lie on the disk that is to be measured.
//!
//! How to read the table:
//! - **per s** counts expected answers only (200 for the echo, 201 for an order: durable and paid).
//! - **orders/echo** is the figure to compare between machines: the echo is the same server doing nothing, with the
//!   same bodies, a moment before. Its spread over the pairs tells how quiet the machine was.
//! - **server us, gen. us** are processor time for each answer: the generator must stay below the server, and says so when it
//!   was busy all the time.
//! - **disk** is growth since ready, allocated blocks; **memory** is the server's, after the last round.
//! - **books** compares the orders answered 201 with those the server lists, and asks its audit.
//! - A budget that this run cannot judge says why. Remarks say what speaks against the figures.
//!
//! `compare` puts the same load on what else a user could pick; `docs/comparison.md` says how to read its table.
//! The scripted runs (`slow-payments` to `crashes`) end with one line for each thing that must hold; `docs/payments.md` says what they are about.
//!
//! Exit status: 0 when the figures stand, met budgets or not; 1 when the books do not agree with the answers, or the
//! server ended badly, or a line does not hold; 2 when there are no figures.

mod compared;
mod scripted;

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use surehold_benches::build::build_server;
use surehold_benches::plan::{Inventory, Plan};
use surehold_benches::report::Report;
use surehold_benches::rivals::shop::{self, ShopArgs};
use surehold_benches::server::Launch;
use surehold_benches::{http, participants};
use tokio::signal::unix::{SignalKind, signal};

/// Seeded, end-to-end measurements of the Surehold booking engine.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    suite: Suite,
}

#[derive(Subcommand)]
enum Suite {
    /// Orders over HTTP, beside the same server's echo.
    Http(HttpArgs),
    /// Orders over HTTP while a supporting participant is stopped, beside the same with all up.
    Participants(ParticipantsArgs),
    /// A payment service that takes half a second: everybody is answered and paid once, at the service's own speed.
    SlowPayments(scripted::SlowPaymentsArgs),
    /// Ten times more orders than can be paid: some are done in good time, the others refused at once.
    Overload(scripted::OverloadArgs),
    /// A payment service with every fault: two ledgers that agree in the end.
    Faults(scripted::FaultsArgs),
    /// Everything crashes under load: nothing lost, nothing twice.
    Crashes(scripted::CrashesArgs),
    /// The same load on what else a user could pick: axum over PostgreSQL, Restate.
    Compare(compared::CompareArgs),
    /// The service over PostgreSQL that `compare` starts.
    #[command(hide = true)]
    RivalShop(ShopArgs),
}

#[derive(Args)]
struct ParticipantsArgs {
    /// Orders of one leg.
    #[arg(long, default_value = "20000", value_parser = at_least_one)]
    orders: usize,
    /// Keep-alive connections, each with one request in flight.
    #[arg(long, default_value = "64", value_parser = at_least_one)]
    connections: usize,
    /// Pairs of legs for each participant.
    #[arg(long, default_value = "5", value_parser = at_least_one)]
    rounds: usize,
    /// Seed of the requests.
    #[arg(long, default_value = "1")]
    seed: u64,
    /// The server's binary; without it, the release binary is built.
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Folder for the fresh data folder; without it, the system's temporary folder.
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
}

#[derive(Args)]
struct HttpArgs {
    /// Orders of one leg, and as many echoes.
    #[arg(long, default_value = "100000", value_parser = at_least_one)]
    orders: usize,
    /// Keep-alive connections, each with one request in flight; several numbers make several series.
    #[arg(long, default_value = "64", value_delimiter = ',', value_parser = at_least_one)]
    connections: Vec<usize>,
    /// How often echo and orders alternate.
    #[arg(long, default_value = "3", value_parser = at_least_one)]
    rounds: usize,
    /// How many offerings the orders are spread over.
    #[arg(long, default_value = "1000", value_parser = at_least_one, conflicts_with = "hot")]
    offerings: usize,
    /// What the offerings hold.
    #[arg(long, value_enum, default_value = "seats", conflicts_with = "hot")]
    inventory: Inventory,
    /// All orders on one offering of seats.
    #[arg(long)]
    hot: bool,
    /// Seed of the requests.
    #[arg(long, default_value = "1")]
    seed: u64,
    /// The server's binary; without it, the release binary is built.
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Folder for the fresh data folders; without it, the system's temporary folder.
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Also write the report as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    let sound = match Cli::parse().suite {
        Suite::Http(args) => run(args).map(|report| report.is_sound()),
        Suite::Participants(args) => run_participants(args).map(|outcome| outcome.is_sound()),
        Suite::SlowPayments(args) => scripted::slow_payments(args),
        Suite::Overload(args) => scripted::overload(args),
        Suite::Faults(args) => scripted::faults(args),
        Suite::Crashes(args) => scripted::crashes(args),
        Suite::Compare(args) => compared::compare(args),
        Suite::RivalShop(args) => shop::serve(&args).map(|()| true),
    };
    match sound {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            tell(&format!("error: {error}"));
            ExitCode::from(2)
        }
    }
}

fn run_participants(args: ParticipantsArgs) -> Result<participants::Outcome, Box<dyn Error>> {
    let ParticipantsArgs { orders, connections, rounds, seed, server, scratch } = args;
    let mut launch = Launch::new(server.map_or_else(build_server, Ok)?);
    launch.scratch = scratch.unwrap_or(launch.scratch);
    let plan = participants::Plan { orders, connections, rounds, seed };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut progress = |line: &str| tell(line);
    let outcome = runtime.block_on(participants::run(&plan, &launch, &mut progress))?;
    io::stdout().lock().write_all(outcome.to_string().as_bytes())?;
    Ok(outcome)
}

fn run(args: HttpArgs) -> Result<Report, Box<dyn Error>> {
    let plan = plan(&args);
    let program = match args.server {
        Some(program) => program,
        None => build_server()?,
    };
    let mut launch = Launch::new(program);
    launch.scratch = args.scratch.unwrap_or(launch.scratch);
    // One thread: the cores are the server's.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(measure(&plan, &launch))?;
    io::stdout().lock().write_all(report.to_string().as_bytes())?;
    if let Some(file) = args.json {
        fs::write(&file, serde_json::to_string_pretty(&report)?)
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    }
    Ok(report)
}

/// Measures until done or interrupted; either way the server is gone and its folder removed.
async fn measure(plan: &Plan, launch: &Launch) -> Result<Report, Box<dyn Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut progress = |line: &str| tell(line);
    tokio::select! {
        report = http::run(plan, launch, &mut progress) => Ok(report?),
        _ = interrupt.recv() => Err("interrupted".into()),
        _ = terminate.recv() => Err("terminated".into()),
    }
}

fn plan(args: &HttpArgs) -> Plan {
    Plan {
        orders: args.orders,
        connections: args.connections.clone(),
        rounds: args.rounds,
        offerings: if args.hot { 1 } else { args.offerings },
        inventory: if args.hot { Inventory::Seats } else { args.inventory },
        seed: args.seed,
    }
}

/// Progress and errors go to stderr; when nobody reads that, there is nobody to tell.
fn tell(line: &str) {
    writeln!(io::stderr().lock(), "{line}").ok();
}

fn at_least_one(text: &str) -> Result<usize, String> {
    let number = text.parse::<usize>().map_err(|error| error.to_string())?;
    if number == 0 { Err("must be at least 1".to_owned()) } else { Ok(number) }
}

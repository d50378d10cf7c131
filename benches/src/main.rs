//! Measures Surehold, and proves what a speed alone does not show.
//!
//! ```text
//! cargo run --release -p surehold-benches -- http --connections 1,64,256 --json new.json --report report
//! cargo run --release -p surehold-benches -- http --rate 5000
//! cargo run --release -p surehold-benches -- hot
//! cargo run --release -p surehold-benches -- mixed
//! cargo run --release -p surehold-benches -- all --report report
//! cargo run --release -p surehold-benches -- --compare old.json new.json
//! cargo run --release -p surehold-benches -- participants
//! cargo run --release -p surehold-benches -- actors
//! cargo run --release -p surehold-benches -- slow-payments
//! cargo run --release -p surehold-benches -- overload
//! cargo run --release -p surehold-benches -- faults --seed 7
//! cargo run --release -p surehold-benches -- crashes --seed 7
//! cargo run --release -p surehold-benches -- engine
//! cargo run --release -p surehold-benches -- journal
//! cargo run --release -p surehold-benches -- memory --orders 1000000
//! cargo run --release -p surehold-benches -- recovery --orders 1000000 --server target/release/surehold
//! cargo run --release -p surehold-benches -- growth --orders 10000000
//! cargo run --release -p surehold-benches -- bare
//! cargo run --release -p surehold-benches -- compare
//! ```
//!
//! Without `--server PATH` the release server is built first. Each series gets a fresh server on a fresh data folder, and
//! both are gone at the end. The folder is made in the system's temporary folder, or below `--scratch`; it must lie on
//! the disk that is to be measured.
//!
//! `docs/benchmarks.md` says what each suite does and how to read its table; `docs/payments.md` what the last four are
//! about, which end with one line for each thing that must hold.
//!
//! `compare` puts the same load on what else a user could pick; `docs/comparison.md` says how to read its table.
//!
//! Exit status: 0 when the figures stand, met budgets or not; 1 when a promise was broken: books that do not agree with
//! the answers, a server that is not safe when the power goes, a line that does not hold; 2 when there are no figures.

mod actors;
mod compared;
mod direct;
mod measured;
mod scripted;

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use surehold_benches::build::build_server;
use surehold_benches::document::Document;
use surehold_benches::participants;
use surehold_benches::rivals::shop::{self, ShopArgs};
use surehold_benches::server::Launch;
use surehold_benches::versus::Versus;

use measured::{AllArgs, HttpArgs, Measured, OverHttp};

/// The release server's: what is hosted in this program is measured on the same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Seeded measurements of the Surehold booking engine.
#[derive(Parser)]
#[command(version, arg_required_else_help = true, args_conflicts_with_subcommands = true)]
struct Cli {
    /// Hold two runs against each other, figure by figure: the files that --json wrote.
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"])]
    compare: Option<Vec<PathBuf>>,
    #[command(subcommand)]
    suite: Option<Suite>,
}

#[derive(Subcommand)]
enum Suite {
    /// Orders over HTTP, beside the same server's echo.
    Http(Measured<HttpArgs>),
    /// Orders on one hot offering, beside orders spread over many, on the same server.
    Hot(Measured<HttpArgs>),
    /// 70% reads, 20% orders and 10% cancellations over HTTP, each answer checked.
    Mixed(Measured<HttpArgs>),
    /// Every suite that measures, in a modest size, and one report; `growth` and `compare` take longer and stand alone.
    All(Measured<AllArgs>),
    /// Orders over HTTP while a supporting participant is stopped, beside the same with all up.
    Participants(ParticipantsArgs),
    /// The same saga on two actor frameworks and on bare tasks: starting, messages, memory, restarts.
    Actors(Measured<actors::ActorsArgs>),
    /// One task of one subject of `actors`, in a process of its own.
    #[command(hide = true)]
    ActorsSubject(actors::SubjectArgs),
    /// A payment service that takes half a second: everybody is answered and paid once, at the service's own speed.
    SlowPayments(scripted::SlowPaymentsArgs),
    /// Ten times more orders than can be paid: some are done in good time, the others refused at once.
    Overload(scripted::OverloadArgs),
    /// A payment service with every fault: two ledgers that agree in the end.
    Faults(scripted::FaultsArgs),
    /// Everything crashes under load: nothing lost, nothing twice.
    Crashes(scripted::CrashesArgs),
    #[command(flatten)]
    Direct(direct::Direct),
    /// The same load on what else a user could pick: axum over PostgreSQL, Restate.
    Compare(Measured<compared::CompareArgs>),
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

fn main() -> ExitCode {
    let Cli { compare, suite } = Cli::parse();
    let sound = match (compare, suite) {
        (Some(files), _) => compare_runs(&files),
        (None, Some(suite)) => suite.run(),
        // Clap shows its help instead.
        (None, None) => Ok(true),
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

impl Suite {
    fn run(self) -> Result<bool, Box<dyn Error>> {
        match self {
            Self::Http(it) => it.over_http(OverHttp::Http),
            Self::Hot(it) => it.over_http(OverHttp::Hot),
            Self::Mixed(it) => it.over_http(OverHttp::Mixed),
            Self::All(it) => it.all(),
            Self::Actors(it) => it.run("actors", None, actors::run),
            Self::ActorsSubject(args) => actors::answer(&args),
            Self::Participants(args) => run_participants(args).map(|outcome| outcome.is_sound()),
            Self::SlowPayments(args) => scripted::slow_payments(args),
            Self::Overload(args) => scripted::overload(args),
            Self::Faults(args) => scripted::faults(args),
            Self::Crashes(args) => scripted::crashes(args),
            Self::Direct(suite) => suite.run(),
            Self::Compare(it) => it.compare(),
            Self::RivalShop(args) => shop::serve(&args).map(|()| true),
        }
    }
}

/// Prints two runs beside each other.
fn compare_runs(files: &[PathBuf]) -> Result<bool, Box<dyn Error>> {
    let [old, new] = files else { return Err("--compare takes two files".into()) };
    let versus = Versus::new(&Document::read(old)?, &Document::read(new)?);
    io::stdout().lock().write_all(versus.to_string().as_bytes())?;
    Ok(true)
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

/// Progress and errors go to stderr; when nobody reads that, there is nobody to tell.
fn tell(line: &str) {
    writeln!(io::stderr().lock(), "{line}").ok();
}

fn at_least_one(text: &str) -> Result<usize, String> {
    let number = text.parse::<usize>().map_err(|error| error.to_string())?;
    if number == 0 { Err("must be at least 1".to_owned()) } else { Ok(number) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn every_option_is_there_once_and_complete() {
        super::Cli::command().debug_assert();
    }
}

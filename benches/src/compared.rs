//! The command line of the comparison, see `surehold_benches::rivals`.

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use surehold_benches::build::build_server;
use surehold_benches::interrupt::unless_interrupted;
use surehold_benches::rivals::suite::{self, Group, Plan};
use surehold_benches::rivals::table::markdown;
use surehold_benches::server::Launch;

use super::at_least_one;
use super::measured::{Found, Measured, Tell};

#[derive(Args)]
pub(crate) struct CompareArgs {
    /// Orders of one leg, at most.
    #[arg(long, default_value = "100000", value_parser = at_least_one)]
    orders: usize,
    /// Length of one leg, at most, in seconds: who is slow gets fewer orders.
    #[arg(long, default_value = "10", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Keep-alive connections, each with one request in flight.
    #[arg(long, default_value = "64", value_parser = at_least_one)]
    connections: usize,
    /// How often echo, spread orders and orders on one offering alternate.
    #[arg(long, default_value = "3", value_parser = at_least_one)]
    rounds: usize,
    /// How many offerings the spread orders are drawn from.
    #[arg(long, default_value = "1000", value_parser = at_least_one)]
    offerings: usize,
    /// Clients that go away in the middle of a request.
    #[arg(long, default_value = "2000")]
    gone: usize,
    /// Whom to leave out.
    #[arg(long, value_enum, value_delimiter = ',')]
    without: Vec<Group>,
    /// Seed of the requests, and of the moments at which clients go away.
    #[arg(long, default_value = "1")]
    seed: u64,
    /// The server's binary; without it, the release binary is built.
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Folder for everybody's fresh data; without it, the system's temporary folder.
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
}

impl Measured<CompareArgs> {
    /// Runs the comparison and presents it; the table of it that a README can have comes last.
    pub(crate) fn compare(mut self) -> Result<bool, Box<dyn Error>> {
        // Built before anything draws on the terminal.
        if self.what.server.is_none() {
            self.what.server = Some(build_server()?);
        }
        let mut table = String::new();
        let sound = self.run("compare", None, |args, tell| {
            let findings = measure(args, tell)?;
            table = markdown(&findings);
            Ok(findings)
        })?;
        writeln!(io::stdout().lock(), "\n{table}")?;
        Ok(sound)
    }
}

fn measure(args: &CompareArgs, tell: Tell<'_>) -> Found {
    let plan = Plan {
        orders: args.orders,
        seconds: args.seconds,
        connections: args.connections,
        rounds: args.rounds,
        offerings: args.offerings,
        gone: args.gone,
        seed: args.seed,
        without: args.without.clone(),
        program: env::current_exe()?,
    };
    let mut launch = Launch::new(args.server.clone().map_or_else(build_server, Ok)?);
    launch.scratch = args.scratch.clone().unwrap_or(launch.scratch);
    // One thread: the cores are for those that are measured.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(&plan, &launch, tell))
}

/// Compares until done or interrupted; either way every process is gone and every folder removed.
async fn run(plan: &Plan, launch: &Launch, tell: Tell<'_>) -> Found {
    Ok(unless_interrupted(suite::run(plan, launch, tell)).await??)
}

//! The command line of the comparison, see `surehold_benches::rivals`.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use surehold_benches::build::build_server;
use surehold_benches::findings::Findings;
use surehold_benches::report::Verdict;
use surehold_benches::rivals::suite::{self, Group, Plan};
use surehold_benches::rivals::table::markdown;
use surehold_benches::server::Launch;
use tokio::signal::unix::{SignalKind, signal};

use super::{at_least_one, tell};

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
    /// Also write what was found as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the comparison and prints the table; `true` when everybody's books agree.
pub(crate) fn compare(args: CompareArgs) -> Result<bool, Box<dyn Error>> {
    let plan = Plan {
        orders: args.orders,
        seconds: args.seconds,
        connections: args.connections,
        rounds: args.rounds,
        offerings: args.offerings,
        gone: args.gone,
        seed: args.seed,
        without: args.without,
        program: env::current_exe()?,
    };
    let mut launch = Launch::new(args.server.map_or_else(build_server, Ok)?);
    launch.scratch = args.scratch.unwrap_or(launch.scratch);
    // One thread: the cores are for those that are measured.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let findings = runtime.block_on(run(&plan, &launch))?;
    print(&findings)?;
    if let Some(file) = args.json {
        fs::write(&file, serde_json::to_string_pretty(&findings)?)
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    }
    Ok(findings.is_sound())
}

/// Compares until done or interrupted; either way every process is gone and every folder removed.
async fn run(plan: &Plan, launch: &Launch) -> Result<Findings, Box<dyn Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut progress = |line: &str| tell(line);
    tokio::select! {
        findings = suite::run(plan, launch, &mut progress) => Ok(findings?),
        _ = interrupt.recv() => Err("interrupted".into()),
        _ = terminate.recv() => Err("terminated".into()),
    }
}

/// The table, ready to be pasted, and what stands beside it.
fn print(findings: &Findings) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", markdown(findings))?;
    for budget in &findings.budgets {
        let (what, asked, measured) = (&budget.what, &budget.asked, &budget.measured);
        let verdict = match &budget.verdict {
            Verdict::Met => "met",
            Verdict::NotMet => "NOT MET",
            Verdict::NotJudged(_) => "not judged",
        };
        writeln!(out, "{verdict:<11} {what}: {measured}; asked: {asked}")?;
    }
    let settings = findings.settings.iter().map(|(name, value)| format!("{name}: {value}"));
    list(&mut out, "settings", &settings.collect::<Vec<_>>())?;
    list(&mut out, "remarks", &findings.remarks)?;
    list(&mut out, "FAILURES", &findings.failures)
}

fn list(out: &mut impl Write, title: &str, lines: &[String]) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}")?;
    lines.iter().try_for_each(|line| writeln!(out, "  {line}"))
}

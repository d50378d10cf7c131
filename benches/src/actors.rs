//! The command line of the suite `actors`.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use surehold_benches::suites::actors::{Plan, child, run as measure, table};

use crate::{at_least_one, tell};

/// How much is measured.
#[derive(Args)]
pub(crate) struct ActorsArgs {
    /// How often each subject does each task.
    #[arg(long, default_value = "5", value_parser = at_least_one)]
    rounds: usize,
    /// Actors started.
    #[arg(long, default_value = "200000")]
    spawn: u64,
    /// Messages with an answer.
    #[arg(long, default_value = "200000")]
    trips: u64,
    /// Messages one way.
    #[arg(long, default_value = "2000000")]
    messages: u64,
    /// Whole orders.
    #[arg(long, default_value = "300000")]
    orders: u64,
    /// Orders under way at once.
    #[arg(long, default_value = "256")]
    window: u64,
    /// Crashes.
    #[arg(long, default_value = "1000")]
    crashes: u64,
    /// Idle actors; several numbers make several figures.
    #[arg(long, default_value = "100000,1000000", value_delimiter = ',')]
    idle: Vec<u64>,
    /// Seed of which order goes to which offering.
    #[arg(long, default_value = "1")]
    seed: u64,
    /// Also write the findings as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// A task of a subject.
#[derive(Args)]
pub(crate) struct SubjectArgs {
    /// What is asked, as JSON.
    ask: String,
}

pub(crate) fn run(args: ActorsArgs) -> Result<bool, Box<dyn Error>> {
    let ActorsArgs { rounds, spawn, trips, messages, orders, window, crashes, idle, seed, json } =
        args;
    let plan = Plan { rounds, spawn, trips, messages, orders, window, crashes, idle, seed };
    let findings = measure(&plan, &std::env::current_exe()?, &mut |line| tell(line))?;
    io::stdout().lock().write_all(table(&findings).as_bytes())?;
    if let Some(file) = json {
        fs::write(&file, serde_json::to_string_pretty(&findings)?)
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    }
    Ok(findings.is_sound())
}

pub(crate) fn answer(args: &SubjectArgs) -> Result<bool, Box<dyn Error>> {
    writeln!(io::stdout().lock(), "{}", child::answer(&args.ask)?)?;
    Ok(true)
}

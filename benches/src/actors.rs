//! The command line of the suite `actors`.

use std::error::Error;
use std::io::{self, Write};

use clap::Args;
use surehold_benches::suites::actors::{Plan, child, run as measure};

use crate::at_least_one;
use crate::measured::{AllArgs, Found, Tell};

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
}

/// A task of a subject.
#[derive(Args)]
pub(crate) struct SubjectArgs {
    /// What is asked, as JSON.
    ask: String,
}

/// Measures every subject.
pub(crate) fn run(args: &ActorsArgs, tell: Tell<'_>) -> Found {
    let ActorsArgs { rounds, spawn, trips, messages, orders, window, crashes, .. } = *args;
    let (idle, seed) = (args.idle.clone(), args.seed);
    let plan = Plan { rounds, spawn, trips, messages, orders, window, crashes, idle, seed };
    Ok(measure(&plan, &std::env::current_exe()?, tell)?)
}

/// The same in a modest size.
pub(crate) fn modest(args: &AllArgs, tell: Tell<'_>) -> Found {
    let (rounds, seed, orders) = (args.rounds, args.seed, args.orders as u64);
    let (spawn, trips, messages, window) = (orders, orders, orders * 10, 256);
    let (crashes, idle) = (orders.div_ceil(100), vec![orders]);
    let plan = Plan { rounds, spawn, trips, messages, orders, window, crashes, idle, seed };
    Ok(measure(&plan, &std::env::current_exe()?, tell)?)
}

/// Does one task, in a process of its own.
pub(crate) fn answer(args: &SubjectArgs) -> Result<bool, Box<dyn Error>> {
    writeln!(io::stdout().lock(), "{}", child::answer(&args.ask)?)?;
    Ok(true)
}

//! The suites that drive the library and the journal directly, as commands.

use std::path::PathBuf;

use clap::Subcommand;
use surehold_benches::build::build_server;
use surehold_benches::server::Launch;
use surehold_benches::suites::{bare, engine, growth, journal, memory, recovery, subject};

use crate::measured::{AllArgs, Found, Measured, Tell};

#[derive(Subcommand)]
pub(crate) enum Direct {
    /// Orders through the library, without HTTP.
    Engine(Measured<engine::EngineArgs>),
    /// Records a second in commits of several sizes.
    Journal(Measured<journal::JournalArgs>),
    /// Memory of orders that wait for an operator.
    Memory(Measured<memory::MemoryArgs>),
    /// Killed with open orders: the time until it is ready again.
    Recovery(Measured<recovery::RecoveryArgs>),
    /// The cost of an order after many others.
    Growth(Measured<growth::GrowthArgs>),
    /// The bare path of an order beside the engine: what the machine leaves to everything else.
    Bare(Measured<bare::BareArgs>),
    /// The bare path's server.
    #[command(hide = true)]
    BareServer(bare::edge::EdgeArgs),
    /// The process that some suites measure.
    #[command(hide = true)]
    Subject(subject::SubjectArgs),
}

impl Direct {
    pub(crate) fn run(self) -> Result<bool, Box<dyn std::error::Error>> {
        match self {
            Self::Engine(it) => it.run("engine", None, |args, tell| Ok(engine::run(args, tell)?)),
            Self::Journal(it) => {
                it.run("journal", None, |args, tell| Ok(journal::run(args, tell)?))
            }
            Self::Memory(it) => it.run("memory", None, memory),
            Self::Recovery(it) => it.run("recovery", None, recovery),
            Self::Growth(it) => it.run("growth", None, growth),
            Self::Bare(it) => it.run("bare", None, bare_path),
            Self::BareServer(args) => {
                bare::edge::serve(&args)?;
                Ok(true)
            }
            Self::Subject(args) => {
                subject::run(args)?;
                Ok(true)
            }
        }
    }
}

fn memory(args: &memory::MemoryArgs, tell: Tell<'_>) -> Found {
    Ok(waiting()?.block_on(memory::run(args, &this_program()?, tell))?)
}

fn recovery(args: &recovery::RecoveryArgs, tell: Tell<'_>) -> Found {
    Ok(waiting()?.block_on(recovery::run(args, &this_program()?, tell))?)
}

fn growth(args: &growth::GrowthArgs, tell: Tell<'_>) -> Found {
    Ok(waiting()?.block_on(growth::run(args, &this_program()?, tell))?)
}

fn bare_path(args: &bare::BareArgs, tell: Tell<'_>) -> Found {
    let mut launch = Launch::new(args.server.clone().map_or_else(build_server, Ok)?);
    launch.scratch = args.scratch.clone().unwrap_or(launch.scratch);
    Ok(bare::run(args, &this_program()?, &launch, tell)?)
}

fn this_program() -> std::io::Result<PathBuf> {
    std::env::current_exe()
}

/// `engine` in a modest size.
pub(crate) fn modest_engine(args: &AllArgs, tell: Tell<'_>) -> Found {
    let scratch = args.outside.scratch.clone();
    let AllArgs { orders, offerings, rounds, seed, .. } = *args;
    let (orders, offerings) = (orders as u64, offerings as u64);
    let args =
        engine::EngineArgs { orders, in_flight: 1024, offerings, runs: rounds, seed, scratch };
    Ok(engine::run(&args, tell)?)
}

/// `journal` in a modest size.
pub(crate) fn modest_journal(args: &AllArgs, tell: Tell<'_>) -> Found {
    let (commits, scratch) = ((args.orders as u64).div_ceil(100), args.outside.scratch.clone());
    let sizes = vec![1, 16, 256];
    let args = journal::JournalArgs { sizes, commits, bytes: 120, runs: args.rounds, scratch };
    Ok(journal::run(&args, tell)?)
}

/// `memory` in a modest size.
pub(crate) fn modest_memory(args: &AllArgs, tell: Tell<'_>) -> Found {
    let (orders, seed, scratch) = (args.orders as u64, args.seed, args.outside.scratch.clone());
    memory(&memory::MemoryArgs { orders, in_flight: 1024, seed, rest: 1, scratch }, tell)
}

/// `recovery` in a modest size.
pub(crate) fn modest_recovery(args: &AllArgs, tell: Tell<'_>) -> Found {
    let (server, scratch) = (args.outside.server.clone(), args.outside.scratch.clone());
    let (orders, kills, seed) = (args.orders as u64, args.rounds, args.seed);
    let (finished, in_flight, filled) = (0, 1024, None);
    let args = recovery::RecoveryArgs {
        orders,
        finished,
        kills,
        in_flight,
        seed,
        server,
        filled,
        scratch,
    };
    recovery(&args, tell)
}

/// `bare` in a modest size.
pub(crate) fn modest_bare(args: &AllArgs, tell: Tell<'_>) -> Found {
    let (server, scratch) = (args.outside.server.clone(), args.outside.scratch.clone());
    let AllArgs { orders: requests, rounds, seed, offerings, .. } = *args;
    let (orders, offerings, connections) = (requests as u64, offerings as u64, vec![64]);
    let in_flight = 1024;
    bare_path(
        &bare::BareArgs {
            orders,
            in_flight,
            requests,
            connections,
            offerings,
            rounds,
            seed,
            server,
            scratch,
        },
        tell,
    )
}

/// One thread: the cores are the measured process's.
fn waiting() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

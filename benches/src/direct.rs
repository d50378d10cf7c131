//! The suites that drive the library and the journal directly, as commands.

use std::path::PathBuf;

use clap::Subcommand;
use surehold_benches::suites::{engine, growth, journal, memory, recovery, subject};

use crate::measured::{Found, Measured, Tell};

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

fn this_program() -> std::io::Result<PathBuf> {
    std::env::current_exe()
}

/// One thread: the cores are the measured process's.
fn waiting() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

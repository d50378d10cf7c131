//! The suites that drive the library directly, as commands.

use std::error::Error;
use std::io::{self, Write};

use clap::Subcommand;
use surehold_benches::findings::Findings;
use surehold_benches::suites::{engine, growth, journal, memory, recovery, subject};

use crate::tell;

#[derive(Subcommand)]
pub(crate) enum Direct {
    /// Orders through the library, without HTTP.
    Engine(engine::EngineArgs),
    /// Records a second in commits of several sizes.
    Journal(journal::JournalArgs),
    /// Memory of orders that wait for an operator.
    Memory(memory::MemoryArgs),
    /// Killed with open orders: the time until it is ready again.
    Recovery(recovery::RecoveryArgs),
    /// The cost of an order after many others.
    Growth(growth::GrowthArgs),
    /// The process that some suites measure.
    #[command(hide = true)]
    Subject(subject::SubjectArgs),
}

pub(crate) fn run(suite: Direct) -> Result<bool, Box<dyn Error>> {
    let mut progress = |line: &str| tell(line);
    let program = std::env::current_exe()?;
    // One thread: the cores are the measured process's.
    let waiting = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let findings = match suite {
        Direct::Engine(args) => engine::run(&args, &mut progress)?,
        Direct::Journal(args) => journal::run(&args, &mut progress)?,
        Direct::Memory(args) => waiting.block_on(memory::run(&args, &program, &mut progress))?,
        Direct::Recovery(args) => {
            waiting.block_on(recovery::run(&args, &program, &mut progress))?
        }
        Direct::Growth(args) => waiting.block_on(growth::run(&args, &program, &mut progress))?,
        Direct::Subject(args) => {
            subject::run(args)?;
            return Ok(true);
        }
    };
    io::stdout().lock().write_all(shown(&findings).as_bytes())?;
    Ok(findings.is_sound())
}

fn shown(findings: &Findings) -> String {
    let settings = findings.settings.iter().map(|(name, value)| format!("{name}: {value}"));
    let figures = findings.figures.iter().map(|figure| {
        let ratios = figure.ratios.iter().map(|one| format!(", {:.3} of {:?}", one.value, one.to));
        let ratios: String = ratios.collect();
        format!("{}: {:.3} {:?}{ratios} ({})", figure.key, figure.median, figure.unit, figure.what)
    });
    let budgets = findings.budgets.iter().map(|budget| {
        format!(
            "budget {}: {}; {}: {:?}",
            budget.what, budget.asked, budget.measured, budget.verdict
        )
    });
    let failures = findings.failures.iter().map(|text| format!("FAILED {text}"));
    let remarks = findings.remarks.iter().map(|text| format!("remark {text}"));
    let lines = settings.chain(figures).chain(budgets).chain(failures).chain(remarks);
    lines.map(|line| line + "\n").collect()
}

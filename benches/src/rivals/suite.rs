//! The comparison: everybody in turn, on a fresh folder, under the same load from the same generator.
//!
//! One at a time, so that nobody pays for another's checkpoint. Whoever is not on this machine is left out with a remark.

use std::path::{Path, PathBuf};

use super::legs::{Measured, measure};
use super::ours::Ours;
use super::postgres::Cluster;
use super::restate::Packages;
use super::shop::Way;
use super::shops::Shops;
use super::{RivalError, told};
use crate::findings::Findings;
use crate::machine::Machine;
use crate::server::Launch;

/// The three ways over PostgreSQL: the way, the key of its figures, its name.
const WAYS: [(Way, &str, &str); 3] = [
    (Way::OneStatement, "postgres_one_statement", "axum + PostgreSQL, one SQL statement an order"),
    (Way::OneTx, "postgres_one_tx", "axum + PostgreSQL, one transaction"),
    (Way::TwoTx, "postgres_two_tx", "axum + PostgreSQL, two transactions and the charge between"),
];
/// Restate with its own number of partitions, and with one: each partition syncs for itself.
const PARTITIONS: [(usize, &str, &str); 2] = [
    (24, "restate_24", "Restate, as shipped (24 partitions)"),
    (1, "restate_1", "Restate, one partition"),
];

/// What to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Orders of a leg, at most.
    pub orders: usize,
    /// How long a leg may take, in seconds: who is slow gets fewer orders.
    pub seconds: u64,
    /// Keep-alive connections, each with one request in flight.
    pub connections: usize,
    /// How often echo, spread orders and hot orders alternate.
    pub rounds: usize,
    /// How many offerings the spread orders are drawn from.
    pub offerings: usize,
    /// Clients that go away.
    pub gone: usize,
    /// Seed of the requests and of the moments at which clients go away.
    pub seed: u64,
    /// Whom to leave out.
    pub without: Vec<Group>,
    /// The program that has the shop's subcommand: this one.
    pub program: PathBuf,
}

/// Who can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Group {
    /// axum + PostgreSQL.
    Postgres,
    /// Restate.
    Restate,
}

/// What is gathered on the way.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) measured: Vec<Measured>,
    pub(super) settings: Vec<(String, String)>,
    pub(super) failures: Vec<String>,
    pub(super) remarks: Vec<String>,
}

/// Runs the comparison. Call it on a current-thread runtime: the generator is one thread.
///
/// # Errors
/// When our own server gives no figures. A rival that gives none is a failure or a remark of the findings.
pub async fn run(
    plan: &Plan,
    launch: &Launch,
    progress: &mut dyn FnMut(&str),
) -> Result<Findings, RivalError> {
    let machine = Machine::look(&launch.scratch)?;
    let mut gathered = Gathered::default();
    ours(plan, launch, &mut gathered, progress).await?;
    if !plan.without.contains(&Group::Postgres) {
        let done = postgres(plan, &launch.scratch, &mut gathered, progress).await;
        gathered.left_out(done, "PostgreSQL", progress);
    }
    if !plan.without.contains(&Group::Restate) {
        let done = restate(plan, &launch.scratch, &mut gathered, progress).await;
        gathered.left_out(done, "Restate", progress);
    }
    Ok(told::findings(machine, plan, gathered))
}

impl Gathered {
    /// What is missing is a remark; what is there and does not work is a failure: its row would be missing silently.
    fn left_out(
        &mut self,
        done: Result<(), RivalError>,
        name: &str,
        progress: &mut dyn FnMut(&str),
    ) {
        let Err(error) = done else { return };
        progress(&format!("{name} is left out: {error}"));
        let list = match error {
            RivalError::Missing(_) => &mut self.remarks,
            RivalError::Load(_)
            | RivalError::Control(_)
            | RivalError::Wire(_)
            | RivalError::Server(_)
            | RivalError::Io(_)
            | RivalError::Sql { .. }
            | RivalError::Failed(_) => &mut self.failures,
        };
        list.push(format!("{name} is left out: {error}"));
    }
}

async fn ours(
    plan: &Plan,
    launch: &Launch,
    gathered: &mut Gathered,
    progress: &mut dyn FnMut(&str),
) -> Result<(), RivalError> {
    let mut ours = Ours { server: launch.start().await? };
    match measure(&mut ours, ("surehold", "Surehold"), plan, progress).await {
        Ok(measured) => gathered.measured.push(measured),
        Err(error) => {
            let words = ours.server.last_words();
            return Err(RivalError::Failed(format!("{error}; the server's stderr ends:\n{words}")));
        }
    }
    let stopped = ours.server.stop().await?;
    if !stopped.status.success() {
        gathered.failures.push(format!("SIGTERM ended Surehold with {}", stopped.status));
    }
    Ok(())
}

async fn postgres(
    plan: &Plan,
    scratch: &Path,
    gathered: &mut Gathered,
    progress: &mut dyn FnMut(&str),
) -> Result<(), RivalError> {
    progress("PostgreSQL: making a cluster");
    let cluster = Cluster::start(scratch).await?;
    gathered.settings.push(("postgres.version".to_owned(), cluster.version.clone()));
    gathered.settings.extend(cluster.settings.iter().cloned());
    let logs = tempfile::tempdir_in(scratch)?;
    for (way, key, name) in WAYS {
        let mut shop = Shops::start(&cluster, &plan.program, way, logs.path()).await?;
        gathered.measured.push(measure(&mut shop, (key, name), plan, progress).await?);
    }
    Ok(())
}

async fn restate(
    plan: &Plan,
    scratch: &Path,
    gathered: &mut Gathered,
    progress: &mut dyn FnMut(&str),
) -> Result<(), RivalError> {
    progress("Restate: installing its packages");
    let packages = Packages::install(scratch).await?;
    for (partitions, key, name) in PARTITIONS {
        let mut restate = packages.start(partitions).await?;
        gathered.measured.push(measure(&mut restate, (key, name), plan, progress).await?);
    }
    Ok(())
}

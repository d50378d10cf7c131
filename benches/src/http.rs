//! The end-to-end suite: durable paid orders over HTTP, beside the same server's echo.
//!
//! For every number of connections a fresh server is started on a fresh folder, as `trial` says; its legs are
//!
//! ```text
//! warm up -> [echo, orders] x rounds
//! ```
//!
//! Echo and orders alternate, so that whatever else the machine does hits both; the ratio is taken pair by pair, and
//! every figure is a median of the rounds. Nothing is compared across servers or runs.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use crate::calibrate::sync_and_hop;
use crate::control::ControlError;
use crate::findings::Findings;
use crate::load::{Fixed, LoadError};
use crate::machine::Machine;
use crate::plan::Plan;
use crate::report::series::{ECHO, ORDERS};
use crate::report::{budget, found};
use crate::server::{Launch, ServerError};
use crate::trial::Trial;
use crate::workload::{Workload, order_bodies};

/// Why a run gave no figures.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The machine could not be looked at.
    #[error("cannot look at the machine: {0}")]
    Machine(#[source] io::Error),
    /// The server did not start or stop.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Something failed while the server ran.
    #[error("{doing}: {cause}; the server's stderr ends:\n{last_words}")]
    Running {
        /// What was being done.
        doing: String,
        /// What failed.
        cause: Cause,
        /// The end of the server's stderr.
        last_words: String,
    },
}

/// What can fail while the server runs.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The generator.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A call that is not measured.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A figure of the process or its folder.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Looks at the machine and takes the yardsticks: how every suite over HTTP begins.
///
/// # Errors
/// A folder that cannot be written to.
pub fn begin(
    suite: &str,
    settings: Vec<(String, String)>,
    launch: &Launch,
    progress: &mut dyn FnMut(&str),
) -> Result<Findings, HttpError> {
    progress("looking at the machine, taking the yardsticks");
    let machine = Machine::look(&launch.scratch).map_err(HttpError::Machine)?;
    let calibrations = sync_and_hop(&launch.scratch).map_err(HttpError::Machine)?;
    Ok(Findings::new(suite, machine, settings, calibrations))
}

/// Runs the suite. `progress` is told what is going on, a line at a time. Call it on a current-thread runtime: the
/// generator is one thread.
///
/// # Errors
/// Why there are no figures.
pub async fn run(
    plan: &Plan,
    launch: &Launch,
    progress: &mut dyn FnMut(&str),
) -> Result<Findings, HttpError> {
    let mut findings = begin("http", plan.settings(), launch, progress)?;
    for &connections in &plan.connections {
        let mut trial = Trial::start(launch, connections, plan.pace(), progress).await?;
        let measured = measure(plan, &findings.machine, &mut trial).await;
        let series = trial.close(measured).await?;
        found::add(&mut findings, &series);
        findings.budgets.extend(budget::judge(&findings.machine, &series));
    }
    Ok(findings)
}

async fn measure(plan: &Plan, machine: &Machine, trial: &mut Trial<'_>) -> Result<(), Cause> {
    let connections = trial.series.connections;
    let inventory = plan.inventory_of_each(connections);
    let offerings = trial.make_offerings(plan.offerings, &inventory).await?;
    let bodies = order_bodies(plan.seed, &offerings);
    if !trial.may_be_measured(machine, &bodies).await? {
        return Ok(());
    }
    let echoes = echoes(trial.address(), &bodies);
    let orders = orders(trial.address(), &bodies);
    let warm_up = plan.warm_up(connections);
    trial.warm_up(ECHO, warm_up, &echoes).await?;
    trial.series.orders_made += trial.warm_up(ORDERS, warm_up, &orders).await?.count(201);
    for round in 1..=plan.rounds {
        trial.leg(round, ECHO, plan.orders, &echoes).await?;
        let tally = trial.leg(round, ORDERS, plan.orders, &orders).await?;
        trial.series.orders_made += tally.count(201);
    }
    Ok(())
}

/// The yardstick: the same bodies, to a route that only gives them back.
#[must_use]
pub fn echoes(host: SocketAddr, bodies: &[String]) -> Rc<Fixed> {
    let workload = Rc::new(Workload::new(host, "/echo", bodies));
    Rc::new(Fixed { workload, expected: 200 })
}

/// Orders: durable and paid when they are answered.
#[must_use]
pub fn orders(host: SocketAddr, bodies: &[String]) -> Rc<Fixed> {
    let workload = Rc::new(Workload::new(host, "/v1/talentshare/orders", bodies));
    Rc::new(Fixed { workload, expected: 201 })
}

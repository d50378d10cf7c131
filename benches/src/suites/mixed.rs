//! A day's mixture: 70% reads of single orders, 20% orders, 10% cancellations, drawn from the seed, beside the echo.
//!
//! ```text
//! warm up: orders only -> [echo, mixed] x rounds
//! ```
//!
//! Every answer is looked at: an order that was answered must be there under its number, stand while nobody cancelled it,
//! and be undone, or on its way there, once its cancellation was answered. An answer that is not what it must be makes
//! the run fail. Reads, orders and cancellations are told together and each by themselves.

mod script;

use std::rc::Rc;

use crate::findings::Findings;
use crate::http::{Cause, HttpError, begin, echoes, orders};
use crate::machine::Machine;
use crate::plan::Plan;
use crate::report::found;
use crate::report::series::{ECHO, ORDERS};
use crate::server::Launch;
use crate::trial::Trial;
use crate::workload::order_bodies;
use script::Mixture;

/// What the legs are called.
const MIXED: &str = "mixed";

/// Runs the suite; the plan's orders are the requests of a leg. Call it on a current-thread runtime.
///
/// # Errors
/// Why there are no figures.
pub async fn run(
    plan: &Plan,
    launch: &Launch,
    progress: &mut dyn FnMut(&str),
) -> Result<Findings, HttpError> {
    let mut settings = plan.settings();
    settings.push(("mixture".to_owned(), "70% reads, 20% orders, 10% cancellations".to_owned()));
    let mut findings = begin(MIXED, settings, launch, progress)?;
    for &connections in &plan.connections {
        let mut trial = Trial::start(launch, connections, plan.pace(), progress).await?;
        let measured = measure(plan, &findings.machine, &mut trial).await;
        let series = trial.close(measured).await?;
        found::add(&mut findings, &series);
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
    let host = trial.address();
    let echoes = echoes(host, &bodies);
    let warm_up = plan.warm_up(connections);
    trial.warm_up(ECHO, warm_up, &echoes).await?;
    // The orders of the probe and of this warm-up are nobody's; the mixture places those that it reads.
    let orders = orders(host, &bodies);
    trial.series.orders_made += trial.warm_up(ORDERS, warm_up, &orders).await?.count(201);
    let mixture = Rc::new(Mixture::new(plan.seed, host, bodies));
    for round in 1..=plan.rounds {
        trial.leg(round, ECHO, plan.orders, &echoes).await?;
        mixture.begin();
        let whole = trial.leg(round, MIXED, plan.orders, &mixture).await?;
        for (name, tally) in mixture.parts(whole.elapsed) {
            trial.series.push_part(name, &tally);
        }
        trial.series.failures.extend(mixture.wrong());
    }
    trial.series.orders_made += mixture.standing();
    Ok(())
}

//! One hot offering beside many: the same server, the same run, legs that alternate.
//!
//! ```text
//! warm up -> [echo, spread, hot] x rounds, in every other round hot before spread
//! ```
//!
//! A server is a little slower with every order it has, so whatever comes second has the harder part; they take turns.

use crate::findings::{Figure, Findings, Unit};
use crate::http::{Cause, HttpError, begin, echoes, orders};
use crate::load::Pace;
use crate::machine::Machine;
use crate::plan::Plan;
use crate::report::series::{ECHO, HOT, SPREAD, Series};
use crate::report::{budget, found};
use crate::server::Launch;
use crate::trial::Trial;
use crate::workload::order_bodies;

/// Runs the suite; the plan's offerings are those of the spread legs, and the hot one comes to them. Call it on a
/// current-thread runtime.
///
/// # Errors
/// Why there are no figures.
pub async fn run(
    plan: &Plan,
    launch: &Launch,
    progress: &mut dyn FnMut(&str),
) -> Result<Findings, HttpError> {
    let mut findings = begin("hot", plan.settings(), launch, progress)?;
    for &connections in &plan.connections {
        let mut trial = Trial::start(launch, connections, plan.pace(), progress).await?;
        let measured = measure(plan, &findings.machine, &mut trial).await;
        let series = trial.close(measured).await?;
        found::add(&mut findings, &series);
        if !series.kinds.is_empty() && series.pace == Pace::Closed {
            findings.figures.push(share(&series));
            findings.budgets.extend(budget::hot(&series));
        }
    }
    Ok(findings)
}

/// The rate on one offering as a share of the spread-out rate, pair by pair.
fn share(series: &Series) -> Figure {
    let rates = |name| series.kind(name).map(|kind| kind.each(|leg| leg.per_second));
    let (hot, spread) = (rates(HOT).unwrap_or_default(), rates(SPREAD).unwrap_or_default());
    let runs = hot.iter().zip(spread).map(|(hot, spread)| hot / spread).collect();
    let key = format!("hot.{}.share", series.connections);
    Figure::new(&key, &format!("hot of spread, {}", series.in_words()), Unit::Ratio, runs)
}

async fn measure(plan: &Plan, machine: &Machine, trial: &mut Trial<'_>) -> Result<(), Cause> {
    let connections = trial.series.connections;
    let inventory = plan.inventory_of_each(connections);
    let one = trial.make_offerings(1, &inventory).await?;
    let many = trial.make_offerings(plan.offerings, &inventory).await?;
    let (one, many) = (order_bodies(plan.seed, &one), order_bodies(plan.seed, &many));
    if !trial.may_be_measured(machine, &many).await? {
        return Ok(());
    }
    let host = trial.address();
    let echoes = echoes(host, &many);
    let (hot, spread) = (orders(host, &one), orders(host, &many));
    let warm_up = plan.warm_up(connections);
    trial.warm_up(ECHO, warm_up, &echoes).await?;
    for (name, script) in [(SPREAD, &spread), (HOT, &hot)] {
        trial.series.orders_made += trial.warm_up(name, warm_up, script).await?.count(201);
    }
    for round in 1..=plan.rounds {
        trial.leg(round, ECHO, plan.orders, &echoes).await?;
        let mut pair = [(SPREAD, &spread), (HOT, &hot)];
        if round % 2 == 0 {
            pair.reverse();
        }
        for (name, script) in pair {
            let tally = trial.leg(round, name, plan.orders, script).await?;
            trial.series.orders_made += tally.count(201);
        }
    }
    Ok(())
}

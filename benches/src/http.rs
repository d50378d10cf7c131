//! The end-to-end suite: durable paid orders over HTTP, beside the same server's echo.
//!
//! For every number of connections a fresh server is started on a fresh folder:
//!
//! ```text
//! start -> offerings -> warm up -> [echo, orders] x rounds -> memory, disk -> audit, listing -> SIGTERM -> disk
//! ```
//!
//! Echo and orders alternate, so that whatever else the machine does hits both; the ratio is taken pair by pair, and
//! every figure is a median of the rounds. Nothing is compared across servers or runs.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use crate::control::{Control, ControlError};
use crate::load::{Load, LoadError, Tally};
use crate::machine::Machine;
use crate::plan::{Plan, in_words};
use crate::report::{Leg, Report, Round, Series};
use crate::server::{Launch, Server, ServerError};
use crate::usage;
use crate::workload::{Workload, order_bodies};

/// How long a server may answer nothing before the run is given up.
const STALLED_AFTER: Duration = Duration::from_secs(15);
/// How long the listing may take to show every order.
const LISTED_WITHIN: Duration = Duration::from_secs(60);

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

/// One server under measurement.
struct Bench<'a> {
    plan: &'a Plan,
    connections: usize,
    server: &'a Server,
    echoes: Rc<Workload>,
    orders: Rc<Workload>,
    doing: String,
    progress: &'a mut dyn FnMut(&str),
}

/// Runs the suite. `progress` is told what is going on, a line at a time. Call it on a current-thread runtime: the
/// generator is one thread.
pub async fn run(
    plan: &Plan,
    launch: &Launch,
    progress: &mut dyn FnMut(&str),
) -> Result<Report, HttpError> {
    let machine = Machine::look(&launch.scratch).map_err(HttpError::Machine)?;
    let mut series = Vec::new();
    for &connections in &plan.connections {
        series.push(run_series(plan, connections, launch, progress).await?);
    }
    Ok(Report::new(machine, plan.clone(), series))
}

async fn run_series(
    plan: &Plan,
    connections: usize,
    launch: &Launch,
    progress: &mut dyn FnMut(&str),
) -> Result<Series, HttpError> {
    let server = launch.start().await?;
    let mut doing = String::new();
    let measured = measure(plan, connections, &server, &mut doing, progress).await;
    let mut series = measured.map_err(|cause| {
        let last_words = server.last_words();
        HttpError::Running { doing, cause, last_words }
    })?;
    match server.stop().await {
        Ok(stopped) => series.stopped(&stopped),
        Err(error) => series.failures.push(error.to_string()),
    }
    Ok(series)
}

async fn measure(
    plan: &Plan,
    connections: usize,
    server: &Server,
    doing: &mut String,
    progress: &mut dyn FnMut(&str),
) -> Result<Series, Cause> {
    let mut series = Series::new(connections, server.memory()?, server.disk()?);
    "making the offerings".clone_into(doing);
    let bodies = prepare(plan, connections, server).await?;
    let host = server.address();
    let mut bench = Bench {
        plan,
        connections,
        server,
        echoes: Rc::new(Workload::new(host, "/echo", &bodies)),
        orders: Rc::new(Workload::new(host, "/v1/talentshare/orders", &bodies)),
        doing: String::new(),
        progress,
    };
    let rounds = bench.run_rounds(&mut series).await;
    *doing = bench.doing;
    rounds?;
    series.loaded(server.memory()?, server.disk()?);
    "checking the books".clone_into(doing);
    progress(&format!("{}: checking the books", in_words(connections)));
    check(&mut series, server).await;
    Ok(series)
}

/// Makes the offerings, draws the requests, and sees that there is an echo.
async fn prepare(plan: &Plan, connections: usize, server: &Server) -> Result<Vec<String>, Cause> {
    let mut control = Control::open(server.address()).await?;
    let inventory = plan.inventory_of_each(connections);
    let mut offerings = Vec::with_capacity(plan.offerings);
    for number in 0..plan.offerings {
        offerings.push(control.make_offering(&format!("offering {number}"), &inventory).await?);
    }
    let bodies = order_bodies(plan.seed, &offerings);
    if let Some(body) = bodies.first() {
        control.try_echo(body).await?;
    }
    Ok(bodies)
}

/// Holds the answers given against the books of the server. A check that cannot be made does not cost the figures.
async fn check(series: &mut Series, server: &Server) {
    let mut control = match Control::open(server.address()).await {
        Ok(control) => control,
        Err(error) => return series.failures.push(format!("the books are closed: {error}")),
    };
    match control.list_until(series.orders_made, LISTED_WITHIN).await {
        Ok(listing) => series.listed(listing),
        Err(error) => series.remarks.push(format!("the listing could not be checked: {error}")),
    }
    match control.audit().await {
        Ok((balanced, audit)) => series.audited(balanced, &audit),
        Err(error) => series.failures.push(format!("the audit could not be asked: {error}")),
    }
}

impl Bench<'_> {
    async fn run_rounds(&mut self, series: &mut Series) -> Result<(), Cause> {
        let warm_up = self.plan.warm_up(self.connections);
        self.drive("warm-up echo", 200, warm_up).await?;
        series.warmed_up(&self.drive("warm-up orders", 201, warm_up).await?.0);
        for number in 1..=self.plan.rounds {
            let (_, echo) =
                self.drive(&format!("round {number} echo"), 200, self.plan.orders).await?;
            let (tally, orders) =
                self.drive(&format!("round {number} orders"), 201, self.plan.orders).await?;
            series.push(Round::new(echo, orders), &tally);
        }
        Ok(())
    }

    /// Drives one leg: orders answer 201, echoes 200.
    async fn drive(
        &mut self,
        what: &str,
        expected: u16,
        requests: usize,
    ) -> Result<(Tally, Leg), Cause> {
        self.doing = format!("{}, {what}", in_words(self.connections));
        let workload = if expected == 200 { &self.echoes } else { &self.orders };
        let load = Load {
            address: self.server.address(),
            connections: self.connections,
            requests,
            expected,
            stalled_after: STALLED_AFTER,
        };
        let before = (self.server.processor_time()?, usage::processor_time(std::process::id())?);
        let tally = load.drive(Rc::clone(workload)).await?;
        let server_time = self.server.processor_time()?.saturating_sub(before.0);
        let generator_time = usage::processor_time(std::process::id())?.saturating_sub(before.1);
        let leg = Leg::new(&tally, expected, server_time, generator_time);
        (self.progress)(&format!("{}: {:.0}/s", self.doing, leg.per_second));
        Ok((tally, leg))
    }
}

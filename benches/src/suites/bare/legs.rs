//! The bare path and the server over HTTP: both are up, and take turns, so that whatever else the machine does hits both.

use std::path::Path;
use std::rc::Rc;

use serde_json::json;

use super::edge;
use crate::control::Control;
use crate::http::{Cause, HttpError, echoes, orders};
use crate::load::{Fixed, Load, Pace};
use crate::report::{Leg, median};
use crate::server::{Launch, Server};
use crate::workload::order_bodies;

/// How long a server may answer nothing before the run is given up.
const STALLED_AFTER: std::time::Duration = std::time::Duration::from_secs(15);
/// Of a leg's requests, so many warm up before.
const WARM_UP_SHARE: usize = 5;

/// What is driven against whom.
pub(super) struct Plan<'a> {
    pub(super) connections: usize,
    pub(super) orders: usize,
    pub(super) rounds: usize,
    pub(super) offerings: u64,
    pub(super) seed: u64,
    /// The server.
    pub(super) launch: &'a Launch,
    /// This program, which is the bare path's server too.
    pub(super) program: &'a Path,
}

/// The legs of one server, pair by pair.
#[derive(Default)]
pub(super) struct Legs {
    pub(super) echo: Vec<Leg>,
    pub(super) orders: Vec<Leg>,
}

impl Legs {
    /// One figure of all rounds.
    pub(super) fn each(&self, of: fn(&Leg) -> f64) -> Vec<f64> {
        self.orders.iter().map(of).collect()
    }

    /// The rates of the echo.
    pub(super) fn echoes(&self) -> Vec<f64> {
        self.echo.iter().map(|leg| leg.per_second).collect()
    }

    /// Orders as a share of echoes, pair by pair.
    pub(super) fn share(&self) -> f64 {
        let pairs = self.orders.iter().zip(&self.echo);
        median(pairs.map(|(orders, echo)| orders.per_second / echo.per_second))
    }
}

/// One server, and what is sent to it.
struct Driven {
    name: &'static str,
    server: Server,
    echoes: Rc<Fixed>,
    orders: Rc<Fixed>,
    legs: Legs,
}

/// Drives both, round by round. First the bare path's legs, then the server's.
pub(super) async fn run(
    plan: &Plan<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<(Legs, Legs), HttpError> {
    let mut bare = Launch::new(plan.program.to_owned());
    bare.scratch.clone_from(&plan.launch.scratch);
    let offerings = plan.offerings.to_string();
    bare.leading = vec![edge::COMMAND.into(), "--offerings".into(), offerings.into()];
    let all: Vec<u64> = (1..=plan.offerings).collect();
    let mut bare = Driven::new("bare", bare.start().await?, &order_bodies(plan.seed, &all));
    let server = plan.launch.start().await?;
    let made = offered(&server, plan.offerings).await;
    let made = made.map_err(|cause| failed(&server, "making the offerings", cause))?;
    let mut whole = Driven::new("server", server, &order_bodies(plan.seed, &made));
    for round in 0..=plan.rounds {
        for driven in [&mut bare, &mut whole] {
            let legs = driven.round(plan, round, progress).await;
            legs.map_err(|cause| failed(&driven.server, driven.name, cause))?;
        }
    }
    let (bare, whole) = (bare.end().await?, whole.end().await?);
    Ok((bare, whole))
}

fn failed(server: &Server, doing: &str, cause: Cause) -> HttpError {
    HttpError::Running { doing: doing.to_owned(), cause, last_words: server.last_words() }
}

async fn offered(server: &Server, count: u64) -> Result<Vec<u64>, Cause> {
    let inventory = json!({"model": "seats", "capacity": 1_000_000_000});
    let mut control = Control::open(server.address()).await?;
    let mut made = Vec::new();
    for number in 0..count {
        made.push(control.make_offering(&format!("offering {number}"), &inventory).await?);
    }
    Ok(made)
}

impl Driven {
    fn new(name: &'static str, server: Server, bodies: &[String]) -> Self {
        let address = server.address();
        let (echoes, orders) = (echoes(address, bodies), orders(address, bodies));
        Self { name, server, echoes, orders, legs: Legs::default() }
    }

    /// Echoes, then orders; the round with the number 0 warms up.
    async fn round(
        &mut self,
        plan: &Plan<'_>,
        round: usize,
        progress: &mut dyn FnMut(&str),
    ) -> Result<(), Cause> {
        let requests = if round == 0 { plan.orders.div_ceil(WARM_UP_SHARE) } else { plan.orders };
        let echo = self.leg(plan.connections, requests, &Rc::clone(&self.echoes)).await?;
        let orders = self.leg(plan.connections, requests, &Rc::clone(&self.orders)).await?;
        progress(&format!(
            "{} connections, round {round}, {}: {:.0} of {:.0}/s, {:.1} us each",
            plan.connections, self.name, orders.per_second, echo.per_second, orders.server_us
        ));
        if round > 0 {
            self.legs.echo.push(echo);
            self.legs.orders.push(orders);
        }
        Ok(())
    }

    async fn leg(
        &self,
        connections: usize,
        requests: usize,
        script: &Rc<Fixed>,
    ) -> Result<Leg, Cause> {
        // The script says what is right.
        let (address, expected, stalled_after) = (self.server.address(), 0, STALLED_AFTER);
        let load = Load { address, connections, requests, expected, stalled_after };
        let driven = load.play(Pace::Closed, Rc::clone(script));
        Ok(Leg::timed::<Cause>(|| self.server.processor_time(), driven).await?.1)
    }

    async fn end(self) -> Result<Legs, HttpError> {
        self.server.stop().await?;
        Ok(self.legs)
    }
}

//! What orders notice of a supporting participant that is stopped: nothing.
//!
//! One server, one market that gives points and writes messages. Legs with everything up and legs with one participant
//! stopped alternate, taking turns to be first, so that whatever else the machine does hits both; the ratio is taken
//! pair by pair.
//! Every answer must be 201 either way. After each stopped leg the participant is started again, and the run waits
//! until it has read all that it missed.

use std::fmt;
use std::fs;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::control::{Control, ControlError};
use crate::http::{Cause, HttpError};
use crate::load::{Load, Tally};
use crate::server::{Launch, Server};
use crate::workload::{Workload, order_bodies};

/// The participants that orders go on without.
const SUPPORTING: [&str; 4] = ["mileage", "messages", "reviews", "views"];
/// A market in which all of them have something to do.
const MARKET: &str = "name = \"talentshare\"\ncurrency = \"KRW\"\n[mileage]\nper = 100\n[messages]\n\
    confirmed = \"{name} {order}\"\nearned = \"{points}\"\n[views]\nfigures = true\n";
/// How many offerings the orders are spread over.
const OFFERINGS: usize = 100;
/// How long a server may answer nothing before the run is given up.
const STALLED_AFTER: Duration = Duration::from_secs(15);
/// How long a participant may take to read what it missed.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(60);
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Orders of one leg.
    pub orders: usize,
    /// Keep-alive connections.
    pub connections: usize,
    /// Pairs of legs for each participant.
    pub rounds: usize,
    /// Seed of the requests.
    pub seed: u64,
}

/// What came of one participant.
#[derive(Debug, Clone)]
pub struct Row {
    name: &'static str,
    /// Orders a second with all up, and with this one stopped, pair by pair.
    pairs: Vec<(f64, f64)>,
    /// Answers that were not 201 while it was stopped.
    refused: u64,
    /// The longest time it took to read what it missed.
    caught_up: Duration,
}

impl Row {
    /// Speed with it stopped as a share of speed with all up: the median of the pairs.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        let mut ratios: Vec<f64> = self.pairs.iter().map(|(up, stopped)| stopped / up).collect();
        ratios.sort_by(f64::total_cmp);
        ratios.get(ratios.len() / 2).copied().unwrap_or(0.0)
    }
}

/// What came of the run.
#[derive(Debug, Clone)]
pub struct Outcome {
    rows: Vec<Row>,
}

impl Outcome {
    /// Whether no order was refused.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.rows.iter().all(|row| row.refused == 0)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "stopped    orders/s of all up   refused   caught up in")?;
        for row in &self.rows {
            let (name, ratio, caught_up) = (row.name, row.ratio(), row.caught_up);
            let percent = 100.0 * ratio;
            writeln!(f, "{name:<10} {percent:>15.0}%   {:>7}   {caught_up:.1?}", row.refused)?;
        }
        Ok(())
    }
}

/// Runs the suite on a server of its own.
///
/// # Errors
/// Why there are no figures.
pub async fn run(
    plan: &Plan,
    launch: &Launch,
    progress: &mut dyn FnMut(&str),
) -> Result<Outcome, HttpError> {
    let folder = tempfile::tempdir_in(&launch.scratch).map_err(HttpError::Machine)?;
    let market = folder.path().join("market.toml");
    fs::write(&market, MARKET).map_err(HttpError::Machine)?;
    let launch = Launch { market: Some(market), ..launch.clone() };
    let server = launch.start().await?;
    let mut doing = String::new();
    let measured = measure(plan, &server, &mut doing, progress).await;
    let rows = measured.map_err(|cause| {
        let last_words = server.last_words();
        HttpError::Running { doing, cause, last_words }
    })?;
    server.stop().await?;
    Ok(Outcome { rows })
}

async fn measure(
    plan: &Plan,
    server: &Server,
    doing: &mut String,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Row>, Cause> {
    "making the offerings".clone_into(doing);
    let mut control = Control::open(server.address()).await?;
    let inventory = serde_json::json!({"model": "unlimited"});
    let mut offerings = Vec::with_capacity(OFFERINGS);
    for number in 0..OFFERINGS {
        offerings.push(control.make_offering(&format!("offering {number}"), &inventory).await?);
    }
    let bodies = order_bodies(plan.seed, &offerings);
    let orders = Rc::new(Workload::new(server.address(), "/v1/talentshare/orders", &bodies));
    drive(plan, server, &orders).await?;
    let mut rows = Vec::new();
    for name in SUPPORTING {
        let mut row = Row { name, pairs: Vec::new(), refused: 0, caught_up: Duration::ZERO };
        for round in 1..=plan.rounds {
            *doing = format!("{name}, round {round}");
            let (mut up, mut stopped) = (0.0, 0.0);
            // Whatever comes second meets a server that has more to look after, so they take turns.
            for stop in [round % 2 == 0, round % 2 != 0] {
                if stop {
                    control.participant(name, "stop").await?;
                    let refused;
                    (stopped, refused) = drive(plan, server, &orders).await?;
                    row.refused += refused;
                    control.participant(name, "start").await?;
                    row.caught_up = row.caught_up.max(caught_up(&mut control, name).await?);
                } else {
                    (up, _) = drive(plan, server, &orders).await?;
                }
                for follower in SUPPORTING {
                    caught_up(&mut control, follower).await?;
                }
            }
            row.pairs.push((up, stopped));
            progress(&format!("{doing}: {up:.0}/s with all up, {stopped:.0}/s without it"));
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Orders a second, and answers that were not 201.
async fn drive(plan: &Plan, server: &Server, orders: &Rc<Workload>) -> Result<(f64, u64), Cause> {
    let load = Load {
        address: server.address(),
        connections: plan.connections,
        requests: plan.orders,
        expected: 201,
        stalled_after: STALLED_AFTER,
    };
    let Tally { elapsed, statuses, .. } = load.drive(Rc::clone(orders)).await?;
    let made = statuses.get(&201).copied().unwrap_or(0);
    let refused = statuses.values().sum::<u64>() - made;
    // Far below 2^52 orders: a double counts them exactly.
    let made = f64::from(u32::try_from(made).unwrap_or(u32::MAX));
    Ok((made / elapsed.as_secs_f64(), refused))
}

/// Waits until a participant has read everything, and says how long that took.
async fn caught_up(control: &mut Control, name: &str) -> Result<Duration, ControlError> {
    let began = Instant::now();
    let mut look = tokio::time::interval(LOOK_EVERY);
    while began.elapsed() < CAUGHT_UP_WITHIN {
        look.tick().await;
        let tree: Value = control.tree().await?;
        let children = tree["children"].as_array();
        let node = children.and_then(|all| all.iter().find(|node| node["name"] == name));
        // The reviews follow nothing.
        if node.is_some_and(|node| node["behind"].as_u64().unwrap_or(0) == 0) {
            return Ok(began.elapsed());
        }
    }
    Err(ControlError::Unexpected {
        call: format!("waiting for {name}"),
        status: 0,
        body: format!("it is still behind after {CAUGHT_UP_WITHIN:?}"),
    })
}

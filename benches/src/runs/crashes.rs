//! Everything crashes, again and again, under load: nothing is lost, nothing happens twice, and everything comes to
//! its end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};

use super::came::{Came, count};
use super::crowd::End;
use super::market::Goods;
use super::shop::{Shop, tell, watched};
use super::slow_payments::in_ms;
use super::{Line, Outcome};
use crate::bank::Manner;
use crate::control::{Control, ControlError};
use crate::http::{Cause, HttpError};
use crate::machine::Machine;
use crate::server::Launch;
use crate::workload::Random;

/// Who crashes; the empty name stands for an order, any of those there are.
const VICTIMS: [&str; 8] =
    ["inventory", "payments", "confirmations", "mileage", "messages", "reviews", "views", ""];
/// A market in which all of them have something to do.
const TABLES: &str = "[mileage]\nper = 100\n[messages]\nconfirmed = \"{name} {order}\"\n\
    earned = \"{points}\"\n[views]\nfigures = true\n";
/// Offerings that run out, and the units of each.
const SCARCE: (u64, u64) = (10, 200);
/// One in so many orders is taken back.
const TAKEN_BACK: u64 = 5;
/// What a charge takes, in milliseconds.
const SLEEP_MS: (u64, u64) = (20, 60);
/// How long everything may take to be at rest.
const SETTLED_WITHIN: Duration = Duration::from_secs(120);

/// What to run.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Customers at once.
    pub connections: usize,
    /// For how long, in seconds.
    pub seconds: u64,
    /// Crashes a second.
    pub rate: u32,
    /// Who crashes when.
    pub seed: u64,
}

/// Crashes that were asked for, by name.
type Crashes = BTreeMap<&'static str, u64>;

/// Runs it.
///
/// # Errors
/// Why there are no figures.
pub async fn run(
    plan: &Plan,
    launch: &Launch,
    progress: &mut dyn FnMut(&str),
) -> Result<Outcome, HttpError> {
    progress(&format!("crashes: --seed {}", plan.seed));
    let machine = Machine::look(&launch.scratch).map_err(HttpError::Machine)?;
    let goods =
        Goods { tables: TABLES, scarce: SCARCE, taken_back: Some(TAKEN_BACK), ..Goods::default() };
    let manner = Manner { sleep_ms: SLEEP_MS, hands: None, faults_percent: 0, seed: plan.seed };
    let shop = Shop::open(launch, goods, manner).await?;
    let measured = measure(plan, &shop, progress).await;
    let (lines, figures) = measured.map_err(|cause| shop.failed("crashes", cause))?;
    shop.server.stop().await?;
    Ok(Outcome { suite: "crashes", plan: json!(plan), machine, figures, lines })
}

async fn measure(
    plan: &Plan,
    shop: &Shop,
    progress: &mut dyn FnMut(&str),
) -> Result<(Vec<Line>, Vec<(String, String)>), Cause> {
    let came = Rc::new(RefCell::new(Came::default()));
    let time = Duration::from_secs(plan.seconds);
    let load = shop.crowd(plan.connections, End::After(time)).order(&came);
    let both = async { tokio::join!(load, crash(plan, shop, time, &came)) };
    let mut look = |second, came: &Came| tell(progress, "crashing", second, came);
    let ((), crashes) = watched(both, &came, &mut look).await;
    let crashes = crashes?;
    let books = shop.settle(SETTLED_WITHIN, progress).await?;
    let mut control = Control::open(shop.server.address()).await?;
    let tree = control.tree().await?;
    let attention = control.get("/v1/admin/attention").await?;
    let came = came.borrow();
    let ledger = shop.bank.ledger();
    let mut lines = books.lines(&came, &ledger);
    let (offerings, units) = SCARCE;
    lines.push(Line::none("offerings sold beyond their units", offerings, &books.oversold(units)));
    let set_aside: Vec<String> =
        attention["items"].as_array().into_iter().flatten().map(Value::to_string).collect();
    lines.push(Line::none("orders that a person has to look at", 0, &set_aside));
    lines.extend(restarts(&tree, &crashes));
    let asked: u64 = crashes.values().sum();
    let figure = |name: &str, figure: String| (name.to_owned(), figure);
    let figures = vec![
        figure("crashes", format!("{asked}: {crashes:?}")),
        figure(
            "answers",
            format!("{}, {:.0}/s", came.in_words(), count(came.sent) / came.elapsed.as_secs_f64()),
        ),
        figure("p50, p99 of 201 and 202", in_ms(&came)),
        figure("phases at the end", format!("{:?}", books.phases())),
        figure("at rest after", format!("{:.1?}", books.settled_in)),
    ];
    Ok((lines, figures))
}

/// Crashes one after the other, at the rate of the plan.
async fn crash(
    plan: &Plan,
    shop: &Shop,
    time: Duration,
    came: &Rc<RefCell<Came>>,
) -> Result<Crashes, ControlError> {
    let mut control = Control::open(shop.server.address()).await?;
    let mut random = Random::new(plan.seed);
    let mut crashes = Crashes::new();
    let mut beat = tokio::time::interval(Duration::from_secs(1) / plan.rate);
    let began = Instant::now();
    while began.elapsed() < time {
        beat.tick().await;
        let victim = random.below(u64::try_from(VICTIMS.len()).unwrap_or(1));
        let victim = VICTIMS[usize::try_from(victim).unwrap_or(0)];
        let order = latest(&came.borrow(), &mut random);
        let path = match (victim, order) {
            ("", None) => continue,
            ("", Some(id)) => format!("/v1/admin/orders/talentshare/{id}/crash"),
            (name, _) => format!("/v1/admin/participants/{name}/crash"),
        };
        control.post(&path).await?;
        *crashes.entry(if victim.is_empty() { "orders" } else { victim }).or_insert(0) += 1;
    }
    Ok(crashes)
}

/// One of the last hundred orders: the others sleep, and who sleeps cannot crash.
fn latest(came: &Came, random: &mut Random) -> Option<u64> {
    let last = &came.sales[came.sales.len().saturating_sub(100)..];
    let at = random.below(u64::try_from(last.len()).ok()?.max(1));
    Some(last.get(usize::try_from(at).ok()?)?.id)
}

/// The tree must show that everybody who was crashed came up again.
fn restarts(tree: &Value, crashes: &Crashes) -> Vec<Line> {
    let nodes = tree["children"].as_array().map(Vec::as_slice).unwrap_or_default();
    let line = |(name, asked): (&&'static str, &u64)| {
        let node = nodes.iter().find(|node| node["name"] == **name);
        let restarts = node.and_then(|node| node["restarts"].as_u64()).unwrap_or(0);
        let state = node.and_then(|node| node["state"].as_str()).unwrap_or("missing");
        Line::new(
            format!("restarts of {name}"),
            format!("some of {asked}, and up"),
            format!("{restarts}, {state}"),
            restarts > 0 && state == "up",
        )
    };
    crashes.iter().map(line).collect()
}

//! A payment service with every fault: whatever it does, its ledger and ours agree to the cent in the end, every
//! order is paid at most once, and nothing is stuck.
//!
//! One leg for each rate of faults. At ten hundredths of each kind half of all requests are not answered: then the
//! circuit breaker rightly keeps nearly everybody away, and what is proved is that everything comes to an end. At
//! a rate at which it stays closed, nearly all orders meet the service.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::came::Came;
use super::crowd::{Crowd, End};
use super::market::Goods;
use super::shop::{Shop, tell, watched};
use super::slow_payments::in_ms;
use super::{Line, Outcome};
use crate::bank::Manner;
use crate::http::{Cause, HttpError};
use crate::machine::Machine;
use crate::server::Launch;

/// Orders that were turned away are paid by themselves for a while, and are called off before anybody loses patience.
const TABLES: &str =
    "[payment]\nhold = \"60 s\"\nwhen_unavailable = \"pay_later\"\npay_later_within = \"60 s\"\n";
/// One in so many orders is taken back.
const TAKEN_BACK: u64 = 5;
/// One in so many cards is declined.
const DECLINED: u64 = 20;
/// What a charge takes when nothing is wrong, in milliseconds.
const SLEEP_MS: (u64, u64) = (5, 50);
/// So many orders meet every kind of fault.
const TELLING: u64 = 500;
/// Over which time the customers come in: as long as the server waits for an answer, so that not all calls of a silent
/// service end at once.
const RAMP: Duration = Duration::from_secs(8);

/// What to run.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Orders of one leg.
    pub orders: u64,
    /// Customers at once.
    pub connections: usize,
    /// Of how many hundredths of the requests each kind of fault comes; a leg for each.
    pub percent: Vec<u64>,
    /// Which requests those are.
    pub seed: u64,
    /// How long everything may take to be at rest, in seconds.
    pub settle_within: u64,
}

/// What one leg came to.
type Found = (Vec<Line>, Vec<(String, String)>);

/// Runs it.
///
/// # Errors
/// Why there are no figures.
pub async fn run(
    plan: &Plan,
    launch: &Launch,
    progress: &mut dyn FnMut(&str),
) -> Result<Outcome, HttpError> {
    progress(&format!("faults: --seed {}", plan.seed));
    let machine = Machine::look(&launch.scratch).map_err(HttpError::Machine)?;
    let (mut lines, mut figures) = (Vec::new(), Vec::new());
    for percent in &plan.percent {
        let goods = Goods {
            tables: TABLES,
            taken_back: Some(TAKEN_BACK),
            declined: Some(DECLINED),
            ..Goods::default()
        };
        let manner =
            Manner { sleep_ms: SLEEP_MS, hands: None, faults_percent: *percent, seed: plan.seed };
        let shop = Shop::open(launch, goods, manner).await?;
        let named = |text: String| format!("{percent}% each: {text}");
        let leg = leg(plan, &shop, *percent, progress).await;
        let (found, measured) = leg.map_err(|cause| shop.failed("faults", cause))?;
        lines.extend(found.into_iter().map(|line| Line { what: named(line.what), ..line }));
        figures.extend(measured.into_iter().map(|(name, figure)| (named(name), figure)));
        shop.server.stop().await?;
    }
    Ok(Outcome { suite: "faults", plan: json!(plan), machine, figures, lines })
}

async fn leg(
    plan: &Plan,
    shop: &Shop,
    percent: u64,
    progress: &mut dyn FnMut(&str),
) -> Result<Found, Cause> {
    let came = Rc::new(RefCell::new(Came::default()));
    let crowd = shop.crowd(plan.connections, End::Orders(plan.orders));
    // Few customers need no time for that.
    let ramp = RAMP.min(Duration::from_millis(plan.orders));
    let load = Crowd { ramp, ..crowd }.order(&came);
    let doing = format!("{percent}% each");
    watched(load, &came, &mut |second, came| tell(progress, &doing, second, came)).await;
    let within = Duration::from_secs(plan.settle_within);
    let books = shop.settle(within, &mut |line| progress(&format!("{doing}: {line}"))).await?;
    let came = came.borrow();
    let ledger = shop.bank.ledger();
    let mut lines = books.lines(&came, &ledger);
    if plan.orders >= TELLING {
        let all = ledger.faults.len();
        lines.push(Line::new("kinds of fault that came", "6", all.to_string(), all == 6));
    }
    let figure = |name: &str, figure: String| (name.to_owned(), figure);
    let met = ledger.payments.len();
    let figures = vec![
        figure("answers", came.in_words()),
        figure("p50, p99 of 201 and 202", in_ms(&came)),
        figure("payments that got to the service", format!("{met}, {} requests", ledger.requests)),
        figure("faults", format!("{:?}", ledger.faults)),
        figure("phases at the end", format!("{:?}", books.phases())),
        figure("at rest after", format!("{:.0?}", books.settled_in)),
    ];
    Ok((lines, figures))
}

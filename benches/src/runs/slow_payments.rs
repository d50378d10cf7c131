//! A payment service that takes its time: nobody hears anything wrong, everybody pays once, and the server adds
//! next to nothing to what the service takes.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::came::Came;
use super::crowd::End;
use super::market::Goods;
use super::shop::{Shop, direct, tell, watched};
use super::{Line, Outcome};
use crate::bank::Manner;
use crate::http::{Cause, HttpError};
use crate::machine::Machine;
use crate::server::Launch;

/// So much of the service's own limit must be reached, in hundredths.
const SHARE_MIN: f64 = 80.0;
/// How long the last orders may take to be at rest.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

/// What to run.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Customers at once.
    pub connections: usize,
    /// For how long, in seconds.
    pub seconds: u64,
    /// For how long the service's own limit is measured before, in seconds.
    pub calibration: u64,
    /// What a charge takes, in milliseconds.
    pub sleep_ms: (u64, u64),
    /// Seed of the service.
    pub seed: u64,
}

/// Runs it.
///
/// # Errors
/// Why there are no figures.
pub async fn run(
    plan: &Plan,
    launch: &Launch,
    progress: &mut dyn FnMut(&str),
) -> Result<Outcome, HttpError> {
    let machine = Machine::look(&launch.scratch).map_err(HttpError::Machine)?;
    let manner =
        Manner { sleep_ms: plan.sleep_ms, hands: None, faults_percent: 0, seed: plan.seed };
    let shop = Shop::open(launch, Goods::default(), manner).await?;
    let measured = measure(plan, &shop, progress).await;
    let (lines, figures) = measured.map_err(|cause| shop.failed("slow-payments", cause))?;
    shop.server.stop().await?;
    Ok(Outcome { suite: "slow-payments", plan: json!(plan), machine, figures, lines })
}

async fn measure(
    plan: &Plan,
    shop: &Shop,
    progress: &mut dyn FnMut(&str),
) -> Result<(Vec<Line>, Vec<(String, String)>), Cause> {
    progress("calibrating: the workers ask the payment service itself");
    let limit = direct(&shop.bank, plan.connections, Duration::from_secs(plan.calibration)).await?;
    progress(&format!("the service's own limit: {limit:.0} a second"));
    let came = Rc::new(RefCell::new(Came::default()));
    let end = End::After(Duration::from_secs(plan.seconds));
    let load = shop.crowd(plan.connections, end).order(&came);
    watched(load, &came, &mut |second, came| tell(progress, "ordering", second, came)).await;
    let books = shop.settle(SETTLED_WITHIN, progress).await?;
    let came = came.borrow();
    let share = 100.0 * came.rate(201) / limit;
    let mut lines = vec![
        Line::new(
            "orders paid a second, of the service's own limit",
            format!("at least {SHARE_MIN:.0}%"),
            format!("{share:.1}%"),
            share >= SHARE_MIN,
        )
        .of_speed(),
    ];
    lines.extend(books.lines(&came, &shop.bank.ledger()));
    let figure = |name: &str, figure: String| (name.to_owned(), figure);
    let figures = vec![
        figure("the service's own limit", format!("{limit:.1}/s")),
        figure("orders paid", format!("{:.1}/s", came.rate(201))),
        figure("answers", came.in_words()),
        figure("p50, p99 of 201", in_ms(&came)),
        figure("phases at the end", format!("{:?}", books.phases())),
        figure("at rest after", format!("{:.1?}", books.settled_in)),
    ];
    Ok((lines, figures))
}

/// Median and 99th percentile of what was accepted.
pub(super) fn in_ms(came: &Came) -> String {
    format!("{:.0} ms, {:.0} ms", came.accepted_ms(0.5), came.accepted_ms(0.99))
}

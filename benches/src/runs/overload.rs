//! Ten times as many orders as can be paid: what is taken on is done in good time, the rest is refused at once, and
//! when it is over it is over.
//!
//! ```text
//! one customer alone -> as many as the service has hands: the sustainable rate -> the rush -> one customer again
//! ```

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;

use super::books::Books;
use super::came::{Came, count};
use super::crowd::End;
use super::market::Goods;
use super::rush::Rush;
use super::shop::{Shop, tell, watched};
use super::slow_payments::in_ms;
use super::{Line, Outcome};
use crate::bank::Manner;
use crate::control::ControlError;
use crate::http::{Cause, HttpError};
use crate::machine::Machine;
use crate::server::Launch;

/// What 99 of 100 accepted orders may take, in milliseconds.
const ACCEPTED_MS_MAX: f64 = 2_000.0;
/// What 99 of 100 refusals may take.
const REFUSED_MS_MAX: f64 = 500.0;
/// How long after the rush an order may still take longer than usual.
const RECOVERED_WITHIN: Duration = Duration::from_secs(2);
/// So much of the sustainable rate must still be done in the rush, in hundredths.
const SHARE_MIN: f64 = 80.0;
/// What one stored order may add to the server's memory: its records wait for the next checkpoint, its row for the
/// next batch of the views.
const BYTES_PER_ORDER: u64 = 2 * 1024;
/// What may be added whatever is stored: buffers of connections and the allocator's own slack.
const BYTES_ANYWAY: u64 = 32 << 20;
/// Seconds of the rush after which memory is compared.
const WARM_AFTER: u64 = 10;
/// Orders of the customer who is alone.
const ALONE: u64 = 5;
/// How long the last orders may take to be at rest.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

/// What to run.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// The generator's connections: orders that find none free leave late.
    pub connections: usize,
    /// Length of the rush, in seconds.
    pub seconds: u64,
    /// How long the sustainable rate is measured, in seconds.
    pub calibration: u64,
    /// Charges the service works at at once.
    pub hands: usize,
    /// How many times the sustainable rate comes in.
    pub factor: f64,
    /// What a charge takes, in milliseconds.
    pub sleep_ms: (u64, u64),
    /// Seed of the service.
    pub seed: u64,
}

/// What was measured.
struct Measured {
    alone: Came,
    sustained: Came,
    rush: Came,
    recovered: Duration,
    /// Bytes resident, and orders accepted so far, second by second.
    memory: Vec<(u64, u64)>,
    books: Books,
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
    let Plan { sleep_ms, hands, seed, .. } = *plan;
    let manner = Manner { sleep_ms, hands: Some(hands), faults_percent: 0, seed };
    let shop = Shop::open(launch, Goods::default(), manner).await?;
    let measured = measure(plan, &shop, progress).await;
    let measured = measured.map_err(|cause| shop.failed("overload", cause))?;
    let lines = judge(&measured, &shop);
    shop.server.stop().await?;
    let figures = figures(&measured);
    Ok(Outcome { suite: "overload", plan: json!(plan), machine, figures, lines })
}

async fn measure(
    plan: &Plan,
    shop: &Shop,
    progress: &mut dyn FnMut(&str),
) -> Result<Measured, Cause> {
    let fresh = || Rc::new(RefCell::new(Came::default()));
    let (alone, sustained, rush) = (fresh(), fresh(), fresh());
    shop.crowd(1, End::Orders(ALONE)).order(&alone).await;
    let end = End::After(Duration::from_secs(plan.calibration));
    let load = shop.crowd(plan.hands, end).order(&sustained);
    let doing = "finding the sustainable rate";
    watched(load, &sustained, &mut |second, came| tell(progress, doing, second, came)).await;
    let rate = sustained.borrow().rate(201) * plan.factor;
    progress(&format!("the rush: {rate:.0} orders a second"));
    let load = Rush {
        address: shop.server.address(),
        connections: plan.connections,
        rate,
        time: Duration::from_secs(plan.seconds),
        goods: shop.goods.clone(),
        first: sustained.borrow().sent,
    };
    let mut memory = Vec::new();
    let mut look = |second, came: &Came| {
        let resident = shop.server.memory().map_or(0, |memory| memory.resident_bytes);
        memory.push((resident, came.accepted_us.len()));
        tell(progress, "the rush", second, came);
    };
    let ended = watched(load.run(&rush), &rush, &mut look).await;
    let ended = ended.map_err(ControlError::Wire)?;
    let usual = Duration::from_secs_f64(alone.borrow().accepted_ms(1.0) * 1.5 / 1e3);
    let recovered = recover(shop, ended, usual).await;
    let books = shop.settle(SETTLED_WITHIN, progress).await?;
    let take = |came: Rc<RefCell<Came>>| came.borrow().clone();
    let (alone, sustained, rush) = (take(alone), take(sustained), take(rush));
    Ok(Measured { alone, sustained, rush, recovered, memory, books })
}

/// Orders one at a time until one takes what is usual; returns how long after the rush that one began.
async fn recover(shop: &Shop, ended: Instant, usual: Duration) -> Duration {
    loop {
        let began = Instant::now();
        let came = Rc::new(RefCell::new(Came::default()));
        shop.crowd(1, End::Orders(1)).order(&came).await;
        let fine = came.borrow().count(201) == 1 && began.elapsed() <= usual;
        let since = began.saturating_duration_since(ended);
        if fine || since > RECOVERED_WITHIN * 10 {
            return since;
        }
    }
}

fn judge(measured: &Measured, shop: &Shop) -> Vec<Line> {
    let Measured { sustained, rush, recovered, books, .. } = measured;
    let accepted = rush.accepted_ms(0.99);
    let refused = rush.refused_ms(0.99);
    let share = 100.0 * rush.rate(201) / sustained.rate(201);
    let below = |most: f64| format!("below {most:.0} ms");
    let millis = |it: f64| format!("{it:.0} ms");
    let mut lines = vec![
        Line::new(
            "p99 of accepted orders",
            below(ACCEPTED_MS_MAX),
            millis(accepted),
            accepted < ACCEPTED_MS_MAX,
        )
        .of_speed(),
        Line::new(
            "p99 of refusals",
            below(REFUSED_MS_MAX),
            millis(refused),
            refused < REFUSED_MS_MAX,
        )
        .of_speed(),
        Line::new(
            "orders paid in the rush, of the sustainable rate",
            format!("at least {SHARE_MIN:.0}%"),
            format!("{share:.0}%"),
            share >= SHARE_MIN,
        )
        .of_speed(),
        Line::new(
            "back to normal after the rush",
            format!("within {RECOVERED_WITHIN:?}"),
            format!("{recovered:.1?}"),
            *recovered <= RECOVERED_WITHIN,
        )
        .of_speed(),
    ];
    lines.extend(flat(&measured.memory));
    let mut all = rush.clone();
    for other in [&measured.alone, sustained] {
        all.sent += other.sent;
        all.sales.extend(other.sales.iter().cloned());
        all.wrong.extend(other.wrong.iter().cloned());
        all.unanswered.extend(other.unanswered.iter().cloned());
    }
    lines.extend(books.lines(&all, &shop.bank.ledger()));
    lines
}

/// Whether memory grew by no more than what was stored explains; `None` of a run too short to tell.
fn flat(memory: &[(u64, u64)]) -> Option<Line> {
    let warm = usize::try_from(WARM_AFTER).unwrap_or(usize::MAX);
    let (before, orders_before) = *memory.get(warm - 1)?;
    let (most, _) = *memory[warm..].iter().max()?;
    let (_, orders) = *memory.last()?;
    let stored = orders - orders_before;
    let margin = BYTES_ANYWAY + stored * BYTES_PER_ORDER;
    let grew = most.saturating_sub(before);
    let wanted = format!("at most {}: {stored} orders were stored", mega(margin));
    let found = format!("{}, from {} to {}", mega(grew), mega(before), mega(most));
    Some(Line::new(format!("growth of memory after {WARM_AFTER} s"), wanted, found, grew <= margin))
}

fn mega(bytes: u64) -> String {
    format!("{:.0} MB", count(bytes >> 10) * 1024.0 / 1e6)
}

fn figures(measured: &Measured) -> Vec<(String, String)> {
    let Measured { alone, sustained, rush, memory, books, .. } = measured;
    let figure = |name: &str, figure: String| (name.to_owned(), figure);
    let sent = count(rush.sent) / rush.elapsed.as_secs_f64();
    let resident: Vec<String> = memory.iter().step_by(10).map(|(bytes, _)| mega(*bytes)).collect();
    vec![
        figure("one customer alone, p50, p99", in_ms(alone)),
        figure(
            "sustainable",
            format!("{:.1}/s, p50, p99 {}", sustained.rate(201), in_ms(sustained)),
        ),
        figure("offered in the rush", format!("{sent:.0}/s")),
        figure("left late", format!("{} of {}", rush.late, rush.sent)),
        figure("answers", rush.in_words()),
        figure("accepted", format!("{:.1}/s, p50, p99 {}", rush.rate(201), in_ms(rush))),
        figure(
            "refused, p50, p99",
            format!("{:.0} ms, {:.0} ms", rush.refused_ms(0.5), rush.refused_ms(0.99)),
        ),
        figure("memory every 10 s", resident.join(", ")),
        figure("phases at the end", format!("{:?}", books.phases())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_held_against_what_was_stored() {
        let mut memory = vec![(100 << 20, 1000); 10];
        assert!(flat(&memory).is_none(), "too short");
        memory.push((133 << 20, 2000));
        assert!(flat(&memory).unwrap().holds);
        memory.push((141 << 20, 1000));
        assert!(!flat(&memory).unwrap().holds, "nothing was stored for it");
    }
}

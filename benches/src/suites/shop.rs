//! A market in an engine of this process, and tasks that order in it.
//!
//! The load is closed: each task places an order, waits for the answer, and places the next. So the number in flight
//! is the number of tasks. Every answer is looked at: an order that is not a booking is an error, not a figure.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use hdrhistogram::Histogram;
use surehold::domain::id::{OfferingId, OrderId};
use surehold::domain::plan::Plan;
use surehold::domain::quantity::Quantity;
use surehold::domain::saga::Phase;
use surehold::{
    Booking, Data, Engine, Market, NewOrder, Options, OrderCommand, Placed, Refusal, Retention,
};
use tokio::task::JoinSet;

use super::SuiteError;

/// The market whose orders wait for an operator.
const OPERATOR: &str = include_str!("../../../markets/yogiyogi.toml");
/// The market that confirms by itself.
const AUTO: &str = include_str!("../../../markets/talentshare.toml");
/// Customers; each has many orders.
const CUSTOMERS: u64 = 10_000;
/// Latencies up to a minute are told apart.
const LATENCY_US_MAX: u64 = 60_000_000;
/// Orders looked for after a kill.
const LOOKED_FOR: u64 = 1000;
/// How long an order takes to be confirmed once it is paid, at most.
const MOMENT: Duration = Duration::from_millis(2);
/// How often an order that is turned away for the moment is placed again, or is asked to be completed.
const TRIES: usize = 600;

/// What is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Goods {
    /// The market yogiyogi: an order waits, paid, for its operator.
    Operator,
    /// The market talentshare with offerings of seats: an order is paid and confirmed at once.
    Seats,
    /// The same, and each order is completed at once.
    Finished,
}

/// An engine with one market open.
#[derive(Clone)]
pub struct Shop {
    /// The engine.
    pub engine: Engine,
    market: Market,
    goods: Goods,
    offerings: u64,
}

/// How many orders, and how.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Orders.
    pub orders: u64,
    /// Orders on their way at any moment.
    pub in_flight: usize,
    /// Seed of customers and offerings.
    pub seed: u64,
}

/// What a load came to.
pub struct Tally {
    /// From the first order to the last answer.
    pub elapsed: Duration,
    /// From placing to the answer, in microseconds.
    pub latencies_us: Histogram<u64>,
    /// Orders that were turned away for the moment and placed again.
    pub again: u64,
}

impl Shop {
    /// Opens the engine on this folder, with its default settings.
    ///
    /// # Errors
    /// The plan is not one, or the engine does not open.
    pub async fn open(folder: &Path, goods: Goods, offerings: u64) -> Result<Self, SuiteError> {
        Self::open_keeping(folder, goods, offerings, Retention::default()).await
    }

    /// As [`Shop::open`], with so many old records kept.
    ///
    /// # Errors
    /// As [`Shop::open`].
    pub async fn open_keeping(
        folder: &Path,
        goods: Goods,
        offerings: u64,
        retention: Retention,
    ) -> Result<Self, SuiteError> {
        let (text, name, offerings) = match goods {
            Goods::Operator => (OPERATOR.to_owned(), "yogiyogi", 1),
            Goods::Seats | Goods::Finished => (seats(offerings), "talentshare", offerings),
        };
        let plan =
            Plan::parse(name, &text).map_err(|error| SuiteError::Answer(error.to_string()))?;
        let options = Options::new(Data::Folder(folder.to_owned()), vec![plan]);
        let engine = Engine::open(Options { retention, ..options }).await?;
        let market = engine.market(name)?;
        Ok(Self { engine, market, goods, offerings })
    }

    /// Places so many orders, and says what came of it.
    ///
    /// # Errors
    /// The first order that is refused for good, or comes to anything but a booking.
    pub async fn order(&self, load: Load) -> Result<Tally, SuiteError> {
        let taken = Arc::new(AtomicU64::new(0));
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..load.in_flight {
            tasks.spawn(self.clone().work(load, Arc::clone(&taken)));
        }
        let mut tally = Tally { elapsed: Duration::ZERO, latencies_us: histogram()?, again: 0 };
        while let Some(ended) = tasks.join_next().await {
            let (latencies, again) =
                ended.map_err(|error| SuiteError::Answer(error.to_string()))??;
            tally.again += again;
            let added = tally.latencies_us.add(latencies);
            added.map_err(|error| SuiteError::Answer(error.to_string()))?;
        }
        tally.elapsed = start.elapsed();
        Ok(tally)
    }

    /// One task: orders until all are taken.
    async fn work(
        self,
        load: Load,
        taken: Arc<AtomicU64>,
    ) -> Result<(Histogram<u64>, u64), SuiteError> {
        let (mut latencies, mut again) = (histogram()?, 0);
        loop {
            let number = taken.fetch_add(1, Ordering::Relaxed);
            if number >= load.orders {
                return Ok((latencies, again));
            }
            let start = Instant::now();
            again += self.one(load.seed, number).await?;
            let us = u64::try_from(start.elapsed().as_micros()).unwrap_or(LATENCY_US_MAX);
            latencies.saturating_record(us);
        }
    }

    /// One order; says how often it was turned away before.
    async fn one(&self, seed: u64, number: u64) -> Result<u64, SuiteError> {
        let drawn = mixed(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let order = NewOrder {
            customer: format!("customer-{}", drawn % CUSTOMERS),
            offering: OfferingId(1 + (drawn >> 32) % self.offerings),
            quantity: Quantity::ONE,
            booking: Booking::Units,
            card: Some("tok_bench".to_owned()),
            attributes: Default::default(),
        };
        let mut again = 0;
        for _ in 0..TRIES {
            let placement = match self.engine.place(self.market, order.clone(), None).await {
                Ok(placement) => placement,
                Err(Refusal::Unavailable { .. }) => {
                    again += 1;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
                Err(refusal) => return Err(refusal.into()),
            };
            if placement.placed != Placed::Booked {
                let (id, placed) = (placement.order.id, placement.placed);
                return Err(SuiteError::Answer(format!("order {id} came to {placed:?}")));
            }
            if self.goods == Goods::Finished {
                self.complete(placement.order.id).await?;
            }
            return Ok(again);
        }
        Err(SuiteError::Answer(format!("an order was turned away {TRIES} times")))
    }

    /// Completes an order. Its customer heard that it is paid, which is a moment before it is confirmed.
    async fn complete(&self, order: OrderId) -> Result<(), SuiteError> {
        for _ in 0..TRIES {
            match self.engine.command(self.market, order, OrderCommand::Complete).await {
                Ok(_) => return Ok(()),
                Err(Refusal::WrongPhase { phase: Phase::Paid, .. }) => {
                    tokio::time::sleep(MOMENT).await;
                }
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Err(SuiteError::Answer(format!("order {order} was not confirmed")))
    }

    /// How many of the first `answered` orders are not there. A thousand are looked for, the last one among them.
    ///
    /// # Errors
    /// An order cannot be read.
    pub async fn missing(&self, answered: u64) -> Result<u64, SuiteError> {
        let mut missing = 0;
        let looked_for = (1..=LOOKED_FOR).map(|part| (answered * part).div_ceil(LOOKED_FOR));
        for order in looked_for.filter(|order| *order > 0) {
            match self.engine.order(self.market, OrderId(order)).await {
                Ok(order) if order.came_into_being() => {}
                Ok(_) | Err(Refusal::NotFound { .. }) => missing += 1,
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Ok(missing)
    }

    /// Held to account: every unit and every cent in exactly one place.
    ///
    /// # Errors
    /// The books cannot be read.
    pub async fn imbalance(&self) -> Result<Option<String>, SuiteError> {
        let audit = self.engine.audit().await?;
        Ok((!audit.balanced).then(|| format!("the books do not balance: {:?}", audit.findings)))
    }
}

/// The market with so many offerings, each with seats for everybody.
fn seats(offerings: u64) -> String {
    let more = (2..=offerings).map(|id| {
        format!(
            "\n[[offerings]]\nid = {id}\nname = 'Talent {id}'\nprice = {{ amount = 30000 }}\n\
             inventory = {{ model = 'seats', capacity = 1000000000 }}\n"
        )
    });
    let first = AUTO.replace(
        "inventory = { model = \"unlimited\" }",
        "inventory = { model = \"seats\", capacity = 1000000000 }",
    );
    std::iter::once(first).chain(more).collect()
}

fn histogram() -> Result<Histogram<u64>, SuiteError> {
    Histogram::new_with_bounds(1, LATENCY_US_MAX, 3)
        .map_err(|error| SuiteError::Answer(error.to_string()))
}

/// `SplitMix64`'s last step: neighbours come out far apart.
fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

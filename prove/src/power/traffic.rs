//! Customers and operators: what they ask of an engine, and every answer they were given.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use surehold::domain::attributes::Attributes;
use surehold::domain::day::Day;
use surehold::domain::id::OfferingId;
use surehold::domain::plan::Plan;
use surehold::domain::quantity::Quantity;
use surehold::{Booking, Engine, Idempotency, NewOrder, OrderCommand, OrderView, Placed, Refusal};
use surehold_storage::faulty::{Dice, FaultyDisk};
use tokio::task::JoinSet;

use super::bank::{DECLINED, LOST, TAKEN_SILENTLY};

/// Two markets: one that is paid with the order and confirms by itself, one that is paid later and
/// asks an operator.
const DOOR: &str = r#"
name = "door"
currency = "EUR"
[payment]
hold = "15 min"
[confirmation]
by = "auto"
[mileage]
points = 1
[messages]
confirmed = "order {order} is confirmed"
cancelled = "order {order} is cancelled"
[[offerings]]
id = 1
name = "A seat"
price = { amount = 1250 }
inventory = { model = "seats", capacity = 6 }
[[offerings]]
id = 2
name = "A cup"
price = { amount = 300 }
inventory = { model = "stock", quantity = 30 }
[[offerings]]
id = 3
name = "A room"
price = { amount = 5000 }
inventory = { model = "nights", units = 2 }
"#;
const DESK: &str = r#"
name = "desk"
currency = "EUR"
[payment]
when = "later"
[confirmation]
by = "operator"
within = "2 h"
[[offerings]]
id = 1
name = "A table"
price = { amount = 2000 }
inventory = { model = "seats", capacity = 8 }
[[offerings]]
id = 2
name = "A book"
price = { amount = 900 }
inventory = { model = "stock", quantity = 20 }
"#;

/// The names of the markets; a market's place here is its number on the node.
pub(super) const MARKETS: [&str; 2] = ["door", "desk"];
/// How many customers there are at a time.
const CUSTOMERS: u64 = 6;
/// How many orders each of them places.
pub(super) const ORDERS_EACH: u64 = 12;
/// No market of this proof ever has more orders.
pub(super) const ORDERS_MAX: u64 = CUSTOMERS * ORDERS_EACH * 2;

/// How long a customer waits for an answer that comes soon, and for one that does not.
const PATIENCE: Duration = Duration::from_secs(2);
const IMPATIENCE: Duration = Duration::from_millis(10);

/// The plans of [`MARKETS`].
pub(super) fn plans() -> Result<Vec<Plan>, String> {
    let parse = |name: &str, text: &str| Plan::parse(name, text).map_err(|error| error.to_string());
    Ok(vec![parse("door.toml", DOOR)?, parse("desk.toml", DESK)?])
}

/// A request with its idempotency key.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) new: NewOrder,
    pub(super) key: String,
}

impl Request {
    pub(super) fn key(&self) -> Idempotency {
        Idempotency { key: self.key.clone(), body: format!("{:?}", self.new).into_bytes() }
    }
}

/// An answer that left the node: from then on it must stay true.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// How many steps the journal's disk had made when it left.
    pub(super) at: usize,
    /// The market's place among [`MARKETS`].
    pub(super) market: usize,
    /// The order as it was shown.
    pub(super) order: OrderView,
    /// What was asked for, and what it came to, if this answers a placing.
    pub(super) placed: Option<(Request, Placed)>,
}

/// Everything that was told.
#[derive(Default)]
pub(super) struct Ears {
    told: Mutex<Vec<Told>>,
    wrongs: Mutex<Vec<String>>,
}

impl Ears {
    fn list(&self) -> MutexGuard<'_, Vec<Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn hear(&self, told: Told) {
        self.list().push(told);
    }

    /// What was told when the disk had made so many steps.
    pub(super) fn told_at(&self, steps: usize) -> Vec<Told> {
        self.list().iter().filter(|told| told.at <= steps).cloned().collect()
    }

    /// Refusals that say that the engine is at fault.
    pub(super) fn wrongs(&self) -> Vec<String> {
        self.wrongs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn refused(&self, refusal: &Refusal) {
        if matches!(
            refusal,
            Refusal::Fault(_) | Refusal::Quarantined { .. } | Refusal::Invalid { .. }
        ) {
            let wrong = format!("an engine whose disk works refused: {refusal}");
            self.wrongs.lock().unwrap_or_else(PoisonError::into_inner).push(wrong);
        }
    }
}

/// Lets all customers and operators do what they do, until they are done.
pub(super) async fn run(engine: Engine, disk: FaultyDisk, ears: Arc<Ears>, seed: u64) {
    let mut customers = JoinSet::new();
    for number in 0..CUSTOMERS {
        let dice = Dice::new(seed.wrapping_mul(1000).wrapping_add(number));
        let (engine, disk, ears) = (engine.clone(), disk.clone(), Arc::clone(&ears));
        let customer = Customer { engine, disk, ears, number, dice };
        customers.spawn(customer.live());
    }
    while customers.join_next().await.is_some() {}
}

struct Customer {
    engine: Engine,
    disk: FaultyDisk,
    ears: Arc<Ears>,
    number: u64,
    dice: Dice,
}

impl Customer {
    async fn live(mut self) {
        for round in 0..ORDERS_EACH {
            let market = usize::from(self.dice.below(3) == 0);
            let request = self.request(market, round);
            if let Some((placed, order)) = self.place(market, &request).await {
                if self.dice.below(6) == 0 {
                    self.place(market, &request).await;
                }
                self.go_on(market, placed, order).await;
            }
        }
    }

    fn request(&mut self, market: usize, round: u64) -> Request {
        let dice = &mut self.dice;
        let offering = OfferingId(1 + dice.below(if market == 0 { 3 } else { 2 }));
        let booking = if market == 0 && offering.0 == 3 {
            let from = Day::from_number(30_000 + u32::try_from(dice.below(5)).unwrap_or(0));
            Booking::Nights { from, to: from.plus(1 + u32::try_from(dice.below(3)).unwrap_or(0)) }
        } else {
            Booking::Units
        };
        let card = match dice.below(20) {
            0 | 1 => DECLINED,
            2 => TAKEN_SILENTLY,
            3 => LOST,
            _ => "good",
        };
        let new = NewOrder {
            customer: format!("customer {}", self.number),
            offering,
            quantity: if dice.below(5) == 0 { Quantity::ONE.times(2) } else { Quantity::ONE },
            booking,
            card: (market == 0).then(|| card.to_owned()),
            attributes: Attributes::new(),
        };
        Request { new, key: format!("{}-{round}", self.number) }
    }

    async fn place(&self, market: usize, request: &Request) -> Option<(Placed, OrderView)> {
        let silent = matches!(request.new.card.as_deref(), Some(TAKEN_SILENTLY | LOST));
        let patience = if silent { IMPATIENCE } else { PATIENCE };
        let Ok(place) = self.engine.market(MARKETS[market]) else { return None };
        let placing = self.engine.place(place, request.new.clone(), Some(request.key()));
        match tokio::time::timeout(patience, placing).await.ok()? {
            Ok(placement) => {
                let placed = Some((request.clone(), placement.placed));
                self.hear(market, placement.order.clone(), placed);
                Some((placement.placed, placement.order))
            }
            Err(refusal) => {
                self.ears.refused(&refusal);
                None
            }
        }
    }

    fn hear(&self, market: usize, order: OrderView, placed: Option<(Request, Placed)>) {
        let at = self.disk.steps();
        self.ears.hear(Told { at, market, order, placed });
    }

    /// What follows from an order that was placed.
    async fn go_on(&mut self, market: usize, placed: Placed, order: OrderView) {
        match placed {
            Placed::ToBePaid => match self.dice.below(8) {
                0 => {}
                1 => self.command(market, &order, cancel()).await,
                _ => {
                    let card = if self.dice.below(8) == 0 { DECLINED } else { "good" };
                    let pay = OrderCommand::Pay { card: card.to_owned() };
                    self.command(market, &order, pay).await;
                    self.speak(market, &order).await;
                }
            },
            Placed::Booked => match self.dice.below(10) {
                0..4 => {}
                4 => self.command(market, &order, OrderCommand::Complete).await,
                _ => self.command(market, &order, cancel()).await,
            },
            Placed::UnderWay
            | Placed::Declined
            | Placed::NoRoom
            | Placed::PaymentsDown
            | Placed::InventoryDown
            | Placed::CameToNothing => {}
        }
    }

    /// The operator's word, and perhaps what comes after it.
    async fn speak(&mut self, market: usize, order: &OrderView) {
        match self.dice.below(8) {
            0 => {}
            1 => self.command(market, order, OrderCommand::Reject { note: None }).await,
            2 => self.command(market, order, cancel()).await,
            _ => {
                self.command(market, order, OrderCommand::Confirm).await;
                if self.dice.below(3) == 0 {
                    self.command(market, order, cancel()).await;
                }
            }
        }
    }

    async fn command(&self, market: usize, order: &OrderView, command: OrderCommand) {
        let Ok(place) = self.engine.market(MARKETS[market]) else { return };
        let asking = self.engine.command(place, order.id, command);
        match tokio::time::timeout(PATIENCE, asking).await {
            Ok(Ok(order)) => self.hear(market, order, None),
            Ok(Err(refusal)) => self.ears.refused(&refusal),
            Err(_) => {}
        }
    }
}

fn cancel() -> OrderCommand {
    OrderCommand::Cancel { note: None, quote: None, attributes: Attributes::new() }
}

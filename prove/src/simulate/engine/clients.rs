//! Customers and operators: what they asked for, and what they were told. What they were told must stay
//! true for ever.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use surehold::domain::attributes::{Attribute, Attributes};
use surehold::domain::id::{MarketId, OrderId, OrderKey};
use surehold::domain::saga::Phase;
use surehold::domain::time::Timestamp;
use surehold::{Engine, Idempotency, OrderCommand, OrderView, Placed, Placement, Refusal};

use super::book::named;
use super::life::Life;
use super::moves::Wish;
use super::town::NAMES;

/// How often somebody who was told "not now" tries again by himself.
const TRIES: u32 = 3;
/// How long he waits before.
const PATIENCE: Duration = Duration::from_millis(1500);

/// An order as somebody was told that it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) phase: Phase,
    pub(super) at: Timestamp,
    reason: Option<&'static str>,
}

/// What one customer wanted, and what came of it.
#[derive(Clone, Debug)]
pub(super) struct Errand {
    pub(super) wish: Wish,
    pub(super) order: Option<OrderId>,
    /// Orders that may have come of it.
    pub(super) sent: u64,
    /// A request was sent under its key and never answered.
    pub(super) open: bool,
    pub(super) told: Vec<Told>,
    /// Its actor was crashed on purpose, so it may be set aside.
    pub(super) crashed: bool,
}

/// Everybody's memory.
#[derive(Default)]
pub(super) struct Clients(Mutex<Vec<Option<Errand>>>);

/// The key an errand is placed under.
pub(super) fn key_of(errand: usize) -> String {
    format!("errand-{errand}")
}

impl Clients {
    fn all(&self) -> MutexGuard<'_, Vec<Option<Errand>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All errands with their places.
    pub(super) fn list(&self) -> Vec<(usize, Errand)> {
        let all = self.all();
        let known = all.iter().enumerate();
        known.filter_map(|(place, errand)| Some((place, errand.clone()?))).collect()
    }

    pub(super) fn get(&self, errand: usize) -> Option<Errand> {
        self.all().get(errand).cloned().flatten()
    }

    pub(super) fn begin(&self, errand: usize, wish: &Wish) {
        let mut all = self.all();
        if all.len() <= errand {
            all.resize(errand + 1, None);
        }
        all[errand].get_or_insert_with(|| Errand {
            wish: wish.clone(),
            order: None,
            sent: 0,
            open: false,
            told: Vec::new(),
            crashed: false,
        });
    }

    pub(super) fn change(&self, errand: usize, change: impl FnOnce(&mut Errand)) {
        if let Some(Some(errand)) = self.all().get_mut(errand) {
            change(errand);
        }
    }
}

impl Errand {
    /// The order's key, once it is known.
    pub(super) fn key(&self) -> Option<OrderKey> {
        self.order.map(|order| OrderKey { market: market_id(self.wish.sold.market), order })
    }
}

/// The number a market has on a node that was opened with the plans in their order.
pub(super) fn market_id(market: usize) -> MarketId {
    MarketId(u16::try_from(market).unwrap_or(u16::MAX))
}

/// What a customer or an operator asks of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Pay,
    Cancel,
    CancelQuoted,
    Confirm,
    Reject,
    Complete,
    Annotate,
    Read,
}

/// Places an order, and tries again under its key where it has one.
pub(super) async fn place(life: Arc<Life>, place: usize, other: bool) {
    for _ in 0..TRIES {
        let Some(errand) = life.scene.clients.get(place) else { return };
        if other && errand.told.is_empty() {
            // Only a request that was answered is surely known under its key.
            return;
        }
        let new = errand.wish.order(place, other);
        let body = format!("{new:?}").into_bytes();
        let key = errand.wish.keyed.then(|| Idempotency { key: key_of(place), body });
        let known = errand.told.last().cloned();
        if !other {
            life.scene.clients.change(place, |errand| (errand.sent += 1, errand.open = true).0);
        }
        let market = life.markets[errand.wish.sold.market];
        let answer = life.engine.place(market, new, key).await;
        if life.node.is_dead() {
            return;
        }
        life.node.notes.count("requests", 1);
        let again = match answer {
            Ok(placement) => {
                life.placed(place, other, known, &placement);
                placement.placed == Placed::UnderWay && errand.wish.keyed
            }
            Err(refusal) => life.refused(place, &format!("placing, other {other}"), &refusal),
        };
        if !(again && errand.wish.keyed) {
            return;
        }
        tokio::time::sleep(PATIENCE).await;
    }
}

/// Asks something of an order.
pub(super) async fn ask(life: Arc<Life>, place: usize, what: Ask) {
    let Some(errand) = life.scene.clients.get(place) else { return };
    let market = life.markets[errand.wish.sold.market];
    let Some(order) = errand.order else { return };
    let known = errand.told.last().cloned();
    let mut quote = None;
    if what == Ask::CancelQuoted {
        match life.engine.quote(market, order).await {
            Ok(quoted) => quote = Some(quoted.quote),
            Err(refusal) => {
                if !life.node.is_dead() {
                    life.refused(place, "a quote", &refusal);
                }
                return;
            }
        }
    }
    let answer = send(&life.engine, market, (place, order), what, quote).await;
    if life.node.is_dead() {
        return;
    }
    life.node.notes.count("requests", 1);
    match answer {
        Ok(view) => life.told(place, &format!("{what:?}"), known, &view),
        Err(refusal) => {
            life.refused(place, &format!("{what:?}"), &refusal);
        }
    }
}

async fn send(
    engine: &Engine,
    market: surehold::Market,
    (place, order): (usize, OrderId),
    what: Ask,
    quote: Option<u32>,
) -> Result<OrderView, Refusal> {
    let noted = Attributes::from([("note".to_owned(), Attribute::Text("gate 7".to_owned()))]);
    let command = match what {
        Ask::Read => return engine.order(market, order).await,
        Ask::Pay => OrderCommand::Pay { card: format!("tok_paid_{place}") },
        Ask::Cancel | Ask::CancelQuoted => {
            OrderCommand::Cancel { note: None, quote, attributes: Attributes::new() }
        }
        Ask::Confirm => OrderCommand::Confirm,
        Ask::Reject => OrderCommand::Reject { note: Some("no".to_owned()) },
        Ask::Complete => OrderCommand::Complete,
        Ask::Annotate => OrderCommand::Annotate(noted),
    };
    engine.command(market, order, command).await
}

impl Life {
    fn placed(&self, place: usize, other: bool, known: Option<Told>, placement: &Placement) {
        let (view, clients) = (&placement.order, &self.scene.clients);
        let Some(errand) = clients.get(place) else { return };
        if other {
            let what = format!("errand {place}: another body passed under a key that is taken");
            return self.node.fault(what, None);
        }
        if errand.wish.keyed {
            if let Some(order) = errand.order.filter(|order| *order != view.id) {
                let what = format!("errand {place}: one key gave order {order}, then {}", view.id);
                self.node.fault(what, errand.key().map(named));
            }
            clients.change(place, |errand| errand.open = false);
        }
        clients.change(place, |errand| {
            errand.order.get_or_insert(view.id);
        });
        let unkeyed = if errand.wish.keyed { known } else { None };
        self.told(place, &format!("placing: {:?}", placement.placed), unkeyed, view);
    }

    /// Somebody is told how an order stands. `known` is what he knew when he asked.
    fn told(&self, place: usize, asked: &str, known: Option<Told>, view: &OrderView) {
        let Some(errand) = self.scene.clients.get(place) else { return };
        let market = market_id(errand.wish.sold.market);
        let key = OrderKey { market, order: view.id };
        let reason = view.reason.as_ref().map(surehold::domain::saga::Reason::code);
        let told = Told { phase: view.phase, at: view.updated_at, reason };
        let name = named(key);
        self.node.line(&format!("told: errand {place}, {asked}: {name} is {told:?}"));
        let about = Some(name.clone());
        if view.market != NAMES[errand.wish.sold.market] {
            self.node.fault(format!("{name} is of another market"), about.clone());
        }
        let stood =
            self.scene.disk.look(|book, durable| book.stood(key, (told.at, told.phase), durable));
        if !stood {
            let what = format!("{name} was told to be {} before that was on disk", told.phase);
            self.node.fault(what, about.clone());
        }
        if told.phase.is_terminal() == view.deadline.is_some() {
            let what = format!("{name} is {} with deadline {:?}", told.phase, view.deadline);
            self.node.fault(what, about.clone());
        }
        if let Some(known) = known
            && (known.at > told.at || (known.phase.is_terminal() && known.phase != told.phase))
        {
            self.node.fault(format!("{name} was {known:?}, and is {told:?}"), about);
        }
        if errand.order == Some(view.id) {
            self.scene.clients.change(place, |errand| errand.told.push(told));
        }
    }

    /// Somebody is told no. Says whether it is worth trying again.
    fn refused(&self, place: usize, asked: &str, refusal: &Refusal) -> bool {
        self.node.line(&format!("told: errand {place}, {asked}: {refusal}"));
        let Some(errand) = self.scene.clients.get(place) else { return false };
        let wrong = match refusal {
            Refusal::Unavailable { .. } => return true,
            Refusal::KeyReused => !asked.ends_with("true"),
            Refusal::Quarantined { .. } => !errand.crashed,
            Refusal::WrongPhase { .. } | Refusal::NotBegun { .. } | Refusal::Conflict(_) => false,
            Refusal::Invalid { .. }
            | Refusal::NotFound { .. }
            | Refusal::NoSuchMarket(_)
            | Refusal::Gone { .. }
            | Refusal::Fault(_) => true,
            _ => true,
        };
        if wrong {
            let what = format!("errand {place}, {asked}: {refusal}");
            self.node.fault(what, errand.key().map(named));
        }
        false
    }
}

//! What a cut left, opened by the whole engine: it opens, everything told is still so, what was under
//! way comes to a right end, and the money and the units agree.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use surehold::domain::id::{OrderId, PaymentId};
use surehold::domain::saga::Phase;
use surehold::domain::time::Timestamp;
use surehold::gateway::key::Key;
use surehold::{Data, Engine, Market, Options, OrderView, Placed, Refusal};

use super::bank::{Bank, Ledger};
use super::clock::Ticking;
use super::machine::Machine;
use super::run::KEPT;
use super::traffic::{Ears, MARKETS, ORDERS_MAX, Told, plans};

/// How many times as fast as the wall's the clock of a recovered engine goes: what waits for a minute
/// shall not keep the proof waiting.
const SPEED: u64 = 200;
/// How long, on the wall, an order may take to come to its end. The engine asks a gateway again
/// within seconds; the rest is patience with a busy machine.
const SETTLED_WITHIN: Duration = Duration::from_secs(30);
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(3);

/// What had left the node when the power went.
#[derive(Clone, Default)]
pub(super) struct Left {
    pub(super) told: Vec<Told>,
    pub(super) ledger: Ledger,
}

/// An engine's life after a cut, as far as another cut needs to know it.
pub(super) struct Life {
    pub(super) machine: Arc<Machine>,
    bank: Arc<Bank>,
    ears: Arc<Ears>,
    before: Vec<Told>,
}

impl Life {
    /// What had left the node when its disk had made so many steps.
    pub(super) fn left_at(&self, steps: usize) -> Left {
        let told = self.before.iter().cloned().chain(self.ears.told_at(steps));
        Left { told: told.collect(), ledger: self.bank.ledger_at(steps) }
    }
}

/// Opens the machine's engine at this time, checks it, and closes it.
pub(super) async fn check(
    machine: Arc<Machine>,
    left: Left,
    now: Timestamp,
) -> Result<Life, String> {
    let disk = machine.disk.clone();
    let bank = Arc::new(Bank::holding(left.ledger, true, move || disk.steps()));
    let mut options = Options::new(Data::Stores(machine.clone()), plans()?);
    options.gateway = bank.clone();
    options.retention = KEPT;
    options.clock = Arc::new(Ticking::starting_at(now, SPEED));
    let engine = Engine::open(options).await;
    let engine = engine.map_err(|error| format!("the engine does not open: {error}"))?;
    let mut markets = Vec::new();
    for name in MARKETS {
        markets.push(engine.market(name).map_err(|refusal| refusal.to_string())?);
    }
    let ears = Arc::<Ears>::default();
    let checked = Recovered { engine: engine.clone(), markets, machine: machine.clone() };
    let outcome = checked.all(&left.told, &bank, &ears).await;
    engine.close().await;
    outcome.map(|()| Life { machine, bank, ears, before: left.told })
}

/// Asks until there is an answer: the engine says "not now" while it builds snapshots anew that it found
/// to be wrong when they were asked for.
async fn answered<T, F>(ask: impl Fn() -> F) -> Result<T, Refusal>
where
    F: Future<Output = Result<T, Refusal>>,
{
    let began = Instant::now();
    loop {
        match ask().await {
            Err(Refusal::Unavailable { .. }) if began.elapsed() < SETTLED_WITHIN => {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            answer => return answer,
        }
    }
}

struct Recovered {
    engine: Engine,
    markets: Vec<Market>,
    machine: Arc<Machine>,
}

impl Recovered {
    async fn all(&self, told: &[Told], bank: &Bank, ears: &Ears) -> Result<(), String> {
        let orders = self.settled().await?;
        for told in told {
            self.still_so(told).await?;
        }
        self.keys(told, ears).await?;
        self.money(&orders, &bank.ledger()).await?;
        let audit = answered(|| self.engine.audit()).await;
        let audit = audit.map_err(|refusal| format!("no audit: {refusal}"))?;
        if let Some(finding) = audit.findings.first() {
            return Err(format!("the books do not balance: {finding}"));
        }
        match bank.wrongs().into_iter().next() {
            Some(wrong) => Err(wrong),
            None => Ok(()),
        }
    }

    /// All orders, once each is at an end or waits for a person.
    async fn settled(&self) -> Result<Vec<(usize, OrderView)>, String> {
        let began = Instant::now();
        loop {
            let orders = self.orders().await?;
            let under_way = orders.iter().find(|(_, order)| !is_settled(order));
            let Some((market, order)) = under_way else { return Ok(orders) };
            if began.elapsed() > SETTLED_WITHIN {
                let (id, phase) = (order.id, order.phase);
                return Err(format!("order {market}/{id} is {phase} and does not go on"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn orders(&self) -> Result<Vec<(usize, OrderView)>, String> {
        let mut orders = Vec::new();
        for (place, market) in self.markets.iter().enumerate() {
            for id in 1..=ORDERS_MAX {
                match answered(|| self.engine.order(*market, OrderId(id))).await {
                    Ok(order) => orders.push((place, order)),
                    Err(Refusal::NotFound { .. }) => {}
                    Err(refusal) => return Err(format!("order {place}/{id}: {refusal}")),
                }
            }
        }
        Ok(orders)
    }

    /// What was told of an order is part of its history, and its money did not go back in time.
    async fn still_so(&self, told: &Told) -> Result<(), String> {
        let (shown, market) = (&told.order, self.markets[told.market]);
        let name = format!("order {}/{}", told.market, shown.id);
        let lost = |refusal| format!("{name} was told and is lost: {refusal}");
        let order = answered(|| self.engine.order(market, shown.id)).await.map_err(lost)?;
        let same = (&order.customer, order.offering, order.price, &order.claim, order.created_at)
            == (&shown.customer, shown.offering, shown.price, &shown.claim, shown.created_at);
        if !same {
            return Err(format!("{name} is another one now"));
        }
        let history = answered(|| self.engine.history(market, shown.id)).await.map_err(lost)?;
        let mut steps = history.steps.iter();
        if !steps.any(|step| step.at == shown.updated_at && step.phase == shown.phase) {
            let (phase, now) = (shown.phase, order.phase);
            return Err(format!("{name} was told to be {phase} and never was: it is {now}"));
        }
        let Some(payment) = &shown.payment else { return Ok(()) };
        let now = answered(|| self.engine.payment(market, payment.id)).await.map_err(lost)?;
        if follows(payment.state, now.state) {
            Ok(())
        } else {
            Err(format!("{name} was told to be {} and is {}", payment.state, now.state))
        }
    }

    /// The same request again is answered with the same order.
    async fn keys(&self, told: &[Told], ears: &Ears) -> Result<(), String> {
        let mut asked = BTreeMap::new();
        for told in told {
            let Some((request, placed)) = &told.placed else { continue };
            if asked.insert((told.market, request.key.clone()), ()).is_some() {
                continue;
            }
            let name = format!("order {}/{}", told.market, told.order.id);
            let market = self.markets[told.market];
            let place =
                async || self.engine.place(market, request.new.clone(), Some(request.key())).await;
            let again = answered(place).await.map_err(|refusal| {
                format!("{name} was placed, and the same request is refused: {refusal}")
            })?;
            if again.order.id != told.order.id || !same_outcome(*placed, again.placed) {
                let (id, now) = (again.order.id, again.placed);
                return Err(format!(
                    "{name} was {placed:?}; the same request is answered with {id}, {now:?}"
                ));
            }
            let at = self.machine.disk.steps();
            ears.hear(Told { at, order: again.order, ..told.clone() });
        }
        Ok(())
    }

    /// Whoever has something paid for it, once; nobody else's money was kept.
    async fn money(&self, orders: &[(usize, OrderView)], ledger: &Ledger) -> Result<(), String> {
        let mut kept: BTreeMap<(usize, OrderId), Vec<i64>> = BTreeMap::new();
        for (key, moved) in ledger {
            let parsed = Key::parse(key).ok_or_else(|| format!("{key} is no key of ours"))?;
            let place = usize::from(parsed.market.0);
            let payment = self.payment(place, parsed.payment).await?;
            let net = moved.taken - moved.returned;
            if net != 0 {
                kept.entry((place, payment)).or_default().push(net);
            }
        }
        for (place, order) in orders {
            let kept = kept.remove(&(*place, order.id)).unwrap_or_default();
            let due = match order.phase {
                Phase::Paid | Phase::Confirmed | Phase::Fulfilled => vec![order.price.amount()],
                Phase::Holding
                | Phase::Paying
                | Phase::Unpaid
                | Phase::Refunding
                | Phase::Releasing
                | Phase::Stuck
                | Phase::Refused
                | Phase::Cancelled => Vec::new(),
            };
            if kept != due {
                let (id, phase) = (order.id, order.phase);
                return Err(format!(
                    "order {place}/{id} is {phase}: the gateway kept {kept:?}, due is {due:?}"
                ));
            }
        }
        match kept.into_iter().next() {
            Some(((place, order), kept)) => {
                Err(format!("the gateway kept {kept:?} for order {place}/{order}, which is none"))
            }
            None => Ok(()),
        }
    }

    /// The order a payment is for.
    async fn payment(&self, place: usize, payment: PaymentId) -> Result<OrderId, String> {
        let market = self.markets.get(place).ok_or("a payment in no market")?;
        match answered(|| self.engine.payment(*market, payment)).await {
            Ok(payment) => Ok(payment.order),
            Err(refusal) => Err(format!("payment {place}/{payment} was charged: {refusal}")),
        }
    }
}

/// Whether an order is at its end, or waits for a person.
fn is_settled(order: &OrderView) -> bool {
    match order.phase {
        Phase::Refused | Phase::Cancelled | Phase::Confirmed | Phase::Fulfilled | Phase::Unpaid => {
            true
        }
        Phase::Paid => {
            let waits = order.confirmation.as_ref().and_then(|confirmation| confirmation.state);
            order.market == MARKETS[1] && waits == Some("waiting")
        }
        Phase::Holding | Phase::Paying | Phase::Refunding | Phase::Releasing | Phase::Stuck => {
            false
        }
    }
}

/// Whether a payment that was told to be in one state may be in the other now.
fn follows(told: &str, now: &str) -> bool {
    match told {
        "captured" => matches!(now, "captured" | "refunded" | "partly_refunded"),
        "pending" | "authorised" | "unknown" => true,
        end => end == now,
    }
}

/// Whether a placing that came to one thing may come to the other when it is repeated.
fn same_outcome(told: Placed, now: Placed) -> bool {
    match told {
        Placed::ToBePaid | Placed::UnderWay => true,
        Placed::Booked
        | Placed::Declined
        | Placed::NoRoom
        | Placed::PaymentsDown
        | Placed::InventoryDown
        | Placed::CameToNothing => told == now,
    }
}

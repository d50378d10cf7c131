//! The oracles that take a while: what was told against what is there, the balances, and at the end
//! every order, every payment and every unit.

use std::collections::BTreeMap;
use std::time::Duration;

use surehold::domain::attributes::Attribute;
use surehold::domain::id::{OrderId, OrderKey};
use surehold::domain::inventory::Model;
use surehold::domain::order::Claim;
use surehold::domain::payment::State;
use surehold::domain::saga::{Phase, Reason, Saga};
use surehold::domain::time::Span;
use surehold::{Clock, OrderCommand, OrderFilter, OrderView, Refusal};
use surehold_actors::stream::PaymentKey;

use super::bank::Charge;
use super::book::named;
use super::clients::{key_of, market_id};
use super::life::Life;
use super::moves::ERRAND;
use super::town::{NAMES, POINTS};

/// How long those who follow the orders may take once all are at their ends.
const FOLLOWED: Duration = Duration::from_secs(10);
/// Longer than the plans leave any order alone that is not booked for a time.
const FAR: Span = Span::seconds(600);
const PARTS: [&str; 7] =
    ["inventory", "payments", "confirmations", "mileage", "messages", "reviews", "views"];

/// Whatever was told stands in the journal.
pub(super) fn told(life: &Life) {
    for (place, errand) in life.scene.clients.list() {
        let Some(key) = errand.key() else { continue };
        for told in &errand.told {
            let stands = life
                .scene
                .disk
                .look(|book, durable| book.stood(key, (told.at, told.phase), durable));
            if !stands {
                let what = format!("errand {place}: {} was told as {told:?}: gone", named(key));
                life.node.fault(what, Some(named(key)));
            }
        }
    }
}

/// The engine's own balance, while orders go on.
pub(super) async fn balance(life: &Life) {
    let Ok(audit) = life.engine.audit().await else { return };
    if life.node.is_dead() {
        return;
    }
    life.node.notes.count("audits", 1);
    if !audit.balanced {
        life.node.fault(format!("the audit finds {:?}", audit.findings), None);
    }
}

/// Whether every order is at its end. Meanwhile whatever was stopped is started, and whoever was set
/// aside is let in again.
pub(super) async fn is_settled(life: &Life) -> bool {
    for part in PARTS {
        if life.engine.start(part).await.is_err() {
            return false;
        }
    }
    if life.scene.disk.look(|book, _| book.unfinished().is_none()) {
        return true;
    }
    deliver(life).await;
    for (_, errand) in life.scene.clients.list().into_iter().filter(|(_, it)| it.crashed) {
        let market = life.markets[errand.wish.sold.market];
        let Some(order) = errand.order else { continue };
        let read = life.engine.order(market, order).await;
        if read.is_ok_and(|view| !view.phase.is_terminal()) {
            // It may not have been set aside at all.
            let _ = life.engine.retry_order(market, order).await;
        }
    }
    false
}

/// What is booked for a time that is far away is delivered now: nobody waits for that.
async fn deliver(life: &Life) {
    let far = life.node.now().plus(FAR);
    let booked: Vec<OrderKey> = life.scene.disk.look(|book, _| {
        let waits = |saga: &Saga| {
            saga.phase() == Phase::Confirmed && saga.deadline().is_some_and(|until| until > far)
        };
        book.orders().filter(|(_, saga)| waits(saga)).map(|(key, _)| *key).collect()
    });
    for key in booked {
        let market = life.markets[usize::from(key.market.0)];
        // It may have gone another way meanwhile; then there is nothing to deliver.
        let _ = life.engine.command(market, key.order, OrderCommand::Complete).await;
    }
}

/// Some order never came to its end.
pub(super) async fn unfinished(life: &Life) {
    let Some((key, phase, more)) = life.scene.disk.look(|book, _| book.unfinished()) else {
        return life.node.fault("a participant cannot be started".to_owned(), None);
    };
    let state =
        life.scene.disk.look(|book, _| book.order(key).map(|it| format!("{:?}", it.state())));
    let attention = life.engine.attention(None, 10).await;
    let what = format!(
        "{} is {phase} for ever, one of {more}: {}; attention: {attention:?}",
        named(key),
        state.unwrap_or_default(),
    );
    life.node.fault(what, Some(named(key)));
}

/// Everything, once all is settled.
pub(super) async fn whole(life: &Life) {
    // What follows the last order still writes.
    tokio::time::sleep(FOLLOWED).await;
    if let Err(refusal) = everything(life).await
        && !life.node.is_dead()
    {
        life.node.fault(format!("what is there cannot be read: {refusal}"), None);
    }
}

async fn everything(life: &Life) -> Result<(), Refusal> {
    let mut all: BTreeMap<OrderKey, OrderView> = BTreeMap::new();
    for (place, market) in life.markets.iter().enumerate() {
        let page = life.engine.orders(*market, OrderFilter::default(), 0, 1000).await?;
        let market = market_id(place);
        all.extend(page.items.into_iter().map(|view| (OrderKey { market, order: view.id }, view)));
    }
    life.node.notes.count("orders", all.len() as u64);
    errands(life, &all).await?;
    shown(life, &all);
    money(life, &all);
    units(life, &all).await?;
    points(life, &all).await?;
    messages(life).await?;
    balance(life).await;
    let attention = life.engine.attention(None, 10).await?;
    if !attention.items.is_empty() {
        life.node.fault(format!("a person should look at {:?}", attention.items), None);
    }
    Ok(())
}

/// Every order is somebody's errand, and no errand has more than it asked for.
async fn errands(life: &Life, all: &BTreeMap<OrderKey, OrderView>) -> Result<(), Refusal> {
    let mut of: BTreeMap<i64, Vec<OrderKey>> = BTreeMap::new();
    for (key, view) in all {
        match view.attributes.get(ERRAND) {
            Some(Attribute::Whole(errand)) => of.entry(*errand).or_default().push(*key),
            other => life.node.fault(format!("{} is for errand {other:?}", named(*key)), None),
        }
    }
    for (place, errand) in life.scene.clients.list() {
        let orders = of.remove(&i64::try_from(place).unwrap_or(-1)).unwrap_or_default();
        let most = if errand.wish.keyed { 1 } else { errand.sent };
        if orders.len() as u64 > most {
            let about = orders.last().map(|key| named(*key));
            let what = format!("errand {place} asked {most} times, and has {orders:?}");
            life.node.fault(what, about);
        }
        if let Some(key) = errand.key()
            && !orders.contains(&key)
        {
            life.node.fault(format!("errand {place}: {} is gone", named(key)), Some(named(key)));
        }
        if errand.wish.keyed {
            let market = life.markets[errand.wish.sold.market];
            let found = life.engine.order_by_key(market, &key_of(place)).await?;
            if found.as_ref().map(|view| view.id) != orders.first().map(|key| key.order) {
                let what = format!("errand {place} has {orders:?}, and its key leads elsewhere");
                life.node.fault(what, None);
            }
        }
    }
    if let Some((errand, orders)) = of.pop_first() {
        life.node.fault(format!("nobody asked for {orders:?} of errand {errand}"), None);
    }
    Ok(())
}

/// The engine shows what the journal tells, and every order is at its end.
fn shown(life: &Life, all: &BTreeMap<OrderKey, OrderView>) {
    let told: Vec<(OrderKey, Saga)> =
        life.scene.disk.look(|book, _| book.orders().map(|(key, it)| (*key, it.clone())).collect());
    if told.len() != all.len() {
        let what = format!("{} orders are listed, the journal has {}", all.len(), told.len());
        life.node.fault(what, None);
    }
    for (key, saga) in told {
        let same = all.get(&key).is_some_and(|view| {
            (view.phase, view.updated_at, view.reason.as_ref())
                == (saga.phase(), saga.updated_at(), saga.reason())
        });
        if !same || !saga.phase().is_terminal() {
            let what =
                format!("{} is {}, and shown as {:?}", named(key), saga.phase(), all.get(&key));
            life.node.fault(what, Some(named(key)));
        }
    }
}

/// What the gateway has is what the payments say, and every order has paid what its end says.
fn money(life: &Life, all: &BTreeMap<OrderKey, OrderView>) {
    let charges = life.scene.bank.charges(life.node.age());
    let mut kept: BTreeMap<OrderKey, Vec<i64>> = BTreeMap::new();
    let payments: Vec<_> = life
        .scene
        .disk
        .look(|book, _| book.payments().map(|(key, it)| (*key, it.clone())).collect());
    for (key, payment) in &payments {
        let Charge { taken, back } = charges.get(key).copied().unwrap_or_default();
        let amount = payment.amount().amount();
        let right = match payment.state() {
            State::Captured => (taken, back) == (amount, 0),
            State::Refunded(much) => (taken, back) == (amount, much.amount()),
            State::Declined(_) | State::Voided => (taken, back) == (0, 0),
            State::Pending
            | State::Unknown { .. }
            | State::Voiding { .. }
            | State::Settling { .. }
            | State::Refunding { .. } => false,
        };
        let order = payment.order();
        if !right {
            let state = payment.state();
            let what = format!(
                "payment {} is {state:?}, the gateway took {taken} and gave {back} back",
                key.payment
            );
            life.node.fault(what, Some(named(order)));
        }
        if taken != back {
            kept.entry(order).or_default().push(taken - back);
        }
    }
    let unknown = charges.keys().find(|key| !payments.iter().any(|(known, _)| known == *key));
    if let Some(PaymentKey { payment, .. }) = unknown {
        life.node.fault(format!("the gateway has payment {payment}, the journal has not"), None);
    }
    for (key, view) in all {
        let kept = kept.remove(key).unwrap_or_default();
        let price = view.price.amount();
        let right = match (view.phase, &view.reason) {
            (Phase::Fulfilled, _) if *key_market(key) == *"free" || price == 0 => kept.is_empty(),
            (Phase::Fulfilled, _) => kept == [price],
            (Phase::Cancelled, Some(Reason::Customer(_))) => {
                kept.is_empty() || (kept.len() == 1 && kept[0] <= price)
            }
            _ => kept.is_empty(),
        };
        if !right {
            let what = format!(
                "{} is {} ({:?}) for {price}, and {kept:?} is kept of it",
                named(*key),
                view.phase,
                view.reason
            );
            life.node.fault(what, Some(named(*key)));
        }
    }
}

fn key_market(key: &OrderKey) -> &'static str {
    NAMES.get(usize::from(key.market.0)).copied().unwrap_or("")
}

/// What was sold fits into what there is, counted from the orders alone.
async fn units(life: &Life, all: &BTreeMap<OrderKey, OrderView>) -> Result<(), Refusal> {
    for (place, market) in life.markets.iter().enumerate() {
        let page = life.engine.offerings(*market, 0, 1000).await?;
        for offering in page.items {
            let sold = all.iter().filter(|(key, view)| {
                key.market == market_id(place)
                    && view.offering == offering.id
                    && view.phase == Phase::Fulfilled
            });
            let mut held: BTreeMap<String, u64> = BTreeMap::new();
            for (_, view) in sold {
                let units = view.quantity.thousandths();
                match &view.claim {
                    Claim::Supply(_) => {}
                    Claim::Units(_) => *held.entry("all".to_owned()).or_default() += units,
                    Claim::Slot { slot, .. } => *held.entry(slot.name()).or_default() += units,
                    Claim::Nights { from, to, .. } => from.until(*to).for_each(|night| {
                        *held.entry(night.to_string()).or_default() += units;
                    }),
                }
            }
            let Some(capacity) = offering.model.capacity() else { continue };
            let limit = capacity.plus(offering.overbook).thousandths();
            if let Some((where_, held)) = held.iter().find(|(_, held)| **held > limit) {
                let what = format!(
                    "offering {}/{}: {held} thousandths are sold of {limit} ({where_})",
                    NAMES[place], offering.id
                );
                life.node.fault(what, None);
            }
            let total: u64 = held.values().sum();
            let counts = matches!(offering.model, Model::Seats { .. } | Model::Stock { .. });
            if counts && total != offering.held.thousandths() {
                let what = format!(
                    "offering {}/{}: {total} thousandths are sold, {} are held",
                    NAMES[place], offering.id, offering.held
                );
                life.node.fault(what, None);
            }
        }
    }
    Ok(())
}

/// Whoever keeps a booking has its points, and nobody else.
async fn points(life: &Life, all: &BTreeMap<OrderKey, OrderView>) -> Result<(), Refusal> {
    let mut earned: BTreeMap<&str, u64> = BTreeMap::new();
    for (key, view) in all {
        if key.market == market_id(POINTS) {
            let points = if view.phase == Phase::Fulfilled { 2 } else { 0 };
            *earned.entry(&view.customer).or_default() += points;
        }
    }
    for (customer, points) in earned {
        let account = life.engine.mileage_of(life.markets[POINTS], customer, 0, 1000).await?;
        if account.balance != points {
            let what = format!("{customer} has {} points and earned {points}", account.balance);
            life.node.fault(what, None);
        }
    }
    Ok(())
}

/// Nobody is told the same thing twice.
async fn messages(life: &Life) -> Result<(), Refusal> {
    for (place, market) in life.markets.iter().enumerate() {
        let (page, _) = life.engine.messages(*market, 0, 1000).await?;
        let mut seen: BTreeMap<(u64, String), u64> = BTreeMap::new();
        for message in page {
            *seen.entry((message.order.0, message.text.clone())).or_default() += 1;
        }
        life.node.notes.count("messages", seen.len() as u64);
        if let Some(((order, text), times)) = seen.iter().find(|(_, times)| **times > 1) {
            let key = OrderKey { market: market_id(place), order: OrderId(*order) };
            let what = format!("{}'s customer was told {times} times: {text}", named(key));
            life.node.fault(what, Some(named(key)));
        }
    }
    Ok(())
}

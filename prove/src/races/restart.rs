//! A process that is killed with orders in every phase.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::arena::{Arena, Stage, Tried, Wrong, at, command, number, order};
use super::scenario::Tally;
use super::stock::{open, same_money, with_card};
use crate::client::{Answer, Request};
use crate::standin::payments::{Fault, Manner, PaymentService, Step};

const OPERATOR: &str = "name = \"museum\"\ncurrency = \"EUR\"\n[payment]\nwhen = \"later\"\n\
    within = \"1 h\"\n[confirmation]\nby = \"operator\"\nwithin = \"1 h\"\n";
/// Orders that are brought into each phase before the kill.
const EACH: usize = 6;
/// The longest time into the storm at which the process is killed, in milliseconds.
const STORM_MS: u64 = 40;
/// The status of a process that cannot start.
const CANNOT_START: i32 = 2;

/// The phases in which orders are left, by how they are brought there.
const LEFT: [&str; 5] = ["unpaid", "paying", "paid", "confirmed", "refunding"];

/// dbos-transact-py #716, #804 and #805: work that was under way when its process went down stayed
/// pending for ever: recovery gave up on it, an old process took it back, or it was recovered and never
/// went on. Here the process is killed with orders in every open phase and a crowd that pays and
/// cancels; the next one carries all of them to an end. A second process on the same data is refused.
pub(super) fn goes_on(stage: &Stage<'_>) -> Tried<Tally> {
    let (rounds, crowd) = (stage.size(10, 2), stage.size(100, 30));
    let mute = Arc::new(AtomicBool::new(false));
    let silent = Arc::clone(&mute);
    let service = PaymentService::start(stage.runtime.handle(), move |step, card, _| {
        let about = match step {
            Step::Charge | Step::Question => "paying",
            Step::Refund => "refunding",
        };
        let silent = silent.load(Ordering::SeqCst) && card.starts_with(about);
        Manner { after: Duration::ZERO, fault: silent.then_some(Fault::Silent) }
    })?;
    let mut arena = open(stage, OPERATOR, &service)?;
    let mut dice = stage.dice();
    for round in 0..rounds {
        let seats = arena.offer(&json!({"model": "seats", "capacity": 10_000}))?;
        mute.store(true, Ordering::SeqCst);
        let left = leave(&mut arena, seats, round)?;
        let promised = storm(&mut arena, seats, crowd, dice.below(STORM_MS))?;
        mute.store(false, Ordering::SeqCst);
        arena.restart()?;
        for (id, was) in &promised {
            kept(&mut arena, *id, was)?;
        }
        for (phase, ids) in &left {
            for id in ids {
                finish(&mut arena, *id, phase)?;
            }
        }
        nobody_waits(&mut arena, seats)?;
        only_one(&mut arena)?;
        same_money(&mut arena, &service)?;
    }
    Ok(Tally { rounds: rounds as u64, of: "kills", requests: arena.requests })
}

/// Brings orders into each phase. Returns their numbers.
fn leave(
    arena: &mut Arena<'_>,
    seats: u64,
    round: usize,
) -> Tried<BTreeMap<&'static str, Vec<u64>>> {
    let mut left = BTreeMap::new();
    for phase in LEFT {
        let place = |who| order(seats, &format!("r{round}{phase}{who}"), &json!({}));
        let said = arena.rush((0..EACH).map(place).collect())?;
        let ids: Vec<u64> = said.iter().map(|answer| number(&answer.json()["id"])).collect();
        left.insert(phase, ids);
    }
    let pay = |id: &u64, phase: &str| {
        let card = json!({"card": format!("{phase}{round}o{id}")});
        Request::post(at(&format!("orders/{id}/pay")), &card)
    };
    for phase in ["paid", "confirmed", "refunding"] {
        let asked = left[phase].iter().map(|id| pay(id, phase)).collect();
        all_done(&arena.rush(asked)?)?;
    }
    for id in left["confirmed"].iter().chain(&left["refunding"]) {
        arena.waits(*id)?;
    }
    all_done(&arena.rush(left["confirmed"].iter().map(|id| command(*id, "confirm")).collect())?)?;
    // These are not answered before the kill: nobody waits for them.
    for (phase, asked) in [
        ("paying", left["paying"].iter().map(|id| pay(id, "paying")).collect::<Vec<_>>()),
        ("refunding", left["refunding"].iter().map(|id| command(*id, "cancel")).collect()),
    ] {
        arena.ask_and_go(asked)?;
        for id in &left[phase] {
            arena.reach(*id, &[phase])?;
        }
    }
    Ok(left)
}

fn all_done(said: &[Answer]) -> Tried<()> {
    match said.iter().find(|answer| answer.status != 200) {
        Some(other) => Err(format!("a command was answered {}", other.told()).into()),
        None => Ok(()),
    }
}

/// A crowd orders, pays and cancels; the process is killed in the middle of it. Returns what was
/// answered.
fn storm(
    arena: &mut Arena<'_>,
    seats: u64,
    crowd: usize,
    milliseconds: u64,
) -> Tried<Vec<(u64, Value)>> {
    let first =
        arena.rush((0..crowd).map(|who| order(seats, &format!("s{who}"), &json!({}))).collect())?;
    let ids: Vec<u64> = first.iter().map(|answer| number(&answer.json()["id"])).collect();
    let ask = |(who, id): (usize, &u64)| match who % 3 {
        0 => order(seats, "another", &with_card(&format!("x{id}"))),
        1 => Request::post(at(&format!("orders/{id}/pay")), &json!({"card": format!("s{id}")})),
        _ => command(*id, "cancel"),
    };
    let asked = ids.iter().enumerate().map(ask).collect();
    let said = arena.rush_while(asked, |server| {
        // The moment itself is what is tried: there is nothing to wait for.
        let until = Instant::now() + Duration::from_millis(milliseconds);
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            std::thread::park_timeout(left);
        }
        server.kill();
    })?;
    let promised = said.into_iter().flatten().filter(|answer| (200..300).contains(&answer.status));
    Ok(promised.map(|answer| answer.json()).map(|order| (number(&order["id"]), order)).collect())
}

/// Holds that an order is what a customer was told, or what follows from it by itself.
fn kept(arena: &mut Arena<'_>, id: u64, was: &Value) -> Tried<()> {
    let is = arena.order(id)?;
    let same = ["customer", "offering", "quantity", "price", "created_at"];
    let state = |order: &Value| order["payment"]["state"].clone();
    let money = was["phase"] != "paid" || state(&is) == "captured";
    let over = was["phase"] != "cancelled" || is["phase"] == "cancelled";
    if same.iter().all(|field| is[*field] == was[*field]) && money && over {
        return Ok(());
    }
    Err(arena.tell(format!("told was {was}, and it is {is}"), &[id]))
}

/// Carries an order that was left in a phase to its end.
fn finish(arena: &mut Arena<'_>, id: u64, phase: &str) -> Tried<()> {
    if phase == "refunding" {
        let order = arena.reach(id, &["cancelled"])?;
        let back = order["payment"]["state"] == "refunded";
        return if back {
            Ok(())
        } else {
            Err(arena.tell(format!("not paid back: {order}"), &[id]))
        };
    }
    if phase == "unpaid" {
        let card = json!({"card": format!("again{id}")});
        arena.expect(200, &Request::post(at(&format!("orders/{id}/pay")), &card))?;
    }
    if phase != "confirmed" {
        arena.waits(id)?;
        arena.expect(200, &command(id, "confirm"))?;
    }
    arena.reach(id, &["confirmed"])?;
    let order = arena.expect(200, &command(id, "complete"))?;
    if order["phase"] == "fulfilled" && order["payment"]["state"] == "captured" {
        return Ok(());
    }
    Err(arena.tell(format!("completed, and it is {order}"), &[id]))
}

/// Holds that no order is on its way any more: each is at its end, or waits for a person.
fn nobody_waits(arena: &mut Arena<'_>, seats: u64) -> Tried<()> {
    let rest = ["unpaid", "paid", "confirmed", "fulfilled", "refused", "cancelled"];
    arena.until("every order is at its end or waits for a person", |arena| {
        let orders = arena.orders(seats)?;
        let moving = orders.iter().find(|order| !rest.iter().any(|phase| order["phase"] == *phase));
        Ok(moving.is_none().then_some(()))
    })
}

/// Holds that a second process keeps off the data of the first.
fn only_one(arena: &mut Arena<'_>) -> Tried<()> {
    let ended = arena.server.refused()?;
    if ended.status.code() == Some(CANNOT_START) && ended.stderr.contains("in use") {
        return Ok(());
    }
    let what = format!("a second process on the same data: {}: {}", ended.status, ended.stderr);
    Err(Wrong::from(what))
}

//! Money that comes when it is too late, or just not.

use std::time::{Duration, Instant};

use serde_json::json;

use super::arena::{Stage, Tried, at, number, order};
use super::scenario::Tally;
use super::slots::outcome;
use super::stock::{open, same_money, with_card};
use crate::client::Request;
use crate::standin::payments::{Manner, PaymentService, Step};

/// Units are held for so long while the money is on its way.
const HELD: &str =
    "name = \"museum\"\ncurrency = \"EUR\"\n[payment]\nwhen = \"with_order\"\nhold = \"300 ms\"\n";
/// The customer has so long to pay.
const WITHIN: Duration = Duration::from_millis(400);
const LATER: &str =
    "name = \"museum\"\ncurrency = \"EUR\"\n[payment]\nwhen = \"later\"\nwithin = \"400 ms\"\n";
/// How late the money of a slow card comes: long after its hold is over.
const LATE: Duration = Duration::from_millis(900);

/// Hi.Events PR 856: a customer whose reservation had expired was charged all the same, and got neither
/// a ticket nor, before that change, the money back. Here all units are held by customers whose money
/// comes after their hold is over, while others want the units: whoever was late has the money back,
/// once, and the units are sold to others, once.
pub(super) fn paid_late(stage: &Stage<'_>) -> Tried<Tally> {
    let (rounds, units) = (stage.size(5, 2), stage.size(40, 10));
    let service = PaymentService::start(stage.runtime.handle(), |step, card, _| {
        let late = step == Step::Charge && card.ends_with("late");
        Manner { after: if late { LATE } else { Duration::ZERO }, fault: None }
    })?;
    let mut arena = open(stage, HELD, &service)?;
    for round in 0..rounds {
        let seats = arena.offer(&json!({"model": "seats", "capacity": units}))?;
        let name = |who: usize, what: &str| format!("r{round}c{who}{what}");
        let buy = |who, what| order(seats, &name(who, what), &with_card(&name(who, what)));
        arena.rush((0..units).map(|who| buy(who, "late")).collect())?;
        let late = arena.orders(seats)?;
        for id in late.iter().map(|order| number(&order["id"])) {
            let order = arena.reach(id, &["cancelled"])?;
            let card = order["customer"].as_str().unwrap_or_default().to_owned();
            let ended = {
                let books = service.books();
                let mut of_card = books.of_card(&card).map(|it| it.amount - it.refunded());
                (of_card.next(), of_card.next())
            };
            if ended != (Some(0), None) {
                let what = format!("late money: {ended:?} of it is kept: {order}");
                return Err(arena.tell(what, &[id]));
            }
        }
        let said = arena.rush((0..2 * units).map(|who| buy(who, "fast")).collect())?;
        let (won, _) = outcome(&said)?;
        if late.len() != units || won.len() != units || arena.free(seats)? != 0 {
            let (late, sold) = (late.len(), won.len());
            let what = format!("{units} units: {late} were held too long, {sold} sold afterwards");
            return Err(arena.tell(what, &won));
        }
    }
    same_money(&mut arena, &service)?;
    let rounds = (rounds * units) as u64;
    Ok(Tally { rounds, of: "late payments", requests: arena.requests })
}

/// Hi.Events PR 856, where it hurts most: the customer pays at the instant at which the time is up.
/// Whoever is told that it is paid has the unit; whoever is not has the money, and the unit is free.
pub(super) fn at_the_deadline(stage: &Stage<'_>) -> Tried<Tally> {
    let (rounds, units) = (stage.size(12, 3), stage.size(60, 16));
    let service = PaymentService::start(stage.runtime.handle(), |_, _, _| Manner::default())?;
    let mut arena = open(stage, LATER, &service)?;
    let mut dice = stage.dice();
    for round in 0..rounds {
        let seats = arena.offer(&json!({"model": "seats", "capacity": units}))?;
        let hold = |who| order(seats, &format!("r{round}c{who}"), &json!({}));
        let began = Instant::now();
        let (won, _) = outcome(&arena.rush((0..units).map(hold).collect())?)?;
        // A little before or after the time is up: that instant is what is tried.
        let moment = WITHIN + Duration::from_millis(dice.below(60));
        while let Some(left) = moment.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
            std::thread::park_timeout(left);
        }
        let pay = |id: &u64| {
            Request::post(at(&format!("orders/{id}/pay")), &json!({"card": format!("o{id}")}))
        };
        let said = arena.rush(won.iter().map(pay).collect())?;
        let mut sold = 0;
        for (id, answer) in won.iter().zip(said) {
            let order = arena.reach(*id, &["confirmed", "cancelled"])?;
            let kept: i64 = {
                let books = service.books();
                books.of_card(&format!("o{id}")).map(|it| it.amount - it.refunded()).sum()
            };
            let confirmed = order["phase"] == "confirmed";
            let right = if confirmed { kept == 1000 } else { kept == 0 && answer.status != 200 };
            if !right {
                let what = format!("told {}, {kept} kept, {order}", answer.told());
                return Err(arena.tell(what, &[*id]));
            }
            sold += u64::from(confirmed);
        }
        let free = arena.free(seats)?;
        if sold + free != units as u64 {
            return Err(arena.tell(format!("{units} units: {sold} sold, {free} free"), &won));
        }
    }
    same_money(&mut arena, &service)?;
    let rounds = (rounds * units) as u64;
    Ok(Tally { rounds, of: "payments", requests: arena.requests })
}

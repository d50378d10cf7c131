//! Several places at one time, and several times in one booking.

use serde_json::{Value, json};

use super::arena::{Arena, Stage, Tried, number, order};
use super::scenario::Tally;
use super::slots::{AT_ONCE, exactly, one_slot, outcome, wish};
use crate::client::{Answer, Request};

/// Places of one slot.
const PLACES: usize = 5;
/// The times of a series, a week apart.
const SERIES: [&str; 4] =
    ["2035-05-05T10:00", "2035-05-12T10:00", "2035-05-19T10:00", "2035-05-26T10:00"];
/// Tickets of the quota.
const QUOTA: u64 = 17;

/// cal.diy #13360: people who booked a seat of the same empty slot at once each began a booking of
/// their own, so its seats were counted apart from each other. Here a crowd wants the seats of one
/// slot: as many get one as there are, and the slot is full.
pub(super) fn shared(stage: &Stage<'_>) -> Tried<Tally> {
    let (rounds, crowd) = (stage.size(80, 6), stage.size(100, 40));
    let mut arena = stage.open(AT_ONCE)?;
    for round in 0..rounds {
        let slot = arena.offer(&one_slot(PLACES as u64))?;
        let book = |who| order(slot, &format!("r{round}c{who}"), &wish());
        let said = arena.rush((0..crowd).map(book).collect())?;
        let (won, _) = exactly(&mut arena, &said, PLACES)?;
        let (free, booked) = (arena.free(slot)?, held(&mut arena, slot)?);
        if free != 0 || booked != PLACES as u64 {
            let what = format!("{PLACES} were sold, {booked} are held, {free} are free");
            return Err(arena.tell(what, &won));
        }
    }
    arena.balanced()?;
    Ok(Tally { rounds: rounds as u64, of: "slots", requests: arena.requests })
}

/// Units of an offering that its orders hold, by the orders themselves.
fn held(arena: &mut Arena<'_>, offering: u64) -> Tried<u64> {
    let orders = arena.orders(offering)?;
    let holding = orders.iter().filter(|order| order["phase"] != "refused");
    Ok(holding.map(|order| number(&order["quantity"])).sum())
}

/// cal.diy PR 22803: recurring booking links booked times that were taken, because only some of a
/// series were looked at, and not at the instant of booking. Here everybody books the whole series,
/// and some a single time of it, at once: each time is sold once.
pub(super) fn series(stage: &Stage<'_>) -> Tried<Tally> {
    let (rounds, people) = (stage.size(80, 6), stage.size(25, 10));
    let mut arena = stage.open(AT_ONCE)?;
    for round in 0..rounds {
        let inventory = json!({"model": "slots", "capacity": 1, "slots": SERIES});
        let offering = arena.offer(&inventory)?;
        let asked: Vec<&str> = (0..people).flat_map(|_| SERIES).collect();
        let book = |(who, time): (usize, &&str)| {
            let wish = json!({"slot": time, "payment": {"card": "tok"}});
            order(offering, &format!("r{round}c{}", who / SERIES.len()), &wish)
        };
        let said = arena.rush(asked.iter().enumerate().map(book).collect())?;
        for time in SERIES {
            let of_time = asked.iter().zip(&said).filter(|(asked, _)| **asked == time);
            let of_time: Vec<Answer> = of_time.map(|(_, said)| said.clone()).collect();
            exactly(&mut arena, &of_time, 1)?;
        }
        let path = super::arena::at(&format!("offerings/{offering}/availability"));
        let told = arena.get(&path)?;
        let free = told["slots"].as_array().into_iter().flatten().map(|slot| number(&slot["free"]));
        if told["slots"].as_array().map(Vec::len) != Some(SERIES.len()) || free.sum::<u64>() != 0 {
            return Err(format!("all times are sold, and told is {told}").into());
        }
    }
    arena.balanced()?;
    Ok(Tally { rounds: rounds as u64, of: "series", requests: arena.requests })
}

/// eventyay #1359: checking out skipped the lock where it seemed not to be needed, and two people
/// bought the last ticket of a quota. Here a crowd wants one to three tickets each: no more are sold
/// than there are, and nobody is sent away while there was enough for what they wanted.
pub(super) fn quota(stage: &Stage<'_>) -> Tried<Tally> {
    let (rounds, crowd) = (stage.size(80, 6), stage.size(100, 40));
    let mut arena = stage.open(AT_ONCE)?;
    let mut dice = stage.dice();
    for round in 0..rounds {
        let quota = arena.offer(&json!({"model": "seats", "capacity": QUOTA}))?;
        let wants: Vec<u64> = (0..crowd).map(|_| 1 + dice.below(3)).collect();
        let book = |(who, quantity): (usize, &u64)| -> Request {
            let wish: Value = json!({"quantity": quantity, "payment": {"card": "tok"}});
            order(quota, &format!("r{round}c{who}"), &wish)
        };
        let said = arena.rush(wants.iter().enumerate().map(book).collect())?;
        let (won, _) = outcome(&said)?;
        let of = |yes: bool| {
            let those =
                wants.iter().zip(&said).filter(move |(_, said)| (said.status == 201) == yes);
            those.map(|(quantity, _)| *quantity)
        };
        let (sold, free) = (of(true).sum::<u64>(), arena.free(quota)?);
        let smallest = of(false).min().unwrap_or(u64::MAX);
        if sold + free != QUOTA || free >= smallest || held(&mut arena, quota)? != sold {
            let what = format!(
                "{sold} of {QUOTA} were sold, {free} are free, and somebody who wanted {smallest} got none"
            );
            return Err(arena.tell(what, &won));
        }
    }
    arena.balanced()?;
    Ok(Tally { rounds: rounds as u64, of: "quotas", requests: arena.requests })
}

//! One slot that several people want.

use serde_json::{Value, json};

use super::arena::{Arena, Stage, Tried, Wrong, at, command, number, order};
use super::scenario::Tally;
use crate::client::{Answer, Request};

/// A market that is paid with the order and confirms by itself.
pub(super) const AT_ONCE: &str = "name = \"museum\"\ncurrency = \"EUR\"\n";
/// A market where a booking is reserved first and paid later.
const LATER: &str =
    "name = \"museum\"\ncurrency = \"EUR\"\n[payment]\nwhen = \"later\"\nwithin = \"1 h\"\n";
/// The one slot.
pub(super) const SLOT: &str = "2035-05-05T10:00";

/// An offering with one slot.
pub(super) fn one_slot(capacity: u64) -> Value {
    json!({"model": "slots", "capacity": capacity, "slots": [SLOT]})
}

/// The wish for the slot, with a card.
pub(super) fn wish() -> Value {
    json!({"slot": SLOT, "payment": {"card": "tok"}})
}

/// Who got something of what a crowd ordered, and who did not: the numbers of their orders. Any answer
/// but yes and "no room" is wrong.
pub(super) fn outcome(said: &[Answer]) -> Tried<(Vec<u64>, Vec<u64>)> {
    let (mut won, mut lost) = (Vec::new(), Vec::new());
    for answer in said {
        let body = answer.json();
        match answer.status {
            201 | 202 => won.push(number(&body["id"])),
            409 if body["type"] == "/problems/no-room" => lost.push(number(&body["order"])),
            _ => return Err(format!("an order was answered {}", answer.told()).into()),
        }
    }
    Ok((won, lost))
}

/// Holds that so many won, and that whoever lost holds nothing and paid nothing.
pub(super) fn exactly(
    arena: &mut Arena<'_>,
    said: &[Answer],
    units: usize,
) -> Tried<(Vec<u64>, Vec<u64>)> {
    let (won, lost) = outcome(said)?;
    if won.len() != units {
        let what = format!("{} orders were taken for {units} units", won.len());
        return Err(arena.tell(what, &won));
    }
    let looks = lost.iter().map(|id| Request::get(at(&format!("orders/{id}")))).collect();
    for (id, answer) in lost.iter().zip(arena.rush(looks)?) {
        let order = answer.json();
        let nothing = order["phase"] == "refused" && order["payment"]["state"].is_null();
        if !nothing {
            return Err(arena.tell(format!("order {id} had no room, and is {order}"), &[*id]));
        }
    }
    Ok((won, lost))
}

/// easyappointments #1783: two appointments for the same provider at the same time were both accepted,
/// because nothing compared them. Here a crowd books one slot at once: one gets it.
pub(super) fn same_slot(stage: &Stage<'_>) -> Tried<Tally> {
    let (rounds, crowd) = (stage.size(100, 6), stage.size(100, 40));
    let mut arena = stage.open(AT_ONCE)?;
    for round in 0..rounds {
        let slot = arena.offer(&one_slot(1))?;
        let said = arena.rush(all(crowd, slot, round))?;
        let (won, _) = exactly(&mut arena, &said, 1)?;
        if arena.free(slot)? != 0 {
            return Err(arena.tell(format!("slot {slot} is sold and free"), &won));
        }
    }
    arena.balanced()?;
    Ok(Tally { rounds: rounds as u64, of: "slots", requests: arena.requests })
}

/// A crowd that wants the slot.
fn all(crowd: usize, slot: u64, round: usize) -> Vec<Request> {
    let one = |who| order(slot, &format!("r{round}c{who}"), &wish());
    (0..crowd).map(one).collect()
}

/// cal.diy PR 23988: a reserved slot was booked by somebody else, because booking did not look at
/// reservations. Here the slot is reserved (an order that is paid later), and a crowd books it at the
/// instant at which its owner pays, or gives it up.
pub(super) fn reserved(stage: &Stage<'_>) -> Tried<Tally> {
    let (rounds, crowd) = (stage.size(100, 6), stage.size(100, 40));
    let mut arena = stage.open(LATER)?;
    for round in 0..rounds {
        let slot = arena.offer(&one_slot(1))?;
        let first = order(slot, "owner", &json!({ "slot": SLOT }));
        let owner = number(&arena.expect(202, &first)?["id"]);
        if round % 2 == 0 {
            paid_meanwhile(&mut arena, slot, owner, all(crowd, slot, round))?;
        } else {
            given_up_meanwhile(&mut arena, slot, owner, all(crowd, slot, round))?;
        }
    }
    arena.balanced()?;
    Ok(Tally { rounds: rounds as u64, of: "reservations", requests: arena.requests })
}

fn paid_meanwhile(
    arena: &mut Arena<'_>,
    slot: u64,
    owner: u64,
    mut crowd: Vec<Request>,
) -> Tried<()> {
    let pay = Request::post(at(&format!("orders/{owner}/pay")), &json!({"card": "tok"}));
    crowd.insert(crowd.len() / 2, pay);
    let mut said = arena.rush(crowd)?;
    let paid = said.remove(said.len() / 2);
    exactly(arena, &said, 0)?;
    if paid.status != 200 {
        return Err(arena.tell(format!("the owner's payment: {}", paid.told()), &[owner]));
    }
    let order = arena.reach(owner, &["confirmed"])?;
    if order["payment"]["state"] != "captured" || arena.free(slot)? != 0 {
        return Err(arena.tell(format!("the owner's order is {order}"), &[owner]));
    }
    Ok(())
}

fn given_up_meanwhile(
    arena: &mut Arena<'_>,
    slot: u64,
    owner: u64,
    mut crowd: Vec<Request>,
) -> Tried<()> {
    crowd.insert(crowd.len() / 2, command(owner, "cancel"));
    let mut said = arena.rush(crowd)?;
    let gone = said.remove(said.len() / 2);
    arena.reach(owner, &["cancelled"])?;
    let (won, _) = outcome(&said)?;
    let free = arena.free(slot)?;
    if gone.status != 200 || won.len() as u64 + free != 1 {
        let told = gone.told();
        let what = format!("given up ({told}), {} took it, {free} are free", won.len());
        return Err(arena.tell(what, &[&[owner], won.as_slice()].concat()));
    }
    Ok(())
}

/// How often an order's history has this event.
pub(super) fn times(arena: &mut Arena<'_>, id: u64, event: &str) -> Tried<usize> {
    let history = arena.get(&at(&format!("orders/{id}/history")))?;
    let Some(steps) = history["items"].as_array() else {
        return Err(Wrong::from(format!("order {id} has no history: {history}")));
    };
    Ok(steps.iter().filter(|step| step["event"] == event).count())
}

//! Orders that are cancelled, and what becomes of their units.

use serde_json::{Value, json};

use super::arena::{Arena, MARKET, Stage, Tried, command, number, order};
use super::scenario::Tally;
use super::slots::{AT_ONCE, outcome};
use crate::client::{Answer, Request};

/// Seats in all, which one customer takes.
const SEATS: u64 = 5;
/// Cancellations of one order at once.
const CANCELS: usize = 8;

/// Hi.Events #466 and #790: a cancelled order kept its capacity, also where one customer had taken the
/// most that was allowed. Here all seats of an offering are cancelled, several times at once, while
/// others want them and the order's actor is crashed: afterwards exactly as many can be sold again.
pub(super) fn frees(stage: &Stage<'_>) -> Tried<Tally> {
    let (rounds, crowd) = (stage.size(60, 8), stage.size(60, 24));
    let mut arena = stage.open(AT_ONCE)?;
    for round in 0..rounds {
        let seats = arena.offer(&json!({"model": "seats", "capacity": SEATS}))?;
        let most = json!({"quantity": SEATS, "payment": {"card": "tok"}});
        let first = arena.expect(201, &order(seats, "the first", &most))?;
        let first = number(&first["id"]);
        let mut asked: Vec<Request> = (0..CANCELS).map(|_| command(first, "cancel")).collect();
        // In half of the rounds, so that both paths are taken.
        if round % 2 == 1 {
            let crash = format!("/v1/admin/orders/{MARKET}/{first}/crash");
            asked.insert(CANCELS / 2, Request::post(crash, &Value::Null));
        }
        let commands = asked.len();
        let single = json!({"payment": {"card": "tok"}});
        let buy = |who| order(seats, &format!("r{round}c{who}"), &single);
        asked.extend((0..crowd).map(buy));
        let said = arena.rush(asked)?;
        answered(&said[..commands])?;
        arena.reach(first, &["cancelled"])?;
        let (mut won, _) = outcome(&said[commands..])?;
        // Whoever comes now gets what nobody took meanwhile, and not one more.
        let said = arena.rush((crowd..2 * crowd).map(buy).collect())?;
        won.extend(outcome(&said)?.0);
        let free = arena.free(seats)?;
        if (won.len() as u64, free) != (SEATS, 0) {
            won.insert(0, first);
            let sold = won.len() - 1;
            let what = format!("{SEATS} seats came back, {sold} were sold again, {free} are free");
            return Err(arena.tell(what, &won));
        }
        all_back(&mut arena, seats, &won)?;
    }
    arena.balanced()?;
    Ok(Tally { rounds: rounds as u64, of: "sold out offerings", requests: arena.requests })
}

/// Cancels these orders, each twice at once; afterwards all seats are free, and not one more.
fn all_back(arena: &mut Arena<'_>, seats: u64, won: &[u64]) -> Tried<()> {
    for id in won {
        arena.reach(*id, &["confirmed"])?;
    }
    let twice = won.iter().flat_map(|id| [command(*id, "cancel"), command(*id, "cancel")]);
    let said = arena.rush(twice.collect())?;
    answered(&said)?;
    for id in won {
        let order = arena.reach(*id, &["cancelled"])?;
        if order["payment"]["state"] != "refunded" {
            return Err(arena.tell(format!("cancelled, and not paid back: {order}"), &[*id]));
        }
    }
    let free = arena.free(seats)?;
    if free == SEATS {
        return Ok(());
    }
    Err(arena.tell(format!("of {SEATS} seats {free} are free, and nobody holds any"), won))
}

/// A command is done, under way, refused because of the phase, or not taken while an actor restarts.
fn answered(said: &[Answer]) -> Tried<()> {
    match said.iter().find(|answer| ![200, 202, 409, 503].contains(&answer.status)) {
        Some(strange) => Err(format!("a command was answered {}", strange.told()).into()),
        None => Ok(()),
    }
}

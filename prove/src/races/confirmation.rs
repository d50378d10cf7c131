//! Bookings that a person confirms.

use super::arena::{Arena, Stage, Tried, command};
use super::scenario::Tally;
use super::slots::{exactly, one_slot, outcome, times, wish};
use crate::client::Answer;

const OPERATOR: &str =
    "name = \"museum\"\ncurrency = \"EUR\"\n[confirmation]\nby = \"operator\"\nwithin = \"1 d\"\n";

/// cal.diy #29958: bookings that wait for confirmation did not count as taken, and confirming looked
/// at no other booking, so two people ended up confirmed for one slot. Here a crowd books a slot that
/// needs a word; then operators confirm and reject the same booking at once, while more people book.
pub(super) fn two_confirmed(stage: &Stage<'_>) -> Tried<Tally> {
    let (rounds, crowd) = (stage.size(80, 5), stage.size(80, 30));
    let mut arena = stage.open(OPERATOR)?;
    for round in 0..rounds {
        let slot = arena.offer(&one_slot(1))?;
        let book = |who: usize| super::arena::order(slot, &format!("r{round}c{who}"), &wish());
        let said = arena.rush((0..crowd).map(book).collect())?;
        let (won, _) = exactly(&mut arena, &said, 1)?;
        let booked = won[0];
        arena.waits(booked)?;
        // Some rounds have no one who says no.
        let word = |who: usize| match who % 3 {
            0 => book(crowd + who),
            1 if round % 2 == 0 => command(booked, "reject"),
            _ => command(booked, "confirm"),
        };
        let said = arena.rush((0..crowd).map(word).collect())?;
        let bookings: Vec<Answer> = said.iter().step_by(3).cloned().collect();
        let strange = said.iter().find(|answer| ![200, 201, 202, 409].contains(&answer.status));
        if let Some(strange) = strange {
            return Err(arena.tell(format!("a word was answered {}", strange.told()), &won));
        }
        judge(&mut arena, slot, booked, &bookings)?;
    }
    arena.balanced()?;
    Ok(Tally { rounds: rounds as u64, of: "slots", requests: arena.requests })
}

/// Holds that the booking was either confirmed, once, and kept its slot, or rejected, once, and made
/// room for at most one other.
fn judge(arena: &mut Arena<'_>, slot: u64, booked: u64, bookings: &[Answer]) -> Tried<()> {
    let order = arena.reach(booked, &["confirmed", "cancelled"])?;
    let (won, _) = outcome(bookings)?;
    let (yes, no) =
        (times(arena, booked, "OrderConfirmed")?, times(arena, booked, "OrderReleased")?);
    let confirmed = order["phase"] == "confirmed";
    let money = if confirmed { "captured" } else { "refunded" };
    let others = won.len() as u64;
    let free = arena.free(slot)?;
    let once = if confirmed { (yes, no, others + free) == (1, 0, 0) } else { (yes, no) == (0, 1) };
    if !once || order["payment"]["state"] != money || (!confirmed && others + free != 1) {
        let what = format!(
            "confirmed {yes} times, released {no} times, {others} others booked, {free} are free: {order}"
        );
        return Err(arena.tell(what, &[&[booked], won.as_slice()].concat()));
    }
    Ok(())
}

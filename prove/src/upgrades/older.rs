//! A folder of an earlier build, opened with today's program.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::corpus::Release;
use super::desk::Desk;
use crate::server::{Server, Settings};
use crate::{Ask, Verdict};

/// What no upgrade and no time may change.
const FOR_EVER: [&str; 10] = [
    "market",
    "customer",
    "offering",
    "quantity",
    "from",
    "to",
    "slot",
    "price",
    "created_at",
    "attributes",
];
/// What stays so while an order waits, or is at its end.
const FOR_NOW: [&str; 7] =
    ["phase", "reason", "reason_text", "payment", "confirmation", "updated_at", "deadline"];
/// Where an order stays.
const ENDS: [&str; 3] = ["fulfilled", "refused", "cancelled"];
/// Where an order waits for a person.
const WAITS: [&str; 3] = ["unpaid", "paid", "confirmed"];
/// Whoever is that close to a deadline may be on either side of it.
const SOON: Duration = Duration::from_secs(20);

/// Opens it, compares every order, carries each to its end, and opens it again.
pub(super) fn goes_on(ask: &Ask, release: &Release, verdict: &mut Verdict) -> Result<(), String> {
    let flags = release.builtin.iter().flat_map(|name| ["--market", name]).map(str::to_owned);
    let markets = release.markets.iter().map(|text| (*text).to_owned()).collect();
    let settings = Settings { markets, flags: flags.collect(), ..Settings::default() };
    let mut server = Server::prepare(&ask.program, settings)?;
    release.unpack(&server.data())?;
    server.restart()?;
    verdict.tried(1, "folders of earlier builds");
    let mut desk = Desk::at(&server)?;
    let then: Result<Vec<Value>, _> = release.orders.lines().map(serde_json::from_str).collect();
    let then = then.map_err(|error| format!("orders.jsonl: {error}"))?;
    for was in &then {
        compare(&mut desk, was)?;
        verdict.tried(1, "orders compared");
    }
    desk.balanced()?;
    let mut ended = Vec::new();
    for was in &then {
        let order = finish(&mut desk, &path(was))?;
        if ENDS.iter().all(|end| was["phase"] != *end) {
            verdict.tried(1, "open orders carried to their end");
        }
        ended.push(order);
    }
    desk.balanced()?;
    // The day after, from what today's program stored.
    drop(desk);
    let stopped = server.stop()?;
    if stopped.status.code() != Some(0) {
        return Err(format!("it did not end in order: {}: {}", stopped.status, stopped.stderr));
    }
    server.restart()?;
    let mut desk = Desk::at(&server)?;
    for was in &ended {
        let is = desk.get(&path(was))?;
        if is != *was {
            return Err(format!("stored today as {was}, read as {is}"));
        }
    }
    desk.balanced()
}

fn path(order: &Value) -> String {
    format!("/v1/{}/orders/{}", order["market"].as_str().unwrap_or_default(), order["id"])
}

fn phase(order: &Value) -> &str {
    order["phase"].as_str().unwrap_or_default()
}

/// Whether the time of an order that waits is not up.
fn in_time(order: &Value) -> bool {
    let Some(deadline) = order["deadline"].as_str() else { return true };
    deadline.parse::<Timestamp>().is_ok_and(|deadline| deadline > Timestamp::now() + SOON)
}

/// Holds that an order is what it was, or what follows from it by itself.
fn compare(desk: &mut Desk, was: &Value) -> Result<(), String> {
    let at_rest = ENDS.contains(&phase(was)) || WAITS.contains(&phase(was));
    let is = desk.get(&path(was))?;
    let is = if at_rest && in_time(was) {
        // A confirmation may come a moment later; nothing else may.
        if let Some(field) = FOR_NOW.iter().find(|field| is[**field] != was[**field]) {
            return Err(format!("{field} differs: it was {was}, it is {is}"));
        }
        is
    } else {
        let next = followed_by(phase(was));
        desk.until(&path(was), |order| next.contains(&phase(order)))?
    };
    if let Some(field) = FOR_EVER.iter().find(|field| is[**field] != was[**field]) {
        return Err(format!("{field} differs: it was {was}, it is {is}"));
    }
    let steps = desk.get(&format!("{}/history", path(was)))?;
    let first = &steps["items"][0];
    if first["event"] != "OrderPlaced" || first["at"] != was["created_at"] {
        return Err(format!("its history begins with {first}: {was}"));
    }
    Ok(())
}

/// Where an order goes by itself: when its time is up, or because it was on its way.
fn followed_by(phase: &str) -> &'static [&'static str] {
    match phase {
        "unpaid" | "refunding" | "releasing" => &["cancelled"],
        "paid" => &["cancelled", "confirmed"],
        "confirmed" => &["fulfilled"],
        "holding" | "paying" => &["unpaid", "paid", "confirmed", "refused", "cancelled"],
        _ => &["stuck"],
    }
}

/// Does what a person would, until the order is at its end.
fn finish(desk: &mut Desk, path: &str) -> Result<Value, String> {
    let order = desk.get(path)?;
    if phase(&order) == "unpaid" {
        desk.post(&format!("{path}/pay"), &json!({"card": "tok"}))?;
    }
    // Confirmed by itself, or by the word of an operator, who has to be asked first.
    let waits = |order: &Value| order["confirmation"]["state"] == "waiting";
    let order = desk.until(path, |order| phase(order) != "paid" || waits(order))?;
    if phase(&order) == "paid" {
        desk.post(&format!("{path}/confirm"), &Value::Null)?;
    }
    let order = desk.until(path, |order| phase(order) != "paid")?;
    if phase(&order) == "confirmed" {
        desk.post(&format!("{path}/complete"), &Value::Null)?;
    }
    desk.until(path, |order| ENDS.contains(&phase(order)))
}

//! Today's build on a data folder that the first released build wrote, and left by a kill: nothing is
//! lost, nothing is told otherwise, and everything goes on.
//!
//! `tests/corpus/v1` has the folder, its market and, in `orders.jsonl`, what that build said of each
//! order in the end. Deadlines that were in the future then may be over by now: then the order must
//! have been carried on as its market says.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{Server, until};

/// What no upgrade and no time may change.
const FOR_EVER: [&str; 7] =
    ["market", "customer", "offering", "quantity", "price", "created_at", "attributes"];
/// What stays so until the order's deadline.
const FOR_NOW: [&str; 7] =
    ["phase", "reason", "reason_text", "payment", "confirmation", "updated_at", "deadline"];

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/v1")
}

/// The folder as it was left, in a new place.
fn unpack() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let unpacked = Command::new("tar")
        .args(["-xzf", &corpus().join("data.tar.gz").display().to_string(), "-C"])
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(unpacked.success());
    folder
}

fn start(data: &Path) -> Server {
    let cinema = corpus().join("cinema.toml").display().to_string();
    Server::with(data, &["--market", "talentshare", "--market", &cinema, "--admin"])
}

fn said_then() -> Vec<Value> {
    let text = std::fs::read_to_string(corpus().join("orders.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn path(order: &Value) -> String {
    format!("/v1/{}/orders/{}", order["market"].as_str().unwrap(), order["id"])
}

/// Whether the order is still where it was: it waits for nothing, or not for long enough.
fn still_so(order: &Value) -> bool {
    let Some(deadline) = order["deadline"].as_str() else { return true };
    // Whoever is that close to a deadline may find either, and waits for the end of it.
    let soon = Timestamp::now() + Duration::from_secs(20);
    deadline.parse::<Timestamp>().unwrap() > soon
}

/// What the market says about an order whose deadline has passed.
fn carried_on(was: &Value) -> (&'static str, Value) {
    match was["phase"].as_str().unwrap() {
        "unpaid" => ("cancelled", json!("unpaid")),
        "paid" => ("cancelled", json!("confirmation_expired")),
        "confirmed" => ("fulfilled", Value::Null),
        other => panic!("nothing waits in {other}"),
    }
}

fn balanced(client: &mut Client) {
    let audit = client.get("/v1/admin/audit").expect(200).json();
    assert_eq!(audit["balanced"], true, "{audit}");
}

#[test]
fn every_order_of_the_first_build_is_there() {
    let folder = unpack();
    let server = start(folder.path());
    let mut client = server.client();
    let then = said_then();
    assert_eq!(then.len(), 11);
    for was in &then {
        let mut now = client.get(&path(was)).expect(200).json();
        if still_so(was) {
            for field in FOR_NOW {
                assert_eq!(now[field], was[field], "{field}: {now}\nnot {was}");
            }
        } else {
            let (phase, reason) = carried_on(was);
            now = until("what follows the deadline", || {
                let now = client.get(&path(was)).expect(200).json();
                (now["phase"] == phase).then_some(now)
            });
            assert_eq!(now["reason"], reason, "{now}");
        }
        for field in FOR_EVER {
            assert_eq!(now[field], was[field], "{field}: {now}\nnot {was}");
        }
        assert_eq!(now["payment"]["id"], was["payment"]["id"], "{now}");
        let steps = client.get(&format!("{}/history", path(was))).expect(200).json();
        assert_eq!(steps["items"][0]["event"], "OrderPlaced");
        assert_eq!(steps["items"][0]["at"], was["created_at"]);
    }
    for (market, customer, ids) in
        [("talentshare", "jaehong", json!([1, 2, 3])), ("cinema", "pop", json!([7]))]
    {
        let page = client.get(&format!("/v1/{market}/orders?customer={customer}")).expect(200);
        let page = page.json();
        let listed = page["items"].as_array().unwrap().iter().map(|order| order["id"].clone());
        assert_eq!(listed.collect::<Value>(), ids);
    }
    balanced(&mut client);
    // The day after, from what this build stored.
    let (status, _) = server.stop();
    assert_eq!(status.code(), Some(0));
    let server = start(folder.path());
    let mut client = server.client();
    for was in &then {
        let now = client.get(&path(was)).expect(200).json();
        for field in FOR_EVER {
            assert_eq!(now[field], was[field], "{field}: {now}\nnot {was}");
        }
    }
    balanced(&mut client);
}

#[test]
fn work_goes_on_where_the_first_build_left_it() {
    let folder = unpack();
    let server = start(folder.path());
    let mut client = server.client();
    // The key still names order 4, byte for byte the same request.
    let body = br#"{"customer":"ann","offering":1,"payment":{"card":"4242424242424242"}}"#;
    let keyed = [("content-type", "application/json"), ("idempotency-key", "k1")];
    let mut again = || client.send("POST", "/v1/talentshare/orders", &keyed, Some(body)).unwrap();
    let repeated = again().expect(201);
    assert_eq!(repeated.header("location"), Some("/v1/talentshare/orders/4"));
    assert_eq!(repeated.json()["customer"], "ann");
    let other = br#"{"customer":"bob","offering":1,"payment":{"card":"4242424242424242"}}"#;
    let refused = client.send("POST", "/v1/talentshare/orders", &keyed, Some(other)).unwrap();
    refused.expect(422);

    // Numbers go on after the highest.
    let new = json!({"customer": "new", "offering": 1, "payment": {"card": "7"}});
    let made = client.post("/v1/talentshare/orders", &new).expect(201).json();
    assert_eq!((&made["id"], &made["payment"]["id"]), (&json!(5), &json!(5)));
    let corn = json!({"customer": "new", "offering": 2, "quantity": 0.5});
    let made = client.post("/v1/cinema/orders", &corn).expect(202).json();
    // The first build changed the price from 300 to 350 in the end.
    assert_eq!((&made["id"], &made["price"]["amount"]), (&json!(8), &json!(175)));

    // Whoever waited for money or a word gets it; where time is up, what was placed just now does.
    let (mut unpaid, mut waiting) = (vec!["/v1/cinema/orders/8".to_owned()], Vec::new());
    for was in said_then().iter().filter(|was| still_so(was)) {
        match was["phase"].as_str().unwrap() {
            "unpaid" => unpaid.push(path(was)),
            "paid" => waiting.push(path(was)),
            _ => {}
        }
    }
    for path in unpaid {
        let paid = client.post(&format!("{path}/pay"), &json!({"card": "8"})).expect(200).json();
        assert_eq!(paid["payment"]["state"], "captured");
        assert!(paid["payment"]["id"].as_u64() > Some(3), "a number was given twice: {paid}");
        waiting.push(path);
    }
    for path in &waiting {
        until("the operator's queue", || {
            let order = client.get(path).expect(200).json();
            (order["confirmation"]["state"] == "waiting").then_some(())
        });
        let done = client.tell(&format!("{path}/confirm")).expect(200).json();
        assert_eq!(done["phase"], "confirmed", "{done}");
    }
    balanced(&mut client);

    // Whoever was not refused and not cancelled holds what was booked.
    let mut held = [0.0, 0.0];
    let page = client.get("/v1/cinema/orders?limit=100").expect(200).json();
    for order in page["items"].as_array().unwrap() {
        if !["refused", "cancelled"].contains(&order["phase"].as_str().unwrap()) {
            let booked = &mut held[if order["offering"] == 1 { 0 } else { 1 }];
            *booked += order["quantity"].as_f64().unwrap();
        }
    }
    for (offering, held) in (1..).zip(held) {
        let shown = client.get(&format!("/v1/cinema/offerings/{offering}")).expect(200).json();
        assert_eq!(shown["held"].as_f64(), Some(held), "{shown}");
    }

    // A kill, and once more.
    server.kill();
    let server = start(folder.path());
    let mut client = server.client();
    for path in &waiting {
        assert_eq!(client.get(path).expect(200).json()["phase"], "confirmed");
    }
    balanced(&mut client);
}

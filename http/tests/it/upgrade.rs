//! Today's build on data folders that earlier builds wrote, and left by a kill: nothing is lost, nothing
//! is told otherwise, and everything goes on.
//!
//! `tests/corpus/v1` has such a folder, its market and, in `orders.jsonl`, what that build said of each
//! order in the end; `v2` the same of a later build. Deadlines that were in the future then may be over by now: then the order must
//! have been carried on as its market says.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{Server, until};

/// What no upgrade and no time may change.
const FOR_EVER: [&str; 10] = [
    "market",
    "customer",
    "offering",
    "quantity",
    "from",
    "to",
    "supply",
    "price",
    "created_at",
    "attributes",
];
/// What stays so until the order's deadline.
const FOR_NOW: [&str; 7] =
    ["phase", "reason", "reason_text", "payment", "confirmation", "updated_at", "deadline"];

/// The build that wrote a folder.
#[derive(Clone, Copy)]
struct Build {
    folder: &'static str,
    /// Its markets: built-in ones, and files.
    markets: &'static [&'static str],
}

const FIRST: Build = Build { folder: "v1", markets: &["talentshare", "cinema.toml"] };
/// Before late money could be taken, and before no-shows. Its gateway had just fallen silent.
const SECOND: Build = Build { folder: "v2", markets: &["house.toml", "guide.toml", "booth.toml"] };

fn corpus(build: Build) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(build.folder)
}

/// The folder as it was left, in a new place.
fn unpack(build: Build) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let unpacked = Command::new("tar")
        .args(["-xzf", &corpus(build).join("data.tar.gz").display().to_string(), "-C"])
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(unpacked.success());
    folder
}

fn start(build: Build, data: &Path) -> Server {
    let mut flags = vec!["--admin".to_owned()];
    for market in build.markets {
        let file = corpus(build).join(market);
        let market =
            if market.contains('.') { file.display().to_string() } else { (*market).to_owned() };
        flags.extend(["--market".to_owned(), market]);
    }
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    Server::with(data, &flags)
}

fn said_then(build: Build) -> Vec<Value> {
    let text = std::fs::read_to_string(corpus(build).join("orders.jsonl")).unwrap();
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

/// What no upgrade and no time may change of an order.
#[track_caller]
fn keeps_for_ever(now: &Value, was: &Value) {
    for field in FOR_EVER {
        assert_eq!(now[field], was[field], "{field}: {now}\nnot {was}");
    }
}

/// The same, with its payment's number and the beginning of its history.
#[track_caller]
fn is_the_same_order(client: &mut Client, now: &Value, was: &Value) {
    keeps_for_ever(now, was);
    assert_eq!(now["payment"]["id"], was["payment"]["id"], "{now}");
    let steps = client.get(&format!("{}/history", path(was))).expect(200).json();
    assert_eq!(steps["items"][0]["event"], "OrderPlaced");
    assert_eq!(steps["items"][0]["at"], was["created_at"]);
}

/// Opened once more, from what this build stored.
fn on_the_day_after(build: Build, folder: &Path, server: Server, then: &[Value]) {
    let (status, _) = server.stop();
    assert_eq!(status.code(), Some(0));
    let server = start(build, folder);
    let mut client = server.client();
    for was in then {
        keeps_for_ever(&client.get(&path(was)).expect(200).json(), was);
    }
    balanced(&mut client);
}

#[test]
fn every_order_of_the_first_build_is_there() {
    let folder = unpack(FIRST);
    let server = start(FIRST, folder.path());
    let mut client = server.client();
    let then = said_then(FIRST);
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
        is_the_same_order(&mut client, &now, was);
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
    on_the_day_after(FIRST, folder.path(), server, &then);
}

#[test]
fn work_goes_on_where_the_first_build_left_it() {
    let folder = unpack(FIRST);
    let server = start(FIRST, folder.path());
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
    for was in said_then(FIRST).iter().filter(|was| still_so(was)) {
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
    let server = start(FIRST, folder.path());
    let mut client = server.client();
    for path in &waiting {
        assert_eq!(client.get(path).expect(200).json()["phase"], "confirmed");
    }
    balanced(&mut client);
}

/// What becomes of an order whose gateway was silent when the build was killed, now that it speaks.
fn spoken_to(was: &Value) -> Option<(&'static str, &'static str)> {
    match was["phase"].as_str().unwrap() {
        "paying" => Some(("paid", "captured")),
        "refunding" => Some(("cancelled", "refunded")),
        _ => None,
    }
}

#[test]
fn every_order_of_the_second_build_is_there_and_who_waited_for_the_gateway_goes_on() {
    let folder = unpack(SECOND);
    let server = start(SECOND, folder.path());
    let mut client = server.client();
    let then = said_then(SECOND);
    assert_eq!(then.len(), 15);
    assert_eq!(then.iter().filter(|was| spoken_to(was).is_some()).count(), 3);
    for was in &then {
        let now = match spoken_to(was) {
            Some((phase, payment)) => {
                let now = until("the gateway is asked", || {
                    let now = client.get(&path(was)).expect(200).json();
                    (now["phase"] == phase).then_some(now)
                });
                assert_eq!(now["payment"]["state"], payment, "{now}");
                assert_eq!(now["reason"], was["reason"], "the order kept its terms: {now}");
                now
            }
            None => {
                let now = client.get(&path(was)).expect(200).json();
                for field in FOR_NOW.iter().filter(|_| still_so(was)) {
                    assert_eq!(now[*field], was[*field], "{field}: {now}\nnot {was}");
                }
                now
            }
        };
        is_the_same_order(&mut client, &now, was);
    }
    balanced(&mut client);
    on_the_day_after(SECOND, folder.path(), server, &then);
}

#[test]
fn work_goes_on_where_the_second_build_left_it() {
    let folder = unpack(SECOND);
    let server = start(SECOND, folder.path());
    let mut client = server.client();
    // The key still names the guide's first order, byte for byte the same request.
    let body = br#"{"customer": "hal", "offering": 1, "quantity": 2}"#;
    let keyed = [("content-type", "application/json"), ("idempotency-key", "g1")];
    let repeated = client.send("POST", "/v1/guide/orders", &keyed, Some(body)).unwrap();
    assert_eq!(repeated.expect(202).json()["id"], 1);

    // Everybody comes to an end, by today's rules and by the terms of then.
    let mut told = |path: &str, body: Value| client.post(&format!("/v1/{path}"), &body);
    let absent = told("house/orders/1/no-show", json!({"reason": "the bed is untouched"}));
    let absent = absent.expect(200).json();
    assert_eq!((&absent["phase"], &absent["reason"]), (&json!("cancelled"), &json!("no_show")));
    assert_eq!(absent["payment"]["state"], "captured", "nothing was promised back: {absent}");
    let early = told("house/orders/2/no-show", json!({})).expect(409).json();
    assert_eq!(early["type"], "/problems/not-begun", "{early}");
    let back = told("house/orders/2/cancel", json!({})).expect(200).json();
    assert_eq!(back["payment"]["state"], "refunded", "{back}");
    assert_eq!(told("house/orders/3/confirm", json!({})).expect(200).json()["phase"], "confirmed");
    assert_eq!(told("house/orders/8/complete", json!({})).expect(200).json()["phase"], "fulfilled");
    told("guide/orders/1/pay", json!({"card": "tok_9"})).expect(200);
    assert_eq!(told("guide/orders/2/complete", json!({})).expect(200).json()["phase"], "fulfilled");
    let stock = client.get("/v1/house/offerings/2").expect(200).json();
    assert_eq!(stock["inventory"]["quantity"], 27, "20.5, and what was brought: {stock}");
    let points = until("the points of who did not come are taken back", || {
        let points = client.get("/v1/house/customers/ann/mileage").expect(200).json();
        (points["balance"] == 0).then_some(points)
    });
    assert_eq!(points["items"][0]["order"], 1, "{points}");
    until("they are told", || {
        let told = client.get("/v1/house/customers/ann/messages").expect(200).json();
        let texts = told["items"].as_array().unwrap().iter().map(|message| &message["text"]);
        texts.into_iter().any(|text| text == "Order 1 is cancelled.").then_some(())
    });

    // The booth's one seat is free once the gateway has spoken; numbers go on after the highest.
    until("the seat is free", || {
        (client.get("/v1/booth/offerings/1").expect(200).json()["free"] == 1).then_some(())
    });
    let new = json!({"customer": "new", "offering": 1, "payment": {"card": "7"}});
    let made = client.post("/v1/booth/orders", &new).expect(201).json();
    assert_eq!((&made["id"], &made["payment"]["id"]), (&json!(3), &json!(2)));
    balanced(&mut client);

    // A kill, and once more.
    server.kill();
    let server = start(SECOND, folder.path());
    let mut client = server.client();
    for (order, phase) in [("house/orders/1", "cancelled"), ("house/orders/3", "confirmed")] {
        assert_eq!(client.get(&format!("/v1/{order}")).expect(200).json()["phase"], phase);
    }
    balanced(&mut client);
}

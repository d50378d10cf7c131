//! What is booked by nights or by the slot, sold beyond what there is, or brought instead of bought.

use jiff::{Span, Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{Server, until};

const INN: &str = r#"
name = "inn"
currency = "EUR"
zone = "Europe/Berlin"
price = { amount = 1000 }
[cancellation]
tiers = [{ until = "48 h", percent = 100 }, { until = "24 h", percent = 50 }]
[[offerings]]
id = 1
name = "Room"
inventory = { model = "nights", units = 2 }
[[offerings]]
id = 2
name = "Sauna"
inventory = { model = "slots", capacity = 1, slots = ["2031-05-05T10:00", "2031-05-05T11:00", "2031-05-06T10:00"] }
[[offerings]]
id = 3
name = "Seat at the bar"
inventory = { model = "seats", capacity = 3 }
[[offerings]]
id = 4
name = "Wine"
inventory = { model = "stock", quantity = 10 }
[[offerings]]
id = 5
name = "Water"
inventory = { model = "unlimited" }
"#;

const DEPOT: &str = r#"
name = "depot"
currency = "EUR"
[supply]
[[offerings]]
id = 1
name = "Diesel"
price = { amount = 150 }
inventory = { model = "stock", quantity = 10 }
"#;

fn open() -> (tempfile::TempDir, Server, Client) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[INN, DEPOT]);
    let client = server.client();
    (folder, server, client)
}

/// An order with what is particular about it.
fn order(offering: u64, what: Value) -> Value {
    let mut order = json!({"customer": "ann", "offering": offering, "payment": {"card": "tok"}});
    let (order_fields, what) = (order.as_object_mut().unwrap(), what);
    order_fields.extend(what.as_object().unwrap().clone());
    order
}

fn stay(from: &str, to: &str) -> Value {
    order(1, json!({"from": from, "to": to}))
}

fn slot(offering: u64, slot: &str) -> Value {
    order(offering, json!({ "slot": slot }))
}

fn place(client: &mut Client, order: &Value) -> Value {
    client.post("/v1/inn/orders", order).expect(201).json()
}

fn offer(client: &mut Client, inventory: Value) -> (u64, String) {
    let new = json!({"name": "New", "inventory": inventory});
    let made = client.post("/v1/inn/offerings", &new).expect(201).json();
    let id = made["id"].as_u64().unwrap();
    (id, format!("/v1/inn/offerings/{id}"))
}

fn reach(client: &mut Client, path: &str, phase: &str) -> Value {
    until(phase, || {
        let order = client.get(path).expect(200).json();
        (order["phase"] == phase).then_some(order)
    })
}

/// How many rooms are free on each night from May 1 to May 5.
fn free_nights(client: &mut Client) -> Vec<u64> {
    let path = "/v1/inn/offerings/1/availability?from=2031-05-01&to=2031-05-06";
    let told = client.get(path).expect(200).json();
    assert!(told["free"].is_null() && told["slots"].is_null(), "{told}");
    let nights = told["nights"].as_array().unwrap();
    for (night, number) in nights.iter().zip(1..) {
        assert_eq!(night["night"], format!("2031-05-0{number}"));
    }
    nights.iter().map(|night| night["free"].as_u64().unwrap()).collect()
}

fn balanced(client: &mut Client) {
    let audit = client.get("/v1/admin/audit").expect(200).json();
    assert_eq!(audit["balanced"], true, "{audit}");
}

#[test]
fn the_day_of_departure_is_free_for_the_next_guest() {
    let (_folder, _server, mut client) = open();
    assert_eq!(free_nights(&mut client), [2, 2, 2, 2, 2]);
    let both = order(1, json!({"from": "2031-05-02", "to": "2031-05-04", "quantity": 2}));
    let placed = place(&mut client, &both);
    assert_eq!(placed["price"], json!({"amount": 4000, "currency": "EUR"}), "2 rooms, 2 nights");
    assert_eq!((&placed["from"], &placed["to"]), (&json!("2031-05-02"), &json!("2031-05-04")));
    assert!(placed.get("slot").is_none() && placed.get("supply").is_none(), "{placed}");
    assert_eq!(free_nights(&mut client), [2, 0, 0, 2, 2]);
    for (from, to) in [("2031-05-01", "2031-05-03"), ("2031-05-03", "2031-05-05")] {
        let refused = client.post("/v1/inn/orders", &stay(from, to)).expect(409).json();
        assert_eq!(refused["type"], "/problems/no-room");
    }
    let before = place(&mut client, &stay("2031-05-01", "2031-05-02"));
    assert_eq!(before["price"]["amount"], 1000);
    let after = place(&mut client, &stay("2031-05-04", "2031-05-06"));
    assert_eq!(after["price"]["amount"], 2000);
    assert_eq!(free_nights(&mut client), [1, 0, 0, 1, 1]);
    let path = format!("/v1/inn/orders/{}", placed["id"]);
    reach(&mut client, &path, "confirmed");
    // It is years ahead: all of the money comes back.
    let cancelled = client.tell(&format!("{path}/cancel")).expect(200).json();
    assert_eq!(cancelled["payment"]["state"], "refunded");
    assert_eq!(free_nights(&mut client), [1, 2, 2, 1, 1]);
    balanced(&mut client);
}

#[test]
fn slots_are_free_each_by_itself() {
    let (_folder, _server, mut client) = open();
    let path = "/v1/inn/offerings/2/availability";
    let all = client.get(path).expect(200).json();
    assert_eq!(all["inventory"]["zone"], "Europe/Berlin");
    let first =
        json!({"slot": "2031-05-05T10:00", "starts_at": "2031-05-05T08:00:00.000Z", "free": 1});
    assert_eq!((&all["slots"][0], all["slots"].as_array().unwrap().len()), (&first, 3));
    let placed = place(&mut client, &slot(2, "2031-05-05T10:00"));
    assert_eq!(
        (&placed["slot"], &placed["price"]["amount"]),
        (&json!("2031-05-05T10:00"), &json!(1000))
    );
    assert!(placed.get("from").is_none(), "{placed}");
    client.post("/v1/inn/orders", &slot(2, "2031-05-05T10:00")).expect(409);
    // The same moment, said with the offset that holds there, is the same slot.
    client.post("/v1/inn/orders", &slot(2, "2031-05-05T10:00+02:00")).expect(409);
    for (query, free) in [
        ("", vec![0, 1, 1]),
        ("?from=2031-05-05&to=2031-05-06", vec![0, 1]),
        ("?from=2031-05-06", vec![1]),
        ("?to=2031-05-06", vec![0, 1]),
        ("?from=2031-05-07", vec![]),
    ] {
        let told = client.get(&format!("{path}{query}")).expect(200).json();
        let slots = told["slots"].as_array().unwrap().iter();
        let found: Vec<_> = slots.map(|slot| slot["free"].as_u64().unwrap()).collect();
        assert_eq!(found, free, "{query}");
    }
    place(&mut client, &slot(2, "2031-05-05T11:00"));
    balanced(&mut client);
}

#[test]
fn what_does_not_fit_together_is_named() {
    let (_folder, _server, mut client) = open();
    let (old, _) = offer(
        &mut client,
        json!({"model": "slots", "capacity": 1, "slots": ["2020-01-01T10:00", "2031-01-01T10:00"]}),
    );
    let (from, to) = ("2031-05-01", "2031-05-03");
    for (offering, what, field) in [
        (1, json!({}), "from"),
        (1, json!({ "from": from }), "to"),
        (1, json!({ "to": to }), "from"),
        (1, json!({"from": to, "to": from}), "to"),
        (1, json!({"from": from, "to": from}), "to"),
        (1, json!({"from": from, "to": "2032-05-03"}), "to"),
        (1, json!({"from": "2031-02-29", "to": to}), "from"),
        (1, json!({"from": "May 1", "to": to}), "from"),
        (1, json!({"from": 20310501, "to": to}), "from"),
        (1, json!({"from": from, "to": to, "quantity": 1.5}), "quantity"),
        (1, json!({"from": from, "to": to, "quantity": 0}), "quantity"),
        (1, json!({"from": from, "to": to, "slot": "2031-05-05T10:00"}), "slot"),
        (1, json!({"from": from, "to": to, "supply": true}), "supply"),
        (1, json!({"slot": "2031-05-05T10:00"}), "slot"),
        // In the past.
        (1, json!({"from": "2020-01-01", "to": "2020-01-03"}), "from"),
        (1, json!({"from": "2026-01-01", "to": "2026-01-02"}), "from"),
        (old, json!({"slot": "2020-01-01T10:00"}), "slot"),
        (2, json!({}), "slot"),
        (2, json!({"from": from, "to": to}), "from"),
        (2, json!({"slot": "2031-05-05T10:30"}), "slot"),
        (2, json!({"slot": "2031-05-05"}), "slot"),
        (2, json!({"slot": "2031-05-05T10:00+01:00"}), "slot"),
        (2, json!({"slot": "2031-05-05T10:00", "supply": true}), "supply"),
        (3, json!({"from": from, "to": to}), "from"),
        (3, json!({"slot": "2031-05-05T10:00"}), "slot"),
        (3, json!({"quantity": 1.5}), "quantity"),
        (4, json!({"supply": true}), "supply"),
        (4, json!({"supply": "yes"}), "supply"),
        (4, json!({"quantity": 0.0001}), "quantity"),
        (5, json!({"from": from, "to": to}), "from"),
        (5, json!({"slot": "2031-05-05T10:00"}), "slot"),
        (99, json!({}), "offering"),
    ] {
        let answer = client.post("/v1/inn/orders", &order(offering, what.clone()));
        let problem = answer.expect(422).json();
        assert_eq!(problem["field"], field, "{offering} {what}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with(field) && detail.len() > field.len() + 4, "{detail}");
    }
    for (offering, query, field) in [
        (1, "", "from"),
        (1, "?from=2031-05-01", "to"),
        (1, "?to=2031-05-01", "from"),
        (1, "?from=2031-05-01&to=2031-05-01", "to"),
        (1, "?from=2031-05-01&to=2032-05-03", "to"),
        (1, "?from=2031-13-01&to=2031-05-03", "from"),
        (2, "?from=2031-05-02&to=2031-05-01", "to"),
        (2, "?day=2031-05-02", "day"),
    ] {
        let path = format!("/v1/inn/offerings/{offering}/availability{query}");
        let problem = client.get(&path).expect(422).json();
        assert_eq!(problem["field"], field, "{query}: {problem}");
    }
    // Nothing of that left a trace.
    let listed = client.get("/v1/inn/orders").expect(200).json();
    assert_eq!(listed["items"], json!([]));
    let seats = client.get("/v1/inn/offerings/3/availability").expect(200).json();
    assert_eq!((&seats["free"], seats.get("nights")), (&json!(3), None));
    let water = client.get("/v1/inn/offerings/5/availability").expect(200).json();
    assert_eq!(water["free"], Value::Null);
}

#[test]
fn a_time_that_the_clock_skips_or_repeats() {
    let (_folder, _server, mut client) = open();
    let declared = |slots: &[&str]| json!({"name": "Sauna", "inventory": {"model": "slots", "capacity": 1, "slots": slots}});
    for (slots, field, why) in [
        (
            vec!["2027-03-28T01:30", "2027-03-28T02:30"],
            "inventory.slots[1]",
            "does not exist in Europe/Berlin",
        ),
        (vec!["2027-10-31T02:30"], "inventory.slots[0]", "exists twice in Europe/Berlin"),
        (vec!["2027-10-31T02:30Z"], "inventory.slots[0]", "it is at +02:00 or +01:00"),
        (vec!["2031-05-05T10:00", "2031-05-05T10:00+02:00"], "inventory.slots", "twice"),
        (vec!["2031-05-05T24:00"], "inventory.slots[0]", "00 to 23"),
        (vec!["2031-05-05T10:00:30"], "inventory.slots[0]", "on the minute"),
        (vec!["noon"], "inventory.slots[0]", "such as"),
    ] {
        let problem = client.post("/v1/inn/offerings", &declared(&slots)).expect(422).json();
        assert_eq!(problem["field"], field, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(why), "{problem}");
    }

    // Both times the clock shows 02:30.
    let twice = ["2027-10-31T02:30+02:00", "2027-10-31T02:30+01:00"];
    let made = client.post("/v1/inn/offerings", &declared(&twice)).expect(201).json();
    assert_eq!(made["inventory"]["slots"], json!(twice));
    let id = made["id"].as_u64().unwrap();
    let unclear = client.post("/v1/inn/orders", &slot(id, "2027-10-31T02:30")).expect(422).json();
    assert_eq!(unclear["field"], "slot");
    for name in twice {
        assert_eq!(place(&mut client, &slot(id, name))["slot"], name);
        client.post("/v1/inn/orders", &slot(id, name)).expect(409);
    }
    balanced(&mut client);
}

#[test]
fn every_hour_of_a_day_of_25_hours_is_sold() {
    let (_folder, _server, mut client) = open();
    let mut hours: Vec<String> = (0..24).map(|hour| format!("2027-10-31T{hour:02}:00")).collect();
    hours[2] = "2027-10-31T02:00+02:00".to_owned();
    hours.insert(3, "2027-10-31T02:00+01:00".to_owned());
    let (id, path) = offer(&mut client, json!({"model": "slots", "capacity": 1, "slots": hours}));
    let query = format!("{path}/availability?from=2027-10-31&to=2027-11-01");
    let told = client.get(&query).expect(200).json();
    let slots = told["slots"].as_array().unwrap();
    assert_eq!(slots.len(), 25);
    let midnight: Timestamp = "2027-10-30T22:00:00Z".parse().unwrap();
    for ((told, hour), name) in slots.iter().zip(0..).zip(&hours) {
        let starts: Timestamp = told["starts_at"].as_str().unwrap().parse().unwrap();
        assert_eq!(starts, midnight + Span::new().hours(hour), "{told}");
        assert_eq!((told["slot"].as_str(), &told["free"]), (Some(name.as_str()), &json!(1)));
    }
    for name in &hours {
        assert_eq!(place(&mut client, &slot(id, name))["slot"], *name);
    }
    let told = client.get(&query).expect(200).json();
    assert!(told["slots"].as_array().unwrap().iter().all(|slot| slot["free"] == 0), "{told}");
    assert_eq!(told["held"], 25);
    // The night before and the night itself, in the same zone, are one price each.
    let night = place(&mut client, &stay("2027-10-30", "2027-11-01"));
    assert_eq!(night["price"]["amount"], 2000);
    balanced(&mut client);
}

#[test]
fn overbooking_and_shrinking() {
    let (_folder, _server, mut client) = open();
    let (id, path) = offer(&mut client, json!({"model": "nights", "units": 1, "overbook": 1}));
    let stay = |from: &str, to: &str| order(id, json!({"from": from, "to": to}));
    place(&mut client, &stay("2031-05-01", "2031-05-03"));
    place(&mut client, &stay("2031-05-02", "2031-05-04"));
    client.post("/v1/inn/orders", &stay("2031-05-02", "2031-05-03")).expect(409);
    let query = format!("{path}/availability?from=2031-05-01&to=2031-05-05");
    let free = client.get(&query).expect(200).json();
    let free: Vec<_> = free["nights"].as_array().unwrap().iter().map(|it| &it["free"]).collect();
    assert_eq!(free, [1, 0, 1, 2]);
    // The second of May is held twice, so two must be left to sell.
    let without = json!({"inventory": {"model": "nights", "units": 1, "overbook": 0}});
    let refused = client.json("PATCH", &path, &without).expect(409).json();
    assert!(refused["detail"].as_str().unwrap().contains("2 of it are held"), "{refused}");
    let enough = json!({"inventory": {"model": "nights", "units": 2, "overbook": 0}});
    client.json("PATCH", &path, &enough).expect(200);
    let other = json!({"inventory": {"model": "seats", "capacity": 9}});
    client.json("PATCH", &path, &other).expect(409);

    // A slot that is held is not taken off.
    place(&mut client, &slot(2, "2031-05-05T11:00"));
    let sauna = "/v1/inn/offerings/2";
    let slots =
        |slots: &[&str]| json!({"inventory": {"model": "slots", "capacity": 1, "slots": slots}});
    client.json("PATCH", sauna, &slots(&["2031-05-05T10:00"])).expect(409);
    let changed = client.json("PATCH", sauna, &slots(&["2031-05-05T11:00"])).expect(200).json();
    assert_eq!(changed["inventory"]["slots"], json!(["2031-05-05T11:00"]));
    let gone = client.post("/v1/inn/orders", &slot(2, "2031-05-05T10:00")).expect(422).json();
    assert_eq!(gone["field"], "slot");

    // Stock is sold beyond what there is by parts of a unit.
    let wine = json!({"inventory": {"model": "stock", "quantity": 10, "overbook": 0.5}});
    client.json("PATCH", "/v1/inn/offerings/4", &wine).expect(200);
    place(&mut client, &order(4, json!({"quantity": 10.5})));
    client.post("/v1/inn/orders", &order(4, json!({"quantity": 0.001}))).expect(409);
    for (offering, overbook) in [(3, json!(0.5)), (3, json!(-1)), (3, json!("1"))] {
        let path = format!("/v1/inn/offerings/{offering}");
        let change = json!({"inventory": {"model": "seats", "capacity": 3, "overbook": overbook}});
        let problem = client.json("PATCH", &path, &change).expect(422).json();
        assert_eq!(problem["field"], "inventory.overbook", "{problem}");
    }
    balanced(&mut client);
}

#[test]
fn stock_is_counted_by_hand() {
    let (_folder, _server, mut client) = open();
    let (wine, stock) = ("/v1/inn/offerings/4", "/v1/inn/offerings/4/stock");
    place(&mut client, &order(4, json!({"quantity": 4})));
    let received = client.post(stock, &json!({"received": 2.5})).expect(200).json();
    assert_eq!(received, json!({"offering": 4, "free": 8.5}));
    let removed = client.post(stock, &json!({"removed": 8.5})).expect(200).json();
    assert_eq!(removed["free"], 0);
    client.post(stock, &json!({"removed": 0.001})).expect(409);
    client.post(stock, &json!({"received": 20})).expect(200);
    // A change of something else keeps what arrived meanwhile.
    let renamed = client.json("PATCH", wine, &json!({"name": "Old wine"})).expect(200).json();
    assert_eq!((&renamed["inventory"]["quantity"], &renamed["free"]), (&json!(24), &json!(20)));
    let priced = client.json("PATCH", wine, &json!({"price": {"amount": 9}})).expect(200).json();
    assert_eq!(priced["free"], 20);
    let shrunk = json!({"inventory": {"model": "stock", "quantity": 3.999}});
    client.json("PATCH", wine, &shrunk).expect(409);

    for body in [json!({}), json!({"received": 1, "removed": 1}), json!({"received": "1"})] {
        let problem = client.post(stock, &body).expect(422).json();
        assert_eq!(problem["field"], "received", "{body}: {problem}");
    }
    let problem = client.post(stock, &json!({"removed": -1})).expect(422).json();
    assert_eq!(problem["field"], "removed");
    for offering in [1, 2, 3, 5] {
        let path = format!("/v1/inn/offerings/{offering}/stock");
        client.post(&path, &json!({"received": 1})).expect(409);
    }
    client.post("/v1/inn/offerings/99/stock", &json!({"received": 1})).expect(404);
    balanced(&mut client);
}

#[test]
fn supplies_are_counted_once_and_numbered_by_themselves() {
    let (_folder, _server, mut client) = open();
    let free = |client: &mut Client| {
        client.get("/v1/depot/offerings/1").expect(200).json()["free"].clone()
    };
    let supply = |quantity: f64| json!({"customer": "refinery", "offering": 1, "quantity": quantity, "supply": true});
    let number = |order: &Value| order["attributes"]["number"].clone();
    let mut made = Vec::new();
    for quantity in [5.5, 7.0] {
        let answer = client.post("/v1/depot/orders", &supply(quantity));
        assert!([201, 202].contains(&answer.status), "{answer:?}");
        let order = answer.json();
        assert_eq!(order["supply"], true, "{order}");
        assert!(order.get("payment").is_none(), "nobody pays for it: {order}");
        assert_eq!(number(&order), json!(made.len() + 1));
        made.push(format!("/v1/depot/orders/{}", order["id"]));
    }
    let sale = json!({"customer": "ann", "offering": 1, "quantity": 2, "payment": {"card": "t"}});
    for expected in [1, 2] {
        let order = client.post("/v1/depot/orders", &sale).expect(201).json();
        assert_eq!(number(&order), expected, "{order}");
        assert!(order.get("supply").is_none());
    }
    for path in &made {
        reach(&mut client, path, "confirmed");
    }
    assert_eq!(free(&mut client), 6, "nothing has arrived yet");
    client.tell(&format!("{}/complete", made[0])).expect(200);
    let done = reach(&mut client, &made[0], "fulfilled");
    assert_eq!(done["quantity"], 5.5);
    assert_eq!(free(&mut client), 11.5);
    client.tell(&format!("{}/complete", made[0])).expect(409);
    assert_eq!(free(&mut client), 11.5);
    // One that never came brings nothing.
    client.tell(&format!("{}/cancel", made[1])).expect(200);
    reach(&mut client, &made[1], "cancelled");
    assert_eq!(free(&mut client), 11.5);
    let with_card =
        json!({"customer": "r", "offering": 1, "supply": true, "payment": {"card": "t"}});
    let answer = client.post("/v1/depot/orders", &with_card);
    assert!([201, 202, 422].contains(&answer.status), "{answer:?}");
    let most = order(1, json!({"quantity": 11.5}));
    client.post("/v1/depot/orders", &most).expect(201);
    assert_eq!(free(&mut client), 0);
    balanced(&mut client);
}

#[test]
fn what_comes_back_depends_on_how_far_the_start_is() {
    let (_folder, _server, mut client) = open();
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let in_hours = |hours: i64| {
        let at = (Timestamp::now() + Span::new().hours(hours)).to_zoned(berlin.clone());
        at.strftime("%Y-%m-%dT%H:%M%:z").to_string()
    };
    let starts = [in_hours(72), in_hours(36), in_hours(12)];
    let (id, _) = offer(&mut client, json!({"model": "slots", "capacity": 2, "slots": starts}));
    for (start, refund, state) in
        [(0, 2000, "refunded"), (1, 1000, "partly_refunded"), (2, 0, "captured")]
    {
        let asked = order(id, json!({"slot": starts[start], "quantity": 2}));
        let placed = place(&mut client, &asked);
        assert_eq!(placed["price"]["amount"], 2000);
        let path = format!("/v1/inn/orders/{}", placed["id"]);
        reach(&mut client, &path, "confirmed");
        let quote = client.tell(&format!("{path}/cancellation-quote")).expect(200).json();
        assert_eq!(quote["refund"], json!({"amount": refund, "currency": "EUR"}), "{asked}");
        let cancel = json!({"quote": quote["quote"]});
        let cancelled = client.post(&format!("{path}/cancel"), &cancel).expect(200).json();
        assert_eq!(cancelled["payment"]["state"], state, "{cancelled}");
    }
    let far = place(&mut client, &stay("2031-05-01", "2031-05-04"));
    let path = format!("/v1/inn/orders/{}/cancellation-quote", far["id"]);
    let quote = client.tell(&path).expect(200).json();
    assert_eq!(quote["refund"]["amount"], 3000);
    balanced(&mut client);
}

#[test]
fn events_say_which_nights_and_which_slot() {
    let (_folder, _server, mut client) = open();
    place(&mut client, &stay("2031-05-02", "2031-05-04"));
    place(&mut client, &slot(2, "2031-05-05T10:00"));
    place(&mut client, &order(3, json!({})));
    let events = client.get("/v1/inn/events?limit=1000").expect(200).json();
    let of = |kind: &str| -> Vec<Value> {
        let events = events["items"].as_array().unwrap().iter();
        events.filter(|event| event["eventType"] == kind).map(|it| it["data"].clone()).collect()
    };
    for kind in ["OrderPlaced", "UnitsHeld"] {
        let [stay, slot, seat] = &of(kind)[..] else { panic!("{kind}: {events}") };
        assert_eq!((&stay["from"], &stay["to"]), (&json!("2031-05-02"), &json!("2031-05-04")));
        assert_eq!((&slot["slot"], slot.get("from")), (&json!("2031-05-05T10:00"), None));
        assert!(["from", "to", "slot", "supply"].iter().all(|name| seat.get(name).is_none()));
    }
}

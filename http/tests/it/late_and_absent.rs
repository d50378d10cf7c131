//! Money that comes late and customers who do not come, over HTTP: what the plan says of both.

use std::path::Path;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{Server, until};

/// Waits a second for its money, and takes it later too.
const BOOTH: &str = r#"
name = "booth"
currency = "EUR"
[payment]
hold = "1 s"
late = "retake"
[[offerings]]
id = 1
name = "Ticket"
price = { amount = 700 }
inventory = { model = "seats", capacity = 2 }
"#;

fn serve(folder: &Path, silent: bool) -> Server {
    let (market, config) = (folder.join("booth.toml"), folder.join("config.toml"));
    std::fs::write(&market, BOOTH).unwrap();
    std::fs::write(&config, format!("[sandbox]\nsilent = {silent}\n")).unwrap();
    let (market, config) = (market.display().to_string(), config.display().to_string());
    let flags = ["--admin", "--market", &market, "--config", &config];
    Server::with(&folder.join("data"), &flags)
}

fn events(history: &Value) -> Vec<&str> {
    let steps = history["items"].as_array().unwrap().iter();
    steps.map(|step| step["event"].as_str().unwrap()).collect()
}

#[test]
fn late_money_is_taken_after_a_kill_and_who_cancelled_meanwhile_has_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path(), true);
    let path = |id: u64| format!("/v1/booth/orders/{id}");
    let mut client = server.client();
    std::thread::scope(|scope| {
        // Nobody waits for these answers: the gateway says nothing, and the server is killed.
        let told = |path: String, body: Value| {
            let mut client = server.client();
            let json = [("content-type", "application/json")];
            scope.spawn(move || {
                let _ = client.send("POST", &path, &json, Some(body.to_string().as_bytes()));
            });
        };
        for (id, customer) in [(1, "ann"), (2, "bob")] {
            let order = json!({"customer": customer, "offering": 1, "payment": {"card": "7"}});
            told("/v1/booth/orders".to_owned(), order);
            until("its time is over", || {
                let order = client.get(&path(id)).json();
                let over = order["phase"] == "refunding";
                over.then(|| assert_eq!(order["reason"], "payment_expired"))
            });
        }
        assert_eq!(client.get("/v1/booth/offerings/1").json()["free"], 0, "both seats are held");
        told(format!("{}/cancel", path(2)), json!({"reason": "too slow"}));
        until("it is the customer's wish now", || {
            (client.get(&path(2)).json()["reason"] == "customer").then_some(())
        });
        server.kill();
    });

    let server = serve(folder.path(), false);
    let mut client = server.client();
    let taken = until("the late money is taken", || {
        let order = client.get(&path(1)).expect(200).json();
        (order["phase"] == "confirmed").then_some(order)
    });
    assert_eq!((&taken["payment"]["state"], &taken["reason"]), (&json!("captured"), &Value::Null));
    let history = client.get(&format!("{}/history", path(1))).expect(200).json();
    let events = events(&history);
    assert!(events.contains(&"OrderRetaken") && !events.contains(&"OrderRefunded"), "{events:?}");
    let cancelled = until("who cancelled has it back", || {
        let order = client.get(&path(2)).expect(200).json();
        (order["phase"] == "cancelled").then_some(order)
    });
    let (state, reason) = (&cancelled["payment"]["state"], &cancelled["reason"]);
    assert_eq!((state, reason), (&json!("refunded"), &json!("customer")), "{cancelled}");
    let audit = client.get("/v1/admin/audit").expect(200).json();
    assert_eq!(audit["balanced"], true, "{audit}");
    assert_eq!(audit["money"]["EUR"]["kept"], 700, "{audit}");
}

/// A zone in which it is morning, so that today stays today while the test runs.
fn morning() -> (&'static str, Zoned) {
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    if now.hour() < 12 {
        return ("UTC", now);
    }
    let zone = "Etc/GMT+12";
    (zone, Timestamp::now().in_tz(zone).unwrap())
}

/// Rooms by the night and breakfast at any time; three tenths come back to who does not come.
const INN: &str = r#"
name = "inn"
currency = "EUR"
zone = "ZONE"
[cancellation]
no_show = 30
[messages]
cancelled = "Order {order} is cancelled."
[[offerings]]
id = 1
name = "Room"
price = { amount = 8001 }
inventory = { model = "nights", units = 1 }
[[offerings]]
id = 2
name = "Breakfast"
price = { amount = 900 }
inventory = { model = "seats", capacity = 1 }
"#;

fn night(from: &str, to: &str) -> Value {
    json!({"customer": "ann", "offering": 1, "from": from, "to": to, "payment": {"card": "7"}})
}

fn breakfast() -> Value {
    json!({"customer": "ann", "offering": 2, "payment": {"card": "7"}})
}

/// Books, and waits until the booking is confirmed. Returns its path.
fn booked(client: &mut Client, order: &Value) -> String {
    let id = client.post("/v1/inn/orders", order).expect(201).json()["id"].clone();
    let path = format!("/v1/inn/orders/{id}");
    until("it is confirmed", || {
        (client.get(&path).expect(200).json()["phase"] == "confirmed").then_some(())
    });
    path
}

fn balanced(client: &mut Client) {
    let audit = client.get("/v1/admin/audit").expect(200).json();
    assert_eq!(audit["balanced"], true, "{audit}");
}

#[test]
fn who_does_not_come_gets_back_what_the_plan_says() {
    let (zone, today) = morning();
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[&INN.replace("ZONE", zone)]);
    let mut client = server.client();
    let (from, to) = (today.date(), today.date().tomorrow().unwrap());
    let tonight = night(&from.to_string(), &to.to_string());
    let path = booked(&mut client, &tonight);
    let mut absent = |body: Value| client.post(&format!("{path}/no-show"), &body);
    absent(json!({"reason": 5})).expect(422);
    absent(json!({"why": "late"})).expect(422);
    let first = absent(json!({"reason": "the bed is untouched"})).expect(200).json();
    assert_eq!((&first["phase"], &first["reason"]), (&json!("cancelled"), &json!("no_show")));
    assert_eq!(first["reason_text"], "the bed is untouched");
    assert_eq!(first["payment"]["state"], "partly_refunded", "{first}");
    for again in [json!({"reason": "the bed is untouched"}), json!({}), json!({"reason": "x"})] {
        assert_eq!(absent(again).expect(200).json(), first, "said twice, it is said once");
    }
    let history = client.get(&format!("{path}/history")).expect(200).json();
    let steps = history["items"].as_array().unwrap();
    let undone = steps.iter().find(|step| step["event"] == "UndoStarted").unwrap();
    assert_eq!(undone["cause"], "operator", "{undone}");
    let back = steps.iter().find(|step| step["event"] == "OrderRefunded").unwrap();
    assert!(back.to_string().contains("2400 EUR"), "30 percent of 8001: {back}");
    booked(&mut client, &tonight);
    until("it is told", || {
        let told = client.get("/v1/inn/customers/ann/messages").expect(200).json();
        let texts = told["items"].as_array().unwrap().iter().map(|message| &message["text"]);
        texts.into_iter().any(|text| text == "Order 1 is cancelled.").then_some(())
    });
    balanced(&mut client);
}

#[test]
fn nobody_is_missing_before_it_begins_or_once_it_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[&INN.replace("ZONE", "Europe/Berlin")]);
    let mut client = server.client();
    let absent = |client: &mut Client, path: &str| client.tell(&format!("{path}/no-show"));
    let room = booked(&mut client, &night("2035-03-05", "2035-03-06"));
    let early = absent(&mut client, &room).expect(409).json();
    let said = (&early["type"], &early["phase"]);
    assert_eq!(said, (&json!("/problems/not-begun"), &json!("confirmed")));
    let when = "it begins at 2035-03-04T23:00:00.000Z";
    assert!(early["detail"].as_str().unwrap().contains(when), "{early}");
    absent(&mut client, "/v1/inn/orders/9").expect(404);

    // What begins at no time may be missed from its confirmation on; what was cancelled was not.
    let cancelled = booked(&mut client, &breakfast());
    client.tell(&format!("{cancelled}/cancel")).expect(200);
    let wrong = absent(&mut client, &cancelled).expect(409).json();
    let said = (&wrong["type"], &wrong["phase"]);
    assert_eq!(said, (&json!("/problems/wrong-phase"), &json!("cancelled")));
    let missed = booked(&mut client, &breakfast());
    let missed = absent(&mut client, &missed).expect(200).json();
    assert_eq!(missed["payment"]["state"], "partly_refunded", "{missed}");
    balanced(&mut client);
}

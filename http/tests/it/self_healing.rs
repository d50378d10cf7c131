//! Faults on demand, and how the server gets over them.

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{CINEMA, GUIDE, Server, until};

fn node(client: &mut Client, name: &str) -> Value {
    let tree = client.get("/v1/admin/tree").expect(200).json();
    let all = tree["children"].as_array().unwrap();
    all.iter().find(|node| node["name"] == name).unwrap().clone()
}

fn order(client: &mut Client, market: &str) -> u64 {
    let order = json!({"customer": "ann", "offering": 1, "payment": {"card": "7"}});
    let placed = client.post(&format!("/v1/{market}/orders"), &order);
    assert!([201, 202].contains(&placed.status), "{placed:?}");
    placed.json()["id"].as_u64().unwrap()
}

#[test]
fn a_crashed_order_is_the_same_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[GUIDE]);
    let mut client = server.client();
    let id = order(&mut client, "guide");
    let path = format!("/v1/guide/orders/{id}");
    let before = client.get(&path).expect(200).json();
    assert_eq!(node(&mut client, "orders")["restarts"], 0);
    client.tell(&format!("/v1/admin/orders/guide/{id}/crash")).expect(202);
    let orders = until("the restart shows", || {
        let orders = node(&mut client, "orders");
        (orders["restarts"] == 1).then_some(orders)
    });
    assert!(orders["last_cause"].is_string(), "{orders}");
    assert_eq!(client.get(&path).expect(200).json(), before);
    let paid = client.post(&format!("{path}/pay"), &json!({"card": "8"})).expect(200).json();
    assert_eq!(paid["phase"], "paid");
}

#[test]
fn a_poisoned_order_is_set_aside_and_brought_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[GUIDE, CINEMA]);
    let mut client = server.client();
    let (bad, good) = (order(&mut client, "guide"), order(&mut client, "guide"));
    client.tell(&format!("/v1/admin/orders/guide/{bad}/crash?always=true")).expect(202);
    let pay = json!({"card": "8"});
    let quarantined = until("the quarantine", || {
        let orders = node(&mut client, "orders");
        let children = orders["children"].as_array().unwrap().clone();
        children.into_iter().find(|child| child["state"] == "quarantined")
    });
    assert!(quarantined["last_cause"].is_string(), "{quarantined}");
    // It can still be looked at, and what is asked of it is refused in words.
    client.get(&format!("/v1/guide/orders/{bad}")).expect(200);
    let refused = client.post(&format!("/v1/guide/orders/{bad}/pay"), &pay).expect(503);
    assert_eq!(refused.json()["type"], "/problems/quarantined");
    assert_eq!(refused.json()["order"], bad);
    // Nobody else notices.
    let paid = client.post(&format!("/v1/guide/orders/{good}/pay"), &pay).expect(200).json();
    assert_eq!(paid["phase"], "paid");
    order(&mut client, "cinema");
    client.get("/readyz").expect(200);

    let attention = client.get("/v1/admin/attention").expect(200).json();
    let retry = format!("/v1/admin/orders/guide/{bad}/retry");
    let item = &attention["items"][0];
    assert_eq!((&item["market"], &item["order"]), (&json!("guide"), &json!(bad)), "{attention}");
    assert_eq!((&item["why"], &item["phase"]), (&json!("quarantined"), &json!("unpaid")));
    assert_eq!(item["commands"], json!([format!("POST {retry}")]));
    assert!(item["since"].is_string() && item["reason"].is_string(), "{item}");
    assert_eq!(
        (attention["items"].as_array().unwrap().len(), &attention["next"]),
        (1, &Value::Null)
    );
    let after = client.get(&format!("/v1/admin/attention?limit=5&cursor=0-{bad}")).expect(200);
    assert_eq!(after.json()["items"], json!([]));
    client.get("/v1/admin/attention?cursor=7").expect(422);
    until("the metrics tell", || {
        let metrics = client.get("/metrics").body;
        metrics.contains("surehold_orders_quarantined 1").then_some(())
    });
    client.tell(&retry).expect(200);
    assert_eq!(client.get("/v1/admin/attention").expect(200).json()["items"], json!([]));
    let paid = client.post(&format!("/v1/guide/orders/{bad}/pay"), &pay).expect(200).json();
    assert_eq!((&paid["phase"], &paid["payment"]["state"]), (&json!("paid"), &json!("captured")));
    assert_eq!(client.get("/v1/admin/audit").json()["balanced"], true);
}

#[test]
fn the_breaker_and_what_needs_a_person_show() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[CINEMA]);
    let mut client = server.client();
    let payments = node(&mut client, "payments");
    assert_eq!(
        (&payments["breaker"], &payments["breaker_until"]),
        (&json!("closed"), &Value::Null)
    );
    assert!(node(&mut client, "confirmations").get("breaker").is_none());
    order(&mut client, "cinema");
    until("the metrics tell", || {
        let metrics = client.get("/metrics").body;
        let gauges = ["surehold_breaker_state", "surehold_breaker_opened_total"];
        let orders = ["surehold_orders_overdue", "surehold_orders_stuck"];
        let others = ["surehold_orders_quarantined", "surehold_payments_unknown"];
        let all = gauges.into_iter().chain(orders).chain(others);
        all.map(|name| format!("\n{name} 0")).all(|line| metrics.contains(&line)).then_some(())
    });
}

#[test]
fn crashed_participants_come_back_and_miss_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[CINEMA]);
    let mut client = server.client();
    let stream = json!({"customer": "ann", "offering": 2, "payment": {"card": "7"}});
    for name in ["payments", "confirmations", "inventory", "views"] {
        let crash = format!("/v1/admin/participants/{name}/crash");
        let ids: Vec<_> = std::thread::scope(|scope| {
            let buy = || server.client().post("/v1/cinema/orders", &stream);
            let all: Vec<_> = (0..16).map(|_| scope.spawn(buy)).collect();
            client.tell(&crash).expect(202);
            all.into_iter()
                .map(|one| one.join().unwrap().expect(201).json()["id"].clone())
                .collect()
        });
        until("it is up again", || (node(&mut client, name)["state"] == "up").then_some(()));
        for id in ids {
            until("it is confirmed", || {
                let order = client.get(&format!("/v1/cinema/orders/{id}")).expect(200).json();
                (order["phase"] == "confirmed").then_some(())
            });
        }
    }
    assert_eq!(client.get("/v1/admin/audit").json()["balanced"], true);
}

#[test]
fn orders_go_on_without_confirmations_also_over_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[CINEMA]);
    let mut client = server.client();
    client.tell("/v1/admin/participants/confirmations/stop").expect(202);
    assert_eq!(node(&mut client, "confirmations")["state"], "stopped");
    let id = order(&mut client, "cinema");
    let waiting = client.get(&format!("/v1/cinema/orders/{id}")).expect(200).json();
    assert_eq!((&waiting["phase"], &waiting["confirmation"]), (&json!("paid"), &Value::Null));
    server.kill();
    // What an operator stopped stays stopped; started again, it does what was owed.
    let server = Server::markets(folder.path(), &[CINEMA]);
    let mut client = server.client();
    assert_eq!(node(&mut client, "confirmations")["state"], "stopped");
    let waiting = client.get(&format!("/v1/cinema/orders/{id}")).expect(200).json();
    assert_eq!(waiting["phase"], "paid");
    client.tell("/v1/admin/participants/confirmations/start").expect(202);
    until("it is confirmed", || {
        let order = client.get(&format!("/v1/cinema/orders/{id}")).expect(200).json();
        (order["phase"] == "confirmed").then_some(())
    });
}

/// A market whose operator has much to say.
const TOURS: &str = r#"
name = "tours"
currency = "EUR"
[confirmation]
by = "operator"
[[offerings]]
id = 1
name = "Tour"
price = { amount = 5000 }
inventory = { model = "unlimited" }
"#;

/// Kills a server again and again, and speaks to the next one as soon as it says that it is ready.
fn speak_at_once(kills: usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::markets(folder.path(), &[TOURS]);
    let mut client = server.client();
    let mut waiting = Vec::new();
    for _ in 0..kills {
        let path = format!("/v1/tours/orders/{}", order(&mut client, "tours"));
        until("it waits for the operator", || {
            let order = client.get(&path).expect(200).json();
            (order["confirmation"]["state"] == "waiting").then_some(())
        });
        waiting.push(path);
    }
    for path in waiting {
        server.kill();
        server = Server::markets(folder.path(), &[TOURS]);
        let confirmed = server.client().tell(&format!("{path}/confirm")).expect(200).json();
        assert_eq!(confirmed["phase"], "confirmed");
    }
}

#[test]
fn a_server_that_says_it_is_ready_hears_the_operator() {
    // Several at once, so that threads start late.
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| speak_at_once(20));
        }
    });
}

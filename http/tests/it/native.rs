//! Every call of the native API, used well and used wrongly.

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{CINEMA, GUIDE, Server, until};

fn open() -> (tempfile::TempDir, Server, Client) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[CINEMA, GUIDE]);
    let client = server.client();
    (folder, server, client)
}

fn order(offering: u64) -> Value {
    json!({"customer": "ann", "offering": offering, "payment": {"card": "tok_1"}})
}

/// Waits until the order is in this phase.
fn reach(client: &mut Client, path: &str, phase: &str) -> Value {
    until(phase, || {
        let order = client.get(path).expect(200).json();
        (order["phase"] == phase).then_some(order)
    })
}

#[test]
fn offerings_are_added_changed_and_closed() {
    let (_folder, _server, mut client) = open();
    let new = json!({"name": "Box", "price": {"amount": 5000, "currency": "EUR"},
        "inventory": {"model": "seats", "capacity": 2}, "attributes": {"row": 7, "dark": true}});
    let made = client.post("/v1/cinema/offerings", &new).expect(201);
    assert_eq!(made.header("location"), Some("/v1/cinema/offerings/4"));
    let made = made.json();
    assert_eq!((&made["id"], &made["free"], &made["held"]), (&json!(4), &json!(2), &json!(0)));
    assert_eq!(made["attributes"], new["attributes"]);
    assert_eq!(made["inventory"], new["inventory"]);
    assert_eq!(client.get("/v1/cinema/offerings/4").expect(200).json(), made);
    let mut taken = new.clone();
    taken["id"] = json!(4);
    client.post("/v1/cinema/offerings", &taken).expect(409);

    let path = "/v1/cinema/offerings/4";
    let change = json!({"name": "Lodge", "inventory": {"model": "seats", "capacity": 5}});
    let changed = client.json("PATCH", path, &change).expect(200).json();
    assert_eq!((&changed["name"], &changed["free"]), (&json!("Lodge"), &json!(5)));
    assert_eq!(changed["price"], new["price"]);
    client.post("/v1/cinema/orders", &order(4)).expect(201);
    let less = json!({"inventory": {"model": "seats", "capacity": 0}});
    let status = client.json("PATCH", path, &less).status;
    assert!([409, 422].contains(&status), "{status}");

    let first = client.get("/v1/cinema/offerings?limit=2").expect(200).json();
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let rest = client.get(&format!("/v1/cinema/offerings?cursor={}", first["next"])).expect(200);
    assert_eq!(rest.json()["items"].as_array().unwrap().len(), 2);
    assert_eq!(rest.json()["next"], Value::Null);

    client.send("DELETE", path, &[], None).unwrap().expect(204);
    client.get(path).expect(404);
    client.send("DELETE", path, &[], None).unwrap().expect(404);
    let refused = client.post("/v1/cinema/orders", &order(4));
    assert!([409, 422].contains(&refused.status), "{refused:?}");
}

#[test]
fn an_order_goes_all_the_way() {
    let (_folder, _server, mut client) = open();
    let mut asked = order(1);
    asked["payment"]["card"] = json!("4242 4242 4242 4242");
    asked["attributes"] = json!({"note": "aisle", "pets": null, "weight": 2.5});
    let placed = client.post("/v1/cinema/orders", &asked).expect(201);
    assert_eq!(placed.header("location"), Some("/v1/cinema/orders/1"));
    let done = reach(&mut client, "/v1/cinema/orders/1", "confirmed");
    assert_eq!(done["market"], "cinema");
    assert_eq!(done["price"], json!({"amount": 1250, "currency": "EUR"}));
    assert_eq!(done["payment"], json!({"id": 1, "state": "captured", "card_last4": "4242"}));
    assert_eq!(done["confirmation"], json!({"id": 1, "state": "confirmed"}));
    assert_eq!((&done["quantity"], &done["attributes"]), (&json!(1), &asked["attributes"]));
    let moment = done["created_at"].as_str().unwrap();
    assert!(moment.len() == 24 && moment.ends_with('Z'), "{moment}");
    assert!(done.get("reason").is_none() && done.get("deadline").is_some());

    let history = client.get("/v1/cinema/orders/1/history").expect(200).json();
    let events: Vec<_> =
        history["items"].as_array().unwrap().iter().map(|step| step["event"].clone()).collect();
    assert_eq!(events, ["OrderPlaced", "OrderHeld", "OrderPaid", "OrderConfirmed"]);
    let completed = client.tell("/v1/cinema/orders/1/complete").expect(200).json();
    assert_eq!(completed["phase"], "fulfilled");
    let refused = client.tell("/v1/cinema/orders/1/cancel").expect(409).json();
    assert_eq!(
        (&refused["phase"], &refused["type"]),
        (&json!("fulfilled"), &json!("/problems/wrong-phase"))
    );
}

#[test]
fn cancelling_returns_money_and_seat() {
    let (_folder, _server, mut client) = open();
    client.post("/v1/cinema/orders", &order(1)).expect(201);
    reach(&mut client, "/v1/cinema/orders/1", "confirmed");
    let quote = client.tell("/v1/cinema/orders/1/cancellation-quote").expect(200).json();
    assert_eq!(quote["refund"], json!({"amount": 1250, "currency": "EUR"}));
    assert!(quote["valid_until"].is_string());
    let cancel = json!({"reason": "rain", "quote": quote["quote"]});
    let order = client.post("/v1/cinema/orders/1/cancel", &cancel).expect(200).json();
    assert_eq!((&order["phase"], &order["reason"]), (&json!("cancelled"), &json!("customer")));
    assert_eq!(order["reason_text"], "rain");
    assert_eq!(order["payment"]["state"], "refunded");
    let left = client.get("/v1/cinema/offerings/1/availability").expect(200).json();
    assert_eq!((&left["free"], &left["held"]), (&json!(3), &json!(0)));
    // Cancelling twice changes nothing, and says where the order is.
    let again = client.post("/v1/cinema/orders/1/cancel", &json!({"reason": "snow"})).expect(409);
    assert_eq!(again.json()["phase"], "cancelled");
    assert_eq!(client.get("/v1/cinema/orders/1").expect(200).json(), order);
    client.post("/v1/cinema/orders/1/cancel", &json!({"quote": 4_000_000_000_000_u64})).expect(422);
}

#[test]
fn no_room_and_declined_keep_nothing() {
    let (_folder, _server, mut client) = open();
    let mut declined = order(1);
    declined["payment"]["card"] = json!("4000000000000002");
    let problem = client.post("/v1/cinema/orders", &declined).expect(402);
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
    assert_eq!(problem.json()["type"], "/problems/declined");
    let id = problem.json()["order"].as_u64().unwrap();
    let kept = client.get(&format!("/v1/cinema/orders/{id}")).expect(200).json();
    assert_eq!(
        (&kept["phase"], &kept["reason"]),
        (&json!("cancelled"), &json!("payment_declined"))
    );
    assert_eq!(client.get("/v1/cinema/offerings/1").json()["free"], 3);

    let mut many = order(1);
    many["quantity"] = json!(4);
    let problem = client.post("/v1/cinema/orders", &many).expect(409).json();
    assert_eq!(problem["type"], "/problems/no-room");
    for left in [2, 1, 0] {
        client.post("/v1/cinema/orders", &order(1)).expect(201);
        assert_eq!(client.get("/v1/cinema/offerings/1").json()["free"], left);
    }
    client.post("/v1/cinema/orders", &order(1)).expect(409);
    let mut stock = order(3);
    stock["quantity"] = json!(10.125);
    let sold = client.post("/v1/cinema/orders", &stock).expect(201).json();
    assert_eq!((&sold["quantity"], &sold["price"]["amount"]), (&json!(10.125), &json!(10115)));
    assert_eq!(client.get("/v1/cinema/offerings/3").json()["free"], 0.375);
    client.post("/v1/cinema/orders", &stock).expect(409);
    assert_eq!(client.get("/v1/admin/audit").expect(200).json()["balanced"], true);
}

#[test]
fn payments_and_inventory_down_are_503() {
    let (_folder, _server, mut client) = open();
    for (participant, kind) in [
        ("payments", "/problems/payments-unavailable"),
        ("inventory", "/problems/inventory-unavailable"),
    ] {
        client.tell(&format!("/v1/admin/participants/{participant}/stop")).expect(202);
        let problem = client.post("/v1/cinema/orders", &order(1)).expect(503);
        assert!(problem.header("retry-after").is_some());
        assert_eq!(problem.json()["type"], kind);
        client.tell(&format!("/v1/admin/participants/{participant}/start")).expect(202);
        client.post("/v1/cinema/orders", &order(2)).expect(201);
    }
}

#[test]
fn paying_later_and_the_operators_word() {
    let (_folder, _server, mut client) = open();
    let asked = json!({"customer": "bob", "offering": 1});
    let placed = client.post("/v1/guide/orders", &asked).expect(202);
    assert_eq!(placed.header("location"), Some("/v1/guide/orders/1"));
    assert_eq!(placed.json()["phase"], "unpaid");
    let early = client.tell("/v1/guide/orders/1/confirm").expect(409).json();
    assert_eq!(early["phase"], "unpaid");
    let paid = client.post("/v1/guide/orders/1/pay", &json!({"card": "tok"})).expect(200).json();
    assert_eq!((&paid["phase"], &paid["payment"]["state"]), (&json!("paid"), &json!("captured")));
    until("the operator's queue", || {
        let order = client.get("/v1/guide/orders/1").json();
        (order["confirmation"]["state"] == "waiting").then_some(())
    });
    let confirmed = client.tell("/v1/guide/orders/1/confirm").expect(200).json();
    assert_eq!(confirmed["phase"], "confirmed");

    client.post("/v1/guide/orders", &asked).expect(202);
    client.post("/v1/guide/orders/2/pay", &json!({"card": "tok"})).expect(200);
    until("the operator's queue", || {
        let order = client.get("/v1/guide/orders/2").json();
        (order["confirmation"]["state"] == "waiting").then_some(())
    });
    let no = json!({"reason": "the guide is ill"});
    client.post("/v1/guide/orders/2/reject", &no).expect(200);
    let order = reach(&mut client, "/v1/guide/orders/2", "cancelled");
    assert_eq!((&order["reason"], &order["reason_text"]), (&json!("rejected"), &no["reason"]));
    assert_eq!(order["payment"]["state"], "refunded");
}

#[test]
fn orders_are_listed_by_customer_offering_and_phase() {
    let (_folder, _server, mut client) = open();
    for (customer, offering) in [("ann", 1), ("bob", 2), ("ann", 2), ("anna lee", 2)] {
        let mut order = order(offering);
        order["customer"] = json!(customer);
        client.post("/v1/cinema/orders", &order).expect(201);
    }
    for id in 1..=4 {
        reach(&mut client, &format!("/v1/cinema/orders/{id}"), "confirmed");
    }
    client.tell("/v1/cinema/orders/3/cancel").expect(200);
    for (query, expected) in [
        ("", vec![1, 2, 3, 4]),
        ("?customer=ann", vec![1, 3]),
        ("?customer=anna%20lee", vec![4]),
        ("?customer=anna+lee&offering=2", vec![4]),
        ("?offering=2", vec![2, 3, 4]),
        ("?offering=2&phase=confirmed", vec![2, 4]),
        ("?phase=cancelled", vec![3]),
        ("?customer=nobody", vec![]),
        ("?limit=2&cursor=1", vec![2, 3]),
    ] {
        let page = client.get(&format!("/v1/cinema/orders{query}")).expect(200).json();
        let ids: Vec<_> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].as_u64().unwrap())
            .collect();
        assert_eq!(ids, expected, "{query}");
    }
    let problem = client.get("/v1/cinema/orders?phase=gone").expect(422).json();
    assert_eq!(problem["field"], "phase");
}

#[test]
fn addresses_and_methods_are_exact() {
    let (_folder, _server, mut client) = open();
    for path in [
        "/v1",
        "/v1/cinema",
        "/v1/nowhere/orders",
        "/nothing",
        "/v1/cinema/orders/0",
        "/v1/cinema/orders/x",
        "/v1/cinema/orders/18446744073709551616",
        "/v1/cinema/orders/77",
        "/v1/cinema/offerings/77/availability",
        "/v1/cinema/orders/1/2/3/4/5/6",
        "/v1/cinema/customers/ann",
    ] {
        let problem = client.get(path).expect(404);
        assert_eq!(problem.header("content-type"), Some("application/problem+json"), "{path}");
    }
    for (method, path, allow) in [
        ("PUT", "/v1/cinema/orders", "GET, POST"),
        ("DELETE", "/v1/cinema/orders/1", "GET"),
        ("POST", "/v1/cinema/offerings/1", "GET, PATCH, DELETE"),
        ("GET", "/v1/cinema/orders/1/pay", "POST"),
        ("POST", "/readyz", "GET"),
        ("OPTIONS", "/v1/admin/tree", "GET"),
    ] {
        let problem = client.send(method, path, &[("content-length", "0")], None).unwrap();
        assert_eq!(problem.expect(405).header("allow"), Some(allow), "{method} {path}");
    }
    assert_eq!(client.send("HEAD", "/readyz", &[], None).unwrap().status, 200);
    client.get("/v1/cinema/orders/").expect(200);
}

#[test]
fn probes_and_metrics() {
    let (_folder, _server, mut client) = open();
    client.get("/livez").expect(200);
    client.get("/readyz").expect(200);
    assert_eq!(client.get("/actuator/health").expect(200).json(), json!({"status": "UP"}));
    client.post("/v1/cinema/orders", &order(2)).expect(201);
    let text = client.get("/metrics").expect(200).body;
    assert!(text.contains("http_requests_total{class=\"place\",status=\"2xx\"} 1"), "{text}");
    assert!(text.contains("http_request_seconds_bucket"), "{text}");
    client.post("/echo", &json!({})).expect(404);
}

#[test]
fn the_tree_shows_every_participant() {
    let (_folder, _server, mut client) = open();
    let tree = client.get("/v1/admin/tree").expect(200).json();
    assert_eq!((&tree["name"], &tree["state"]), (&json!("root"), &json!("up")));
    let names: Vec<_> =
        tree["children"].as_array().unwrap().iter().map(|node| node["name"].clone()).collect();
    for name in ["journal", "inventory", "payments", "confirmations", "orders", "edge"] {
        assert!(names.contains(&json!(name)), "{name} in {names:?}");
    }
    client.tell("/v1/admin/participants/nobody/stop").expect(404);
    client.tell("/v1/admin/participants/payments/pause").expect(404);
    client.tell("/v1/admin/orders/cinema/9/crash").expect(404);
    client.tell("/v1/admin/orders/cinema/9/retry").expect(404);
    client.tell("/v1/admin/orders/nowhere/1/crash").expect(404);
}

//! Repeating a request is harmless, if the client names it.

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::payment_service::Service;
use crate::server::{CINEMA, Server, until};

fn place(client: &mut Client, key: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    let body = body.to_string();
    client.send("POST", "/v1/cinema/orders", &headers, Some(body.as_bytes())).unwrap()
}

#[test]
fn the_same_key_and_body_make_one_order() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[CINEMA]);
    let mut client = server.client();
    let order = json!({"customer": "ann", "offering": 1, "payment": {"card": "7"}});
    let first = place(&mut client, "k-1", &order).expect(201);
    for _ in 0..3 {
        let again = place(&mut client, "k-1", &order).expect(201);
        assert_eq!(again.json()["id"], first.json()["id"]);
        assert_eq!(again.header("location"), first.header("location"));
    }
    let other = json!({"customer": "bob", "offering": 1, "payment": {"card": "7"}});
    let refused = place(&mut client, "k-1", &other).expect(422);
    assert_eq!(refused.json()["field"], "Idempotency-Key");
    assert_eq!(refused.json()["type"], "/problems/idempotency-key-reused");
    let free = client.get("/v1/cinema/offerings/1/availability").expect(200).json();
    assert_eq!(free["free"], 2);
    for key in ["", "a b", &"k".repeat(256)] {
        place(&mut client, key, &order).expect(400);
    }
    place(&mut client, &"k".repeat(255), &order).expect(201);

    server.kill();
    let server = Server::markets(folder.path(), &[CINEMA]);
    let again = place(&mut server.client(), "k-1", &order).expect(201);
    assert_eq!(again.json()["id"], first.json()["id"]);
}

#[test]
fn many_at_the_same_instant_make_one_order() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[CINEMA]);
    let order = json!({"customer": "ann", "offering": 1, "payment": {"card": "7"}});
    for round in 0..3 {
        let key = format!("round-{round}");
        let ids: Vec<u64> = std::thread::scope(|scope| {
            let place = || place(&mut server.client(), &key, &order).expect(201).json();
            let all: Vec<_> = (0..16).map(|_| scope.spawn(place)).collect();
            all.into_iter().map(|one| one.join().unwrap()["id"].as_u64().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
    let sold = server.client().get("/v1/cinema/offerings/1").json();
    assert_eq!((&sold["free"], &sold["held"]), (&json!(0), &json!(3)));
}

#[test]
fn a_declined_request_stays_declined() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[CINEMA]);
    let order = json!({"customer": "ann", "offering": 1, "payment": {"card": "4000000000000002"}});
    let first = place(&mut server.client(), "k", &order).expect(402).json();
    let again = place(&mut server.client(), "k", &order).expect(402).json();
    assert_eq!(first["order"], again["order"]);
}

#[test]
fn fifty_in_flight_make_one_order_and_all_hear_of_it_once_it_settled() {
    let folder = tempfile::tempdir().unwrap();
    let market = folder.path().join("cinema.toml");
    std::fs::write(&market, CINEMA).unwrap();
    let gateway = Service::holding();
    let flags = ["--admin", "--market", market.to_str().unwrap(), "--payment-url", &gateway.url];
    let server = Server::with(&folder.path().join("data"), &flags);
    let order = json!({"customer": "ann", "offering": 1, "payment": {"card": "tok-7"}});
    let other = json!({"customer": "ann", "offering": 1, "payment": {"card": "tok-8"}});
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let begin = || place(&mut server.client(), "k", &order).expect(201);
        let all: Vec<_> = (0..50).map(|_| scope.spawn(begin)).collect();
        // While they wait, the key is taken already.
        let looking = "/v1/cinema/idempotency/k";
        let mut client = server.client();
        until("the first one was taken", || (client.get(looking).status == 200).then_some(()));
        let seen = client.get(looking).expect(200).json();
        assert_eq!(seen["phase"], "paying", "the gateway has not answered");
        let refused = place(&mut client, "k", &other).expect(422);
        assert_eq!(refused.json()["type"], "/problems/idempotency-key-reused");
        gateway.release();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for answer in &answers {
        let body = answer.json();
        assert_eq!((&body["id"], &body["payment"]["state"]), (&json!(1), &json!("captured")));
        assert_eq!(answer.header("location"), Some("/v1/cinema/orders/1"));
    }
    place(&mut server.client(), "k", &other).expect(422);
    let held = server.client().get("/v1/cinema/offerings/1").json()["held"].clone();
    assert_eq!(held, 1);
    let audit = server.client().get("/v1/admin/audit").json();
    assert_eq!(audit["money"]["EUR"]["captured"], 1250, "{audit}");
    assert_eq!(gateway.ledger().payments.len(), 1);
}

#[test]
fn a_key_tells_which_order_it_made() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[CINEMA]);
    let mut client = server.client();
    let order = json!({"customer": "ann", "offering": 1, "payment": {"card": "7"}});
    client.get("/v1/cinema/idempotency/k%2F1").expect(404);
    let placed = place(&mut client, "k/1", &order).expect(201);
    let found = client.get("/v1/cinema/idempotency/k%2F1").expect(200);
    assert_eq!(found.json()["id"], placed.json()["id"]);
    assert_eq!(found.header("location"), placed.header("location"));
    client.get("/v1/cinema/idempotency/k").expect(404);
    client.get("/v1/nowhere/idempotency/k%2F1").expect(404);
    client.get("/v1/cinema/idempotency/%zz").expect(400);
    client.get(&format!("/v1/cinema/idempotency/{}", "k".repeat(300))).expect(404);
    let wrong = client.tell("/v1/cinema/idempotency/k").expect(405);
    assert_eq!(wrong.header("allow"), Some("GET"));
    // A request that came to nothing used its key all the same.
    let declined = json!({"customer": "a", "offering": 1, "payment": {"card": "4000000000000002"}});
    place(&mut client, "k2", &declined).expect(402);
    let found = client.get("/v1/cinema/idempotency/k2").expect(200).json();
    assert_eq!(
        (&found["phase"], &found["reason"]),
        (&json!("cancelled"), &json!("payment_declined"))
    );
}

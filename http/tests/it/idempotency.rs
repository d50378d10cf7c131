//! Repeating a request is harmless, if the client names it.

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::server::{CINEMA, Server};

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

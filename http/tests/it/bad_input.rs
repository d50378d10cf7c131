//! Hostile requests: each is refused by name, stores nothing, and leaves the server as it was.

use std::io::{BufReader, Write};

use serde_json::{Value, json};

use crate::client::{Client, connect, read};
use crate::server::{CINEMA, Server};

fn send(client: &mut Client, method: &str, path: &str, body: &[u8]) -> (u16, Value, String) {
    let typed = [("content-type", "application/json")];
    let answer = client.send(method, path, &typed, Some(body)).unwrap();
    (answer.status, answer.json(), answer.body)
}

/// What the server holds that a client can see.
fn stored(client: &mut Client) -> Value {
    let mut all = Vec::new();
    for path in ["/v1/cinema/orders", "/v1/cinema/offerings", "/v1/cinema/events?limit=1000"] {
        all.push(client.get(path).expect(200).json());
    }
    json!(all)
}

const ORDERS: [(&str, &str); 38] = [
    (r#"[]"#, "body"),
    (r#""order""#, "body"),
    (r#"{}"#, "customer"),
    (r#"{"offering":1}"#, "customer"),
    (r#"{"customer":7,"offering":1}"#, "customer"),
    (r#"{"customer":null,"offering":1}"#, "customer"),
    (r#"{"customer":"","offering":1}"#, "customer"),
    (r#"{"customer":"   ","offering":1}"#, "customer"),
    (r#"{"customer":"a\u0000b","offering":1}"#, "customer"),
    (r#"{"customer":"a\nb","offering":1}"#, "customer"),
    (r#"{"customer":["ann"],"offering":1}"#, "customer"),
    (r#"{"customer":"ann"}"#, "offering"),
    (r#"{"customer":"ann","offering":"1"}"#, "offering"),
    (r#"{"customer":"ann","offering":0}"#, "offering"),
    (r#"{"customer":"ann","offering":-1}"#, "offering"),
    (r#"{"customer":"ann","offering":1.5}"#, "offering"),
    (r#"{"customer":"ann","offering":1e300}"#, "offering"),
    (r#"{"customer":"ann","offering":99999999999999999999}"#, "offering"),
    (r#"{"customer":"ann","offering":99}"#, "offering"),
    (r#"{"customer":"ann","offering":1,"quantity":0}"#, "quantity"),
    (r#"{"customer":"ann","offering":1,"quantity":-1}"#, "quantity"),
    (r#"{"customer":"ann","offering":1,"quantity":"1"}"#, "quantity"),
    (r#"{"customer":"ann","offering":1,"quantity":1e300}"#, "quantity"),
    (r#"{"customer":"ann","offering":1,"quantity":0.0001}"#, "quantity"),
    (r#"{"customer":"ann","offering":1,"quantity":1.5}"#, "quantity"),
    (r#"{"customer":"ann","offering":1,"quantity":true}"#, "quantity"),
    (r#"{"customer":"ann","offering":1,"quantity":1000000001}"#, "quantity"),
    (r#"{"customer":"ann","offering":1,"payment":"tok"}"#, "payment"),
    (r#"{"customer":"ann","offering":1,"payment":{}}"#, "payment.card"),
    (r#"{"customer":"ann","offering":1,"payment":{"card":4242424242424242}}"#, "payment.card"),
    (r#"{"customer":"ann","offering":1,"payment":{"card":"x y"}}"#, "payment.card"),
    (r#"{"customer":"ann","offering":1,"payment":{"card":"7","cvc":"123"}}"#, "payment.cvc"),
    (r#"{"customer":"ann","offering":1,"payment":{"card":"7"},"colour":"red"}"#, "colour"),
    (r#"{"customer":"ann","offering":1,"payment":{"card":"7"},"slot":"now"}"#, "slot"),
    (r#"{"customer":"ann","offering":1,"attributes":{"a":[1]}}"#, "attributes.a"),
    (r#"{"customer":"ann","offering":1,"attributes":[]}"#, "attributes"),
    (r#"{"customer":"ann","offering":1,"attributes":{"a":18446744073709551615}}"#, "attributes.a"),
    (r#"{"customer":"ann","offering":1,"attributes":{"a":"x\u0007"}}"#, "attributes.a"),
];

#[test]
fn bad_orders_are_named_and_not_stored() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[CINEMA]);
    let mut client = server.client();
    let before = stored(&mut client);
    for (body, field) in ORDERS {
        let (status, problem, text) =
            send(&mut client, "POST", "/v1/cinema/orders", body.as_bytes());
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{body}: {text}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
    }
    let (long, many) = ("n".repeat(10_000), "z".repeat(1025));
    let full: serde_json::Map<_, _> = (0..33).map(|n| (format!("k{n}"), json!(n))).collect();
    for (body, field) in [
        (json!({"customer": long, "offering": 1}), "customer".to_owned()),
        (
            json!({"customer": "ann", "offering": 1, "attributes": {"a": many}}),
            "attributes.a".into(),
        ),
        (json!({"customer": "ann", "offering": 1, "attributes": full}), "attributes".to_owned()),
        (
            json!({"customer": "ann", "offering": 1, "payment": {"card": "4".repeat(20)}}),
            "payment.card".to_owned(),
        ),
        (
            json!({"customer": "ann", "offering": 1, "attributes": {"n".repeat(65): 1}}),
            format!("attributes.{}", "n".repeat(64)),
        ),
        (json!({"customer": "ann", "offering": 1, (long): 1}), "n".repeat(64)),
    ] {
        let (status, problem, text) =
            send(&mut client, "POST", "/v1/cinema/orders", body.to_string().as_bytes());
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{text}");
        assert!(text.len() < 1000, "the answer repeats too much: {text}");
    }
    assert_eq!(stored(&mut client), before);
}

#[test]
fn bad_offerings_are_named_and_not_stored() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[CINEMA]);
    let mut client = server.client();
    let before = stored(&mut client);
    for (body, field) in [
        (r#"{}"#, "name"),
        (r#"{"name":"x"}"#, "inventory"),
        (r#"{"name":"x","inventory":"seats"}"#, "inventory"),
        (r#"{"name":"x","inventory":{}}"#, "inventory.model"),
        (r#"{"name":"x","inventory":{"model":"chairs"}}"#, "inventory.model"),
        (r#"{"name":"x","inventory":{"model":"nights"}}"#, "inventory.units"),
        (r#"{"name":"x","inventory":{"model":"nights","units":0}}"#, "inventory.units"),
        (r#"{"name":"x","inventory":{"model":"nights","units":1.5}}"#, "inventory.units"),
        (r#"{"name":"x","inventory":{"model":"nights","capacity":3}}"#, "inventory.units"),
        (r#"{"name":"x","inventory":{"model":"slots","capacity":1}}"#, "inventory.slots"),
        (
            r#"{"name":"x","inventory":{"model":"slots","capacity":1,"slots":[1]}}"#,
            "inventory.slots[0]",
        ),
        (
            r#"{"name":"x","inventory":{"model":"slots","capacity":1,"zone":"Berlin","slots":[]}}"#,
            "inventory.zone",
        ),
        (r#"{"name":"x","inventory":{"model":"seats"}}"#, "inventory.capacity"),
        (r#"{"name":"x","inventory":{"model":"seats","capacity":1.5}}"#, "inventory.capacity"),
        (r#"{"name":"x","inventory":{"model":"seats","capacity":-3}}"#, "inventory.capacity"),
        (r#"{"name":"x","inventory":{"model":"stock","quantity":1e12}}"#, "inventory.quantity"),
        (r#"{"name":"x","inventory":{"model":"unlimited","capacity":3}}"#, "inventory.capacity"),
        (r#"{"name":"x","inventory":{"model":"unlimited"},"price":5}"#, "price"),
        (r#"{"name":"x","inventory":{"model":"unlimited"},"price":{}}"#, "price.amount"),
        (r#"{"name":"x","inventory":{"model":"unlimited"},"price":{"amount":-1}}"#, "price.amount"),
        (
            r#"{"name":"x","inventory":{"model":"unlimited"},"price":{"amount":1.5}}"#,
            "price.amount",
        ),
        (
            r#"{"name":"x","inventory":{"model":"unlimited"},"price":{"amount":1e18}}"#,
            "price.amount",
        ),
        (
            r#"{"name":"x","inventory":{"model":"unlimited"},"price":{"amount":1,"currency":"eur"}}"#,
            "price.currency",
        ),
        (r#"{"id":0,"name":"x","inventory":{"model":"unlimited"}}"#, "id"),
        (r#"{"id":9007199254740991,"name":"x","inventory":{"model":"unlimited"}}"#, "id"),
        (r#"{"id":"1","name":"x","inventory":{"model":"unlimited"}}"#, "id"),
    ] {
        let (status, problem, text) =
            send(&mut client, "POST", "/v1/cinema/offerings", body.as_bytes());
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{body}: {text}");
    }
    let (status, problem, _) = send(&mut client, "PATCH", "/v1/cinema/offerings/1", br#"{"id":2}"#);
    assert_eq!((status, &problem["field"]), (422, &json!("id")));
    assert_eq!(stored(&mut client), before);
}

#[test]
fn bad_commands_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[CINEMA]);
    let mut client = server.client();
    let order = json!({"customer": "ann", "offering": 1, "payment": {"card": "7"}});
    client.post("/v1/cinema/orders", &order).expect(201);
    crate::server::until("confirmed", || {
        (client.get("/v1/cinema/orders/1").json()["phase"] == "confirmed").then_some(())
    });
    let before = stored(&mut client);
    let long = format!(r#"{{"reason":"{}"}}"#, "r".repeat(2000));
    for (verb, body, field) in [
        ("pay", r#"{}"#, "card"),
        ("pay", r#"{"card":7}"#, "card"),
        ("pay", r#"{"card":""}"#, "card"),
        ("confirm", r#"{"by":"me"}"#, "by"),
        ("reject", r#"{"reason":5}"#, "reason"),
        ("cancel", r#"{"reason":"a\u0000"}"#, "reason"),
        ("cancel", &long, "reason"),
        ("cancel", r#"{"quote":"1"}"#, "quote"),
        ("cancel", r#"{"quote":0}"#, "quote"),
        ("cancel", r#"[]"#, "body"),
        ("cancellation-quote", r#"{"now":true}"#, "now"),
    ] {
        let path = format!("/v1/cinema/orders/1/{verb}");
        let (status, problem, text) = send(&mut client, "POST", &path, body.as_bytes());
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{verb} {body}: {text}");
    }
    let (status, ..) = send(&mut client, "POST", "/v1/cinema/orders/1/cancel", b"{");
    assert_eq!(status, 400);
    assert_eq!(stored(&mut client), before);
}

#[test]
fn what_is_not_json_is_400_or_415() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[CINEMA]);
    let mut client = server.client();
    let before = stored(&mut client);
    let deep = "[".repeat(60_000);
    for body in [&b"{"[..], b"", b"nope", b"{\"customer\":\"\xff\xfe\"}", b"{}{}", deep.as_bytes()]
    {
        let (status, _, text) = send(&mut client, "POST", "/v1/cinema/orders", body);
        assert_eq!(status, 400, "{text}");
        let (status, _, text) = send(&mut client, "POST", "/v1/cinema/offerings", body);
        assert_eq!(status, 400, "{text}");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for headers in [&form[..], &[]] {
        let body = b"{\"customer\":\"ann\",\"offering\":1,\"payment\":{\"card\":\"7\"}}";
        client.send("POST", "/v1/cinema/orders", headers, Some(body)).unwrap().expect(415);
    }
    for query in ["?a=%zz", "?a=%ff", "?limit=1&limit=x", "?what=1"] {
        let status = client.get(&format!("/v1/cinema/orders{query}")).status;
        assert!([400, 422].contains(&status), "{query}: {status}");
    }
    assert_eq!(stored(&mut client), before);
}

#[test]
fn long_bodies_are_413_however_they_come() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[CINEMA]);
    let mut client = server.client();
    let order = |padding: usize| {
        let spaces = " ".repeat(padding);
        format!("{{\"customer\":\"ann\",\"offering\":2,{spaces}\"payment\":{{\"card\":\"7\"}}}}")
    };
    let fits = order(65_536 - order(0).len());
    let (status, ..) = send(&mut client, "POST", "/v1/cinema/orders", fits.as_bytes());
    assert_eq!(status, 201);
    for length in [65_537, 200_000] {
        let body = order(length - order(0).len());
        let (status, ..) = send(&mut server.client(), "POST", "/v1/cinema/orders", body.as_bytes());
        assert_eq!(status, 413, "{length}");
        let head = "POST /v1/cinema/orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
            transfer-encoding: chunked\r\n\r\n";
        let mut stream = connect(&server.address).unwrap();
        stream.write_all(format!("{head}{length:x}\r\n{body}\r\n0\r\n\r\n").as_bytes()).unwrap();
        assert_eq!(read(&mut BufReader::new(stream), true).unwrap().status, 413, "{length}");
    }
    // Declared far too long: refused before any of it is sent.
    let mut stream = connect(&server.address).unwrap();
    let head = "POST /orders HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    assert_eq!(read(&mut BufReader::new(stream), true).unwrap().status, 413);
    let sold = client.get("/v1/cinema/orders").json();
    assert_eq!(sold["items"].as_array().unwrap().len(), 1);
}

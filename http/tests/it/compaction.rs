//! `surehold compact`: what is asked afterwards is answered as before, by the same program over the
//! real files, also when the snapshots are gone; and nobody compacts under a server.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::client::Client;
use crate::process::refused;
use crate::server::{Server, command, until};

/// Markets with points, messages and reviews; with an operator; with neither.
const MARKETS: [&str; 3] = ["airbnb", "yogiyogi", "talentshare"];

fn compact(data: &Path, flags: &[&str]) -> Output {
    let mut command = command();
    command.arg("compact").arg("--data").arg(data).args(flags);
    command.args(["--market", &MARKETS.join(",")]);
    command.output().unwrap()
}

fn start(data: &Path) -> Server {
    Server::with(data, &["--admin", "--market", &MARKETS.join(",")])
}

/// What it says when it did it.
#[track_caller]
fn done(output: &Output) -> String {
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    assert_eq!((out.lines().count(), err.as_ref()), (1, ""), "{out}");
    out.into_owned()
}

/// Orders of every kind, some of them still open.
fn trade(client: &mut Client) {
    for number in 0..6 {
        let room = json!({"name": format!("room {number}"), "price": {"amount": 1000},
            "inventory": {"model": "seats", "capacity": 2}});
        let room = client.post("/v1/airbnb/offerings", &room).expect(201).json();
        let order = json!({"customer": "ann", "offering": room["id"], "payment": {"card": "7"}});
        for count in 1..=3 {
            let expected = if count < 3 { 201 } else { 409 };
            client.post("/v1/airbnb/orders", &order).expect(expected);
        }
        let review = json!({"customer": "ann", "rating": 4, "content": "good"});
        let reviews = format!("/v1/airbnb/offerings/{}/reviews", room["id"]);
        client.post(&reviews, &review).expect(201);
    }
    for market in ["yogiyogi", "talentshare"] {
        for number in 1..=10 {
            let order = json!({"customer": format!("c{}", number % 3), "offering": 1,
                "payment": {"card": "7"}});
            keyed(client, market, number, &order);
            if number % 3 == 0 {
                client.tell(&format!("/v1/{market}/orders/{number}/cancel")).expect(200);
            }
        }
    }
}

fn keyed(client: &mut Client, market: &str, number: u64, order: &Value) -> Value {
    let key = format!("key-{number}");
    let headers = [("content-type", "application/json"), ("idempotency-key", key.as_str())];
    let path = format!("/v1/{market}/orders");
    let answer = client.send("POST", &path, &headers, Some(order.to_string().as_bytes())).unwrap();
    assert!(answer.status == 201 || answer.status == 200, "{} {}", answer.status, answer.body);
    answer.json()
}

/// What anybody may ask, in words.
fn everything(client: &mut Client) -> Vec<String> {
    let mut all = Vec::new();
    // Links carry the host the client used, and each server has a port of its own.
    let here = [("host", "here")];
    let mut ask = |path: String| {
        let answer = client.send("GET", &path, &here, None).unwrap().expect(200);
        all.push(format!("{path} {}", answer.body));
    };
    for market in MARKETS {
        for order in 1..=if market == "airbnb" { 18 } else { 10 } {
            ask(format!("/v1/{market}/orders/{order}"));
            ask(format!("/v1/{market}/orders/{order}/history"));
        }
        for customer in ["ann", "c0", "c1"] {
            ask(format!("/v1/{market}/orders?customer={customer}"));
            ask(format!("/v1/{market}/customers/{customer}/mileage"));
            ask(format!("/v1/{market}/customers/{customer}/messages"));
        }
        ask(format!("/v1/{market}/offerings"));
        ask(format!("/v1/{market}/offerings/1/reviews"));
    }
    for collection in ["rooms", "reservations", "payments", "mileages", "messages", "reviews"] {
        ask(format!("/airbnb/{collection}"));
    }
    let audit = client.get("/v1/admin/audit").expect(200).json();
    assert_eq!(audit["balanced"], true, "{audit}");
    all.push(format!("{} {}", audit["units"], audit["money"]));
    all
}

fn settled(client: &mut Client) {
    until("points and messages are written", || {
        let told = client.get("/airbnb/messages").expect(200).json();
        (told["page"]["totalElements"] == 24).then_some(())
    });
}

#[test]
fn what_was_asked_before_is_answered_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = start(&data);
    let mut client = server.client();
    trade(&mut client);
    settled(&mut client);
    let before = everything(&mut client);
    let busy = compact(&data, &[]);
    let line = String::from_utf8(busy.stderr).unwrap();
    assert_eq!((busy.status.code(), line.lines().count()), (Some(2), 1), "{line}");
    assert!(line.contains("in use by another process"), "{line}");
    server.stop();

    let kept = done(&compact(&data, &["--keep-records", "all"]));
    assert!(kept.starts_with("0 records left the journal"), "{kept}");
    let line = done(&compact(&data, &["--keep-records", "20"]));
    let removed: u64 = line.split(' ').next().unwrap().parse().unwrap();
    assert!(removed > 100 && line.contains("are kept"), "{line}");
    assert!(done(&compact(&data, &["--keep-records", "20"])).starts_with("0 records"), "again");

    for harm in ["none", "the snapshots are lost", "all is compacted and they are lost again"] {
        if harm != "none" {
            std::fs::remove_dir_all(data.join("snapshots")).unwrap();
        }
        let server = start(&data);
        let mut client = server.client();
        until("the views are there", || {
            let progress = client.get("/v1/admin/views").expect(200).json();
            (progress["cursor"] == progress["last"]).then_some(())
        });
        for (now, then) in everything(&mut client).iter().zip(&before) {
            assert_eq!(now, then, "{harm}");
        }
        let order = json!({"customer": "c1", "offering": 1, "payment": {"card": "7"}});
        let again = keyed(&mut client, "talentshare", 1, &order);
        assert_eq!(again["id"], 1, "{harm}: the key lives as long as the order");
        gone(&mut client, removed);
        server.stop();
        if harm == "the snapshots are lost" {
            done(&compact(&data, &[]));
        }
    }
}

/// Events that are no longer kept are not passed over in silence.
fn gone(client: &mut Client, removed: u64) {
    let path = "/v1/airbnb/events?after=0";
    for accept in ["application/json", "text/event-stream"] {
        let answer = client.send("GET", path, &[("accept", accept)], None).unwrap().expect(410);
        let problem = answer.json();
        assert_eq!(problem["type"], "/problems/gone", "{problem}");
        let first = problem["first"].as_u64().unwrap();
        assert!(first > removed, "{problem}");
        let from = format!("/v1/airbnb/events?after={}", first - 1);
        client.get(&from).expect(200);
    }
    client.get("/v1/airbnb/events").expect(200);
}

#[test]
fn a_folder_without_data_is_no_data() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    let line = refused(&["compact", "--data", nowhere.to_str().unwrap()], &[]);
    assert!(line.contains("there is none in"), "{line}");
    assert!(!nowhere.exists(), "nothing is made");
}

#[test]
fn a_number_of_records_is_a_number_or_all() {
    for value in ["some", "-1"] {
        let output = command().arg(format!("--keep-records={value}")).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains("--keep-records") && text.contains("neither a number"), "{text}");
    }
}

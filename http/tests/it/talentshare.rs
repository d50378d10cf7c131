//! What the transcript of talentshare does not say: paging, deletion, mounts, bad input.

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{CINEMA, Server, until};

fn book(client: &mut Client, card: Value) -> u64 {
    let order = json!({"name": "ann", "cardNo": card, "status": "Ordered", "unknown": [1]});
    let made = client.post("/orders", &order).expect(201);
    made.header("location").unwrap().rsplit('/').next().unwrap().parse().unwrap()
}

#[test]
fn collections_are_paged_and_linked() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut client = server.client();
    let empty = client.get("/orders").expect(200);
    assert_eq!(empty.header("content-type"), Some("application/hal+json;charset=UTF-8"));
    assert_eq!(empty.json()["_embedded"]["orders"], json!([]));
    for card in 1..=5 {
        book(&mut client, json!(card));
    }
    let page = client.get("/orders?page=1&size=2").expect(200).json();
    assert_eq!(page["page"], json!({"size": 2, "totalElements": 5, "totalPages": 3, "number": 1}));
    assert_eq!(page["_embedded"]["orders"][0]["cardNo"], 3);
    assert_eq!(page["_embedded"]["orders"][0]["talentCategory"], Value::Null);
    let next = page["_links"]["next"]["href"].as_str().unwrap();
    assert_eq!(next, format!("http://{}/orders?page=2&size=2", server.address));
    let paid = client.get("/paymentHist?size=3").expect(200).json();
    assert_eq!(paid["_embedded"]["paymentHist"].as_array().unwrap().len(), 3);
    assert_eq!(paid["page"]["totalElements"], 5);
    let pages = client.get("/mypages").expect(200).json();
    assert_eq!(pages["_embedded"]["mypages"].as_array().unwrap().len(), 5);
    assert!(pages.get("page").is_none());
    let index = client.get("/").expect(200).json();
    for name in ["orders", "paymentHist", "confirmations", "cancellations", "mypages"] {
        assert!(index["_links"][name]["href"].is_string(), "{name}");
    }
    let found = client.get("/mypages/search/findByOrderId?orderId=99").expect(200).json();
    assert_eq!(found["_embedded"]["mypages"], json!([]));
    client.get("/mypages/search/findByOrderId").expect(400);
}

#[test]
fn the_same_market_is_at_the_root_and_at_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let cinema = folder.path().join("cinema.toml");
    std::fs::write(&cinema, CINEMA).unwrap();
    let flags = ["--market", "talentshare", "--market", cinema.to_str().unwrap()];
    let server = Server::with(&folder.path().join("data"), &flags);
    let mut client = server.client();
    book(&mut client, json!("7"));
    let order = client.get("/talentshare/orders/1").expect(200).json();
    let href = format!("http://{}/talentshare/orders/1", server.address);
    assert_eq!(order["_links"]["order"]["href"], href);
    client.get("/talentshare").expect(200);
    client.get("/cinema/orders").expect(404);
    let host = [("host", "shop.example"), ("content-type", "application/json")];
    let made = client.send("POST", "/talentshare/orders", &host, Some(b"{\"name\":\"b\"}"));
    let made = made.unwrap().expect(201);
    assert_eq!(made.header("location"), Some("http://shop.example/talentshare/orders/2"));
    assert_eq!(made.header("content-type"), Some("application/json;charset=UTF-8"));
}

#[test]
fn a_deleted_order_is_gone_and_refunded() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut client = server.client();
    let id = book(&mut client, json!(7));
    client.send("DELETE", &format!("/orders/{id}"), &[], None).unwrap().expect(204);
    client.get(&format!("/orders/{id}")).expect(404);
    client.send("DELETE", &format!("/orders/{id}"), &[], None).unwrap().expect(404);
    assert_eq!(client.get("/orders").json()["_embedded"]["orders"], json!([]));
    until("the refund", || {
        (client.get("/paymentHist/1").json()["status"] == "Payment Canceled").then_some(())
    });
    assert_eq!(client.get("/v1/admin/audit").json()["balanced"], true);
}

#[test]
fn updates_cancel_once_and_then_only_annotate() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut client = server.client();
    let id = book(&mut client, json!(7));
    let path = format!("/orders/{id}");
    let same = json!({"status": "Ordered", "cardNo": "7"});
    client.json("PATCH", &path, &same).expect(200);
    let native = client.get(&format!("/v1/talentshare{path}")).json();
    assert!(["paid", "confirmed"].contains(&native["phase"].as_str().unwrap()), "{native}");
    let put = json!({"name": "bob"});
    let order = client.json("PUT", &path, &put).expect(200).json();
    assert_eq!((&order["name"], &order["cardNo"]), (&json!("bob"), &Value::Null));
    let again = client.json("PATCH", &path, &json!({"status": "again"})).expect(200).json();
    assert_eq!((&again["name"], &again["status"]), (&json!("bob"), &json!("again")));
    let page = client.get(&format!("/mypages/{id}")).expect(200).json();
    assert_eq!(
        (&page["status"], &page["cancellationId"]),
        (&json!("Confirmation Canceled"), &json!(1))
    );
    assert_eq!(client.get("/cancellations/1").expect(200).json()["orderId"], id);
    let all = client.get("/cancellations").expect(200).json();
    assert_eq!(all["page"]["totalElements"], 1);
    let silent = client.send("PATCH", &path, &[], Some(b"{\"status\":\"quiet\"}")).unwrap();
    silent.expect(204);
}

#[test]
fn declined_cards_leave_no_row_and_full_numbers_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut client = server.client();
    let declined = json!({"name": "ann", "cardNo": 4_000_000_000_000_002_u64});
    let failure = client.post("/orders", &declined).expect(500).json();
    assert_eq!((&failure["path"], &failure["status"]), (&json!("/orders"), &json!(500)));
    client.get("/orders/1").expect(404);
    client.get("/mypages/1").expect(404);
    client.get("/paymentHist/1").expect(404);
    let id = book(&mut client, json!("4242424242424242"));
    let order = client.get(&format!("/orders/{id}")).expect(200).json();
    assert_eq!(order["cardNo"], 4242);
    let no_card = client.post("/orders", &json!({"name": "bob"})).expect(201).json();
    assert_eq!(no_card["cardNo"], Value::Null);
    let all = client.get("/v1/talentshare/events?limit=1000").body;
    assert!(!all.contains("4242424242424242") && !all.contains("4000000000000002"));
    server.stop();
    for entry in walk(folder.path()) {
        let bytes = std::fs::read(&entry).unwrap();
        for secret in ["4242424242424242", "4000000000000002"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "a card number is in {}", entry.display());
        }
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}

#[test]
fn bad_input_is_400_and_views_are_read_only() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut client = server.client();
    let long = json!({"name": "n".repeat(10_000)}).to_string();
    for body in [
        "",
        "{",
        "[]",
        r#"{"name":5}"#,
        r#"{"cardNo":"seven"}"#,
        r#"{"cardNo":1.5}"#,
        r#"{"cardNo":{}}"#,
        r#"{"cardNo":"99999999999999999999"}"#,
        r#"{"name":"a\u0000"}"#,
        &long,
    ] {
        let failure = client.send("POST", "/orders", &[], Some(body.as_bytes())).unwrap();
        let failure = failure.expect(400).json();
        assert_eq!((&failure["status"], &failure["path"]), (&json!(400), &json!("/orders")));
    }
    for name in ["paymentHist", "confirmations", "cancellations", "mypages"] {
        let refused = client.post(&format!("/{name}"), &json!({})).expect(405);
        assert_eq!(refused.header("allow"), Some("GET"));
        client.json("PATCH", &format!("/{name}/1"), &json!({})).expect(405);
    }
    for path in ["/orders/x", "/orders/-1", "/orders/0", "/mypages/99", "/cancellations/0"] {
        let nothing = client.get(path).expect(404);
        assert_eq!(nothing.body, "", "{path}");
    }
    assert_eq!(client.get("/v1/talentshare/orders").json()["items"], json!([]));
}

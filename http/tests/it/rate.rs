//! How much one client may ask: told on every answer, refused above it, and nobody else's matter.

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::server::{Server, until};

fn number(answer: &Answer, header: &str) -> u64 {
    let value = answer.header(header).unwrap_or_else(|| panic!("no {header}: {answer:?}"));
    value.parse().unwrap()
}

fn order() -> Value {
    json!({"customer": "ann", "offering": 1, "payment": {"card": "7"}})
}

/// Uses the allowance up, and returns the first refusal.
fn exhaust(client: &mut Client, headers: &[(&str, &str)]) -> Answer {
    let mut ask = || client.send("GET", "/v1/talentshare/offerings/1", headers, None).unwrap();
    let asked = std::iter::repeat_with(&mut ask).take(100);
    asked.into_iter().find(|answer| answer.status == 429).expect("a limit")
}

#[test]
fn who_asks_too_often_is_told_when_to_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["--rate-limit", "1", "--rate-burst", "4", "--admin"];
    let server = Server::with(folder.path(), &flags);
    let mut client = server.client();
    for left in (0..4).rev() {
        let answer = client.get("/v1/talentshare/offerings/1").expect(200);
        assert_eq!(number(&answer, "ratelimit-limit"), 4);
        assert_eq!(number(&answer, "ratelimit-remaining"), left);
        assert_eq!(number(&answer, "ratelimit-reset"), 4 - left);
        assert!(answer.header("ratelimit-policy").is_none());
    }
    // Another connection, and whatever it says about itself, is the same client.
    let mut other = server.client();
    let forged = [("content-type", "application/json"), ("x-forwarded-for", "9.9.9.9")];
    let body = order().to_string();
    for _ in 0..3 {
        let refused = other.send("POST", "/v1/talentshare/orders", &forged, Some(body.as_bytes()));
        let refused = refused.unwrap().expect(429);
        assert_eq!(refused.json()["type"], "/problems/too-many-requests");
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));
        assert_eq!(refused.header("ratelimit-policy"), Some("\"client\";q=4;w=4"));
        assert_eq!(refused.header("ratelimit"), Some("\"client\";r=0;t=1"));
        assert_eq!(number(&refused, "retry-after"), 1);
        assert_eq!(number(&refused, "ratelimit-remaining"), 0);
        assert_eq!(refused.header("connection"), None, "the connection stays");
    }
    client.tell("/nowhere").expect(429);
    for path in ["/livez", "/readyz", "/metrics", "/actuator/health", "/v1/admin/tree"] {
        let answer = client.get(path).expect(200);
        assert!(answer.header("ratelimit-limit").is_none(), "{path}");
    }
    // A refused order is nothing that happened, and after the pause the next one is taken.
    let placed = until("a request is allowed again", || {
        let answer = client.post("/v1/talentshare/orders", &order());
        (answer.status != 429).then_some(answer)
    });
    assert_eq!(placed.expect(201).json()["id"], 1);
}

#[test]
fn a_trusted_proxy_says_for_whom_it_asks() {
    let folder = tempfile::tempdir().unwrap();
    // So slow that nothing comes back while the test runs.
    let flags =
        ["--rate-limit", "1", "--rate-burst", "30", "--trusted-proxy", "127.0.0.0/8,10.0.0.9"];
    let server = Server::with(folder.path(), &flags);
    let mut client = server.client();
    exhaust(&mut client, &[("x-forwarded-for", "203.0.113.1")]);
    let mut status = |entries: &str| {
        let headers = [("x-forwarded-for", entries)];
        let answer = client.send("GET", "/v1/talentshare/offerings/1", &headers, None).unwrap();
        (answer.status, number(&answer, "ratelimit-remaining"))
    };
    assert_eq!(status("203.0.113.2"), (200, 29));
    // What the client itself wrote is not looked at, and proxies in a row are seen through.
    assert_eq!(status("203.0.113.1, 203.0.113.3"), (200, 29));
    assert_eq!(status("203.0.113.9, 203.0.113.3, 10.0.0.9"), (200, 28));
    assert_eq!(status("2001:db8::1"), (200, 29));
    assert_eq!(status("[2001:db8::2]:4711"), (200, 28));
    let (refused, left) = status("203.0.113.77, 203.0.113.1");
    assert!(refused == 429 || left < 5, "{refused} {left}");
}

#[test]
fn without_a_limit_nothing_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut client = server.client();
    for _ in 0..50 {
        let answer = client.get("/v1/talentshare/offerings/1").expect(200);
        assert!(answer.headers.iter().all(|(name, _)| !name.starts_with("ratelimit")));
    }
}

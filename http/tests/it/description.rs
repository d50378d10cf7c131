//! `http/openapi.json` and the table of addresses say the same: nothing is described that is not there, and nothing is
//! there that is not described. Whether the answers are as described is for [`crate::schemathesis`].

use std::collections::BTreeSet;

use serde_json::Value;
use surehold_http::native::description::OPENAPI;

use crate::server::Server;

/// What the table has and the description has not, with the reason.
const LEFT_OUT: [(&str, &str); 1] = [("POST /echo", "for measuring, behind a hidden flag")];
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Every call as `GET /v1/{}/orders`, with a hole for each part that differs.
fn described() -> BTreeSet<String> {
    let description: Value = serde_json::from_str(OPENAPI).unwrap();
    let mut calls = BTreeSet::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
        let path = parts.collect::<Vec<_>>().join("/");
        for method in METHODS.iter().filter(|method| !item[**method].is_null()) {
            calls.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    calls
}

/// The calls of the table in `routes.rs`, as it is written there.
fn routed() -> BTreeSet<String> {
    let source = include_str!("../../src/routes.rs");
    let table = source.split("Some(match (method, path) {").nth(1).unwrap();
    let table: String = table.split("\n    })\n").next().unwrap().split_whitespace().collect();
    let mut calls = BTreeSet::new();
    let arms = METHODS.iter().flat_map(|method| {
        let method = method.to_uppercase();
        let begins = format!("(\"{method}\",[");
        let rests = table.split(&begins).skip(1);
        rests.map(|rest| (method.clone(), rest)).collect::<Vec<_>>()
    });
    for (method, rest) in arms {
        let mut paths = vec![String::new()];
        // Choices have no comma in them, so each part of the pattern ends at one.
        let pattern = rest.split_once(']').unwrap().0;
        for part in pattern.split(',').filter(|part| !part.is_empty()) {
            let words: Vec<&str> = part.split('"').skip(1).step_by(2).collect();
            let words = if words.is_empty() { vec!["{}"] } else { words };
            let mut longer = Vec::new();
            for path in &paths {
                longer.extend(words.iter().map(|word| format!("{path}/{word}")));
            }
            paths = longer;
        }
        calls.extend(paths.iter().map(|path| format!("{method} {path}")));
    }
    calls
}

#[test]
fn every_address_is_described() {
    let (routed, described) = (routed(), described());
    assert!(routed.len() > 35, "the table was not read to its end: {routed:?}");
    let left_out = |call: &&String| LEFT_OUT.iter().any(|(known, _)| known == call);
    let missing: Vec<_> = routed.difference(&described).filter(|call| !left_out(call)).collect();
    assert!(missing.is_empty(), "http/openapi.json does not describe {missing:?}");
    let gone: Vec<_> = described.difference(&routed).collect();
    assert!(gone.is_empty(), "http/openapi.json describes what is not there: {gone:?}");
}

/// Where the description lists words, and the function that says them: its file and what begins it there.
const WORDS: [(&str, &str, &str); 7] = [
    ("Reason", include_str!("../../../domain/src/saga/state.rs"), "pub fn code(&self)"),
    ("Phase", include_str!("../../../domain/src/saga/state.rs"), "pub fn name(self)"),
    (
        "History/properties/items/items/properties/cause",
        include_str!("../../../domain/src/saga/event.rs"),
        "impl Cause {",
    ),
    (
        "Message/properties/occasion",
        include_str!("../../../domain/src/message.rs"),
        "pub fn name(self)",
    ),
    (
        "Order/properties/confirmation/properties/state",
        include_str!("../../../domain/src/confirmation.rs"),
        "pub fn state_name(&self)",
    ),
    (
        "Node/properties/breaker",
        include_str!("../../../domain/src/breaker.rs"),
        "pub fn name(&self)",
    ),
    ("Attention/properties/why", include_str!("../../src/native/attention.rs"), "let why = match"),
];

#[test]
fn every_word_that_is_said_is_described() {
    let description: Value = serde_json::from_str(OPENAPI).unwrap();
    for (place, source, begins) in WORDS {
        let function = source.split(begins).nth(1).unwrap();
        // The function is over at the first line that closes what it is in.
        let end = function.find("\n    }\n").unwrap_or(function.len());
        let said: BTreeSet<&str> = function[..end]
            .split(" => \"")
            .skip(1)
            .map(|arm| arm.split('"').next().unwrap())
            .collect();
        let list = &description.pointer(&format!("/components/schemas/{place}/enum"));
        let list = list.unwrap_or_else(|| panic!("no list at {place}")).as_array().unwrap();
        let described: BTreeSet<&str> = list.iter().map(|word| word.as_str().unwrap()).collect();
        assert!(said.len() > 1, "{place}: its words were not found");
        assert_eq!(said, described, "{place}");
    }
}

#[test]
fn everything_described_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut client = server.client();
    let served = client.get("/v1/openapi.json").expect(200);
    assert_eq!(served.header("content-type"), Some("application/json"));
    assert_eq!(served.body, OPENAPI);
    for call in described().iter().filter(|call| !call.ends_with("/stripe")) {
        let (method, path) = call.split_once(' ').unwrap();
        // A market and numbers that are not there: whoever answers says that, and not that nobody does.
        let path = path.replacen("/v1/{}", "/v1/nowhere", 1).replace("{}", "999999");
        let answer = client.send(method, &path, &[], None).unwrap();
        assert_ne!(answer.status, 405, "{call}: {answer:?}");
        assert!(!answer.body.contains("nothing at this address"), "{call}: {answer:?}");
    }
    // Stripe's events are expected only where there is a secret, which `gateway_stripe` has.
    let (status, _) = server.stop();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn what_the_description_points_at_is_in_it() {
    fn look(whole: &Value, value: &Value, names: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(to)) = fields.get("$ref") {
                    let place = to.strip_prefix('#').unwrap();
                    assert!(whole.pointer(place).is_some(), "{to} is not there");
                    names.insert(place.to_owned());
                }
                fields.values().for_each(|value| look(whole, value, names));
            }
            Value::Array(items) => items.iter().for_each(|value| look(whole, value, names)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let description: Value = serde_json::from_str(OPENAPI).unwrap();
    let mut used = BTreeSet::new();
    look(&description, &description, &mut used);
    for (kind, things) in description["components"].as_object().unwrap() {
        for name in things.as_object().unwrap().keys().filter(|_| kind != "securitySchemes") {
            let place = format!("/components/{kind}/{name}");
            assert!(used.contains(&place), "nothing points at {place}");
        }
    }
}

//! Requests made up from the description of the native API, right and wrong ones, by schemathesis, a program of others: no
//! answer is a 5xx, and every answer is as described. It takes a minute: making up good requests is slow work.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::client::Client;
use crate::pypi::programs;
use crate::server::{CINEMA, GUIDE, Server};

/// The release that is used.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";
/// How long it may go on, in seconds, and how many requests it makes of one kind at most.
const LIMITS: [&str; 4] = ["--max-time", "60", "--max-examples", "40"];
/// The same requests each time.
const SEED: [&str; 2] = ["--seed", "20270328"];
/// Left out: what a stopped or crashed part cannot do is a 503 by contract, the audit is held at the end, and Stripe's
/// events are closed here.
const LEFT_OUT: &str =
    "^/v1/admin/(participants/.*/(stop|crash)|orders/.*/crash|audit)$|^/webhooks";
/// All checks but two. A request that fits the description need not fit how things stand: a slot that is not sold and a
/// night that is over are 422, and no description can say which they are. And nobody needs a token on a loopback
/// address, so that none can be ignored.
const CHECKS: [&str; 2] = ["--exclude-checks", "positive_data_acceptance,ignored_auth"];

/// Nights and slots, with a long time to come.
const HOTEL: &str = r#"
name = "hotel"
currency = "EUR"
[[offerings]]
id = 1
name = "Room"
price = { amount = 9000 }
inventory = { model = "nights", units = 30 }
[[offerings]]
id = 2
name = "Class"
price = { amount = 1500 }
inventory = { model = "slots", capacity = 8, zone = "Europe/Berlin", slots = ["2035-03-25T10:00"] }
"#;

/// The description, without the highest number that an offering may be given: somebody who takes it at once makes lists
/// and the audit walk a million numbers, which is slow in a debug build and no fault of an answer.
fn description(client: &mut Client) -> Value {
    let mut description = client.get("/v1/openapi.json").expect(200).json();
    let id = &mut description["components"]["schemas"]["NewOffering"]["properties"]["id"];
    assert!(id.as_object_mut().unwrap().remove("maximum").is_some());
    description
}

#[test]
fn whatever_is_made_up_is_answered_as_described() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::markets(folder.path(), &[CINEMA, GUIDE, HOTEL]);
    let mut client = server.client();
    for market in ["cinema", "guide"] {
        for _ in 0..3 {
            let order = json!({"customer": "ann", "offering": 2, "payment": {"card": "7"}});
            client.post(&format!("/v1/{market}/orders"), &order);
        }
    }
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, description(&mut client).to_string()).unwrap();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/schemathesis.toml");
    let played = Command::new(programs(SCHEMATHESIS).join("schemathesis"))
        .arg("--config-file")
        .arg(config)
        .arg("run")
        .arg(&file)
        .args(["--url", &format!("http://{}", server.address), "--no-color"])
        .args(["--exclude-path-regex", LEFT_OUT, "--generation-database", "none"])
        .args(LIMITS)
        .args(SEED)
        .args(CHECKS)
        .current_dir(folder.path())
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let (said, cried) =
        (String::from_utf8_lossy(&played.stdout), String::from_utf8_lossy(&played.stderr));
    assert!(played.status.success(), "{said}\n{cried}");
    let cases = said.split("Test cases:").nth(1).and_then(|rest| rest.split_whitespace().next());
    println!("schemathesis: {cases:?} requests");
    // The first connection was idle for too long and is closed.
    let mut client = server.client();
    let audit = client.get("/v1/admin/audit").expect(200).json();
    assert_eq!(audit["balanced"], true, "{audit}");
    let tree = client.get("/v1/admin/tree").expect(200).json();
    assert!(!crashed(&tree), "{tree}");
    let (status, stderr) = server.stop();
    assert_eq!(status.code(), Some(0), "{stderr}");
}

fn crashed(node: &Value) -> bool {
    node["restarts"] != 0 || node["children"].as_array().unwrap().iter().any(crashed)
}

//! The real binary against a payment service that has every fault: what the service's ledger says
//! and what ours says is the same to the cent, and nobody waits for ever.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::client::Client;
use crate::payment_service::Service;
use crate::server::{Server, command, until};

const ORDERS: usize = 300;
const CLIENTS: usize = 60;

/// Orders of many sizes, so that sums tell one payment from another.
const SHOP: &str = r#"
name = "shop"
currency = "EUR"
[[offerings]]
id = 1
name = "Screw"
price = { amount = 7 }
inventory = { model = "unlimited" }
"#;

fn start(folder: &Path, flags: &[&str]) -> Server {
    let market = folder.join("shop.toml");
    std::fs::write(&market, SHOP).unwrap();
    let mut all = vec!["--admin", "--market", market.to_str().unwrap()];
    all.extend(flags);
    Server::with(&folder.join("data"), &all)
}

fn order(number: usize) -> Value {
    let card = if number % 10 == 3 { "tok-declined" } else { "tok-good" };
    json!({"customer": format!("c{number}"), "offering": 1, "quantity": number + 1,
        "payment": {"card": format!("{card}-{number}")}})
}

/// Places the orders of one client, and takes every fifth back. Returns the order's number, its id
/// and the status it was answered with.
fn shop(client: &mut Client, numbers: &[usize]) -> Vec<(usize, u64, u16)> {
    let mut placed = Vec::new();
    for number in numbers {
        let answer = client.post("/v1/shop/orders", &order(*number));
        // 503 is the breaker's word: the service failed too often a moment ago.
        assert!([201, 202, 402, 503].contains(&answer.status), "{answer:?}");
        assert!(answer.status != 503 || answer.header("retry-after").is_some(), "{answer:?}");
        let said = answer.json();
        let id = said["id"].as_u64().or(said["order"].as_u64()).unwrap();
        if number % 5 == 0 {
            let taken = client.post(&format!("/v1/shop/orders/{id}/cancel"), &json!({}));
            assert!([200, 202, 409].contains(&taken.status), "{taken:?}");
        }
        placed.push((*number, id, answer.status));
    }
    placed
}

fn place_all(server: &Server) -> Vec<(usize, u64, u16)> {
    let numbers: Vec<usize> = (0..ORDERS).collect();
    std::thread::scope(|scope| {
        let placing: Vec<_> = numbers
            .chunks(ORDERS / CLIENTS)
            .map(|chunk| {
                let mut client = server.client();
                scope.spawn(move || shop(&mut client, chunk))
            })
            .collect();
        placing.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}

/// Waits until the order is at rest, and returns it.
fn settled(client: &mut Client, id: u64) -> Value {
    until(&format!("order {id} settles"), || {
        let order = client.get(&format!("/v1/shop/orders/{id}")).expect(200).json();
        let payment = order["payment"]["state"].as_str().unwrap_or_default();
        let rests = match order["phase"].as_str().unwrap() {
            "confirmed" => payment == "captured",
            "refused" | "cancelled" => !matches!(payment, "pending" | "unknown" | "captured"),
            _ => false,
        };
        rests.then_some(order)
    })
}

#[test]
fn two_ledgers_agree_whatever_happens_between_them() {
    let seed = std::env::var("SUREHOLD_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        u64::from(now.subsec_nanos())
    });
    println!("gateway_json: SUREHOLD_SEED={seed}");
    let service = Service::start(Some(seed));
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), &["--payment-url", &service.url]);
    let placed = place_all(&server);
    assert_eq!(placed.len(), ORDERS);

    let mut client = server.client();
    let (mut phases, mut captured) = (BTreeMap::<String, u32>::new(), BTreeMap::new());
    for (number, id, status) in &placed {
        let order = settled(&mut client, *id);
        let phase = order["phase"].as_str().unwrap().to_owned();
        let declined = number % 10 == 3;
        assert!(*status != 201 || !declined, "a declined card paid: {order}");
        assert!(*status != 402 || declined, "a good card was declined: {order}");
        assert!(*status != 503 || phase == "cancelled", "{order}");
        if *status == 201 {
            let paid = if number % 5 == 0 { "cancelled" } else { "confirmed" };
            assert_eq!(phase, paid, "{order}");
        }
        if matches!(order["payment"]["state"].as_str(), Some("captured" | "refunded")) {
            captured.insert(*number, 7 * (i64::try_from(*number).unwrap() + 1));
        }
        *phases.entry(format!("{phase} after {status}")).or_default() += 1;
    }
    compare(&mut client, &service, &captured);
    let faults = service.ledger().faults.clone();
    println!("gateway_json: {phases:?}, faults {faults:?}");
    assert_eq!(faults.len(), 7, "a kind of fault never came: {faults:?}");
    assert!(faults.values().all(|count| *count >= 3), "{faults:?}");
    let (_, stderr) = server.stop();
    assert!(stderr.contains(&format!("payments: the service at {}", service.url)), "{stderr}");
}

/// Holds the service's ledger against our orders and our audit.
fn compare(client: &mut Client, service: &Service, captured: &BTreeMap<usize, i64>) {
    let ledger = service.ledger();
    let mut theirs: Vec<i64> =
        ledger.payments.values().filter(|it| it.captured).map(|it| it.amount).collect();
    let mut ours: Vec<i64> = captured.values().copied().collect();
    theirs.sort_unstable();
    ours.sort_unstable();
    // Each order has an amount of its own, so this is one capture for each.
    assert_eq!(theirs, ours);
    let back: i64 = ledger.payments.values().map(crate::payment_service::Entry::refunded).sum();
    for entry in ledger.payments.values() {
        assert!(entry.refunds.len() <= 1 && entry.refunded() <= entry.amount, "{entry:?}");
    }
    let audit = client.get("/v1/admin/audit").expect(200).json();
    assert_eq!(audit["balanced"], true, "{audit}");
    let money = &audit["money"]["EUR"];
    assert_eq!(money["captured"], theirs.iter().sum::<i64>(), "{audit}");
    assert_eq!(money["refunded"], back, "{audit}");
    assert_eq!(money["kept"], theirs.iter().sum::<i64>() - back, "{audit}");
}

#[test]
fn the_number_goes_to_the_service_and_nowhere_else() {
    let service = Service::start(None);
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), &["--payment-url", &service.url]);
    let mut client = server.client();
    let order = json!({"customer": "ann", "offering": 1, "payment": {"card": "4242424242424242"}});
    let placed = client.post("/v1/shop/orders", &order).expect(201);
    assert!(!placed.body.contains("42424242"), "{placed:?}");
    let requests = service.ledger().requests.clone();
    assert_eq!(requests.len(), 1, "{requests:?}");
    for words in ["POST /payments ", "\"card\":\"4242424242424242\"", "\"card_last4\":\"4242\""] {
        assert!(requests[0].contains(words), "{requests:?}");
    }
    assert!(requests[0].contains("\"amount\":7,") && requests[0].contains("\"currency\":\"EUR\""));
    let (_, stderr) = server.stop();
    assert!(!stderr.contains("42424242"), "{stderr}");
    let found = std::process::Command::new("grep")
        .args(["-r", "-l", "-a", "4242424242424242"])
        .arg(folder.path().join("data"))
        .output()
        .unwrap();
    assert!(found.stdout.is_empty(), "{found:?}");
}

#[test]
fn only_one_gateway_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "payment_url = \"http://127.0.0.1:1\"\n[sandbox]\n").unwrap();
    let file = file.to_str().unwrap();
    let url = ["--payment-url", "http://127.0.0.1:1"].as_slice();
    let key = "sk_test_0123456789abcdef";
    for (flags, env, words) in [
        (url, Some(key), "set only one of them"),
        (&["--config", file], None, "sandbox: is not used with --payment-url"),
        (&["--payment-url", "nonsense"], None, "--payment-url: \"nonsense\""),
        (&[], Some("secret"), "SUREHOLD_STRIPE_KEY: is not"),
    ] {
        let mut command = command();
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(folder.path().join("data"));
        command.args(flags);
        command.envs(env.map(|key| ("SUREHOLD_STRIPE_KEY", key)));
        let output = command.output().unwrap();
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), line.lines().count()), (Some(2), 1), "{line}");
        assert!(line.contains(words) && !line.contains("0123"), "{line}");
    }
}

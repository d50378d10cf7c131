//! Twenty times: many clients place orders, the process is killed at a random moment, a new one
//! starts on the same folder, and everything that was promised must be there, once.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{Server, until};

const ROUNDS: u32 = 20;
const CLIENTS: usize = 32;
const SEATS: u64 = 1000;

const HALL: &str = r#"
name = "hall"
currency = "EUR"
[[offerings]]
id = 1
name = "Seat"
price = { amount = 1000 }
inventory = { model = "seats", capacity = 1000 }
[[offerings]]
id = 2
name = "Stream"
price = { amount = 300 }
inventory = { model = "unlimited" }
"#;

/// A small generator (xorshift), so that a seed tells the whole story.
struct Luck(u64);

impl Luck {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

#[test]
fn what_was_answered_survives_every_kill() {
    let seed = std::env::var("SUREHOLD_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        u64::from(now.subsec_nanos()) + 1
    });
    println!("kill: SUREHOLD_SEED={seed}");
    let mut luck = Luck(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut promised: Vec<Value> = Vec::new();
    let began = Instant::now();
    for round in 0..ROUNDS {
        let server = Server::markets(folder.path(), &[HALL]);
        check(&mut server.client(), &promised, round);
        let new = place_until_killed(server, Duration::from_millis(luck.next(300)), round);
        promised.extend(new);
    }
    let server = Server::markets(folder.path(), &[HALL]);
    check(&mut server.client(), &promised, ROUNDS);
    let took = began.elapsed();
    println!("kill: {} promised orders in {ROUNDS} rounds, {took:?}", promised.len());
    assert!(took < Duration::from_secs(90), "{took:?}");
    assert!(promised.len() > 100, "too little happened: {}", promised.len());
    assert!(leftovers(folder.path()), "the folder is gone");
}

fn leftovers(folder: &Path) -> bool {
    folder.join("data").is_dir()
}

/// Lets every client place orders one after another, kills the server, and returns the orders that
/// were answered with 201.
fn place_until_killed(server: Server, after: Duration, round: u32) -> Vec<Value> {
    let killed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (killed, server_address) = (&killed, server.address.clone());
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let mut client = Client::new(&server_address);
                scope.spawn(move || place(&mut client, &format!("{round}-{number}"), killed))
            })
            .collect();
        // The moment itself is what is random here; there is nothing to wait for.
        let until = Instant::now() + after;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            std::thread::park_timeout(left);
        }
        server.kill();
        killed.store(true, Ordering::SeqCst);
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}

fn place(client: &mut Client, name: &str, killed: &AtomicBool) -> Vec<Value> {
    let mut promised = Vec::new();
    let typed = [("content-type", "application/json")];
    for number in 0.. {
        let offering = 1 + number % 2;
        let order = json!({"customer": format!("{name}-{number}"), "offering": offering,
            "payment": {"card": format!("tok-{name}-{number}")}});
        let body = order.to_string();
        match client.send("POST", "/v1/hall/orders", &typed, Some(body.as_bytes())) {
            Ok(answer) if answer.status == 201 => promised.push(answer.json()),
            Ok(answer) if answer.status == 409 && offering == 1 => {}
            Ok(answer) => panic!("{answer:?}"),
            // The only excuse is the kill.
            Err(error) => {
                until(&format!("the kill that explains {error}"), || {
                    killed.load(Ordering::SeqCst).then_some(())
                });
                return promised;
            }
        }
    }
    promised
}

/// Whether everything promised is there, once, and nothing is out of balance.
fn check(client: &mut Client, promised: &[Value], round: u32) {
    let mut orders = std::collections::BTreeMap::new();
    let mut cursor = json!(0);
    while !cursor.is_null() {
        let page = client.get(&format!("/v1/hall/orders?limit=1000&cursor={cursor}")).expect(200);
        let page = page.json();
        for order in page["items"].as_array().unwrap() {
            orders.insert(order["id"].as_u64().unwrap(), order.clone());
        }
        cursor = page["next"].clone();
    }
    for was in promised {
        let is = orders.get(&was["id"].as_u64().unwrap());
        let is = is.unwrap_or_else(|| panic!("round {round}: lost {was}"));
        for field in ["customer", "offering", "quantity", "price", "created_at", "attributes"] {
            assert_eq!(is[field], was[field], "round {round}: {field} of {was}");
        }
        assert_eq!(is["payment"], was["payment"], "round {round}: paid otherwise: {is}");
        assert_eq!(is["payment"]["state"], "captured", "round {round}: {is}");
        assert!(["paid", "confirmed"].contains(&is["phase"].as_str().unwrap()), "{is}");
    }
    let ids: BTreeSet<u64> = promised.iter().map(|order| order["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), promised.len(), "round {round}: an order number was given twice");
    for part in ["payment", "confirmation"] {
        let mut owners = std::collections::BTreeMap::new();
        for order in orders.values().filter(|order| order[part]["id"].is_u64()) {
            if let Some(other) = owners.insert(order[part]["id"].as_u64(), order) {
                panic!("round {round}: one {part} for two orders:\n{other}\n{order}");
            }
        }
    }
    for order in orders.values() {
        let over =
            ["fulfilled", "refused", "cancelled"].contains(&order["phase"].as_str().unwrap());
        assert!(over || order["deadline"].is_string(), "round {round}: no deadline: {order}");
    }
    let captured = |order: &&Value| order["payment"]["state"] == "captured";
    let sold = orders.values().filter(|order| order["offering"] == 1).filter(captured).count();
    assert!(sold as u64 <= SEATS, "round {round}: {sold} of {SEATS} seats were sold");
    let audit = client.get("/v1/admin/audit").expect(200).json();
    assert_eq!(audit["balanced"], true, "round {round}: {audit}");
}

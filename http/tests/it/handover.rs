//! A rolling restart: one process hands its data over to the next, under load, and no client that
//! tries the other address when one does not answer ever notices more than a pause.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::server::{Server, Starting, command, until};

const CLIENTS: usize = 8;
const HANDOVERS: usize = 4;
/// Orders answered between two of them.
const BETWEEN: usize = 60;
const SEATS: usize = 90;

const MARKET: &str = r#"
name = "fair"
currency = "EUR"
[[offerings]]
id = 1
name = "Seat"
price = { amount = 1250 }
inventory = { model = "seats", capacity = 90 }
[[offerings]]
id = 2
name = "Ticket"
price = { amount = 400 }
inventory = { model = "unlimited" }
"#;

/// How each process is started.
fn start(folder: &Path, wait: &str) -> Command {
    start_on("127.0.0.1:0", folder, wait)
}

fn start_on(address: &str, folder: &Path, wait: &str) -> Command {
    let mut command = command();
    command.args(["--listen", address, "--admin", "--wait-for-data", wait]);
    for (flag, name, text) in [
        ("--market", "fair.toml", MARKET),
        ("--config", "surehold.toml", "[sandbox]\ndelay = \"40 ms\"\n"),
    ] {
        let file = folder.join(name);
        std::fs::write(&file, text).unwrap();
        command.arg(flag).arg(file);
    }
    command.arg("--data").arg(folder.join("data"));
    command
}

/// What the clients know, and what they were told.
#[derive(Default)]
struct Fair {
    /// Where the two processes are, as a balancer would know it.
    addresses: Mutex<[String; 2]>,
    stop: AtomicBool,
    answered: AtomicUsize,
    tries: AtomicUsize,
    /// What each key was answered: the order, or nothing if there was no room.
    told: Mutex<BTreeMap<String, Option<Value>>>,
}

impl Fair {
    /// Places orders, each again and again with one key until there is an answer.
    fn shop(&self, number: usize) {
        let mut place = number % 2;
        let mut client: Option<Client> = None;
        for round in 0.. {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let key = format!("client-{number}-{round}");
            let offering = 1 + round % 2;
            let order = json!({"customer": key, "offering": offering, "payment": {"card": "7"}});
            let answer = self.insist(&mut client, &mut place, &key, &order.to_string());
            let told = match answer.status {
                201 => Some(answer.json()),
                409 => {
                    assert_eq!(answer.json()["type"], "/problems/no-room", "{answer:?}");
                    None
                }
                _ => panic!("{key}: {answer:?}"),
            };
            self.told.lock().unwrap().insert(key, told);
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Asks one address and then the other, until one answers.
    fn insist(
        &self,
        client: &mut Option<Client>,
        place: &mut usize,
        key: &str,
        body: &str,
    ) -> Answer {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        let began = Instant::now();
        loop {
            let mut asked = client.take().unwrap_or_else(|| {
                let address = self.addresses.lock().unwrap()[*place].clone();
                Client::new(&address)
            });
            let answer = asked.send("POST", "/v1/fair/orders", &headers, Some(body.as_bytes()));
            if let Ok(answer) = answer {
                *client = Some(asked);
                return answer;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{key} is never answered");
            self.tries.fetch_add(1, Ordering::Relaxed);
            *place = 1 - *place;
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    fn answers(&self, count: usize) {
        let before = self.answered.load(Ordering::Relaxed);
        until("orders are answered", || {
            (self.answered.load(Ordering::Relaxed) >= before + count).then_some(())
        });
    }
}

/// Ends the clients also when the test fails.
struct Closing<'f>(&'f Fair);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_rolling_restart_loses_nothing_and_fails_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let fair = Fair::default();
    let server = Server::spawn(start(folder.path(), "30"));
    *fair.addresses.lock().unwrap() = [server.address.clone(), server.address.clone()];
    let mut running = Some(server);
    let mut longest = Duration::ZERO;
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let fair = &fair;
            scope.spawn(move || fair.shop(number));
        }
        let closing = Closing(&fair);
        for handover in 0..HANDOVERS {
            fair.answers(BETWEEN);
            let mut next = Starting::spawn(start(folder.path(), "30"));
            let line = next.says("in use by another process");
            let address = line.trim().rsplit(' ').next().unwrap().to_owned();
            assert!(TcpStream::connect(&address).is_err(), "it does not listen: {line}");
            fair.addresses.lock().unwrap()[(handover + 1) % 2] = address.clone();
            fair.answers(BETWEEN / 4);
            let began = Instant::now();
            let (status, stderr) = running.take().unwrap().stop();
            assert_eq!(status.code(), Some(0), "{stderr}");
            assert!(!stderr.contains("WARN"), "{stderr}");
            let server = running.insert(next.ready());
            assert_eq!(server.address, address);
            longest = longest.max(began.elapsed());
        }
        fair.answers(BETWEEN);
        drop(closing);
    });
    let server = running.unwrap();
    check(&fair, &server);
    let (answered, tries) = (&fair.answered, &fair.tries);
    println!("handover: {answered:?} answers, {tries:?} tries again, {longest:?} at most");
    let (status, stderr) = server.stop();
    assert_eq!(status.code(), Some(0), "{stderr}");
}

/// Every order that was told of is there, each key made one, and nothing was sold twice.
fn check(fair: &Fair, server: &Server) {
    let mut desk = server.client();
    let told = fair.told.lock().unwrap();
    assert!(told.len() >= (HANDOVERS + 1) * BETWEEN);
    let mut ids = BTreeSet::new();
    for (key, told) in &*told {
        let found = desk.get(&format!("/v1/fair/idempotency/{key}")).expect(200).json();
        let Some(told) = told else {
            assert_eq!(found["phase"], "refused", "{key}: {found}");
            continue;
        };
        assert_eq!((&found["id"], &found["customer"]), (&told["id"], &told["customer"]));
        assert_eq!(found["payment"]["state"], "captured", "{key}: {found}");
        assert!(ids.insert(told["id"].as_u64().unwrap()), "{key}: an order of another's: {told}");
    }
    let (mut after, mut keys, mut sold) = (Value::Null, BTreeSet::new(), 0);
    loop {
        let cursor = if after.is_null() { String::new() } else { format!("&cursor={after}") };
        let page = desk.get(&format!("/v1/fair/orders?limit=1000{cursor}")).expect(200).json();
        for order in page["items"].as_array().unwrap() {
            let key = order["customer"].as_str().unwrap().to_owned();
            assert!(told.contains_key(&key), "nobody was told of {order}");
            assert!(keys.insert(key), "a key made two orders: {order}");
            let seat = order["offering"] == 1 && order["payment"]["state"] == "captured";
            sold += usize::from(seat);
        }
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(keys.len(), told.len());
    assert_eq!(sold, SEATS, "all seats were sold, and no more");
    let audit = desk.get("/v1/admin/audit").expect(200).json();
    assert_eq!(audit["balanced"], true, "{audit}");
}

#[test]
fn waiting_ends_when_its_time_is_over_or_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::spawn(start(folder.path(), "0"));
    let refused = |mut command: Command| {
        let began = Instant::now();
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        let lines: Vec<_> = stderr.lines().filter(|line| !line.starts_with("INFO ")).collect();
        assert_eq!(lines.len(), 1, "{stderr}");
        (lines[0].to_owned(), began.elapsed())
    };
    let (line, took) = refused(start(folder.path(), "1"));
    assert!(line.contains("in use by another process"), "{line}");
    assert!(took >= Duration::from_secs(1), "{took:?}");
    // A port that is taken is told at once, however long the data would be waited for.
    let (line, took) = refused(start_on(&server.address, folder.path(), "30"));
    assert!(line.contains(&server.address), "{line}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    let mut waiting = Starting::spawn(start(folder.path(), "30"));
    waiting.says("in use by another process");
    assert_eq!(waiting.stop().code(), Some(0));
    server.client().get("/readyz").expect(200);
}

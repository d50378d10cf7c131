//! A payment service of one's own house, as `--payment-url` expects it, with every fault a network
//! and a bad day have. It keeps a ledger by idempotency key. Which fault comes when follows from a
//! seed, the number of the payment and how often it was asked about.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Faults a charge may have, and a refund too: after so many the service behaves, so that the test
/// ends.
const FAULTS_MAX: u32 = 2;
/// Slow, but in time.
const SLOW: Duration = Duration::from_millis(900);
/// Longer than anybody waits for one call.
const LATE: Duration = Duration::from_secs(12);

/// What the service does with a request beside what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// Says 500 and does nothing.
    Error,
    /// Hangs up and does nothing.
    Reset,
    /// Does it and hangs up.
    Silence,
    /// Does it and says nonsense.
    Garbage,
    /// Does it and takes its time.
    Slow,
    /// Does it and answers when nobody listens any more.
    Late,
    /// Does it and answers two times.
    Twice,
}

const FAULTS: [Fault; 7] = [
    Fault::Error,
    Fault::Reset,
    Fault::Silence,
    Fault::Garbage,
    Fault::Slow,
    Fault::Late,
    Fault::Twice,
];

/// One payment in the ledger.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) amount: i64,
    pub(crate) captured: bool,
    /// What was given back, by idempotency key.
    pub(crate) refunds: BTreeMap<String, i64>,
}

impl Entry {
    pub(crate) fn refunded(&self) -> i64 {
        self.refunds.values().sum()
    }
}

/// What the service knows.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) payments: BTreeMap<String, Entry>,
    pub(crate) faults: BTreeMap<Fault, u32>,
    /// All that it was sent, as text.
    pub(crate) requests: Vec<String>,
    asked: BTreeMap<(String, bool), u32>,
    faulted: BTreeMap<(String, bool), u32>,
}

/// The service.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) url: String,
    ledger: Arc<Mutex<Ledger>>,
    seed: Option<u64>,
    /// Whether nobody is answered for now, and who waits for that to end.
    held: Arc<(Mutex<bool>, Condvar)>,
}

struct Asked {
    method: String,
    path: String,
    key: String,
    body: Value,
}

impl Service {
    /// Starts one that has faults, if there is a seed.
    pub(crate) fn start(seed: Option<u64>) -> Service {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = Service { url, ledger: Arc::default(), seed, held: Arc::default() };
        let serving = service.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, service) = (stream.unwrap(), serving.clone());
                // A client that hangs up is no news here.
                std::thread::spawn(move || service.serve(&stream).unwrap_or_default());
            }
        });
        service
    }

    /// Starts one without faults that answers nobody until it is told to.
    pub(crate) fn holding() -> Service {
        let service = Service::start(None);
        *service.held.0.lock().unwrap() = true;
        service
    }

    /// Answers everybody from now on.
    pub(crate) fn release(&self) {
        *self.held.0.lock().unwrap() = false;
        self.held.1.notify_all();
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        while let Some(asked) = read(&mut reader)? {
            drop(self.held.1.wait_while(self.held.0.lock().unwrap(), |held| *held).unwrap());
            let fault = self.fault(&asked);
            match fault {
                Some(Fault::Reset) => return Ok(()),
                Some(Fault::Error) => {
                    answer(stream, 500, "")?;
                    continue;
                }
                _ => {}
            }
            let (status, body) = self.act(&asked);
            let body = body.to_string();
            match fault {
                Some(Fault::Silence) => return Ok(()),
                Some(Fault::Garbage) => answer(stream, 200, "<html>{\"state\":\"declined\"}")?,
                Some(Fault::Slow) => pass(SLOW),
                Some(Fault::Late) => pass(LATE),
                Some(Fault::Twice) => answer(stream, status, &body)?,
                Some(Fault::Error | Fault::Reset) | None => {}
            }
            if fault != Some(Fault::Garbage) {
                answer(stream, status, &body)?;
            }
        }
        Ok(())
    }

    /// The fault that this request meets, each in one case of twenty: more, and the breaker would rightly
    /// keep nearly all orders away.
    fn fault(&self, asked: &Asked) -> Option<Fault> {
        let mut ledger = self.ledger();
        ledger
            .requests
            .push(format!("{} {} {} {}", asked.method, asked.path, asked.key, asked.body));
        let (payment, refund) = of(asked);
        let mut mixed = self.seed?;
        let nth = ledger.asked.entry((payment.clone(), refund)).or_default();
        *nth += 1;
        // The node's name in front is another one each time.
        let name = format!("{}{refund}{nth}", payment.split_once('-').map_or("", |(_, rest)| rest));
        for byte in name.bytes() {
            mixed = (mixed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            mixed ^= mixed >> 29;
        }
        let fault = FAULTS.get(usize::try_from(mixed % 20).unwrap()).copied()?;
        let had = ledger.faulted.entry((payment, refund)).or_default();
        if *had >= FAULTS_MAX {
            return None;
        }
        *had += 1;
        *ledger.faults.entry(fault).or_default() += 1;
        Some(fault)
    }

    fn act(&self, asked: &Asked) -> (u16, Value) {
        let mut ledger = self.ledger();
        let (payment, refund) = of(asked);
        match (asked.method.as_str(), refund) {
            ("POST", false) => {
                let amount = asked.body["amount"].as_i64().unwrap();
                let card = asked.body["card"].as_str().unwrap_or_default();
                let captured = !card.contains("declined");
                let entry = ledger.payments.entry(payment).or_insert_with(|| Entry {
                    amount,
                    captured,
                    ..Entry::default()
                });
                assert_eq!(entry.amount, amount, "one key, two amounts");
                if entry.captured {
                    (201, json!({"state": "captured"}))
                } else {
                    (402, json!({"declined": "not enough money"}))
                }
            }
            ("POST", true) => {
                let Some(entry) = ledger.payments.get_mut(&payment).filter(|it| it.captured) else {
                    return (404, json!({"error": "nothing to give back"}));
                };
                let amount = asked.body["amount"].as_i64().unwrap();
                entry.refunds.entry(asked.key.clone()).or_insert(amount);
                (201, json!({"amount": amount}))
            }
            _ => match ledger.payments.get(&payment) {
                None => (404, json!({"error": "no such payment"})),
                Some(entry) if !entry.captured => (200, json!({"state": "declined"})),
                Some(entry) if entry.refunded() > 0 => (200, json!({"state": "refunded"})),
                Some(_) => (200, json!({"state": "captured"})),
            },
        }
    }
}

/// Lets time pass: being slow is what is wanted here.
fn pass(time: Duration) {
    let until = Instant::now() + time;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        std::thread::park_timeout(left);
    }
}

/// The payment that a request is about, and whether it is about giving back.
fn of(asked: &Asked) -> (String, bool) {
    match asked.path.trim_start_matches("/payments").trim_start_matches('/') {
        "" => (asked.key.clone(), false),
        path => match path.strip_suffix("/refunds") {
            Some(payment) => (payment.to_owned(), true),
            None => (path.to_owned(), false),
        },
    }
}

fn answer(mut stream: &TcpStream, status: u16, body: &str) -> std::io::Result<()> {
    let length = body.len();
    stream.write_all(
        format!("HTTP/1.1 {status} Said\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes(),
    )
}

/// Reads one request; `None` at the end of the connection.
fn read(reader: &mut impl BufRead) -> std::io::Result<Option<Asked>> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(None) };
    let (mut key, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "idempotency-key" => value.trim().clone_into(&mut key),
            "content-length" => length = value.trim().parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Ok(Some(Asked { method, path, key, body }))
}

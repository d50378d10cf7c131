//! A tiny server that speaks just enough of the contract to be measured, and misbehaves on demand.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until};

/// How long a stand-in that pauses does so, once, and after how many answers.
pub(crate) const PAUSE: Duration = Duration::from_millis(300);
pub(crate) const PAUSES_AFTER: u64 = 100;

/// How the stand-in misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not at all.
    None,
    /// Every answer comes in chunks, with a trailer, torn into single bytes.
    Chunked,
    /// Each connection is closed in the middle of an answer after this many whole ones.
    CloseAfter(usize),
    /// The first answer says `connection: close`.
    Farewell,
    /// Nothing is ever answered.
    Mute,
    /// Every third order is answered 409.
    RefuseThird,
    /// An answer is followed by bytes nobody asked for.
    Surplus,
    /// An answer has no length.
    Endless,
    /// The audit does not balance.
    Unbalanced,
    /// The listing never shows the last order.
    Forgetful,
    /// There is neither a listing nor an audit.
    Bookless,
    /// For a while, nobody is answered.
    Pause,
    /// Orders are answered before they are on disk; for the process only.
    Unsynced,
    /// SIGTERM ends it with a failure; for the process only.
    BadEnd,
}

impl Fault {
    /// The fault of that name, for a stand-in that runs as a process.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "unbalanced" => Self::Unbalanced,
            "unsynced" => Self::Unsynced,
            "bookless" => Self::Bookless,
            "bad-end" => Self::BadEnd,
            _ => Self::None,
        }
    }
}

/// The state all connections share.
struct Market {
    fault: Fault,
    /// Where orders are written to, in a process.
    journal: Option<File>,
    answered: Mutex<(u64, Option<Instant>)>,
    offerings: Mutex<u64>,
    /// The phases of the orders, by id from 1.
    orders: Mutex<Vec<&'static str>>,
}

/// Listens on a free port of the loopback and serves until the runtime ends.
pub(crate) async fn start(fault: Fault) -> SocketAddr {
    start_on(fault, None).await
}

/// The same with a file to which every order is written, and synced before it is answered.
pub(crate) async fn start_on(fault: Fault, journal: Option<File>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let market = Arc::new(Market {
        fault,
        journal,
        answered: Mutex::default(),
        offerings: Mutex::default(),
        orders: Mutex::default(),
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            // A client that goes away is no failure of the stand-in.
            let market = Arc::clone(&market);
            tokio::spawn(async move { market.serve(stream).await.ok() });
        }
    });
    address
}

impl Market {
    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut received = Vec::new();
        let mut answered = 0;
        loop {
            let Some((method, path, body, end)) = parse(&received) else {
                if stream.read_buf(&mut received).await? == 0 {
                    return Ok(());
                }
                continue;
            };
            let (status, answer) = self.answer(&method, &path, &body);
            received.drain(..end);
            let body = answer.to_string();
            let length = body.len();
            let plain = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n{body}");
            match self.fault {
                Fault::Mute => continue,
                Fault::Pause => {
                    self.pause().await;
                    stream.write_all(plain.as_bytes()).await?;
                }
                Fault::Chunked => send_torn(&mut stream, status, &body).await?,
                Fault::CloseAfter(count) if answered == count => {
                    return stream.write_all(&plain.as_bytes()[..plain.len() / 2]).await;
                }
                Fault::Farewell => {
                    let close = format!("\r\nConnection: close\r\n\r\n{body}");
                    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}");
                    stream.write_all(format!("{head}{close}").as_bytes()).await?;
                }
                Fault::Surplus => stream.write_all(format!("{plain}more").as_bytes()).await?,
                Fault::Endless => stream.write_all(b"HTTP/1.1 200 X\r\n\r\n").await?,
                Fault::None
                | Fault::CloseAfter(_)
                | Fault::RefuseThird
                | Fault::Unbalanced
                | Fault::Forgetful
                | Fault::Bookless
                | Fault::Unsynced
                | Fault::BadEnd => stream.write_all(plain.as_bytes()).await?,
            }
            answered += 1;
        }
    }

    /// Waits while nobody is answered.
    async fn pause(&self) {
        let until = {
            let mut answered = self.answered.lock().unwrap();
            answered.0 += 1;
            if answered.0 == PAUSES_AFTER {
                answered.1 = Some(Instant::now() + PAUSE);
            }
            answered.1
        };
        if let Some(until) = until {
            sleep_until(until).await;
        }
    }

    fn answer(&self, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
        let asked: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let (route, query) = path.split_once('?').unwrap_or((path, ""));
        if method == "GET" && self.fault == Fault::Bookless {
            return (404, json!({"type": "about:blank"}));
        }
        match (method, route) {
            ("POST", "/echo") => (200, asked),
            ("POST", "/v1/talentshare/offerings") => {
                let mut offerings = self.offerings.lock().unwrap();
                *offerings += 1;
                (201, json!({"id": *offerings, "name": asked["name"]}))
            }
            ("POST", "/v1/talentshare/orders") => self.place(&asked),
            ("GET", "/v1/talentshare/orders") => (200, self.list(query)),
            ("GET", "/v1/admin/audit") => {
                (200, json!({"balanced": self.fault != Fault::Unbalanced}))
            }
            _ => (404, json!({"type": "about:blank"})),
        }
    }

    fn place(&self, asked: &Value) -> (u16, Value) {
        let offering =
            asked["offering"].as_u64().filter(|id| *id <= *self.offerings.lock().unwrap());
        if offering.is_none() || !asked["customer"].is_string() {
            return (404, json!({"type": "about:blank"}));
        }
        if let Some(journal) = &self.journal {
            journal.write_all_at(&[2; 8192], 0).unwrap();
            if self.fault != Fault::Unsynced {
                journal.sync_data().unwrap();
            }
        }
        let mut orders = self.orders.lock().unwrap();
        let refused = self.fault == Fault::RefuseThird && orders.len() % 3 == 2;
        let (status, phase) = if refused { (409, "refused") } else { (201, "confirmed") };
        orders.push(phase);
        (status, json!({"id": orders.len(), "phase": phase}))
    }

    /// A page of at most seven, so that even tiny runs have several; the cursor needs escaping.
    fn list(&self, query: &str) -> Value {
        let cursor = query.split('&').find_map(|field| field.strip_prefix("cursor=after%3D"));
        let start: usize = cursor.map_or(0, |cursor| cursor.parse().unwrap());
        let orders = self.orders.lock().unwrap();
        let shown = orders.len() - usize::from(self.fault == Fault::Forgetful);
        let end = shown.min(start + 7);
        let items: Vec<_> =
            orders[start..end].iter().map(|phase| json!({"phase": phase})).collect();
        json!({"items": items, "next": (end < shown).then(|| format!("after={end}"))})
    }
}

/// Method, path, body and length of a whole request.
fn parse(received: &[u8]) -> Option<(String, String, Vec<u8>, usize)> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut request = httparse::Request::new(&mut headers);
    let head = match request.parse(received).unwrap() {
        httparse::Status::Complete(head) => head,
        httparse::Status::Partial => return None,
    };
    let length = request.headers.iter().find(|header| header.name == "content-length");
    let length = length.map_or(0, |header| str::from_utf8(header.value).unwrap().parse().unwrap());
    let body = received.get(head..head + length)?.to_vec();
    Some((request.method?.to_owned(), request.path?.to_owned(), body, head + length))
}

/// Sends the body in two chunks, and every byte by itself.
async fn send_torn(stream: &mut TcpStream, status: u16, body: &str) -> io::Result<()> {
    let (left, right) = body.split_at(body.len() / 2);
    let mut answer = format!("HTTP/1.1 {status} X\r\nTransfer-Encoding: chunked\r\n\r\n");
    for chunk in [left, right].into_iter().filter(|chunk| !chunk.is_empty()) {
        answer.push_str(&format!("{:x};note=1\r\n{chunk}\r\n", chunk.len()));
    }
    answer.push_str("0\r\nx-trailer: yes\r\n\r\n");
    for byte in answer.as_bytes() {
        stream.write_all(&[*byte]).await?;
        tokio::task::yield_now().await;
    }
    Ok(())
}

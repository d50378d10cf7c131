//! The service's own HTTP: just enough for the engine's calls, and for faults that no library would make.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use super::faults::{Fault, Met, Script};
use super::{Manner, Shared};

/// Longer than the server waits for a call.
const LATE: Duration = Duration::from_millis(8_500);
/// The most headers of one request.
const HEADERS_MAX: usize = 32;

/// One request.
struct Asked {
    method: String,
    path: String,
    body: Value,
}

impl Asked {
    /// The payment it is about, and whether it is about giving back.
    fn about(&self) -> (&str, bool) {
        match self.path.trim_start_matches("/payments").trim_start_matches('/') {
            "" => (self.key(), false),
            path => match path.strip_suffix("/refunds") {
                Some(payment) => (payment, true),
                None => (path, false),
            },
        }
    }

    fn key(&self) -> &str {
        self.body["key"].as_str().unwrap_or_default()
    }
}

/// Accepts connections for ever.
pub(super) async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let Manner { seed, faults_percent, .. } = shared.manner;
    let script = Arc::new(Mutex::new(Script::new(seed, faults_percent)));
    while let Ok((stream, _)) = listener.accept().await {
        let (shared, script) = (Arc::clone(&shared), Arc::clone(&script));
        // A client that hangs up is no news here.
        tokio::spawn(async move { connection(stream, &shared, &script).await.ok() });
    }
}

async fn connection(
    mut stream: TcpStream,
    shared: &Shared,
    script: &Mutex<Script>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut received = Vec::new();
    while let Some(asked) = read(&mut stream, &mut received).await? {
        let (payment, refund) = asked.about();
        let met = script.lock().await.next(payment, refund);
        shared.ledger().requests += 1;
        if let Some(Met { fault, .. }) = met {
            *shared.ledger().faults.entry(fault).or_insert(0) += 1;
        }
        if let Some(Met { fault: Fault::Error, .. }) = met {
            answer(&mut stream, 500, "").await?;
            continue;
        }
        if met.is_none_or(|met| met.does || matches!(met.fault, Fault::Twice | Fault::Late)) {
            shared.work(&asked).await;
        }
        let act = || shared.act(&asked);
        match met {
            None => tell(&mut stream, act()).await?,
            Some(Met { fault: Fault::Twice, .. }) => {
                let said = act();
                tell(&mut stream, said.clone()).await?;
                tell(&mut stream, said).await?;
            }
            Some(Met { fault: Fault::Garbage, .. }) => {
                act();
                answer(&mut stream, 200, "<html>{\"state\":\"declined\"}").await?;
            }
            Some(Met { fault: Fault::Late, .. }) => {
                let said = act();
                tokio::time::sleep(LATE).await;
                tell(&mut stream, said).await?;
            }
            Some(Met { fault: Fault::Reset | Fault::Error, does }) => {
                if does {
                    act();
                }
                return stream.set_zero_linger();
            }
            Some(Met { fault: Fault::Timeout, does }) => {
                if does {
                    act();
                }
                // Until the other side has had enough.
                return stream.read(&mut [0]).await.map(|_| ());
            }
        }
    }
    Ok(())
}

impl Shared {
    /// Takes the time that a charge takes, with one of its hands.
    async fn work(&self, asked: &Asked) {
        if asked.method != "POST" {
            return;
        }
        let _hand = match &self.hands {
            Some(hands) => hands.acquire().await.ok(),
            None => None,
        };
        let (least, most) = self.manner.sleep_ms;
        let more = {
            let mut random = self.random.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            random.below((most - least.min(most)) * 1000 + 1)
        };
        tokio::time::sleep(Duration::from_micros(least * 1000 + more)).await;
    }

    fn act(&self, asked: &Asked) -> (u16, Value) {
        let mut ledger = self.ledger();
        let (payment, refund) = asked.about();
        match (asked.method.as_str(), refund) {
            ("POST", false) => ledger.charge(payment, &asked.body),
            ("POST", true) => ledger.refund(payment, asked.key(), &asked.body),
            _ => ledger.look(payment),
        }
    }
}

async fn tell(stream: &mut TcpStream, (status, body): (u16, Value)) -> io::Result<()> {
    answer(stream, status, &body.to_string()).await
}

async fn answer(stream: &mut TcpStream, status: u16, body: &str) -> io::Result<()> {
    let length = body.len();
    let text = format!("HTTP/1.1 {status} Said\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).await
}

/// Reads one request; `None` at the end of the connection.
async fn read(stream: &mut TcpStream, received: &mut Vec<u8>) -> io::Result<Option<Asked>> {
    loop {
        if let Some((asked, end)) = parse(received)? {
            received.drain(..end);
            return Ok(Some(asked));
        }
        if stream.read_buf(received).await? == 0 {
            return Ok(None);
        }
    }
}

/// A whole request and its length; `None` while it is incomplete.
fn parse(received: &[u8]) -> io::Result<Option<(Asked, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = request.parse(received).map_err(io::Error::other)?
    else {
        return Ok(None);
    };
    let length = request
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse::<usize>().ok())
        .unwrap_or(0);
    let Some(body) = received.get(head..head + length) else { return Ok(None) };
    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Ok(Some((
        Asked { method: text(request.method), path: text(request.path), body },
        head + length,
    )))
}

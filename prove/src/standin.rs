//! Stand-ins for what a server talks to: small HTTP services on this machine whose manners can be
//! chosen, and whose books say what really happened.

pub mod payments;
pub mod stripe;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Most header lines a request may have.
const HEADERS_MAX: usize = 64;

/// What a stand-in was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Such as `POST`.
    pub method: String,
    /// The path without what follows `?`.
    pub path: String,
    /// What follows `?`.
    pub query: String,
    /// The `Idempotency-Key`, empty without.
    pub key: String,
    /// The body.
    pub body: Vec<u8>,
}

/// What it says, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// How long it takes.
    pub after: Duration,
    /// What it says.
    pub what: What,
}

/// What a stand-in says.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A status and JSON.
    Say(u16, Value),
    /// It hangs up without a word.
    HangUp,
    /// It neither answers nor hangs up.
    Silence,
}

impl Reply {
    /// This status and JSON, at once.
    #[must_use]
    pub fn say(status: u16, body: Value) -> Reply {
        Reply { after: Duration::ZERO, what: What::Say(status, body) }
    }
}

/// A service that runs until it is dropped.
#[derive(Debug)]
pub struct Standin {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Standin {
    /// Serves on a free port of this machine.
    ///
    /// # Errors
    /// One line, if there is no port.
    pub fn serve(
        runtime: &Handle,
        answer: impl Fn(Asked) -> Reply + Send + Sync + 'static,
    ) -> Result<Standin, String> {
        let failed = |error: std::io::Error| format!("a port for a stand-in: {error}");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let answer = Arc::new(answer);
        let task = runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = Arc::clone(&answer);
                // A connection ends with its client; that it failed is the client's to notice.
                tokio::spawn(async move { talk(stream, &*answer).await });
            }
        });
        Ok(Standin { address, task })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers what comes over one connection, until it ends.
async fn talk(mut stream: TcpStream, answer: &(impl Fn(Asked) -> Reply + Send + Sync)) {
    let mut bytes = Vec::new();
    loop {
        let (mut asked, head, length) = loop {
            if let Some(read) = head(&bytes) {
                break read;
            }
            if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
                return;
            }
        };
        while bytes.len() < head + length {
            if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
                return;
            }
        }
        asked.body = bytes[head..head + length].to_vec();
        bytes.drain(..head + length);
        let reply = answer(asked);
        tokio::time::sleep(reply.after).await;
        match reply.what {
            What::Say(status, body) => {
                let body = body.to_string();
                let said = format!(
                    "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\n\
                     content-length: {}\r\n\r\n{body}",
                    body.len()
                );
                if stream.write_all(said.as_bytes()).await.is_err() {
                    return;
                }
            }
            What::HangUp => return,
            What::Silence => {
                // Until the other side gives up.
                while matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {}
                return;
            }
        }
    }
}

/// A request without its body, the length of its head and that of its body; `None` if there is not
/// enough yet.
fn head(bytes: &[u8]) -> Option<(Asked, usize, usize)> {
    let mut lines = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut lines);
    let Ok(httparse::Status::Complete(head)) = request.parse(bytes) else { return None };
    let (path, query) = request.path?.split_once('?').unwrap_or((request.path?, ""));
    let header = |name: &str| {
        let found = request.headers.iter().find(|line| line.name.eq_ignore_ascii_case(name));
        found.map(|line| String::from_utf8_lossy(line.value).into_owned())
    };
    let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let asked = Asked {
        method: request.method?.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        key: header("idempotency-key").unwrap_or_default(),
        body: Vec::new(),
    };
    Some((asked, head, length))
}

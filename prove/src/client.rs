//! A small HTTP client of a server on this machine: one kept connection each, so that as many of them
//! as are wanted can ask at the same instant.
//!
//! What went wrong is told apart by what it means for the request: not sent at all, or sent and not
//! answered, in which case nobody knows whether it was done.

use std::io;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take. The server gives up on whatever it waits for long before.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Most header lines an answer may have.
const HEADERS_MAX: usize = 64;
/// Bytes read at a time.
const READ_BYTES: usize = 16 * 1024;

/// A client with a connection of its own, opened when it is first needed.
#[derive(Debug)]
pub struct Client {
    address: String,
    stream: Option<TcpStream>,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// Such as `POST`.
    pub method: &'static str,
    /// From `/` on.
    pub path: String,
    /// Beside host, type and length.
    pub headers: Vec<(String, String)>,
    /// The body's bytes, JSON unless a header says otherwise.
    pub body: Option<Vec<u8>>,
}

/// What was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header lines, names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// There is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The request did not leave: nothing came of it.
    #[error("nobody listens: {0}")]
    NotSent(String),
    /// The request left, wholly or in part: what came of it is not known.
    #[error("no answer came: {0}")]
    Lost(String),
}

impl Request {
    /// Asks for something.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Request {
        Request { method: "GET", path: path.into(), headers: Vec::new(), body: None }
    }

    /// Posts JSON; a null is no body.
    #[must_use]
    pub fn post(path: impl Into<String>, body: &Value) -> Request {
        let body = (!body.is_null()).then(|| body.to_string().into_bytes());
        Request { method: "POST", path: path.into(), headers: Vec::new(), body }
    }

    /// The same with one more header line.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Request {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    fn bytes(&self, host: &str) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: {host}\r\n", self.method, self.path);
        if let Some(body) = &self.body {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
            if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                head.push_str("content-type: application/json\r\n");
            }
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend(self.body.iter().flatten());
        bytes
    }
}

impl Answer {
    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A header line's value, by its name in small letters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Status and body in one line, for telling what went wrong.
    #[must_use]
    pub fn told(&self) -> String {
        format!("{} {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

impl Client {
    /// A client of the server at this host and port. Nothing is sent yet.
    #[must_use]
    pub fn new(address: &str) -> Client {
        Client { address: address.to_owned(), stream: None }
    }

    /// Opens the connection now, so that the next request leaves at once.
    ///
    /// # Errors
    /// [`Unanswered::NotSent`] if nobody listens.
    pub async fn connect(&mut self) -> Result<(), Unanswered> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(&self.address).await.and_then(|stream| {
                stream.set_nodelay(true)?;
                Ok(stream)
            });
            self.stream = Some(stream.map_err(|error| Unanswered::NotSent(error.to_string()))?);
        }
        Ok(())
    }

    /// Sends one request and reads its answer. A connection that failed is not used again, and
    /// nothing is sent twice.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn send(&mut self, request: &Request) -> Result<Answer, Unanswered> {
        self.connect().await?;
        let Some(mut stream) = self.stream.take() else {
            return Err(Unanswered::NotSent("there is no connection".to_owned()));
        };
        let bytes = request.bytes(&self.address);
        let asked = async {
            stream.write_all(&bytes).await?;
            read(&mut stream).await
        };
        let answer = match timeout(ANSWER_WITHIN, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(Unanswered::Lost(error.to_string())),
            Err(_) => return Err(Unanswered::Lost(format!("not within {ANSWER_WITHIN:?}"))),
        };
        if answer.header("connection") != Some("close") {
            self.stream = Some(stream);
        }
        Ok(answer)
    }
}

/// Reads one answer to its end.
async fn read(stream: &mut TcpStream) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    let (mut answer, head) = loop {
        more(stream, &mut bytes).await?;
        if let Some(read) = head(&bytes)? {
            break read;
        }
    };
    bytes.drain(..head);
    if answer.header("transfer-encoding") == Some("chunked") {
        answer.body = chunks(stream, bytes).await?;
    } else {
        let length = answer.header("content-length").map_or(Ok(0), str::parse);
        let length: usize = length.map_err(io::Error::other)?;
        while bytes.len() < length {
            more(stream, &mut bytes).await?;
        }
        answer.body = bytes;
    }
    Ok(answer)
}

/// Status and headers, and how many bytes they take; `None` if there are not enough yet.
fn head(bytes: &[u8]) -> io::Result<Option<(Answer, usize)>> {
    let mut lines = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut lines);
    let httparse::Status::Complete(length) =
        response.parse(bytes).map_err(|error| io::Error::other(error.to_string()))?
    else {
        return Ok(None);
    };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = response.headers.iter();
    let headers = headers.map(|line| (line.name.to_ascii_lowercase(), text(line.value))).collect();
    let status = response.code.unwrap_or_default();
    Ok(Some((Answer { status, headers, body: Vec::new() }, length)))
}

/// The chunks of a body, put together.
async fn chunks(stream: &mut TcpStream, mut bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let parsed = httparse::parse_chunk_size(&bytes);
        let parsed = parsed.map_err(|_| io::Error::other("that is no chunk"))?;
        let httparse::Status::Complete((head, size)) = parsed else {
            more(stream, &mut bytes).await?;
            continue;
        };
        // After each chunk comes an empty line.
        let end = head + usize::try_from(size).map_err(io::Error::other)?;
        while bytes.len() < end + 2 {
            more(stream, &mut bytes).await?;
        }
        body.extend_from_slice(&bytes[head..end]);
        bytes.drain(..end + 2);
        if size == 0 {
            return Ok(body);
        }
    }
}

async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.reserve(READ_BYTES);
    match stream.read_buf(bytes).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

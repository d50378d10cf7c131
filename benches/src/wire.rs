//! A minimal HTTP/1.1 keep-alive client: one connection, one request at a time, bytes in and bytes out.
//!
//! It exists because the generator shares its cores with the server: a full client costs as much per request as the
//! server's edge does. Buffers are reused, so in steady state an exchange allocates nothing.
//!
//! It is *not* a general client: no TLS, no redirects, no pipelining, no interim (1xx) answers, no answers delimited
//! by closing. Whatever it does not understand is a [`WireError`], never a guess.

mod head;

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use head::{Framing, HEADERS_MAX, Head, parse_head};

/// The most bytes of one answer, head and body: far above any page of a listing, far below the memory of a machine.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Room made before each read: one read takes a whole answer of the usual size.
const READ_BYTES: usize = 4096;

/// What went wrong on a connection.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Nobody accepted the connection.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// Where to.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The request could not be written.
    #[error("cannot send a request: {0}")]
    Send(#[source] io::Error),
    /// The answer could not be read.
    #[error("cannot read an answer: {0}")]
    Receive(#[source] io::Error),
    /// The server closed the connection although an answer was due.
    #[error("the server closed the connection after {received} bytes of an answer")]
    Closed {
        /// How many bytes of the answer had come.
        received: usize,
    },
    /// The server had announced `Connection: close` with its previous answer.
    #[error("the server does not keep the connection alive")]
    NotKeptAlive,
    /// The answer is not HTTP/1.1.
    #[error("the answer is not HTTP: {0}")]
    Malformed(#[from] httparse::Error),
    /// A chunk of the body is not what its size line announced.
    #[error("the chunked body is malformed")]
    Chunk,
    /// Neither a length nor chunks: the end of the answer cannot be known on a kept connection.
    #[error("the answer (status {status}) has no usable length")]
    Unframed {
        /// The status of the answer.
        status: u16,
    },
    /// More bytes came than one answer has.
    #[error("{bytes} bytes came that no request asked for")]
    Surplus {
        /// How many.
        bytes: usize,
    },
    /// The answer exceeds the client's limit.
    #[error("the answer is larger than {ANSWER_BYTES_MAX} bytes")]
    TooLarge,
}

/// One answer, borrowed from the connection that read it.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The status code.
    pub status: u16,
    /// Seconds after which it is worth asking again, if it says so.
    pub retry_after: Option<u32>,
    /// The body, with chunks already joined.
    pub body: &'a [u8],
}

/// One keep-alive connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    joined: Vec<u8>,
    closing: bool,
}

impl Connection {
    /// Connects, without Nagle's delay.
    pub async fn open(address: SocketAddr) -> Result<Self, WireError> {
        let connect = |source| WireError::Connect { address, source };
        let stream = TcpStream::connect(address).await.map_err(connect)?;
        stream.set_nodelay(true).map_err(connect)?;
        Ok(Self { stream, received: Vec::new(), joined: Vec::new(), closing: false })
    }

    /// Sends one rendered request and reads its answer.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>, WireError> {
        if self.closing {
            return Err(WireError::NotKeptAlive);
        }
        self.received.clear();
        self.stream.write_all(request).await.map_err(WireError::Send)?;
        let head = self.read_head().await?;
        self.closing = head.closes;
        let (status, start, retry_after) = (head.status, head.bytes, head.retry_after);
        match head.framing {
            Framing::Length(length) => {
                let end = start.checked_add(length).ok_or(WireError::TooLarge)?;
                self.fill(end).await?;
                self.end_at(end)?;
                Ok(Answer { status, retry_after, body: &self.received[start..end] })
            }
            Framing::Chunked => {
                let end = self.join_chunks(start).await?;
                self.end_at(end)?;
                Ok(Answer { status, retry_after, body: &self.joined })
            }
        }
    }

    async fn read_head(&mut self) -> Result<Head, WireError> {
        loop {
            self.read_more().await?;
            if let Some(head) = parse_head(&self.received)? {
                return Ok(head);
            }
        }
    }

    /// Joins the chunks that begin at `at` and returns where the answer ends.
    async fn join_chunks(&mut self, mut at: usize) -> Result<usize, WireError> {
        self.joined.clear();
        loop {
            let (line, size) = self.read_chunk_size(at).await?;
            at += line;
            if size == 0 {
                return self.skip_trailers(at).await;
            }
            let end = at.checked_add(size).ok_or(WireError::TooLarge)?;
            self.fill(end.saturating_add(2)).await?;
            self.joined.extend_from_slice(&self.received[at..end]);
            if &self.received[end..end + 2] != b"\r\n" {
                return Err(WireError::Chunk);
            }
            at = end + 2;
        }
    }

    async fn read_chunk_size(&mut self, at: usize) -> Result<(usize, usize), WireError> {
        loop {
            match httparse::parse_chunk_size(&self.received[at..]) {
                Ok(httparse::Status::Complete((line, size))) => {
                    return Ok((line, usize::try_from(size).map_err(|_| WireError::TooLarge)?));
                }
                Ok(httparse::Status::Partial) => self.read_more().await?,
                Err(_) => return Err(WireError::Chunk),
            }
        }
    }

    async fn skip_trailers(&mut self, at: usize) -> Result<usize, WireError> {
        loop {
            let mut trailers = [httparse::EMPTY_HEADER; HEADERS_MAX];
            match httparse::parse_headers(&self.received[at..], &mut trailers)? {
                httparse::Status::Complete((bytes, _)) => return Ok(at + bytes),
                httparse::Status::Partial => self.read_more().await?,
            }
        }
    }

    /// Reads until `end` bytes of the answer are here.
    async fn fill(&mut self, end: usize) -> Result<(), WireError> {
        while self.received.len() < end {
            self.read_more().await?;
        }
        Ok(())
    }

    async fn read_more(&mut self) -> Result<(), WireError> {
        let received = self.received.len();
        if received >= ANSWER_BYTES_MAX {
            return Err(WireError::TooLarge);
        }
        self.received.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.received).await {
            Ok(0) => Err(WireError::Closed { received }),
            Ok(_) => Ok(()),
            Err(error) => Err(WireError::Receive(error)),
        }
    }

    /// One request, one answer: bytes beyond the answer mean that we lost count.
    fn end_at(&self, end: usize) -> Result<(), WireError> {
        match self.received.len().checked_sub(end) {
            Some(0) => Ok(()),
            Some(bytes) => Err(WireError::Surplus { bytes }),
            None => Err(WireError::Closed { received: self.received.len() }),
        }
    }
}

/// Renders a request; with a body, it is announced as JSON.
#[must_use]
pub fn render(method: &str, host: SocketAddr, path: &str, body: &str) -> Vec<u8> {
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n");
    if body.is_empty() {
        return format!("{head}\r\n").into_bytes();
    }
    let length = body.len();
    format!("{head}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

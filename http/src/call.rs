//! A request, taken apart once: what every handler reads of it.
//!
//! The body is read here, whole and bounded, so that no handler ever waits for a client.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use warp::Stream;
use warp::http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST};
use warp::http::{HeaderMap, HeaderName, Method};

use crate::edge::limits::{BODY_PACE, BODY_SPANS};
use crate::problem::Problem;

/// Longest body that is read. The largest sensible order is a hundred times smaller.
pub const BODY_MAX: usize = 64 * 1024;
/// Of a body that is too long, so much is still read and thrown away: a client that is busy sending
/// would otherwise never see the answer.
const DISCARD_MAX: usize = 1024 * 1024;
/// How long the body of a request that is refused is read at all.
const DISCARD_WAIT: Duration = Duration::from_secs(1);

/// A request.
#[derive(Debug)]
pub struct Call {
    /// The method; HEAD counts as GET.
    pub method: Method,
    /// The path, as sent.
    pub path: String,
    /// The query, as sent, without the question mark.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Call {
    /// A header, if it is there and readable.
    #[must_use]
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The host the client spoke to, as it said it.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.header(&HOST).filter(|host| !host.is_empty())
    }

    /// Whether the client said what it accepts.
    #[must_use]
    pub fn accepts_anything(&self) -> bool {
        self.headers.contains_key(ACCEPT)
    }

    /// Whether the client asks for this media type by name.
    #[must_use]
    pub fn wants(&self, wanted: &str) -> bool {
        self.header(&ACCEPT).is_some_and(|accept| {
            accept.split(',').any(|one| media(one).eq_ignore_ascii_case(wanted))
        })
    }

    /// The token of an `Authorization: Bearer` header.
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header(&AUTHORIZATION)?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }

    /// Whether the body says it is a form.
    #[must_use]
    pub fn is_form(&self) -> bool {
        self.header(&CONTENT_TYPE).is_some_and(|typed| {
            media(typed).eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
    }

    /// Refuses a body that does not say it is JSON.
    ///
    /// # Errors
    /// 415 unless the body is empty or its type is JSON.
    pub fn must_be_json(&self) -> Result<(), Problem> {
        let typed = self.header(&CONTENT_TYPE).map(media).unwrap_or_default();
        let json = typed.eq_ignore_ascii_case("application/json") || {
            let typed = typed.to_ascii_lowercase();
            typed.starts_with("application/") && typed.ends_with("+json")
        };
        if json || self.body.is_empty() { Ok(()) } else { Err(Problem::not_json()) }
    }
}

/// The media type of a header value, without its parameters.
fn media(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}

/// Reads a body to its end. In each `span` some of it must come, in a few of them all.
///
/// # Errors
/// 413 above [`BODY_MAX`], 408 when it takes too long, 400 when it breaks off.
pub async fn read_body<S, B>(
    headers: &HeaderMap,
    stream: S,
    span: Duration,
) -> Result<Bytes, Problem>
where
    S: Stream<Item = Result<B, warp::Error>> + Send,
    B: Buf,
{
    let declared = declared(headers);
    let waits = headers.contains_key(EXPECT) && declared > BODY_MAX as u64;
    if waits || declared > DISCARD_MAX as u64 {
        return Err(Problem::too_large(BODY_MAX));
    }
    let seen = AtomicUsize::new(0);
    let mut collecting = pin!(collect(stream, &seen));
    let mut before = 0;
    for _ in 0..BODY_SPANS {
        // A body that is there already, as nearly all are, costs no timer.
        if let Ok(body) = tokio::time::timeout(span, &mut collecting).await {
            return body;
        }
        let now = seen.load(Ordering::Relaxed);
        if now - before < BODY_PACE {
            break;
        }
        before = now;
    }
    Err(Problem::too_slow())
}

/// Reads what comes of the body of a request that is refused, and throws it away: left unread, it
/// would end the connection, and perhaps take the answer along.
pub async fn discard<S, B>(headers: &HeaderMap, stream: S)
where
    S: Stream<Item = Result<B, warp::Error>> + Send,
    B: Buf,
{
    let read = async {
        let mut stream = pin!(stream);
        let mut left = BODY_MAX;
        while let Some(Ok(chunk)) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
            match left.checked_sub(chunk.remaining()) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    let waits = headers.contains_key(EXPECT);
    if !waits && declared(headers) <= BODY_MAX as u64 {
        let _ = tokio::time::timeout(DISCARD_WAIT, read).await;
    }
}

/// The length of the body, as far as it is said.
fn declared(headers: &HeaderMap) -> u64 {
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    declared.and_then(|text| text.parse().ok()).unwrap_or(0)
}

async fn collect<S, B>(stream: S, seen: &AtomicUsize) -> Result<Bytes, Problem>
where
    S: Stream<Item = Result<B, warp::Error>> + Send,
    B: Buf,
{
    let mut stream = pin!(stream);
    let mut body = BytesMut::new();
    let mut bytes = 0usize;
    while let Some(chunk) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
        let chunk = chunk.map_err(|_| Problem::bad_request("the body broke off"))?;
        bytes = bytes.saturating_add(chunk.remaining());
        seen.store(bytes, Ordering::Relaxed);
        if bytes > DISCARD_MAX {
            break;
        }
        if bytes <= BODY_MAX {
            bytes::BufMut::put(&mut body, chunk);
        }
    }
    if bytes > BODY_MAX { Err(Problem::too_large(BODY_MAX)) } else { Ok(body.freeze()) }
}

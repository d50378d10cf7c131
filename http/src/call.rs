//! A request, taken apart once: what every handler reads of it.
//!
//! The body is read here, whole and bounded, so that no handler ever waits for a client.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use warp::Stream;
use warp::http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST};
use warp::http::{HeaderMap, HeaderName, Method};

use crate::problem::Problem;

/// Longest body that is read. The largest sensible order is a hundred times smaller.
pub const BODY_MAX: usize = 64 * 1024;
/// Of a body that is too long, so much is still read and thrown away: a client that is busy sending
/// would otherwise never see the answer.
const DISCARD_MAX: usize = 1024 * 1024;
/// How long a client may take to send its body.
const BODY_WAIT: Duration = Duration::from_secs(30);

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
        let typed = typed.to_ascii_lowercase();
        let json = typed == "application/json"
            || (typed.starts_with("application/") && typed.ends_with("+json"));
        if json || self.body.is_empty() { Ok(()) } else { Err(Problem::not_json()) }
    }
}

/// The media type of a header value, without its parameters.
fn media(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}

/// Reads a body to its end.
///
/// # Errors
/// 413 above [`BODY_MAX`], 408 when it takes too long, 400 when it breaks off.
pub async fn read_body<S, B>(headers: &HeaderMap, stream: S) -> Result<Bytes, Problem>
where
    S: Stream<Item = Result<B, warp::Error>> + Send,
    B: Buf,
{
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let declared = declared.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let waits = headers.contains_key(EXPECT) && declared > BODY_MAX as u64;
    if waits || declared > DISCARD_MAX as u64 {
        return Err(Problem::too_large(BODY_MAX));
    }
    match tokio::time::timeout(BODY_WAIT, collect(stream)).await {
        Ok(body) => body,
        Err(_) => Err(Problem::too_slow()),
    }
}

async fn collect<S, B>(stream: S) -> Result<Bytes, Problem>
where
    S: Stream<Item = Result<B, warp::Error>> + Send,
    B: Buf,
{
    let mut stream = pin!(stream);
    let mut body = BytesMut::new();
    let mut seen = 0usize;
    while let Some(chunk) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
        let chunk = chunk.map_err(|_| Problem::bad_request("the body broke off"))?;
        seen = seen.saturating_add(chunk.remaining());
        if seen > DISCARD_MAX {
            break;
        }
        if seen <= BODY_MAX {
            bytes::BufMut::put(&mut body, chunk);
        }
    }
    if seen > BODY_MAX { Err(Problem::too_large(BODY_MAX)) } else { Ok(body.freeze()) }
}

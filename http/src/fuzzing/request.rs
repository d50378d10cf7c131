//! Requests out of garbled text.

use std::fmt;

use bytes::Bytes;
use warp::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

/// Most requests of one input.
const REQUESTS_MAX: usize = 12;
/// What stands between two.
const BETWEEN: &[u8] = b"\n%%\n";

/// Pieces of requests.
pub(super) const WORDS: &[&str] = &[
    "POST",
    "GET",
    "PATCH",
    "PUT",
    "DELETE",
    "OPTIONS",
    "HEAD",
    "/v1/",
    "/cinema",
    "/guide",
    "/hotel",
    "/airbnb",
    "/gasstation",
    "/orders",
    "/offerings",
    "/1",
    "/999999",
    "?limit=",
    "&cursor=",
    "%00",
    "%ff",
    "%2F",
    "+",
    "\n%%\n",
    "content-type: application/json\n",
    "idempotency-key: k\n",
    "accept: text/event-stream\n",
    "\"customer\":",
    "\"offering\":",
    "\"quantity\":",
    "\"from\":\"2035-03-10\"",
    "\"to\":\"2035-03-12\"",
    "\"slot\":",
    "\"inventory\":",
    "\"model\":\"slots\"",
    "\"model\":\"nights\"",
    "\"overbook\":",
    "\"attributes\":{",
    "\"payment\":{\"card\":\"7\"}",
    "\"id\":",
    "\\u0000",
    "\\ud800",
    "null",
    "true",
    "[",
    "]",
    "{",
    "}",
    "\"",
    ",",
    "\u{661}",
    "1e308",
    "-0",
    "0.0001",
];

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Asked {
    /// As the filter takes it.
    #[must_use]
    pub fn to_http(&self) -> Request<Bytes> {
        let mut request = Request::new(self.body.clone());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// The path, without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.uri.path()
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.uri)
    }
}

/// The requests in an input. What no server would be shown, because it is no HTTP, is left out, and so is what stops or
/// crashes a part of the engine: that has a 503 for an answer, which is a fault everywhere else.
pub(super) fn requests(input: &[u8]) -> Vec<Asked> {
    let mut found = Vec::new();
    let mut rest = Some(input);
    while let Some(text) = rest.take().filter(|_| found.len() < REQUESTS_MAX) {
        let cut = text.windows(BETWEEN.len()).position(|window| window == BETWEEN);
        let (one, more) =
            cut.map_or((text, None), |at| (&text[..at], text.get(at + BETWEEN.len()..)));
        found.extend(request(one).filter(|asked| !breaks(asked.path())));
        rest = more;
    }
    found
}

fn breaks(path: &str) -> bool {
    path.starts_with("/v1/admin/participants")
        || path.ends_with("/crash")
        || path.ends_with("/crash/")
}

fn request(text: &[u8]) -> Option<Asked> {
    let mut lines = text.splitn(2, |byte| *byte == b'\n');
    let (first, mut rest) = (lines.next()?, lines.next().unwrap_or_default());
    let mut words = first.splitn(2, |byte| *byte == b' ');
    let method = Method::from_bytes(words.next()?).ok()?;
    let target = words.next()?;
    let uri = Uri::try_from(target).ok().filter(|uri| uri.path().starts_with('/'))?;
    let mut headers = HeaderMap::new();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        if line.is_empty() {
            break;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    Some(Asked { method, uri, headers, body: Bytes::copy_from_slice(rest) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_apart_what_a_sample_says() {
        let all = requests(
            b"POST /a?b\nx: 1\n\n{}\n%%\nGET /v1/admin/participants/views/stop\n%%\nGET /c\n\n",
        );
        let [one, two] = &all[..] else { panic!("{all:?}") };
        assert_eq!((one.to_string().as_str(), &one.body[..]), ("POST /a?b", &b"{}"[..]));
        assert_eq!(one.headers["x"], "1");
        assert_eq!((two.to_string().as_str(), two.body.len()), ("GET /c", 0));
        assert!(requests(b"no request").is_empty());
    }
}

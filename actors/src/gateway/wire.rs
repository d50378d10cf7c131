//! HTTP to a gateway: bounded in time and size, no redirects.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use reqwest::header::{CONNECTION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, Url};
use serde_json::Value;

use super::Answer;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How long all requests of one call may take together: less than the engine waits for a call, so
/// that the gateway says itself what happened.
const CALL: Duration = Duration::from_secs(8);
/// How long a connection that nobody uses is kept.
const IDLE: Duration = Duration::from_secs(60);
/// Longest reason that is kept of a gateway's.
const REASON_MAX: usize = 200;
/// So many digits may be a card number.
const CARD_DIGITS: usize = 13;

/// Whether a connection serves more than one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connections {
    /// They are kept and used again: for services whose HTTP is beyond doubt.
    Kept,
    /// Each request has its own. A service that says an answer twice says it, on a kept connection, to
    /// whoever asks next, and HTTP has nothing by which that one could tell.
    OneEach,
}

/// A way to one gateway.
pub(super) struct Wire {
    client: Client,
    base: Url,
    /// Longest answer that is read, in bytes.
    answer_max: usize,
}

/// What a gateway said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) body: Body,
}

/// The body of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// There is none.
    Empty,
    /// It is JSON.
    Json(Value),
    /// It is something else: not from whom we think.
    Other,
}

impl Said {
    /// An answer with this status and body.
    pub(super) fn of(status: u16, bytes: &[u8]) -> Said {
        let body = match serde_json::from_slice(bytes) {
            _ if bytes.is_empty() => Body::Empty,
            Ok(value) => Body::Json(value),
            Err(_) => Body::Other,
        };
        Said { status, body }
    }
}

impl Body {
    /// The value, null where there is none.
    pub(super) fn value(&self) -> &Value {
        match self {
            Body::Json(value) => value,
            Body::Empty | Body::Other => &Value::Null,
        }
    }
}

impl Wire {
    /// A way to the service at this address.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub(super) fn new(
        url: &str,
        answer_max: usize,
        connections: Connections,
    ) -> Result<Wire, String> {
        let base = Url::parse(url).map_err(|error| {
            format!("\"{}\" is no address such as http://127.0.0.1:9000: {error}", shown(url))
        })?;
        let wrong = |what: &str| Err(format!("\"{}\": {what}", shown(url)));
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return wrong("must begin with http:// or https://");
        }
        if base.query().is_some() || base.fragment().is_some() {
            return wrong("must have neither a query nor a fragment");
        }
        // It is chosen once for the process; who chose before us may keep it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = Client::builder()
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            .redirect(Policy::none())
            .referer(false);
        if connections == Connections::OneEach {
            client = client.pool_max_idle_per_host(0).default_headers(closing());
        }
        if is_local(&base) {
            client = client.no_proxy();
        }
        if base.scheme() == "http" {
            // Nothing to trust is needed, also where the machine trusts nobody.
            client = client.tls_certs_only([]);
        }
        let client = client.build().map_err(|error| {
            let cause = reason(error);
            format!("\"{}\": {cause}; are the machine's CA certificates installed?", place(&base))
        })?;
        Ok(Wire { client, base, answer_max })
    }

    /// Whether the service is on this machine.
    pub(super) fn is_local(&self) -> bool {
        is_local(&self.base)
    }

    /// Whether others can read along.
    pub(super) fn is_encrypted(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// The address without what may be a password.
    pub(super) fn place(&self) -> String {
        place(&self.base)
    }

    /// The address of something at the service.
    pub(super) fn at(&self, parts: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(parts);
        }
        url
    }

    pub(super) fn get(&self, url: Url) -> RequestBuilder {
        self.client.get(url)
    }

    pub(super) fn post(&self, url: Url) -> RequestBuilder {
        self.client.post(url)
    }

    /// Sends one request and reads its answer.
    ///
    /// # Errors
    /// Why there is none: whether the request arrived is not known.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Said, String> {
        let response = request.send().await.map_err(reason)?;
        let status = response.status().as_u16();
        let bytes = self.read(response).await?;
        Ok(Said::of(status, &bytes))
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(reason)? {
            if bytes.len() + chunk.len() > self.answer_max {
                return Err(format!("its answer is longer than {} bytes", self.answer_max));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

/// Says that the connection ends with the answer.
fn closing() -> HeaderMap {
    HeaderMap::from_iter([(CONNECTION, HeaderValue::from_static("close"))])
}

fn is_local(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "[::1]"))
        || url.host_str().is_some_and(|host| host.starts_with("127."))
}

fn place(url: &Url) -> String {
    let mut bare = url.clone();
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare.as_str().trim_end_matches('/').to_owned()
}

/// An address that cannot be read, without what may be a password.
fn shown(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, rest)| rest)
}

/// The last cause, which is the one that says something; never the address, which has keys in it.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if error.is_connect() { format!("no connection: {cause}") } else { cause.to_string() }
}

/// Gives a call up when its time is over.
pub(super) async fn in_time(call: impl Future<Output = Answer> + Send) -> Answer {
    match tokio::time::timeout(CALL, call).await {
        Ok(answer) => answer,
        Err(_) => Answer::Unknown(format!("no answer within {CALL:?}")),
    }
}

/// A gateway's own words as they may be kept: one short line, and no card number in it.
pub(super) fn told(words: &str) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).take(REASON_MAX).collect();
    let mut digits = 0;
    for c in line.chars().filter(|c| !matches!(c, ' ' | '-')) {
        digits = if c.is_ascii_digit() { digits + 1 } else { 0 };
        if digits >= CARD_DIGITS {
            return "no reason that may be kept".to_owned();
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_addresses_and_says_what_is_wrong_with_others() {
        let wire = Wire::new("https://ann:s3cret@pay.example/v2/", 1, Connections::Kept).unwrap();
        assert_eq!(wire.place(), "https://pay.example/v2");
        assert!(wire.is_encrypted() && !wire.is_local());
        let url = wire.at(&["payments", "a/b"]);
        assert_eq!(url.path(), "/v2/payments/a%2Fb");
        assert!(Wire::new("http://[::1]:9", 1, Connections::OneEach).unwrap().is_local());
        for (url, words) in [
            ("pay.example", "relative URL"),
            ("ftp://pay.example", "http:// or https://"),
            ("https://pay.example?a=b", "query"),
            ("ftp://ann:s3cret@pay.example", "\"pay.example\""),
        ] {
            let Err(error) = Wire::new(url, 1, Connections::Kept) else { panic!("{url}") };
            assert!(error.contains(words) && !error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn keeps_short_words_without_card_numbers() {
        assert_eq!(told(" not\n enough\tmoney "), "not enough money");
        assert_eq!(told(&"x".repeat(999)).len(), REASON_MAX);
        for words in ["4242424242424242 is no card", "no: 4242-4242 4242-4242"] {
            assert_eq!(told(words), "no reason that may be kept");
        }
        assert_eq!(told("refused 123456789012"), "refused 123456789012");
    }
}

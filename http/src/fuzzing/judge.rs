//! What every answer must keep to, whatever was asked.

use bytes::Bytes;
use serde_json::Value;
use warp::http::header::{ALLOW, CONTENT_TYPE};
use warp::http::{HeaderMap, Method, StatusCode};

use super::request::Asked;
use crate::answer::{JSON, PROBLEM};

/// The most an answer may be long: a page of a thousand orders is shorter.
const ANSWER_MAX: usize = 4 * 1024 * 1024;

/// An answer, read to its end.
#[derive(Debug)]
pub struct Said {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; nothing of a stream.
    pub body: Bytes,
}

/// Whether an answer is one that may be given.
pub(super) fn answer(asked: &Asked, said: &Said) -> Result<(), String> {
    let typed = said.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let json = typed.is_some_and(|typed| typed.contains("json"));
    let body: Option<Value> = serde_json::from_slice(&said.body).ok();
    if said.body.len() > ANSWER_MAX {
        return Err(format!("an answer of {} bytes", said.body.len()));
    }
    if json && body.is_none() && asked.method != Method::HEAD {
        return Err(format!("{} with a body that is no JSON", said.status));
    }
    if said.status.is_server_error() && !undone(asked, said, body.as_ref()) {
        let body = String::from_utf8_lossy(&said.body);
        return Err(format!("{}: {body}", said.status));
    }
    if said.status == StatusCode::METHOD_NOT_ALLOWED && !said.headers.contains_key(ALLOW) {
        return Err("405 that does not say what is allowed".to_owned());
    }
    let native = asked.path().starts_with("/v1/");
    if said.status.is_client_error() && (native || typed == Some(PROBLEM)) {
        if typed != Some(PROBLEM) {
            return Err(format!("{} as {typed:?}", said.status));
        }
        return problem(said.status, body.as_ref());
    }
    if native && said.status.is_success() && !said.body.is_empty() && typed.is_none() {
        return Err(format!("{} without a type", said.status));
    }
    Ok(())
}

/// The reference systems say 500 where what had to happen with it did not; that is their contract, and ours for them.
fn undone(asked: &Asked, said: &Said, body: Option<&Value>) -> bool {
    let Some(body) = body else { return false };
    said.status == StatusCode::INTERNAL_SERVER_ERROR
        && !asked.path().starts_with("/v1/")
        && body["path"].is_string()
        && body["message"].as_str().is_some_and(|it| it.starts_with("Could not commit JPA"))
        && said
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|typed| typed.as_bytes().starts_with(JSON.as_bytes()))
}

/// Whether a problem is one (RFC 9457), and says the status that it has.
fn problem(status: StatusCode, body: Option<&Value>) -> Result<(), String> {
    let Some(Value::Object(body)) = body else {
        return Err(format!("{status} is no problem: there is no object"));
    };
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let fits = text("type").starts_with("/problems/")
        && !text("title").is_empty()
        && !text("detail").is_empty()
        && body.get("status").and_then(Value::as_u64) == Some(u64::from(status.as_u16()));
    if fits { Ok(()) } else { Err(format!("{status} is no problem: {body:?}")) }
}

//! Answers: the few shapes of which every response is made.

use bytes::Bytes;
use serde::Serialize;
use warp::Reply;
use warp::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use warp::http::{Response as HttpResponse, StatusCode};

/// A response on its way out.
pub type Response = warp::reply::Response;

/// JSON for programs.
pub const JSON: &str = "application/json";
/// Words.
pub const TEXT: &str = "text/plain;charset=UTF-8";
/// JSON that says what went wrong.
pub const PROBLEM: &str = "application/problem+json";

/// Bytes that are made room for at once: an order takes a little less.
const BODY_USUAL: usize = 512;

/// A JSON answer of the native API.
#[must_use]
pub fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    typed(status, JSON, body)
}

/// A JSON answer with a content type of its own.
#[must_use]
pub fn typed<T: Serialize>(status: StatusCode, content_type: &'static str, body: &T) -> Response {
    let mut bytes = Vec::with_capacity(BODY_USUAL);
    match serde_json::to_writer(&mut bytes, body) {
        Ok(()) => raw(status, content_type, Bytes::from(bytes)),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// An answer of these bytes.
#[must_use]
pub fn raw(status: StatusCode, content_type: &'static str, body: Bytes) -> Response {
    let mut response = HttpResponse::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.into_response()
}

/// An answer in plain words.
#[must_use]
pub fn text(status: StatusCode, text: String) -> Response {
    raw(status, TEXT, Bytes::from(text))
}

/// An answer without a body.
#[must_use]
pub fn empty(status: StatusCode) -> Response {
    status.into_response()
}

/// The same answer, with one more header; a value that cannot be one is left out.
#[must_use]
pub fn with(mut response: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// The same answer, saying where the thing is.
#[must_use]
pub fn at(response: Response, location: &str) -> Response {
    with(response, LOCATION, location)
}

//! The description of the native API, for programs that read one.

use bytes::Bytes;
use warp::http::StatusCode;

use super::Outcome;
use crate::answer;

/// The native API in OpenAPI 3.1. Tests hold it against the table of addresses and against answers.
pub const OPENAPI: &str = include_str!("../../openapi.json");

/// `GET /v1/openapi.json`. No market can have that name: names have no dots.
///
/// # Errors
/// Never.
pub async fn show() -> Outcome {
    Ok(answer::raw(StatusCode::OK, answer::JSON, Bytes::from_static(OPENAPI.as_bytes())))
}

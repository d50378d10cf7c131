//! Calls to a rival that are not measured: JSON in, JSON out, on a kept connection.

use std::net::SocketAddr;

use serde_json::Value;

use super::RivalError;
use crate::wire::{Connection, render};

/// A connection for such calls.
#[derive(Debug)]
pub(super) struct Asking {
    address: SocketAddr,
    connection: Connection,
}

impl Asking {
    /// Connects.
    pub(super) async fn open(address: SocketAddr) -> Result<Self, RivalError> {
        Ok(Self { address, connection: Connection::open(address).await? })
    }

    /// Asks, and reads the answer, which must be a success; an empty one is null.
    pub(super) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        body: &str,
    ) -> Result<Value, RivalError> {
        // One of them answers in a format of its own unless it is told.
        let request = render(method, self.address, path, body);
        let line = format!("{method} {path} HTTP/1.1\r\n");
        let rest = request.get(line.len()..).unwrap_or_default();
        let request = [line.as_bytes(), b"accept: application/json\r\n", rest].concat();
        let answer = self.connection.exchange(&request).await?;
        let failed = |why: &str| {
            let said = String::from_utf8_lossy(answer.body);
            RivalError::Failed(format!("{method} {path} answered {}{why}: {said}", answer.status))
        };
        if !(200..300).contains(&answer.status) {
            return Err(failed(""));
        }
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(answer.body).map_err(|_| failed(" without JSON"))
    }
}

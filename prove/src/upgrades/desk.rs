//! One client that asks one thing after another.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::client::{Client, Request};
use crate::server::Server;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(45);
/// How often it is looked again.
const LOOK: Duration = Duration::from_millis(5);

pub(super) struct Desk {
    runtime: Runtime,
    client: Client,
}

impl Desk {
    /// A desk at this server.
    pub(super) fn at(server: &Server) -> Result<Desk, String> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("a runtime: {error}"))?;
        Ok(Desk { runtime, client: server.client() })
    }

    /// Asks, and takes only these statuses.
    pub(super) fn expect(&mut self, status: &[u16], request: &Request) -> Result<Value, String> {
        let said = self.runtime.block_on(self.client.send(request));
        let Request { method, path, .. } = request;
        let said = said.map_err(|error| format!("{method} {path}: {error}"))?;
        if status.contains(&said.status) {
            return Ok(said.json());
        }
        Err(format!("{method} {path}: {status:?} was expected, not {}", said.told()))
    }

    pub(super) fn get(&mut self, path: &str) -> Result<Value, String> {
        self.expect(&[200], &Request::get(path))
    }

    pub(super) fn post(&mut self, path: &str, body: &Value) -> Result<Value, String> {
        self.expect(&[200, 201, 202], &Request::post(path, body))
    }

    /// Looks again until something is so.
    pub(super) fn until(
        &mut self,
        path: &str,
        is: impl Fn(&Value) -> bool,
    ) -> Result<Value, String> {
        let began = Instant::now();
        loop {
            let value = self.get(path)?;
            if is(&value) {
                return Ok(value);
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("{path} stays {value}"));
            }
            std::thread::park_timeout(LOOK);
        }
    }

    /// Whether every unit and every cent is in exactly one account.
    pub(super) fn balanced(&mut self) -> Result<(), String> {
        let audit = self.get("/v1/admin/audit")?;
        if audit["balanced"] == true {
            return Ok(());
        }
        Err(format!("the books do not balance: {audit}"))
    }
}

//! What every handler needs: the engine, and how this process was started.

use std::net::SocketAddr;

use surehold::Engine;
use surehold::gateway::stripe::webhook::Webhook;
use tokio::sync::watch;

use crate::cors::Cors;
use crate::edge;
use crate::edge::rate::Rates;
use crate::observe::Observe;

/// The server's shared parts.
pub struct App {
    /// The engine.
    pub engine: Engine,
    /// The admin calls, if they are open.
    pub admin: Option<AdminAccess>,
    /// The origins whose pages may call.
    pub cors: Cors,
    /// What reads Stripe's events, if they are expected.
    pub webhook: Option<Webhook>,
    /// Whether `POST /echo` answers, for measuring.
    pub echo: bool,
    /// How connections are accepted and limited.
    pub edge: edge::Settings,
    /// The clients that are counted, if requests are limited.
    pub rates: Option<Rates>,
    /// The address the server listens on.
    pub address: SocketAddr,
    /// Counters.
    pub observe: Observe,
    /// Turns true when the server begins to stop.
    pub stopping: watch::Receiver<bool>,
}

/// Who may use the admin calls.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AdminAccess {
    /// The token they must send; anybody who reaches the address may, without one.
    pub token: Option<String>,
}

impl std::fmt::Debug for AdminAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let token = self.token.as_ref().map(|_| "(secret)");
        f.debug_struct("AdminAccess").field("token", &token).finish()
    }
}

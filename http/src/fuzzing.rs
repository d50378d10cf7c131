//! Garbled requests through the one filter of the server, without a socket: the target that the crate of proofs cannot
//! have, because it does not know HTTP.
//!
//! An input is text: one request, or several with a line `%%` between them. An engine in memory answers them, with the
//! five built-in markets and one of each other kind; a fresh one for every block.
//!
//! ```text
//! POST /v1/cinema/orders
//! content-type: application/json
//!
//! {"customer":"ann","offering":1,"payment":{"card":"7"}}
//! ```

mod judge;
mod request;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use surehold::domain::plan::Plan;
use surehold::gateway::stripe::webhook::Webhook;
use surehold::view::TreeNode;
use surehold::{Data, Engine, Options};
use surehold_prove::fuzz::{TARGETS, Target, Trial, corpus, hunt};
use surehold_prove::{Ask, Verdict};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tower_service::Service;
use warp::http::header::CONTENT_TYPE;

use self::judge::Said;
use self::request::{Asked, requests};
use crate::app::{AdminAccess, App};
use crate::config::markets;
use crate::cors::Cors;
use crate::edge;
use crate::edge::limits::{CONNECTIONS_MAX, Patience};
use crate::observe::Observe;
use crate::routes;

/// Markets of the kinds that the built-in ones are not.
const MARKETS: [&str; 3] = ["cinema", "guide", "hotel"];
/// How long one answer may take: a little more than the engine lets a customer wait.
const ANSWER: Duration = Duration::from_secs(15);

/// Requests, through the filter of the server.
pub const REQUEST: Target = Target {
    name: "request",
    corpus: corpus::REQUEST,
    words: request::WORDS,
    block: 100,
    begin: || match Edge::open() {
        Ok(edge) => Box::new(edge),
        Err(why) => Box::new(Closed(why)),
    },
};

/// Every target there is: the committed samples, then garbled ones.
#[must_use]
pub fn run(ask: &Ask) -> Verdict {
    let mut targets = TARGETS.to_vec();
    targets.push(REQUEST);
    hunt::hunt(ask, &targets)
}

/// An engine and the filter over it.
pub struct Edge {
    runtime: Runtime,
    app: Arc<App>,
    /// Without it the edge would believe that it stops.
    _stopping: watch::Sender<bool>,
}

/// An edge that did not open is a fault, not a proof.
struct Closed(String);

impl Trial for Closed {
    fn hear(&mut self, _input: &[u8]) -> Result<bool, String> {
        Err(format!("the engine did not open: {}", self.0))
    }
}

fn plans() -> Result<Vec<Plan>, String> {
    let mut plans = markets::load(&[]).map_err(|error| error.to_string())?;
    for (name, text) in corpus::MARKET.iter().filter(|(name, _)| MARKETS.contains(name)) {
        let text = str::from_utf8(text).map_err(|error| error.to_string())?;
        plans.push(Plan::parse(name, text).map_err(|error| error.to_string())?);
    }
    Ok(plans)
}

impl Edge {
    /// A fresh engine in memory and the filter over it.
    ///
    /// # Errors
    /// What did not start.
    pub fn open() -> Result<Edge, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let engine = runtime.block_on(Engine::open(Options::new(Data::Memory, plans()?)));
        let engine = engine.map_err(|error| error.to_string())?;
        let (stopping, stopped) = watch::channel(false);
        let app = App {
            engine,
            admin: Some(AdminAccess::default()),
            cors: Cors::default(),
            webhook: Some(Webhook::new("whsec_0123456789abcdef")?),
            echo: true,
            edge: edge::Settings {
                max_connections: CONNECTIONS_MAX,
                patience: Patience::default(),
                rate: None,
                trusted: Vec::new(),
            },
            rates: None,
            address: ([127, 0, 0, 1], 8080).into(),
            observe: Observe::unheard().map_err(|error| error.to_string())?,
            stopping: stopped,
        };
        Ok(Edge { runtime, app: Arc::new(app), _stopping: stopping })
    }

    /// Sends one request; what is said to it.
    ///
    /// # Errors
    /// If nothing is said in time.
    pub fn ask(&self, asked: &Asked) -> Result<Said, String> {
        self.runtime.block_on(async {
            let answer = tokio::time::timeout(ANSWER, self.answer(asked)).await;
            answer.unwrap_or_else(|_| Err(format!("no answer within {ANSWER:?}")))
        })
    }

    async fn answer(&self, asked: &Asked) -> Result<Said, String> {
        let mut service =
            warp::service(routes::filter(Arc::clone(&self.app), Ipv4Addr::LOCALHOST.into()));
        let request = asked.to_http().map(Full::new);
        let Ok(response) = service.call(request).await;
        let (head, body) = response.into_parts();
        let typed = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let body = if typed.is_some_and(|typed| typed.starts_with("text/event-stream")) {
            // It has no end.
            Default::default()
        } else {
            let read = body.collect().await;
            read.map_err(|error| format!("the answer breaks off: {error}"))?.to_bytes()
        };
        Ok(Said { status: head.status, headers: head.headers, body })
    }
}

impl Trial for Edge {
    fn hear(&mut self, input: &[u8]) -> Result<bool, String> {
        let mut taken = false;
        for asked in requests(input) {
            let said = self.ask(&asked)?;
            judge::answer(&asked, &said).map_err(|what| format!("{asked}: {what}"))?;
            taken |= said.status.is_success();
        }
        Ok(taken)
    }

    /// No part of the engine may have crashed, and the books must balance.
    fn end(self: Box<Self>) -> Result<(), String> {
        let engine = self.app.engine.clone();
        self.runtime.block_on(async {
            let tree = engine.tree().await;
            if let Some(part) = crashed(&tree) {
                let cause = part.last_cause.as_deref().unwrap_or("nobody knows why");
                return Err(format!("{} crashed: {cause}", part.name));
            }
            let audit = engine.audit().await.map_err(|error| error.to_string())?;
            engine.close().await;
            if audit.balanced { Ok(()) } else { Err(audit.findings.join("; ")) }
        })
    }
}

fn crashed(node: &TreeNode) -> Option<&TreeNode> {
    if node.restarts > 0 { Some(node) } else { node.children.iter().find_map(crashed) }
}

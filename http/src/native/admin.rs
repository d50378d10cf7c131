//! The operator's calls: the tree, faults on demand, the balances.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use surehold::domain::id::OrderId;
use surehold::refusal::Refusal;
use surehold::view::{Account, Audit, TreeNode, ViewsProgress};
use warp::http::StatusCode;

use super::order_body::OrderBody;
use super::{Outcome, market, number};
use crate::answer;
use crate::app::App;
use crate::call::Call;
use crate::problem::Problem;
use crate::query::Query;
use crate::shapes::Moment;

#[derive(Serialize)]
struct NodeBody<'a> {
    name: &'a str,
    state: &'static str,
    restarts: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_cause: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    behind: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    breaker: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    breaker_until: Option<Moment>,
    children: Vec<NodeBody<'a>>,
}

impl<'a> From<&'a TreeNode> for NodeBody<'a> {
    fn from(node: &'a TreeNode) -> Self {
        NodeBody {
            name: &node.name,
            state: node.state,
            restarts: node.restarts,
            last_cause: node.last_cause.as_deref(),
            live: node.live,
            queue: node.queue,
            behind: node.behind,
            breaker: node.breaker.map(|breaker| breaker.state),
            breaker_until: node.breaker.and_then(|breaker| breaker.until).map(Moment),
            children: node.children.iter().map(NodeBody::from).collect(),
        }
    }
}

/// `GET /v1/admin/tree`.
///
/// # Errors
/// 401 without the token.
pub async fn tree(app: &App, call: &Call) -> Outcome {
    allowed(app, call)?;
    let tree = app.engine.tree().await;
    Ok(answer::json(StatusCode::OK, &NodeBody::from(&tree)))
}

/// `POST /v1/admin/participants/{name}/{stop|start|crash}`.
///
/// # Errors
/// 401 without the token, 404 for a participant that is none.
pub async fn participant(app: &App, call: &Call, name: &str, verb: &str) -> Outcome {
    allowed(app, call)?;
    let done = match verb {
        "stop" => app.engine.stop(name).await,
        "start" => app.engine.start(name).await,
        _ => app.engine.crash(name).await,
    };
    match done {
        Err(Refusal::Invalid { field, reason }) if field == "participant" => {
            return Err(Problem::not_found(format!("{field}: {reason}")));
        }
        done => done?,
    }
    let tree = app.engine.tree().await;
    Ok(match find(&tree, name) {
        Some(node) => answer::json(StatusCode::ACCEPTED, &NodeBody::from(node)),
        None => answer::empty(StatusCode::NO_CONTENT),
    })
}

fn find<'a>(node: &'a TreeNode, name: &str) -> Option<&'a TreeNode> {
    if node.name == name {
        return Some(node);
    }
    node.children.iter().find_map(|child| find(child, name))
}

#[derive(Serialize)]
struct ViewsBody {
    state: &'static str,
    /// Every record up to this sequence is in the views.
    cursor: u64,
    /// The last record there is.
    last: u64,
    /// How far a rebuild is; null if none is under way.
    rebuilding: Option<u64>,
}

fn progress(app: &App) -> Result<ViewsBody, Problem> {
    let ViewsProgress { cursor, last, rebuilding, stopped } = app.engine.views_progress()?;
    let state = if stopped { "stopped" } else { "up" };
    Ok(ViewsBody { state, cursor, last, rebuilding })
}

/// `GET /v1/admin/views`: how far the views have come.
///
/// # Errors
/// 401 without the token.
pub async fn views(app: &App, call: &Call) -> Outcome {
    allowed(app, call)?;
    Ok(answer::json(StatusCode::OK, &progress(app)?))
}

/// `POST /v1/admin/views/rebuild`: has the views built anew from the journal while orders go on.
///
/// # Errors
/// 401 without the token; 503 while they are stopped.
pub async fn rebuild_views(app: &App, call: &Call) -> Outcome {
    allowed(app, call)?;
    app.engine.rebuild_views().await?;
    Ok(answer::json(StatusCode::ACCEPTED, &progress(app)?))
}

/// `POST /v1/admin/orders/{market}/{id}/crash?always=`.
///
/// # Errors
/// 401 without the token, 404 if there is no such order.
pub async fn crash_order(app: &App, call: &Call, name: &str, id: &str) -> Outcome {
    allowed(app, call)?;
    let (market, order) = (market(app, name)?, OrderId(number("order", id)?));
    let mut query = Query::parse(&call.query)?;
    let always = query.flag("always")?;
    query.finish()?;
    app.engine.crash_order(market, order, always).await?;
    Ok(answer::empty(StatusCode::ACCEPTED))
}

/// `POST /v1/admin/orders/{market}/{id}/retry`.
///
/// # Errors
/// 401 without the token, 404 if there is no such order.
pub async fn retry_order(app: &App, call: &Call, name: &str, id: &str) -> Outcome {
    allowed(app, call)?;
    let (market, order) = (market(app, name)?, OrderId(number("order", id)?));
    let order = app.engine.retry_order(market, order).await?;
    Ok(answer::json(StatusCode::OK, &OrderBody::from(&order)))
}

struct Accounts<'a>(&'a [Account]);

impl Serialize for Accounts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|account| (account.name, account.holds)))
    }
}

struct Currencies<'a>(&'a [(String, Vec<Account>)]);

impl Serialize for Currencies<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (currency, accounts) in self.0 {
            map.serialize_entry(currency, &Accounts(accounts))?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct AuditBody<'a> {
    balanced: bool,
    sequence: u64,
    orders: u64,
    /// In thousandths of a unit.
    units: Accounts<'a>,
    /// In minor units, by currency.
    money: Currencies<'a>,
    findings: &'a [String],
}

/// `GET /v1/admin/audit`.
///
/// # Errors
/// 401 without the token; 503 while the engine cannot count.
pub async fn audit(app: &App, call: &Call) -> Outcome {
    allowed(app, call)?;
    let Audit { balanced, sequence, orders, units, money, findings } = app.engine.audit().await?;
    let (units, money) = (Accounts(&units), Currencies(&money));
    let body = AuditBody { balanced, sequence, orders, units, money, findings: &findings };
    Ok(answer::json(StatusCode::OK, &body))
}

/// Whether the caller may.
pub(super) fn allowed(app: &App, call: &Call) -> Result<(), Problem> {
    let Some(token) = app.admin.as_ref().and_then(|admin| admin.token.as_deref()) else {
        return Ok(());
    };
    let sent = call.bearer().unwrap_or_default();
    if same(sent.as_bytes(), token.as_bytes()) { Ok(()) } else { Err(Problem::unauthorised()) }
}

/// Compares two secrets in a time that does not tell where they differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    let longest = one.len().max(other.len());
    let at = |text: &[u8], place: usize| text.get(place).copied().unwrap_or(0);
    let differing = (0..longest).fold(0u8, |all, place| all | (at(one, place) ^ at(other, place)));
    std::hint::black_box(differing) == 0 && one.len() == other.len()
}

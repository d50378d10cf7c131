//! The operator's list of orders that a person should look at, each with what can be done.

use serde::Serialize;
use surehold::view::{AttentionPlace, AttentionView, Look};
use warp::http::StatusCode;

use super::Outcome;
use super::admin::allowed;
use crate::answer;
use crate::app::App;
use crate::call::Call;
use crate::problem::Problem;
use crate::query::Query;
use crate::shapes::Moment;

#[derive(Serialize)]
struct ItemBody<'a> {
    market: &'a str,
    order: u64,
    phase: &'static str,
    why: &'static str,
    reason: &'a str,
    since: Moment,
    /// The calls that may help.
    commands: Vec<String>,
}

#[derive(Serialize)]
struct ListBody<'a> {
    items: Vec<ItemBody<'a>>,
    /// The cursor of the next page; null after the last.
    next: Option<String>,
}

impl<'a> From<&'a AttentionView> for ItemBody<'a> {
    fn from(item: &'a AttentionView) -> Self {
        let why = match item.why {
            Look::Stuck => "stuck",
            Look::Quarantined => "quarantined",
            Look::Overdue => "overdue",
        };
        let retry = || format!("POST /v1/admin/orders/{}/{}/retry", item.market, item.order.0);
        ItemBody {
            market: &item.market,
            order: item.order.0,
            phase: item.phase.name(),
            why,
            reason: &item.reason,
            since: Moment(item.since),
            commands: item.served.then(retry).into_iter().collect(),
        }
    }
}

/// `GET /v1/admin/attention?limit=&cursor=`: orders that are stuck, set aside or overdue, by market
/// and number.
///
/// # Errors
/// 401 without the token; 422 for a parameter that is not one.
pub async fn list(app: &App, call: &Call) -> Outcome {
    allowed(app, call)?;
    let mut query = Query::parse(&call.query)?;
    let limit = query.limit(50)?;
    let after = query.take("cursor").map(|text| place(&text)).transpose()?;
    query.finish()?;
    let page = app.engine.attention(after, limit).await?;
    let next = page.next.map(|place| format!("{}-{}", place.market, place.order));
    let items = page.items.iter().map(ItemBody::from).collect();
    Ok(answer::json(StatusCode::OK, &ListBody { items, next }))
}

fn place(text: &str) -> Result<AttentionPlace, Problem> {
    let read = || {
        let (market, order) = text.split_once('-')?;
        Some(AttentionPlace { market: market.parse().ok()?, order: order.parse().ok()? })
    };
    read().ok_or_else(|| Problem::invalid("cursor", "must be a page's next"))
}

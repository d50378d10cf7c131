//! The operator's queue: what waits for a word.

use serde::Serialize;
use surehold::view::WaitingView;
use warp::http::StatusCode;

use super::order_body::OrderBody;
use super::{Outcome, market};
use crate::answer;
use crate::app::App;
use crate::call::Call;
use crate::problem::Problem;
use crate::query::Query;
use crate::shapes::{Moment, PageBody};

#[derive(Serialize)]
struct WaitingBody<'a> {
    id: u64,
    state: &'static str,
    since: Moment,
    /// What the plan says happens then.
    deadline: Moment,
    order: OrderBody<'a>,
}

impl<'a> From<&'a WaitingView> for WaitingBody<'a> {
    fn from(waiting: &'a WaitingView) -> Self {
        WaitingBody {
            id: waiting.id.0,
            state: "waiting",
            since: Moment(waiting.since),
            deadline: Moment(waiting.until),
            order: OrderBody::from(&waiting.order),
        }
    }
}

/// `GET /v1/{market}/confirmations?state=waiting&limit=&cursor=`: oldest first. The operator speaks
/// through the order: `POST /v1/{market}/orders/{id}/confirm` or `/reject`.
///
/// # Errors
/// 422 for a parameter that is not one.
pub async fn waiting(app: &App, call: &Call, name: &str) -> Outcome {
    let market = market(app, name)?;
    let mut query = Query::parse(&call.query)?;
    match query.take("state").as_deref() {
        None | Some("waiting") => {}
        Some(_) => {
            let reason = "must be waiting; the others are found by their orders";
            return Err(Problem::invalid("state", reason));
        }
    }
    let (limit, after) = (query.limit(50)?, query.place("cursor")?);
    query.finish()?;
    let page = app.engine.waiting(market, after, limit).await?;
    let items = page.items.iter().map(WaitingBody::from).collect();
    Ok(answer::json(StatusCode::OK, &PageBody { items, next: page.next }))
}

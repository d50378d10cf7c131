//! The operator's queue: what waits for a word.

use serde::Serialize;
use surehold::view::WaitingView;
use warp::http::StatusCode;

use super::{Outcome, market};
use crate::answer;
use crate::app::App;
use crate::call::Call;
use crate::problem::Problem;
use crate::query::Query;
use crate::shapes::{Amount, Kept, Moment, PageBody, Part, Price};

/// What an operator needs to see in order to speak; the order itself has the rest.
#[derive(Serialize)]
struct WaitingBody<'a> {
    id: u64,
    state: &'static str,
    order: u64,
    customer: &'a str,
    offering: u64,
    quantity: Amount,
    #[serde(flatten)]
    part: Part,
    price: Price,
    since: Moment,
    /// Then follows what the plan says.
    deadline: Moment,
    attributes: Kept<'a>,
}

impl<'a> From<&'a WaitingView> for WaitingBody<'a> {
    fn from(waiting: &'a WaitingView) -> Self {
        let order = &waiting.order;
        WaitingBody {
            id: waiting.id.0,
            state: "waiting",
            order: order.id.0,
            customer: &order.customer,
            offering: order.offering.0,
            quantity: Amount(order.quantity),
            part: Part::from(&order.claim),
            price: Price(order.price),
            since: Moment(waiting.since),
            deadline: Moment(waiting.until),
            attributes: Kept(&order.attributes),
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

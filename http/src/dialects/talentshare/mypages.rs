//! The customer's own page, which puts an order, its confirmation and its cancellation together.

use serde::Serialize;
use serde_json::json;
use surehold::domain::id::OrderId;
use surehold::domain::saga::Phase;
use surehold::view::{Collection, OrderView};
use warp::http::StatusCode;

use super::{MYPAGE, number, shown};
use crate::answer;
use crate::dialects::failure::Failure;
use crate::dialects::hal::{self, PAGE_MAX, Paging};
use crate::dialects::{Desk, Outcome};
use crate::query::Query;
use crate::shapes::One;

/// One page.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MypageRow<'a> {
    order_id: u64,
    talent_category: One<'a>,
    confirmation_id: Option<u64>,
    cancellation_id: Option<u64>,
    name: One<'a>,
    #[serde(flatten)]
    status: Status<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Status<'a> {
    Ours { status: &'static str },
    Theirs { status: One<'a> },
}

impl<'a> MypageRow<'a> {
    fn of(order: &'a OrderView, cancellation_id: Option<u64>) -> MypageRow<'a> {
        let confirmed = order.confirmation.as_ref().filter(|made| made.state == Some("confirmed"));
        let confirmation_id = confirmed.map(|made| made.id.0);
        let cancelling = [Phase::Refunding, Phase::Releasing, Phase::Stuck, Phase::Cancelled];
        let status = match (cancellation_id, confirmation_id) {
            (Some(_), _) => Status::Ours { status: "Confirmation Canceled" },
            (None, _) if cancelling.contains(&order.phase) => {
                Status::Theirs { status: shown(&order.attributes, "status") }
            }
            (None, Some(_)) => Status::Ours { status: "Confirmation Complete" },
            (None, None) => Status::Ours { status: "Order Submitted" },
        };
        MypageRow {
            order_id: order.id.0,
            talent_category: shown(&order.attributes, "talentCategory"),
            confirmation_id,
            cancellation_id,
            name: shown(&order.attributes, "name"),
            status,
        }
    }
}

/// `GET /mypages`: not counted, but never more than [`PAGE_MAX`] at once; `?page=` goes on.
pub(super) async fn list(desk: Desk<'_>) -> Outcome {
    let paging = Paging::read(&desk.call.query, Some(PAGE_MAX))?;
    let (engine, of) = (&desk.app.engine, Collection::Orders);
    let rows = engine.rows(desk.market, of, paging.offset(), paging.limit()).await?;
    let mut items = Vec::with_capacity(rows.ids.len());
    for id in rows.ids {
        let (order, cancelled) = look(&desk, id).await?;
        items.push(hal::item(&desk.links, MYPAGE, id, &MypageRow::of(&order, cancelled)));
    }
    let search = ("search", format!("{}/search", desk.links.collection(MYPAGE.collection)));
    let all = hal::collection(&desk.links, MYPAGE.collection, items, &[search]);
    Ok(answer::typed(StatusCode::OK, hal::READ, &all))
}

/// `GET /mypages/{id}`. The page has the number of its order.
pub(super) async fn show(desk: Desk<'_>, id: &str) -> Outcome {
    let id = number(id)?;
    let (order, cancelled) = look(&desk, id).await?;
    Ok(desk.read(MYPAGE, id, &MypageRow::of(&order, cancelled)))
}

/// `GET /mypages/search`.
pub(super) async fn finders(desk: Desk<'_>) -> Outcome {
    let at = format!("{}/search", desk.links.collection(MYPAGE.collection));
    let finder = json!({ "href": format!("{at}/findByOrderId{{?orderId}}"), "templated": true });
    let links = json!({ "_links": { "findByOrderId": finder, "self": { "href": at } } });
    Ok(answer::typed(StatusCode::OK, hal::READ, &links))
}

/// `GET /mypages/search/findByOrderId?orderId=`.
pub(super) async fn find_by_order(desk: Desk<'_>) -> Outcome {
    let mut query = Query::parse(&desk.call.query)?;
    let id = query.take("orderId").and_then(|text| text.parse::<i64>().ok());
    let id = id.ok_or_else(|| Failure::Bad("orderId: must be a whole number".to_owned()))?;
    let found = match u64::try_from(id) {
        Ok(id) => look(&desk, id).await,
        Err(_) => Err(Failure::Nothing),
    };
    let items = match found {
        Ok((order, cancelled)) => {
            let row = MypageRow::of(&order, cancelled);
            vec![hal::item(&desk.links, MYPAGE, order.id.0, &row)]
        }
        Err(Failure::Nothing) => Vec::new(),
        Err(failure) => return Err(failure),
    };
    let at = desk.links.collection("mypages/search/findByOrderId");
    let links = json!({ "self": { "href": format!("{at}?orderId={id}") } });
    let body = json!({ "_embedded": { MYPAGE.collection: items }, "_links": links });
    Ok(answer::typed(StatusCode::OK, hal::READ, &body))
}

/// An order that came into being, and the number of its cancellation if it has one.
async fn look(desk: &Desk<'_>, id: u64) -> Result<(OrderView, Option<u64>), Failure> {
    let order = desk.app.engine.order(desk.market, OrderId(id)).await?;
    if !order.came_into_being() {
        return Err(Failure::Nothing);
    }
    let cancelled = desk.app.engine.cancellation_of(desk.market, order.id).await?;
    Ok((order, cancelled))
}

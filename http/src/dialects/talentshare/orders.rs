//! The orders of talentshare: placed, looked at, cancelled by any change, deleted.

use serde::Serialize;
use surehold::Refusal;
use surehold::domain::attributes::{Attribute, Attributes};
use surehold::domain::card::Card;
use surehold::domain::id::{OfferingId, OrderId};
use surehold::domain::quantity::Quantity;
use surehold::domain::saga::Phase;
use surehold::view::{Collection, NewOrder, OrderCommand, OrderView, Placed};
use warp::http::StatusCode;

use super::{DELETED, ORDER, is_deleted, number, shown};
use crate::answer;
use crate::dialects::failure::Failure;
use crate::dialects::hal::{self, Paging};
use crate::dialects::input::Input;
use crate::dialects::{Desk, Outcome};
use crate::shapes::One;

/// What the reference system's orders book.
const TALENT: OfferingId = OfferingId(1);
/// What stands in for a card when the client sent none: the reference system charges anyway.
const NO_CARD: &str = "none";
/// The fields of an order.
const FIELDS: [&str; 4] = ["name", "talentCategory", "cardNo", "status"];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OrderRow<'a> {
    name: One<'a>,
    talent_category: One<'a>,
    card_no: One<'a>,
    status: One<'a>,
}

impl<'a> From<&'a OrderView> for OrderRow<'a> {
    fn from(order: &'a OrderView) -> Self {
        let kept = &order.attributes;
        OrderRow {
            name: shown(kept, "name"),
            talent_category: shown(kept, "talentCategory"),
            card_no: shown(kept, "cardNo"),
            status: shown(kept, "status"),
        }
    }
}

/// What the client sent, as it may be kept: a full card number is cut to its last four digits. The
/// card itself comes beside it.
fn sent(body: &[u8]) -> Result<(Attributes, Option<String>), Failure> {
    let input = Input::parse(body)?;
    let (mut kept, mut card) = (Attributes::new(), None);
    for name in FIELDS {
        let value = if name == "cardNo" { input.whole(name)? } else { input.text(name)? };
        let Some(mut value) = value else { continue };
        if let ("cardNo", Attribute::Whole(number)) = (name, &value) {
            let typed = number.to_string();
            let parsed = Card::parse(&typed);
            let parsed = parsed.map_err(|error| Failure::Bad(format!("cardNo: {error}")))?;
            if let Card::Number { last4 } = parsed {
                value = Attribute::Whole(last4.parse().unwrap_or_default());
            }
            card = Some(typed);
        }
        kept.insert(name.to_owned(), value);
    }
    Ok((kept, card))
}

/// `POST /orders`.
pub(super) async fn place(desk: Desk<'_>) -> Outcome {
    let (attributes, card) = sent(&desk.call.body)?;
    let customer = attributes.get("name").and_then(Attribute::text).unwrap_or_default().to_owned();
    let card = Some(card.unwrap_or_else(|| NO_CARD.to_owned()));
    let quantity = Quantity::ONE;
    let new = NewOrder { customer, offering: TALENT, quantity, card, attributes };
    let placement = desk.app.engine.place(desk.market, new, None).await?;
    let order = placement.order;
    match placement.placed {
        Placed::Booked | Placed::ToBePaid => {
            Ok(desk.made(ORDER, order.id.0, &OrderRow::from(&order)))
        }
        Placed::UnderWay => {
            // The client is told that nothing was kept, so nothing may come of it any more.
            let cancel = cancel(Attributes::new());
            desk.app.engine.command(desk.market, order.id, cancel).await?;
            Err(Failure::Undone)
        }
        Placed::Declined
        | Placed::NoRoom
        | Placed::PaymentsDown
        | Placed::InventoryDown
        | Placed::CameToNothing => Err(Failure::Undone),
    }
}

/// The order of this number, if it is one for clients of this dialect.
async fn find(desk: &Desk<'_>, id: &str) -> Result<OrderView, Failure> {
    let order = desk.app.engine.order(desk.market, OrderId(number(id)?)).await?;
    if order.came_into_being() && !is_deleted(&order) { Ok(order) } else { Err(Failure::Nothing) }
}

/// `GET /orders/{id}`.
pub(super) async fn show(desk: Desk<'_>, id: &str) -> Outcome {
    let order = find(&desk, id).await?;
    Ok(desk.read(ORDER, order.id.0, &OrderRow::from(&order)))
}

/// `GET /orders`.
pub(super) async fn list(desk: Desk<'_>) -> Outcome {
    let paging = Paging::read(&desk.call.query, None)?;
    let (engine, market) = (&desk.app.engine, desk.market);
    let rows = engine.rows(market, Collection::Orders, paging.offset(), paging.limit()).await?;
    let mut items = Vec::with_capacity(rows.ids.len());
    for id in rows.ids {
        let order = engine.order(market, OrderId(id)).await?;
        if !is_deleted(&order) {
            items.push(hal::item(&desk.links, ORDER, id, &OrderRow::from(&order)));
        }
    }
    let page = hal::page(&desk.links, ORDER.collection, items, paging, rows.total);
    Ok(answer::typed(StatusCode::OK, hal::READ, &page))
}

/// `PATCH /orders/{id}`, and `PUT`, which also empties the fields it does not name.
pub(super) async fn update(desk: Desk<'_>, id: &str, whole: bool) -> Outcome {
    let order = find(&desk, id).await?;
    let (mut change, _) = sent(&desk.call.body)?;
    if whole {
        for name in FIELDS {
            change.entry(name.to_owned()).or_insert(Attribute::Null);
        }
    }
    let kept = |name: &str| order.attributes.get(name).unwrap_or(&Attribute::Null);
    change.retain(|name, value| kept(name) != value);
    let order = if change.is_empty() { order } else { cancel_with(&desk, &order, change).await? };
    Ok(desk.changed(ORDER, order.id.0, &OrderRow::from(&order)))
}

/// `DELETE /orders/{id}`.
pub(super) async fn delete(desk: Desk<'_>, id: &str) -> Outcome {
    let order = find(&desk, id).await?;
    let mark = Attributes::from([(DELETED.to_owned(), Attribute::Flag(true))]);
    if order.phase == Phase::Fulfilled {
        let annotate = OrderCommand::Annotate(mark);
        desk.app.engine.command(desk.market, order.id, annotate).await?;
    } else {
        cancel_with(&desk, &order, mark).await?;
    }
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// Cancels the order and keeps the change; an order that is cancelled already keeps the change.
async fn cancel_with(
    desk: &Desk<'_>,
    order: &OrderView,
    change: Attributes,
) -> Result<OrderView, Failure> {
    let (engine, market) = (&desk.app.engine, desk.market);
    match engine.command(market, order.id, cancel(change.clone())).await {
        Ok(cancelled) => {
            let mut changed = change.iter();
            if changed.all(|(name, value)| cancelled.attributes.get(name) == Some(value)) {
                return Ok(cancelled);
            }
        }
        Err(Refusal::WrongPhase { phase: Phase::Cancelled, .. }) => {}
        Err(refusal) => return Err(refusal.into()),
    }
    // It was cancelled before, perhaps a moment ago: what is sent now is only kept beside it.
    Ok(engine.command(market, order.id, OrderCommand::Annotate(change)).await?)
}

fn cancel(attributes: Attributes) -> OrderCommand {
    OrderCommand::Cancel { note: None, quote: None, attributes }
}

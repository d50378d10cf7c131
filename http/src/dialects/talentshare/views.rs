//! What the engine made of the orders: payments, confirmations, cancellations.

use serde::Serialize;
use serde_json::Value;
use surehold::domain::card::Card;
use surehold::domain::id::{ConfirmationId, OrderId, PaymentId};
use surehold::view::{Collection, ConfirmationView, OrderView, PaymentView, Rows};
use warp::http::StatusCode;

use super::{CANCELLATION, CONFIRMATION, PAYMENT, number};
use crate::answer::{self, Response};
use crate::dialects::failure::Failure;
use crate::dialects::hal::{self, Kind, Paging};
use crate::dialects::{Desk, Outcome};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PaymentRow {
    order_id: u64,
    card_no: Option<i64>,
    status: &'static str,
}

impl PaymentRow {
    /// The row of a payment; `None` if no money ever came of it.
    fn of(payment: &PaymentView) -> Option<PaymentRow> {
        let status = match payment.state {
            "captured" => "Order Submitted",
            "refunded" | "partly_refunded" => "Payment Canceled",
            _ => return None,
        };
        let card = match &payment.card {
            Some(Card::Token(token)) => Some(token),
            Some(Card::Number { last4 }) => Some(last4),
            None => None,
        };
        let card_no = card.and_then(|digits| digits.parse().ok());
        Some(PaymentRow { order_id: payment.order.0, card_no, status })
    }
}

/// A row of a confirmation or a cancellation. The reference system leaves the category empty.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpokenRow {
    order_id: u64,
    talent_category: Option<&'static str>,
    status: &'static str,
}

impl SpokenRow {
    fn confirmation(made: &ConfirmationView) -> Option<SpokenRow> {
        let status = match made.state? {
            "confirmed" => "Confirmation Complete",
            "rejected" => "Confirmation Canceled",
            _ => "Confirmation Waiting",
        };
        Some(SpokenRow { order_id: made.order.0, talent_category: None, status })
    }

    fn cancellation(order: &OrderView) -> SpokenRow {
        let status = "Confirmation Canceled";
        SpokenRow { order_id: order.id.0, talent_category: None, status }
    }
}

/// The numbers on the page the client asks for.
async fn rows(desk: &Desk<'_>, of: Collection, paging: Paging) -> Result<Rows, Failure> {
    Ok(desk.app.engine.rows(desk.market, of, paging.offset(), paging.limit()).await?)
}

/// A page of written rows.
fn page(desk: &Desk<'_>, kind: Kind, items: Vec<Value>, paging: Paging, total: u64) -> Response {
    let page = hal::page(&desk.links, kind.collection, items, paging, total);
    answer::typed(StatusCode::OK, hal::READ, &page)
}

/// `GET /paymentHist`.
pub(super) async fn payments(desk: Desk<'_>) -> Outcome {
    let paging = Paging::read(&desk.call.query, None)?;
    let rows = rows(&desk, Collection::Payments, paging).await?;
    let mut items = Vec::with_capacity(rows.ids.len());
    for id in rows.ids {
        let row = payment_row(&desk, id).await?;
        items.extend(row.map(|row| hal::item(&desk.links, PAYMENT, id, &row)));
    }
    Ok(page(&desk, PAYMENT, items, paging, rows.total))
}

/// `GET /paymentHist/{id}`.
pub(super) async fn payment(desk: Desk<'_>, id: &str) -> Outcome {
    let id = number(id)?;
    let row = payment_row(&desk, id).await?.ok_or(Failure::Nothing)?;
    Ok(desk.read(PAYMENT, id, &row))
}

async fn payment_row(desk: &Desk<'_>, id: u64) -> Result<Option<PaymentRow>, Failure> {
    let payment = desk.app.engine.payment(desk.market, PaymentId(id)).await?;
    Ok(PaymentRow::of(&payment))
}

/// `GET /confirmations`.
pub(super) async fn confirmations(desk: Desk<'_>) -> Outcome {
    let paging = Paging::read(&desk.call.query, None)?;
    let rows = rows(&desk, Collection::Confirmations, paging).await?;
    let mut items = Vec::with_capacity(rows.ids.len());
    for id in rows.ids {
        let row = confirmation_row(&desk, id).await?;
        items.extend(row.map(|row| hal::item(&desk.links, CONFIRMATION, id, &row)));
    }
    Ok(page(&desk, CONFIRMATION, items, paging, rows.total))
}

/// `GET /confirmations/{id}`.
pub(super) async fn confirmation(desk: Desk<'_>, id: &str) -> Outcome {
    let id = number(id)?;
    let row = confirmation_row(&desk, id).await?.ok_or(Failure::Nothing)?;
    Ok(desk.read(CONFIRMATION, id, &row))
}

async fn confirmation_row(desk: &Desk<'_>, id: u64) -> Result<Option<SpokenRow>, Failure> {
    let made = desk.app.engine.confirmation(desk.market, ConfirmationId(id)).await?;
    Ok(SpokenRow::confirmation(&made))
}

/// `GET /cancellations`.
pub(super) async fn cancellations(desk: Desk<'_>) -> Outcome {
    let paging = Paging::read(&desk.call.query, None)?;
    let rows = rows(&desk, Collection::Cancellations, paging).await?;
    let mut items = Vec::with_capacity(rows.ids.len());
    // The engine lists cancelled orders; a cancellation's own number is its place among them.
    for (number, id) in (paging.offset() + 1..).zip(rows.ids) {
        let order = desk.app.engine.order(desk.market, OrderId(id)).await?;
        let row = SpokenRow::cancellation(&order);
        items.push(hal::item(&desk.links, CANCELLATION, number, &row));
    }
    Ok(page(&desk, CANCELLATION, items, paging, rows.total))
}

/// `GET /cancellations/{id}`.
pub(super) async fn cancellation(desk: Desk<'_>, id: &str) -> Outcome {
    let id = number(id)?;
    let order = desk.app.engine.cancellation(desk.market, id).await?;
    Ok(desk.read(CANCELLATION, id, &SpokenRow::cancellation(&order)))
}

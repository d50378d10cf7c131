//! What moves stock: expected receipts, what arrived, what came back from the till, stocktakes.

use serde_json::{Value, json};
use surehold::domain::attributes::Attribute;
use surehold::domain::id::OrderId;
use surehold::domain::saga::Phase;
use surehold::view::{Collection as Rows, OrderCommand, OrderView, Rows as Numbers};
use surehold::{Refusal, Series};

use super::{amount, maybe_numbered, or_nothing, products, quantity, yes};
use crate::answer::Response;
use crate::dialects::kit::{
    Desk, Failure, Found, Key, Making, Sent, confirmed, decimal, shown, text,
};

pub(super) fn numbers<'d>(desk: &'d Desk<'d>, offset: u64, limit: usize) -> Making<'d, Numbers> {
    Box::pin(async move {
        let rows = desk.engine().flows(desk.market, offset, limit).await?;
        let ids = (offset + 1..).take(rows.ids.len()).collect();
        Ok(Numbers { ids, total: rows.total })
    })
}

/// A movement of stock: of an order that brings, what is expected and what arrived; of a sale that
/// was undone, what came back.
pub(super) fn flow_row(order: &OrderView, arrived: bool) -> Value {
    let moved = if arrived || !order.brings() { amount(order.quantity) } else { 0.0 };
    let expected = order.brings().then(|| amount(order.quantity));
    json!({
        "productId": shown(order, "productId"),
        "productName": shown(order, "productName"),
        "qty": moved,
        "qtyToBe": expected,
        "reason": null,
        "orderId": order.brings().then(|| super::number_of(order)),
    })
}

pub(super) async fn row(desk: &Desk<'_>, id: u64) -> Found {
    let place = id.checked_sub(1).ok_or(Failure::Nothing)?;
    let rows = desk.engine().rows(desk.market, Rows::Flows, place, 1).await?;
    let order = rows.ids.first().ok_or(Failure::Nothing)?;
    let order = desk.engine().order(desk.market, OrderId(*order)).await?;
    if order.brings() && order.reason.is_some() {
        return Err(Failure::Nothing);
    }
    Ok(flow_row(&order, order.phase == Phase::Fulfilled))
}

pub(super) async fn of_order(desk: &Desk<'_>, number: u64) -> Result<Vec<Key>, Failure> {
    let order = desk.engine().numbered(desk.market, Series::Supplies, number).await?;
    let flow = desk.engine().flow_of(desk.market, order.id).await?;
    Ok(flow.map(Key::Number).into_iter().collect())
}

/// `POST /stocks/confirmStock`: what was expected has arrived. It counts once.
pub(super) async fn confirm(desk: &Desk<'_>) -> Result<Response, Failure> {
    let id = desk.form()?.whole("orderId")?;
    let order = maybe_numbered(desk, Series::Supplies, id).await?;
    let shipped = |order: &OrderView| order.reason.is_none() && confirmed(order).is_some();
    let Some(order) = order.filter(shipped) else { return yes(desk, false) };
    if order.phase == Phase::Fulfilled {
        return yes(desk, true);
    }
    match desk.engine().command(desk.market, order.id, OrderCommand::Complete).await {
        Ok(_) => yes(desk, true),
        // Somebody was a moment earlier, with the same or with its end.
        Err(Refusal::WrongPhase { phase, .. }) => yes(desk, phase == Phase::Fulfilled),
        Err(refusal) => Err(refusal.into()),
    }
}

/// `POST /stockFlows` with JSON: stock goes up or down by hand. The reference system answers `false`,
/// always.
pub(super) async fn adjust(desk: &Desk<'_>) -> Result<Response, Failure> {
    let sent = Sent::read(&[text("productId"), decimal("qty")], &desk.call.body)?;
    let code = sent.text("productId");
    let code = code.ok_or_else(|| Failure::Bad("productId: is missing".to_owned()))?;
    let Some(Attribute::Decimal(typed)) = sent.kept.get("qty") else {
        return Err(Failure::Bad("qty: is missing".to_owned()));
    };
    let Some(product) = products::find(desk, code).await? else {
        return Err(Failure::Bad(format!("productId: there is no product {code}")));
    };
    if *typed != 0.0 {
        let quantity = quantity("qty", &typed.abs().to_string())?;
        let up = *typed > 0.0;
        let adjusted = desk.engine().adjust_stock(desk.market, product.id, quantity, up).await;
        or_nothing(adjusted)?;
    }
    yes(desk, false)
}

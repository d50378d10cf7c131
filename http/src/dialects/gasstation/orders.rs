//! Stock orders at head office, how they stand, and their shipments.

use serde_json::{Value, json};
use surehold::Series;
use surehold::domain::attributes::{Attribute, Attributes};
use surehold::domain::quantity::Quantity;
use surehold::domain::saga::Phase;
use surehold::view::{Booking, NewOrder, OfferingView, OrderView, Rows as Numbers};

use super::{amount, numbered, numbers_of, products, quantity, yes};
use crate::answer::Response;
use crate::dialects::kit::{
    Desk, Failure, Found, Key, Making, Sent, confirmed, is_deleted, kept_in, number,
};

/// Car numbers are below this.
const CARS: u64 = 1000;

pub(super) fn numbers<'d>(desk: &'d Desk<'d>, offset: u64, limit: usize) -> Making<'d, Numbers> {
    numbers_of(desk, Series::Supplies, offset, limit)
}

/// The station's name and code, as its environment has them.
pub(super) async fn station(desk: &Desk<'_>) -> Result<Response, Failure> {
    let known = |name| std::env::var(name).unwrap_or_else(|_| "null".to_owned());
    Ok(desk.says_plainly(format!("{}, {}", known("station_nm"), known("station_cd"))))
}

/// `POST /orders/placeOrder`.
pub(super) async fn place_order(desk: &Desk<'_>) -> Result<Response, Failure> {
    let mut form = desk.form()?;
    let (code, typed) = (form.text("productId")?, form.text("qty")?);
    let (to, quantity) = (form.text("destAddr")?, quantity("qty", &typed)?);
    let Some(product) = products::find(desk, &code).await? else { return yes(desk, false) };
    place(desk, &product, quantity, &to).await?;
    yes(desk, true)
}

async fn place(
    desk: &Desk<'_>,
    product: &OfferingView,
    quantity: Quantity,
    to: &str,
) -> Result<OrderView, Failure> {
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let code = products::code(product).unwrap_or_default();
    let kept = [
        ("productId", code),
        ("productName", &product.name),
        ("destAddr", to),
        ("orderDate", &today),
    ];
    let text = |(name, value): (&str, &str)| (name.to_owned(), Attribute::Text(value.to_owned()));
    desk.place(NewOrder {
        customer: String::new(),
        offering: product.id,
        quantity,
        booking: Booking::Supply,
        card: None,
        attributes: kept.into_iter().map(text).collect(),
    })
    .await
}

/// `POST /orders` with JSON.
pub(super) async fn post(desk: &Desk<'_>, sent: Sent) -> Result<(Key, Value), Failure> {
    let missing = |name: &str| Failure::Bad(format!("{name}: is missing"));
    let code = sent.text("productId").ok_or_else(|| missing("productId"))?;
    let quantity = match sent.kept.get("qty") {
        Some(Attribute::Decimal(typed)) => quantity("qty", &typed.to_string())?,
        Some(_) | None => return Err(missing("qty")),
    };
    let product = products::find(desk, code).await?;
    let product =
        product.ok_or_else(|| Failure::Bad("productId: there is no such product".to_owned()))?;
    let to = sent.text("destAddr").unwrap_or_default();
    let order = place(desk, &product, quantity, to).await?;
    Ok((Key::Number(super::number_of(&order)), order_row(&order)))
}

fn order_row(order: &OrderView) -> Value {
    row_with(order, &order.attributes)
}

/// The same as it was ordered: so it was told, and so it was shipped, whatever is kept now.
pub(super) fn placed_row(order: &OrderView) -> Value {
    row_with(order, order.placed())
}

fn row_with(order: &OrderView, kept: &Attributes) -> Value {
    json!({
        "productId": kept_in(kept, "productId"),
        "productName": kept_in(kept, "productName"),
        "qty": amount(order.quantity),
        "destAddr": kept_in(kept, "destAddr"),
        "orderDate": kept_in(kept, "orderDate"),
    })
}

/// The order with this number, unless it was taken back.
async fn live(desk: &Desk<'_>, id: u64) -> Result<OrderView, Failure> {
    let order = numbered(desk, Series::Supplies, id).await?;
    if order.reason.is_some() { Err(Failure::Nothing) } else { Ok(order) }
}

/// The same, unless a client deleted it.
async fn listed(desk: &Desk<'_>, id: u64) -> Result<OrderView, Failure> {
    let order = live(desk, id).await?;
    if is_deleted(&order) { Err(Failure::Nothing) } else { Ok(order) }
}

pub(super) async fn row(desk: &Desk<'_>, id: u64) -> Found {
    Ok(order_row(&listed(desk, id).await?))
}

/// What is sent is kept beside the order; what was ordered stays.
pub(super) async fn change(desk: &Desk<'_>, id: &str, sent: Sent) -> Found {
    let order = listed(desk, number(id)?).await?;
    let mut kept: Attributes = sent.changes(&order.attributes);
    kept.retain(|name, _| ["destAddr", "orderDate"].contains(&name.as_str()));
    let order = if kept.is_empty() { order } else { desk.annotate(&order, kept).await? };
    Ok(order_row(&order))
}

pub(super) async fn delete(desk: &Desk<'_>, id: &str) -> Result<(), Failure> {
    desk.hide(&listed(desk, number(id)?).await?).await
}

/// How far a stock order got.
pub(super) async fn status_row(desk: &Desk<'_>, id: u64) -> Found {
    let order = live(desk, id).await?;
    let status = match (order.phase == Phase::Fulfilled, confirmed(&order)) {
        (true, _) => "confirmed",
        // Shipping and announcing it to the station are one step.
        (false, Some(_)) => "Received",
        (false, None) => "Ordered",
    };
    let mut row = placed_row(&order);
    row["status"] = json!(status);
    Ok(row)
}

pub(super) fn shipment_row(order: &OrderView) -> Value {
    let kept = order.placed();
    json!({
        "orderId": super::number_of(order),
        "carNumber": car(super::number_of(order)),
        "destAddr": kept_in(kept, "destAddr"),
        "productId": kept_in(kept, "productId"),
        "productName": kept_in(kept, "productName"),
        "qty": amount(order.quantity),
    })
}

/// A shipment has the number of its order.
pub(super) async fn shipment(desk: &Desk<'_>, id: u64) -> Found {
    let order = numbered(desk, Series::Supplies, id).await?;
    confirmed(&order).ok_or(Failure::Nothing)?;
    Ok(shipment_row(&order))
}

/// The car of a shipment: any, but always the same one.
fn car(shipment: u64) -> String {
    // A large prime spreads neighbours over all cars.
    format!("CAR#{}", shipment.wrapping_mul(2_654_435_761) % (CARS + 1))
}

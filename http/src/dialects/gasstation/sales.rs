//! Sales at the till, and their undoing.

use serde_json::{Value, json};
use surehold::Series;
use surehold::domain::attributes::{Attribute, Attributes};
use surehold::view::{Booking, NewOrder, OrderView, Rows as Numbers};

use super::{amount, maybe_numbered, numbered, numbers_of, products, quantity, yes};
use crate::answer::Response;
use crate::dialects::kit::{Desk, Failure, Found, Making, number, shown};

/// The one account of the reference system.
const ACCOUNT: u64 = 1;
/// The attribute with the price of one unit.
const PRICE: &str = "price";

pub(super) fn numbers<'d>(desk: &'d Desk<'d>, offset: u64, limit: usize) -> Making<'d, Numbers> {
    numbers_of(desk, Series::Sales, offset, limit)
}

/// `POST /sales`. A sale and its stock are one: without stock there is no sale.
pub(super) async fn sell(desk: &Desk<'_>) -> Result<Response, Failure> {
    let mut form = desk.form()?;
    let (code, typed) = (form.text("productId")?, form.text("qty")?);
    let quantity = quantity("qty", &typed)?;
    let Some(product) = products::find(desk, &code).await? else { return yes(desk, false) };
    let text = |name: &str, value: String| (name.to_owned(), Attribute::Text(value));
    let attributes = Attributes::from([
        text("productId", code),
        text("productName", product.name),
        (PRICE.to_owned(), Attribute::Whole(product.price.amount())),
    ]);
    let sale = desk.place(NewOrder {
        customer: String::new(),
        offering: product.id,
        quantity,
        booking: Booking::Units,
        card: None,
        attributes,
    });
    match sale.await {
        Ok(_) => yes(desk, true),
        Err(Failure::Conflict(_)) => Err(Failure::Undone),
        Err(failure) => Err(failure),
    }
}

/// The price of one unit when it was sold, whatever it is today: the one that was looked up, unless
/// it changed in the very moment of the sale.
fn unit_price(sale: &OrderView) -> i64 {
    let total = i128::from(sale.price.amount()) * 1000;
    let thousandths = i128::from(sale.quantity.thousandths().max(1));
    match sale.placed().get(PRICE) {
        Some(Attribute::Whole(price))
            if (i128::from(*price) * thousandths - total).abs() <= 500 =>
        {
            *price
        }
        Some(_) | None => {
            i64::try_from((total + thousandths / 2) / thousandths).unwrap_or(i64::MAX)
        }
    }
}

pub(super) fn sale_row(sale: &OrderView) -> Value {
    let total = sale.price.amount();
    json!({
        "productId": shown(sale, "productId"),
        "productName": shown(sale, "productName"),
        "price": unit_price(sale),
        "qty": amount(sale.quantity),
        "amount": products::decimal(total),
        "accountId": ACCOUNT,
        "accountName": null,
    })
}

async fn live(desk: &Desk<'_>, id: u64) -> Result<OrderView, Failure> {
    let sale = numbered(desk, Series::Sales, id).await?;
    if sale.reason.is_some() { Err(Failure::Nothing) } else { Ok(sale) }
}

pub(super) async fn row(desk: &Desk<'_>, id: u64) -> Found {
    Ok(sale_row(&live(desk, id).await?))
}

pub(super) async fn delete(desk: &Desk<'_>, id: &str) -> Result<(), Failure> {
    let sale = live(desk, number(id)?).await?;
    desk.cancel(&sale, Attributes::new()).await.map(|_| ())
}

/// `POST /cancelSales`: stock and sums go back, once.
pub(super) async fn undo(desk: &Desk<'_>) -> Result<Response, Failure> {
    let id = desk.form()?.whole("saleId")?;
    let sale = maybe_numbered(desk, Series::Sales, id).await?;
    let Some(sale) = sale.filter(|sale| sale.reason.is_none()) else { return yes(desk, false) };
    yes(desk, desk.cancel_first(&sale).await?)
}

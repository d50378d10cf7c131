//! gasstation: stations order fuel at head office, logistics ships it, stations confirm what arrived
//! and sell it at the till.
//!
//! A product is an offering that is counted as stock. A stock order brings, a sale takes; each kind
//! has numbers of its own. Stock and sums are read from the offering and its figures, so a sale and
//! its stock are one.

mod events;
mod flows;
mod orders;
mod products;
mod sales;

use serde_json::json;
use surehold::Refusal;
use surehold::domain::quantity::Quantity;
use surehold::view::OrderView;

use super::kit::{
    Action, Collection, Desk, Dialect, Failure, Field, Find, Finder, Gives, Ids, Listed, Making,
    Source, decimal, text, whole,
};

/// The dialect.
pub static DIALECT: Dialect = Dialect {
    name: "gasstation",
    collections: &COLLECTIONS,
    actions: &ACTIONS,
    tells_offerings: true,
    tells: events::tells,
};

const fn post(path: &'static [&'static str], run: super::kit::Run) -> Action {
    Action { method: "POST", path, run }
}

static ACTIONS: [Action; 7] = [
    post(&["orders", "placeOrder"], |desk| Box::pin(orders::place_order(desk))),
    post(&["orders", "station"], |desk| Box::pin(orders::station(desk))),
    post(&["products", "sync"], |desk| Box::pin(products::sync(desk))),
    post(&["sales"], |desk| Box::pin(sales::sell(desk))),
    post(&["cancelSales"], |desk| Box::pin(sales::undo(desk))),
    post(&["stocks", "confirmStock"], |desk| Box::pin(flows::confirm(desk))),
    post(&["stockFlows"], |desk| Box::pin(flows::adjust(desk))),
];

/// The fields of a stock order.
const ORDER: [Field; 5] =
    [text("productId"), text("productName"), decimal("qty"), text("destAddr"), text("orderDate")];
/// The fields of a product, here and where it was passed on to.
const PRODUCT: [Field; 2] = [text("productName"), whole("price")];

static COLLECTIONS: [Collection; 11] = [
    Collection {
        name: "orders",
        one: "order",
        key: "orderId",
        fields: &ORDER,
        rows: Source::Numbered(Ids::Own(orders::numbers), |desk, id| {
            Box::pin(orders::row(desk, id))
        }),
        gaps: true,
        post: Some(|desk, sent| Box::pin(orders::post(desk, sent))),
        update: Some(|desk, id, sent| Box::pin(orders::change(desk, id, sent))),
        delete: Some(|desk, id| Box::pin(orders::delete(desk, id))),
        ..Collection::VIEW
    },
    Collection {
        name: "orderStatuses",
        one: "orderStatus",
        key: "orderId",
        listed: Listed::Whole,
        fields: &[
            text("productId"),
            text("productName"),
            decimal("qty"),
            text("destAddr"),
            text("orderDate"),
            text("status"),
        ],
        rows: Source::Numbered(Ids::Own(orders::numbers), |desk, id| {
            Box::pin(orders::status_row(desk, id))
        }),
        gaps: true,
        ..Collection::VIEW
    },
    Collection {
        name: "product",
        one: "product",
        key: "productId",
        fields: &PRODUCT,
        rows: Source::Named(|desk| Box::pin(products::all(desk))),
        finders: &[Finder {
            name: "findByProductId",
            by: "product_id",
            gives: Gives::One,
            find: Find::Key,
        }],
        post: Some(|desk, sent| Box::pin(products::add(desk, sent))),
        update: Some(|desk, id, sent| Box::pin(products::change(desk, id, sent))),
        make: Some(|desk, id, sent| Box::pin(products::make(desk, id, sent))),
        delete: Some(|desk, id| Box::pin(products::remove(desk, id))),
        ..Collection::VIEW
    },
    Collection {
        name: "shipments",
        one: "shipment",
        key: "shipId",
        fields: &[
            whole("orderId"),
            text("carNumber"),
            text("destAddr"),
            text("productId"),
            text("productName"),
            decimal("qty"),
        ],
        rows: Source::Numbered(Ids::Own(orders::numbers), |desk, id| {
            Box::pin(orders::shipment(desk, id))
        }),
        gaps: true,
        ..Collection::VIEW
    },
    Collection {
        name: "stockFlows",
        one: "stockFlow",
        key: "stockId",
        listed: Listed::Not,
        fields: &[
            text("productId"),
            text("productName"),
            decimal("qty"),
            decimal("qtyToBe"),
            text("reason"),
            whole("orderId"),
        ],
        rows: Source::Numbered(Ids::Own(flows::numbers), |desk, id| Box::pin(flows::row(desk, id))),
        finders: &[Finder {
            name: "findByOrderId",
            by: "order_id",
            gives: Gives::One,
            find: Find::Number(|desk, order| Box::pin(flows::of_order(desk, order))),
        }],
        ..Collection::VIEW
    },
    Collection {
        name: "stockSummaries",
        one: "stockSummary",
        key: "productId",
        listed: Listed::Whole,
        fields: &[text("productName"), decimal("qty")],
        rows: Source::Named(|desk| Box::pin(products::stock(desk))),
        ..Collection::VIEW
    },
    Collection {
        name: "salesSummaries",
        one: "salesSummary",
        key: "productId",
        listed: Listed::Whole,
        fields: &[text("productName"), decimal("qty"), decimal("amount")],
        rows: Source::Named(|desk| Box::pin(products::sales(desk))),
        ..Collection::VIEW
    },
    Collection {
        name: "productMasters",
        one: "productMaster",
        key: "productId",
        fields: &PRODUCT,
        rows: Source::Named(|desk| Box::pin(products::all(desk))),
        ..Collection::VIEW
    },
    // The reference system keeps accounts that nothing ever writes.
    Collection {
        name: "accounts",
        one: "account",
        key: "accountId",
        fields: &[text("accountName"), decimal("amount")],
        ..Collection::VIEW
    },
    Collection {
        name: "productMenus",
        one: "productMenu",
        key: "productId",
        fields: &PRODUCT,
        rows: Source::Named(|desk| Box::pin(products::all(desk))),
        ..Collection::VIEW
    },
    Collection {
        name: "sales",
        one: "sale",
        key: "saleId",
        listed: Listed::Not,
        fields: &[
            text("productId"),
            text("productName"),
            whole("price"),
            decimal("qty"),
            decimal("amount"),
            whole("accountId"),
            text("accountName"),
        ],
        rows: Source::Numbered(Ids::Own(sales::numbers), |desk, id| Box::pin(sales::row(desk, id))),
        delete: Some(|desk, id| Box::pin(sales::delete(desk, id))),
        ..Collection::VIEW
    },
];

/// All numbers that were given in a series.
fn numbers_of<'d>(
    desk: &'d Desk<'d>,
    series: surehold::Series,
    offset: u64,
    limit: usize,
) -> Making<'d, surehold::view::Rows> {
    Box::pin(async move {
        let total = desk.engine().last_number(desk.market, series)?;
        let ids = (offset.saturating_add(1)..=total).take(limit).collect();
        Ok(surehold::view::Rows { ids, total })
    })
}

/// The order with this number in its series, if it came into being.
async fn numbered(
    desk: &Desk<'_>,
    series: surehold::Series,
    number: u64,
) -> Result<OrderView, Failure> {
    let order = desk.engine().numbered(desk.market, series, number).await?;
    if order.came_into_being() { Ok(order) } else { Err(Failure::Nothing) }
}

/// The same, or nothing.
async fn maybe_numbered(
    desk: &Desk<'_>,
    series: surehold::Series,
    number: i64,
) -> Result<Option<OrderView>, Failure> {
    let Ok(number) = u64::try_from(number) else { return Ok(None) };
    match numbered(desk, series, number).await {
        Ok(order) => Ok(Some(order)),
        Err(Failure::Nothing) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The number of an order among its kind.
fn number_of(order: &OrderView) -> u64 {
    match order.attributes.get("number") {
        Some(surehold::domain::attributes::Attribute::Whole(number)) => {
            u64::try_from(*number).unwrap_or(0)
        }
        Some(_) | None => 0,
    }
}

/// A quantity as the reference system writes it.
fn amount(quantity: Quantity) -> f64 {
    // At most a thousand million with three decimals: a double is exact enough to read back.
    quantity.to_string().parse().unwrap_or_default()
}

/// A quantity as a client writes it.
fn quantity(name: &str, typed: &str) -> Result<Quantity, Failure> {
    let quantity = Quantity::parse(typed.trim());
    let quantity = quantity.map_err(|error| Failure::Bad(format!("{name}: {error}")))?;
    if quantity.is_none() {
        return Err(Failure::Bad(format!("{name}: must be above 0")));
    }
    Ok(quantity)
}

fn yes(desk: &Desk<'_>, done: bool) -> Result<crate::answer::Response, Failure> {
    Ok(desk.says(&json!(done)))
}

/// What is not there is no failure where the reference system answers `false`.
fn or_nothing<T>(found: Result<T, Refusal>) -> Result<Option<T>, Failure> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Refusal::NotFound { .. }) => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

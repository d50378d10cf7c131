//! talentshare: a customer books a talent and pays with the order; the engine confirms.
//!
//! Orders are written by clients; every other collection is a view of what the engine did.
//! Any effective update of an order cancels it, as in the reference system.

use serde_json::{Value, json};
use surehold::domain::attributes::Attributes;
use surehold::domain::id::{ConfirmationId, OfferingId};
use surehold::domain::saga::Turn;
use surehold::view::{Collection as Rows, OrderView};

use super::kit::{
    Collection, Desk, Dialect, Failure, Find, Finder, Found, Gives, Ids, Key, Listed, Sent, Source,
    Tale, Told, card, card_payment, card_payment_told, confirmed, kept_in, shown, text, told,
    whole,
};

/// What the reference system's orders book.
const TALENT: OfferingId = OfferingId(1);
/// What stands in for a card when the client sent none: the reference system charges anyway.
const NO_CARD: &str = "none";

/// The status of a payment while the money is here.
const PAID: &str = "Order Submitted";
/// The status of a payment whose money went back.
const PAID_BACK: &str = "Payment Canceled";

/// The dialect.
pub static DIALECT: Dialect = Dialect {
    name: "talentshare",
    collections: &COLLECTIONS,
    actions: &[],
    tells_offerings: false,
    tells,
};

static COLLECTIONS: [Collection; 5] = [
    Collection {
        name: "orders",
        one: "order",
        fields: &[text("name"), text("talentCategory"), card("cardNo"), text("status")],
        rows: Source::Numbered(Ids::Rows(Rows::Orders), |desk, id| Box::pin(order(desk, id))),
        gaps: true,
        post: Some(|desk, sent| Box::pin(place(desk, sent))),
        update: Some(|desk, id, sent| Box::pin(change(desk, id, sent))),
        delete: Some(|desk, id| Box::pin(desk.delete(id))),
        ..Collection::VIEW
    },
    Collection {
        name: "paymentHist",
        one: "paymentHist",
        fields: &[whole("orderId"), whole("cardNo"), text("status")],
        rows: Source::Numbered(Ids::Rows(Rows::Payments), |desk, id| Box::pin(payment(desk, id))),
        ..Collection::VIEW
    },
    Collection {
        name: "confirmations",
        one: "confirmation",
        fields: &[whole("orderId"), text("status"), text("talentCategory")],
        rows: Source::Numbered(Ids::Rows(Rows::Confirmations), |desk, id| {
            Box::pin(confirmation(desk, id))
        }),
        ..Collection::VIEW
    },
    Collection {
        name: "cancellations",
        one: "cancellation",
        fields: &[whole("orderId"), text("status"), text("talentCategory")],
        rows: Source::Numbered(Ids::Places(Rows::Cancellations), |desk, id| {
            Box::pin(cancellation(desk, id))
        }),
        ..Collection::VIEW
    },
    Collection {
        name: "mypages",
        one: "mypage",
        listed: Listed::Whole,
        fields: &[
            whole("orderId"),
            text("talentCategory"),
            whole("confirmationId"),
            whole("cancellationId"),
            text("name"),
            text("status"),
        ],
        // A page has the number of its order.
        rows: Source::Numbered(Ids::Rows(Rows::Orders), |desk, id| Box::pin(mypage(desk, id))),
        finders: &[Finder {
            name: "findByOrderId",
            by: "orderId",
            gives: Gives::List,
            find: Find::Key,
        }],
        ..Collection::VIEW
    },
];

fn order_row(order: &OrderView) -> Value {
    json!({
        "name": shown(order, "name"),
        "talentCategory": shown(order, "talentCategory"),
        "cardNo": shown(order, "cardNo"),
        "status": shown(order, "status"),
    })
}

async fn order(desk: &Desk<'_>, id: u64) -> Found {
    Ok(order_row(&desk.live_order(id).await?))
}

async fn place(desk: &Desk<'_>, sent: Sent) -> Result<(Key, Value), Failure> {
    let card = sent.card.clone().unwrap_or_else(|| NO_CARD.to_owned());
    let order = desk.book(TALENT, sent.text("name"), card, sent.kept.clone()).await?;
    Ok((Key::Number(order.id.0), order_row(&order)))
}

async fn change(desk: &Desk<'_>, id: &str, sent: Sent) -> Found {
    Ok(order_row(&desk.cancel_if_changed(id, sent).await?))
}

async fn payment(desk: &Desk<'_>, id: u64) -> Found {
    card_payment(desk, id, PAID, PAID_BACK).await
}

/// The reference system leaves the category empty, here and in cancellations.
async fn confirmation(desk: &Desk<'_>, id: u64) -> Found {
    let made = desk.engine().confirmation(desk.market, ConfirmationId(id)).await?;
    let status = match made.state.ok_or(Failure::Nothing)? {
        "confirmed" => "Confirmation Complete",
        "rejected" => "Confirmation Canceled",
        _ => "Confirmation Waiting",
    };
    Ok(json!({ "orderId": made.order.0, "talentCategory": null, "status": status }))
}

async fn cancellation(desk: &Desk<'_>, id: u64) -> Found {
    let order = desk.engine().cancellation(desk.market, id).await?;
    let status = "Confirmation Canceled";
    Ok(json!({ "orderId": order.id.0, "talentCategory": null, "status": status }))
}

/// The customer's own page, which puts an order, its confirmation and its cancellation together.
async fn mypage(desk: &Desk<'_>, id: u64) -> Found {
    let order = desk.order(id).await?;
    let cancellation = desk.cancellation_of(&order).await?;
    let confirmation = confirmed(&order);
    let status = match (cancellation, confirmation) {
        (Some(_), _) => json!("Confirmation Canceled"),
        (None, _) if order.reason.is_some() => shown(&order, "status"),
        (None, Some(_)) => json!("Confirmation Complete"),
        (None, None) => json!("Order Submitted"),
    };
    Ok(json!({
        "orderId": id,
        "talentCategory": shown(&order, "talentCategory"),
        "confirmationId": confirmation,
        "cancellationId": cancellation,
        "name": shown(&order, "name"),
        "status": status,
    }))
}

/// The events of the reference system. Their status is that of the row they tell of.
fn tells(tale: &Tale<'_>) -> Vec<Told> {
    let Tale::Order(turn, order, around) = tale else { return Vec::new() };
    let id = order.id.0;
    let ordered = |kept: &Attributes| {
        json!({
            "id": id,
            "name": kept_in(kept, "name"),
            "talentCategory": kept_in(kept, "talentCategory"),
            "cardNo": kept_in(kept, "cardNo"),
            "status": kept_in(kept, "status"),
        })
    };
    let spoken = |number: Option<u64>, status| json!({ "id": number, "orderId": id, "talentCategory": null, "status": status });
    match turn {
        Turn::Booked => vec![
            told("Ordered", ordered(order.placed())),
            told("PaymentApproved", card_payment_told(order, PAID)),
        ],
        Turn::Confirmed => {
            let made = order.confirmation.as_ref().map(|made| made.id.0);
            vec![told("ConfirmAccepted", spoken(made, "Confirmation Complete"))]
        }
        Turn::Undone(_) => vec![told("OrderCanceled", ordered(&order.attributes))],
        Turn::Refunded(_) => vec![told("PaymentCanceled", card_payment_told(order, PAID_BACK))],
        Turn::Released => {
            vec![told("ConfirmCanceled", spoken(around.cancellation, "Confirmation Canceled"))]
        }
        Turn::Awaited | Turn::Fulfilled => Vec::new(),
    }
}

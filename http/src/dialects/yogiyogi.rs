//! yogiyogi: a customer books lodging and pays with the order; the hotel's operator confirms or
//! cancels.
//!
//! Orders are written by customers, confirmations by the operator; every other collection is a view
//! of what the engine did. A reservation is the engine's confirmation once it is in the operator's
//! queue; the operator's own row, with the same number, is there once the operator spoke. Any
//! effective update of an order cancels it, as in the reference system.

use serde_json::{Value, json};
use surehold::domain::attributes::{Attribute, Attributes};
use surehold::domain::id::{ConfirmationId, OfferingId};
use surehold::domain::saga::{EventKind, Phase, Reason, Turn};
use surehold::view::{Collection as Rows, OrderCommand, OrderView};

use super::kit::{
    Collection, Desk, Dialect, Failure, Find, Finder, Found, Gives, Ids, Key, Listed, Sent, Source,
    Tale, Told, card, card_payment, card_payment_told, confirmed, kept_in, shown, text, told,
    value, whole,
};

/// What the reference system's orders book.
const STAY: OfferingId = OfferingId(1);
/// What stands in for a card when the client sent none: the reference system charges anyway.
const NO_CARD: &str = "none";
/// What an operator says to cancel; anything else confirms.
const CANCEL: &str = "Confirmation Cancel";
/// What an operator usually says to confirm.
const CONFIRMED: &str = "Confirmed";
/// The attribute with whatever else the operator said.
const WORDS: &str = "_operator";

/// The status of a payment while the money is here.
const PAID: &str = "Reservation Good";
/// The status of a payment whose money went back.
const PAID_BACK: &str = "Payment Canceled";

/// The dialect.
pub static DIALECT: Dialect = Dialect {
    name: "yogiyogi",
    collections: &COLLECTIONS,
    actions: &[],
    tells_offerings: false,
    tells,
};

static COLLECTIONS: [Collection; 7] = [
    Collection {
        name: "orders",
        one: "order",
        fields: &[text("name"), card("cardNo"), text("status")],
        rows: Source::Numbered(Ids::Rows(Rows::Orders), |desk, id| Box::pin(order(desk, id))),
        gaps: true,
        post: Some(|desk, sent| Box::pin(place(desk, sent))),
        update: Some(|desk, id, sent| Box::pin(change(desk, id, sent))),
        delete: Some(|desk, id| Box::pin(desk.delete(id))),
        ..Collection::VIEW
    },
    Collection {
        name: "paymentHistories",
        one: "paymentHistory",
        fields: &[whole("orderId"), whole("cardNo"), text("status")],
        rows: Source::Numbered(Ids::Rows(Rows::Payments), |desk, id| Box::pin(payment(desk, id))),
        ..Collection::VIEW
    },
    Collection {
        name: "reservations",
        one: "reservation",
        fields: &[whole("orderId"), text("status")],
        rows: Source::Numbered(Ids::Rows(Rows::Confirmations), |desk, id| {
            Box::pin(reservation(desk, id))
        }),
        ..Collection::VIEW
    },
    Collection {
        name: "cancellations",
        one: "cancellation",
        fields: &[whole("orderId"), text("status")],
        rows: Source::Numbered(Ids::Places(Rows::Cancellations), |desk, id| {
            Box::pin(cancellation(desk, id))
        }),
        ..Collection::VIEW
    },
    Collection {
        name: "confirmations",
        one: "confirmation",
        fields: &[whole("orderid"), text("status")],
        rows: Source::Numbered(Ids::Rows(Rows::Confirmations), |desk, id| {
            Box::pin(confirmation(desk, id))
        }),
        gaps: true,
        post: Some(|desk, sent| Box::pin(speak(desk, sent))),
        ..Collection::VIEW
    },
    Collection {
        name: "mypages",
        one: "mypage",
        listed: Listed::Whole,
        fields: &[
            whole("orderId"),
            whole("reservationId"),
            whole("cancellationId"),
            text("name"),
            text("status"),
        ],
        // A page has the number of its order, here and in the hotel's view.
        rows: Source::Numbered(Ids::Rows(Rows::Orders), |desk, id| {
            Box::pin(page(desk, id, "orderId"))
        }),
        finders: &[Finder {
            name: "findByOrderId",
            by: "orderId",
            gives: Gives::List,
            find: Find::Key,
        }],
        ..Collection::VIEW
    },
    Collection {
        name: "hotelViews",
        one: "hotelView",
        listed: Listed::Whole,
        fields: &[
            whole("orderid"),
            whole("reservationId"),
            whole("cancellationId"),
            text("name"),
            text("status"),
        ],
        rows: Source::Numbered(Ids::Rows(Rows::Orders), |desk, id| {
            Box::pin(page(desk, id, "orderid"))
        }),
        finders: &[Finder {
            name: "findByOrderid",
            by: "orderid",
            gives: Gives::List,
            find: Find::Key,
        }],
        ..Collection::VIEW
    },
];

fn order_row(order: &OrderView) -> Value {
    json!({
        "name": shown(order, "name"),
        "cardNo": shown(order, "cardNo"),
        "status": shown(order, "status"),
    })
}

async fn order(desk: &Desk<'_>, id: u64) -> Found {
    Ok(order_row(&desk.live_order(id).await?))
}

async fn place(desk: &Desk<'_>, sent: Sent) -> Result<(Key, Value), Failure> {
    let card = sent.card.clone().unwrap_or_else(|| NO_CARD.to_owned());
    let order = desk.book(STAY, sent.text("name"), card, sent.kept.clone()).await?;
    Ok((Key::Number(order.id.0), order_row(&order)))
}

async fn change(desk: &Desk<'_>, id: &str, sent: Sent) -> Found {
    Ok(order_row(&desk.cancel_if_changed(id, sent).await?))
}

async fn payment(desk: &Desk<'_>, id: u64) -> Found {
    card_payment(desk, id, PAID, PAID_BACK).await
}

/// The order of the confirmation with this number.
async fn order_of(desk: &Desk<'_>, id: u64) -> Result<OrderView, Failure> {
    let made = desk.engine().confirmation(desk.market, ConfirmationId(id)).await?;
    desk.order(made.order.0).await
}

async fn reservation(desk: &Desk<'_>, id: u64) -> Found {
    let order = order_of(desk, id).await?;
    reserved(desk, &order).await?.ok_or(Failure::Nothing)?;
    Ok(json!({ "orderId": order.id.0, "status": "Reservation Complete" }))
}

/// The number of an order's reservation: it has one if it ever was in the operator's queue.
async fn reserved(desk: &Desk<'_>, order: &OrderView) -> Result<Option<u64>, Failure> {
    let Some(made) = &order.confirmation else { return Ok(None) };
    let was = match made.state {
        None => false,
        Some("rejected") if !rejected(order) => {
            let history = desk.engine().history(desk.market, order.id).await?;
            history.steps.iter().any(|step| step.event == EventKind::ConfirmationAwaited)
        }
        Some(_) => true,
    };
    Ok(was.then_some(made.id.0))
}

/// Whether it was the operator who cancelled.
fn rejected(order: &OrderView) -> bool {
    matches!(order.reason, Some(Reason::Rejected(_)))
}

/// What is said of an order that was cancelled.
fn cancelled(order: &OrderView) -> &'static str {
    if rejected(order) { "Confirmation Canceled" } else { "Reservation Canceled" }
}

async fn cancellation(desk: &Desk<'_>, id: u64) -> Found {
    let order = desk.engine().cancellation(desk.market, id).await?;
    Ok(json!({ "orderId": order.id.0, "status": cancelled(&order) }))
}

/// What the operator said to a promise that was made.
fn words(order: &OrderView) -> Value {
    match order.attributes.get(WORDS) {
        None | Some(Attribute::Null) => json!(CONFIRMED),
        Some(words) => value(words),
    }
}

fn confirmation_row(order: u64, status: &Value) -> Value {
    json!({ "orderid": order, "status": status })
}

async fn confirmation(desk: &Desk<'_>, id: u64) -> Found {
    let order = order_of(desk, id).await?;
    let said = match (confirmed(&order), rejected(&order)) {
        (Some(_), _) => words(&order),
        (None, true) => json!(CANCEL),
        (None, false) => return Err(Failure::Nothing),
    };
    Ok(confirmation_row(order.id.0, &said))
}

/// The operator's word. It is heard once.
async fn speak(desk: &Desk<'_>, sent: Sent) -> Result<(Key, Value), Failure> {
    let status = sent.text("status").ok_or_else(|| {
        Failure::Bad(format!("status: is missing; send \"{CONFIRMED}\" or \"{CANCEL}\""))
    })?;
    let id = sent.id("orderid").ok_or_else(|| {
        Failure::Bad("orderid: is missing; send the number of an order".to_owned())
    })?;
    let order = desk.order(id).await?;
    let (Phase::Paid, Some(made)) = (order.phase, &order.confirmation) else {
        return Err(too_late(&order));
    };
    let (command, cancels) = if status == CANCEL {
        (OrderCommand::Reject { note: None }, true)
    } else {
        keep_words(desk, &order, status).await?;
        (OrderCommand::Confirm, false)
    };
    let after = desk.engine().command(desk.market, order.id, command).await?;
    let heard = if cancels { rejected(&after) } else { confirmed(&after).is_some() };
    if after.reason.is_some() && !heard {
        // The customer was first, by a moment.
        return Err(too_late(&after));
    }
    Ok((Key::Number(made.id.0), confirmation_row(id, &json!(status))))
}

fn too_late(order: &OrderView) -> Failure {
    let (id, phase) = (order.id, order.phase);
    Failure::Conflict(format!(
        "order {id} is {phase} and no longer waits for the operator; nothing was changed"
    ))
}

/// Keeps what the operator says, before it counts.
async fn keep_words(desk: &Desk<'_>, order: &OrderView, status: &str) -> Result<(), Failure> {
    if words(order) != json!(status) {
        let usual = status == CONFIRMED;
        let kept = if usual { Attribute::Null } else { Attribute::Text(status.to_owned()) };
        desk.annotate(order, Attributes::from([(WORDS.to_owned(), kept)])).await?;
    }
    Ok(())
}

/// A page for the customer or the hotel, who call the order's number by another name.
async fn page(desk: &Desk<'_>, id: u64, named: &str) -> Found {
    let order = desk.order(id).await?;
    let cancellation = desk.cancellation_of(&order).await?;
    let reservation = reserved(desk, &order).await?;
    let status = match (order.reason.is_some(), confirmed(&order), reservation) {
        (true, _, _) => json!(cancelled(&order)),
        (false, Some(_), _) => words(&order),
        (false, None, Some(_)) => json!("Reservation Complete"),
        (false, None, None) => json!("Reservation Good"),
    };
    Ok(json!({
        named: id,
        "reservationId": reservation,
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
            "cardNo": kept_in(kept, "cardNo"),
            "status": kept_in(kept, "status"),
        })
    };
    let made = order.confirmation.as_ref().map(|made| made.id.0);
    match turn {
        Turn::Booked => vec![
            told("Ordered", ordered(order.placed())),
            told("PaymentApproved", card_payment_told(order, PAID)),
        ],
        Turn::Awaited => {
            let fields = json!({ "id": made, "orderId": id, "status": "Reservation Complete" });
            vec![told("ReserveAccepted", fields)]
        }
        Turn::Confirmed => {
            vec![told("Confirmed", json!({ "id": made, "orderid": id, "status": words(order) }))]
        }
        Turn::Undone(undo) if matches!(undo.reason, Reason::Rejected(_)) => {
            vec![told("ConfirmCanceled", json!({ "id": made, "orderid": id, "status": CANCEL }))]
        }
        Turn::Undone(_) => vec![told("OrderCanceled", ordered(&order.attributes))],
        Turn::Refunded(_) => vec![told("PaymentCanceled", card_payment_told(order, PAID_BACK))],
        Turn::Released => {
            let status = cancelled(order);
            let fields = json!({ "id": around.cancellation, "orderId": id, "status": status });
            vec![told("ReserveCanceled", fields)]
        }
        Turn::Fulfilled => Vec::new(),
    }
}

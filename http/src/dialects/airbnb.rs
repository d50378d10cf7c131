//! airbnb: guests reserve rooms, pay and earn a point; hosts keep rooms; guests write reviews.
//!
//! A room is an offering with one place, a reservation an order for it. A room that its host takes
//! off the market for a while (status "reserved" without a guest) has no place.

mod events;
mod rooms;

use serde_json::{Value, json};
use surehold::Refusal;
use surehold::domain::attributes::{Attribute, Attributes};
use surehold::domain::id::{MessageId, OrderId, PaymentId};
use surehold::domain::saga::Phase;
use surehold::view::{Collection as Rows, MileageEntry, OrderView, Rows as Numbers};

use super::kit::{
    Action, Collection, Desk, Dialect, Failure, Find, Finder, Found, Gives, Ids, Key, Listed,
    Making, Sent, Source, confirmed, kept_in, number, paid_or, shown, text, whole,
};

/// What pays: the reference system asks for no card.
const ON_ACCOUNT: &str = "none";
/// The status with which a guest cancels.
const CANCEL: &str = "reqCancel";
/// The dialect.
pub static DIALECT: Dialect = Dialect {
    name: "airbnb",
    collections: &COLLECTIONS,
    actions: &[Action {
        method: "GET",
        path: &["check", "chkAndReqReserve"],
        run: |desk| Box::pin(rooms::check(desk)),
    }],
    tells_offerings: true,
    tells: events::tells,
};

static COLLECTIONS: [Collection; 7] = [
    Collection {
        name: "rooms",
        one: "room",
        key: "roomId",
        fields: &[text("desc"), text("status"), whole("reviewCnt"), text("lastAction")],
        rows: Source::Numbered(Ids::Offerings, |desk, id| Box::pin(rooms::row_of(desk, id))),
        post: Some(|desk, sent| Box::pin(rooms::register(desk, sent))),
        update: Some(|desk, id, sent| Box::pin(rooms::modify(desk, id, sent))),
        delete: Some(|desk, id| Box::pin(rooms::remove(desk, id))),
        ..Collection::VIEW
    },
    Collection {
        name: "reviews",
        one: "review",
        key: "reviewId",
        fields: &[whole("roomId"), text("content")],
        rows: Source::Numbered(Ids::Own(rooms::reviews), |desk, id| {
            Box::pin(rooms::review(desk, id))
        }),
        post: Some(|desk, sent| Box::pin(rooms::write(desk, sent))),
        update: Some(|desk, id, sent| Box::pin(rooms::rewrite(desk, id, sent))),
        delete: Some(|desk, id| Box::pin(rooms::erase(desk, id))),
        ..Collection::VIEW
    },
    Collection {
        name: "reservations",
        one: "reservation",
        key: "rsvId",
        fields: &[whole("roomId"), text("status"), whole("payId")],
        rows: Source::Numbered(Ids::Rows(Rows::Orders), |desk, id| Box::pin(reservation(desk, id))),
        gaps: true,
        post: Some(|desk, sent| Box::pin(reserve(desk, sent))),
        update: Some(|desk, id, sent| Box::pin(change(desk, id, sent))),
        delete: Some(|desk, id| Box::pin(desk.delete(id))),
        ..Collection::VIEW
    },
    Collection {
        name: "payments",
        one: "payment",
        key: "payId",
        fields: &[whole("rsvId"), whole("roomId"), whole("mileageId"), text("status")],
        rows: Source::Numbered(Ids::Rows(Rows::Payments), |desk, id| Box::pin(payment(desk, id))),
        ..Collection::VIEW
    },
    Collection {
        name: "messages",
        one: "message",
        key: "msgId",
        fields: &[whole("roomId"), text("content")],
        rows: Source::Numbered(Ids::Own(messages), |desk, id| Box::pin(message(desk, id))),
        ..Collection::VIEW
    },
    Collection {
        name: "mileages",
        one: "mileage",
        key: "mileageId",
        fields: &[whole("roomId"), whole("payId"), whole("mileagePoint"), text("status")],
        rows: Source::Numbered(Ids::Rows(Rows::Mileages), |desk, id| Box::pin(mileage(desk, id))),
        gaps: true,
        ..Collection::VIEW
    },
    Collection {
        name: "roomviews",
        one: "roomview",
        key: "roomId",
        listed: Listed::Whole,
        fields: &[
            text("desc"),
            whole("reviewCnt"),
            text("roomStatus"),
            whole("rsvId"),
            text("rsvStatus"),
            whole("payId"),
            text("payStatus"),
            whole("mileageId"),
            whole("mileagePoint"),
            text("mileageStatus"),
        ],
        rows: Source::Numbered(Ids::Offerings, |desk, id| Box::pin(roomview(desk, id))),
        finders: &[
            Finder {
                name: "findByRsvId",
                by: "rsvId",
                gives: Gives::List,
                find: Find::Number(|desk, id| Box::pin(view_of_reservation(desk, id))),
            },
            Finder {
                name: "findByPayId",
                by: "payId",
                gives: Gives::List,
                find: Find::Number(|desk, id| Box::pin(view_of_payment(desk, id))),
            },
        ],
        ..Collection::VIEW
    },
];

async fn reserve(desk: &Desk<'_>, sent: Sent) -> Result<(Key, Value), Failure> {
    let room = rooms::room_of(&sent)?;
    let status = sent.kept.get("status").cloned().unwrap_or(Attribute::Null);
    let kept = Attributes::from([("status".to_owned(), status)]);
    let booked = desk.book(room, None, ON_ACCOUNT.to_owned(), kept).await;
    let gone = |found| matches!(found, Err(Refusal::NotFound { .. }));
    let order = match booked {
        Err(Failure::Bad(_)) if gone(desk.engine().offering(desk.market, room).await) => {
            return Err(rooms::no_room(room));
        }
        booked => booked?,
    };
    // As it came into being: who looks again sees what came of it.
    let row = json!({ "roomId": room.0, "status": shown(&order, "status"), "payId": null });
    Ok((Key::Number(order.id.0), row))
}

fn reservation_row(order: &OrderView) -> Value {
    let status = match order.phase {
        Phase::Cancelled => json!("cancelled"),
        Phase::Refunding | Phase::Releasing | Phase::Stuck => json!(CANCEL),
        Phase::Confirmed | Phase::Fulfilled => json!("reserved"),
        Phase::Holding | Phase::Paying | Phase::Unpaid | Phase::Paid | Phase::Refused => {
            shown(order, "status")
        }
    };
    json!({ "roomId": order.offering.0, "status": status, "payId": pay_id(order) })
}

fn pay_id(order: &OrderView) -> Option<u64> {
    order.payment.as_ref().map(|payment| payment.id.0)
}

async fn reservation(desk: &Desk<'_>, id: u64) -> Found {
    Ok(reservation_row(&desk.live_order(id).await?))
}

/// Only one exact word cancels; other words are kept.
async fn change(desk: &Desk<'_>, id: &str, sent: Sent) -> Found {
    let order = desk.live_order(number(id)?).await?;
    let mut kept = sent.changes(&order.attributes);
    kept.retain(|name, _| name == "status");
    let order = if sent.text("status") == Some(CANCEL) {
        desk.cancel(&order, kept).await?
    } else if kept.is_empty() {
        order
    } else {
        desk.annotate(&order, kept).await?
    };
    Ok(reservation_row(&order))
}

async fn payment(desk: &Desk<'_>, id: u64) -> Found {
    let payment = desk.engine().payment(desk.market, PaymentId(id)).await?;
    let status = paid_or(&payment, "paid", "cancelled")?;
    let order = desk.order(payment.order.0).await?;
    Ok(json!({
        "rsvId": order.id.0,
        "roomId": order.offering.0,
        "mileageId": points_of(desk, order.id).await?.map(|entry| entry.order.0),
        "status": status,
    }))
}

fn messages<'d>(desk: &'d Desk<'d>, offset: u64, limit: usize) -> Making<'d, Numbers> {
    Box::pin(async move {
        let (page, total) = desk.engine().messages(desk.market, offset, limit).await?;
        Ok(Numbers { ids: page.iter().map(|message| message.id.0).collect(), total })
    })
}

async fn message(desk: &Desk<'_>, id: u64) -> Found {
    let message = desk.engine().message(desk.market, MessageId(id)).await?;
    Ok(json!({ "roomId": message.offering.0, "content": message.text }))
}

async fn points_of(desk: &Desk<'_>, order: OrderId) -> Result<Option<MileageEntry>, Failure> {
    match desk.engine().mileage(desk.market, order).await {
        Ok(entry) => Ok(Some(entry)),
        Err(Refusal::NotFound { .. }) => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

/// The reference system misspells the credit.
fn mileage_status(entry: &MileageEntry) -> &'static str {
    if entry.points < entry.credited { "Mileage Canceled" } else { "Mileage Incresed" }
}

fn mileage_row(entry: &MileageEntry) -> Value {
    json!({
        "roomId": entry.offering.0,
        "payId": entry.payment.map(|payment| payment.0),
        "mileagePoint": entry.points,
        "status": mileage_status(entry),
    })
}

/// Points have the number of their reservation; those of one that never was are nobody's.
async fn mileage(desk: &Desk<'_>, id: u64) -> Found {
    desk.order(id).await?;
    Ok(mileage_row(&desk.engine().mileage(desk.market, OrderId(id)).await?))
}

/// A room with its last reservation, as far as that got.
async fn roomview(desk: &Desk<'_>, id: u64) -> Found {
    let (room, figures) = rooms::look(desk, id).await?;
    let order = match figures.last_order {
        Some(order) => Some(desk.order(order.0).await?),
        None => None,
    };
    let points = match &order {
        Some(order) => points_of(desk, order.id).await?,
        None => None,
    };
    let reserved = order.as_ref().filter(|order| confirmed(order).is_some());
    let over = |order: &OrderView| order.phase == Phase::Cancelled;
    Ok(json!({
        "desc": kept_in(&room.attributes, "desc"),
        "reviewCnt": figures.reviews,
        "roomStatus": rooms::status(&room),
        "rsvId": reserved.map(|order| order.id.0),
        "rsvStatus": reserved.map(|order| if over(order) { "cancelled" } else { "reserved" }),
        "payId": order.as_ref().and_then(pay_id),
        "payStatus": order.as_ref().map(|order| if over(order) { "cancelled" } else { "paid" }),
        "mileageId": points.as_ref().map(|entry| entry.order.0),
        "mileagePoint": points.as_ref().map(|entry| entry.points),
        "mileageStatus": points.as_ref().map(mileage_status),
    }))
}

/// The room whose view shows this value in this field.
async fn view_with(
    desk: &Desk<'_>,
    order: u64,
    field: &str,
    wanted: u64,
) -> Result<Vec<Key>, Failure> {
    let room = desk.order(order).await?.offering.0;
    let shows = roomview(desk, room).await?[field] == json!(wanted);
    Ok(shows.then_some(Key::Number(room)).into_iter().collect())
}

async fn view_of_reservation(desk: &Desk<'_>, id: u64) -> Result<Vec<Key>, Failure> {
    view_with(desk, id, "rsvId", id).await
}

async fn view_of_payment(desk: &Desk<'_>, id: u64) -> Result<Vec<Key>, Failure> {
    let payment = desk.engine().payment(desk.market, PaymentId(id)).await?;
    view_with(desk, payment.order.0, "payId", id).await
}

//! The events of the reference system. All of them carry `"me": true`, as there.

use serde_json::{Value, json};
use surehold::domain::inventory::Event as RoomEvent;
use surehold::domain::mileage::Event as PointsEvent;
use surehold::domain::review::Event as ReviewEvent;
use surehold::domain::saga::Turn;
use surehold::view::OrderView;

use super::{CANCEL, mileage_row, pay_id, rooms};
use crate::dialects::kit::{Around, Tale, Told, kept_in, told};

/// An event with the mark that all of them carry.
fn mine(name: &'static str, mut fields: Value) -> Told {
    fields["me"] = json!(true);
    told(name, fields)
}

/// A room's event; nothing if the room cannot be told.
fn of_room(name: &'static str, around: &Around, action: Option<&str>) -> Option<Told> {
    let room = around.sold.as_ref()?;
    let mut fields = rooms::row(room, &around.figures);
    fields["roomId"] = json!(room.id.0);
    if let Some(action) = action {
        fields["lastAction"] = json!(action);
    }
    Some(mine(name, fields))
}

fn of_reservation(name: &'static str, order: &OrderView, pay: bool, status: Value) -> Told {
    let fields = json!({
        "rsvId": order.id.0,
        "roomId": order.offering.0,
        "status": status,
        "payId": pay.then(|| pay_id(order)).flatten(),
    });
    mine(name, fields)
}

fn of_payment(name: &'static str, order: &OrderView, around: &Around, status: &str) -> Told {
    let mut fields = json!({
        "payId": pay_id(order),
        "rsvId": order.id.0,
        "roomId": order.offering.0,
        "status": status,
    });
    if status == "cancelled" {
        fields["mileageId"] = json!(around.points.as_ref().map(|entry| entry.order.0));
    }
    mine(name, fields)
}

fn of_points(name: &'static str, around: &Around, back: bool) -> Option<Told> {
    let entry = around.points.as_ref()?;
    let points = if back { 0 } else { entry.credited };
    let mut fields = mileage_row(entry);
    fields["mileageId"] = json!(entry.order.0);
    fields["mileagePoint"] = json!(points);
    fields["status"] = json!(if back { "Mileage Canceled" } else { "Mileage Incresed" });
    Some(mine(name, fields))
}

pub(super) fn tells(tale: &Tale<'_>) -> Vec<Told> {
    match tale {
        Tale::Order(turn, order, around) => of_order(*turn, order, around),
        Tale::Offering(_, event, around) => of_change(event, around).into_iter().collect(),
        // The credit is told with the reservation that it belongs to.
        Tale::Points(PointsEvent::Credited { .. }, _) => Vec::new(),
        Tale::Points(PointsEvent::TakenBack, around) => {
            of_points("MileageDecreased", around, true).into_iter().collect()
        }
        Tale::Review(review, event, around) => {
            let fields = json!({
                "reviewId": review.id.0,
                "roomId": review.offering.0,
                "content": review.opinion.text,
            });
            let (name, counts) = match event {
                ReviewEvent::Written { .. } => ("ReviewCreated", true),
                ReviewEvent::Changed(_) => ("ReviewModified", false),
                ReviewEvent::Removed => ("ReviewDeleted", true),
            };
            let room = if counts { of_room("RoomModified", around, Some("review")) } else { None };
            std::iter::once(mine(name, fields)).chain(room).collect()
        }
    }
}

fn of_order(turn: Turn<'_>, order: &OrderView, around: &Around) -> Vec<Told> {
    match turn {
        Turn::Booked => {
            let status = kept_in(order.placed(), "status");
            let made = of_reservation("ReservationCreated", order, false, status);
            let paid = of_payment("PaymentApproved", order, around, "paid");
            let points = of_points("MileageIncreased", around, false);
            [made, paid].into_iter().chain(points).collect()
        }
        Turn::Confirmed => {
            let reserved = of_reservation("ReservationConfirmed", order, true, json!("reserved"));
            let room = of_room("RoomReserved", around, Some("reserved"));
            std::iter::once(reserved).chain(room).collect()
        }
        Turn::Undone(_) => {
            vec![of_reservation("ReservationCancelRequested", order, true, json!(CANCEL))]
        }
        Turn::Refunded(_) => vec![of_payment("PaymentCancelled", order, around, "cancelled")],
        Turn::Released => {
            let over = of_reservation("ReservationCancelled", order, true, json!("cancelled"));
            let room = of_room("RoomCancelled", around, Some("cancelled"));
            std::iter::once(over).chain(room).collect()
        }
        Turn::Awaited | Turn::Fulfilled => Vec::new(),
    }
}

/// A change is told by what the host called it; one that was called nothing is told to nobody, as in
/// the reference system.
fn of_change(event: &RoomEvent, around: &Around) -> Option<Told> {
    match event {
        RoomEvent::Opened(_) => of_room("RoomRegistered", around, Some("register")),
        RoomEvent::Changed(offering) => {
            let action = offering.attributes.get("lastAction").and_then(|action| action.text())?;
            let name = match action {
                "modify" | "review" => "RoomModified",
                "reserved" => "RoomReserved",
                "cancelled" => "RoomCancelled",
                _ => return None,
            };
            of_room(name, around, Some(action))
        }
        RoomEvent::Closed => of_room("RoomDeleted", around, None),
        RoomEvent::Held { .. }
        | RoomEvent::Released { .. }
        | RoomEvent::Received { .. }
        | RoomEvent::Adjusted { .. } => None,
    }
}

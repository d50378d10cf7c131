//! The events of the reference system. All of them carry `"me": true`, as there.

use serde_json::{Value, json};
use surehold::domain::inventory::{Event as RoomEvent, Offering};
use surehold::domain::mileage::Event as PointsEvent;
use surehold::domain::quantity::Quantity;
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

/// A room's event, with these fields as they were then; nothing if the room cannot be told. What is
/// not among them is told as it is today.
fn of_room(name: &'static str, around: &Around, then: &[(&str, &str)]) -> Option<Told> {
    let room = around.sold.as_ref()?;
    let mut fields = rooms::row(room, &around.figures);
    fields["roomId"] = json!(room.id.0);
    for (field, value) in then {
        fields[*field] = json!(value);
    }
    Some(mine(name, fields))
}

/// A room's event about what its host said of it.
fn of_host(
    name: &'static str,
    around: &Around,
    said: &Offering,
    then: &[(&str, &str)],
) -> Option<Told> {
    let mut told = of_room(name, around, then)?;
    told.fields["desc"] = kept_in(&said.attributes, "desc");
    if said.model.capacity().is_some_and(Quantity::is_none) {
        told.fields["status"] = json!(rooms::word(&said.attributes));
    }
    Some(told)
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
            let (name, said, counts) = match event {
                ReviewEvent::Written { opinion, .. } => ("ReviewCreated", opinion, true),
                ReviewEvent::Changed(opinion) => ("ReviewModified", opinion, false),
                ReviewEvent::Removed => ("ReviewDeleted", &review.opinion, true),
            };
            let mut fields = rooms::review_row(review.offering, &said.text);
            fields["reviewId"] = json!(review.id.0);
            let room = || of_room("RoomModified", around, &[("lastAction", "review")]);
            let room = counts.then(room).flatten();
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
            let then = [("status", "reserved"), ("lastAction", "reserved")];
            let room = of_room("RoomReserved", around, &then);
            std::iter::once(reserved).chain(room).collect()
        }
        Turn::Undone(_) => {
            vec![of_reservation("ReservationCancelRequested", order, true, json!(CANCEL))]
        }
        Turn::Refunded(_) => vec![of_payment("PaymentCancelled", order, around, "cancelled")],
        Turn::Released => {
            let over = of_reservation("ReservationCancelled", order, true, json!("cancelled"));
            let then = [("status", "available"), ("lastAction", "cancelled")];
            let room = of_room("RoomCancelled", around, &then);
            std::iter::once(over).chain(room).collect()
        }
        Turn::Awaited | Turn::Fulfilled => Vec::new(),
    }
}

/// A change is told by what the host called it; one that was called nothing is told to nobody, as in
/// the reference system.
fn of_change(event: &RoomEvent, around: &Around) -> Option<Told> {
    match event {
        RoomEvent::Opened(said) => {
            let then = [("status", "available"), ("lastAction", "register")];
            let mut told = of_host("RoomRegistered", around, said, &then)?;
            told.fields["reviewCnt"] = json!(0);
            Some(told)
        }
        RoomEvent::Changed(said) => {
            let action = said.attributes.get("lastAction").and_then(|action| action.text())?;
            let action = ("lastAction", action);
            match action.1 {
                "modify" | "review" => of_host("RoomModified", around, said, &[action]),
                "reserved" => {
                    of_host("RoomReserved", around, said, &[("status", "reserved"), action])
                }
                "cancelled" => {
                    of_host("RoomCancelled", around, said, &[("status", "available"), action])
                }
                _ => None,
            }
        }
        RoomEvent::Closed => of_room("RoomDeleted", around, &[]),
        RoomEvent::Held { .. }
        | RoomEvent::Released { .. }
        | RoomEvent::Received { .. }
        | RoomEvent::Adjusted { .. } => None,
    }
}

//! What hosts do with rooms, and guests with reviews.

use serde_json::{Value, json};
use surehold::Refusal;
use surehold::domain::attributes::{Attribute, Attributes};
use surehold::domain::id::{OfferingId, ReviewId};
use surehold::domain::inventory::Model;
use surehold::domain::plan::check_name;
use surehold::domain::quantity::Quantity;
use surehold::domain::review::Opinion;
use surehold::view::{
    NewOffering, OfferingChange, OfferingFigures, OfferingTurn, OfferingView, Rows as Numbers,
};

use crate::answer::Response;
use crate::dialects::kit::{Desk, Failure, Found, Key, Making, Sent, kept_in, number, value};

/// The attribute that counts a host's changes, so that saying the same again is a change, too.
const EDITS: &str = "_edits";

/// Whether it can be had; else what its host calls that, or "reserved".
pub(super) fn status(room: &OfferingView) -> &str {
    match room.free {
        Some(free) if free.is_none() && room.held.is_none() => word(&room.attributes),
        Some(free) if free.is_none() => "reserved",
        Some(_) | None => "available",
    }
}

/// What a host calls a room that is off the market.
pub(super) fn word(kept: &Attributes) -> &str {
    kept.get("status").and_then(Attribute::text).unwrap_or("reserved")
}

fn last_action(room: &OfferingView, figures: &OfferingFigures) -> Value {
    match figures.last_turn {
        None => json!("register"),
        Some(OfferingTurn::Reserved) => json!("reserved"),
        Some(OfferingTurn::Cancelled) => json!("cancelled"),
        Some(OfferingTurn::Reviewed) => json!("review"),
        Some(OfferingTurn::Changed) => {
            room.attributes.get("lastAction").map_or_else(|| json!("modify"), value)
        }
    }
}

pub(super) fn row(room: &OfferingView, figures: &OfferingFigures) -> Value {
    json!({
        "desc": kept_in(&room.attributes, "desc"),
        "status": status(room),
        "reviewCnt": figures.reviews,
        "lastAction": last_action(room, figures),
    })
}

pub(super) async fn look(
    desk: &Desk<'_>,
    id: u64,
) -> Result<(OfferingView, OfferingFigures), Failure> {
    let room = desk.engine().offering(desk.market, OfferingId(id)).await?;
    let figures = desk.engine().offering_figures(desk.market, OfferingId(id)).await?;
    Ok((room, figures))
}

pub(super) async fn row_of(desk: &Desk<'_>, id: u64) -> Found {
    let (room, figures) = look(desk, id).await?;
    Ok(row(&room, &figures))
}

/// Whatever a host sends of a room's state, a new room is available.
pub(super) async fn register(desk: &Desk<'_>, sent: Sent) -> Result<(Key, Value), Failure> {
    let desc = sent.kept.get("desc").cloned().unwrap_or(Attribute::Null);
    let name = desc.text().filter(|text| check_name(text).is_ok()).unwrap_or("Room").to_owned();
    let attributes = Attributes::from([("desc".to_owned(), desc)]);
    let model = Model::Seats { capacity: Quantity::ONE };
    let (id, price, overbook) = (None, None, Some(Quantity::NONE));
    let new = NewOffering { id, name, price, model, overbook, attributes };
    let room = desk.engine().add_offering(desk.market, new).await?;
    Ok((Key::Number(room.id.0), row(&room, &OfferingFigures::default())))
}

pub(super) async fn modify(desk: &Desk<'_>, id: &str, sent: Sent) -> Found {
    let id = number(id)?;
    let (before, figures) = look(desk, id).await?;
    let shown = row(&before, &figures);
    let changes =
        |name: &&str| sent.kept.get(*name).is_some_and(|kept| shown[*name] != value(kept));
    if !["desc", "status", "lastAction"].iter().any(changes) {
        return Ok(shown);
    }
    let mut attributes = before.attributes.clone();
    // What is not sent stays as it is shown; the last action was perhaps not the host's.
    let action = shown["lastAction"].as_str().map(|text| Attribute::Text(text.to_owned()));
    attributes.insert("lastAction".to_owned(), action.unwrap_or(Attribute::Null));
    for name in ["desc", "lastAction"] {
        attributes.extend(sent.kept.get_key_value(name).map(|(k, v)| (k.clone(), v.clone())));
    }
    let edits = match attributes.get(EDITS) {
        Some(Attribute::Whole(edits)) => *edits,
        _ => 0,
    };
    attributes.insert(EDITS.to_owned(), Attribute::Whole(edits + 1));
    // A room that a guest has is reserved anyway, and stays so.
    let model = match (sent.text("status"), before.held.is_none()) {
        (Some("available"), _) => Some(Model::Seats { capacity: Quantity::ONE }),
        (Some(word), true) => {
            attributes.insert("status".to_owned(), Attribute::Text(word.to_owned()));
            Some(Model::Seats { capacity: Quantity::NONE })
        }
        (_, _) => None,
    };
    let change = OfferingChange { attributes: Some(attributes), model, ..Default::default() };
    let room = desk.engine().change_offering(desk.market, OfferingId(id), change).await?;
    let last_turn = Some(OfferingTurn::Changed);
    Ok(row(&room, &OfferingFigures { last_turn, ..figures }))
}

pub(super) async fn remove(desk: &Desk<'_>, id: &str) -> Result<(), Failure> {
    Ok(desk.engine().close_offering(desk.market, OfferingId(number(id)?)).await?)
}

/// Whether the room can be had. The reference system fails on a room that it does not know.
pub(super) async fn check(desk: &Desk<'_>) -> Result<Response, Failure> {
    let Some(id) = desk.form()?.maybe_whole("roomId")?.and_then(|id| u64::try_from(id).ok()) else {
        return Err(Failure::Undone);
    };
    let room = desk.engine().offering(desk.market, OfferingId(id)).await;
    let room = room.map_err(|_| Failure::Undone)?;
    Ok(desk.says(&json!(status(&room) == "available")))
}

pub(super) fn reviews<'d>(desk: &'d Desk<'d>, offset: u64, limit: usize) -> Making<'d, Numbers> {
    Box::pin(async move {
        let (page, total) = desk.engine().reviews(desk.market, offset, limit).await?;
        Ok(Numbers { ids: page.iter().map(|review| review.id.0).collect(), total })
    })
}

pub(super) async fn review(desk: &Desk<'_>, id: u64) -> Found {
    let review = desk.engine().review(desk.market, ReviewId(id)).await?;
    Ok(review_row(review.offering, &review.text))
}

/// A review without words has no content.
pub(super) fn review_row(room: OfferingId, text: &str) -> Value {
    json!({ "roomId": room.0, "content": Some(text).filter(|text| !text.is_empty()) })
}

fn opinion(content: Option<&str>) -> Opinion {
    Opinion { customer: String::new(), rating: None, text: content.unwrap_or_default().to_owned() }
}

pub(super) async fn write(desk: &Desk<'_>, sent: Sent) -> Result<(Key, Value), Failure> {
    let room = room_of(&sent)?;
    let says = opinion(sent.text("content"));
    match desk.engine().write_review(desk.market, room, says).await {
        Ok(review) => Ok((Key::Number(review.id.0), review_row(room, &review.text))),
        Err(Refusal::NotFound { .. }) => Err(no_room(room)),
        Err(refusal) => Err(refusal.into()),
    }
}

/// The room that a client means.
pub(super) fn room_of(sent: &Sent) -> Result<OfferingId, Failure> {
    let missing = || Failure::Bad("roomId: is missing; send the number of a room".to_owned());
    sent.id("roomId").map(OfferingId).ok_or_else(missing)
}

/// What a client is told whose room is not there, or no longer.
pub(super) fn no_room(room: OfferingId) -> Failure {
    Failure::Bad(format!("roomId: there is no room {}", room.0))
}

pub(super) async fn rewrite(desk: &Desk<'_>, id: &str, sent: Sent) -> Found {
    let id = ReviewId(number(id)?);
    let before = desk.engine().review(desk.market, id).await?;
    let content = if sent.kept.contains_key("content") {
        sent.text("content")
    } else {
        Some(before.text.as_str())
    };
    let review = desk.engine().change_review(desk.market, id, opinion(content)).await?;
    Ok(review_row(review.offering, &review.text))
}

pub(super) async fn erase(desk: &Desk<'_>, id: &str) -> Result<(), Failure> {
    Ok(desk.engine().remove_review(desk.market, ReviewId(number(id)?)).await?)
}

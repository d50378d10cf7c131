//! What a market publishes: its domain events under the reference system's names and fields.
//!
//! A dialect tells what a committed fact means in its own words. Nothing is told of an order that
//! never came into being, so there are no phantom events; the same fact is always told alike, so
//! whoever continues at a sequence misses nothing and can drop what it had. What a row shows today
//! and may change later (a room's count of reviews) is told as it is today.

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use surehold::domain::id::OfferingId;
use surehold::domain::inventory::Event as InventoryEvent;
use surehold::domain::saga::Turn;
use surehold::event::{Committed, CommittedFact};
use surehold::view::OrderView;
use surehold::{Engine, Market, Refusal};

use super::Dialect;
use crate::shapes::Moment;

/// One event, in the words of a reference system.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Its `eventType`.
    pub name: &'static str,
    /// Its own fields: a JSON object.
    pub fields: Value,
}

/// An event.
#[must_use]
pub fn told(name: &'static str, fields: Value) -> Told {
    Told { name, fields }
}

/// What happened, with what a dialect needs to tell of it.
#[derive(Debug)]
pub enum Tale<'a> {
    /// A turn of an order that came into being, the order as it is now, and the number of its
    /// cancellation if it has one.
    Order(Turn<'a>, &'a OrderView, Option<u64>),
    /// Something is sold, changed or no longer sold.
    Offering(OfferingId, &'a InventoryEvent),
}

/// What a dialect says about a committed fact.
///
/// # Errors
/// [`Refusal`] if what it is about cannot be read.
pub async fn tell(
    dialect: &Dialect,
    engine: &Engine,
    market: Market,
    committed: &Committed,
) -> Result<Vec<Told>, Refusal> {
    match &committed.fact {
        CommittedFact::Order(id, fact) => {
            let Some(turn) = fact.event.turn() else { return Ok(Vec::new()) };
            let order = engine.order(market, *id).await?;
            if !order.came_into_being() {
                return Ok(Vec::new());
            }
            let undone = matches!(turn, Turn::Undone(_) | Turn::Refunded(_) | Turn::Released);
            let cancellation =
                if undone { engine.cancellation_of(market, *id).await? } else { None };
            Ok((dialect.tells)(&Tale::Order(turn, &order, cancellation)))
        }
        CommittedFact::Offering(id, fact) => Ok((dialect.tells)(&Tale::Offering(*id, &fact.event))),
        CommittedFact::Payment(..)
        | CommittedFact::Confirmation(..)
        | CommittedFact::Mileage(..)
        | CommittedFact::Review(..)
        | CommittedFact::Message(..) => Ok(Vec::new()),
    }
}

/// The event as the reference systems write it: its type, the time as `yyyyMMddHHmmss` (UTC), its own
/// fields; and before them its place in the order of everything.
#[must_use]
pub fn body(committed: &Committed, told: &Told) -> Value {
    let at = Moment(committed.fact.at()).jiff().to_zoned(TimeZone::UTC);
    let mut body = Map::new();
    body.insert("sequence".to_owned(), json!(committed.sequence));
    body.insert("eventType".to_owned(), json!(told.name));
    body.insert("timestamp".to_owned(), json!(at.strftime("%Y%m%d%H%M%S").to_string()));
    if let Value::Object(fields) = &told.fields {
        body.extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    Value::Object(body)
}

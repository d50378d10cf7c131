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
use surehold::domain::mileage::Event as PointsEvent;
use surehold::domain::review::{Event as ReviewEvent, Review};
use surehold::domain::saga::Turn;
use surehold::event::{Committed, CommittedFact};
use surehold::view::{MileageEntry, OfferingFigures, OfferingView, OrderView};
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

/// What stands around a fact, as it is today.
#[derive(Debug, Default)]
pub struct Around {
    /// What is sold, also if it is no longer sold.
    pub sold: Option<OfferingView>,
    /// What is counted of it.
    pub figures: OfferingFigures,
    /// The points of the order.
    pub points: Option<MileageEntry>,
    /// The number of the order's cancellation.
    pub cancellation: Option<u64>,
    /// The number of the order's row among what moved stock.
    pub flow: Option<u64>,
}

/// What happened, with what a dialect needs to tell of it.
#[derive(Debug)]
pub enum Tale<'a> {
    /// A turn of an order that came into being, and the order as it is now.
    Order(Turn<'a>, &'a OrderView, &'a Around),
    /// Something is sold, changed or no longer sold.
    Offering(OfferingId, &'a InventoryEvent, &'a Around),
    /// Points of an order that came into being.
    Points(&'a PointsEvent, &'a Around),
    /// A review, and how it stands now.
    Review(&'a Review, &'a ReviewEvent, &'a Around),
}

/// Who looks things up for tales of a market.
#[derive(Clone)]
pub struct Teller {
    /// The engine.
    pub engine: Engine,
    /// The market.
    pub market: Market,
    /// Its dialect.
    pub dialect: &'static Dialect,
}

impl Teller {
    /// What the dialect says about a committed fact.
    ///
    /// # Errors
    /// [`Refusal`] if what it is about cannot be read.
    pub async fn tell(&self, committed: &Committed) -> Result<Vec<Told>, Refusal> {
        let tells = self.dialect.tells;
        match &committed.fact {
            CommittedFact::Order(id, fact) => {
                let Some(turn) = fact.event.turn() else { return Ok(Vec::new()) };
                let order = self.engine.order(self.market, *id).await?;
                if !order.came_into_being() {
                    return Ok(Vec::new());
                }
                let around = self.around(order.offering, Some(&order)).await?;
                Ok(tells(&Tale::Order(turn, &order, &around)))
            }
            CommittedFact::Offering(id, fact) => {
                let told_of = matches!(
                    fact.event,
                    InventoryEvent::Opened(_) | InventoryEvent::Changed(_) | InventoryEvent::Closed
                );
                if !told_of {
                    return Ok(Vec::new());
                }
                let around = self.around(*id, None).await?;
                Ok(tells(&Tale::Offering(*id, &fact.event, &around)))
            }
            CommittedFact::Mileage(id, fact) => {
                let order = self.engine.order(self.market, *id).await?;
                if !order.came_into_being() {
                    return Ok(Vec::new());
                }
                let around = self.around(order.offering, Some(&order)).await?;
                Ok(tells(&Tale::Points(&fact.event, &around)))
            }
            CommittedFact::Review(id, fact) => {
                let review = self.engine.review_ever(self.market, *id).await?;
                let around = self.around(review.offering, None).await?;
                Ok(tells(&Tale::Review(&review, &fact.event, &around)))
            }
            CommittedFact::Payment(..)
            | CommittedFact::Confirmation(..)
            | CommittedFact::Message(..) => Ok(Vec::new()),
        }
    }

    async fn around(
        &self,
        offering: OfferingId,
        order: Option<&OrderView>,
    ) -> Result<Around, Refusal> {
        let (engine, market) = (&self.engine, self.market);
        let mut around = Around::default();
        if self.dialect.tells_offerings {
            around.sold = Some(engine.offering_ever(market, offering).await?);
            around.figures = engine.offering_figures(market, offering).await?;
        }
        if let Some(order) = order {
            around.points = match engine.mileage(market, order.id).await {
                Ok(entry) => Some(entry),
                Err(Refusal::NotFound { .. }) => None,
                Err(refusal) => return Err(refusal),
            };
            if self.dialect.tells_offerings {
                around.flow = engine.flow_of(market, order.id).await?;
            }
            if order.reason.is_some() {
                around.cancellation = engine.cancellation_of(market, order.id).await?;
            }
        }
        Ok(around)
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

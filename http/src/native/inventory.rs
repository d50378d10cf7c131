//! How the units of an offering are counted, and how many are free.

use serde::Serialize;
use surehold::domain::inventory::{Availability, Model};
use surehold::domain::plan::Plan;
use surehold::domain::quantity::Quantity;
use surehold::domain::slot::Slot;
use surehold::domain::zone::Zone;
use surehold::view::OfferingView;
use warp::http::StatusCode;

use super::Outcome;
use super::offerings::find;
use crate::answer;
use crate::app::App;
use crate::call::Call;
use crate::fields::Fields;
use crate::problem::Problem;
use crate::query::Query;
use crate::shapes::{Amount, Counted, Free};

/// Reads `inventory` with what may be sold beyond what there is, if it is there.
///
/// # Errors
/// 422 naming what is wrong.
pub(super) fn read(
    fields: &mut Fields,
    plan: &Plan,
) -> Result<Option<(Model, Option<Quantity>)>, Problem> {
    let Some(mut inventory) = fields.object("inventory")? else { return Ok(None) };
    let word = inventory.text("model")?;
    let mut count = |name| {
        let count = inventory.quantity(name)?;
        let count = inventory.required(name, count)?;
        if count.is_whole() {
            Ok(count)
        } else {
            Err(inventory.wrong(name, "must be a whole number"))
        }
    };
    let word = match word {
        Some(word) => word,
        None => return Err(inventory.wrong("model", MODELS)),
    };
    let model = match word.as_str() {
        "unlimited" => Model::Unlimited,
        "seats" => Model::Seats { capacity: count("capacity")? },
        "nights" => Model::Nights { units: count("units")? },
        "stock" => {
            let quantity = inventory.quantity("quantity")?;
            Model::Stock { quantity: inventory.required("quantity", quantity)? }
        }
        "slots" => {
            let capacity = count("capacity")?;
            slots(&mut inventory, capacity, plan)?
        }
        _ => return Err(inventory.wrong("model", MODELS)),
    };
    let overbook = inventory.quantity("overbook")?;
    inventory.finish()?;
    Ok(Some((model, overbook)))
}

const MODELS: &str = "must be unlimited, seats, stock, nights or slots";

fn slots(inventory: &mut Fields, capacity: Quantity, plan: &Plan) -> Result<Model, Problem> {
    let zone = match inventory.text("zone")? {
        Some(name) => {
            Zone::parse(&name).map_err(|error| inventory.wrong("zone", error.to_string()))?
        }
        None => plan.zone.clone(),
    };
    let texts = inventory.texts("slots")?;
    let texts = inventory.required("slots", texts)?;
    let read = |(at, text): (usize, &String)| {
        zone.slot(text).map_err(|error| inventory.wrong(&format!("slots[{at}]"), error.to_string()))
    };
    let mut slots = texts.iter().enumerate().map(read).collect::<Result<Vec<Slot>, _>>()?;
    slots.sort_unstable();
    if let Some(twice) = slots.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(inventory.wrong("slots", format!("{} is given twice", twice[0])));
    }
    Ok(Model::Slots { capacity, zone, slots })
}

#[derive(Serialize)]
struct AvailabilityBody<'a> {
    offering: u64,
    inventory: Counted<'a>,
    held: Amount,
    #[serde(flatten)]
    free: Free,
}

/// `GET /v1/{market}/offerings/{id}/availability?from=&to=`: how much is free, in all, or for each
/// night or slot from one day to before another.
///
/// # Errors
/// 404 if there is no such offering; 422 for days that are missing or none.
pub async fn availability(app: &App, call: &Call, name: &str, id: &str) -> Outcome {
    let (market, id) = find(app, name, id)?;
    let mut query = Query::parse(&call.query)?;
    let days = (query.day("from")?, query.day("to")?);
    query.finish()?;
    let (offering, free) = app.engine.availability(market, id, days).await?;
    Ok(answer::json(StatusCode::OK, &body(&offering, free)))
}

fn body(offering: &OfferingView, free: Availability) -> AvailabilityBody<'_> {
    AvailabilityBody {
        offering: offering.id.0,
        inventory: Counted(&offering.model, offering.overbook),
        held: Amount(offering.held),
        free: Free::from(free),
    }
}

#[derive(Serialize)]
struct StockBody {
    offering: u64,
    free: Option<Amount>,
}

/// `POST /v1/{market}/offerings/{id}/stock` `{received}` or `{removed}`: a stocktake.
///
/// # Errors
/// 409 if it is not counted as stock, or less would be left than is held.
pub async fn adjust(app: &App, call: &Call, name: &str, id: &str) -> Outcome {
    let (market, id) = find(app, name, id)?;
    call.must_be_json()?;
    let mut fields = Fields::parse(&call.body)?;
    let (received, removed) = (fields.quantity("received")?, fields.quantity("removed")?);
    let (quantity, up) = match (received, removed) {
        (Some(quantity), None) => (quantity, true),
        (None, Some(quantity)) => (quantity, false),
        (_, _) => return Err(fields.wrong("received", "say how much was received, or removed")),
    };
    fields.finish()?;
    let offering = app.engine.adjust_stock(market, id, quantity, up).await?;
    let body = StockBody { offering: offering.id.0, free: offering.free.map(Amount) };
    Ok(answer::json(StatusCode::OK, &body))
}

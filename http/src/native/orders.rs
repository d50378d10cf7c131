//! Orders: placed, looked at one by one, and listed.

use surehold::domain::id::{OfferingId, OrderId};
use surehold::domain::idempotency::KEY_LENGTH_MAX;
use surehold::domain::plan::check_name;
use surehold::domain::quantity::Quantity;
use surehold::domain::saga::Phase;
use surehold::view::{Booking, Idempotency, NewOrder, OrderFilter, OrderView, Placed, Placement};
use warp::http::{HeaderName, StatusCode};

use super::order_body::{HistoryBody, OrderBody};
use super::{Outcome, market, number};
use crate::answer;
use crate::app::App;
use crate::call::Call;
use crate::fields::Fields;
use crate::problem::Problem;
use crate::query::{Query, decoded};
use crate::shapes::PageBody;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// `POST /v1/{market}/orders`.
///
/// # Errors
/// What is wrong with the request, or why there is no booking.
pub async fn place(app: &App, call: &Call, name: &str) -> Outcome {
    let market = market(app, name)?;
    call.must_be_json()?;
    let key = idempotency(call)?;
    let new = read(&call.body)?;
    let Placement { placed, order } = app.engine.place(market, new, key).await?;
    let status = match placed {
        Placed::Booked => StatusCode::CREATED,
        Placed::ToBePaid | Placed::UnderWay => StatusCode::ACCEPTED,
        Placed::Declined
        | Placed::NoRoom
        | Placed::PaymentsDown
        | Placed::InventoryDown
        | Placed::CameToNothing => return Err(came_to_nothing(placed, &order)),
    };
    let location = ["/v1/", name, "/orders/", &order.id.0.to_string()].concat();
    Ok(answer::at(answer::json(status, &OrderBody::from(&order)), &location))
}

/// Why there is no booking, for the customer.
#[must_use]
pub fn came_to_nothing(placed: Placed, order: &OrderView) -> Problem {
    let reason = order.reason.as_ref().map(ToString::to_string);
    let detail = format!("order {} came to nothing: {}", order.id, reason.unwrap_or_default());
    let problem = match placed {
        Placed::Declined => {
            let title = "The card was declined";
            Problem::new(StatusCode::PAYMENT_REQUIRED, "declined", title, detail)
        }
        Placed::NoRoom => {
            let title = "There is not enough left of it";
            Problem::new(StatusCode::CONFLICT, "no-room", title, detail)
        }
        Placed::PaymentsDown => {
            let title = "Payments are unavailable";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "payments-unavailable", title, detail)
        }
        Placed::InventoryDown => {
            let title = "The inventory is unavailable";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "inventory-unavailable", title, detail)
        }
        Placed::CameToNothing | Placed::Booked | Placed::ToBePaid | Placed::UnderWay => {
            let title = "The order came to nothing";
            Problem::new(StatusCode::CONFLICT, "came-to-nothing", title, detail)
        }
    };
    problem.of_order(order.id.0)
}

fn read(body: &[u8]) -> Result<NewOrder, Problem> {
    let mut fields = Fields::parse(body)?;
    let customer = fields.checked("customer", check_name)?;
    let customer = fields.required("customer", customer)?;
    let offering = fields.id("offering")?;
    let offering = OfferingId(fields.required("offering", offering)?);
    let quantity = fields.quantity("quantity")?.unwrap_or(Quantity::ONE);
    if quantity.is_none() {
        return Err(fields.wrong("quantity", "must be above 0"));
    }
    let booking = booking(&mut fields)?;
    let card = match fields.object("payment")? {
        None => None,
        Some(mut payment) => {
            let card = payment.checked("card", super::commands::check_card)?;
            let card = payment.required("card", card)?;
            payment.finish()?;
            Some(card)
        }
    };
    let attributes = fields.attributes()?.unwrap_or_default();
    fields.finish()?;
    Ok(NewOrder { customer, offering, quantity, booking, card, attributes })
}

/// Which part of the offering is meant: nights, a slot, what is brought, or any of its units.
fn booking(fields: &mut Fields) -> Result<Booking, Problem> {
    let (from, to) = (fields.day("from")?, fields.day("to")?);
    let slot = fields.text("slot")?;
    let supply = fields.flag("supply")?;
    match (from, to, slot, supply) {
        (None, None, None, false) => Ok(Booking::Units),
        (Some(from), Some(to), None, false) => Ok(Booking::Nights { from, to }),
        (None, None, Some(slot), false) => Ok(Booking::Slot(slot)),
        (None, None, None, true) => Ok(Booking::Supply),
        (Some(_), None, _, _) => Err(fields.wrong("to", "is missing: the day of departure")),
        (None, Some(_), _, _) => Err(fields.wrong("from", "is missing: the day of arrival")),
        (Some(_), Some(_), Some(_), _) => {
            Err(fields.wrong("slot", "an order books nights or a slot, not both"))
        }
        (_, _, _, true) => {
            Err(fields.wrong("supply", "an order that brings stock books no nights and no slot"))
        }
    }
}

fn idempotency(call: &Call) -> Result<Option<Idempotency>, Problem> {
    let mut keys = call.headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let visible = key.as_bytes().iter().all(u8::is_ascii_graphic);
    if !visible || !(1..=KEY_LENGTH_MAX).contains(&key.len()) || keys.next().is_some() {
        let detail = "Idempotency-Key: must be one key of 1 to 255 visible ASCII characters";
        return Err(Problem::bad_request(detail).of_field("Idempotency-Key"));
    }
    let key = String::from_utf8_lossy(key.as_bytes()).into_owned();
    Ok(Some(Idempotency { key, body: call.body.to_vec() }))
}

/// `GET /v1/{market}/orders/{id}`.
///
/// # Errors
/// 404 if there is none.
pub async fn show(app: &App, name: &str, id: &str) -> Outcome {
    let market = market(app, name)?;
    let order = app.engine.order(market, OrderId(number("order", id)?)).await?;
    Ok(answer::json(StatusCode::OK, &OrderBody::from(&order)))
}

/// `GET /v1/{market}/idempotency/{key}`: the order that a request with this key made, for a client
/// that never saw the answer.
///
/// # Errors
/// 404 if no request with this key was taken.
pub async fn by_key(app: &App, name: &str, key: &str) -> Outcome {
    let market = market(app, name)?;
    let found = app.engine.order_by_key(market, &decoded(key)?).await?;
    let nobody = || Problem::not_found("no order was placed with this key in this market");
    let order = found.ok_or_else(nobody)?;
    let location = format!("/v1/{name}/orders/{}", order.id);
    Ok(answer::at(answer::json(StatusCode::OK, &OrderBody::from(&order)), &location))
}

/// `GET /v1/{market}/orders`.
///
/// # Errors
/// 422 for a parameter that is not one.
pub async fn list(app: &App, call: &Call, name: &str) -> Outcome {
    let market = market(app, name)?;
    let mut query = Query::parse(&call.query)?;
    let offering = query.number("offering", 1, crate::fields::NUMBER_MAX)?.map(OfferingId);
    let phase = match query.take("phase") {
        None => None,
        Some(word) => Some(Phase::parse(&word).ok_or_else(|| {
            let names: Vec<_> = Phase::ALL.iter().map(|phase| phase.name()).collect();
            Problem::invalid("phase", format!("must be one of {}", names.join(", ")))
        })?),
    };
    let filter = OrderFilter { customer: query.take("customer"), offering, phase };
    let (limit, after) = (query.limit(50)?, query.place("cursor")?);
    query.finish()?;
    let page = app.engine.orders(market, filter, after, limit).await?;
    let items = page.items.iter().map(OrderBody::from).collect();
    Ok(answer::json(StatusCode::OK, &PageBody { items, next: page.next }))
}

/// `GET /v1/{market}/orders/{id}/history`.
///
/// # Errors
/// 404 if there is no such order.
pub async fn history(app: &App, name: &str, id: &str) -> Outcome {
    let market = market(app, name)?;
    let history = app.engine.history(market, OrderId(number("order", id)?)).await?;
    Ok(answer::json(StatusCode::OK, &HistoryBody::from(&history)))
}

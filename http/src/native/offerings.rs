//! What is sold.

use serde::Serialize;
use surehold::Market;
use surehold::domain::id::OfferingId;
use surehold::domain::plan::{Plan, check_name};
use surehold::view::{NewOffering, OfferingChange, OfferingView};
use warp::http::StatusCode;

use super::{Outcome, inventory, market, number};
use crate::answer;
use crate::app::App;
use crate::call::Call;
use crate::fields::Fields;
use crate::problem::Problem;
use crate::query::Query;
use crate::shapes::{Amount, Counted, Kept, PageBody, Price};

/// Largest number a client may choose, as in market files: the next ones follow it.
const ID_MAX: u64 = 1_000_000;

#[derive(Serialize)]
struct OfferingBody<'a> {
    id: u64,
    name: &'a str,
    price: Price,
    inventory: Counted<'a>,
    held: Amount,
    free: Option<Amount>,
    attributes: Kept<'a>,
}

impl<'a> From<&'a OfferingView> for OfferingBody<'a> {
    fn from(offering: &'a OfferingView) -> Self {
        OfferingBody {
            id: offering.id.0,
            name: &offering.name,
            price: Price(offering.price),
            inventory: Counted(&offering.model, offering.overbook),
            held: Amount(offering.held),
            free: offering.free.map(Amount),
            attributes: Kept(&offering.attributes),
        }
    }
}

/// `POST /v1/{market}/offerings`.
///
/// # Errors
/// What is wrong with the request; 409 if the number is taken.
pub async fn add(app: &App, call: &Call, name: &str) -> Outcome {
    let market = market(app, name)?;
    call.must_be_json()?;
    let mut fields = Fields::parse(&call.body)?;
    let id = fields.id("id")?;
    if id.is_some_and(|id| id > ID_MAX) {
        return Err(fields.wrong("id", format!("must be a whole number from 1 to {ID_MAX}")));
    }
    let id = id.map(OfferingId);
    let called = fields.checked("name", check_name)?;
    let called = fields.required("name", called)?;
    let price = fields.price(plan(app, name).currency)?;
    let counted = inventory::read(&mut fields, plan(app, name))?;
    let (model, overbook) = fields.required("inventory", counted)?;
    let attributes = fields.attributes()?.unwrap_or_default();
    fields.finish()?;
    let new = NewOffering { id, name: called, price, model, overbook, attributes };
    let offering = app.engine.add_offering(market, new).await?;
    let location = format!("/v1/{name}/offerings/{}", offering.id);
    let body = OfferingBody::from(&offering);
    Ok(answer::at(answer::json(StatusCode::CREATED, &body), &location))
}

/// `PATCH /v1/{market}/offerings/{id}`.
///
/// # Errors
/// What is wrong with the request; 409 if more is sold than would be left.
pub async fn change(app: &App, call: &Call, name: &str, id: &str) -> Outcome {
    let (market, id) = find(app, name, id)?;
    call.must_be_json()?;
    let mut fields = Fields::parse(&call.body)?;
    let (called, price) =
        (fields.checked("name", check_name)?, fields.price(plan(app, name).currency)?);
    let counted = inventory::read(&mut fields, plan(app, name))?;
    let (model, overbook) = counted.map_or((None, None), |(model, more)| (Some(model), more));
    let attributes = fields.attributes()?;
    let change = OfferingChange { name: called, price, model, overbook, attributes };
    fields.finish()?;
    let offering = app.engine.change_offering(market, id, change).await?;
    Ok(answer::json(StatusCode::OK, &OfferingBody::from(&offering)))
}

/// `DELETE /v1/{market}/offerings/{id}`: it is no longer sold; its orders go on.
///
/// # Errors
/// 404 if there is none.
pub async fn close(app: &App, name: &str, id: &str) -> Outcome {
    let (market, id) = find(app, name, id)?;
    app.engine.close_offering(market, id).await?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// `GET /v1/{market}/offerings/{id}`.
///
/// # Errors
/// 404 if there is none.
pub async fn show(app: &App, name: &str, id: &str) -> Outcome {
    let (market, id) = find(app, name, id)?;
    let offering = app.engine.offering(market, id).await?;
    Ok(answer::json(StatusCode::OK, &OfferingBody::from(&offering)))
}

/// `GET /v1/{market}/offerings`.
///
/// # Errors
/// 422 for a parameter that is not one.
pub async fn list(app: &App, call: &Call, name: &str) -> Outcome {
    let market = market(app, name)?;
    let mut query = Query::parse(&call.query)?;
    let (limit, after) = (query.limit(50)?, query.place("cursor")?);
    query.finish()?;
    let page = app.engine.offerings(market, after, limit).await?;
    let items = page.items.iter().map(OfferingBody::from).collect();
    Ok(answer::json(StatusCode::OK, &PageBody { items, next: page.next }))
}

pub(super) fn find(app: &App, name: &str, id: &str) -> Result<(Market, OfferingId), Problem> {
    Ok((market(app, name)?, OfferingId(number("offering", id)?)))
}

/// The market's plan; the name was looked up before.
fn plan<'a>(app: &'a App, name: &str) -> &'a Plan {
    let plans = app.engine.markets();
    plans.iter().find(|plan| plan.name == name).unwrap_or(&plans[0])
}

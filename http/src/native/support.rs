//! The supporting domains: reviews of what is sold, a customer's points and messages.

use serde::Serialize;
use surehold::domain::id::{OfferingId, ReviewId};
use surehold::domain::review::Opinion;
use surehold::view::{MessageView, MileageEntry, ReviewView};
use warp::http::StatusCode;

use super::{Outcome, market, number};
use crate::answer;
use crate::app::App;
use crate::call::Call;
use crate::fields::Fields;
use crate::problem::Problem;
use crate::query::{Query, decoded};
use crate::shapes::{Moment, PageBody};

#[derive(Serialize)]
struct ReviewBody<'a> {
    id: u64,
    offering: u64,
    customer: &'a str,
    rating: Option<u8>,
    content: &'a str,
    created_at: Moment,
    updated_at: Moment,
}

impl<'a> From<&'a ReviewView> for ReviewBody<'a> {
    fn from(review: &'a ReviewView) -> Self {
        ReviewBody {
            id: review.id.0,
            offering: review.offering.0,
            customer: &review.customer,
            rating: review.rating,
            content: &review.text,
            created_at: Moment(review.written_at),
            updated_at: Moment(review.updated_at),
        }
    }
}

fn offering(text: &str) -> Result<OfferingId, Problem> {
    Ok(OfferingId(number("offering", text)?))
}

fn opinion(body: &[u8]) -> Result<Opinion, Problem> {
    let mut fields = Fields::parse(body)?;
    let customer = fields.text("customer")?.unwrap_or_default();
    let rating = fields.id("rating")?;
    let out_of_range = || fields.wrong("rating", "must be a whole number from 1 to 5");
    let rating = rating.map(u8::try_from).transpose().map_err(|_| out_of_range())?;
    let content = fields.text("content")?;
    let text = fields.required("content", content)?;
    let opinion = Opinion { customer, rating, text };
    opinion.check().map_err(|(field, reason)| fields.wrong(field, reason))?;
    fields.finish()?;
    Ok(opinion)
}

/// `POST /v1/{market}/offerings/{id}/reviews` `{customer?, rating?, content}`.
///
/// # Errors
/// What is wrong with the request; 404 if nothing is sold under this number; 503 while the reviews
/// are stopped.
pub async fn write_review(app: &App, call: &Call, name: &str, id: &str) -> Outcome {
    let (market, offering) = (market(app, name)?, offering(id)?);
    call.must_be_json()?;
    let review = app.engine.write_review(market, offering, opinion(&call.body)?).await?;
    let location = format!("/v1/{name}/reviews/{}", review.id);
    let body = ReviewBody::from(&review);
    Ok(answer::at(answer::json(StatusCode::CREATED, &body), &location))
}

/// `GET /v1/{market}/offerings/{id}/reviews?limit=&cursor=`.
///
/// # Errors
/// 422 for a parameter that is not one.
pub async fn reviews(app: &App, call: &Call, name: &str, id: &str) -> Outcome {
    let (market, offering) = (market(app, name)?, offering(id)?);
    let (limit, after) = paging(call)?;
    let page = app.engine.reviews_of(market, offering, after, limit).await?;
    let items = page.items.iter().map(ReviewBody::from).collect();
    Ok(answer::json(StatusCode::OK, &PageBody { items, next: page.next }))
}

/// `GET /v1/{market}/reviews/{id}`.
///
/// # Errors
/// 404 if there is none, or no longer.
pub async fn review(app: &App, name: &str, id: &str) -> Outcome {
    let (market, id) = (market(app, name)?, ReviewId(number("review", id)?));
    let review = app.engine.review(market, id).await?;
    Ok(answer::json(StatusCode::OK, &ReviewBody::from(&review)))
}

/// `DELETE /v1/{market}/reviews/{id}`.
///
/// # Errors
/// 404 if there is none, or no longer.
pub async fn remove_review(app: &App, name: &str, id: &str) -> Outcome {
    let (market, id) = (market(app, name)?, ReviewId(number("review", id)?));
    app.engine.remove_review(market, id).await?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

fn paging(call: &Call) -> Result<(usize, u64), Problem> {
    let mut query = Query::parse(&call.query)?;
    let paging = (query.limit(50)?, query.place("cursor")?);
    query.finish()?;
    Ok(paging)
}

#[derive(Serialize)]
struct EntryBody {
    order: u64,
    offering: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<u64>,
    credited: u64,
    /// How many still stand.
    points: u64,
    updated_at: Moment,
}

impl From<&MileageEntry> for EntryBody {
    fn from(entry: &MileageEntry) -> Self {
        EntryBody {
            order: entry.order.0,
            offering: entry.offering.0,
            payment: entry.payment.map(|payment| payment.0),
            credited: entry.credited,
            points: entry.points,
            updated_at: Moment(entry.updated_at),
        }
    }
}

#[derive(Serialize)]
struct AccountBody<'a> {
    customer: &'a str,
    balance: u64,
    #[serde(flatten)]
    entries: PageBody<EntryBody>,
}

/// `GET /v1/{market}/customers/{c}/mileage?limit=&cursor=`.
///
/// # Errors
/// 422 for a parameter that is not one.
pub async fn mileage(app: &App, call: &Call, name: &str, customer: &str) -> Outcome {
    let (market, customer) = (market(app, name)?, decoded(customer)?);
    let (limit, after) = paging(call)?;
    let account = app.engine.mileage_of(market, &customer, after, limit).await?;
    let items = account.entries.items.iter().map(EntryBody::from).collect();
    let entries = PageBody { items, next: account.entries.next };
    let body = AccountBody { customer: &account.customer, balance: account.balance, entries };
    Ok(answer::json(StatusCode::OK, &body))
}

#[derive(Serialize)]
struct MessageBody<'a> {
    id: u64,
    occasion: &'static str,
    order: u64,
    offering: u64,
    text: &'a str,
    at: Moment,
}

impl<'a> From<&'a MessageView> for MessageBody<'a> {
    fn from(message: &'a MessageView) -> Self {
        MessageBody {
            id: message.id.0,
            occasion: message.occasion.name(),
            order: message.order.0,
            offering: message.offering.0,
            text: &message.text,
            at: Moment(message.at),
        }
    }
}

/// `GET /v1/{market}/customers/{c}/messages?limit=&cursor=`.
///
/// # Errors
/// 422 for a parameter that is not one.
pub async fn messages(app: &App, call: &Call, name: &str, customer: &str) -> Outcome {
    let (market, customer) = (market(app, name)?, decoded(customer)?);
    let (limit, after) = paging(call)?;
    let page = app.engine.messages_of(market, &customer, after, limit).await?;
    let items = page.items.iter().map(MessageBody::from).collect();
    Ok(answer::json(StatusCode::OK, &PageBody { items, next: page.next }))
}

//! `GET /v1/{market}/events`: committed facts in order, page by page. The same address is a stream
//! for who asks for one.

use warp::http::{HeaderName, StatusCode};

use super::{Outcome, facts, market, stream};
use crate::answer;
use crate::app::App;
use crate::call::Call;
use crate::fields::NUMBER_MAX;
use crate::problem::Problem;
use crate::query::Query;
use crate::shapes::PageBody;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// `GET /v1/{market}/events?after=SEQ&limit=`.
///
/// # Errors
/// 422 for a parameter that is not one, 400 for a `Last-Event-ID` that is not one.
pub async fn list(app: &App, call: &Call, name: &str) -> Outcome {
    let market = market(app, name)?;
    let mut query = Query::parse(&call.query)?;
    let (limit, after) = (query.limit(100)?, query.place("after")?);
    query.finish()?;
    if call.wants_stream() {
        let after = last_event_id(call)?.unwrap_or(after);
        return Ok(stream::open(app, market, after));
    }
    let events = app.engine.events(market, after, limit).await?;
    let items = events.events.iter().map(facts::body).collect();
    let next = (!events.at_end).then_some(events.cursor);
    Ok(answer::json(StatusCode::OK, &PageBody { items, next }))
}

fn last_event_id(call: &Call) -> Result<Option<u64>, Problem> {
    let Some(text) = call.header(&LAST_EVENT_ID).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    match text.parse() {
        Ok(after @ 0..=NUMBER_MAX) => Ok(Some(after)),
        _ => {
            let detail = "Last-Event-ID: must be the id of an event of this stream";
            Err(Problem::bad_request(detail).of_field("Last-Event-ID"))
        }
    }
}

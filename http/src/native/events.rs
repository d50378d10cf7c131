//! `GET /v1/{market}/events`: what happened, in order, page by page. The same address is a stream, or
//! a batch of CloudEvents, for who asks for one.

use surehold::Refusal;
use warp::http::{HeaderName, StatusCode};

use super::{Outcome, market, stream};
use crate::answer;
use crate::app::App;
use crate::call::Call;
use crate::fields::NUMBER_MAX;
use crate::problem::Problem;
use crate::published::{Published, Publisher};
use crate::query::Query;
use crate::shapes::PageBody;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// A batch of CloudEvents.
const BATCH: &str = "application/cloudevents-batch+json";
/// Reads of the feed for one page: most facts of some markets publish nothing.
const READS_MAX: usize = 32;

/// `GET /v1/{market}/events?after=SEQ&limit=&as=`.
///
/// # Errors
/// 422 for a parameter that is not one, 400 for a `Last-Event-ID` that is not one, 410 for a place
/// that is no longer kept.
pub async fn list(app: &App, call: &Call, name: &str) -> Outcome {
    let market = market(app, name)?;
    let mut query = Query::parse(&call.query)?;
    let (limit, after) = (query.limit(100)?, query.sequence("after")?);
    let as_facts = match query.take("as").as_deref() {
        None | Some("events") => false,
        Some("facts") => true,
        Some(_) => return Err(Problem::invalid("as", "must be events or facts")),
    };
    query.finish()?;
    let publisher = Publisher::new(&app.engine, market, name, as_facts);
    if call.wants("text/event-stream") {
        let after = last_event_id(call)?.or(after);
        let begin = app.engine.events_begin()?;
        if let Some(after) = after
            && after < begin
        {
            return Err(Refusal::Gone { first: begin + 1 }.into());
        }
        return Ok(stream::open(app, market, after.unwrap_or(begin), publisher));
    }
    let after = match after {
        Some(after) => after,
        None => app.engine.events_begin()?,
    };
    let (mut items, mut cursor, mut at_end) = (Vec::new(), after, false);
    for _ in 0..READS_MAX {
        let left = limit - items.len().min(limit);
        if left == 0 || at_end {
            break;
        }
        let events = app.engine.events(market, cursor, left).await?;
        items.extend(publisher.publish(&events).await?);
        (cursor, at_end) = (events.cursor, events.at_end);
    }
    let next = (!at_end).then_some(cursor);
    if call.wants(BATCH) {
        let batch: Vec<_> = items.into_iter().map(|event| publisher.envelope(event)).collect();
        let response = answer::typed(StatusCode::OK, BATCH, &batch);
        let Some(next) = next else { return Ok(response) };
        let alike = if as_facts { "&as=facts" } else { "" };
        let link = format!("</v1/{name}/events?after={next}&limit={limit}{alike}>; rel=\"next\"");
        return Ok(answer::with(response, warp::http::header::LINK, &link));
    }
    let items: Vec<_> = items.into_iter().map(|Published { body, .. }| body).collect();
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

//! The commands of the saga.

use serde::Serialize;
use surehold::domain::attributes::{ATTRIBUTE_TEXT_MAX, Attributes};
use surehold::domain::card::{Card, CardError};
use surehold::domain::id::OrderId;
use surehold::view::OrderCommand;
use warp::http::StatusCode;

use super::order_body::OrderBody;
use super::{Outcome, market, number};
use crate::answer;
use crate::app::App;
use crate::call::Call;
use crate::fields::Fields;
use crate::problem::Problem;
use crate::shapes::{Moment, Price};

/// `POST /v1/{market}/orders/{id}/{pay|confirm|reject|complete|no-show|cancel}`.
///
/// # Errors
/// 409 naming the phase if the command does not fit it; what is wrong with the request.
pub async fn command(app: &App, call: &Call, at: (&str, &str), verb: &str) -> Outcome {
    let (market, order) = (market(app, at.0)?, OrderId(number("order", at.1)?));
    call.must_be_json()?;
    let command = read(verb, &call.body)?;
    let order = app.engine.command(market, order, command).await?;
    Ok(answer::json(StatusCode::OK, &OrderBody::from(&order)))
}

fn read(verb: &str, body: &[u8]) -> Result<OrderCommand, Problem> {
    let mut fields = Fields::parse_or_empty(body)?;
    let command = match verb {
        "pay" => {
            let card = fields.checked("card", check_card)?;
            OrderCommand::Pay { card: fields.required("card", card)? }
        }
        "confirm" => OrderCommand::Confirm,
        "reject" => OrderCommand::Reject { note: fields.checked("reason", check_note)? },
        "complete" => OrderCommand::Complete,
        "no-show" => OrderCommand::NoShow { note: fields.checked("reason", check_note)? },
        "cancel" => {
            let note = fields.checked("reason", check_note)?;
            let quote = fields.id("quote")?.map(u32::try_from).transpose();
            let quote = quote.map_err(|_| fields.wrong("quote", "is not a quote"))?;
            OrderCommand::Cancel { note, quote, attributes: Attributes::new() }
        }
        _ => return Err(Problem::not_found(format!("there is no command called {verb}"))),
    };
    fields.finish()?;
    Ok(command)
}

/// Whether a card is one the engine takes.
///
/// # Errors
/// What a card looks like.
pub fn check_card(card: &str) -> Result<(), CardError> {
    Card::parse(card).map(|_| ())
}

/// Whether a reason may be kept.
fn check_note(note: &str) -> Result<(), String> {
    if note.chars().count() > ATTRIBUTE_TEXT_MAX {
        return Err(format!("must have at most {ATTRIBUTE_TEXT_MAX} characters"));
    }
    if note.chars().any(char::is_control) {
        return Err("must not contain control characters".to_owned());
    }
    Ok(())
}

#[derive(Serialize)]
struct QuoteBody {
    quote: u32,
    refund: Price,
    valid_until: Moment,
}

/// `POST /v1/{market}/orders/{id}/cancellation-quote`.
///
/// # Errors
/// 409 if the order cannot be cancelled.
pub async fn quote(app: &App, call: &Call, name: &str, id: &str) -> Outcome {
    let (market, order) = (market(app, name)?, OrderId(number("order", id)?));
    call.must_be_json()?;
    Fields::parse_or_empty(&call.body)?.finish()?;
    let quote = app.engine.quote(market, order).await?;
    let body = QuoteBody {
        quote: quote.quote,
        refund: Price(quote.refund),
        valid_until: Moment(quote.valid_until),
    };
    Ok(answer::json(StatusCode::OK, &body))
}

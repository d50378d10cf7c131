//! What payment gateways tell unasked. Nothing is believed: the engine asks the gateway itself.

use metrics::counter;
use surehold::gateway::stripe::webhook::{SIGNATURE, Webhook};
use warp::http::StatusCode;

use crate::answer;
use crate::app::App;
use crate::call::Call;
use crate::native::Outcome;
use crate::problem::Problem;

/// `POST /webhooks/stripe`: has the engine ask about the payment that an event is about.
///
/// # Errors
/// 400 if it was not signed by Stripe; 503 while the engine is down, and Stripe tells it again.
pub async fn stripe(app: &App, call: &Call, webhook: &Webhook) -> Outcome {
    let signature = call.headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
    let key = webhook.read(signature.unwrap_or_default(), &call.body).map_err(|error| {
        count("unsigned");
        Problem::bad_request(error.to_string())
    })?;
    let ours = match key {
        Some(key) => app.engine.ask_payment(&key)?,
        None => false,
    };
    count(if ours { "asked" } else { "ignored" });
    Ok(answer::empty(StatusCode::OK))
}

fn count(outcome: &'static str) {
    counter!("surehold_webhooks_total", "outcome" => outcome).increment(1);
}

//! A payment service of one's own house that speaks plain JSON, as the reference marketplaces' does.
//!
//! ```text
//!  POST {url}/payments                {key, amount, currency, card, card_last4}   take the money
//!  GET  {url}/payments/{key}          -> 200 {state}, 404                         what became of it
//!  POST {url}/payments/{key}/refunds  {key, amount}                               give it back
//! ```
//!
//! Both posts have an `Idempotency-Key` of their own; the service does either once per key and
//! answers the same again. What its answers mean is two tables below, `captured` and `asked`. In
//! doubt an answer is `Unknown`, and the service is asked again:
//!
//! - A 4xx is a no only if it says so (402, or `declined` with a reason). Any other means that the
//!   service did not take our request. Nothing was charged then, but that is no fault of the
//!   customer's: the order is tried on until its time is up, and then it is called off.
//! - An answer may name the `key` it is for; one that names another is none. Each request has a
//!   connection of its own, so that an answer that is given twice is not taken for the next one.
//! - A 2xx, and a 404 to a question, with a body that is no JSON come from somebody in between.

use std::sync::Arc;

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use surehold_domain::card::Card;
use surehold_domain::money::Money;

use super::key::of_payment;
use super::wire::{Body, Connections, Said, Wire, in_time, told};
use super::{Answer, Answering, PaymentGateway, Request};

/// Longest answer that is read, in bytes.
const ANSWER_MAX: usize = 64 * 1024;
/// The header that makes repeating a request harmless.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The payment service.
#[derive(Clone)]
pub struct JsonGateway {
    wire: Arc<Wire>,
}

impl JsonGateway {
    /// The service at this address. Nothing is sent yet.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn new(url: &str) -> Result<JsonGateway, String> {
        let wire = Wire::new(url, ANSWER_MAX, Connections::OneEach)?;
        Ok(JsonGateway { wire: Arc::new(wire) })
    }

    async fn take(&self, request: Request) -> Answer {
        let body = json!({
            "key": request.key,
            "amount": request.amount.amount(),
            "currency": request.amount.currency().code(),
            "card": card(&request),
            "card_last4": request.card.as_ref().map(Card::last4),
        });
        match self.post(&["payments"], &request.key, &body).await {
            Ok(said) => captured(&said),
            Err(why) => Answer::Unknown(why),
        }
    }

    async fn look(&self, request: Request) -> Answer {
        let url = self.wire.at(&["payments", of_payment(&request.key)]);
        match self.send(self.wire.get(url), &request.key).await {
            Ok(said) => asked(&said),
            Err(why) => Answer::Unknown(why),
        }
    }

    async fn give_back(&self, request: Request) -> Answer {
        let path = ["payments", of_payment(&request.key), "refunds"];
        let body = json!({"key": request.key, "amount": request.amount.amount()});
        match self.post(&path, &request.key, &body).await {
            Ok(said) => refunded(&said, request.amount),
            Err(why) => Answer::Unknown(why),
        }
    }

    async fn post(&self, path: &[&str], key: &str, body: &Value) -> Result<Said, String> {
        let request = self
            .wire
            .post(self.wire.at(path))
            .header(IDEMPOTENCY_KEY, key)
            .header("Content-Type", "application/json")
            .body(body.to_string());
        self.send(request, key).await
    }

    /// Sends a request; an answer that says it is for something else is none.
    async fn send(&self, request: RequestBuilder, key: &str) -> Result<Said, String> {
        let said = self.wire.send(request).await?;
        match said.body.value()["key"].as_str() {
            Some(named) if of_payment(named) != of_payment(key) => {
                Err("its answer is for another payment".to_owned())
            }
            Some(_) | None => Ok(said),
        }
    }
}

/// The token, or the number where it is still known.
fn card(request: &Request) -> Option<&str> {
    match (&request.secret, &request.card) {
        (Some(secret), _) => Some(secret.reveal()),
        (None, Some(Card::Token(token))) => Some(token),
        (None, Some(Card::Number { .. }) | None) => None,
    }
}

/// What was asked of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To take the money.
    Charge,
    /// What became of it.
    Question,
    /// To give so much back.
    Refund(Money),
}

/// What an answer with this status and body means.
#[must_use]
pub fn meaning(of: Asked, status: u16, body: &[u8]) -> Answer {
    let said = Said::of(status, body);
    match of {
        Asked::Charge => captured(&said),
        Asked::Question => asked(&said),
        Asked::Refund(amount) => refunded(&said, amount),
    }
}

/// What the answer to a charge means.
fn captured(said: &Said) -> Answer {
    let value = said.body.value();
    match (said.status, &said.body) {
        (402, _) => Answer::Declined(why(value)),
        (400..=499, _) if value["declined"].is_string() => Answer::Declined(why(value)),
        (200..=299, Body::Json(_)) if value["state"].is_string() => state(said),
        // It was accepted, not done.
        (202, _) | (200..=299, Body::Other) => unclear(said),
        (200..=299, Body::Empty | Body::Json(_)) => Answer::Captured,
        _ => unclear(said),
    }
}

/// What the answer to a question means.
fn asked(said: &Said) -> Answer {
    match (said.status, &said.body) {
        (200, Body::Json(_)) => state(said),
        (404, Body::Empty | Body::Json(_)) => Answer::NotFound,
        _ => unclear(said),
    }
}

fn state(said: &Said) -> Answer {
    let value = said.body.value();
    match value["state"].as_str() {
        Some("captured") => Answer::Captured,
        Some("declined") => Answer::Declined(why(value)),
        // We give back only what we know to be there, so somebody else has: nothing is left.
        Some("refunded") => Answer::Declined("the service gave the money back".to_owned()),
        Some(_) | None => unclear(said),
    }
}

/// What the answer to a refund means. A no is none: the money is the customer's.
fn refunded(said: &Said, wanted: Money) -> Answer {
    let value = said.body.value();
    let other = value["amount"].as_i64().is_some_and(|amount| amount != wanted.amount());
    match (said.status, &said.body) {
        (202, _) => unclear(said),
        (200..=299, Body::Empty | Body::Json(_)) if !other => Answer::Refunded(wanted),
        _ => unclear(said),
    }
}

fn why(value: &Value) -> String {
    let reason = ["declined", "reason"].into_iter().find_map(|name| value[name].as_str());
    told(reason.unwrap_or("the card was declined"))
}

fn unclear(said: &Said) -> Answer {
    Answer::Unknown(match said.body {
        Body::Other => format!("it answered {} and something that is no JSON", said.status),
        Body::Empty | Body::Json(_) => format!("it answered {}", said.status),
    })
}

impl PaymentGateway for JsonGateway {
    fn describe(&self) -> String {
        let open = !self.wire.is_encrypted() && !self.wire.is_local();
        let open = if open { "; the way there is not encrypted" } else { "" };
        format!("the service at {}: real money moves{open}", self.wire.place())
    }

    fn capture(&self, request: Request) -> Answering<'_> {
        Box::pin(in_time(self.take(request)))
    }

    fn ask(&self, request: Request) -> Answering<'_> {
        Box::pin(in_time(self.look(request)))
    }

    fn refund(&self, request: Request) -> Answering<'_> {
        Box::pin(in_time(self.give_back(request)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(answer: &Answer) -> &'static str {
        match answer {
            Answer::Captured => "captured",
            Answer::Declined(_) => "declined",
            Answer::Unknown(_) => "unknown",
            Answer::NotFound => "not found",
            Answer::Refunded(_) => "refunded",
        }
    }

    #[test]
    fn reads_the_answer_to_a_charge() {
        for (status, body, expected) in [
            (200, "", "captured"),
            (201, "{\"id\":7}", "captured"),
            (200, "{\"state\":\"captured\"}", "captured"),
            (200, "{\"state\":\"declined\"}", "declined"),
            (200, "{\"state\":\"thinking\"}", "unknown"),
            (202, "{}", "unknown"),
            (200, "<html>Sign in</html>", "unknown"),
            (402, "", "declined"),
            (402, "<html>", "declined"),
            (409, "{\"declined\":\"limit\"}", "declined"),
            (400, "{\"error\":\"amount?\"}", "unknown"),
            (401, "", "unknown"),
            (404, "", "unknown"),
            (302, "", "unknown"),
            (500, "{\"declined\":\"no\"}", "unknown"),
        ] {
            assert_eq!(
                name(&meaning(Asked::Charge, status, body.as_bytes())),
                expected,
                "{status} {body}"
            );
        }
    }

    #[test]
    fn reads_the_answer_to_a_question() {
        for (status, body, expected) in [
            (200, "{\"state\":\"captured\"}", "captured"),
            (200, "{\"state\":\"declined\",\"reason\":\"limit\"}", "declined"),
            (200, "{\"state\":\"refunded\"}", "declined"),
            (200, "", "unknown"),
            (200, "{}", "unknown"),
            (404, "", "not found"),
            (404, "{\"error\":\"no such payment\"}", "not found"),
            (404, "<html>nginx</html>", "unknown"),
            (500, "", "unknown"),
        ] {
            assert_eq!(
                name(&meaning(Asked::Question, status, body.as_bytes())),
                expected,
                "{status} {body}"
            );
        }
    }
}

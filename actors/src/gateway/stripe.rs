//! Stripe: a payment is a payment intent that is made and confirmed in one call.
//!
//! Our key stands in the intent's metadata and is Stripe's idempotency key, so that a repeated call
//! gets the first one's answer. Stripe keeps that for a day; the engine asks before it repeats a
//! call that is older. Questions only read (see `find.rs`): to repeat the charge and look what comes
//! would be one request instead of two, but could charge an order that is being called off.
//!
//! | Stripe says | we say |
//! |---|---|
//! | intent `succeeded` | captured |
//! | intent `requires_payment_method`, `canceled`; 402 | declined |
//! | intent wants the customer at the screen, or is half made | it is called off, then declined |
//! | 400 or 404 of type `invalid_request_error` | declined: Stripe looked at it and did nothing |
//! | `idempotency_error`, 401, 403, 409, 429, 5xx, anything else | unknown |

mod amount;
mod find;
mod secret;
pub mod webhook;

use std::sync::Arc;

use reqwest::RequestBuilder;
use serde_json::Value;
use surehold_domain::card::Card;

pub use secret::ApiKey;

use super::key::of_payment;
use super::wire::{Connections, Said, Wire, in_time, told};
use super::{Answer, Answering, PaymentGateway, Request};

/// Where Stripe is.
pub const STRIPE: &str = "https://api.stripe.com";
/// The name of our key in Stripe's metadata.
pub const METADATA: &str = "surehold_key";
/// The version whose answers are read here.
const VERSION: &str = "2024-06-20";
/// Longest answer that is read, in bytes: a page of a hundred intents.
const ANSWER_MAX: usize = 1024 * 1024;

/// The Stripe gateway.
#[derive(Clone)]
pub struct Stripe {
    wire: Arc<Wire>,
    key: ApiKey,
}

/// What Stripe is told to charge, or why it is not.
enum Source {
    Method(String),
    Token(String),
    /// A number; only test keys send one.
    Number(String),
    /// A number that is no longer known.
    Lost,
    None(String),
}

impl Stripe {
    /// Stripe, or a test server at this address. Nothing is sent yet.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn new(url: &str, key: ApiKey) -> Result<Stripe, String> {
        let wire = Wire::new(url, ANSWER_MAX, Connections::Kept)?;
        if !key.is_test() && !wire.is_encrypted() {
            return Err(format!("\"{}\": a live key goes only to https://", wire.place()));
        }
        Ok(Stripe { wire: Arc::new(wire), key })
    }

    fn source(&self, request: &Request) -> Source {
        match (&request.secret, &request.card) {
            (Some(secret), Some(Card::Number { .. }) | None) if self.key.is_test() => {
                Source::Number(secret.reveal().to_owned())
            }
            // A number alone has no date of expiry, which real cards need.
            (Some(_), Some(Card::Number { .. }) | None) => {
                Source::None("pay with a token of Stripe's, not with a card number".to_owned())
            }
            (_, Some(Card::Token(token))) => match token.split('_').next() {
                Some("pm" | "card" | "src") => Source::Method(token.clone()),
                Some("tok") => Source::Token(token.clone()),
                Some(_) | None => {
                    Source::None("the card is no token of Stripe's (pm_... or tok_...)".to_owned())
                }
            },
            (None, Some(Card::Number { .. })) => Source::Lost,
            (None, None) => Source::None("no card was given".to_owned()),
        }
    }

    async fn take(&self, request: Request) -> Result<Answer, String> {
        let amount = match amount::at_stripe(request.amount) {
            Ok(0) => return Ok(Answer::Captured),
            Ok(amount) => amount,
            Err(why) => return Ok(Answer::Declined(why)),
        };
        let currency = request.amount.currency().code().to_ascii_lowercase();
        let mut form = vec![
            ("amount", amount.to_string()),
            ("currency", currency),
            ("confirm", "true".to_owned()),
            ("capture_method", "automatic".to_owned()),
            ("payment_method_types[]", "card".to_owned()),
            ("metadata[surehold_key]", request.key.clone()),
        ];
        match self.source(&request) {
            Source::Method(method) => form.push(("payment_method", method)),
            Source::Token(token) => {
                form.push(("payment_method_data[type]", "card".to_owned()));
                form.push(("payment_method_data[card][token]", token));
            }
            Source::Number(number) => match self.method(&request.key, number).await? {
                Ok(method) => form.push(("payment_method", method)),
                Err(answer) => return Ok(answer),
            },
            Source::Lost => {
                // It can have been sent before the number was lost, but not after.
                let lost = || Answer::Declined("the card number is no longer known".to_owned());
                let found = self.look(&request).await?;
                return Ok(if found == Answer::NotFound { lost() } else { found });
            }
            Source::None(why) => return Ok(Answer::Declined(why)),
        }
        let said = self.post(&["v1", "payment_intents"], &request.key, &form).await?;
        match said.status {
            200 => self.judge(said.body.value()).await,
            _ => Ok(refused(&said)),
        }
    }

    /// Has a number made into a payment method. Test servers take any date.
    async fn method(&self, key: &str, number: String) -> Result<Result<String, Answer>, String> {
        let form = [
            ("type", "card".to_owned()),
            ("card[number]", number),
            ("card[exp_month]", "12".to_owned()),
            ("card[exp_year]", "2040".to_owned()),
            ("card[cvc]", "123".to_owned()),
        ];
        let said = self.post(&["v1", "payment_methods"], &format!("{key}-method"), &form).await?;
        Ok(match (said.status, said.body.value()["id"].as_str()) {
            (200, Some(method)) => Ok(method.to_owned()),
            _ => Err(refused(&said)),
        })
    }

    async fn look(&self, request: &Request) -> Result<Answer, String> {
        match self.find(of_payment(&request.key)).await? {
            Some(intent) => self.judge(&intent).await,
            None => Ok(Answer::NotFound),
        }
    }

    /// What an intent means.
    async fn judge(&self, intent: &Value) -> Result<Answer, String> {
        Ok(match intent["status"].as_str() {
            Some("succeeded") => Answer::Captured,
            Some("canceled") => Answer::Declined("the payment was called off".to_owned()),
            Some("requires_payment_method") => {
                let error = &intent["last_payment_error"]["message"];
                Answer::Declined(told(error.as_str().unwrap_or("the card was declined")))
            }
            // Nobody is at a screen any more. It may not stay: somebody could finish it later.
            Some("requires_action" | "requires_confirmation" | "requires_capture") => {
                self.call_off(intent).await?
            }
            Some(status) => Answer::Unknown(format!("the payment intent is {}", told(status))),
            None => Answer::Unknown("that is no payment intent".to_owned()),
        })
    }

    async fn call_off(&self, intent: &Value) -> Result<Answer, String> {
        let Some(id) = intent["id"].as_str() else {
            return Ok(Answer::Unknown("a payment intent without id".to_owned()));
        };
        let key = format!("{id}-cancel");
        let said = self.post(&["v1", "payment_intents", id, "cancel"], &key, &[]).await?;
        Ok(match (said.status, said.body.value()["status"].as_str()) {
            (200, Some("canceled")) => {
                let why = "the bank wants to ask the customer, which is not possible here";
                Answer::Declined(why.to_owned())
            }
            // It may have succeeded in between: the next question tells.
            _ => Answer::Unknown("the payment intent is not done and stays".to_owned()),
        })
    }

    async fn give_back(&self, request: Request) -> Result<Answer, String> {
        let amount = match amount::at_stripe(request.amount) {
            Ok(0) => return Ok(Answer::Refunded(request.amount)),
            Ok(amount) => amount,
            Err(why) => return Ok(Answer::Unknown(why)),
        };
        let Some(intent) = self.find(of_payment(&request.key)).await? else {
            return Ok(Answer::NotFound);
        };
        let id = intent["id"].as_str().unwrap_or_default();
        if let Some(refund) = self.find_refund(id, &request.key).await? {
            return Ok(given_back(&refund, &request));
        }
        let form = [
            ("payment_intent", id.to_owned()),
            ("amount", amount.to_string()),
            ("metadata[surehold_key]", request.key.clone()),
        ];
        let said = self.post(&["v1", "refunds"], &request.key, &form).await?;
        let error = said.body.value()["error"]["code"].as_str();
        Ok(match (said.status, error) {
            (200, _) => given_back(said.body.value(), &request),
            // Somebody did it by hand.
            (400, Some("charge_already_refunded")) => Answer::Refunded(request.amount),
            _ => Answer::Unknown(words(&said)),
        })
    }

    async fn post(
        &self,
        path: &[&str],
        key: &str,
        form: &[(&str, String)],
    ) -> Result<Said, String> {
        let request = self.wire.post(self.wire.at(path)).header("Idempotency-Key", key);
        self.send(request.form(form)).await
    }

    async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Said, String> {
        let mut url = self.wire.at(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.send(self.wire.get(url)).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Said, String> {
        let request = request.bearer_auth(self.key.reveal()).header("Stripe-Version", VERSION);
        self.wire.send(request).await
    }
}

/// What it means that Stripe did not do as it was told.
fn refused(said: &Said) -> Answer {
    let error = &said.body.value()["error"];
    match (said.status, error["type"].as_str()) {
        (402, _) => {
            Answer::Declined(told(error["message"].as_str().unwrap_or("the card was declined")))
        }
        (400 | 404, Some("invalid_request_error")) => Answer::Declined(words(said)),
        _ => Answer::Unknown(words(said)),
    }
}

fn words(said: &Said) -> String {
    match said.body.value()["error"]["message"].as_str() {
        Some(message) => format!("Stripe answered {}: {}", said.status, told(message)),
        None => format!("Stripe answered {}", said.status),
    }
}

/// What a refund means. One that is pending is looked at again: it can still fail.
fn given_back(refund: &Value, request: &Request) -> Answer {
    match refund["status"].as_str() {
        Some("succeeded") => Answer::Refunded(request.amount),
        status => Answer::Unknown(format!("the refund is {}", told(status.unwrap_or("unclear")))),
    }
}

async fn settled(call: impl Future<Output = Result<Answer, String>> + Send) -> Answer {
    in_time(async { call.await.unwrap_or_else(Answer::Unknown) }).await
}

impl PaymentGateway for Stripe {
    fn describe(&self) -> String {
        let money = if self.key.is_test() { "no real money moves" } else { "real money moves" };
        format!("Stripe at {} with the key {}: {money}", self.wire.place(), self.key)
    }

    fn capture(&self, request: Request) -> Answering<'_> {
        Box::pin(settled(self.take(request)))
    }

    fn ask(&self, request: Request) -> Answering<'_> {
        Box::pin(settled(async move { self.look(&request).await }))
    }

    fn refund(&self, request: Request) -> Answering<'_> {
        Box::pin(settled(self.give_back(request)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::Body;
    use super::*;

    #[test]
    fn tells_a_no_from_a_perhaps() {
        for (status, kind, declined) in [
            (402, "card_error", true),
            (402, "invalid_request_error", true),
            (400, "invalid_request_error", true),
            (404, "invalid_request_error", true),
            (400, "idempotency_error", false),
            (401, "invalid_request_error", false),
            (403, "invalid_request_error", false),
            (409, "invalid_request_error", false),
            (429, "invalid_request_error", false),
            (500, "api_error", false),
        ] {
            let error = serde_json::json!({"error": {"type": kind, "message": "words"}});
            let said = Said { status, body: Body::Json(error) };
            let is = matches!(refused(&said), Answer::Declined(why) if why.contains("words"));
            assert_eq!(is, declined, "{status} {kind}");
        }
        let page = Said { status: 400, body: Body::Other };
        assert_eq!(refused(&page), Answer::Unknown("Stripe answered 400".to_owned()));
    }

    #[test]
    fn a_live_key_travels_only_encrypted() {
        let live = ApiKey::parse("sk_live_0123456789abcdef").unwrap();
        assert!(Stripe::new("http://127.0.0.1:1", live.clone()).is_err());
        let text = Stripe::new(STRIPE, live).unwrap().describe();
        assert!(text.contains("real money moves") && text.contains("sk_live_...cdef"), "{text}");
        assert!(!text.contains("0123"), "{text}");
    }
}

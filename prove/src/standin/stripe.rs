//! A stand-in that plays the few parts of Stripe that the engine uses: payment intents that are made
//! and confirmed in one call, looked up by id, by search or in the list, and refunds. It knows only
//! cards that pay. What is particular about it: the signed event of a payment is on its way while the
//! answer to the confirmation still is, and comes several times, as Stripe says it may.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::runtime::Handle;

use super::{Asked, Reply, Standin, What};
use crate::client::{Client, Request};

/// The key the server is given for it. It looks like a test key, and opens nothing.
pub const KEY: &str = "sk_test_stand0in0stand0in";
/// What it signs its events with.
pub const SECRET: &str = "whsec_of_the_stand_in";
/// Copies of each event: the first at once, the others right after.
const COPIES: usize = 3;
/// Questions it does not find anything for are answered with this.
const NOT_FOUND: &str = "invalid_request_error";

/// What the stand-in knows.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// Payment intents, oldest first.
    pub intents: Vec<Value>,
    /// Refunds, oldest first.
    pub refunds: Vec<Value>,
    /// Answers by idempotency key.
    answers: BTreeMap<String, Value>,
    /// Events that were taken with status 200.
    pub events_taken: u64,
    /// Events that were answered otherwise.
    pub events_refused: Vec<String>,
    /// Where events go.
    to: String,
    /// How many answers to a confirmation are still to be lost on their way.
    pub lose: u64,
}

impl Books {
    /// The intents with this key of ours.
    pub fn of_key<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Value> {
        self.intents.iter().filter(move |intent| intent["metadata"]["surehold_key"] == key)
    }

    /// What was taken, in minor units.
    #[must_use]
    pub fn captured(&self) -> i64 {
        self.intents.iter().filter_map(|intent| intent["amount"].as_i64()).sum()
    }

    /// What was given back, in minor units.
    #[must_use]
    pub fn refunded(&self) -> i64 {
        self.refunds.iter().filter_map(|refund| refund["amount"].as_i64()).sum()
    }
}

/// The running stand-in.
#[derive(Debug)]
pub struct Stripe {
    standin: Standin,
    books: Arc<Mutex<Books>>,
}

impl Stripe {
    /// Starts it.
    ///
    /// # Errors
    /// One line, if there is no port.
    pub fn start(runtime: &Handle) -> Result<Stripe, String> {
        let books = Arc::new(Mutex::new(Books::default()));
        let (state, spawner) = (Arc::clone(&books), runtime.clone());
        let standin = Standin::serve(runtime, move |asked| answer(&state, &spawner, &asked))?;
        Ok(Stripe { standin, books })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        self.standin.url()
    }

    /// Has its events sent to the server at this host and port.
    pub fn tell(&self, address: &str) {
        address.clone_into(&mut self.books().to);
    }

    /// Its books. Nobody is answered while they are held.
    pub fn books(&self) -> MutexGuard<'_, Books> {
        lock(&self.books)
    }
}

fn lock(books: &Mutex<Books>) -> MutexGuard<'_, Books> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(state: &Arc<Mutex<Books>>, spawner: &Handle, asked: &Asked) -> Reply {
    let mut books = lock(state);
    let parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
    match (asked.method.as_str(), parts.as_slice()) {
        ("POST", ["v1", "payment_intents"]) => {
            let (intent, new) = charge(&mut books, asked);
            if new && !books.to.is_empty() {
                spawner.spawn(tell(Arc::clone(state), books.to.clone(), intent.clone()));
            }
            if new && books.lose > 0 {
                books.lose -= 1;
                return Reply { after: Duration::ZERO, what: What::HangUp };
            }
            Reply::say(200, intent)
        }
        ("POST", ["v1", "refunds"]) => Reply::say(200, refund(&mut books, asked)),
        ("GET", ["v1", "payment_intents", "search"]) => {
            let query = field(&asked.query, "query").unwrap_or_default();
            let key = query.split('"').nth(3).unwrap_or_default();
            Reply::say(200, list(books.of_key(key)))
        }
        ("GET", ["v1", "payment_intents"]) => Reply::say(200, list(books.intents.iter().rev())),
        ("GET", ["v1", "payment_intents", id]) => {
            let found = books.intents.iter().find(|intent| intent["id"] == *id);
            found.map_or_else(unknown, |intent| Reply::say(200, intent.clone()))
        }
        ("GET", ["v1", "refunds"]) => {
            let intent = field(&asked.query, "payment_intent").unwrap_or_default();
            let of = books.refunds.iter().filter(|refund| refund["payment_intent"] == intent);
            Reply::say(200, list(of))
        }
        _ => unknown(),
    }
}

fn unknown() -> Reply {
    let error = json!({"type": NOT_FOUND, "message": "the stand-in does not know that"});
    Reply::say(404, json!({ "error": error }))
}

fn list<'a>(items: impl Iterator<Item = &'a Value>) -> Value {
    json!({"object": "list", "data": items.collect::<Vec<_>>(), "has_more": false})
}

/// Makes and confirms an intent, once per idempotency key; also whether it is a new one.
fn charge(books: &mut Books, asked: &Asked) -> (Value, bool) {
    if let Some(answer) = books.answers.get(&asked.key) {
        return (answer.clone(), false);
    }
    let form = String::from_utf8_lossy(&asked.body).into_owned();
    let text = |name: &str| field(&form, name).unwrap_or_default();
    let intent = json!({
        "id": format!("pi_{}", books.intents.len() + 1),
        "object": "payment_intent",
        "status": "succeeded",
        "amount": text("amount").parse::<i64>().unwrap_or_default(),
        "currency": text("currency"),
        "metadata": {"surehold_key": text("metadata[surehold_key]")},
        "created": now(),
    });
    books.intents.push(intent.clone());
    books.answers.insert(asked.key.clone(), intent.clone());
    (intent, true)
}

fn refund(books: &mut Books, asked: &Asked) -> Value {
    if let Some(answer) = books.answers.get(&asked.key) {
        return answer.clone();
    }
    let form = String::from_utf8_lossy(&asked.body).into_owned();
    let text = |name: &str| field(&form, name).unwrap_or_default();
    let refund = json!({
        "id": format!("re_{}", books.refunds.len() + 1),
        "object": "refund",
        "status": "succeeded",
        "amount": text("amount").parse::<i64>().unwrap_or_default(),
        "payment_intent": text("payment_intent"),
        "metadata": {"surehold_key": text("metadata[surehold_key]")},
    });
    books.refunds.push(refund.clone());
    books.answers.insert(asked.key.clone(), refund.clone());
    refund
}

/// Tells the server that an intent succeeded.
async fn tell(state: Arc<Mutex<Books>>, to: String, intent: Value) {
    let event = json!({"type": "payment_intent.succeeded", "data": {"object": intent}}).to_string();
    let mut client = Client::new(&to);
    for _ in 0..COPIES {
        let request = Request {
            method: "POST",
            path: "/webhooks/stripe".to_owned(),
            headers: vec![("stripe-signature".to_owned(), sign(&event))],
            body: Some(event.clone().into_bytes()),
        };
        let said = client.send(&request).await;
        let mut books = lock(&state);
        match said {
            Ok(answer) if answer.status == 200 => books.events_taken += 1,
            Ok(answer) => books.events_refused.push(answer.told()),
            Err(error) => books.events_refused.push(error.to_string()),
        }
    }
}

fn sign(body: &str) -> String {
    let at = now();
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes());
    let mac = mac.expect("any length of key is allowed").chain_update(format!("{at}.{body}"));
    let tag: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    format!("t={at},v1={tag}")
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A field of a form or of a query.
fn field(form: &str, name: &str) -> Option<String> {
    let pairs = form.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (plain(key), plain(value))).find(|(key, _)| key == name).map(|it| it.1)
}

/// Without the escapes of forms.
fn plain(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let code = std::str::from_utf8(&digits).unwrap_or_default();
                bytes.push(u8::from_str_radix(code, 16).unwrap_or(b'?'));
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_forms_and_signs_what_the_engine_believes() {
        let form = "amount=700&metadata%5Bsurehold_key%5D=a-1-2&note=two+words";
        assert_eq!(field(form, "metadata[surehold_key]").as_deref(), Some("a-1-2"));
        assert_eq!(field(form, "note").as_deref(), Some("two words"));
        assert_eq!(field(form, "other"), None);
        let webhook = surehold::gateway::stripe::webhook::Webhook::new(SECRET).unwrap();
        assert!(webhook.read(&sign("{}"), b"{}").is_ok());
        assert!(webhook.read(&sign("{}"), b"{ }").is_err());
    }
}

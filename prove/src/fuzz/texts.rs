//! Text from outside: market files, Stripe's events, the answers of a payment service.

use std::collections::BTreeSet;

use surehold_actors::gateway::json::{Asked, meaning};
use surehold_actors::gateway::key::Key;
use surehold_actors::gateway::stripe::webhook::{Webhook, named};
use surehold_domain::money::{Currency, Money};
use surehold_domain::payment::Answer;
use surehold_domain::plan::Plan;

/// Longest reason of a gateway's that is kept, in characters.
const REASON_MAX: usize = 200;
/// So many digits in a row may be a card number.
const CARD_DIGITS: usize = 13;

/// Pieces of market files.
pub(super) const MARKET_WORDS: &[&str] = &[
    "\n[[offerings]]\n",
    "\n[payment]\n",
    "when = \"later\"",
    "within = ",
    "\"1 h\"",
    "\"99999999 d\"",
    "inventory = { ",
    "model = \"slots\"",
    "model = \"nights\"",
    "zone = \"Europe/Berlin\"",
    "slots = [\"2027-03-28T02:30\"]",
    "units = ",
    "capacity = ",
    "[offerings.inventory.repeat]\n",
    "overbook = ",
    "{orderId}",
    "{",
    "}",
    "\"\"\"",
    "\\u0000",
    "[",
    "]",
    "percent = 101",
    "id = 1\n",
    "price = { amount = 1 }\n",
    "-",
    ".",
    "2027-02-29",
    "inf",
    "nan",
];
/// Pieces of Stripe's events.
pub(super) const WEBHOOK_WORDS: &[&str] = &[
    "t=1700000000",
    ",v1=",
    "v0=00",
    "=",
    ",",
    "\n",
    "surehold_key",
    "-refund",
    "{\"data\":{\"object\":{\"metadata\":",
    "00000000000000000000000000000abc-3-7",
    "\\ud800",
    "[[[[",
    "18446744073709551616",
];
/// Pieces of a payment service's answers.
pub(super) const ANSWER_WORDS: &[&str] = &[
    "\"state\":",
    "\"captured\"",
    "\"declined\"",
    "\"refunded\"",
    "\"reason\":",
    "\"amount\":",
    "4242424242424242",
    "4242 4242-4242 4242",
    "null",
    "\\u0000",
    "[",
    "{",
    "}",
    "1e999",
];

/// A market file: it is a plan that makes sense, or one line says what is wrong with it.
///
/// # Errors
/// What does not hold.
pub fn market(bytes: &[u8]) -> Result<bool, String> {
    let Ok(text) = str::from_utf8(bytes) else { return Ok(false) };
    let plan = match Plan::parse("fuzz.toml", text) {
        Ok(plan) => plan,
        Err(error) => {
            let said = error.to_string();
            return if said.lines().count() == 1 && !error.reason.is_empty() {
                Ok(false)
            } else {
                Err(format!("the complaint is not one line: {said:?}"))
            };
        }
    };
    let numbers: BTreeSet<_> = plan.offerings.iter().map(|planned| planned.id).collect();
    if numbers.len() != plan.offerings.len() || numbers.iter().any(|id| id.0 == 0) {
        return Err("two offerings have one number, or one has none".to_owned());
    }
    match Plan::parse("fuzz.toml", text) {
        Ok(again) if again == plan => Ok(true),
        Ok(_) | Err(_) => Err("it is read differently each time".to_owned()),
    }
}

/// An event of Stripe's: the signature, a line break, the body. Nobody here knows the secret, so none is believed; a
/// payment that is named has a key that would be written like that.
///
/// # Errors
/// What does not hold.
pub fn webhook(bytes: &[u8]) -> Result<bool, String> {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (signature, body) = bytes.split_at(end);
    let body = body.get(1..).unwrap_or_default();
    let webhook = Webhook::new("whsec_0123456789abcdef")?;
    if let Ok(signature) = str::from_utf8(signature)
        && let Ok(believed) = webhook.read(signature, body)
    {
        return Err(format!("an event that nobody signed is believed: {believed:?}"));
    }
    match named(body) {
        None => Ok(false),
        Some(key) if Key::parse(&key.to_string()) == Some(key) => Ok(true),
        Some(key) => Err(format!("the key {key} is not read as it is written")),
    }
}

/// An answer of a payment service: what was asked (1 byte), the status (2), the body. In doubt nothing is known.
///
/// # Errors
/// What does not hold.
pub fn answer(bytes: &[u8]) -> Result<bool, String> {
    let Some(([asked, low, high], body)) = bytes.split_first_chunk::<3>() else { return Ok(false) };
    let status = 100 + u16::from_le_bytes([*low, *high]) % 500;
    let currency = Currency::parse("EUR").map_err(|error| error.to_string())?;
    let wanted = Money::new(1250, currency).map_err(|error| error.to_string())?;
    let asked = match asked % 3 {
        0 => Asked::Charge,
        1 => Asked::Question,
        _ => Asked::Refund(wanted),
    };
    let answer = meaning(asked, status, body);
    let fits = match &answer {
        Answer::Captured => (200..300).contains(&status) && !matches!(asked, Asked::Refund(_)),
        Answer::Declined(_) => (200..500).contains(&status) && !matches!(asked, Asked::Refund(_)),
        Answer::NotFound => status == 404 && asked == Asked::Question,
        Answer::Refunded(amount) => (200..300).contains(&status) && *amount == wanted,
        Answer::Unknown(_) => true,
    };
    if !fits {
        return Err(format!("{status} to {asked:?} is taken for {answer:?}"));
    }
    match &answer {
        Answer::Declined(why) => may_be_kept(why).map(|()| true),
        Answer::Unknown(_) => Ok(false),
        Answer::Captured | Answer::NotFound | Answer::Refunded(_) => Ok(true),
    }
}

fn may_be_kept(why: &str) -> Result<(), String> {
    let digits = why.chars().filter(|c| !matches!(c, ' ' | '-')).collect::<String>();
    let run = digits.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    if run >= CARD_DIGITS {
        return Err("what may be a card number is kept as a reason".to_owned());
    }
    if why.chars().count() > REASON_MAX || why.chars().any(char::is_control) {
        return Err(format!("that is no short line: {why:?}"));
    }
    Ok(())
}

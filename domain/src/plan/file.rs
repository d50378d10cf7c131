//! The plan file as it is written, and its translation into a [`Plan`].

use serde::Deserialize;

use super::{Plan, PlanError, PlannedOffering, check_attributes, check_name, messages};
use crate::attributes::{Attribute, Attributes};
use crate::id::OfferingId;
use crate::inventory::{Model, Offering};
use crate::money::{Currency, Money};
use crate::quantity::Quantity;
use crate::terms::{
    ConfirmationTerms, ConfirmedBy, PaymentTerms, RefundTier, Terms, WhenUnavailable,
    WhenUnconfirmed,
};
use crate::time::Span;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    title: Option<String>,
    currency: String,
    payment: Option<Payment>,
    confirmation: Option<Confirmation>,
    completion: Option<Completion>,
    cancellation: Option<Cancellation>,
    #[serde(default)]
    offerings: Vec<OfferingEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payment {
    when: Option<String>,
    within: Option<String>,
    hold: Option<String>,
    when_unavailable: Option<String>,
    pay_later_within: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    by: Option<String>,
    within: Option<String>,
    then: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Completion {
    after: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cancellation {
    quote_holds: Option<String>,
    #[serde(default)]
    tiers: Vec<Tier>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tier {
    until: String,
    percent: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfferingEntry {
    id: i64,
    name: String,
    price: Price,
    inventory: Inventory,
    #[serde(default)]
    attributes: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    amount: i64,
    currency: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inventory {
    model: String,
    capacity: Option<i64>,
    quantity: Option<toml::Value>,
}

/// A key and what is wrong with it; the file is added at the end.
type Bad = (String, String);

fn bad<T>(key: impl Into<String>, reason: impl Into<String>) -> Result<T, Bad> {
    Err((key.into(), reason.into()))
}

pub(super) fn read(file: &str, text: &str) -> Result<Plan, PlanError> {
    let parsed: File = toml::from_str(text).map_err(|error| PlanError {
        file: file.to_owned(),
        key: place(text, error.span()),
        reason: error.message().to_owned(),
    })?;
    plan(parsed).map_err(|(key, reason)| PlanError { file: file.to_owned(), key, reason })
}

/// Line, and the key written there: what a person looks for in the file.
fn place(text: &str, span: Option<std::ops::Range<usize>>) -> String {
    let Some(start) = span.map(|span| span.start.min(text.len())) else {
        return "the whole file".to_owned();
    };
    let before = text.get(..start).unwrap_or(text);
    let line = before.bytes().filter(|b| *b == b'\n').count();
    let written = text.lines().nth(line).unwrap_or("").split('=').next().unwrap_or("").trim();
    format!("line {} ({written})", line + 1)
}

fn plan(file: File) -> Result<Plan, Bad> {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let first = file.name.starts_with(|c: char| c.is_ascii_lowercase());
    if !first || file.name.len() > 32 || !file.name.chars().all(letter) || file.name == "v1" {
        return bad(
            "name",
            "must be 1 to 32 small letters, digits and '-', beginning with a letter, and not \"v1\"",
        );
    }
    let title = file.title.unwrap_or_else(|| file.name.clone());
    check_name(&title).map_err(|reason| ("title".to_owned(), reason))?;
    let currency =
        Currency::parse(&file.currency).map_err(|e| ("currency".to_owned(), e.to_string()))?;
    let terms = terms(file.payment, file.confirmation, file.completion, file.cancellation)?;
    let mut offerings: Vec<PlannedOffering> = Vec::new();
    for (index, entry) in file.offerings.into_iter().enumerate() {
        let offering = planned(entry, currency)
            .map_err(|(key, reason)| (format!("offerings[{index}].{key}"), reason))?;
        if offerings.iter().any(|other| other.id == offering.id) {
            return bad(format!("offerings[{index}].id"), "is used twice");
        }
        offerings.push(offering);
    }
    Ok(Plan { messages: Default::default(), name: file.name, title, currency, terms, offerings })
}

fn terms(
    payment: Option<Payment>,
    confirmation: Option<Confirmation>,
    completion: Option<Completion>,
    cancellation: Option<Cancellation>,
) -> Result<Terms, Bad> {
    let payment = payment.unwrap_or(Payment {
        when: None,
        within: None,
        hold: None,
        when_unavailable: None,
        pay_later_within: None,
    });
    let cancellation =
        cancellation.unwrap_or(Cancellation { quote_holds: None, tiers: Vec::new() });
    let completion = completion.map(|completion| completion.after);
    Ok(Terms {
        hold: span("payment.hold", payment.hold.as_deref(), Span::seconds(900))?,
        when_unavailable: when_unavailable(&payment)?,
        payment: payment_terms(&payment)?,
        confirmation: confirmation_terms(confirmation)?,
        completion: span("completion.after", completion.as_deref(), Span::seconds(90 * 86_400))?,
        tiers: tiers(cancellation.tiers)?,
        quote: span(
            "cancellation.quote_holds",
            cancellation.quote_holds.as_deref(),
            Span::seconds(900),
        )?,
        mileage: None,
    })
}

fn span(key: &str, text: Option<&str>, default: Span) -> Result<Span, Bad> {
    let Some(text) = text else { return Ok(default) };
    match Span::parse(text) {
        Ok(Span(0)) => bad(key, "must be longer than nothing"),
        Ok(span) => Ok(span),
        Err(reason) => bad(key, reason),
    }
}

fn payment_terms(payment: &Payment) -> Result<PaymentTerms, Bad> {
    let when = payment.when.as_deref().unwrap_or("with_order");
    if when != "later" && payment.within.is_some() {
        return bad("payment.within", "only goes with when = \"later\"");
    }
    match when {
        "none" => Ok(PaymentTerms::None),
        "with_order" => Ok(PaymentTerms::WithOrder),
        "later" => {
            let within = span("payment.within", payment.within.as_deref(), Span::seconds(86_400))?;
            Ok(PaymentTerms::Later { within })
        }
        other => one_of("payment.when", other, &["with_order", "later", "none"]),
    }
}

fn when_unavailable(payment: &Payment) -> Result<WhenUnavailable, Bad> {
    let when = payment.when_unavailable.as_deref().unwrap_or("refuse");
    if when != "pay_later" && payment.pay_later_within.is_some() {
        return bad("payment.pay_later_within", "only goes with when_unavailable = \"pay_later\"");
    }
    match when {
        "refuse" => Ok(WhenUnavailable::Refuse),
        "pay_later" => {
            let text = payment.pay_later_within.as_deref();
            let within = span("payment.pay_later_within", text, Span::seconds(86_400))?;
            Ok(WhenUnavailable::PayLater { within })
        }
        other => one_of("payment.when_unavailable", other, &["refuse", "pay_later"]),
    }
}

fn confirmation_terms(confirmation: Option<Confirmation>) -> Result<ConfirmationTerms, Bad> {
    let file = confirmation.unwrap_or(Confirmation { by: None, within: None, then: None });
    let by = match file.by.as_deref().unwrap_or("auto") {
        "auto" => ConfirmedBy::Auto,
        "operator" => ConfirmedBy::Operator,
        other => return one_of("confirmation.by", other, &["auto", "operator"]),
    };
    let then = match file.then.as_deref().unwrap_or("cancel") {
        "cancel" => WhenUnconfirmed::Cancel,
        "confirm" => WhenUnconfirmed::Confirm,
        other => return one_of("confirmation.then", other, &["cancel", "confirm"]),
    };
    let within = span("confirmation.within", file.within.as_deref(), Span::seconds(7 * 86_400))?;
    Ok(ConfirmationTerms { by, within, then })
}

fn tiers(tiers: Vec<Tier>) -> Result<Vec<RefundTier>, Bad> {
    let mut read: Vec<RefundTier> = Vec::new();
    for (index, tier) in tiers.into_iter().enumerate() {
        let key = format!("cancellation.tiers[{index}]");
        let until = Span::parse(&tier.until).map_err(|reason| (format!("{key}.until"), reason))?;
        let percent = match u8::try_from(tier.percent) {
            Ok(percent) if percent <= 100 => percent,
            Ok(_) | Err(_) => return bad(format!("{key}.percent"), "must be from 0 to 100"),
        };
        if let Some(last) = read.last() {
            if until >= last.until {
                return bad(format!("{key}.until"), "must be shorter than the tier before it");
            }
            if percent > last.percent {
                return bad(format!("{key}.percent"), "must not exceed the tier before it");
            }
        }
        read.push(RefundTier { until, percent });
    }
    Ok(read)
}

fn planned(entry: OfferingEntry, currency: Currency) -> Result<PlannedOffering, Bad> {
    let id = match u64::try_from(entry.id) {
        Ok(id) if (1..=1_000_000).contains(&id) => OfferingId(id),
        Ok(_) | Err(_) => return bad("id", "must be from 1 to 1000000"),
    };
    check_name(&entry.name).map_err(|reason| ("name".to_owned(), reason))?;
    let currency = match entry.price.currency.as_deref() {
        None => currency,
        Some(code) => {
            Currency::parse(code).map_err(|e| ("price.currency".to_owned(), e.to_string()))?
        }
    };
    let price = Money::new(entry.price.amount, currency)
        .map_err(|e| ("price.amount".to_owned(), e.to_string()))?;
    let attributes = attributes(entry.attributes)?;
    check_attributes(&attributes)
        .map_err(|(name, reason)| (format!("attributes.{name}"), reason))?;
    let model = model(entry.inventory)?;
    Ok(PlannedOffering { id, offering: Offering { name: entry.name, price, model, attributes } })
}

fn model(inventory: Inventory) -> Result<Model, Bad> {
    let Inventory { model, capacity, quantity } = inventory;
    match (model.as_str(), capacity, quantity) {
        ("unlimited", None, None) => Ok(Model::Unlimited),
        ("unlimited", _, _) => {
            bad("inventory", "an unlimited offering has no capacity or quantity")
        }
        ("seats", Some(capacity), None) => {
            let capacity = u64::try_from(capacity).ok().and_then(|n| Quantity::whole(n).ok());
            match capacity {
                Some(capacity) if !capacity.is_none() => Ok(Model::Seats { capacity }),
                Some(_) | None => bad("inventory.capacity", "must be from 1 to 1000000000"),
            }
        }
        ("seats", _, _) => bad("inventory", "seats need a capacity, and nothing else"),
        ("stock", None, Some(quantity)) => {
            let text = match quantity {
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::String(text) => text,
                toml::Value::Boolean(_)
                | toml::Value::Datetime(_)
                | toml::Value::Array(_)
                | toml::Value::Table(_) => String::new(),
            };
            let quantity = Quantity::parse(&text);
            quantity
                .map(|quantity| Model::Stock { quantity })
                .map_err(|error| ("inventory.quantity".to_owned(), error.to_string()))
        }
        ("stock", _, _) => bad("inventory", "stock needs a quantity, and nothing else"),
        (other, _, _) => one_of("inventory.model", other, &["unlimited", "seats", "stock"]),
    }
}

fn attributes(table: toml::Table) -> Result<Attributes, Bad> {
    table
        .into_iter()
        .map(|(name, value)| match value {
            toml::Value::String(text) => Ok((name, Attribute::Text(text))),
            toml::Value::Integer(number) => Ok((name, Attribute::Whole(number))),
            toml::Value::Float(number) => Ok((name, Attribute::Decimal(number))),
            toml::Value::Boolean(flag) => Ok((name, Attribute::Flag(flag))),
            toml::Value::Datetime(_) | toml::Value::Array(_) | toml::Value::Table(_) => {
                bad(format!("attributes.{name}"), "must be a text, a number, or true or false")
            }
        })
        .collect()
}

fn one_of<T>(key: &str, found: &str, allowed: &[&str]) -> Result<T, Bad> {
    let allowed: Vec<String> = allowed.iter().map(|word| format!("\"{word}\"")).collect();
    bad(key, format!("\"{found}\" is not known here; it must be one of {}", allowed.join(", ")))
}

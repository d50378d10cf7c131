//! The plan file as it is written, and its translation into a [`Plan`].

use toml::de::DeTable;

use super::reader::{Bad, Table};
use super::{Plan, PlanError, check_name, messages, offerings, terms};
use crate::money::{Currency, Money};
use crate::zone::Zone;

/// The keys that stand at the top of the file.
pub(super) const TOP: [&str; 15] = [
    "name",
    "title",
    "currency",
    "zone",
    "price",
    "overbook",
    "payment",
    "confirmation",
    "completion",
    "cancellation",
    "mileage",
    "messages",
    "supply",
    "views",
    "offerings",
];

pub(super) fn read(file: &str, text: &str) -> Result<Plan, PlanError> {
    let document = DeTable::parse(text).map_err(|error| {
        let at = error.span().map(|span| span.start);
        PlanError {
            file: file.to_owned(),
            line: at.map(|at| line(text, at)),
            key: at.map_or("the whole file".to_owned(), |at| written(text, at)),
            reason: error.message().to_owned(),
        }
    })?;
    plan(document.get_ref()).map_err(|Bad { at, key, reason }| PlanError {
        file: file.to_owned(),
        line: Some(line(text, at)),
        key,
        reason,
    })
}

/// The line of a place in the text, from 1.
fn line(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// What a person looks for in a line that cannot be read: the key, or what stands there instead.
fn written(text: &str, at: usize) -> String {
    let line = text.lines().nth(line(text, at) - 1).unwrap_or("");
    let key: String = line.split('=').next().unwrap_or("").trim().chars().take(64).collect();
    if key.is_empty() { "the whole line".to_owned() } else { key }
}

fn plan(document: &DeTable<'_>) -> Result<Plan, Bad> {
    let file = Table::document(document, &TOP)?;
    let name = name(&file)?;
    let title = file.text("title", "a text in quotes")?.unwrap_or(&name).to_owned();
    check_name(&title).map_err(|reason| file.bad("title", reason))?;
    let Some(code) = file.text("currency", "a currency in quotes, such as \"EUR\"")? else {
        return Err(file.missing("currency", "three capital letters such as \"EUR\""));
    };
    let currency = Currency::parse(code).map_err(|e| file.bad("currency", e.to_string()))?;
    let mut plan = Plan {
        name,
        title,
        currency,
        zone: zone(&file)?.unwrap_or_else(Zone::utc),
        price: price(&file, currency)?,
        overbook: file.units("overbook", 0)?.unwrap_or_default(),
        terms: terms::read(&file)?,
        supply: terms::supply(&file)?,
        figures: figures(&file)?,
        messages: messages::read(&file)?,
        offerings: Vec::new(),
    };
    plan.offerings = offerings::read(&file, &plan)?;
    Ok(plan)
}

/// Whether the views keep figures of each offering.
fn figures(file: &Table<'_>) -> Result<bool, Bad> {
    let views = file.table("views", &["figures"])?;
    views.map_or(Ok(false), |views| views.flag("figures"))
}

fn name(file: &Table<'_>) -> Result<String, Bad> {
    const NAME: &str =
        "must be 1 to 32 small letters, digits and '-', beginning with a letter, and not \"v1\"";
    let Some(name) = file.text("name", "a text in quotes")? else {
        return Err(file.missing("name", "the market's name in URLs, such as name = \"hotel\""));
    };
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let first = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !first || name.len() > 32 || !name.chars().all(letter) || name == "v1" {
        return Err(file.bad("name", NAME));
    }
    Ok(name.to_owned())
}

/// The zone a table names, if it names one.
pub(super) fn zone(table: &Table<'_>) -> Result<Option<Zone>, Bad> {
    let name =
        table.text("zone", "the name of a time zone in quotes, such as \"Europe/Berlin\"")?;
    let zone = name.map(Zone::parse).transpose();
    zone.map_err(|error| table.bad("zone", error.to_string()))
}

/// The price a table names, if it names one.
pub(super) fn price(table: &Table<'_>, currency: Currency) -> Result<Option<Money>, Bad> {
    let Some(price) = table.table("price", &["amount", "currency"])? else { return Ok(None) };
    let code = price.text("currency", "a currency in quotes, such as \"EUR\"")?;
    let currency = code.map_or(Ok(currency), Currency::parse);
    let currency = currency.map_err(|error| price.bad("currency", error.to_string()))?;
    let amount = price.whole("amount").map_err(|mut bad| {
        bad.reason += "; it counts minor units: 1250 for 12.50 EUR";
        bad
    })?;
    let Some(amount) = amount else {
        return Err(price.missing("amount", "a whole number of minor units: 1250 for 12.50 EUR"));
    };
    let price_of = Money::new(amount, currency);
    price_of.map(Some).map_err(|error| price.bad("amount", error.to_string()))
}

//! The offerings of a plan file.

use std::collections::BTreeSet;

use super::reader::{Bad, Table};
use super::{Plan, PlannedOffering, check_attributes, check_name, file};
use crate::day::Day;
use crate::id::OfferingId;
use crate::inventory::{Model, Offering, SLOTS_MAX};
use crate::quantity::Quantity;
use crate::slot::{LocalMinute, Slot, minutes};
use crate::zone::{Reading, Zone};

const INVENTORY: [&str; 8] =
    ["model", "units", "capacity", "quantity", "overbook", "zone", "slots", "repeat"];

/// The ways to count, and what goes with each.
const MODELS: [(&str, &[&str]); 5] = [
    ("unlimited", &[]),
    ("seats", &["capacity", "overbook"]),
    ("stock", &["quantity", "overbook"]),
    ("nights", &["units", "overbook"]),
    ("slots", &["capacity", "overbook", "zone", "slots", "repeat"]),
];

/// The days of a week, from Monday.
const WEEK: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Reads the offerings; `plan` has the defaults of its market.
pub(super) fn read(top: &Table<'_>, plan: &Plan) -> Result<Vec<PlannedOffering>, Bad> {
    let known = ["id", "name", "price", "inventory", "attributes"];
    let mut offerings: Vec<PlannedOffering> = Vec::new();
    for entry in top.tables("offerings", &known, false)? {
        let offering = planned(&entry, plan)?;
        if offerings.iter().any(|other| other.id == offering.id) {
            return Err(entry.bad("id", "is used twice"));
        }
        offerings.push(offering);
    }
    Ok(offerings)
}

fn planned(entry: &Table<'_>, plan: &Plan) -> Result<PlannedOffering, Bad> {
    let Some(id) = entry.between("id", 1, 1_000_000)? else {
        return Err(entry.missing("id", "a number of its own in this market, such as id = 1"));
    };
    let Some(name) = entry.text("name", "a text in quotes")? else {
        return Err(entry.missing("name", "what people call it"));
    };
    check_name(name).map_err(|reason| entry.bad("name", reason))?;
    let Some(price) = file::price(entry, plan.currency)?.or(plan.price) else {
        let what =
            "write price = { amount = ... } here, or at the top of the file for all offerings";
        return Err(entry.missing("price", what));
    };
    let (attributes, carried) = entry.attributes("attributes")?;
    check_attributes(&attributes).map_err(|(name, reason)| carried.bad(entry, &name, reason))?;
    let Some(inventory) = entry.table("inventory", &INVENTORY)? else {
        let what = "how it is counted, such as inventory = { model = \"seats\", capacity = 3 }";
        return Err(entry.missing("inventory", what));
    };
    let model = model(&inventory, &plan.zone)?;
    let overbook = overbook(&inventory, &model, plan.overbook_of(&model))?;
    let offering = Offering { name: name.to_owned(), price, model, overbook, attributes };
    offering.check().map_err(|(field, reason)| inventory.bad(field, reason))?;
    Ok(PlannedOffering { id: OfferingId(id), offering })
}

fn model(inventory: &Table<'_>, zone: &Zone) -> Result<Model, Bad> {
    let names = MODELS.map(|(name, _)| name);
    if !inventory.has("model") {
        return Err(inventory.missing("model", &format!("one of {}", names.join(", "))));
    }
    let model = inventory.word("model", &names)?;
    let goes = MODELS.iter().find(|(name, _)| *name == model).map_or(&[][..], |(_, keys)| keys);
    let foreign = |key: &&&str| inventory.has(key) && **key != "model" && !goes.contains(key);
    if let Some(key) = INVENTORY.iter().find(foreign) {
        let has = if goes.is_empty() { "nothing else" } else { &goes.join(", ") };
        let reason = format!("does not go with model = \"{model}\", which has {has}");
        return Err(inventory.bad(key, reason));
    }
    let needs = |key: &str, what: &str| {
        inventory.units(key, 1)?.ok_or_else(|| inventory.missing(key, what))
    };
    match model {
        "seats" => Ok(Model::Seats { capacity: needs("capacity", "how many seats there are")? }),
        "nights" => Ok(Model::Nights { units: needs("units", "how many there are each night")? }),
        "slots" => {
            let capacity = needs("capacity", "how many places each slot has")?;
            let zone = file::zone(inventory)?.unwrap_or_else(|| zone.clone());
            let slots = slots(inventory, &zone)?;
            Ok(Model::Slots { capacity, zone, slots })
        }
        "stock" => {
            let quantity = inventory.quantity("quantity")?;
            let quantity = quantity.ok_or_else(|| {
                inventory.missing("quantity", "how much there is, such as 20 or 0.5")
            })?;
            Ok(Model::Stock { quantity })
        }
        _ => Ok(Model::Unlimited),
    }
}

fn overbook(inventory: &Table<'_>, model: &Model, market: Quantity) -> Result<Quantity, Bad> {
    let overbook = match model {
        Model::Stock { .. } => inventory.quantity("overbook")?,
        Model::Unlimited | Model::Seats { .. } | Model::Nights { .. } | Model::Slots { .. } => {
            inventory.units("overbook", 0)?
        }
    };
    Ok(overbook.unwrap_or(market))
}

/// The slots that are listed, and those that repeat.
fn slots(inventory: &Table<'_>, zone: &Zone) -> Result<Vec<Slot>, Bad> {
    let mut all = BTreeSet::new();
    let listed = inventory.texts("slots", "such as [\"2027-03-28T10:00\"]")?;
    let repeats = inventory.tables("repeat", &["from", "to", "days", "times"], true)?;
    for text in listed.iter().flatten() {
        let slot = zone.slot(&text.text).map_err(|error| text.bad(error.to_string()))?;
        if !all.insert(slot) {
            return Err(text.bad(format!("{slot} is listed twice")));
        }
    }
    for repeat in &repeats {
        repeated(repeat, zone, &mut all)?;
    }
    if all.len() > SLOTS_MAX {
        return Err(inventory.bad("slots", format!("must be at most {SLOTS_MAX}")));
    }
    if all.is_empty() {
        let what = "the times that can be booked, such as slots = [\"2027-03-28T10:00\"], or repeat = \
                    { from = \"2027-03-01\", to = \"2027-04-01\", days = [\"mon\"], times = [\"10:00\"] }";
        return Err(inventory.missing("slots", what));
    }
    Ok(all.into_iter().collect())
}

/// The slots at some times of some days. A time that the clock skips on one of the days is left out
/// on that day; of one that comes twice the first counts.
fn repeated(repeat: &Table<'_>, zone: &Zone, all: &mut BTreeSet<Slot>) -> Result<(), Bad> {
    let day = |key: &str| {
        let text = repeat.moment(key, "a day in quotes, such as \"2027-03-01\"")?;
        Day::parse(&text).map_err(|error| repeat.bad(key, error.to_string()))
    };
    let (from, to) = (day("from")?, day("to")?);
    if to <= from {
        return Err(repeat.bad("to", "must be after from: it is the first day without slots"));
    }
    let (days, times) = (days(repeat)?, times(repeat)?);
    let before = all.len();
    for day in from.until(to).filter(|day| days.contains(&day.weekday())) {
        for minute in &times {
            match zone.read(LocalMinute::new(day, *minute)) {
                Reading::Once(slot) | Reading::Twice(slot, _) => all.insert(slot),
                Reading::Never { .. } => false,
            };
        }
        if all.len() > SLOTS_MAX {
            let reason = format!("makes too many: an offering has at most {SLOTS_MAX} slots");
            return Err(repeat.wrong(reason));
        }
    }
    if all.len() == before {
        return Err(repeat.wrong(format!("makes no slot: none of its days is from {from} to {to}")));
    }
    Ok(())
}

/// The days of the week that are meant, all if none is named.
fn days(repeat: &Table<'_>) -> Result<BTreeSet<u32>, Bad> {
    let Some(texts) = repeat.texts("days", "such as [\"mon\", \"tue\"]")? else {
        return Ok((0..7).collect());
    };
    let mut days = BTreeSet::new();
    for text in &texts {
        let Some(day) = (0u32..).zip(WEEK).find(|(_, name)| *name == text.text) else {
            return Err(text.bad(format!("must be one of {}", WEEK.join(", "))));
        };
        days.insert(day.0);
    }
    Ok(days)
}

/// The times of day, in minutes since midnight.
fn times(repeat: &Table<'_>) -> Result<Vec<u32>, Bad> {
    let what = "such as [\"08:00\", \"10:00\"]";
    let texts = repeat.texts("times", what)?.filter(|texts| !texts.is_empty());
    let Some(texts) = texts else {
        return Err(repeat.missing("times", &format!("the times of day, {what}")));
    };
    let mut times = Vec::new();
    for text in &texts {
        let time = minutes(&text.text).map_err(|_| {
            text.bad(format!("{:?} is not a time of day such as \"08:00\"", text.text))
        })?;
        if times.contains(&time) {
            return Err(text.bad("is listed twice"));
        }
        times.push(time);
    }
    Ok(times)
}

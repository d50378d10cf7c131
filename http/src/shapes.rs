//! How the engine's values look in JSON: small wrappers that borrow, so that writing an answer copies
//! nothing.

use std::fmt;

use jiff::tz::Offset;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use surehold::domain::attributes::{Attribute, Attributes};
use surehold::domain::card::Card;
use surehold::domain::day::Day;
use surehold::domain::inventory::{Availability, Model};
use surehold::domain::money::Money;
use surehold::domain::order::Claim;
use surehold::domain::quantity::Quantity;
use surehold::domain::saga::Reason;
use surehold::domain::slot::Slot;
use surehold::domain::time::Timestamp;

/// Bytes of a moment's text, such as `2027-03-28T10:00:00.000Z`.
const MOMENT_LENGTH: usize = 24;

/// A moment, as RFC 3339 in UTC with milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Moment(pub Timestamp);

impl Moment {
    /// The moment as jiff knows it; the beginning of time if jiff does not.
    #[must_use]
    pub fn jiff(self) -> jiff::Timestamp {
        let ms = i64::try_from(self.0.0).unwrap_or(i64::MAX);
        jiff::Timestamp::from_millisecond(ms).unwrap_or_default()
    }

    /// Its text. Every order that is shown has three of these, so it is written without the detours of
    /// formatting.
    fn text(self) -> [u8; MOMENT_LENGTH] {
        let at = Offset::UTC.to_datetime(self.jiff());
        let mut text = *b"0000-00-00T00:00:00.000Z";
        // No moment is before 1970, so none of these is below 0.
        let (year, ms) = (at.year().unsigned_abs(), at.millisecond().unsigned_abs());
        let digits = |number: u16| u8::try_from(number).unwrap_or(0);
        let pairs = [
            (0, digits(year / 100)),
            (2, digits(year % 100)),
            (5, at.month().unsigned_abs()),
            (8, at.day().unsigned_abs()),
            (11, at.hour().unsigned_abs()),
            (14, at.minute().unsigned_abs()),
            (17, at.second().unsigned_abs()),
            (20, digits(ms / 10)),
        ];
        for (place, number) in pairs {
            text[place] += number / 10;
            text[place + 1] += number % 10;
        }
        text[22] += digits(ms % 10);
        text
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It is ASCII.
        f.write_str(str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(str::from_utf8(&self.text()).unwrap_or_default())
    }
}

/// An amount and its currency.
#[derive(Debug, Clone, Copy)]
pub struct Price(pub Money);

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("amount", &self.0.amount())?;
        map.serialize_entry("currency", self.0.currency().code())?;
        map.end()
    }
}

/// A quantity, as the shortest JSON number.
#[derive(Debug, Clone, Copy)]
pub struct Amount(pub Quantity);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_whole() {
            return serializer.serialize_u64(self.0.thousandths() / 1000);
        }
        // At most a thousand million with three decimals: a double is exact enough to read back.
        let text = self.0.to_string();
        serializer.serialize_f64(text.parse().unwrap_or_default())
    }
}

/// What a marketplace keeps beside a thing.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a>(pub &'a Attributes);

impl Serialize for Kept<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, One(value))))
    }
}

/// One kept value.
#[derive(Debug, Clone, Copy)]
pub struct One<'a>(pub &'a Attribute);

impl Serialize for One<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Attribute::Null => serializer.serialize_unit(),
            Attribute::Flag(flag) => serializer.serialize_bool(*flag),
            Attribute::Whole(number) => serializer.serialize_i64(*number),
            Attribute::Decimal(number) => serializer.serialize_f64(*number),
            Attribute::Text(text) => serializer.serialize_str(text),
        }
    }
}

/// How units are counted, and how much may be sold beyond that, as `{"model": ..., ...}`.
#[derive(Debug, Clone, Copy)]
pub struct Counted<'a>(pub &'a Model, pub Quantity);

impl Serialize for Counted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("model", self.0.name())?;
        match self.0 {
            Model::Unlimited => {}
            Model::Seats { capacity } => map.serialize_entry("capacity", &Amount(*capacity))?,
            Model::Stock { quantity } => map.serialize_entry("quantity", &Amount(*quantity))?,
            Model::Nights { units } => map.serialize_entry("units", &Amount(*units))?,
            Model::Slots { capacity, zone, slots } => {
                map.serialize_entry("capacity", &Amount(*capacity))?;
                map.serialize_entry("zone", zone.name())?;
                let names: Vec<String> = slots.iter().map(|slot| slot.to_string()).collect();
                map.serialize_entry("slots", &names)?;
            }
        }
        if !self.1.is_none() {
            map.serialize_entry("overbook", &Amount(self.1))?;
        }
        map.end()
    }
}

/// How much is free: in all, or for each night or slot.
#[derive(Debug, Serialize)]
pub struct Free {
    /// In all; null without a limit.
    free: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nights: Option<Vec<FreeNight>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slots: Option<Vec<FreeSlot>>,
}

#[derive(Debug, Serialize)]
struct FreeNight {
    night: String,
    free: Amount,
}

#[derive(Debug, Serialize)]
struct FreeSlot {
    slot: String,
    starts_at: Moment,
    free: Amount,
}

impl From<Availability> for Free {
    fn from(availability: Availability) -> Free {
        let none = Free { free: None, nights: None, slots: None };
        match availability {
            Availability::Unlimited => none,
            Availability::Units { free } => Free { free: Some(Amount(free)), ..none },
            Availability::Nights(nights) => {
                let night = |(night, free): (Day, Quantity)| FreeNight {
                    night: night.to_string(),
                    free: Amount(free),
                };
                Free { nights: Some(nights.into_iter().map(night).collect()), ..none }
            }
            Availability::Slots(slots) => {
                let slot = |(slot, free): (Slot, Quantity)| FreeSlot {
                    slot: slot.to_string(),
                    starts_at: Moment(slot.at()),
                    free: Amount(free),
                };
                Free { slots: Some(slots.into_iter().map(slot).collect()), ..none }
            }
        }
    }
}

/// Which part of an offering is booked: `from` and `to`, `slot`, or `supply`.
#[derive(Debug, Clone, Serialize)]
pub struct Part {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slot: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    supply: bool,
}

impl From<&Claim> for Part {
    fn from(claim: &Claim) -> Part {
        let none = Part { from: None, to: None, slot: None, supply: false };
        match claim {
            Claim::Units(_) => none,
            Claim::Nights { from, to, .. } => {
                Part { from: Some(from.to_string()), to: Some(to.to_string()), ..none }
            }
            Claim::Slot { slot, .. } => Part { slot: Some(slot.to_string()), ..none },
            Claim::Supply(_) => Part { supply: true, ..none },
        }
    }
}

/// A reason: a stable word, and the words that came with it.
#[derive(Debug, Clone, Serialize)]
pub struct Why<'a> {
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_text: Option<&'a str>,
}

impl<'a> From<&'a Reason> for Why<'a> {
    fn from(reason: &'a Reason) -> Why<'a> {
        Why { reason: reason.code(), reason_text: reason.note() }
    }
}

/// The last four digits of a card, as far as they may be shown.
#[must_use]
pub fn last4(card: Option<&Card>) -> Option<&str> {
    card.map(Card::last4)
}

/// One page of a list.
#[derive(Debug, Serialize)]
pub struct PageBody<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next one begins; null after the last.
    pub next: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_numbers_and_moments_as_the_contract_says() {
        let quantity = |text| serde_json::to_string(&Amount(Quantity::parse(text).unwrap()));
        for text in ["1", "0", "2.5", "0.001", "999999999.999", "1000000000"] {
            assert_eq!(quantity(text).unwrap(), text);
        }
        let moment = serde_json::to_string(&Moment(Timestamp(1_700_000_000_000))).unwrap();
        assert_eq!(moment, "\"2023-11-14T22:13:20.000Z\"");
        for ms in
            [0, 1, 86_399_999, 951_782_400_042, 4_102_444_800_900, 253_402_207_200_000, u64::MAX]
        {
            let moment = Moment(Timestamp(ms));
            assert_eq!(moment.to_string(), format!("{:.3}", moment.jiff()));
        }
    }
}

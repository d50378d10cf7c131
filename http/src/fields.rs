//! A JSON object, read field by field, so that every complaint names its field.
//!
//! Whoever reads takes the fields out; [`Fields::finish`] refuses what nobody took. Text that is not
//! JSON is 400; a wrong type, a wrong value or an unknown field is 422.

use serde_json::{Map, Value};
use surehold::domain::attributes::{ATTRIBUTE_NAME_MAX, Attribute, Attributes};
use surehold::domain::day::Day;
use surehold::domain::money::{Currency, Money, MoneyError};
use surehold::domain::plan::check_attributes;
use surehold::domain::quantity::Quantity;

use crate::problem::Problem;

/// Largest whole number that every JSON reader reads the same.
pub const NUMBER_MAX: u64 = (1 << 53) - 1;
/// Of an unknown field's name, so much is repeated to the client.
const NAME_SHOWN: usize = 64;

/// The fields nobody has taken yet.
#[derive(Debug)]
pub struct Fields {
    left: Map<String, Value>,
    within: Option<&'static str>,
}

impl Fields {
    /// Reads a body that must be a JSON object.
    ///
    /// # Errors
    /// 400 if it is not JSON, 422 if it is not an object.
    pub fn parse(body: &[u8]) -> Result<Fields, Problem> {
        let value: Value = serde_json::from_slice(body)
            .map_err(|error| Problem::bad_request(format!("the body is not JSON: {error}")))?;
        let Value::Object(left) = value else {
            return Err(Problem::invalid("body", "must be a JSON object"));
        };
        Ok(Fields { left, within: None })
    }

    /// Reads a body that may be missing, which counts as an empty object.
    ///
    /// # Errors
    /// See [`Fields::parse`].
    pub fn parse_or_empty(body: &[u8]) -> Result<Fields, Problem> {
        if body.is_empty() {
            return Ok(Fields { left: Map::new(), within: None });
        }
        Fields::parse(body)
    }

    /// Takes a field. JSON's null counts as absent.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name).filter(|value| !value.is_null())
    }

    /// A complaint about one of these fields.
    #[must_use]
    pub fn wrong(&self, name: &str, reason: impl AsRef<str>) -> Problem {
        match self.within {
            Some(outer) => Problem::invalid(format!("{outer}.{name}"), reason),
            None => Problem::invalid(name, reason),
        }
    }

    /// What an absent field must bring.
    ///
    /// # Errors
    /// 422 if it is absent.
    pub fn required<T>(&self, name: &str, value: Option<T>) -> Result<T, Problem> {
        value.ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// Text.
    ///
    /// # Errors
    /// 422 if it is not text.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let Value::String(text) = value else { return Err(self.wrong(name, "must be text")) };
        Ok(Some(text))
    }

    /// Text that `check` finds nothing wrong with.
    ///
    /// # Errors
    /// 422 if it is not text, or `check` complains.
    pub fn checked<E: ToString>(
        &mut self,
        name: &str,
        check: impl FnOnce(&str) -> Result<(), E>,
    ) -> Result<Option<String>, Problem> {
        let text = self.text(name)?;
        if let Some(text) = &text {
            check(text).map_err(|reason| self.wrong(name, reason.to_string()))?;
        }
        Ok(text)
    }

    /// A whole number from 1 up.
    ///
    /// # Errors
    /// 422 if it is anything else.
    pub fn id(&mut self, name: &str) -> Result<Option<u64>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match value.as_u64() {
            Some(id @ 1..=NUMBER_MAX) => Ok(Some(id)),
            _ => Err(self.wrong(name, format!("must be a whole number from 1 to {NUMBER_MAX}"))),
        }
    }

    /// A quantity: a number with at most three decimals.
    ///
    /// # Errors
    /// 422 if it is anything else.
    pub fn quantity(&mut self, name: &str) -> Result<Option<Quantity>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let Value::Number(number) = value else {
            return Err(self.wrong(name, "must be a number"));
        };
        let text = match number.as_u64() {
            Some(whole) => whole.to_string(),
            None => number.to_string(),
        };
        Quantity::parse(&text).map(Some).map_err(|error| self.wrong(name, error.to_string()))
    }

    /// A day such as `2027-03-28`.
    ///
    /// # Errors
    /// 422 if it is anything else.
    pub fn day(&mut self, name: &str) -> Result<Option<Day>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        Day::parse(&text).map(Some).map_err(|error| self.wrong(name, error.to_string()))
    }

    /// Yes or no; no if it is absent.
    ///
    /// # Errors
    /// 422 if it is anything else.
    pub fn flag(&mut self, name: &str) -> Result<bool, Problem> {
        match self.take(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(self.wrong(name, "must be true or false")),
        }
    }

    /// A list of texts.
    ///
    /// # Errors
    /// 422 if it is anything else.
    pub fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let Value::Array(items) = value else {
            return Err(self.wrong(name, "must be a list of texts"));
        };
        let text = |(at, item)| match item {
            Value::String(text) => Ok(text),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => Err(self.wrong(&format!("{name}[{at}]"), "must be text")),
        };
        items.into_iter().enumerate().map(text).collect::<Result<_, _>>().map(Some)
    }

    /// An object of its own.
    ///
    /// # Errors
    /// 422 if it is not an object.
    pub fn object(&mut self, name: &'static str) -> Result<Option<Fields>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let Value::Object(left) = value else {
            return Err(self.wrong(name, "must be an object"));
        };
        Ok(Some(Fields { left, within: Some(name) }))
    }

    /// A price, `{"amount": minor units, "currency": "EUR"}`; the market's currency if none is named.
    ///
    /// # Errors
    /// 422 if it is anything else.
    pub fn price(&mut self, usual: Currency) -> Result<Option<Money>, Problem> {
        let Some(mut price) = self.object("price")? else { return Ok(None) };
        let amount = price.take("amount");
        let amount = price.required("amount", amount)?;
        let wrong = |error: MoneyError| price.wrong("amount", error.to_string());
        let amount = amount.as_i64().ok_or_else(|| wrong(MoneyError::Amount))?;
        let currency = match price.text("currency")? {
            None => usual,
            Some(code) => Currency::parse(&code)
                .map_err(|error| price.wrong("currency", error.to_string()))?,
        };
        let money = Money::new(amount, currency)
            .map_err(|error| price.wrong("amount", error.to_string()))?;
        price.finish()?;
        Ok(Some(money))
    }

    /// What the marketplace keeps beside a thing: names with text, numbers, yes or no, or null.
    ///
    /// # Errors
    /// 422 naming the entry that is something else, or too long, or one too many.
    pub fn attributes(&mut self) -> Result<Option<Attributes>, Problem> {
        let Some(Fields { left, .. }) = self.object("attributes")? else { return Ok(None) };
        let mut attributes = Attributes::new();
        for (name, value) in left {
            let Some(value) = attribute(&value) else {
                let field = format!("attributes.{}", shown(&name, ATTRIBUTE_NAME_MAX));
                return Err(Problem::invalid(
                    field,
                    "must be text, a number of at most 63 bits, true, false or null",
                ));
            };
            attributes.insert(name, value);
        }
        check_attributes(&attributes).map_err(|(name, reason)| {
            let dot = if name.is_empty() { "" } else { "." };
            Problem::invalid(format!("attributes{dot}{name}"), reason)
        })?;
        Ok(Some(attributes))
    }

    /// Refuses the fields nobody took.
    ///
    /// # Errors
    /// 422 naming the first of them.
    pub fn finish(self) -> Result<(), Problem> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => Err(self.wrong(&shown(name, NAME_SHOWN), "is not known here")),
        }
    }
}

/// The value as the engine carries it, if it is one it carries.
#[must_use]
pub fn attribute(value: &Value) -> Option<Attribute> {
    match value {
        Value::Null => Some(Attribute::Null),
        Value::Bool(flag) => Some(Attribute::Flag(*flag)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Some(Attribute::Whole(whole)),
            // A whole number that long would come back as another one.
            None if number.is_u64() => None,
            None => number.as_f64().filter(|float| float.is_finite()).map(Attribute::Decimal),
        },
        Value::String(text) => Some(Attribute::Text(text.clone())),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// A name from outside, fit to be repeated.
fn shown(name: &str, most: usize) -> String {
    name.chars().filter(|c| !c.is_control()).take(most).collect()
}

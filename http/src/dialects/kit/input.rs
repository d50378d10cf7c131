//! What clients of a dialect send: loosely typed JSON objects whose unknown fields are ignored, and
//! forms.

use std::str::FromStr;

use serde_json::{Map, Value};
use surehold::domain::attributes::{Attribute, Attributes};
use surehold::domain::card::Card;

use super::table::{Field, Holds};
use super::{Desk, Failure};
use crate::query::Query;

/// The fields of a row that a client sent, as they may be kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sent {
    /// The fields by name; those that were not sent are not there.
    pub kept: Attributes,
    /// The card, as typed.
    pub card: Option<String>,
}

impl Sent {
    /// Reads these fields of a body that must be a JSON object.
    ///
    /// # Errors
    /// 400 naming what is wrong.
    pub fn read(fields: &[Field], body: &[u8]) -> Result<Sent, Failure> {
        let object: Map<String, Value> = match serde_json::from_slice(body) {
            Ok(Value::Object(object)) => object,
            Ok(_) => return Err(Failure::Bad("the body must be a JSON object".to_owned())),
            Err(error) => return Err(Failure::Bad(format!("the body is not JSON: {error}"))),
        };
        let mut sent = Sent::default();
        for field in fields {
            if let Some(value) = object.get(field.name) {
                sent.take(*field, value)?;
            }
        }
        Ok(sent)
    }

    fn take(&mut self, Field { name, holds }: Field, value: &Value) -> Result<(), Failure> {
        let mut kept = match holds {
            _ if value.is_null() => Attribute::Null,
            Holds::Text => {
                let text = value.as_str();
                let text = text.ok_or_else(|| Failure::Bad(format!("{name}: must be text")))?;
                Attribute::Text(text.to_owned())
            }
            Holds::Whole | Holds::Card => whole_number(name, value)?,
            Holds::Decimal => any_number(name, value)?,
        };
        if let (Holds::Card, Attribute::Whole(number)) = (holds, &kept) {
            let typed = number.to_string();
            let card = Card::parse(&typed);
            let card = card.map_err(|error| Failure::Bad(format!("{name}: {error}")))?;
            if let Card::Number { last4 } = card {
                kept = Attribute::Whole(last4.parse().unwrap_or_default());
            }
            self.card = Some(typed);
        }
        self.kept.insert(name.to_owned(), kept);
        Ok(())
    }

    /// The same, with null for each of these fields that was not sent: what a `PUT` means.
    #[must_use]
    pub fn whole(mut self, fields: &[Field]) -> Sent {
        for field in fields {
            self.kept.entry(field.name.to_owned()).or_insert(Attribute::Null);
        }
        self
    }

    /// The text sent for a field; `None` if it is absent or null.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.kept.get(name).and_then(Attribute::text)
    }

    /// The whole number sent for a field, if it can be a thing's number.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<u64> {
        match self.kept.get(name)? {
            Attribute::Whole(number) => u64::try_from(*number).ok().filter(|id| *id > 0),
            Attribute::Null | Attribute::Flag(_) | Attribute::Decimal(_) | Attribute::Text(_) => {
                None
            }
        }
    }

    /// What was sent and differs from what is kept already; nothing kept counts as null.
    #[must_use]
    pub fn changes(&self, known: &Attributes) -> Attributes {
        let known = |name: &String| known.get(name).unwrap_or(&Attribute::Null);
        let changed = self.kept.iter().filter(|(name, value)| known(name) != *value);
        changed.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

/// A whole number, or one written as text; empty text is null.
fn whole_number(name: &str, value: &Value) -> Result<Attribute, Failure> {
    let number = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) if text.trim().is_empty() => return Ok(Attribute::Null),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let number = number.ok_or_else(|| Failure::Bad(format!("{name}: must be a whole number")))?;
    Ok(Attribute::Whole(number))
}

/// A number, or one written as text; empty text is null.
fn any_number(name: &str, value: &Value) -> Result<Attribute, Failure> {
    let number: Option<f64> = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.trim().is_empty() => return Ok(Attribute::Null),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let number = number.filter(|number| number.is_finite());
    let number = number.ok_or_else(|| Failure::Bad(format!("{name}: must be a number")))?;
    Ok(Attribute::Decimal(number))
}

/// The parameters of a form: those of the query, and those of a body that is one.
#[derive(Debug)]
pub struct Form {
    sent: Query,
}

impl Desk<'_> {
    /// The parameters of this request, in the query or in a form.
    ///
    /// # Errors
    /// 400 if they cannot be read.
    pub fn form(&self) -> Result<Form, Failure> {
        let body = if self.call.is_form() { &self.call.body[..] } else { &[] };
        Form::read(&self.call.query, body)
    }
}

impl Form {
    fn read(query: &str, body: &[u8]) -> Result<Form, Failure> {
        let body = std::str::from_utf8(body);
        let body = body.map_err(|_| Failure::Bad("the form is not UTF-8".to_owned()))?;
        Ok(Form { sent: Query::parse(&format!("{query}&{}", body.trim_end()))? })
    }

    /// A parameter that may be missing; an empty one counts as missing.
    pub fn maybe(&mut self, name: &str) -> Option<String> {
        self.sent.take(name).filter(|text| !text.trim().is_empty())
    }

    /// A parameter that must be there.
    ///
    /// # Errors
    /// 400 if it is missing.
    pub fn text(&mut self, name: &str) -> Result<String, Failure> {
        self.maybe(name).ok_or_else(|| Failure::Bad(format!("{name}: is missing")))
    }

    /// A whole number that must be there.
    ///
    /// # Errors
    /// 400 if it is missing, or no whole number.
    pub fn whole(&mut self, name: &str) -> Result<i64, Failure> {
        let text = self.text(name)?;
        read_number(name, &text, "a whole number")
    }

    /// A whole number that may be missing.
    ///
    /// # Errors
    /// 400 if it is no whole number.
    pub fn maybe_whole(&mut self, name: &str) -> Result<Option<i64>, Failure> {
        let text = self.maybe(name);
        text.map(|text| read_number(name, &text, "a whole number")).transpose()
    }

    /// A number that must be there.
    ///
    /// # Errors
    /// 400 if it is missing, or no number.
    pub fn decimal(&mut self, name: &str) -> Result<f64, Failure> {
        let number: f64 = read_number(name, &self.text(name)?, "a number")?;
        let finite = number.is_finite().then_some(number);
        finite.ok_or_else(|| Failure::Bad(format!("{name}: must be a number")))
    }
}

fn read_number<T: FromStr>(name: &str, text: &str, what: &str) -> Result<T, Failure> {
    text.trim().parse().map_err(|_| Failure::Bad(format!("{name}: must be {what}")))
}

#[cfg(test)]
mod tests {
    use super::super::table::{card, decimal, text, whole};
    use super::*;

    const FIELDS: [Field; 4] = [text("name"), whole("n"), decimal("qty"), card("cardNo")];

    fn read(body: &str) -> Result<Sent, Failure> {
        Sent::read(&FIELDS, body.as_bytes())
    }

    #[test]
    fn reads_loosely_and_keeps_no_card_number() {
        let sent = read(r#"{"name":"a","n":" 7 ","qty":"2.5","cardNo":"4242424242424242","x":[]}"#);
        let sent = sent.unwrap();
        assert_eq!((sent.text("name"), sent.id("n")), (Some("a"), Some(7)));
        assert_eq!(sent.kept["qty"], Attribute::Decimal(2.5));
        assert_eq!(sent.kept["cardNo"], Attribute::Whole(4242));
        assert_eq!(sent.card.as_deref(), Some("4242424242424242"));
        let whole = read(r#"{"n":""}"#).unwrap().whole(&FIELDS);
        assert!(whole.kept.values().all(|value| *value == Attribute::Null));
        assert_eq!(whole.kept.len(), 4);
    }

    #[test]
    fn forms_come_in_the_query_and_in_the_body() {
        let mut form = Form::read("productId=CD+1%21&qty=2.5", b"orderId=7&price=&x=y\n").unwrap();
        assert_eq!(form.text("productId").unwrap(), "CD 1!");
        assert_eq!(form.decimal("qty").unwrap(), 2.5);
        assert_eq!(form.whole("orderId").unwrap(), 7);
        assert_eq!(form.maybe_whole("price").unwrap(), None);
        for (name, words) in [("price", "missing"), ("none", "missing"), ("x", "a whole number")] {
            let Err(Failure::Bad(why)) = form.whole(name) else { panic!("{name}") };
            assert!(why.starts_with(name) && why.ends_with(words), "{why}");
        }
        let mut form = Form::read("qty=NaN", b"").unwrap();
        assert!(form.decimal("qty").is_err());
        assert!(Form::read("", b"\xff").is_err() && Form::read("a=%zz", b"").is_err());
    }

    #[test]
    fn complains_by_name() {
        for (body, words) in [
            (r#"[]"#, "JSON object"),
            (r#"{"name":7}"#, "name: must be text"),
            (r#"{"n":1.5}"#, "n: must be a whole number"),
            (r#"{"qty":"NaN"}"#, "qty: must be a number"),
            (r#"{"cardNo":"99999999999999999999"}"#, "cardNo"),
        ] {
            let Failure::Bad(why) = read(body).unwrap_err() else { panic!("{body}") };
            assert!(why.contains(words), "{why}");
        }
    }
}

//! What clients of a dialect send: loosely typed JSON objects, whose unknown fields are ignored.

use serde_json::{Map, Value};
use surehold::domain::attributes::Attribute;

use super::failure::Failure;

/// A body, read loosely.
#[derive(Debug)]
pub struct Input {
    fields: Map<String, Value>,
}

impl Input {
    /// Reads a body that must be a JSON object.
    ///
    /// # Errors
    /// 400 if it is not.
    pub fn parse(body: &[u8]) -> Result<Input, Failure> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Input { fields }),
            Ok(_) => Err(Failure::Bad("the body must be a JSON object".to_owned())),
            Err(error) => Err(Failure::Bad(format!("the body is not JSON: {error}"))),
        }
    }

    /// A text field: `None` if it is absent, empty if it is JSON's null.
    ///
    /// # Errors
    /// 400 if it is something else.
    pub fn text(&self, name: &str) -> Result<Option<Attribute>, Failure> {
        match self.fields.get(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(Attribute::Null)),
            Some(Value::String(text)) => Ok(Some(Attribute::Text(text.clone()))),
            Some(_) => Err(Failure::Bad(format!("{name}: must be text"))),
        }
    }

    /// A whole number, or one written as text.
    ///
    /// # Errors
    /// 400 if it is something else.
    pub fn whole(&self, name: &str) -> Result<Option<Attribute>, Failure> {
        let number = match self.fields.get(name) {
            None => return Ok(None),
            Some(Value::Null) => return Ok(Some(Attribute::Null)),
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        let number =
            number.ok_or_else(|| Failure::Bad(format!("{name}: must be a whole number")))?;
        Ok(Some(Attribute::Whole(number)))
    }
}

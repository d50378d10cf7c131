//! What a marketplace keeps beside an order or an offering: named values the engine only carries.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One carried value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Attribute {
    /// Present, but empty.
    Null,
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// Any other number.
    Decimal(f64),
    /// Text.
    Text(String),
}

impl Attribute {
    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Attribute::Text(text) => Some(text),
            Attribute::Null | Attribute::Flag(_) | Attribute::Whole(_) | Attribute::Decimal(_) => {
                None
            }
        }
    }
}

/// Carried values by name.
pub type Attributes = BTreeMap<String, Attribute>;

/// Most values one order or offering carries.
pub const ATTRIBUTES_MAX: usize = 32;
/// Longest name of a value, in characters.
pub const ATTRIBUTE_NAME_MAX: usize = 64;
/// Longest text of a value, in characters.
pub const ATTRIBUTE_TEXT_MAX: usize = 1024;

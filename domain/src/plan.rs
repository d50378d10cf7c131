//! A marketplace, described as data: one TOML file says which steps an order takes and who answers.
//!
//! Every bad value is refused with the file, the line, the key and the reason; an unknown key is a bad
//! value, so that a typing error is never silently a default.

mod file;
mod messages;
mod offerings;
mod reader;
mod terms;
#[cfg(test)]
mod tests;

pub use self::messages::{Messages, TEMPLATE_LENGTH_MAX, Words};
use crate::attributes::Attributes;
use crate::id::OfferingId;
use crate::inventory::{Model, Offering};
use crate::money::{Currency, Money};
use crate::quantity::Quantity;
use crate::terms::Terms;
use crate::zone::Zone;

/// A bad plan: which file, which line and key, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {}{key}: {reason}", line.map_or(String::new(), |line| format!("line {line}: ")))]
pub struct PlanError {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, from 1; of a missing key, where its table begins. `None` if there is no one line.
    pub line: Option<usize>,
    /// The key, with its table; the place in the text where there is no key to name.
    pub key: String,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// A marketplace.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Its name in URLs and flags.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What prices are in unless they say otherwise.
    pub currency: Currency,
    /// Where its clock hangs: nights begin at midnight there, and slots are read there unless
    /// their offering says otherwise.
    pub zone: Zone,
    /// The price of what is added without one.
    pub price: Option<Money>,
    /// How much of an offering may be sold beyond what there is, unless the offering says otherwise.
    pub overbook: Quantity,
    /// The terms its orders are placed under.
    pub terms: Terms,
    /// The terms of orders that bring stock; `None` if it takes none.
    pub supply: Option<Terms>,
    /// Whether the views keep figures of each offering: its last order, what was sold, what came back.
    pub figures: bool,
    /// What its customers are told.
    pub messages: Messages,
    /// What is sold from the first start on.
    pub offerings: Vec<PlannedOffering>,
}

/// An offering a plan opens when its market first starts.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedOffering {
    /// Its number.
    pub id: OfferingId,
    /// What is sold.
    pub offering: Offering,
}

impl Plan {
    /// Reads a plan. `file` is only used to name the file in errors.
    ///
    /// # Errors
    /// [`PlanError`] for the first thing that is wrong.
    pub fn parse(file: &str, text: &str) -> Result<Plan, PlanError> {
        file::read(file, text)
    }

    /// How much of an offering that is counted so may be sold beyond what there is, unless the
    /// offering says otherwise: without a limit, nothing is beyond it.
    #[must_use]
    pub fn overbook_of(&self, model: &Model) -> Quantity {
        match model {
            Model::Unlimited => Quantity::NONE,
            Model::Seats { .. }
            | Model::Stock { .. }
            | Model::Nights { .. }
            | Model::Slots { .. } => self.overbook,
        }
    }
}

/// Longest name of an offering or a customer, in characters.
pub const NAME_LENGTH_MAX: usize = 200;

/// Checks a name that people read.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn check_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("must not be empty".to_owned());
    }
    if name.chars().count() > NAME_LENGTH_MAX {
        return Err(format!("must have at most {NAME_LENGTH_MAX} characters"));
    }
    if name.chars().any(char::is_control) {
        return Err("must not contain control characters".to_owned());
    }
    Ok(())
}

/// Checks what a marketplace keeps beside an order or offering.
///
/// # Errors
/// The name of the bad value and a sentence that says what is wrong with it.
pub fn check_attributes(attributes: &Attributes) -> Result<(), (String, String)> {
    use crate::attributes::{ATTRIBUTE_NAME_MAX, ATTRIBUTE_TEXT_MAX, ATTRIBUTES_MAX};
    if attributes.len() > ATTRIBUTES_MAX {
        return Err((String::new(), format!("must have at most {ATTRIBUTES_MAX} entries")));
    }
    for (name, value) in attributes {
        let control = |text: &str| text.chars().any(char::is_control);
        let problem = if name.is_empty() || name.chars().count() > ATTRIBUTE_NAME_MAX {
            Some(format!("the name must have 1 to {ATTRIBUTE_NAME_MAX} characters"))
        } else if control(name) {
            Some("the name must not contain control characters".to_owned())
        } else {
            value.text().and_then(|text| {
                if text.chars().count() > ATTRIBUTE_TEXT_MAX {
                    Some(format!("must have at most {ATTRIBUTE_TEXT_MAX} characters"))
                } else if control(text) {
                    Some("must not contain control characters".to_owned())
                } else {
                    None
                }
            })
        };
        if let Some(problem) = problem {
            let shown: String =
                name.chars().filter(|c| !c.is_control()).take(ATTRIBUTE_NAME_MAX).collect();
            return Err((shown, problem));
        }
    }
    Ok(())
}

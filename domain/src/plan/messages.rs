//! What a market tells its customers: a text for each occasion, with places for what differs.

use std::collections::BTreeMap;

use super::reader::{Bad, Table};
use crate::day::shown;
use crate::message::Occasion;

/// Longest template, in characters.
pub const TEMPLATE_LENGTH_MAX: usize = 500;

/// What goes into the places of a template.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// The order's number.
    pub order: u64,
    /// The offering's number.
    pub offering: u64,
    /// What people call the offering.
    pub name: &'a str,
    /// Who ordered.
    pub customer: &'a str,
    /// The market's name.
    pub market: &'a str,
    /// How many points were earned or taken back.
    pub points: u64,
}

/// The places a template may have.
const PLACES: [&str; 6] = ["order", "offering", "name", "customer", "market", "points"];

impl Words<'_> {
    /// The word for a place; `None` if no place is called so.
    fn word(&self, place: &str) -> Option<String> {
        match place {
            "order" => Some(self.order.to_string()),
            "offering" => Some(self.offering.to_string()),
            "name" => Some(self.name.to_owned()),
            "customer" => Some(self.customer.to_owned()),
            "market" => Some(self.market.to_owned()),
            "points" => Some(self.points.to_string()),
            _ => None,
        }
    }
}

/// The messages of a market. An occasion without a template has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    templates: BTreeMap<Occasion, String>,
}

impl Messages {
    /// Whether there is nothing to tell on any occasion.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// These messages and one more; it takes the place of one for the same occasion.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the template.
    pub fn with(mut self, occasion: Occasion, template: &str) -> Result<Messages, String> {
        check(template)?;
        self.templates.insert(occasion, template.to_owned());
        Ok(self)
    }

    /// The message for an occasion; `None` if the market sends none.
    #[must_use]
    pub fn text(&self, occasion: Occasion, words: &Words<'_>) -> Option<String> {
        let mut left = self.templates.get(&occasion)?.as_str();
        let mut text = String::new();
        // What is put in is never looked at again: a customer called "{points}" stays so.
        while let Some((before, place, after)) = next_place(left) {
            text += before;
            text += &words.word(place).unwrap_or_default();
            left = after;
        }
        Some(text + left)
    }
}

/// The text before the first place, the place, and the text behind it.
fn next_place(template: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = template.split_once('{')?;
    let (place, after) = rest.split_once('}')?;
    Some((before, place, after))
}

fn check(template: &str) -> Result<(), String> {
    if template.trim().is_empty() {
        return Err("must not be empty: without the key no message is sent".to_owned());
    }
    if template.chars().count() > TEMPLATE_LENGTH_MAX {
        return Err(format!("must have at most {TEMPLATE_LENGTH_MAX} characters"));
    }
    if template.chars().any(|c| c.is_control() && c != '\n') {
        return Err("must not contain control characters".to_owned());
    }
    let allowed = PLACES.map(|place| format!("{{{place}}}")).join(", ");
    let mut left = template;
    while let Some((_, place, after)) = next_place(left) {
        if !PLACES.contains(&place) {
            let place = shown(&format!("{{{place}}}"));
            return Err(format!("{place} stands for nothing; the places are {allowed}"));
        }
        left = after;
    }
    if left.contains('{') {
        return Err(format!("has a {{ without its }}; the places are {allowed}"));
    }
    Ok(())
}

/// Reads the messages of a plan file.
pub(super) fn read(file: &Table<'_>) -> Result<Messages, Bad> {
    let Some(table) = file.table("messages", &Occasion::ALL.map(Occasion::name))? else {
        return Ok(Messages::default());
    };
    let mut messages = Messages::default();
    for occasion in Occasion::ALL {
        if let Some(template) = table.text(occasion.name(), "a text in quotes")? {
            let more = messages.with(occasion, template);
            messages = more.map_err(|reason| table.bad(occasion.name(), reason))?;
        }
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: Words<'_> = Words {
        order: 7,
        offering: 2,
        name: "Room {order}",
        customer: "{points}",
        market: "hotel",
        points: 30,
    };

    #[test]
    fn puts_words_in_their_places_once() {
        let cases = [
            ("Order {order} is confirmed.", "Order 7 is confirmed."),
            ("{customer}: {name}", "{points}: Room {order}"),
            ("{points}{points} of {market}/{offering} }", "3030 of hotel/2 }"),
            ("plain\ntext", "plain\ntext"),
        ];
        for (template, text) in cases {
            let messages = Messages::default().with(Occasion::Confirmed, template).unwrap();
            assert_eq!(messages.text(Occasion::Confirmed, &WORDS).as_deref(), Some(text));
            assert_eq!(messages.text(Occasion::Paid, &WORDS), None);
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_template() {
        for (template, why) in [
            (" ", "empty"),
            ("a\u{7}b", "control"),
            ("for {custommer}", "\"{custommer}\" stands for nothing; the places are {order}"),
            ("{}", "stands for nothing"),
            ("{ order }", "stands for nothing"),
            ("{{order}}", "stands for nothing"),
            ("see {order", "without its }"),
        ] {
            let error = Messages::default().with(Occasion::Paid, template).unwrap_err();
            assert!(error.contains(why), "{template}: {error}");
        }
        let long = "x".repeat(TEMPLATE_LENGTH_MAX);
        assert!(Messages::default().with(Occasion::Paid, &long).is_ok());
        assert!(Messages::default().with(Occasion::Paid, &(long + "x")).is_err());
    }

    #[test]
    fn every_place_has_a_word_and_every_occasion_a_name() {
        for place in PLACES {
            assert!(WORDS.word(place).is_some(), "{place}");
        }
        let names: std::collections::BTreeSet<_> = Occasion::ALL.map(Occasion::name).into();
        assert_eq!(names.len(), Occasion::ALL.len());
    }
}

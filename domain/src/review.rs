//! What a customer thinks of what was booked: written, changed, removed.

use serde::{Deserialize, Serialize};

use crate::id::{OfferingId, ReviewId};
use crate::time::Timestamp;

/// Longest text of a review, in characters.
pub const REVIEW_TEXT_MAX: usize = 4000;
/// Best rating; 1 is the worst.
pub const RATING_MAX: u8 = 5;

/// What a review says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opinion {
    /// Who says it, in the marketplace's own words; may be empty.
    pub customer: String,
    /// From 1 to [`RATING_MAX`], if one was given.
    pub rating: Option<u8>,
    /// The text.
    pub text: String,
}

impl Opinion {
    /// Checks what a customer sent.
    ///
    /// # Errors
    /// The field and a sentence that says what is wrong with it.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if self.customer.chars().count() > crate::plan::NAME_LENGTH_MAX {
            let most = crate::plan::NAME_LENGTH_MAX;
            return Err(("customer", format!("must have at most {most} characters")));
        }
        if self.customer.chars().any(char::is_control) {
            return Err(("customer", "must not contain control characters".to_owned()));
        }
        if self.rating.is_some_and(|rating| !(1..=RATING_MAX).contains(&rating)) {
            return Err(("rating", format!("must be a whole number from 1 to {RATING_MAX}")));
        }
        if self.text.chars().count() > REVIEW_TEXT_MAX {
            return Err(("content", format!("must have at most {REVIEW_TEXT_MAX} characters")));
        }
        let control = |c: char| c.is_control() && c != '\n' && c != '\t';
        if self.text.chars().any(control) {
            return Err(("content", "must not contain control characters".to_owned()));
        }
        Ok(())
    }
}

/// A fact about a review. Variants are only ever added at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Somebody wrote it.
    Written {
        /// What it is about.
        offering: OfferingId,
        /// What it says.
        opinion: Opinion,
    },
    /// It says something else now.
    Changed(Opinion),
    /// It was taken away.
    Removed,
}

impl Event {
    /// The event's name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Event::Written { .. } => "ReviewWritten",
            Event::Changed(_) => "ReviewChanged",
            Event::Removed => "ReviewRemoved",
        }
    }
}

/// A fact and when it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// What is asked of a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Say something else.
    Change(Opinion),
    /// Take it away.
    Remove,
}

/// One review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Its number in its market.
    pub id: ReviewId,
    /// What it is about.
    pub offering: OfferingId,
    /// What it says.
    pub opinion: Opinion,
    /// Whether it was taken away.
    pub removed: bool,
    /// Facts applied so far.
    pub number: u32,
    /// When it was written.
    pub written_at: Timestamp,
    /// When its last fact was recorded.
    pub updated_at: Timestamp,
}

impl Review {
    /// The review its first fact makes; `None` if that fact does not begin one.
    #[must_use]
    pub fn begin(id: ReviewId, fact: &Fact) -> Option<Review> {
        let Event::Written { offering, opinion } = &fact.event else { return None };
        Some(Review {
            id,
            offering: *offering,
            opinion: opinion.clone(),
            removed: false,
            number: 1,
            written_at: fact.at,
            updated_at: fact.at,
        })
    }

    /// The fact an input makes; `None` if it is already so, or the review is gone.
    #[must_use]
    pub fn decide(&self, input: Input) -> Option<Event> {
        match input {
            Input::Change(_) | Input::Remove if self.removed => None,
            Input::Change(opinion) if opinion == self.opinion => None,
            Input::Change(opinion) => Some(Event::Changed(opinion)),
            Input::Remove => Some(Event::Removed),
        }
    }

    /// Makes a fact so.
    pub fn apply(&mut self, fact: &Fact) {
        self.number += 1;
        self.updated_at = fact.at;
        match &fact.event {
            Event::Written { opinion, .. } | Event::Changed(opinion) => {
                self.opinion = opinion.clone();
            }
            Event::Removed => self.removed = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opinion(text: &str, rating: Option<u8>) -> Opinion {
        Opinion { customer: "ann".to_owned(), rating, text: text.to_owned() }
    }

    #[test]
    fn a_review_is_changed_and_removed_once() {
        let offering = OfferingId(1);
        let event = Event::Written { offering, opinion: opinion("good", None) };
        let mut review = Review::begin(ReviewId(1), &Fact { at: Timestamp(1), event }).unwrap();
        assert_eq!(review.decide(Input::Change(opinion("good", None))), None);
        for input in [Input::Change(opinion("bad", Some(1))), Input::Remove] {
            let event = review.decide(input).unwrap();
            review.apply(&Fact { at: Timestamp(2), event });
        }
        assert_eq!(review.decide(Input::Remove), None);
        assert_eq!(review.decide(Input::Change(opinion("again", None))), None);
        assert_eq!((review.opinion.text.as_str(), review.removed), ("bad", true));
    }

    #[test]
    fn opinions_are_checked() {
        assert!(opinion("two\nlines", Some(5)).check().is_ok());
        for (bad, field) in [
            (opinion("x", Some(6)), "rating"),
            (opinion("x", Some(0)), "rating"),
            (opinion("bell\u{7}", None), "content"),
            (opinion(&"x".repeat(REVIEW_TEXT_MAX + 1), None), "content"),
        ] {
            assert_eq!(bad.check().unwrap_err().0, field);
        }
    }
}

//! What a customer pays with, in the only form the engine may keep.
//!
//! A card number of 13 to 19 digits is never stored: of it only the last four digits get this far.
//! Anything shorter, as the reference marketplaces use, is an opaque token and is kept whole.

use serde::{Deserialize, Serialize};

/// A card as it may be stored and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Card {
    /// An opaque token, echoed as it came.
    Token(String),
    /// A card number, of which only the last four digits are known.
    Number {
        /// The last four digits.
        last4: String,
    },
}

/// Longest token, in characters.
pub const TOKEN_LENGTH_MAX: usize = 64;

/// Why a card is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a card is 13 to 19 digits, or a token of 1 to {TOKEN_LENGTH_MAX} letters, digits, '-', '_' or '.' (not a longer run of digits)"
)]
pub struct CardError;

impl Card {
    /// What may be kept of what the customer typed; spaces and dashes between digits are ignored.
    ///
    /// # Errors
    /// [`CardError`] if it is neither a card number nor a token.
    pub fn parse(typed: &str) -> Result<Card, CardError> {
        // Counted before anything is copied: most cards are tokens.
        let is_number = typed.bytes().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'-'));
        let count = typed.bytes().filter(u8::is_ascii_digit).count();
        if is_number && count > 12 {
            if count > 19 {
                return Err(CardError);
            }
            let digits = typed.chars().filter(char::is_ascii_digit);
            return Ok(Card::Number { last4: digits.skip(count - 4).collect() });
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if typed.is_empty() || typed.len() > TOKEN_LENGTH_MAX || !typed.bytes().all(plain) {
            return Err(CardError);
        }
        Ok(Card::Token(typed.to_owned()))
    }

    /// The last four characters, for receipts.
    #[must_use]
    pub fn last4(&self) -> &str {
        match self {
            Card::Token(token) => &token[token.len().saturating_sub(4)..],
            Card::Number { last4 } => last4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_tokens_and_only_four_digits_of_numbers() {
        assert_eq!(Card::parse("7"), Ok(Card::Token("7".into())));
        assert_eq!(Card::parse("tok_visa"), Ok(Card::Token("tok_visa".into())));
        for typed in ["4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242"] {
            assert_eq!(Card::parse(typed), Ok(Card::Number { last4: "4242".into() }));
        }
        for typed in ["", " ", "42424242424242424242", "a b", "\u{7}", &"x".repeat(65)] {
            assert_eq!(Card::parse(typed), Err(CardError), "{typed}");
        }
    }
}

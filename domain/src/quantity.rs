//! Quantities in thousandths of a unit: seats come whole, fuel does not.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Largest quantity the engine takes, in thousandths: a thousand million units.
pub const QUANTITY_MAX: u64 = 1_000_000_000_000;

/// How much of something, in thousandths.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Quantity(u64);

/// Why a quantity is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the quantity must be from 0 to 1000000000 with at most three decimals")]
pub struct QuantityError;

impl Quantity {
    /// One unit.
    pub const ONE: Quantity = Quantity(1000);
    /// Nothing.
    pub const NONE: Quantity = Quantity(0);

    /// So many thousandths of a unit.
    ///
    /// # Errors
    /// [`QuantityError`] above [`QUANTITY_MAX`].
    pub fn from_thousandths(thousandths: u64) -> Result<Quantity, QuantityError> {
        if thousandths <= QUANTITY_MAX { Ok(Quantity(thousandths)) } else { Err(QuantityError) }
    }

    /// So many whole units.
    ///
    /// # Errors
    /// [`QuantityError`] above [`QUANTITY_MAX`].
    pub fn whole(units: u64) -> Result<Quantity, QuantityError> {
        units.checked_mul(1000).ok_or(QuantityError).and_then(Quantity::from_thousandths)
    }

    /// Reads a decimal number such as `3` or `2.125`.
    ///
    /// # Errors
    /// [`QuantityError`] for a sign, an exponent, a fourth decimal or too much.
    pub fn parse(text: &str) -> Result<Quantity, QuantityError> {
        let (units, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(units) || !digits(decimals) || decimals.len() > 3 {
            return Err(QuantityError);
        }
        let whole = Quantity::whole(units.parse().map_err(|_| QuantityError)?)?;
        let thousandths: u64 = format!("{decimals:0<3}").parse().map_err(|_| QuantityError)?;
        Quantity::from_thousandths(whole.0 + thousandths)
    }

    /// Thousandths of a unit.
    #[must_use]
    pub fn thousandths(self) -> u64 {
        self.0
    }

    /// Whether this is a whole number of units.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.0.is_multiple_of(1000)
    }

    /// Whether this is nothing.
    #[must_use]
    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// The sum; the largest number there is if that is beyond it.
    #[must_use]
    pub fn plus(self, other: Quantity) -> Quantity {
        Quantity(self.0.saturating_add(other.0))
    }

    /// So many times this; the largest number there is if that is beyond it.
    #[must_use]
    pub fn times(self, factor: u32) -> Quantity {
        Quantity(self.0.saturating_mul(u64::from(factor)))
    }

    /// What is left of this after `other`; nothing if that is more.
    #[must_use]
    pub fn minus(self, other: Quantity) -> Quantity {
        Quantity(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_whole() {
            return write!(f, "{}", self.0 / 1000);
        }
        let text = format!("{}.{:03}", self.0 / 1000, self.0 % 1000);
        f.write_str(text.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        for text in ["0", "1", "2.125", "0.5", "1000000000", "20000"] {
            assert_eq!(Quantity::parse(text).unwrap().to_string(), text);
        }
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "0.0001", "1000000000.001", "1 "] {
            assert_eq!(Quantity::parse(text), Err(QuantityError), "{text}");
        }
    }
}

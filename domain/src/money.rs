//! Money in minor units. Only checked arithmetic, never a float, never two currencies in one sum.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Largest amount the engine takes, in minor units: far above any booking, far below overflow.
pub const AMOUNT_MAX: i64 = 1_000_000_000_000_000;

/// An ISO 4217 currency code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Currency([u8; 3]);

/// Why a price is not a price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The currency is not three capital letters.
    #[error("the currency must be three capital letters such as EUR")]
    Currency,
    /// The amount is negative or absurd.
    #[error("the amount must be a whole number of minor units from 0 to {AMOUNT_MAX}")]
    Amount,
}

impl Currency {
    /// The currency with this code.
    ///
    /// # Errors
    /// [`MoneyError::Currency`] unless the code is three ASCII capitals.
    pub fn parse(code: &str) -> Result<Currency, MoneyError> {
        let bytes: [u8; 3] = code.as_bytes().try_into().map_err(|_| MoneyError::Currency)?;
        if bytes.iter().all(u8::is_ascii_uppercase) {
            Ok(Currency(bytes))
        } else {
            Err(MoneyError::Currency)
        }
    }

    /// The code, such as `EUR`.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount that is never negative, in minor units of a currency (cents of EUR, won of KRW).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    amount: i64,
    currency: Currency,
}

impl Money {
    /// So many minor units.
    ///
    /// # Errors
    /// [`MoneyError::Amount`] below 0 or above [`AMOUNT_MAX`].
    pub fn new(amount: i64, currency: Currency) -> Result<Money, MoneyError> {
        if (0..=AMOUNT_MAX).contains(&amount) {
            Ok(Money { amount, currency })
        } else {
            Err(MoneyError::Amount)
        }
    }

    /// Nothing, in this currency.
    #[must_use]
    pub fn zero(currency: Currency) -> Money {
        Money { amount: 0, currency }
    }

    /// Minor units.
    #[must_use]
    pub fn amount(&self) -> i64 {
        self.amount
    }

    /// The currency.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// Whether there is nothing to move.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.amount == 0
    }

    /// The price of `thousandths` thousandths of a unit, rounded half up to a minor unit.
    ///
    /// # Errors
    /// [`MoneyError::Amount`] when the result is above [`AMOUNT_MAX`].
    pub fn times_thousandths(self, thousandths: u64) -> Result<Money, MoneyError> {
        self.scaled(i128::from(thousandths), 1000)
    }

    /// `percent` hundredths of this, rounded half up; `percent` above 100 counts as 100.
    #[must_use]
    pub fn percent(self, percent: u8) -> Money {
        self.scaled(i128::from(percent.min(100)), 100).unwrap_or(self)
    }

    fn scaled(self, by: i128, of: i128) -> Result<Money, MoneyError> {
        let exact = i128::from(self.amount).checked_mul(by).ok_or(MoneyError::Amount)?;
        let rounded = i64::try_from((exact + of / 2) / of).map_err(|_| MoneyError::Amount)?;
        Money::new(rounded, self.currency)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn won(amount: i64) -> Money {
        Money::new(amount, Currency::parse("KRW").unwrap()).unwrap()
    }

    #[test]
    fn refuses_what_is_no_price() {
        let krw = Currency::parse("KRW").unwrap();
        for amount in [-1, i64::MIN, AMOUNT_MAX + 1, i64::MAX] {
            assert_eq!(Money::new(amount, krw), Err(MoneyError::Amount), "{amount}");
        }
        for code in ["", "kr", "krw", "KRWX", "K1W", "\u{20a9}"] {
            assert_eq!(Currency::parse(code), Err(MoneyError::Currency), "{code}");
        }
    }

    #[test]
    fn scales_half_up_and_never_overflows() {
        let cases = [(999, 500, 500), (1, 499, 0), (1, 500, 1), (30_000, 2_000, 60_000)];
        for (amount, thousandths, expected) in cases {
            assert_eq!(won(amount).times_thousandths(thousandths), Ok(won(expected)));
        }
        assert_eq!(won(AMOUNT_MAX).times_thousandths(u64::MAX), Err(MoneyError::Amount));
        assert_eq!(won(999).percent(50), won(500));
        assert_eq!(won(999).percent(0), won(0));
        assert_eq!(won(999).percent(250), won(999));
    }
}

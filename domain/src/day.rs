//! A calendar day as a value. A day is a name, not a stretch of time: how long it is, and when it
//! begins, only a [zone](crate::zone) can say.

use std::fmt;

use crate::time::Timestamp;
use jiff::SignedDuration;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A day of the calendar, from 1970-01-01 to 9999-12-31. Stored as days since the first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Day(u32);

/// The last day there is: 9999-12-31.
pub const DAY_MAX: Day = Day(2_932_896);

const FIRST: Date = jiff::civil::date(1970, 1, 1);

/// Why a text is no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DayError {
    /// It does not look like one.
    #[error("{0} is not a day such as \"2027-03-01\"")]
    Form(String),
    /// The calendar has no such day.
    #[error("{0} is not in the calendar")]
    NoSuchDay(String),
    /// The calendar of this engine ends before, or begins later.
    #[error("{0} is too far away: years go from 1970 to 9999")]
    Year(String),
}

impl Day {
    /// The day this many days after 1970-01-01; the last day there is if that is beyond it.
    #[must_use]
    pub fn from_number(number: u32) -> Day {
        Day(number.min(DAY_MAX.0))
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }

    /// Reads `2027-03-01`: four digits, two, two, and a day that the calendar has.
    ///
    /// # Errors
    /// [`DayError`], which repeats the text and says what would be right.
    pub fn parse(text: &str) -> Result<Day, DayError> {
        let form = || DayError::Form(shown(text));
        let lengths = text.split('-').map(str::len).eq([4, 2, 2]);
        if !lengths || !text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
            return Err(form());
        }
        let mut parts = text.split('-');
        let year: i16 = parts.next().and_then(|it| it.parse().ok()).ok_or_else(form)?;
        let month: i8 = parts.next().and_then(|it| it.parse().ok()).ok_or_else(form)?;
        let day: i8 = parts.next().and_then(|it| it.parse().ok()).ok_or_else(form)?;
        if year < 1970 {
            return Err(DayError::Year(shown(text)));
        }
        let date = Date::new(year, month, day).map_err(|_| DayError::NoSuchDay(shown(text)))?;
        let days = FIRST.duration_until(date).as_hours() / 24;
        u32::try_from(days).map(Day::from_number).map_err(|_| DayError::Year(shown(text)))
    }

    /// So many days later; the last day there is if that is beyond it.
    #[must_use]
    pub fn plus(self, days: u32) -> Day {
        Day::from_number(self.0.saturating_add(days))
    }

    /// The nights of a stay from this day to the day of departure; none if that is not later.
    #[must_use]
    pub fn nights_until(self, departure: Day) -> u32 {
        departure.0.saturating_sub(self.0)
    }

    /// The days from this one to `end`, which is not among them.
    pub fn until(self, end: Day) -> impl Iterator<Item = Day> {
        (self.0..end.0).map(Day)
    }

    /// Which day of the week it is: 0 is Monday, 6 is Sunday.
    #[must_use]
    pub fn weekday(self) -> u32 {
        // 1970-01-01 was a Thursday.
        (self.0 % 7 + 3) % 7
    }

    /// Whether its night is over at `now`, wherever on earth it is.
    pub(crate) fn is_over(self, now: Timestamp) -> bool {
        (u64::from(self.0) + 2) * 86_400_000 <= now.0
    }

    pub(crate) fn date(self) -> Date {
        let days = i64::from(self.0.min(DAY_MAX.0));
        FIRST.saturating_add(SignedDuration::from_hours(24 * days))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.date();
        write!(f, "{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
    }
}

/// A text of a stranger, in quotes, for an error: not too long, and without control characters.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 40;
    if text.chars().count() <= MOST {
        return format!("{text:?}");
    }
    let start: String = text.chars().take(MOST).collect();
    format!("{:?}", format!("{start}..."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        let days = [("1970-01-01", 0), ("1970-12-31", 364), ("2000-02-29", 11_016)];
        for (text, number) in days.into_iter().chain([("9999-12-31", DAY_MAX.number())]) {
            let day = Day::parse(text).unwrap();
            assert_eq!(day.number(), number, "{text}");
            assert_eq!(day.to_string(), text);
            assert_eq!(Day::from_number(number), day);
        }
    }

    #[test]
    fn counts_every_day_of_four_hundred_years() {
        let mut last = Day::parse("1999-12-31").unwrap();
        for number in last.number() + 1..last.number() + 146_097 {
            let day = Day::from_number(number);
            assert_eq!(Day::parse(&day.to_string()), Ok(day));
            assert!(day > last && day.to_string() > last.to_string());
            assert_eq!(day.weekday(), (last.weekday() + 1) % 7);
            last = day;
        }
        assert_eq!(last.plus(1).to_string(), "2399-12-31");
    }

    #[test]
    fn says_why_a_text_is_no_day() {
        for text in ["", "2027", "2027-3-1", "2027-03-1", "27-03-01", "2027/03/01", "2027-03-01 "] {
            assert_eq!(Day::parse(text), Err(DayError::Form(format!("{text:?}"))), "{text}");
        }
        for text in ["+027-03-01", "-027-03-01", "2027-03-01T00:00", "2027-\u{661}-01"] {
            assert!(matches!(Day::parse(text), Err(DayError::Form(_))), "{text}");
        }
        for text in ["2027-02-29", "2027-04-31", "2027-13-01", "2027-00-10", "2100-02-29"] {
            assert!(matches!(Day::parse(text), Err(DayError::NoSuchDay(_))), "{text}");
        }
        for text in ["1969-12-31", "0000-01-01"] {
            assert!(matches!(Day::parse(text), Err(DayError::Year(_))), "{text}");
        }
        let long = Day::parse(&"9".repeat(5000)).unwrap_err().to_string();
        assert!(long.len() < 120, "{long}");
    }

    #[test]
    fn counts_nights_and_knows_the_week() {
        let [from, to] = ["2027-02-27", "2027-03-02"].map(|day| Day::parse(day).unwrap());
        assert_eq!((from.nights_until(to), to.nights_until(from)), (3, 0));
        assert_eq!(from.until(to).last(), Some(Day::parse("2027-03-01").unwrap()));
        assert_eq!((from.weekday(), to.weekday()), (5, 1));
        assert_eq!(from.plus(3), to);
        assert_eq!(from.plus(u32::MAX), DAY_MAX);
    }
}

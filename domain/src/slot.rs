//! A time that can be booked: what the clock on the wall shows, and the moment that is.
//!
//! Both are stored. So nothing that is recorded depends on a database of time zones: when a
//! country changes its clocks, what was sold stays sold for the moment that was meant.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::day::{Day, DayError, shown};
use crate::time::Timestamp;

/// What a clock on the wall shows, to the minute: minutes since 1970-01-01T00:00 there.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct LocalMinute(u32);

/// Minutes of a day on the wall.
const DAY: u32 = 24 * 60;

/// A bookable time. [`Zone::slot`](crate::zone::Zone::slot) makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot {
    // The fields are compared in this order.
    at: Timestamp,
    local: LocalMinute,
    /// The offset from UTC in minutes, of a time that the clock shows twice.
    fold: Option<i32>,
}

/// Why a text is no bookable time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// It does not look like one.
    #[error("{0} is not a time such as \"2027-03-28T10:00\"")]
    Form(String),
    /// Its day is none.
    #[error(transparent)]
    Day(#[from] DayError),
    /// No clock shows this.
    #[error("{0} is not on the clock: hours go from 00 to 23, minutes from 00 to 59")]
    NoSuchTime(String),
    /// Slots begin on the minute.
    #[error("{0} has seconds: slots begin on the minute")]
    Seconds(String),
    /// The clock skips it.
    #[error("{local} does not exist in {zone}: there the clock goes from {from} straight to {to}")]
    Skipped {
        /// What was asked for.
        local: LocalMinute,
        /// Where.
        zone: String,
        /// When the clock is put forward.
        from: LocalMinute,
        /// What it shows then.
        to: LocalMinute,
    },
    /// The clock shows it twice.
    #[error(
        "{local} exists twice in {zone}, because the clock is put back: write {local}{} for the first or {local}{} for the second",
        Offset(*.first), Offset(*.second)
    )]
    Twice {
        /// What was asked for.
        local: LocalMinute,
        /// Where.
        zone: String,
        /// The offset of the first from UTC, in minutes.
        first: i32,
        /// That of the second.
        second: i32,
    },
    /// An offset was written, and it is not the one that holds.
    #[error("{local} is not at {} in {zone}: it is at {right}", Offset(*.written))]
    Offset {
        /// What was asked for.
        local: LocalMinute,
        /// Where.
        zone: String,
        /// The offset that was written, in minutes.
        written: i32,
        /// The offset that holds, or both of them.
        right: String,
    },
}

/// An offset from UTC in minutes, as it is written behind a time.
#[derive(Clone, Copy)]
pub(crate) struct Offset(pub(crate) i32);

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { '-' } else { '+' };
        let minutes = self.0.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// Reads `HH:MM`, and `HH:MM:00`: minutes since midnight.
pub(crate) fn minutes(text: &str) -> Result<u32, SlotError> {
    let form = || SlotError::Form(shown(text));
    let lengths = text.split(':').all(|part| part.len() == 2);
    if !lengths || !text.bytes().all(|b| b.is_ascii_digit() || b == b':') {
        return Err(form());
    }
    let parts: Vec<u32> = text.split(':').filter_map(|part| part.parse().ok()).collect();
    match parts[..] {
        [hour, minute] | [hour, minute, 0] if hour < 24 && minute < 60 => Ok(hour * 60 + minute),
        [hour, minute, _] if hour < 24 && minute < 60 => Err(SlotError::Seconds(shown(text))),
        [_, _] | [_, _, _] => Err(SlotError::NoSuchTime(shown(text))),
        _ => Err(form()),
    }
}

impl LocalMinute {
    /// So many minutes after midnight of a day.
    #[must_use]
    pub fn new(day: Day, minute: u32) -> LocalMinute {
        LocalMinute(day.number().saturating_mul(DAY).saturating_add(minute.min(DAY - 1)))
    }

    /// Minutes since 1970-01-01T00:00 on the wall.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }

    /// The day the calendar on the wall shows.
    #[must_use]
    pub fn day(self) -> Day {
        Day::from_number(self.0 / DAY)
    }

    /// Reads `2027-03-28T10:00`; seconds may follow if they are `:00`.
    ///
    /// # Errors
    /// [`SlotError`] for anything else, an offset too.
    pub fn parse(text: &str) -> Result<LocalMinute, SlotError> {
        let (day, time) = text.split_once('T').ok_or_else(|| SlotError::Form(shown(text)))?;
        let minute = minutes(time).map_err(|error| match error {
            SlotError::Form(_) => SlotError::Form(shown(text)),
            error @ (SlotError::Day(_)
            | SlotError::NoSuchTime(_)
            | SlotError::Seconds(_)
            | SlotError::Skipped { .. }
            | SlotError::Twice { .. }
            | SlotError::Offset { .. }) => error,
        })?;
        match Day::parse(day) {
            Ok(day) => Ok(LocalMinute::new(day, minute)),
            Err(DayError::Form(_)) => Err(SlotError::Form(shown(text))),
            Err(error @ (DayError::NoSuchDay(_) | DayError::Year(_))) => Err(error.into()),
        }
    }
}

impl fmt::Display for LocalMinute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minute = self.0 % DAY;
        write!(f, "{}T{:02}:{:02}", self.day(), minute / 60, minute % 60)
    }
}

/// Takes the offset off the end of a time: `+02:00`, `-03:30` or `Z`, in minutes.
pub(crate) fn split_offset(text: &str) -> Result<(&str, Option<i32>), SlotError> {
    if let Some(local) = text.strip_suffix('Z') {
        return Ok((local, Some(0)));
    }
    // A day has '-' too; so an offset is looked for behind the 'T'.
    let time = text.find('T').unwrap_or(text.len());
    let sign = text.bytes().enumerate().skip(time).find(|(_, b)| matches!(b, b'+' | b'-'));
    let Some((at, sign)) = sign else { return Ok((text, None)) };
    let (local, offset) = text.split_at(at);
    let offset = offset.get(1..).filter(|it| it.len() == 5);
    let minutes = offset.and_then(|it| minutes(it).ok()).and_then(|it| i32::try_from(it).ok());
    let minutes = minutes.ok_or_else(|| SlotError::Form(shown(text)))?;
    Ok((local, Some(if sign == b'-' { -minutes } else { minutes })))
}

impl Slot {
    pub(crate) fn new(at: Timestamp, local: LocalMinute, fold: Option<i32>) -> Slot {
        Slot { at, local, fold }
    }

    /// What the clock on the wall shows.
    #[must_use]
    pub fn local(&self) -> LocalMinute {
        self.local
    }

    /// The moment.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// How it is named: `2026-10-25T10:00`, and `2026-10-25T02:30+01:00` where the clock shows
    /// `02:30` twice. The zone that made it reads it back.
    #[must_use]
    pub fn name(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.local.fmt(f)?;
        self.fold.map_or(Ok(()), |offset| Offset(offset).fmt(f))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        for text in ["1970-01-01T00:00", "2027-03-28T23:59", "9999-12-31T23:59"] {
            assert_eq!(LocalMinute::parse(text).unwrap().to_string(), text);
        }
        let seconds = LocalMinute::parse("2027-03-28T10:00:00");
        assert_eq!(seconds, LocalMinute::parse("2027-03-28T10:00"));
        assert_eq!(LocalMinute::parse("1970-01-02T00:01").unwrap().number(), 1441);
    }

    #[test]
    fn says_why_a_text_is_no_time() {
        let cases = [
            ("", "such as"),
            ("2027-03-28", "such as"),
            ("2027-03-28 10:00", "such as"),
            ("2027-03-28T10", "such as"),
            ("2027-03-28T10:0", "such as"),
            ("2027-03-28T1000", "such as"),
            ("2027-03-28T+1:00", "such as"),
            ("2027-3-28T10:00", "such as"),
            ("2027-03-28T10:00:00.000", "such as"),
            ("2027-03-28T10:00:00:00", "such as"),
            ("2027-02-29T10:00", "calendar"),
            ("1969-02-28T10:00", "1970"),
            ("2027-03-28T24:00", "00 to 23"),
            ("2027-03-28T10:60", "00 to 23"),
            ("2027-03-28T10:00:30", "on the minute"),
        ];
        for (text, why) in cases {
            let error = LocalMinute::parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn takes_offsets_off() {
        for (offset, minutes) in [("Z", 0), ("+00:00", 0), ("-03:30", -210), ("+14:00", 840)] {
            let text = format!("2027-03-28T10:00{offset}");
            assert_eq!(split_offset(&text), Ok(("2027-03-28T10:00", Some(minutes))));
        }
        assert_eq!(split_offset("2027-03-28T10:00"), Ok(("2027-03-28T10:00", None)));
        for offset in ["+1", "+01", "+0100", "+01:00:00", "-", "+24:00", "+\u{661}"] {
            assert!(split_offset(&format!("2027-03-28T10:00{offset}")).is_err(), "{offset}");
        }
    }
}

//! Where a market's clocks hang: what they show, and which moment that is.
//!
//! A day has 23 or 25 hours when the clock is changed; a time of day is then skipped or comes twice.
//! The rules are those of the IANA database that is built into the program. The system's files are
//! never read, so that two machines never disagree.

use jiff::tz::{AmbiguousOffset, Offset as Shift, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, civil};
use serde::{Deserialize, Serialize};

use crate::day::{Day, shown};
use crate::slot::{LocalMinute, Offset, Slot, SlotError, split_offset};
use crate::time::Timestamp;

/// A time zone, by its IANA name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Zone(String);

/// A name that no zone has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is not a time zone such as \"Europe/Berlin\" or \"UTC\"{hint}")]
pub struct ZoneError {
    name: String,
    hint: String,
}

/// What it means when a clock on the wall shows something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// One moment, as nearly always.
    Once(Slot),
    /// No moment: the clock is put forward past it.
    Never {
        /// What the clock would show when it is put forward.
        from: LocalMinute,
        /// What it shows instead.
        to: LocalMinute,
        /// When that is.
        at: Timestamp,
    },
    /// Two moments: the clock is put back and shows it again.
    Twice(Slot, Slot),
}

impl Zone {
    /// The zone of this name; capital and small letters are the same.
    ///
    /// # Errors
    /// [`ZoneError`], if it can with the name that was meant.
    pub fn parse(name: &str) -> Result<Zone, ZoneError> {
        let found = TimeZoneDatabase::bundled().get(name).ok().filter(|zone| !zone.is_unknown());
        let zone = found.as_ref().and_then(|zone| zone.iana_name()).map(str::to_owned);
        zone.map(Zone).ok_or_else(|| ZoneError { name: shown(name), hint: meant(name) })
    }

    /// The zone whose clocks are never changed.
    #[must_use]
    pub fn utc() -> Zone {
        Zone("UTC".to_owned())
    }

    /// Its IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// When a day begins: at midnight, and where the clock is put forward past midnight, with
    /// the first moment of the day.
    #[must_use]
    pub fn start_of(&self, day: Day) -> Timestamp {
        match self.read(LocalMinute::new(day, 0)) {
            Reading::Once(slot) | Reading::Twice(slot, _) => slot.at(),
            Reading::Never { at, .. } => at,
        }
    }

    /// The moments at which a clock here shows this.
    #[must_use]
    pub fn read(&self, local: LocalMinute) -> Reading {
        let zone = self.rules();
        match zone.to_ambiguous_timestamp(civil(local)).offset() {
            AmbiguousOffset::Unambiguous { offset } => {
                Reading::Once(Slot::new(moment(local, offset), local, None))
            }
            AmbiguousOffset::Fold { before, after } => {
                let slot = |shift| Slot::new(moment(local, shift), local, Some(minutes(shift)));
                Reading::Twice(slot(before), slot(after))
            }
            AmbiguousOffset::Gap { before, after } => {
                let at = put_forward(&zone, local, before, after);
                Reading::Never { from: shows(at, before), to: shows(at, after), at }
            }
        }
    }

    /// Reads a bookable time: `2027-03-28T10:00`. With an offset behind it (`+02:00`) the offset must
    /// hold here at that time; a time that the clock shows twice needs one.
    ///
    /// # Errors
    /// [`SlotError`], with what the clock does there.
    pub fn slot(&self, text: &str) -> Result<Slot, SlotError> {
        let (wall, written) = split_offset(text)?;
        let local = LocalMinute::parse(wall)?;
        let zone = self.0.clone();
        let other =
            |written, right| SlotError::Offset { local, zone: zone.clone(), written, right };
        match (self.read(local), written) {
            (Reading::Never { from, to, .. }, _) => {
                Err(SlotError::Skipped { local, zone, from, to })
            }
            (Reading::Once(slot), None) => Ok(slot),
            (Reading::Once(slot), Some(written)) => {
                let right = offset(&slot);
                if written == right {
                    Ok(slot)
                } else {
                    Err(other(written, Offset(right).to_string()))
                }
            }
            (Reading::Twice(first, second), written) => {
                let (one, two) = (offset(&first), offset(&second));
                match written {
                    Some(written) if written == one => Ok(first),
                    Some(written) if written == two => Ok(second),
                    Some(written) => {
                        Err(other(written, format!("{} or {}", Offset(one), Offset(two))))
                    }
                    None => Err(SlotError::Twice { local, zone, first: one, second: two }),
                }
            }
        }
    }

    /// Its rules. A stored zone had a name that was known; if it no longer is, its clock shows UTC.
    fn rules(&self) -> TimeZone {
        TimeZoneDatabase::bundled().get(&self.0).unwrap_or(TimeZone::UTC)
    }
}

/// The zone somebody had in mind who wrote only a town, or an abbreviation.
fn meant(name: &str) -> String {
    let town = name.rsplit('/').next().unwrap_or(name).trim().replace(' ', "_");
    let same =
        |zone: &str| zone.rsplit('/').next().is_some_and(|it| it.eq_ignore_ascii_case(&town));
    let all = TimeZoneDatabase::bundled();
    let found = all.available().find(|zone| zone.as_str().contains('/') && same(zone.as_str()));
    found.map_or(String::new(), |zone| format!("; do you mean \"{}\"?", zone.as_str()))
}

fn civil(local: LocalMinute) -> civil::DateTime {
    let since = SignedDuration::from_secs(60 * i64::from(local.number()));
    civil::date(1970, 1, 1).at(0, 0, 0, 0).saturating_add(since)
}

/// The moment a clock that is shifted so shows this; the first moment there is if it is before.
fn moment(local: LocalMinute, shift: Shift) -> Timestamp {
    let seconds = 60 * i64::from(local.number()) - i64::from(shift.seconds());
    Timestamp(u64::try_from(seconds).unwrap_or(0).saturating_mul(1000))
}

/// What a clock that is shifted so shows at this moment.
fn shows(at: Timestamp, shift: Shift) -> LocalMinute {
    let seconds = i64::try_from(at.0 / 1000).unwrap_or(i64::MAX);
    let minutes = seconds.saturating_add(i64::from(shift.seconds())) / 60;
    let minutes = u32::try_from(minutes).unwrap_or(0);
    LocalMinute::new(Day::from_number(minutes / 1440), minutes % 1440)
}

fn minutes(shift: Shift) -> i32 {
    shift.seconds() / 60
}

/// The offset of a slot from UTC, in minutes.
fn offset(slot: &Slot) -> i32 {
    let utc = i64::try_from(slot.at().0 / 60_000).unwrap_or(i64::MAX);
    i32::try_from(i64::from(slot.local().number()).saturating_sub(utc)).unwrap_or(0)
}

/// When the clock is put forward past this time.
fn put_forward(zone: &TimeZone, skipped: LocalMinute, before: Shift, after: Shift) -> Timestamp {
    // Read with the offset that holds afterwards, a skipped time lies before the change.
    let earlier = after.to_timestamp(civil(skipped)).ok();
    let change = earlier.and_then(|earlier| zone.following(earlier).next());
    let at = change.and_then(|it| u64::try_from(it.timestamp().as_millisecond()).ok());
    at.map_or_else(|| moment(skipped, before), Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        Zone::parse(name).unwrap()
    }

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    const HOUR: u64 = 3_600_000;

    #[test]
    fn knows_zones_by_name() {
        for name in ["UTC", "Asia/Seoul", "Europe/Berlin", "America/Argentina/Buenos_Aires"] {
            assert_eq!(zone(name).name(), name);
        }
        assert_eq!(zone("europe/berlin").name(), "Europe/Berlin");
        assert_eq!(Zone::utc(), zone("UTC"));
        for (name, hint) in [
            ("Berlin", "do you mean \"Europe/Berlin\""),
            ("Europe/Seoul", "do you mean \"Asia/Seoul\""),
            ("new york", "do you mean \"America/New_York\""),
            ("KST", "such as"),
            ("+09:00", "such as"),
            ("", "such as"),
            ("Etc/Unknown", "such as"),
            ("../../etc/passwd", "such as"),
        ] {
            let error = Zone::parse(name).unwrap_err().to_string();
            assert!(error.contains(hint), "{name}: {error}");
        }
    }

    /// Days, and how many hours they have. The first moment of each is checked by the sum.
    #[test]
    fn days_have_23_24_or_25_hours() {
        let days = [
            ("UTC", "2027-03-28", 24),
            ("Europe/Berlin", "2027-03-27", 24),
            ("Europe/Berlin", "2027-03-28", 23),
            ("Europe/Berlin", "2026-10-25", 25),
            ("America/New_York", "2027-03-14", 23),
            ("America/New_York", "2027-11-07", 25),
            ("Asia/Seoul", "2027-03-28", 24),
            // Midnight is skipped: the day begins at 01:00.
            ("America/Santiago", "2027-09-05", 23),
            ("Asia/Beirut", "2027-03-28", 23),
            ("America/Santiago", "2027-04-03", 25),
            // Half an hour.
            ("Australia/Lord_Howe", "2026-10-04", 23),
            // A whole day is skipped: it begins and ends at once.
            ("Pacific/Apia", "2011-12-30", 0),
            // One minute past midnight the clock is put back into the day before.
            ("America/St_Johns", "2010-11-07", 25),
        ];
        for (name, date, hours) in days {
            let (zone, day) = (zone(name), day(date));
            let length = zone.start_of(day.plus(1)).since(zone.start_of(day)).0;
            assert_eq!(length / HOUR, hours, "{name} {date}: {length} ms");
        }
        let midnight = zone("Europe/Berlin").start_of(day("2027-03-28"));
        assert_eq!(midnight, zone("UTC").slot("2027-03-27T23:00").unwrap().at());
        let skipped = zone("America/Santiago").start_of(day("2027-09-05"));
        assert_eq!(skipped, zone("America/Santiago").slot("2027-09-05T01:00").unwrap().at());
        let beirut = zone("Asia/Beirut");
        assert_eq!(
            beirut.start_of(day("2027-03-28")),
            beirut.slot("2027-03-28T01:00").unwrap().at()
        );
    }

    #[test]
    fn reads_times_and_says_what_the_clock_does() {
        let cases = [
            ("2027-03-28T01:59", "2027-03-28T01:59"),
            ("2027-03-28T02:10", "goes from 2027-03-28T02:00 straight to 2027-03-28T03:00"),
            ("2027-03-28T02:30", "2027-03-28T02:30 does not exist in Europe/Berlin"),
            ("2027-03-28T02:30+01:00", "does not exist"),
            ("2027-03-28T03:00", "2027-03-28T03:00"),
            ("2027-03-28T03:00+02:00", "2027-03-28T03:00"),
            ("2027-03-28T03:00:00+02:00", "2027-03-28T03:00"),
            ("2027-03-28T03:00+01:00", "is not at +01:00 in Europe/Berlin: it is at +02:00"),
            ("2027-03-28T03:00Z", "is not at +00:00"),
            ("2026-10-25T01:59", "2026-10-25T01:59"),
            ("2026-10-25T02:30", "write 2026-10-25T02:30+02:00 for the first"),
            ("2026-10-25T02:30", "or 2026-10-25T02:30+01:00 for the second"),
            ("2026-10-25T02:30+02:00", "2026-10-25T02:30+02:00"),
            ("2026-10-25T02:30+01:00", "2026-10-25T02:30+01:00"),
            ("2026-10-25T02:30Z", "it is at +02:00 or +01:00"),
            ("2026-10-25T03:00", "2026-10-25T03:00"),
            ("2026-10-25T25:00", "00 to 23"),
        ];
        for (text, said) in cases {
            match zone("Europe/Berlin").slot(text) {
                Ok(slot) => assert_eq!(slot.name(), said, "{text}"),
                Err(error) => assert!(error.to_string().contains(said), "{text}: {error}"),
            }
        }
    }

    #[test]
    fn a_time_that_comes_twice_is_two_slots_an_hour_apart() {
        let berlin = zone("Europe/Berlin");
        let [first, second] =
            ["2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"].map(|it| berlin.slot(it).unwrap());
        assert_eq!(second.at().since(first.at()).0, HOUR);
        assert!(first < second && first.local() == second.local());
        let before = berlin.slot("2026-10-25T01:59").unwrap();
        let after = berlin.slot("2026-10-25T03:00").unwrap();
        assert!(before < first && second < after);
        assert_eq!(after.at().since(before.at()).0, 2 * HOUR + 60_000);
    }

    #[test]
    fn every_slot_is_read_back_by_its_name() {
        for name in ["Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "UTC"] {
            let zone = zone(name);
            for day in day("2026-10-01").until(day("2027-10-10")) {
                for minute in [0, 30, 90, 120, 150, 180, 1380, 1410] {
                    let local = LocalMinute::new(day, minute);
                    match zone.read(local) {
                        Reading::Once(slot) => assert_eq!(zone.slot(&slot.name()), Ok(slot)),
                        Reading::Never { from, to, at } => {
                            assert!(from <= local && local < to);
                            assert_eq!(zone.slot(&to.to_string()).unwrap().at(), at);
                        }
                        Reading::Twice(one, two) => {
                            assert!(one < two);
                            assert_eq!(zone.slot(&one.name()), Ok(one));
                            assert_eq!(zone.slot(&two.name()), Ok(two));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_ends_of_time_are_times_too() {
        for name in ["Asia/Seoul", "America/New_York", "UTC"] {
            for text in ["1970-01-01T00:00", "9999-12-31T23:59"] {
                assert_eq!(zone(name).slot(text).unwrap().name(), text);
            }
            assert!(zone(name).start_of(crate::day::DAY_MAX) > Timestamp(0));
        }
        assert_eq!(zone("Asia/Seoul").start_of(Day::from_number(0)), Timestamp(0));
    }
}

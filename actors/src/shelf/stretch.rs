//! Stretches: runs of neighbouring entries of the snapshots that are checked together.
//!
//! A start cannot look at every snapshot there is. So for each stretch there is a **tally**, how many
//! entries it has and their sum, and before anything of it is used the entries are held against that
//! (see `fit.rs`). The tallies of neighbouring stretches share a **sheet**, an entry of [`STRETCHES`];
//! of these there are few, and every start looks at all of them.
//!
//! ```text
//!  sheet = line*          line = stretch (1 byte) | entries (4 bytes, big endian) | sum (8 bytes)
//! ```
//!
//! New orders fall into few sheets, whatever they are for: parts lie by their number first and by the
//! offering second, because all offerings have their new orders in the same part.

use std::collections::BTreeMap;

use surehold_storage::Stream;

use crate::stream::Kind;

/// Neighbouring pages that are one stretch, as a power of two: 500 orders, checked in half a millisecond.
const PAGES_BITS: u32 = 5;
/// Neighbouring parts of an offering that are one stretch, as a power of two. One may have 100 KB.
const PARTS_BITS: u32 = 2;
/// Idempotency keys lie scattered over all numbers. Each market has 4,096 stretches for them: a few when
/// there are few keys, and with 10 million keys one is checked in some milliseconds.
const KEYS_BITS: u32 = 64 - 12;
/// Stretches on a sheet, as a power of two. What was checked of a sheet fits a `u64`.
const SHEET_BITS: u32 = 6;

/// How many numbers of pages a stretch has, as a power of two.
fn bits(kind: u8) -> u32 {
    match Kind::from_number(kind) {
        // The head lies between parts of its own and others'.
        Some(Kind::Offering) => 0,
        Some(Kind::Key) => KEYS_BITS,
        Some(
            Kind::Node
            | Kind::Market
            | Kind::Order
            | Kind::Payment
            | Kind::Confirmation
            | Kind::Mileage
            | Kind::Message
            | Kind::Review
            | Kind::Sale
            | Kind::Supply
            | Kind::Switch,
        )
        | None => PAGES_BITS,
    }
}

/// The tallies of some neighbours, by where they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Sheet {
    /// What the places of its pages, or of its heads, have in common.
    common: Stream,
    /// Which parts, if it is about parts.
    parts: Option<u64>,
}

impl Sheet {
    /// Its key in [`super::STRETCHES`].
    pub(super) fn to_key(self) -> Vec<u8> {
        let mut key = self.common.to_key().to_vec();
        key.extend(self.parts.map(u64::to_be_bytes).into_iter().flatten());
        key
    }

    /// The sheet with this key.
    pub(super) fn from_key(key: &[u8]) -> Option<Sheet> {
        let (common, parts) = key.split_at_checked(Stream::KEY_LENGTH)?;
        let common = Stream::from_key(common)?;
        if parts.is_empty() {
            return Some(Sheet { common, parts: None });
        }
        let parts = Some(u64::from_be_bytes(parts.try_into().ok()?));
        Some(Sheet { common, parts })
    }
}

/// One stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Stretch {
    pub(super) sheet: Sheet,
    /// Which one of the sheet, below 64.
    pub(super) line: u8,
}

impl Stretch {
    /// The stretch of an entry of the snapshots; `None` if that is no key of theirs.
    pub(super) fn of(key: &[u8]) -> Option<Stretch> {
        let (place, part) = key.split_at_checked(Stream::KEY_LENGTH)?;
        let place = Stream::from_key(place)?;
        let parts = if part.is_empty() {
            None
        } else {
            Some(u64::from_be_bytes(part.try_into().ok()?) >> PARTS_BITS)
        };
        let number = place.id >> bits(place.kind);
        let line = u8::try_from(number & ((1 << SHEET_BITS) - 1)).unwrap_or(0);
        let common = Stream { id: number >> SHEET_BITS, ..place };
        Some(Stretch { sheet: Sheet { common, parts }, line })
    }

    /// From the first key that may be in it up to one behind the last.
    pub(super) fn range(self) -> (Vec<u8>, Vec<u8>) {
        let Sheet { common, parts } = self.sheet;
        let bits = bits(common.kind);
        let first = ((common.id << SHEET_BITS) | u64::from(self.line)) << bits;
        let last = first | ((1 << bits) - 1);
        let key = |id| Stream { id, ..common }.to_key().to_vec();
        let (mut from, mut to) = (key(first), key(last));
        if let Some(parts) = parts {
            let first = parts << PARTS_BITS;
            from.extend(first.to_be_bytes());
            to.extend((first | ((1 << PARTS_BITS) - 1)).to_be_bytes());
            to.push(0);
        } else if Kind::from_number(common.kind) == Some(Kind::Offering) {
            to.push(0);
        } else {
            // Whatever begins like a page's key is in it.
            to.extend([0xff; 9]);
        }
        (from, to)
    }
}

/// Stretches of parts: where the sheets of those lie that an offering's parts may be on.
pub(super) fn sheets_of_parts(place: Stream) -> (Vec<u8>, Vec<u8>) {
    let common = Stream { id: (place.id >> bits(place.kind)) >> SHEET_BITS, ..place };
    let (mut from, mut to) = (common.to_key().to_vec(), common.to_key().to_vec());
    from.push(0);
    to.extend([0xff; 9]);
    (from, to)
}

/// Which line of each such sheet is that of the offering.
pub(super) fn line_of(place: Stream) -> u8 {
    Stretch::of(&place.to_key()).map_or(0, |stretch| stretch.line)
}

/// What the entries of a stretch come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// How many there are. Of a change: how many more, and below zero how many fewer.
    entries: i64,
    sum: u64,
}

impl Tally {
    pub(super) fn add(&mut self, hash: u64) {
        self.entries += 1;
        self.sum = self.sum.wrapping_add(hash);
    }

    pub(super) fn take(&mut self, hash: u64) {
        self.entries -= 1;
        self.sum = self.sum.wrapping_sub(hash);
    }

    /// Both together.
    pub(super) fn and(self, other: Tally) -> Tally {
        let sum = self.sum.wrapping_add(other.sum);
        Tally { entries: self.entries.wrapping_add(other.entries), sum }
    }

    pub(super) fn entries(self) -> i64 {
        self.entries
    }

    pub(super) fn sum(self) -> u64 {
        self.sum
    }
}

const LINE_LENGTH: usize = 1 + 4 + 8;

/// What is on a sheet. A stretch without entries has no line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lines(BTreeMap<u8, Tally>);

impl Lines {
    /// Reads a sheet; what is not whole is not on it.
    pub(super) fn read(sheet: Option<&[u8]>) -> Lines {
        let (lines, _) = sheet.unwrap_or_default().as_chunks::<LINE_LENGTH>();
        let line = |line: &[u8; LINE_LENGTH]| {
            let (entries, sum) = (line[1..5].try_into().ok()?, line[5..].try_into().ok()?);
            let entries = i64::from(u32::from_be_bytes(entries));
            Some((line[0], Tally { entries, sum: u64::from_be_bytes(sum) }))
        };
        Lines(lines.iter().filter_map(line).collect())
    }

    pub(super) fn get(&self, line: u8) -> Tally {
        self.0.get(&line).copied().unwrap_or_default()
    }

    pub(super) fn set(&mut self, line: u8, tally: Tally) {
        if tally == Tally::default() {
            self.0.remove(&line);
        } else {
            self.0.insert(line, tally);
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = u8> {
        self.0.keys().copied()
    }

    /// The sheet as stored; `None` when nothing is on it.
    pub(super) fn to_bytes(&self) -> Option<Vec<u8>> {
        if self.0.is_empty() {
            return None;
        }
        let mut sheet = Vec::with_capacity(self.0.len() * LINE_LENGTH);
        for (line, tally) in &self.0 {
            sheet.push(*line);
            sheet.extend(u32::try_from(tally.entries).unwrap_or(u32::MAX).to_be_bytes());
            sheet.extend(tally.sum.to_be_bytes());
        }
        Some(sheet)
    }
}

#[cfg(test)]
mod tests {
    use surehold_storage::faulty::Dice;

    use super::super::parts::key_of;
    use super::*;

    fn stream(kind: Kind, id: u64) -> Stream {
        Stream { kind: kind as u8, group: 3, id }
    }

    /// Near the beginning, or anywhere.
    fn some_number(dice: &mut Dice) -> u64 {
        let below = [20, 5000, u64::MAX][usize::try_from(dice.below(3)).unwrap()];
        dice.below(below) + u64::from(dice.below(2) == 0)
    }

    #[test]
    fn a_stretch_has_its_entries_and_no_others() {
        let mut dice = Dice::new(7);
        for kind in Kind::ALL {
            for _ in 0..300 {
                let mut keys = Vec::new();
                for _ in 0..2 {
                    let place = stream(kind, some_number(&mut dice));
                    keys.push(place.to_key().to_vec());
                    if kind == Kind::Offering {
                        keys.push(key_of(place, some_number(&mut dice)));
                        keys.push(key_of(place, some_number(&mut dice)));
                    }
                }
                for one in &keys {
                    let stretch = Stretch::of(one).unwrap();
                    let (from, to) = stretch.range();
                    for other in &keys {
                        let within = from <= *other && *other < to;
                        let same = Stretch::of(other).unwrap() == stretch;
                        assert_eq!(within, same, "{one:?} and {other:?}");
                    }
                    assert_eq!(Sheet::from_key(&stretch.sheet.to_key()), Some(stretch.sheet));
                    assert!(stretch.line < 64);
                }
            }
        }
    }

    #[test]
    fn a_sheet_reads_as_it_was_written() {
        let (mut written, mut dice) = (Lines::default(), Dice::new(1));
        assert_eq!(written.to_bytes(), None);
        for line in [63, 0, 5, 7] {
            let tally = Tally { entries: 1 + i64::from(line), sum: dice.below(u64::MAX) };
            written.set(line, tally);
            assert_eq!(written.get(line), tally);
            assert_eq!(Lines::read(written.to_bytes().as_deref()), written);
        }
        written.set(5, Tally::default());
        assert_eq!(written.all().collect::<Vec<_>>(), [0, 7, 63]);
        assert_eq!(written.to_bytes().unwrap().len(), 3 * LINE_LENGTH);
    }

    #[test]
    fn new_orders_fall_into_few_sheets() {
        let sheets = |keys: &[Vec<u8>]| {
            let sheets: std::collections::BTreeSet<_> =
                keys.iter().map(|key| Stretch::of(key).unwrap().sheet).collect();
            sheets.len()
        };
        let pages: Vec<_> = (0..2048).map(|id| stream(Kind::Order, id).to_key().to_vec()).collect();
        assert_eq!(sheets(&pages), 1);
        let heads: Vec<_> =
            (0..1024).map(|id| stream(Kind::Offering, id).to_key().to_vec()).collect();
        assert_eq!(sheets(&heads), 16);
        let parts: Vec<_> = (0..1024).map(|id| key_of(stream(Kind::Offering, id), 61)).collect();
        assert_eq!(sheets(&parts), 16);
        // The parts of one offering are found again.
        let place = stream(Kind::Offering, 700);
        let (from, to) = sheets_of_parts(place);
        for part in [0, 5, 1 << 40, u64::MAX] {
            let stretch = Stretch::of(&key_of(place, part)).unwrap();
            let key = stretch.sheet.to_key();
            assert!(from <= key && key < to && stretch.line == line_of(place));
        }
        let heads = Stretch::of(&place.to_key()).unwrap().sheet.to_key();
        assert!(heads < from);
    }

    #[test]
    fn what_is_no_key_is_in_no_stretch() {
        let key = stream(Kind::Order, 7).to_key();
        assert!(Stretch::of(&key[..10]).is_none());
        assert!(Stretch::of(&[&key[..], &[1]].concat()).is_none());
    }
}

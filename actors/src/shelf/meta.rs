//! What is written down about the snapshots beside them: what they stand for, and what they come to.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};

use serde::{Deserialize, Serialize};
use surehold_storage::codec;
use surehold_storage::{Change, Space};

use super::stretch::{Lines, Sheet, Stretch, Tally};
use super::{META, SNAPSHOTS, STRETCHES, Shelf, ShelfError, formats};

/// The key of the meta record in [`META`].
pub const META_KEY: &[u8] = b"meta";
/// The key in [`META`] of the formats that the snapshots and the facts under the watermark have.
pub const FORMATS_KEY: &[u8] = b"formats";
/// The version of [`Meta`] and of the entries it describes.
pub const META_VERSION: u8 = 5;

/// What the stored snapshots stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// The journal they were made from.
    pub journal: u128,
    /// Every fact up to this sequence is in them.
    pub watermark: u64,
    /// The last number given, by kind and market.
    pub counters: Vec<(u8, u16, u64)>,
    /// Entries in [`super::STRETCHES`], which tell what the snapshots come to, and in [`super::OPEN`].
    pub entries: u64,
    /// Sum of [`entry_hash`] over them.
    pub sum: u64,
}

impl Meta {
    fn add(&mut self, tally: Tally) {
        self.entries = self.entries.saturating_add_signed(tally.entries());
        self.sum = self.sum.wrapping_add(tally.sum());
    }
}

/// A number that stands for one entry. It only has to stay the same while one program runs on one
/// store: after an upgrade of the standard library a different one costs a rebuild, nothing else.
#[must_use]
pub fn entry_hash(space: Space, key: &[u8], value: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u8(space.0);
    hasher.write(key);
    hasher.write_usize(key.len());
    hasher.write(value);
    hasher.finish()
}

pub(super) fn put_meta(meta: &Meta) -> Result<Change, ShelfError> {
    let stream = crate::stream::node();
    let value =
        codec::encode(META_VERSION, meta).map_err(|source| ShelfError::Codec { stream, source })?;
    Ok(Change::Put { space: META, key: META_KEY.to_vec(), value: value.to_vec() })
}

/// Takes away what says what the snapshots stand for. Without it they stand for nothing.
pub(super) fn remove_meta() -> Change {
    Change::Remove { space: META, key: META_KEY.to_vec() }
}

pub(super) fn put_formats() -> Change {
    Change::Put { space: META, key: FORMATS_KEY.to_vec(), value: formats::today() }
}

/// What one batch changes in what the entries come to.
#[derive(Default)]
pub(super) struct Sums {
    stretches: BTreeMap<Stretch, Tally>,
    /// Of all that the meta record tells of directly.
    rest: Tally,
}

impl Sums {
    pub(super) fn add(&mut self, space: Space, key: &[u8], value: &[u8]) {
        self.tally(space, key).add(entry_hash(space, key, value));
    }

    pub(super) fn take(&mut self, space: Space, key: &[u8], value: &[u8]) {
        self.tally(space, key).take(entry_hash(space, key, value));
    }

    fn tally(&mut self, space: Space, key: &[u8]) -> &mut Tally {
        match Stretch::of(key) {
            Some(stretch) if space == SNAPSHOTS => self.stretches.entry(stretch).or_default(),
            Some(_) | None => &mut self.rest,
        }
    }

    /// The sheets that change with that, entered into the meta record. No stretch changes that was not
    /// found to fit before: its new tally would say of what is wrong there that it is right.
    pub(super) fn settle(self, shelf: &Shelf, meta: &mut Meta) -> Result<Vec<Change>, ShelfError> {
        let (mut rest, mut changes) = (self.rest, Vec::new());
        let stretches: Vec<_> = self.stretches.into_iter().collect();
        for lines in stretches.chunk_by(|(one, _), (other, _)| one.sheet == other.sheet) {
            let Some((Stretch { sheet, .. }, _)) = lines.first() else { continue };
            for (stretch, _) in lines {
                shelf.check(*stretch)?;
            }
            let old = shelf.sheet(*sheet)?;
            changes.extend(change_sheet(*sheet, old.as_deref(), lines, &mut rest));
        }
        meta.add(rest);
        Ok(changes)
    }
}

/// The change to one sheet, `None` if there is none, counted in `rest`.
fn change_sheet(
    sheet: Sheet,
    old: Option<&[u8]>,
    lines: &[(Stretch, Tally)],
    rest: &mut Tally,
) -> Option<Change> {
    let mut new = Lines::read(old);
    for (Stretch { line, .. }, more) in lines {
        new.set(*line, new.get(*line).and(*more));
    }
    let (space, key, new) = (STRETCHES, sheet.to_key(), new.to_bytes());
    if new.as_deref() == old {
        return None;
    }
    if let Some(old) = old {
        rest.take(entry_hash(space, &key, old));
    }
    Some(match new {
        Some(value) => {
            rest.add(entry_hash(space, &key, &value));
            Change::Put { space, key, value }
        }
        None => Change::Remove { space, key },
    })
}

//! Whether the snapshots are what they should be, asked of each stretch before anything of it is used.
//!
//! A store may have lost an entry, have an older one of it, or have one too many. Nobody may decide
//! anything by that: an old count of seats sells them twice. To look at all entries at each start would
//! take the longer the more orders there ever were, so a stretch (see `stretch.rs`) is looked at when
//! something of it is read for the first time. After that only this process changes it.
//!
//! Nobody waits for anybody here. A checkpoint changes no stretch that was not found to fit, so while
//! one is looked at for the first time nothing in it moves; and if it did move, somebody else was first
//! and found that it fits.
//!
//! When one does not fit or cannot be read, none of the snapshots is used any more, also not by a
//! checkpoint under way. They are marked as standing for nothing, and the journal is closed: then the root
//! opens the data anew, and builds them anew from it. What had been decided was decided on what fits.

#[cfg(test)]
mod tests;
mod walk;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use rustc_hash::{FxHashMap, FxHashSet};
use surehold_storage::{Change, Direction, Entry, SnapshotError, Stream};
use tracing::{error, warn};

use super::meta::{entry_hash, remove_meta};
use super::stretch::{Lines, Sheet, Stretch, Tally, line_of, sheets_of_parts};
use super::{SNAPSHOTS, STRETCHES, Shelf, ShelfError};
use crate::stream::Kind;
pub use walk::Walk;

/// What is known of how well the snapshots fit.
#[derive(Default)]
pub(super) struct Fit {
    /// Stretches that were found to fit: a bit for each of a sheet.
    checked: RwLock<FxHashMap<Sheet, u64>>,
    /// Things of which all parts were found to fit, and that none is missing.
    whole: RwLock<FxHashSet<Stream>>,
    /// One was found that does not.
    unfit: AtomicBool,
    /// Held while a batch is stored, so that none is stored after one was found that does not fit.
    storing: Mutex<()>,
}

impl Fit {
    fn is_checked(&self, stretch: Stretch) -> bool {
        let checked = self.checked.read().unwrap_or_else(PoisonError::into_inner);
        checked.get(&stretch.sheet).is_some_and(|lines| lines & (1 << stretch.line) != 0)
    }

    fn set_checked(&self, stretch: Stretch) {
        let mut checked = self.checked.write().unwrap_or_else(PoisonError::into_inner);
        *checked.entry(stretch.sheet).or_default() |= 1 << stretch.line;
    }
}

impl Shelf {
    /// An entry of the snapshots, if there is one.
    ///
    /// # Errors
    /// [`ShelfError::Unfit`] if it cannot be trusted.
    pub(super) fn entry(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ShelfError> {
        self.check(self.stretch_of(key)?)?;
        let entry = self.snapshots.get(SNAPSHOTS, key).map_err(|error| self.broken(error))?;
        self.in_use()?;
        Ok(entry)
    }

    /// Whether the snapshots are still used. Asked once more when something was read: they may have been
    /// given up in between, and be under construction by whoever opened the data anew.
    fn in_use(&self) -> Result<(), ShelfError> {
        if self.fit.unfit.load(Ordering::Acquire) {
            return Err(ShelfError::Unfit("some of them were found not to fit".to_owned()));
        }
        Ok(())
    }

    /// The entry of a place and all parts of it, as of one moment.
    ///
    /// # Errors
    /// As [`Shelf::entry`].
    pub(super) fn entries_of(&self, place: Stream) -> Result<Vec<Entry>, ShelfError> {
        let known = self.fit.whole.read().unwrap_or_else(PoisonError::into_inner).contains(&place);
        let (from, mut to) = (place.to_key().to_vec(), place.to_key().to_vec());
        self.check(self.stretch_of(&from)?)?;
        if !known {
            // One that is missing altogether is on its sheet all the same.
            self.check_parts(place)?;
        }
        to.extend([0xff; 9]);
        let entries = self.snapshots.scan(SNAPSHOTS, &from, &to, Direction::Up, usize::MAX);
        let entries = entries.map_err(|error| self.broken(error))?;
        if !known {
            // One that should not be there is on none.
            for (key, _) in &entries {
                self.check(self.stretch_of(key)?)?;
            }
            self.fit.whole.write().unwrap_or_else(PoisonError::into_inner).insert(place);
        }
        self.in_use()?;
        Ok(entries)
    }

    /// Looks at all parts of a thing that are on a sheet.
    fn check_parts(&self, place: Stream) -> Result<(), ShelfError> {
        let (from, to) = sheets_of_parts(place);
        let sheets = self.snapshots.scan(STRETCHES, &from, &to, Direction::Up, usize::MAX);
        let line = line_of(place);
        for (key, sheet) in sheets.map_err(|error| self.broken(error))? {
            if let Some(sheet_of) = Sheet::from_key(&key)
                && Lines::read(Some(&sheet)).get(line) != Tally::default()
            {
                self.check(Stretch { sheet: sheet_of, line })?;
            }
        }
        Ok(())
    }

    /// A sheet as it is stored.
    pub(super) fn sheet(&self, sheet: Sheet) -> Result<Option<Vec<u8>>, ShelfError> {
        self.snapshots.get(STRETCHES, &sheet.to_key()).map_err(|error| self.broken(error))
    }

    /// Holds a stretch against its tally, unless that was done before.
    ///
    /// # Errors
    /// [`ShelfError::Unfit`] if it does not fit, or any other was found that does not.
    pub(super) fn check(&self, stretch: Stretch) -> Result<(), ShelfError> {
        self.in_use()?;
        if self.fit.is_checked(stretch) {
            return Ok(());
        }
        let expected = Lines::read(self.sheet(stretch.sheet)?.as_deref()).get(stretch.line);
        let (from, to) = stretch.range();
        let entries = self.snapshots.scan(SNAPSHOTS, &from, &to, Direction::Up, usize::MAX);
        let mut found = Tally::default();
        for (key, value) in &entries.map_err(|error| self.broken(error))? {
            found.add(entry_hash(SNAPSHOTS, key, value));
        }
        if found == expected {
            self.fit.set_checked(stretch);
            return Ok(());
        }
        // Between the two looks it changed, so somebody found that it fits.
        if self.fit.is_checked(stretch) {
            return Ok(());
        }
        let kind = Kind::from_number(from[0]).map_or("something", Kind::name);
        let (expected, found) = (expected.entries(), found.entries());
        let at = hex(&from);
        Err(self.unfit(format!(
            "from key {at} on ({kind}) {expected} entries are expected, {found} found, or some differ"
        )))
    }

    fn stretch_of(&self, key: &[u8]) -> Result<Stretch, ShelfError> {
        let stretch = Stretch::of(key);
        stretch.ok_or_else(|| {
            self.unfit(format!("there is a key that none of them has: {}", hex(key)))
        })
    }

    /// Stores a batch, unless the snapshots were found not to fit.
    ///
    /// # Errors
    /// [`ShelfError`] if it cannot be stored.
    pub(super) fn store(&self, changes: Vec<Change>) -> Result<(), ShelfError> {
        let _storing = self.fit.storing.lock().unwrap_or_else(PoisonError::into_inner);
        self.in_use()?;
        Ok(self.snapshots.apply(changes)?)
    }

    /// A value that cannot be read tells as much as one that is missing, and whether the store is away as
    /// a whole is for the next opening to find out.
    fn broken(&self, error: SnapshotError) -> ShelfError {
        self.unfit(error.to_string())
    }

    /// Sees to it that nobody uses the snapshots any more, and that they are built anew.
    fn unfit(&self, what: String) -> ShelfError {
        let storing = self.fit.storing.lock().unwrap_or_else(PoisonError::into_inner);
        // What an opening finds that is over is no news: the stores were closed, or are another's by now.
        let over = self.journal.durable().closed().is_some();
        if !self.fit.unfit.swap(true, Ordering::AcqRel) && !over {
            error!(
                what,
                "the snapshots are not what they should be; nothing of them is used any more"
            );
            let marked = self.snapshots.apply(vec![remove_meta()]);
            // Whoever opens them next finds the same if this is lost.
            if let Err(error) = marked.and_then(|()| self.snapshots.sync()) {
                warn!(%error, "that could not be written down");
            }
        }
        drop(storing);
        // The data is opened anew then.
        self.journal.close();
        ShelfError::Unfit(what)
    }
}

fn hex(key: &[u8]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

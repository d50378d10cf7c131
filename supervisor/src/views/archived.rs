//! The index in the journal's archive: what the views would have learned from the records that were
//! removed. The order in which things came into being is in no state of theirs, so it is kept here.
//!
//! It is an index like any other, over another store, and learns from the same records by the same
//! rules; of all markets with every detail, because what a market asks for may change. An index that
//! begins where the journal does not begins as a copy of it.

use std::sync::Arc;

use surehold_actors::shelf::{Shelf, VIEWS};
use surehold_domain::time::Timestamp;
use surehold_storage::{Direction, SnapshotError, SnapshotStore};

use super::generation::Generation;
use super::index::Index;
use super::keys::CURSOR_KEY;
use crate::limits::VIEWS_SWEPT_MAX;

/// The whole range of the only generation that an archive has.
const FROM: &[u8] = &[1];
const TO: &[u8] = &[2];

/// The archive as a plain store; `None` where nothing was removed from the journal.
pub(super) fn archive_of(shelf: &Shelf) -> Option<Arc<dyn SnapshotStore>> {
    let archive = shelf.journal().archive().filter(|_| shelf.journal().anchor() > 0)?;
    Some(archive)
}

/// Copies the archive's index, a little at a time, into a generation where nothing is.
pub(super) struct Copying {
    archive: Arc<dyn SnapshotStore>,
    /// How far the archive's index has come.
    cursor: u64,
    from: Vec<u8>,
}

impl Copying {
    pub(super) fn begin(
        archive: Arc<dyn SnapshotStore>,
        now: Timestamp,
    ) -> Result<Copying, SnapshotError> {
        let cursor = Index::open_in(&archive, now)?.cursor();
        Ok(Copying { archive, cursor, from: FROM.to_vec() })
    }

    /// Copies on. At the end answers with the cursor of the whole copy, which is not stored yet;
    /// `Err` within if the archive's index moved on meanwhile.
    pub(super) fn step(
        &mut self,
        into: &Generation,
        now: Timestamp,
    ) -> Result<Option<Result<u64, Moved>>, SnapshotError> {
        let entries = self.archive.scan(VIEWS, &self.from, TO, Direction::Up, VIEWS_SWEPT_MAX)?;
        let Some((last, _)) = entries.last() else {
            let now = Index::open_in(&self.archive, now)?.cursor();
            return Ok(Some(if now == self.cursor { Ok(now) } else { Err(Moved) }));
        };
        self.from.clone_from(last);
        self.from.push(0);
        // The cursor comes last, with whatever makes the copy count.
        let copied = entries.into_iter().filter(|(key, _)| key[1..] != *CURSOR_KEY);
        into.apply(copied.map(|(key, value)| into.change(&key[1..], Some(value))).collect())?;
        Ok(None)
    }
}

/// The archive's index learned more while it was copied.
#[derive(Debug)]
pub(super) struct Moved;

/// Sees to it that the live index has not missed what is gone from the journal: one that is lost, or
/// older than the journal, becomes a copy of the archive's. Blocks.
pub(super) fn restore(shelf: &Shelf, now: Timestamp) -> Result<(), SnapshotError> {
    let live = Index::open_in(shelf.snapshots(), now)?;
    let Some(archive) = archive_of(shelf) else { return Ok(()) };
    if live.cursor() >= shelf.journal().anchor() {
        return Ok(());
    }
    loop {
        while live.sweep(VIEWS_SWEPT_MAX)? {}
        let into = Generation::live(shelf.snapshots())?.next();
        let mut copying = Copying::begin(Arc::clone(&archive), now)?;
        let copied = loop {
            if let Some(copied) = copying.step(&into, now)? {
                break copied;
            }
        };
        if let Ok(cursor) = copied {
            let cursor = into.change(CURSOR_KEY, Some(cursor.to_be_bytes().to_vec()));
            return into.apply(vec![cursor, into.goes_live()]);
        }
    }
}

//! Compacting a folder that no server has open: as a running server does it, and then the file
//! becomes as small as what is left in it.

use std::path::Path;
use std::sync::Arc;

use surehold_actors::agenda::Agenda;
use surehold_actors::clock::{Clock, SystemClock};
use surehold_actors::follow;
use surehold_actors::shelf::recover::recover;
use surehold_actors::shelf::{Shelf, ShelfError};
use surehold_domain::plan::Plan;
use surehold_domain::time::Timestamp;
use surehold_storage::{RedbJournal, redb};

use super::{Compaction, followers};
use crate::core::CoreError;
use crate::engine::OpenError;
use crate::limits::TAIL_RECORDS_MAX;
use crate::stores::{FolderStores, Stores};
use crate::views;

/// What a compaction came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// Records that were removed now.
    pub removed: u64,
    /// The first record that is still in the journal, or that comes next.
    pub first: u64,
    /// The last record.
    pub last: u64,
    /// Bytes the journal took on disk before.
    pub bytes_before: u64,
    /// Bytes it takes now.
    pub bytes_after: u64,
    /// Who keeps records from being removed, if somebody does who has not read them yet.
    pub held_by: Option<&'static str>,
}

/// Archives and removes the records of a folder but for the newest `kept`, and gives their room back
/// to the system. The plans say who follows the journal: nothing goes that they have not done.
/// `progress` is told how many records are done, and how many there are to do. Blocks.
///
/// # Errors
/// [`OpenError`], as when an engine is opened on the folder: [`OpenError::InUse`] while a server has
/// it, [`OpenError::Io`] if there is no data in it.
pub fn compact(
    folder: &Path,
    plans: &[Plan],
    kept: u64,
    mut progress: impl FnMut(u64, u64),
) -> Result<Compacted, OpenError> {
    let journal_folder = folder.join("journal");
    if !journal_folder.join(redb::FILE).exists() {
        return Err(OpenError::Io(format!("there is none in {}", folder.display())));
    }
    let stores = FolderStores::new(folder.to_owned());
    let bytes_before = redb::size_on_disk(&journal_folder);
    let mut attempt = || -> Result<_, CoreError> {
        let (journal, snapshots) = stores.open().map_err(CoreError::Journal)?;
        let shelf = Arc::new(Shelf::new(Arc::clone(&journal), snapshots, TAIL_RECORDS_MAX));
        let done = strides(&shelf, plans, kept, &mut progress);
        journal.close();
        let (removed, held_by) = done?;
        Ok((journal, removed, held_by))
    };
    let done = match attempt() {
        // It is written down by now that they are: they are built anew.
        Err(CoreError::Unfit(_)) => attempt(),
        done => done,
    };
    stores.close();
    let (journal, removed, held_by) = done?;
    RedbJournal::shrink(&journal_folder).map_err(CoreError::Journal)?;
    let bytes_after = redb::size_on_disk(&journal_folder);
    let (first, last) = (journal.anchor() + 1, journal.last());
    Ok(Compacted { removed, first, last, bytes_before, bytes_after, held_by })
}

/// How many records went, and who keeps others from going.
fn strides(
    shelf: &Arc<Shelf>,
    plans: &[Plan],
    kept: u64,
    progress: &mut impl FnMut(u64, u64),
) -> Result<(u64, Option<&'static str>), ShelfError> {
    let clock = SystemClock::default();
    let recovered = recover(shelf, &Agenda::default())?;
    recovered.checkpoints.run(shelf)?;
    let journal = shelf.journal();
    let (before, enough) = (journal.anchor(), journal.last().saturating_sub(kept));
    let (limit, held_by) = limit(shelf, plans, enough, clock.now())?;
    let mut reached = before;
    if let Some(mut compaction) = Compaction::begin(shelf, clock.now())? {
        loop {
            let next = compaction.stride(limit, clock.now(), || {})?;
            if next == reached {
                break;
            }
            reached = next;
            progress(reached - before, limit - before);
        }
    }
    Ok((reached - before, held_by))
}

/// Up to where records may go, and who keeps it from being `enough`.
fn limit(
    shelf: &Shelf,
    plans: &[Plan],
    enough: u64,
    now: Timestamp,
) -> Result<(u64, Option<&'static str>), ShelfError> {
    let (mileage, messages) = followers(plans);
    let views = views::stored_cursor(shelf, now)?;
    let mut limit = (enough, None);
    for (name, follows, stored) in [
        ("views", true, Some(views)),
        ("mileage", mileage, follow::stored_cursor(shelf, "mileage")?),
        ("messages", messages, follow::stored_cursor(shelf, "messages")?),
    ] {
        // Who has a cursor followed once, whatever the plans say today.
        let reached = stored.or(follows.then_some(0));
        if let Some(reached) = reached
            && reached < limit.0
        {
            limit = (reached.max(shelf.journal().anchor()), Some(name));
        }
    }
    Ok(limit)
}

//! Retention: old records leave the journal once its archive stands for them.
//!
//! One stride after the other: records are read and checked; the states that they come to, and what
//! the views learn from them, are put into the archive in small commits; then their frames go, in
//! small commits, too. Wherever that ends, the archive knows at least what is gone, and the next run
//! goes on from the anchor.
//!
//! Nothing goes that a follower has not done for good, and the newest records stay for those who
//! read events. [`offline`] does the same for a folder that no server has open.

pub mod offline;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use surehold_actors::follow;
use surehold_actors::shelf::{Shelf, ShelfError, archive};
use surehold_domain::plan::Plan;
use surehold_domain::time::Timestamp;
use surehold_storage::{Archive, Journal, JournalError, Record, SnapshotStore};
use tracing::{debug, info, warn};

use crate::limits::{
    KEPT_RECORDS, RETENTION_BATCH_BYTES, RETENTION_FRAMES, RETENTION_PAUSE_MAX, RETENTION_REST,
    RETENTION_SLACK_PART, RETENTION_STRIDE,
};
use crate::stores::beside;
use crate::support::Followed;
use crate::views::{ArchivedIndex, Views};

/// Which records stay in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// All of them, for ever.
    All,
    /// At least so many of the newest; older ones go when what they told is archived.
    Last(u64),
}

impl std::str::FromStr for Retention {
    type Err = String;

    fn from_str(text: &str) -> Result<Retention, String> {
        if text == "all" {
            return Ok(Retention::All);
        }
        let number = text.parse().map(Retention::Last);
        number.map_err(|_| format!("\"{text}\" is neither a number of records nor \"all\""))
    }
}

impl Default for Retention {
    fn default() -> Self {
        Retention::Last(KEPT_RECORDS)
    }
}

/// How much is done at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Records of one stride.
    pub(crate) stride: u64,
    /// Bytes archived in one commit.
    pub(crate) batch_bytes: usize,
    /// Frames removed in one commit.
    pub(crate) frames: usize,
}

const SIZES: Sizes = Sizes {
    stride: RETENTION_STRIDE,
    batch_bytes: RETENTION_BATCH_BYTES,
    frames: RETENTION_FRAMES,
};

/// What compacts a journal, stride by stride.
pub(crate) struct Compaction {
    shelf: Arc<Shelf>,
    archive: Arc<dyn Archive>,
    index: ArchivedIndex,
    sizes: Sizes,
}

impl Compaction {
    /// Goes on where the archive ends; `None` if this journal removes nothing.
    pub(crate) fn begin(
        shelf: &Arc<Shelf>,
        now: Timestamp,
    ) -> Result<Option<Compaction>, ShelfError> {
        let Some(archive) = shelf.journal().archive() else { return Ok(None) };
        Compaction::into(shelf, archive, SIZES, now).map(Some)
    }

    /// As [`Compaction::begin`], into this archive of the shelf's journal.
    pub(crate) fn into(
        shelf: &Arc<Shelf>,
        archive: Arc<dyn Archive>,
        sizes: Sizes,
        now: Timestamp,
    ) -> Result<Compaction, ShelfError> {
        let store: Arc<dyn SnapshotStore> = archive.clone();
        let index = ArchivedIndex::open(shelf, store, now)?;
        if index.cursor() < shelf.journal().anchor() {
            let reason = "what the views learned of removed records is missing".to_owned();
            let (file, place) = (PathBuf::from("journal"), "in the archive".to_owned());
            return Err(JournalError::Damaged { file, place, reason }.into());
        }
        Ok(Compaction { shelf: Arc::clone(shelf), archive, index, sizes })
    }

    /// Archives and removes the next records, at most up to `limit`; `rest` is called between
    /// commits. Answers with the last sequence removed. After an error it must be begun anew.
    pub(crate) fn stride(
        &mut self,
        limit: u64,
        now: Timestamp,
        mut rest: impl FnMut(),
    ) -> Result<u64, ShelfError> {
        let journal = Arc::clone(self.shelf.journal());
        let anchor = journal.anchor();
        let upto = limit.min(anchor.saturating_add(self.sizes.stride));
        if upto <= anchor {
            return Ok(anchor);
        }
        let records = read(&*journal, anchor, upto)?;
        rest();
        self.index.learn(&records)?;
        rest();
        archive::fold(&*self.archive, records, self.sizes.batch_bytes, &mut rest)?;
        self.index.store(now)?;
        rest();
        archive::describe(&self.shelf, &*self.archive)?;
        rest();
        let mut reached = anchor;
        loop {
            let next = self.archive.remove_to(upto, self.sizes.frames)?;
            rest();
            if next == reached {
                return Ok(reached);
            }
            reached = next;
        }
    }
}

/// The records above `after` up to `upto`.
fn read(journal: &dyn Journal, after: u64, upto: u64) -> Result<Vec<Record>, JournalError> {
    let (mut all, mut last) = (Vec::<Record>::new(), after);
    while last < upto {
        let limit = usize::try_from(upto - last).unwrap_or(usize::MAX);
        let records = journal.read_from(last, limit)?;
        let Some(newest) = records.last() else { break };
        last = newest.sequence;
        all.extend(records);
    }
    Ok(all)
}

/// Has old records removed while the engine runs.
pub(crate) struct Keeping {
    retention: Retention,
    shelf: Arc<Shelf>,
    views: Arc<Views>,
    followed: Followed,
    /// Whether somebody earns points, and whether somebody is told anything.
    follows: (bool, bool),
    running: AtomicBool,
    /// So many records have to be held back before it is said once more.
    held: AtomicU64,
}

/// How far everybody was at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    limit: u64,
    /// What the followers had written by then is durable when this is.
    appended: u64,
}

impl Keeping {
    pub(crate) fn new(
        retention: Retention,
        shelf: Arc<Shelf>,
        views: Arc<Views>,
        followed: Followed,
        plans: &[Plan],
    ) -> Keeping {
        let (running, held) = (AtomicBool::new(false), AtomicU64::new(RETENTION_STRIDE));
        Keeping { retention, shelf, views, followed, follows: followers(plans), running, held }
    }

    /// Up to where records may go, as things stand; `None` if there is no need. To be taken before
    /// a checkpoint: what the views stored before it is safe after it.
    pub(crate) fn sample(&self) -> Option<Sample> {
        let Retention::Last(kept) = self.retention else { return None };
        let journal = self.shelf.journal();
        let slack = (kept / RETENTION_SLACK_PART).clamp(1, RETENTION_STRIDE);
        let worth = journal.anchor().saturating_add(slack);
        let enough = journal.last().checked_sub(kept).filter(|enough| *enough >= worth)?;
        if self.views.stored() < enough
            && let Err(error) = self.views.persist()
        {
            warn!(%error, "what the views learned could not be stored; old records stay");
        }
        let (mileage, messages) = self.follows;
        let reached = |follows: bool, reached: &AtomicU64| {
            if follows { reached.load(Ordering::Acquire) } else { u64::MAX }
        };
        let (name, done) = [
            ("views", self.views.stored()),
            ("mileage", reached(mileage, &self.followed.mileage)),
            ("messages", reached(messages, &self.followed.messages)),
        ]
        .into_iter()
        .min_by_key(|(_, done)| *done)?;
        let limit = enough.min(done);
        self.complain(name, enough - limit, limit < worth);
        // After the followers were asked: whatever they wrote by then has a lower sequence.
        let appended = self.shelf.appended();
        (limit >= worth).then_some(Sample { limit, appended })
    }

    /// Says who holds records back that could go, and says so again when it is twice as many: whoever
    /// stopped a participant may have forgotten it.
    fn complain(&self, waits_for: &str, held: u64, nothing_goes: bool) {
        let ordering = Ordering::Relaxed;
        if !nothing_goes {
            self.held.store(RETENTION_STRIDE, ordering);
        } else if held >= self.held.load(ordering) {
            self.held.store(held.saturating_mul(2), ordering);
            warn!(waits_for, held, "old records stay: they are not read by everybody yet");
        }
    }

    /// Stores how far everybody is, once all are stopped and the journal is closed in order: whoever
    /// comes next, a server or a compaction, goes on there.
    pub(crate) fn part(&self) -> Result<(), ShelfError> {
        if self.shelf.journal().last() < self.shelf.appended() {
            // What a follower wrote was lost: it does that again.
            return Ok(());
        }
        self.views.persist()?;
        let (mileage, messages) = self.follows;
        for (name, follows, reached) in [
            ("mileage", mileage, &self.followed.mileage),
            ("messages", messages, &self.followed.messages),
        ] {
            let reached = reached.load(Ordering::Acquire);
            // One that was stopped all the time has not said how far it is.
            let stored = follow::stored_cursor(&self.shelf, name)?.unwrap_or(0);
            if follows && reached > stored {
                follow::store_cursor(&self.shelf, name, reached)?;
            }
        }
        Ok(self.shelf.snapshots().sync()?)
    }

    /// Removes what the sample allows, beside the actors if the stores block. One run at a time.
    pub(crate) async fn start(self: &Arc<Self>, sample: Sample, blocks: bool) {
        if self.running.swap(true, Ordering::AcqRel) {
            return;
        }
        let keeping = Arc::clone(self);
        let work = move || {
            if let Err(error) = keeping.run(sample, blocks) {
                if keeping.shelf.journal().durable().closed().is_some() {
                    debug!(%error, "the journal closed while old records were removed");
                } else {
                    warn!(%error, "old records could not be removed; it is tried again");
                }
            }
            keeping.running.store(false, Ordering::Release);
        };
        if blocks {
            // Nobody waits for it: a journal that closes ends it.
            drop(tokio::task::spawn_blocking(work));
        } else {
            let _ = beside(blocks, work).await;
        }
    }

    fn run(&self, sample: Sample, blocks: bool) -> Result<(), ShelfError> {
        let now = || self.views.now();
        let Some(mut compaction) = Compaction::begin(&self.shelf, now())? else { return Ok(()) };
        let (journal, mut rest) = (self.shelf.journal(), Rest::new(blocks));
        let before = journal.anchor();
        let mut reached = before;
        // What is rebuilt reads the archive and the journal; what is written must be there first.
        while !self.views.is_rebuilding() && journal.durable().get() >= sample.appended {
            let next = compaction.stride(sample.limit, now(), || rest.take())?;
            if next == reached {
                break;
            }
            metrics::counter!("surehold_records_removed_total").increment(next - reached);
            reached = next;
        }
        if reached > before {
            info!(records = reached - before, first = reached + 1, "old records were removed");
        }
        Ok(())
    }
}

/// Whether anybody earns points, and whether anybody is told anything: who follows the journal.
fn followers(plans: &[Plan]) -> (bool, bool) {
    let mileage = plans.iter().any(|plan| plan.terms.mileage.is_some());
    (mileage, plans.iter().any(|plan| !plan.messages.is_empty()))
}

/// Pauses after work, so that those who serve customers have the processor and the disk.
struct Rest {
    since: Option<Instant>,
}

impl Rest {
    fn new(needed: bool) -> Rest {
        Rest { since: needed.then(Instant::now) }
    }

    fn take(&mut self) {
        let Some(since) = &mut self.since else { return };
        let pause: Duration = since.elapsed() * RETENTION_REST;
        // Waking early does no harm.
        std::thread::park_timeout(pause.min(RETENTION_PAUSE_MAX));
        *since = Instant::now();
    }
}

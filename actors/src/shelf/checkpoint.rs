//! Checkpoints: tails folded into snapshots, so that a restart replays little.
//!
//! Only durable facts are folded. Snapshots, the index of unfinished orders, the sheets that tell what
//! the snapshots come to, and the [`Meta`] record that describes all of them change in one atomic batch,
//! so they always fit one another. The meta record carries the watermark, the counters, and a sum over
//! index and sheets. By that a restart notices a store that was garbled, aged or mixed up, and by the
//! sheets whoever reads a snapshot (see `fit.rs`).

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use surehold_domain::inventory::Inventory;
use surehold_storage::Stream;

use super::changed::{Changed, Opens};
use super::meta::{Sums, put_formats, put_meta};
use super::parts;
use super::tails::{Layer, Part, Sealed, Sorted};
use super::{SNAPSHOTS, Shelf, ShelfError};
use crate::stream::Kind;

pub use super::meta::{FORMATS_KEY, META_KEY, META_VERSION, Meta, entry_hash};

/// Pages changed in one batch: few enough that readers do not wait for it.
const BATCH_PAGES: usize = 128;

/// Makes checkpoints of a shelf. There is one per shelf.
pub struct Checkpoints {
    meta: Mutex<Meta>,
}

impl Checkpoints {
    /// Continues after the checkpoint that `meta` describes.
    #[must_use]
    pub fn new(meta: Meta) -> Checkpoints {
        Checkpoints { meta: Mutex::new(meta) }
    }

    /// The watermark: every fact up to here is in the snapshots.
    #[must_use]
    pub fn watermark(&self) -> u64 {
        self.meta.lock().unwrap_or_else(PoisonError::into_inner).watermark
    }

    /// Folds all durable facts into snapshots and moves the watermark. Blocks; run it where that
    /// does no harm. Returns the number of streams folded.
    ///
    /// # Errors
    /// [`ShelfError`] if a store fails; what was stored so far is whole, and the tails keep the rest.
    pub fn run(&self, shelf: &Shelf) -> Result<usize, ShelfError> {
        self.run_to(shelf, shelf.journal.last())
    }

    /// Folds the facts up to `durable`, which all must be in the tails by now.
    pub(super) fn run_to(&self, shelf: &Shelf, durable: u64) -> Result<usize, ShelfError> {
        // One at a time: the meta record describes exactly one sequence of batches.
        let mut guard = self.meta.lock().unwrap_or_else(PoisonError::into_inner);
        if durable <= guard.watermark {
            return Ok(0);
        }
        let sealed = shelf.seal(durable);
        let sorted = sealed.sort();
        let folded = Self::store_all(shelf, &sorted, &mut guard);
        // What is stored is in the snapshots; after a failure all goes back, and what was stored is
        // known there.
        shelf.unseal(folded.is_ok().then_some(&sorted.left));
        folded
    }

    fn store_all(
        shelf: &Shelf,
        sorted: &Sorted<'_>,
        known: &mut Meta,
    ) -> Result<usize, ShelfError> {
        let mut folded = 0;
        let mut meta = known.clone();
        let pages: Vec<_> = sorted.parts.chunk_by(|one, other| one.0 == other.0).collect();
        for batch in pages.chunks(BATCH_PAGES) {
            let mut next = meta.clone();
            folded += store(shelf, batch, sorted.durable, &mut next)?;
            meta = next;
            *known = meta.clone();
        }
        meta.journal = shelf.journal.identity();
        meta.counters = shelf.numbers.all();
        // The watermark moves only after what it promises is safe on disk.
        shelf.snapshots.sync()?;
        meta.watermark = meta.watermark.max(sorted.watermark);
        shelf.store(vec![put_meta(&meta)?])?;
        shelf.snapshots.sync()?;
        *known = meta;
        Ok(folded)
    }
}

/// Stores these pages in one batch, each with the parts that are of it; says of how many streams.
fn store(
    shelf: &Shelf,
    batch: &[&[(Stream, Part<'_>)]],
    durable: u64,
    meta: &mut Meta,
) -> Result<usize, ShelfError> {
    let (mut opens, mut sums) = (Opens::of(shelf), Sums::default());
    let (mut changes, mut streams) = (Vec::with_capacity(batch.len() * 2 + 1), 0);
    for page in batch {
        let Some((place, part)) = page.first() else { continue };
        if let Part::Records(stream, records) = part
            && Kind::of(*stream) == Some(Kind::Offering)
        {
            // Each is a page by itself, and more.
            changes.extend(parts::fold::<Inventory>(shelf, *stream, records, &mut sums)?);
            streams += 1;
            continue;
        }
        let mut changed = Changed::load(shelf, SNAPSHOTS, *place)?;
        for (_, part) in *page {
            streams += match part {
                Part::Rested(rested) => changed.put_rested(*place, rested, durable, &mut opens)?,
                Part::Records(stream, records) => {
                    changed.put_folded(*stream, records, &mut opens)?
                }
            };
        }
        changes.extend(changed.change(&mut sums));
    }
    changes.extend(opens.changes(&mut sums));
    changes.extend(sums.settle(shelf, meta)?);
    meta.journal = shelf.journal.identity();
    meta.counters = shelf.numbers.all();
    changes.extend([put_meta(meta)?, put_formats()]);
    shelf.store(changes)?;
    Ok(streams)
}

impl Shelf {
    /// Seals all tails. What is appended from now on is none of the checkpoint's.
    fn seal(&self, durable: u64) -> Sealed {
        let seal = |index| {
            let (sealed, gone) = self.shard(index).seal();
            self.records.fetch_sub(gone, Ordering::Relaxed);
            sealed
        };
        Sealed { shards: (0..self.tails.len()).map(seal).collect(), durable }
    }

    /// Ends the sealing. What is left of each shard goes back, or all of it if it was not stored.
    fn unseal(&self, left: Option<&Vec<Layer>>) {
        for index in 0..self.tails.len() {
            let left = left.map(|left| &left[index]);
            let gone = self.shard(index).unseal(left);
            self.records.fetch_sub(gone, Ordering::Relaxed);
        }
        if self.tail_records() >= self.limit.records {
            self.limit.reached.notify_one();
        }
    }
}

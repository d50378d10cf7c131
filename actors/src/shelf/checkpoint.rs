//! Checkpoints: tails folded into snapshots, so that a restart replays little.
//!
//! Only durable facts are folded. Snapshots, the index of unfinished orders and the [`Meta`] record
//! that describes them change in one atomic batch, so the meta record always fits what is stored:
//! it carries the watermark, the counters, and a sum over all entries by which a restart notices a
//! store that was garbled, aged or mixed up.

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::hash::{DefaultHasher, Hasher};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use surehold_domain::confirmation::Confirmation;
use surehold_domain::idempotency::KeyUse;
use surehold_domain::inventory::Inventory;
use surehold_domain::message::Message;
use surehold_domain::mileage::Mileage;
use surehold_domain::payment::Payment;
use surehold_domain::review::Review;
use surehold_domain::saga::Saga;
use surehold_storage::codec;
use surehold_storage::{Change, Space, Stream};

use super::formats;
use super::page::{self, Page};
use super::parts;
use super::rested::Rested;
use super::tails::{Layer, Part, Sealed, Sorted, TailRecord};
use super::{Loaded, META, OPEN, SNAPSHOTS, Shelf, ShelfError, Stored, decode_stored, fold_one};
use crate::agenda::Open;
use crate::machine::{Machine, MarketName, NodeLife, Serial, Switch};
use crate::stream::Kind;

/// The key of the meta record in [`META`].
pub const META_KEY: &[u8] = b"meta";
/// The key in [`META`] of the formats that the snapshots and the facts under the watermark have.
pub const FORMATS_KEY: &[u8] = b"formats";
/// The version of [`Meta`] and of the entries it describes.
pub const META_VERSION: u8 = 4;
/// The version of an entry of the index of unfinished orders; of older ones the order is read.
pub const OPEN_VERSION: u8 = 3;
/// Pages changed in one batch: few enough that readers do not wait for it.
const BATCH_PAGES: usize = 128;

/// What the stored snapshots stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// The journal they were made from.
    pub journal: u128,
    /// Every fact up to this sequence is in them.
    pub watermark: u64,
    /// The last number given, by kind and market.
    pub counters: Vec<(u8, u16, u64)>,
    /// Entries in [`SNAPSHOTS`] and [`OPEN`].
    pub entries: u64,
    /// Sum of [`entry_hash`] over them.
    pub sum: u64,
}

impl Meta {
    pub(super) fn add(&mut self, space: Space, key: &[u8], value: &[u8]) {
        self.entries += 1;
        self.sum = self.sum.wrapping_add(entry_hash(space, key, value));
    }

    pub(super) fn take(&mut self, space: Space, key: &[u8], value: &[u8]) {
        self.entries = self.entries.saturating_sub(1);
        self.sum = self.sum.wrapping_sub(entry_hash(space, key, value));
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

/// Makes checkpoints of a shelf. There is one per shelf.
pub struct Checkpoints {
    meta: Mutex<Meta>,
}

/// An order's entry in [`OPEN`], if it is not at its end; the outer `None` for what is no order.
type OpenEntry = Option<Option<Vec<u8>>>;

/// What the fold of one stream stores.
pub(super) struct Folded {
    pub(super) snapshot: Vec<u8>,
    open: OpenEntry,
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
        shelf.snapshots.apply(vec![put_meta(&meta)?])?;
        shelf.snapshots.sync()?;
        *known = meta;
        Ok(folded)
    }
}

pub(super) fn put_meta(meta: &Meta) -> Result<Change, ShelfError> {
    let stream = crate::stream::node();
    let value =
        codec::encode(META_VERSION, meta).map_err(|source| ShelfError::Codec { stream, source })?;
    Ok(Change::Put { space: META, key: META_KEY.to_vec(), value: value.to_vec() })
}

pub(super) fn put_formats() -> Change {
    Change::Put { space: META, key: FORMATS_KEY.to_vec(), value: formats::today() }
}

/// Stores these pages in one batch, each with the parts that are of it; says of how many streams.
fn store(
    shelf: &Shelf,
    batch: &[&[(Stream, Part<'_>)]],
    durable: u64,
    meta: &mut Meta,
) -> Result<usize, ShelfError> {
    let mut opens = Opens::of(shelf);
    let (mut changes, mut streams) = (Vec::with_capacity(batch.len() * 2 + 1), 0);
    for page in batch {
        let Some((place, part)) = page.first() else { continue };
        if let Part::Records(stream, records) = part
            && Kind::of(*stream) == Some(Kind::Offering)
        {
            // Each is a page by itself, and more.
            changes.extend(parts::fold::<Inventory>(shelf, *stream, records, meta)?);
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
        changes.extend(changed.change(meta));
    }
    changes.extend(opens.changes(meta));
    meta.journal = shelf.journal.identity();
    meta.counters = shelf.numbers.all();
    changes.extend([put_meta(meta)?, put_formats()]);
    shelf.snapshots.apply(changes)?;
    Ok(streams)
}

/// The pages of the index of unfinished orders that change with a batch.
pub(super) struct Opens<'a> {
    shelf: &'a Shelf,
    pages: BTreeMap<Stream, Changed>,
}

impl<'a> Opens<'a> {
    pub(super) fn of(shelf: &'a Shelf) -> Opens<'a> {
        Opens { shelf, pages: BTreeMap::new() }
    }

    pub(super) fn changes(self, meta: &mut Meta) -> impl Iterator<Item = Change> {
        self.pages.into_values().filter_map(|changed| changed.change(meta))
    }

    pub(super) fn set(&mut self, stream: Stream, open: OpenEntry) -> Result<(), ShelfError> {
        let Some(open) = open else { return Ok(()) };
        let (place, slot) = page::of_open(stream);
        let changed = match self.pages.entry(place) {
            btree_map::Entry::Occupied(entry) => entry.into_mut(),
            btree_map::Entry::Vacant(entry) => {
                entry.insert(Changed::load(self.shelf, OPEN, place)?)
            }
        };
        match open {
            Some(bytes) => changed.page.put(slot, bytes),
            None => changed.page.remove(slot),
        }
        Ok(())
    }
}

/// What the index of unfinished orders is to hold of a stream.
fn open_entry(stream: Stream, open: Option<&Open>) -> Result<OpenEntry, ShelfError> {
    if Kind::of(stream) != Some(Kind::Order) {
        return Ok(None);
    }
    open.map(|open| open_to_bytes(stream, open)).transpose().map(Some)
}

/// A page under change, and what was stored before.
pub(super) struct Changed {
    space: Space,
    key: Vec<u8>,
    old: Option<Vec<u8>>,
    page: Page,
}

impl Changed {
    pub(super) fn load(shelf: &Shelf, space: Space, place: Stream) -> Result<Changed, ShelfError> {
        let key = place.to_key().to_vec();
        let old = shelf.snapshots.get(space, &key)?;
        let page = old.as_deref().map(Page::read).unwrap_or_default();
        Ok(Changed { space, key, old, page })
    }

    pub(super) fn get(&self, slot: u8) -> Option<&[u8]> {
        self.page.get(slot)
    }

    pub(super) fn put(&mut self, slot: u8, bytes: Vec<u8>) {
        self.page.put(slot, bytes);
    }

    /// Puts the durable ones of these states on the page: each knows all of what is stored.
    fn put_rested(
        &mut self,
        place: Stream,
        rested: &Rested,
        durable: u64,
        opens: &mut Opens<'_>,
    ) -> Result<usize, ShelfError> {
        let mut streams = 0;
        for (slot, state) in rested.iter().filter(|(_, state)| state.sequence <= durable) {
            let stream = page::snapshot_stream(place, slot);
            opens.set(stream, open_entry(stream, state.open.as_ref())?)?;
            self.page.put(slot, state.bytes.to_vec());
            streams += 1;
        }
        Ok(streams)
    }

    /// Folds records over what is on the page.
    fn put_folded(
        &mut self,
        stream: Stream,
        records: &[TailRecord],
        opens: &mut Opens<'_>,
    ) -> Result<usize, ShelfError> {
        let slot = page::of_snapshot(stream).1;
        let Some(folded) = fold_stream(stream, self.page.get(slot), records)? else { return Ok(0) };
        self.page.put(slot, folded.snapshot);
        opens.set(stream, folded.open)?;
        Ok(1)
    }

    /// The change to the store, entered into the meta record's sum; `None` if there is none.
    pub(super) fn change(self, meta: &mut Meta) -> Option<Change> {
        let Changed { space, key, old, page } = self;
        let new = page.to_bytes();
        if new == old {
            return None;
        }
        if let Some(old) = &old {
            meta.take(space, &key, old);
        }
        Some(match new {
            Some(value) => {
                meta.add(space, &key, &value);
                Change::Put { space, key, value }
            }
            None => Change::Remove { space, key },
        })
    }
}

pub(super) fn fold_stream(
    stream: Stream,
    old: Option<&[u8]>,
    tail: &[TailRecord],
) -> Result<Option<Folded>, ShelfError> {
    match Kind::of(stream) {
        Some(Kind::Order) => fold_as::<Saga>(stream, old, tail),
        Some(Kind::Offering) => fold_as::<Inventory>(stream, old, tail),
        Some(Kind::Payment) => fold_as::<Payment>(stream, old, tail),
        Some(Kind::Confirmation) => fold_as::<Confirmation>(stream, old, tail),
        Some(Kind::Key) => fold_as::<KeyUse>(stream, old, tail),
        Some(Kind::Market) => fold_as::<MarketName>(stream, old, tail),
        Some(Kind::Node) => fold_as::<NodeLife>(stream, old, tail),
        Some(Kind::Mileage) => fold_as::<Mileage>(stream, old, tail),
        Some(Kind::Message) => fold_as::<Message>(stream, old, tail),
        Some(Kind::Review) => fold_as::<Review>(stream, old, tail),
        Some(Kind::Sale | Kind::Supply) => fold_as::<Serial>(stream, old, tail),
        Some(Kind::Switch) => fold_as::<Switch>(stream, old, tail),
        // A newer program's stream stays in the journal; it is not ours to fold.
        None => Ok(None),
    }
}

fn fold_as<M: Machine>(
    stream: Stream,
    old: Option<&[u8]>,
    tail: &[TailRecord],
) -> Result<Option<Folded>, ShelfError> {
    let mut loaded: Option<Loaded<M>> = match old {
        Some(bytes) => Some(decode_stored(stream, bytes)?),
        None => None,
    };
    for record in tail {
        fold_one(stream, &mut loaded, record.number, record.sequence, &record.bytes)?;
    }
    let Some(Loaded { machine, sequence }) = loaded else { return Ok(None) };
    let open = open_entry(stream, machine.open().as_ref())?;
    let snapshot = codec::encode(M::STATE_VERSION, &Stored { sequence, machine })
        .map_err(|source| ShelfError::Codec { stream, source })?;
    Ok(Some(Folded { snapshot: snapshot.to_vec(), open }))
}

pub(super) fn open_to_bytes(stream: Stream, open: &Open) -> Result<Vec<u8>, ShelfError> {
    codec::encode(OPEN_VERSION, open)
        .map(|bytes| bytes.to_vec())
        .map_err(|source| ShelfError::Codec { stream, source })
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

//! Checkpoints: tails folded into snapshots, so that a restart replays little.
//!
//! Only durable facts are folded. Snapshots, the index of unfinished orders and the [`Meta`] record
//! that describes them change in one atomic batch, so the meta record always fits what is stored:
//! it carries the watermark, the counters, and a sum over all entries by which a restart notices a
//! store that was garbled, aged or mixed up.

use std::hash::{DefaultHasher, Hasher};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use surehold_domain::confirmation::Confirmation;
use surehold_domain::idempotency::KeyUse;
use surehold_domain::inventory::Inventory;
use surehold_domain::payment::Payment;
use surehold_domain::saga::Saga;
use surehold_storage::codec;
use surehold_storage::{Change, Space, Stream};

use super::{
    Loaded, META, OPEN, SNAPSHOTS, Shelf, ShelfError, Stored, TailRecord, decode_stored, fold_one,
};
use crate::agenda::Open;
use crate::machine::{Machine, MarketName, NodeLife};
use crate::stream::Kind;

/// The one key of [`META`].
pub const META_KEY: &[u8] = b"meta";
/// The version of [`Meta`] and of the entries it describes.
pub const META_VERSION: u8 = 1;
/// Streams folded into one batch: small enough that readers do not wait for it.
const BATCH_STREAMS: usize = 512;

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
    fn add(&mut self, space: Space, key: &[u8], value: &[u8]) {
        self.entries += 1;
        self.sum = self.sum.wrapping_add(entry_hash(space, key, value));
    }

    fn take(&mut self, space: Space, key: &[u8], value: &[u8]) {
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

/// What the fold of one stream stores.
struct Folded {
    snapshot: Vec<u8>,
    /// Bytes that were stored before.
    old: Option<Vec<u8>>,
    /// The order's entry in [`OPEN`], before and after.
    open: Option<(Option<Vec<u8>>, Option<Vec<u8>>)>,
    /// Facts up to this number are in the snapshot.
    number: u32,
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
        let mut folded = 0;
        let mut meta = guard.clone();
        for index in 0..shelf.tails.len() {
            let streams = shelf.durable_tails(index, durable);
            for chunk in streams.chunks(BATCH_STREAMS) {
                folded += chunk.len();
                let mut next = meta.clone();
                store(shelf, chunk, &mut next)?;
                meta = next;
                *guard = meta.clone();
            }
        }
        meta.journal = shelf.journal.identity();
        meta.counters = shelf.numbers.all();
        // The watermark moves only after what it promises is safe on disk.
        shelf.snapshots.sync()?;
        meta.watermark = durable;
        shelf.snapshots.apply(vec![put_meta(&meta)?])?;
        shelf.snapshots.sync()?;
        *guard = meta;
        Ok(folded)
    }
}

fn put_meta(meta: &Meta) -> Result<Change, ShelfError> {
    let stream = crate::stream::node();
    let value =
        codec::encode(META_VERSION, meta).map_err(|source| ShelfError::Codec { stream, source })?;
    Ok(Change::Put { space: META, key: META_KEY.to_vec(), value: value.to_vec() })
}

fn store(
    shelf: &Shelf,
    streams: &[(Stream, Vec<TailRecord>)],
    meta: &mut Meta,
) -> Result<(), ShelfError> {
    let mut changes = Vec::with_capacity(streams.len() * 2 + 1);
    let mut done = Vec::with_capacity(streams.len());
    for (stream, tail) in streams {
        let Some(folded) = fold_stream(shelf, *stream, tail)? else { continue };
        let key = stream.to_key();
        if let Some(old) = &folded.old {
            meta.take(SNAPSHOTS, &key, old);
        }
        meta.add(SNAPSHOTS, &key, &folded.snapshot);
        changes.push(Change::Put { space: SNAPSHOTS, key: key.to_vec(), value: folded.snapshot });
        if let Some((before, after)) = folded.open {
            change_open(&key, before, after, meta, &mut changes);
        }
        done.push((*stream, folded.number));
    }
    meta.journal = shelf.journal.identity();
    meta.counters = shelf.numbers.all();
    changes.push(put_meta(meta)?);
    shelf.snapshots.apply(changes)?;
    for (stream, number) in done {
        shelf.forget(stream, number);
    }
    Ok(())
}

fn change_open(
    key: &[u8],
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
    meta: &mut Meta,
    changes: &mut Vec<Change>,
) {
    if before == after {
        return;
    }
    if let Some(before) = &before {
        meta.take(OPEN, key, before);
    }
    match after {
        Some(value) => {
            meta.add(OPEN, key, &value);
            changes.push(Change::Put { space: OPEN, key: key.to_vec(), value });
        }
        None => changes.push(Change::Remove { space: OPEN, key: key.to_vec() }),
    }
}

fn fold_stream(
    shelf: &Shelf,
    stream: Stream,
    tail: &[TailRecord],
) -> Result<Option<Folded>, ShelfError> {
    match Kind::of(stream) {
        Some(Kind::Order) => fold_as::<Saga>(shelf, stream, tail, |saga| {
            Some(Open::of(saga).map(|open| open_to_bytes(stream, &open)).transpose())
        }),
        Some(Kind::Offering) => fold_as::<Inventory>(shelf, stream, tail, |_| None),
        Some(Kind::Payment) => fold_as::<Payment>(shelf, stream, tail, |_| None),
        Some(Kind::Confirmation) => fold_as::<Confirmation>(shelf, stream, tail, |_| None),
        Some(Kind::Key) => fold_as::<KeyUse>(shelf, stream, tail, |_| None),
        Some(Kind::Market) => fold_as::<MarketName>(shelf, stream, tail, |_| None),
        Some(Kind::Node) => fold_as::<NodeLife>(shelf, stream, tail, |_| None),
        // A newer program's stream stays in the journal; it is not ours to fold.
        None => Ok(None),
    }
}

type OpenBytes = Option<Result<Option<Vec<u8>>, ShelfError>>;

fn fold_as<M: Machine>(
    shelf: &Shelf,
    stream: Stream,
    tail: &[TailRecord],
    open: impl Fn(&M) -> OpenBytes,
) -> Result<Option<Folded>, ShelfError> {
    // What began after the recovery has no snapshot yet; what was replayed may have one.
    let fresh = tail.first().is_some_and(|first| {
        first.number == 1 && first.sequence > shelf.replayed_to.load(Ordering::Relaxed)
    });
    let old = if fresh { None } else { shelf.snapshots.get(SNAPSHOTS, &stream.to_key())? };
    let mut loaded: Option<Loaded<M>> = match &old {
        Some(bytes) => Some(decode_stored(stream, bytes)?),
        None => None,
    };
    let before = match &loaded {
        Some(loaded) => open(&loaded.machine).transpose()?,
        None => None,
    };
    for record in tail {
        fold_one(stream, &mut loaded, record.number, record.sequence, &record.bytes)?;
    }
    let Some(Loaded { machine, sequence }) = loaded else { return Ok(None) };
    let after = open(&machine).transpose()?;
    let number = machine.number();
    let snapshot = codec::encode(M::STATE_VERSION, &Stored { sequence, machine })
        .map_err(|source| ShelfError::Codec { stream, source })?;
    Ok(Some(Folded {
        snapshot: snapshot.to_vec(),
        old,
        open: after.map(|after| (before.flatten(), after)),
        number,
    }))
}

fn open_to_bytes(stream: Stream, open: &Open) -> Result<Vec<u8>, ShelfError> {
    codec::encode(META_VERSION, open)
        .map(|bytes| bytes.to_vec())
        .map_err(|source| ShelfError::Codec { stream, source })
}

impl Shelf {
    /// The tails of one shard, as far as they are durable.
    fn durable_tails(&self, index: usize, durable: u64) -> Vec<(Stream, Vec<TailRecord>)> {
        let tails = self.shard(index);
        let mut streams: Vec<(Stream, Vec<TailRecord>)> = tails
            .iter()
            .map(|(stream, tail)| {
                let safe = tail.iter().take_while(|record| record.sequence <= durable);
                (*stream, safe.cloned().collect::<Vec<_>>())
            })
            .filter(|(_, tail)| !tail.is_empty())
            .collect();
        drop(tails);
        // In key order, so that the store's pages fill one after the other.
        streams.sort_unstable_by_key(|(stream, _)| *stream);
        streams
    }

    /// Drops tail records that a snapshot now holds.
    fn forget(&self, stream: Stream, number: u32) {
        let mut tails = self.shard(Self::index(stream));
        let Some(tail) = tails.get_mut(&stream) else { return };
        let before = tail.len();
        tail.retain(|record| record.number > number);
        let dropped = before - tail.len();
        if tail.is_empty() {
            tails.remove(&stream);
        }
        drop(tails);
        self.records.fetch_sub(dropped, Ordering::Relaxed);
    }
}

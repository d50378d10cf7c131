//! The shelf: where actors put their facts, and where anybody reads what became of a thing.
//!
//! A thing is its last snapshot (in the snapshot store) and the records since (its *tail*, in
//! memory, see `shelf/tails.rs`). Appending puts a record into the journal and into the tail in one step;
//! reading folds the tail over the snapshot. So an actor that died is rebuilt without scanning the
//! journal, and a reader needs no actor at all. A checkpoint (see [`checkpoint`]) folds tails into new
//! snapshots, so that the tails stay short.
//!
//! A snapshot is used only when it and its neighbours were found to be what they should be (`fit.rs`).
//!
//! Invariants: a record is in the journal if and only if a tail knows of it or it is under the
//! watermark; a snapshot never holds a fact that is not durable.

pub mod archive;
mod changed;
pub mod checkpoint;
mod error;
mod fit;
mod formats;
mod meta;
mod page;
mod parts;
pub mod recover;
mod rested;
mod stretch;
mod tails;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use surehold_storage::codec;
use surehold_storage::{Journal, NewRecord, SnapshotStore, Space, Stream};

use crate::machine::Machine;
use crate::numbers::Numbers;
pub use error::ShelfError;
use fit::Fit;
pub use fit::Walk;
use rested::State;
use tails::{Tail, TailRecord, Tails};

/// Snapshots, several neighbours to a page. Only the shelf reads them: it checks what it reads.
pub const SNAPSHOTS: Space = Space(1);
/// Unfinished orders by page: what [`crate::agenda::Open`] knows of them.
pub const OPEN: Space = Space(2);
/// What the snapshots stand for (see [`checkpoint::Meta`]).
pub const META: Space = Space(3);
/// Indexes kept by the views.
pub const VIEWS: Space = Space(4);
/// How far followers have come.
pub const CURSORS: Space = Space(5);
/// What runs of neighbouring snapshots come to.
pub const STRETCHES: Space = Space(6);

const SHARDS: usize = 64;

/// A machine as it stands after the record with this sequence.
#[derive(Clone, Debug)]
pub struct Loaded<M> {
    /// The machine.
    pub machine: M,
    /// Its last record.
    pub sequence: u64,
}

/// What is stored of a machine.
#[derive(Serialize, Deserialize)]
struct Stored<M> {
    sequence: u64,
    machine: M,
}

/// The same, for whoever writes what somebody else has.
#[derive(Serialize)]
struct StoredRef<'a, M> {
    sequence: u64,
    machine: &'a M,
}

/// What a guarded append found.
#[derive(Debug)]
pub enum Appended<M> {
    /// The records are in; the last one has this sequence.
    Done(u64),
    /// The guarded stream exists already.
    Exists(Loaded<M>),
}

/// Facts in, machines out.
pub struct Shelf {
    journal: Arc<dyn Journal>,
    snapshots: Arc<dyn SnapshotStore>,
    numbers: Arc<Numbers>,
    tails: [Mutex<Tails>; SHARDS],
    records: AtomicUsize,
    /// The last sequence given out.
    appended: AtomicU64,
    limit: Limit,
    /// Which of the snapshots may be used.
    fit: Fit,
}

/// When a checkpoint is wanted.
struct Limit {
    records: usize,
    reached: Arc<tokio::sync::Notify>,
}

impl Shelf {
    /// A shelf over these stores, empty until [`recover::recover`] has filled it.
    #[must_use]
    pub fn new(
        journal: Arc<dyn Journal>,
        snapshots: Arc<dyn SnapshotStore>,
        tail_records_max: usize,
    ) -> Shelf {
        Shelf {
            journal,
            snapshots,
            numbers: Arc::default(),
            tails: std::array::from_fn(|_| Mutex::default()),
            records: AtomicUsize::new(0),
            appended: AtomicU64::new(0),
            limit: Limit { records: tail_records_max, reached: Arc::default() },
            fit: Fit::default(),
        }
    }

    /// The journal beneath.
    #[must_use]
    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.journal
    }

    /// The snapshot store beneath.
    #[must_use]
    pub fn snapshots(&self) -> &Arc<dyn SnapshotStore> {
        &self.snapshots
    }

    /// The numbers of things.
    #[must_use]
    pub fn numbers(&self) -> &Arc<Numbers> {
        &self.numbers
    }

    /// Records in tails.
    #[must_use]
    pub fn tail_records(&self) -> usize {
        self.records.load(Ordering::Relaxed)
    }

    /// Returns when the tails have grown long enough for a checkpoint.
    pub async fn tails_long(&self) {
        self.limit.reached.notified().await;
    }

    fn index(stream: Stream) -> usize {
        // The streams of a page fall into one shard, neighbouring pages into different ones; the remainder
        // always fits.
        let place = page::of_snapshot(stream).0;
        let mixed = place.id ^ (u64::from(place.group) << 3) ^ (u64::from(place.kind) << 5);
        usize::try_from(mixed % SHARDS as u64).unwrap_or(0)
    }

    fn shard(&self, index: usize) -> MutexGuard<'_, Tails> {
        self.tails[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends one fact of a machine; `number` is its place in the stream.
    ///
    /// # Errors
    /// [`ShelfError::Journal`] once the journal is closed.
    pub fn append<M: Machine>(
        &self,
        stream: Stream,
        number: u32,
        fact: &M::Fact,
    ) -> Result<u64, ShelfError> {
        let bytes =
            M::fact_to_bytes(fact).map_err(|source| ShelfError::Codec { stream, source })?;
        // The shard stays locked from the journal to the tail, so that a checkpoint that knows of
        // the record's sequence also finds the record.
        let mut tails = self.shard(Self::index(stream));
        let record = NewRecord { stream, number, bytes: bytes.clone() };
        let sequence = self.journal.append_one(record)?;
        self.appended.fetch_max(sequence, Ordering::Relaxed);
        tails.push(stream, TailRecord { number, sequence, bytes });
        // Before the shard is open again: nobody can take away what is not counted yet.
        self.count(1);
        drop(tails);
        Ok(sequence)
    }

    /// The sequence of the last record that was appended here, durable or not; 0 before the first.
    #[must_use]
    pub fn appended(&self) -> u64 {
        self.appended.load(Ordering::Relaxed)
    }

    /// Appends the first facts of `guard` and of `other` together, unless `guard` exists.
    ///
    /// # Errors
    /// [`ShelfError::Journal`] once the journal is closed; any other if `guard` cannot be read.
    pub fn append_unless<G: Machine, M: Machine>(
        &self,
        guard: (Stream, &G::Fact),
        other: (Stream, &M::Fact),
    ) -> Result<Appended<G>, ShelfError> {
        let first = Self::encoded::<G>(guard.0, guard.1)?;
        let second = Self::encoded::<M>(other.0, other.1)?;
        let (low, high) = {
            let (a, b) = (Self::index(guard.0), Self::index(other.0));
            (a.min(b), a.max(b))
        };
        // Always in this order, so that two such appends never wait for each other.
        let mut low_tails = self.shard(low);
        let mut high_tails = (high != low).then(|| self.shard(high));
        let guarding = match &high_tails {
            Some(tails) if Self::index(guard.0) == high => tails,
            Some(_) | None => &low_tails,
        };
        if let Some(found) = self.fold::<G>(guard.0, &guarding.get(guard.0))? {
            return Ok(Appended::Exists(found));
        }
        let last = self.journal.append(vec![first.clone(), second.clone()])?;
        self.appended.fetch_max(last, Ordering::Relaxed);
        for (record, sequence) in [(first, last - 1), (second, last)] {
            let tails = match &mut high_tails {
                Some(tails) if Self::index(record.stream) == high => tails,
                Some(_) | None => &mut low_tails,
            };
            let entry = TailRecord { number: record.number, sequence, bytes: record.bytes };
            tails.push(record.stream, entry);
        }
        self.count(2);
        drop((low_tails, high_tails));
        Ok(Appended::Done(last))
    }

    fn encoded<M: Machine>(stream: Stream, fact: &M::Fact) -> Result<NewRecord, ShelfError> {
        let bytes =
            M::fact_to_bytes(fact).map_err(|source| ShelfError::Codec { stream, source })?;
        Ok(NewRecord { stream, number: 1, bytes })
    }

    fn count(&self, records: usize) {
        let before = self.records.fetch_add(records, Ordering::Relaxed);
        if before < self.limit.records && before + records >= self.limit.records {
            self.limit.reached.notify_one();
        }
    }

    /// Leaves the machine as it stands after its last record in the place of its records: whoever has it
    /// at hand and will not write soon spares readers and checkpoints the folding. What is stored in parts
    /// keeps its records.
    ///
    /// # Errors
    /// [`ShelfError::Codec`] if it cannot be written.
    pub fn settle<M: Machine>(
        &self,
        stream: Stream,
        machine: &M,
        sequence: u64,
    ) -> Result<(), ShelfError> {
        if M::PARTED {
            return Ok(());
        }
        let mut tails = self.shard(Self::index(stream));
        if !tails.ends_at(stream, sequence) {
            // What is known of it is that state already, or more.
            return Ok(());
        }
        let (stored, open) = (StoredRef { sequence, machine }, machine.open());
        let gone = codec::encode_for(M::STATE_VERSION, &stored, |bytes| {
            tails.settle(stream, State { bytes, first: sequence, sequence, open })
        });
        let gone = gone.map_err(|source| ShelfError::Codec { stream, source })?;
        self.records.fetch_sub(gone, Ordering::Relaxed);
        Ok(())
    }

    /// The machine as it stands now; `None` if there is no such thing.
    ///
    /// # Errors
    /// [`ShelfError`] if what is stored cannot be read.
    pub fn load<M: Machine>(&self, stream: Stream) -> Result<Option<Loaded<M>>, ShelfError> {
        // The tail is taken before the snapshot is read: a checkpoint in between only makes the
        // snapshot newer, and records it already holds are skipped.
        let tail = self.shard(Self::index(stream)).get(stream);
        self.fold(stream, &tail)
    }

    /// Whether there is such a thing, without reading what it is.
    ///
    /// # Errors
    /// [`ShelfError`] if what is stored cannot be read.
    pub fn exists(&self, stream: Stream) -> Result<bool, ShelfError> {
        if self.shard(Self::index(stream)).knows(stream) {
            return Ok(true);
        }
        let (place, slot) = page::of_snapshot(stream);
        let stored = self.entry(&place.to_key())?;
        Ok(stored.is_some_and(|stored| page::find(&stored, slot).is_some()))
    }

    /// As [`Shelf::load`], but of what is stored in parts there is only what the newest facts are about.
    /// For whoever looks at the rest of it, which costs the same however many orders there were.
    ///
    /// # Errors
    /// As [`Shelf::load`].
    pub fn load_head<M: Machine>(&self, stream: Stream) -> Result<Option<Loaded<M>>, ShelfError> {
        let tail = self.shard(Self::index(stream)).get(stream);
        let stored =
            if tail.is_whole() { None } else { parts::load_for::<M>(self, stream, &tail.records)? };
        Self::over(stream, stored, &tail)
    }

    fn fold<M: Machine>(
        &self,
        stream: Stream,
        tail: &Tail,
    ) -> Result<Option<Loaded<M>>, ShelfError> {
        let stored = if tail.is_whole() { None } else { self.stored::<M>(stream)? };
        Self::over(stream, stored, tail)
    }

    /// What is stored, with the newest facts over it.
    fn over<M: Machine>(
        stream: Stream,
        mut loaded: Option<Loaded<M>>,
        tail: &Tail,
    ) -> Result<Option<Loaded<M>>, ShelfError> {
        if let Some(state) = &tail.state {
            loaded = Some(decode_stored(stream, state)?);
        }
        for record in &tail.records {
            fold_one(stream, &mut loaded, record.number, record.sequence, &record.bytes)?;
        }
        Ok(loaded)
    }

    fn stored<M: Machine>(&self, stream: Stream) -> Result<Option<Loaded<M>>, ShelfError> {
        if M::PARTED {
            return parts::load(self, stream);
        }
        let (place, slot) = page::of_snapshot(stream);
        let stored = self.entry(&place.to_key())?;
        let entry = stored.as_deref().and_then(|stored| page::find(stored, slot));
        entry.map(|bytes| decode_stored(stream, bytes)).transpose()
    }
}

fn decode_stored<M: Machine>(stream: Stream, bytes: &[u8]) -> Result<Loaded<M>, ShelfError> {
    let codec_error = |source| ShelfError::Codec { stream, source };
    let (version, body) = codec::open(bytes).map_err(codec_error)?;
    if version != M::STATE_VERSION {
        let (sequence, machine) = M::older_state(version, body).map_err(codec_error)?;
        return Ok(Loaded { machine, sequence });
    }
    let Stored { sequence, machine } = codec::decode::<Stored<M>>(body).map_err(codec_error)?;
    Ok(Loaded { machine, sequence })
}

/// Makes one more fact so; facts the machine already knows change nothing.
fn fold_one<M: Machine>(
    stream: Stream,
    loaded: &mut Option<Loaded<M>>,
    number: u32,
    sequence: u64,
    bytes: &[u8],
) -> Result<(), ShelfError> {
    let known = loaded.as_ref().map_or(0, |loaded| loaded.machine.number());
    if number <= known {
        return Ok(());
    }
    let gap = ShelfError::Gap { stream, number, known };
    if number != known + 1 {
        return Err(gap);
    }
    let fact = M::fact_from_bytes(bytes).map_err(|source| ShelfError::Codec { stream, source })?;
    match loaded {
        Some(loaded) => {
            loaded.machine.apply(&fact);
            loaded.sequence = sequence;
        }
        None => {
            let machine = M::begin(stream, &fact).ok_or(gap)?;
            *loaded = Some(Loaded { machine, sequence });
        }
    }
    Ok(())
}

//! Tails: what is known of each stream since its snapshot, in memory.
//!
//! A tail is the stream's records since. Whoever wrote them and has nothing to write for a while leaves
//! the state they came to in their place ([`Tails::settle`]), while it is at hand: that is what a reader
//! wants to know, and what a checkpoint stores.
//!
//! A checkpoint seals all tails: what is appended from then on goes into new ones, so nobody waits for
//! it, and it copies nothing. What it did not store goes back in front of the new ones.

use std::collections::hash_map;
use std::sync::Arc;

use bytes::Bytes;
use rustc_hash::{FxHashMap, FxHashSet};
use surehold_storage::Stream;

use super::page;
use super::rested::{Rested, State};

/// One record of a stream.
#[derive(Clone, Debug)]
pub(super) struct TailRecord {
    pub(super) number: u32,
    pub(super) sequence: u64,
    pub(super) bytes: Bytes,
}

/// What is known of one stream since its snapshot: a state, if there is one, and the records after it.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    /// As it is stored.
    pub(super) state: Option<Bytes>,
    pub(super) records: Vec<TailRecord>,
}

impl Tail {
    /// Whether the records begin at the stream's beginning, so that no snapshot is needed under them.
    pub(super) fn is_whole(&self) -> bool {
        self.state.is_some() || self.records.first().is_some_and(|record| record.number == 1)
    }
}

/// What is known of many streams since a checkpoint.
#[derive(Debug, Default)]
pub(super) struct Layer {
    records: FxHashMap<Stream, Vec<TailRecord>>,
    /// By the place of their page. The records of the same stream come after it.
    rested: FxHashMap<Stream, Rested>,
    /// How much of it there is: records, and a state like one.
    len: usize,
}

impl Layer {
    fn state(&self, stream: Stream) -> Option<State<'_>> {
        let (place, slot) = page::of_snapshot(stream);
        self.rested.get(&place)?.get(slot)
    }

    fn push(&mut self, stream: Stream, record: TailRecord) {
        self.records.entry(stream).or_default().push(record);
        self.len += 1;
    }

    fn rest(&mut self, stream: Stream, state: State<'_>) {
        let (place, slot) = page::of_snapshot(stream);
        let rested = self.rested.entry(place).or_default();
        self.len -= rested.len();
        rested.put(slot, page::neighbours(stream), state);
        self.len += rested.len();
    }

    /// Leaves a state in the place of the records that it knows all of. Says how many went.
    fn settle(&mut self, stream: Stream, state: State<'_>) -> usize {
        let hash_map::Entry::Occupied(known) = self.records.entry(stream) else { return 0 };
        if known.get().last().map(|record| record.sequence) != Some(state.sequence) {
            return 0;
        }
        let records = known.remove();
        let first = records.first().map_or(state.first, |record| record.sequence);
        let (place, slot) = page::of_snapshot(stream);
        let rested = self.rested.entry(place).or_default();
        let states = rested.len();
        rested.follow(slot, page::neighbours(stream), State { first, ..state });
        let gone = records.len() - (rested.len() - states);
        self.len -= gone;
        gone
    }

    /// Puts records back in front of those that came since, unless a later state knows them.
    fn put_records_back(&mut self, stream: Stream, mut records: Vec<TailRecord>) {
        let Some((first, last)) = records.first().zip(records.last()) else { return };
        let (first, last) = (first.sequence, last.sequence);
        if self.state(stream).is_some_and(|state| state.sequence >= last) {
            return self.begin_earlier(stream, first);
        }
        self.len += records.len();
        let since = self.records.entry(stream).or_default();
        records.append(since);
        *since = records;
    }

    /// Puts a state back under what came since, unless a later one knows all of it.
    fn put_state_back(&mut self, stream: Stream, state: State<'_>) {
        if self.state(stream).is_some_and(|later| later.sequence >= state.sequence) {
            return self.begin_earlier(stream, state.first);
        }
        self.rest(stream, state);
    }

    /// Lets a stream's state stand for earlier records too.
    fn begin_earlier(&mut self, stream: Stream, first: u64) {
        let (place, slot) = page::of_snapshot(stream);
        if let Some(rested) = self.rested.get_mut(&place) {
            rested.begin_earlier(slot, first);
        }
    }

    /// Everything goes back.
    fn put_all_back(&mut self, sealed: &Layer) {
        for (place, rested) in &sealed.rested {
            for (slot, state) in rested.iter() {
                self.put_state_back(page::snapshot_stream(*place, slot), state);
            }
        }
        for (stream, records) in &sealed.records {
            self.put_records_back(*stream, records.clone());
        }
    }

    fn streams(&self) -> impl Iterator<Item = Stream> {
        let rested = self.rested.iter().flat_map(|(place, rested)| {
            rested.iter().map(|(slot, _)| page::snapshot_stream(*place, slot))
        });
        self.records.keys().copied().chain(rested)
    }
}

/// The tails of one shard. All streams of a page are in one.
#[derive(Debug, Default)]
pub(super) struct Tails {
    fresh: Layer,
    /// Those a checkpoint works on.
    sealed: Arc<Layer>,
}

impl Tails {
    /// What is known of a stream since its snapshot.
    pub(super) fn get(&self, stream: Stream) -> Tail {
        let since = self.fresh.records.get(&stream).map_or(&[][..], Vec::as_slice);
        if let Some(state) = self.fresh.state(stream) {
            let state = Some(Bytes::copy_from_slice(state.bytes));
            return Tail { state, records: since.to_vec() };
        }
        let state = self.sealed.state(stream).map(|state| Bytes::copy_from_slice(state.bytes));
        let sealed = self.sealed.records.get(&stream).map_or(&[][..], Vec::as_slice);
        Tail { state, records: [sealed, since].concat() }
    }

    /// Whether anything is known of a stream since its snapshot.
    pub(super) fn knows(&self, stream: Stream) -> bool {
        [&self.fresh, &*self.sealed]
            .into_iter()
            .any(|layer| layer.records.contains_key(&stream) || layer.state(stream).is_some())
    }

    pub(super) fn push(&mut self, stream: Stream, record: TailRecord) {
        self.fresh.push(stream, record);
    }

    /// Whether there are records that a state could take the place of, up to this sequence.
    pub(super) fn ends_at(&self, stream: Stream, sequence: u64) -> bool {
        let last = self.fresh.records.get(&stream).and_then(|records| records.last());
        last.is_some_and(|record| record.sequence == sequence)
    }

    /// Leaves a state in the place of its records. Says how many went.
    pub(super) fn settle(&mut self, stream: Stream, state: State<'_>) -> usize {
        self.fresh.settle(stream, state)
    }

    /// All streams that there is something of.
    pub(super) fn streams(&self) -> FxHashSet<Stream> {
        self.fresh.streams().chain(self.sealed.streams()).collect()
    }

    /// Seals what there is. What an earlier checkpoint sealed and never gave back comes with it. Says how
    /// many records went, because a later state knows them.
    pub(super) fn seal(&mut self) -> (Arc<Layer>, usize) {
        let gone = self.unseal(None);
        self.sealed = Arc::new(std::mem::take(&mut self.fresh));
        (Arc::clone(&self.sealed), gone)
    }

    /// Ends the sealing: this goes back and the rest is stored, or everything goes back. Says how many
    /// records went.
    pub(super) fn unseal(&mut self, left: Option<&Layer>) -> usize {
        let sealed = std::mem::take(&mut self.sealed);
        let before = self.fresh.len + sealed.len;
        self.fresh.put_all_back(left.unwrap_or(&sealed));
        before - self.fresh.len
    }
}

/// The tails that one checkpoint sealed.
pub(super) struct Sealed {
    pub(super) shards: Vec<Arc<Layer>>,
    /// Up to where they are durable.
    pub(super) durable: u64,
}

/// What a checkpoint has to store of one page, or of one stream on it.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    /// The durable ones of these states.
    Rested(&'a Rested),
    /// Durable records. They follow the stream's state, if there is one.
    Records(Stream, &'a [TailRecord]),
}

/// What is sealed, in the order in which it is stored.
pub(super) struct Sorted<'a> {
    /// Up to where it is durable.
    pub(super) durable: u64,
    /// By the place of the page; the states of a page come before the records of its streams.
    pub(super) parts: Vec<(Stream, Part<'a>)>,
    /// Every record up to here is among them. A state that is not durable yet holds back the records
    /// that it stands for.
    pub(super) watermark: u64,
    /// What is not durable, by shard.
    pub(super) left: Vec<Layer>,
}

impl Sealed {
    /// Looks at everything once.
    pub(super) fn sort(&self) -> Sorted<'_> {
        let count = self.shards.iter().map(|shard| shard.records.len() + shard.rested.len()).sum();
        let parts = Vec::with_capacity(count);
        let mut sorted =
            Sorted { durable: self.durable, parts, watermark: self.durable, left: Vec::new() };
        for shard in &self.shards {
            let mut left = Layer::default();
            for (place, rested) in &shard.rested {
                sorted.add_rested(*place, rested, &mut left);
            }
            for (stream, records) in &shard.records {
                let ripe = records.partition_point(|record| record.sequence <= self.durable);
                let (ripe, unripe) = records.split_at(ripe);
                if !ripe.is_empty() {
                    let place = page::of_snapshot(*stream).0;
                    sorted.parts.push((place, Part::Records(*stream, ripe)));
                }
                left.put_records_back(*stream, unripe.to_vec());
            }
            sorted.left.push(left);
        }
        sorted.parts.sort_unstable_by_key(|(place, part)| match part {
            Part::Rested(_) => (*place, None),
            Part::Records(stream, _) => (*place, Some(*stream)),
        });
        sorted
    }
}

impl<'a> Sorted<'a> {
    fn add_rested(&mut self, place: Stream, rested: &'a Rested, left: &mut Layer) {
        self.parts.push((place, Part::Rested(rested)));
        for (slot, state) in rested.unripe(self.durable) {
            self.watermark = self.watermark.min(state.first - 1);
            left.put_state_back(page::snapshot_stream(place, slot), state);
        }
    }
}

//! Tails: what is known of each stream since its snapshot, in memory.
//!
//! A tail is the stream's records since. Whoever wrote them and has nothing to write for a while leaves
//! the state they came to in their place ([`Tail::settle`]), while it is at hand: that is what a reader
//! wants to know, and what a checkpoint stores.
//!
//! A checkpoint seals all tails: what is appended from then on goes into new ones, so nobody waits for
//! it, and it copies nothing. What it did not store goes back in front of the new ones.

use std::sync::Arc;

use bytes::Bytes;
use rustc_hash::FxHashMap;
use surehold_storage::Stream;

use super::page;
use crate::agenda::Open;

/// One record of a stream.
#[derive(Clone, Debug)]
pub(super) struct TailRecord {
    pub(super) number: u32,
    pub(super) sequence: u64,
    pub(super) bytes: Bytes,
}

/// A machine as it is stored, in place of the records that made it so.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) bytes: Bytes,
    /// Its last record.
    pub(super) sequence: u64,
    /// What the agenda knows of it, if it is an order and not at its end.
    pub(super) open: Option<Open>,
}

/// What is known of one stream since its snapshot: a state, if there is one, and the records after it.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    /// The sequence of the first record since.
    first: u64,
    pub(super) state: Option<State>,
    pub(super) records: Vec<TailRecord>,
}

/// The part of a tail that is durable.
#[derive(Clone, Copy)]
pub(super) struct Ripe<'a> {
    pub(super) state: Option<&'a State>,
    pub(super) records: &'a [TailRecord],
}

impl Tail {
    /// How much of it there is: records, and a state like one.
    fn len(&self) -> usize {
        self.records.len() + usize::from(self.state.is_some())
    }

    fn push(&mut self, record: TailRecord) {
        if self.len() == 0 {
            self.first = record.sequence;
        }
        self.records.push(record);
    }

    /// Leaves a state in the place of the records that it knows all of. Says how many went.
    fn settle(&mut self, state: State) -> usize {
        let last = self.records.last().map(|record| record.sequence);
        if last != Some(state.sequence) {
            return 0;
        }
        let before = self.len();
        self.records = Vec::new();
        self.state = Some(state);
        before - self.len()
    }

    /// What it is with what came after it.
    fn then(mut self, later: Tail) -> Tail {
        if later.state.is_some() {
            return Tail { first: self.first, ..later };
        }
        self.records.extend(later.records);
        self
    }

    /// What of it is durable; `None` if nothing is, or only a part of what its state stands for.
    fn ripe(&self, durable: u64) -> Option<Ripe<'_>> {
        let state = self.state.as_ref();
        if state.is_some_and(|state| state.sequence > durable) {
            return None;
        }
        let count = self.records.partition_point(|record| record.sequence <= durable);
        (state.is_some() || count > 0).then(|| Ripe { state, records: &self.records[..count] })
    }

    /// What of it is not.
    fn left(&self, durable: u64) -> Option<Tail> {
        let Some(ripe) = self.ripe(durable) else { return Some(self.clone()) };
        let records = self.records[ripe.records.len()..].to_vec();
        let first = records.first()?.sequence;
        Some(Tail { first, state: None, records })
    }

    /// Whether the records begin at the stream's beginning, so that no snapshot is needed under them.
    pub(super) fn is_whole(&self) -> bool {
        self.state.is_some() || self.records.first().is_some_and(|record| record.number == 1)
    }
}

type ByStream = FxHashMap<Stream, Tail>;

/// The tails of one shard.
#[derive(Debug, Default)]
pub(super) struct Tails {
    fresh: ByStream,
    /// Those a checkpoint works on.
    sealed: Arc<ByStream>,
}

impl Tails {
    /// What is known of a stream since its snapshot.
    pub(super) fn get(&self, stream: Stream) -> Tail {
        let (sealed, fresh) = (self.sealed.get(&stream), self.fresh.get(&stream));
        match (sealed, fresh) {
            (None, None) => Tail::default(),
            (Some(tail), None) | (None, Some(tail)) => tail.clone(),
            (Some(_), Some(fresh)) if fresh.state.is_some() => fresh.clone(),
            (Some(sealed), Some(fresh)) => sealed.clone().then(fresh.clone()),
        }
    }

    pub(super) fn push(&mut self, stream: Stream, record: TailRecord) {
        self.fresh.entry(stream).or_default().push(record);
    }

    /// Leaves a state in the place of its records. Says how many went.
    pub(super) fn settle(&mut self, stream: Stream, state: State) -> usize {
        self.fresh.get_mut(&stream).map_or(0, |tail| tail.settle(state))
    }

    /// All streams that there is something of.
    pub(super) fn streams(&self) -> Vec<Stream> {
        let sealed = self.sealed.keys().filter(|stream| !self.fresh.contains_key(stream));
        self.fresh.keys().chain(sealed).copied().collect()
    }

    /// Seals what there is. What an earlier checkpoint sealed and never gave back comes with it. Says how
    /// many records went, because a later state knows them.
    pub(super) fn seal(&mut self) -> (Arc<ByStream>, usize) {
        let mut gone = 0;
        if !self.sealed.is_empty() {
            let again: Vec<_> = self.sealed.iter().map(|(at, tail)| (*at, tail.clone())).collect();
            gone = self.unseal(again);
        }
        self.sealed = Arc::new(std::mem::take(&mut self.fresh));
        (Arc::clone(&self.sealed), gone)
    }

    /// Ends the sealing: these tails go back, the others are stored. Says how many records went.
    pub(super) fn unseal(&mut self, left: Vec<(Stream, Tail)>) -> usize {
        let before = self.len();
        self.sealed = Arc::default();
        self.put_back(left);
        before - self.len()
    }

    fn put_back(&mut self, tails: impl IntoIterator<Item = (Stream, Tail)>) {
        for (stream, tail) in tails {
            let fresh = self.fresh.entry(stream).or_default();
            let later = std::mem::take(fresh);
            *fresh = if later.len() == 0 { tail } else { tail.then(later) };
        }
    }

    fn len(&self) -> usize {
        self.fresh.values().chain(self.sealed.values()).map(Tail::len).sum()
    }
}

/// The tails that one checkpoint sealed, by shard.
pub(super) struct Sealed {
    pub(super) shards: Vec<Arc<ByStream>>,
    /// Up to where they are durable.
    pub(super) durable: u64,
}

/// What is durable of one stream.
pub(super) struct Entry<'a> {
    /// The page of its snapshot.
    pub(super) place: Stream,
    pub(super) stream: Stream,
    pub(super) ripe: Ripe<'a>,
}

impl Sealed {
    fn tails(&self) -> impl Iterator<Item = (&Stream, &Tail)> {
        self.shards.iter().flat_map(|shard| shard.iter())
    }

    /// What is durable, in the order of the pages.
    pub(super) fn ripe(&self) -> Vec<Entry<'_>> {
        // Nearly all of it is, so the list is made at its length.
        let mut ripe = Vec::with_capacity(self.shards.iter().map(|shard| shard.len()).sum());
        ripe.extend(self.tails().filter_map(|(stream, tail)| {
            let (place, stream) = (page::of_snapshot(*stream).0, *stream);
            Some(Entry { place, stream, ripe: tail.ripe(self.durable)? })
        }));
        ripe.sort_unstable_by_key(|entry| (entry.place, entry.stream));
        ripe
    }

    /// Every record up to here is among what is durable. A state that is not yet holds back the records
    /// that it stands for.
    pub(super) fn watermark(&self) -> u64 {
        let held = self.tails().filter(|(_, tail)| tail.ripe(self.durable).is_none());
        held.map(|(_, tail)| tail.first - 1).fold(self.durable, u64::min)
    }

    /// What goes back to a shard: what is not durable, or everything if nothing was stored.
    pub(super) fn left(&self, shard: usize, stored: bool) -> Vec<(Stream, Tail)> {
        let left = |tail: &Tail| if stored { tail.left(self.durable) } else { Some(tail.clone()) };
        let tails = self.shards[shard].iter();
        tails.filter_map(|(stream, tail)| Some((*stream, left(tail)?))).collect()
    }
}

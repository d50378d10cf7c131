//! A page under change: what is stored, with new states on it or records folded over it, and what that
//! means for the index of unfinished orders.

use std::collections::BTreeMap;
use std::collections::btree_map;

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

use super::meta::Sums;
use super::page::{self, Page};
use super::rested::Rested;
use super::tails::TailRecord;
use super::{Loaded, OPEN, SNAPSHOTS, Shelf, ShelfError, Stored, decode_stored, fold_one};
use crate::agenda::Open;
use crate::machine::{Machine, MarketName, NodeLife, Serial, Switch};
use crate::stream::Kind;

/// The version of an entry of the index of unfinished orders; of older ones the order is read.
pub(super) const OPEN_VERSION: u8 = 3;

/// An order's entry in [`OPEN`], if it is not at its end; the outer `None` for what is no order.
type OpenEntry = Option<Option<Vec<u8>>>;

/// What the fold of one stream stores.
pub(super) struct Folded {
    pub(super) snapshot: Vec<u8>,
    open: OpenEntry,
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

    pub(super) fn changes(self, sums: &mut Sums) -> impl Iterator<Item = Change> {
        self.pages.into_values().filter_map(|changed| changed.change(sums))
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
        let old = if space == SNAPSHOTS {
            shelf.entry(&key)?
        } else {
            shelf.snapshots.get(space, &key)?
        };
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
    pub(super) fn put_rested(
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
    pub(super) fn put_folded(
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

    /// The change to the store, entered into the sums; `None` if there is none.
    pub(super) fn change(self, sums: &mut Sums) -> Option<Change> {
        let Changed { space, key, old, page } = self;
        let new = page.to_bytes();
        if new == old {
            return None;
        }
        if let Some(old) = &old {
            sums.take(space, &key, old);
        }
        Some(match new {
            Some(value) => {
                sums.add(space, &key, &value);
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

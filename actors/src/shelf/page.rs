//! Pages: snapshots of neighbouring streams under one key of the snapshot store.
//!
//! Numbers are given one after another, so the orders of one moment fill the same few pages. A store
//! of pages takes a small part of the time that a store of single snapshots takes: what costs there
//! is the key, not the bytes.
//!
//! ```text
//!  page = entry*          entry = slot (1 byte) | length (4 bytes, big endian) | bytes
//! ```

use std::collections::BTreeMap;

use surehold_storage::Stream;

use crate::stream::Kind;

/// Orders whose entries in the index of unfinished orders share a page, as a power of two.
const OPEN_BITS: u32 = 6;

/// How many neighbours share a page, as a power of two: pages of some kilobytes.
fn bits(stream: Stream) -> u32 {
    match Kind::of(stream) {
        Some(Kind::Order) => 4,
        Some(Kind::Payment) => 5,
        Some(Kind::Confirmation) => 6,
        Some(Kind::Mileage) => 5,
        Some(Kind::Message | Kind::Review) => 4,
        Some(Kind::Sale | Kind::Supply) => 7,
        // These are few, large, or scattered.
        Some(Kind::Node | Kind::Market | Kind::Offering | Kind::Key | Kind::Switch) | None => 0,
    }
}

fn place(stream: Stream, bits: u32) -> (Stream, u8) {
    let slot = u8::try_from(stream.id & ((1 << bits) - 1)).unwrap_or(0);
    (Stream { id: stream.id >> bits, ..stream }, slot)
}

/// How many snapshots a page like this stream's has room for.
pub(super) fn neighbours(stream: Stream) -> usize {
    1 << bits(stream)
}

/// The page and the slot of a stream's snapshot.
pub(super) fn of_snapshot(stream: Stream) -> (Stream, u8) {
    place(stream, bits(stream))
}

/// The stream whose snapshot is at a slot of a page.
pub(super) fn snapshot_stream(page: Stream, slot: u8) -> Stream {
    Stream { id: (page.id << bits(page)) | u64::from(slot), ..page }
}

/// The page and the slot of an order in the index of unfinished orders.
pub(super) fn of_open(stream: Stream) -> (Stream, u8) {
    place(stream, OPEN_BITS)
}

/// The order at a slot of a page of the index of unfinished orders.
pub(super) fn open_stream(page: Stream, slot: u8) -> Stream {
    Stream { id: (page.id << OPEN_BITS) | u64::from(slot), ..page }
}

/// What an entry takes besides its bytes.
const ENTRY_OVERHEAD: usize = 1 + 4;

/// Adds an entry to a page.
fn put_entry(page: &mut Vec<u8>, slot: u8, bytes: &[u8]) {
    page.push(slot);
    page.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    page.extend_from_slice(bytes);
}

/// The entries of a page, as long as they are whole.
pub(super) fn entries(page: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = page;
    std::iter::from_fn(move || {
        let (slot, after) = rest.split_first()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (bytes, after) = after.split_at_checked(length)?;
        rest = after;
        Some((*slot, bytes))
    })
}

/// The entry at a slot.
pub(super) fn find(page: &[u8], slot: u8) -> Option<&[u8]> {
    entries(page).find(|(other, _)| *other == slot).map(|(_, bytes)| bytes)
}

/// A page being changed.
#[derive(Default)]
pub(super) struct Page(BTreeMap<u8, Vec<u8>>);

impl Page {
    pub(super) fn read(bytes: &[u8]) -> Page {
        Page(entries(bytes).map(|(slot, bytes)| (slot, bytes.to_vec())).collect())
    }

    pub(super) fn get(&self, slot: u8) -> Option<&[u8]> {
        self.0.get(&slot).map(Vec::as_slice)
    }

    pub(super) fn put(&mut self, slot: u8, bytes: Vec<u8>) {
        self.0.insert(slot, bytes);
    }

    pub(super) fn remove(&mut self, slot: u8) {
        self.0.remove(&slot);
    }

    /// The page as stored; `None` when nothing is on it.
    pub(super) fn to_bytes(&self) -> Option<Vec<u8>> {
        if self.0.is_empty() {
            return None;
        }
        let length = self.0.values().map(|bytes| bytes.len() + ENTRY_OVERHEAD).sum();
        let mut page = Vec::with_capacity(length);
        for (slot, bytes) in &self.0 {
            put_entry(&mut page, *slot, bytes);
        }
        Some(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_page_and_find_themselves_in_it() {
        let stream = |id| Stream { kind: Kind::Order as u8, group: 3, id };
        let mut page = Page::default();
        for id in 32..48 {
            let (place, slot) = of_snapshot(stream(id));
            assert_eq!(place, of_snapshot(stream(32)).0, "{id}");
            assert_eq!(snapshot_stream(place, slot), stream(id));
            page.put(slot, vec![slot; usize::from(slot)]);
        }
        assert_ne!(of_snapshot(stream(48)).0, of_snapshot(stream(47)).0);
        let bytes = page.to_bytes().unwrap();
        assert_eq!(find(&bytes, 5), Some(&[5; 5][..]));
        let mut again = Page::read(&bytes);
        assert_eq!(again.to_bytes(), Some(bytes.clone()));
        again.remove(5);
        assert_eq!(again.get(5), None);
        assert_eq!(find(&bytes[..bytes.len() - 1], 15), None, "a torn entry is no entry");
        assert_eq!(Page::default().to_bytes(), None);
        let (place, slot) = of_open(stream(131));
        assert_eq!(open_stream(place, slot), stream(131));
    }
}

//! One index: a generation of stored keys, what was learned since it was stored, and the cursor.

use std::collections::hash_map::Entry as Place;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use surehold_actors::shelf::ShelfError;
use surehold_domain::id::MarketId;
use surehold_domain::time::Timestamp;
use surehold_storage::{Entry, Record, SnapshotError, SnapshotStore};

use super::Whose;
use super::generation::Generation;
use super::keys::{CURSOR_KEY, PAGE_ROWS, count_key, last_id, page_key, posting, rows_of, tag_of};
use super::learn::Source;
use super::recent::Recent;
use crate::limits::VIEWS_STORED_EVERY;
use crate::view::{Collection, Rows};

/// See the module.
pub(super) struct Index {
    generation: Generation,
    recent: Recent,
    ends: FxHashMap<(u8, MarketId), End>,
    cursor: u64,
    stored: u64,
    stored_at: Timestamp,
}

/// Where rows are added to a collection. A full page goes to what was learned at once; the last one,
/// and how many rows there are, only when that is stored.
#[derive(Default)]
struct End {
    /// Rows in all.
    count: u64,
    /// The last page, as far as it is filled.
    page: Vec<u8>,
    /// Whether anything was added since it was stored.
    is_new: bool,
}

impl End {
    /// The number of the page that the next row goes to.
    fn number(&self) -> u64 {
        self.count / PAGE_ROWS
    }
}

impl Index {
    fn new(generation: Generation, cursor: u64, now: Timestamp) -> Index {
        let (recent, ends) = (Recent::default(), FxHashMap::default());
        Index { generation, recent, ends, cursor, stored: cursor, stored_at: now }
    }

    /// The live index as it was last stored; an earlier life may have learned more than it stored,
    /// and it is learned again.
    pub(super) fn open_in(
        store: &Arc<dyn SnapshotStore>,
        now: Timestamp,
    ) -> Result<Index, SnapshotError> {
        let generation = Generation::live(store)?;
        let cursor = generation.get(CURSOR_KEY)?.map_or(0, |bytes| last_id(&bytes));
        Ok(Index::new(generation, cursor, now))
    }

    /// An index that knows nothing and stores nothing.
    pub(super) fn nowhere(store: &Arc<dyn SnapshotStore>, now: Timestamp) -> Index {
        Index::new(Generation::nowhere(store), 0, now)
    }

    /// An empty index beside this one. Nothing may be left over where it will be stored.
    pub(super) fn beside(&self, now: Timestamp) -> Index {
        Index::new(self.generation.next(), 0, now)
    }

    /// Every record up to here is in it.
    pub(super) fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Every record up to here is in what is stored of it.
    pub(super) fn stored(&self) -> u64 {
        self.stored
    }

    /// Where it is stored.
    pub(super) fn generation(&self) -> &Generation {
        &self.generation
    }

    /// It knows, in what was copied to where it is stored, every record up to here.
    pub(super) fn knows(&mut self, cursor: u64) {
        self.cursor = cursor;
    }

    /// An index of another, longer journal knows of what is not there. Says whether this is one;
    /// it goes on where the journal ends.
    pub(super) fn is_beyond(&mut self, last: u64) -> bool {
        let beyond = self.cursor > last;
        self.cursor = self.cursor.min(last);
        beyond
    }

    /// Learns all of these records, or forgets what was not stored.
    pub(super) fn gulp<'a>(
        &mut self,
        source: &Source,
        records: impl IntoIterator<Item = &'a Record>,
    ) -> Result<(), ShelfError> {
        let mut cursor = self.cursor;
        for record in records {
            cursor = record.sequence;
            if let Err(error) = self.learn(source, record) {
                self.recent.clear();
                self.ends.clear();
                self.cursor = self.stored;
                return Err(error);
            }
        }
        self.recent.sort();
        self.cursor = cursor;
        Ok(())
    }

    /// Stores what was learned, if that is much or was long ago.
    pub(super) fn store_when_due(&mut self, now: Timestamp) -> Result<(), SnapshotError> {
        let due = now.since(self.stored_at) >= VIEWS_STORED_EVERY;
        let is_new = !self.recent.is_empty() || self.ends.values().any(|end| end.is_new);
        if self.recent.is_full() || (due && is_new) {
            self.store(now, false)?;
        }
        Ok(())
    }

    /// Stores what was learned, and in the same batch makes this the live index if it `goes_live`.
    pub(super) fn store(&mut self, now: Timestamp, goes_live: bool) -> Result<(), SnapshotError> {
        self.put_ends();
        let mut changes = self.recent.to_changes(&self.generation, self.cursor)?;
        if goes_live {
            changes.push(self.generation.goes_live());
        }
        self.generation.apply(changes)?;
        self.recent.clear();
        (self.stored, self.stored_at) = (self.cursor, now);
        Ok(())
    }

    /// Puts what stands at the ends of collections to what was learned.
    fn put_ends(&mut self) {
        for ((tag, market), end) in self.ends.iter_mut().filter(|(_, end)| end.is_new) {
            self.recent.put(count_key(*tag, *market), end.count.to_be_bytes().to_vec());
            if !end.page.is_empty() {
                self.recent.put(page_key(*tag, *market, end.number()), end.page.clone());
            }
            end.is_new = false;
        }
    }

    /// Removes keys that are not of this index; says whether there were any.
    pub(super) fn sweep(&self, limit: usize) -> Result<bool, SnapshotError> {
        self.generation.sweep(limit)
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, SnapshotError> {
        self.recent.get(&self.generation, key)
    }

    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.recent.put(key, value);
    }

    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.recent.remove(key);
    }

    pub(super) fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<Entry>, SnapshotError> {
        self.recent.scan(&self.generation, from, to, limit)
    }

    /// The number under a key; 0 if there is none.
    pub(super) fn number(&self, key: &[u8]) -> Result<u64, SnapshotError> {
        Ok(self.get(key)?.map_or(0, |bytes| last_id(&bytes)))
    }

    /// Puts a number under a key; 0 is not kept.
    pub(super) fn put_number(&mut self, key: Vec<u8>, number: u64) {
        if number == 0 {
            self.remove(key);
        } else {
            self.put(key, number.to_be_bytes().to_vec());
        }
    }

    /// Notes to whom a thing belongs.
    pub(super) fn post(&mut self, market: MarketId, whose: Whose<'_>, id: u64) {
        self.recent.post(posting(market, whose, id));
    }

    /// Numbers of things that belong to somebody, above `after`, in order.
    pub(super) fn numbers_of(
        &self,
        market: MarketId,
        whose: Whose<'_>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<u64>, SnapshotError> {
        let Some(first) = after.checked_add(1) else { return Ok(Vec::new()) };
        let (from, to) = (posting(market, whose, first), posting(market, whose, u64::MAX));
        let found = self.recent.postings(&self.generation, from, to, limit)?;
        Ok(found.iter().map(|posting| last_id(posting)).collect())
    }

    /// A page of a collection.
    pub(super) fn rows(
        &self,
        market: MarketId,
        collection: Collection,
        offset: u64,
        limit: usize,
    ) -> Result<Rows, SnapshotError> {
        let tag = tag_of(collection);
        let end = self.ends.get(&(tag, market));
        let total = match end {
            Some(end) => end.count,
            None => self.number(&count_key(tag, market))?,
        };
        let mut ids = Vec::new();
        let mut page = offset / PAGE_ROWS;
        let mut skip = usize::try_from(offset % PAGE_ROWS).unwrap_or(usize::MAX);
        while ids.len() < limit {
            let last = end.filter(|end| end.number() == page && !end.page.is_empty());
            let bytes = match last {
                Some(end) => Some(end.page.clone()),
                None => self.get(&page_key(tag, market, page))?,
            };
            let Some(bytes) = bytes else { break };
            ids.extend(rows_of(&bytes).skip(skip).take(limit - ids.len()));
            page += 1;
            skip = 0;
        }
        Ok(Rows { ids, total })
    }

    /// Adds a row to a collection; returns its number, from 1.
    pub(super) fn add(
        &mut self,
        collection: Collection,
        market: MarketId,
        id: u64,
    ) -> Result<u64, SnapshotError> {
        let tag = tag_of(collection);
        let end = match self.ends.entry((tag, market)) {
            Place::Occupied(end) => end.into_mut(),
            Place::Vacant(place) => {
                let count = self.recent.get(&self.generation, &count_key(tag, market))?;
                let mut end = End { count: count.map_or(0, |it| last_id(&it)), ..End::default() };
                if !end.count.is_multiple_of(PAGE_ROWS) {
                    let page = page_key(tag, market, end.number());
                    end.page = self.recent.get(&self.generation, &page)?.unwrap_or_default();
                }
                place.insert(end)
            }
        };
        let number = end.number();
        end.page.extend(id.to_be_bytes());
        (end.count, end.is_new) = (end.count + 1, true);
        if end.count.is_multiple_of(PAGE_ROWS) {
            self.recent.put(page_key(tag, market, number), std::mem::take(&mut end.page));
        }
        Ok(end.count)
    }
}

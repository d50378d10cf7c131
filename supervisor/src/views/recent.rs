//! What the views learned since they last stored it: in memory, readable at once, and stored now
//! and then in large batches together with the cursor.
//!
//! Postings (which order belongs to which customer or offering) are stored as sorted *runs*, in
//! chunks under few keys: what costs in the store is the key, not the bytes. A small last run is
//! merged with what comes, so that there are never many runs to look into.

use std::collections::{BTreeMap, BTreeSet};

use surehold_actors::shelf::VIEWS;
use surehold_storage::{Change, Direction, SnapshotError, SnapshotStore};

use super::index::{
    CHUNK_POSTINGS, POSTING_LENGTH, Posting, RUN_COUNT_KEY, chunk_key, last_id, postings_of,
    run_length_key,
};

/// Postings from which on a run is left as it is.
const RUN_FULL: u64 = 65_536;
/// Postings in memory before they are stored.
const POSTINGS_MAX: usize = 100_000;

/// See the module.
#[derive(Default)]
pub(super) struct Recent {
    puts: BTreeMap<Vec<u8>, Vec<u8>>,
    postings: BTreeSet<Posting>,
}

impl Recent {
    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.puts.insert(key, value);
    }

    pub(super) fn post(&mut self, posting: Posting) {
        self.postings.insert(posting);
    }

    pub(super) fn is_full(&self) -> bool {
        self.postings.len() >= POSTINGS_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.postings.is_empty()
    }

    /// The value under `key`, stored or not.
    pub(super) fn get(
        &self,
        store: &dyn SnapshotStore,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, SnapshotError> {
        match self.puts.get(key) {
            Some(value) => Ok(Some(value.clone())),
            None => store.get(VIEWS, key),
        }
    }

    /// The first `limit` postings from `from` up to and including `to`, stored or not.
    pub(super) fn postings(
        &self,
        store: &dyn SnapshotStore,
        from: Posting,
        to: Posting,
        limit: usize,
    ) -> Result<BTreeSet<Posting>, SnapshotError> {
        let mut found: BTreeSet<Posting> =
            self.postings.range(from..=to).take(limit).copied().collect();
        for run in 0..runs(store)? {
            found.extend(in_run(store, run, from, to, limit)?);
            while found.len() > limit {
                found.pop_last();
            }
        }
        Ok(found)
    }

    /// The changes that store all of it together with the cursor.
    pub(super) fn to_changes(
        &self,
        store: &dyn SnapshotStore,
        cursor: (&[u8], u64),
    ) -> Result<Vec<Change>, SnapshotError> {
        let mut puts = self.puts.clone();
        puts.insert(cursor.0.to_vec(), cursor.1.to_be_bytes().to_vec());
        let mut removed = Vec::new();
        if !self.postings.is_empty() {
            let count = runs(store)?;
            let mut merged = self.postings.clone();
            let run = match count.checked_sub(1) {
                Some(last) if run_length(store, last)? < RUN_FULL => {
                    for (key, chunk) in chunks(store, last)? {
                        merged.extend(postings_of(&chunk));
                        removed.push(key);
                    }
                    last
                }
                Some(_) | None => count,
            };
            let all: Vec<Posting> = merged.into_iter().collect();
            for chunk in all.chunks(CHUNK_POSTINGS) {
                puts.insert(chunk_key(run, chunk[0]), chunk.concat());
            }
            let length = u64::try_from(all.len()).unwrap_or(u64::MAX);
            puts.insert(run_length_key(run), length.to_be_bytes().to_vec());
            puts.insert(RUN_COUNT_KEY.to_vec(), (run + 1).to_be_bytes().to_vec());
        }
        let gone = removed.into_iter().filter(|key| !puts.contains_key(key));
        let mut changes: Vec<Change> =
            gone.map(|key| Change::Remove { space: VIEWS, key }).collect();
        changes.extend(puts.into_iter().map(|(key, value)| Change::Put {
            space: VIEWS,
            key,
            value,
        }));
        Ok(changes)
    }

    /// Forgets what was stored.
    pub(super) fn clear(&mut self) {
        *self = Recent::default();
    }
}

fn runs(store: &dyn SnapshotStore) -> Result<u64, SnapshotError> {
    Ok(store.get(VIEWS, RUN_COUNT_KEY)?.map_or(0, |bytes| last_id(&bytes)))
}

fn run_length(store: &dyn SnapshotStore, run: u64) -> Result<u64, SnapshotError> {
    Ok(store.get(VIEWS, &run_length_key(run))?.map_or(0, |bytes| last_id(&bytes)))
}

const LOWEST: Posting = [0; POSTING_LENGTH];
const HIGHEST: Posting = [0xff; POSTING_LENGTH];

fn chunks(
    store: &dyn SnapshotStore,
    run: u64,
) -> Result<Vec<surehold_storage::Entry>, SnapshotError> {
    let limit = usize::try_from(RUN_FULL).unwrap_or(usize::MAX);
    store.scan(VIEWS, &chunk_key(run, LOWEST), &chunk_key(run, HIGHEST), Direction::Up, limit)
}

fn in_run(
    store: &dyn SnapshotStore,
    run: u64,
    from: Posting,
    to: Posting,
    limit: usize,
) -> Result<Vec<Posting>, SnapshotError> {
    // The chunk that begins at or before `from`, then those that begin after it.
    let mut upto = chunk_key(run, from);
    upto.push(0);
    let first = store.scan(VIEWS, &chunk_key(run, LOWEST), &upto, Direction::Down, 1)?;
    let mut end = chunk_key(run, to);
    end.push(0);
    let more = limit.div_ceil(CHUNK_POSTINGS) + 1;
    let rest = store.scan(VIEWS, &upto, &end, Direction::Up, more)?;
    let mut found = Vec::new();
    for (_, chunk) in first.into_iter().chain(rest) {
        found.extend(postings_of(&chunk).filter(|one| (from..=to).contains(one)));
        if found.len() >= limit {
            break;
        }
    }
    found.truncate(limit);
    Ok(found)
}

//! What an index learned since it was last stored: in memory, readable at once, and stored now and
//! then in large batches together with the cursor.
//!
//! Postings (which thing belongs to which customer or offering) are stored as sorted *runs*, in
//! chunks under few keys: what costs in the store is the key, not the bytes. A small last run is
//! merged with what comes, so that there are never many runs to look into.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use surehold_storage::{Change, Direction, Entry, SnapshotError};

use super::generation::Generation;
use super::keys::{
    CHUNK_POSTINGS, CURSOR_KEY, POSTING_LENGTH, Posting, RUN_COUNT_KEY, after_key, chunk_key,
    last_id, postings_of, run_length_key,
};
use super::postings::{Postings, ordered};
use crate::limits::VIEWS_RECENT_MAX;

/// Postings from which on a run is left as it is.
const RUN_FULL: u64 = 65_536;

/// See the module.
#[derive(Default)]
pub(super) struct Recent {
    /// Values by key; `None` for what was removed.
    values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    postings: Postings,
}

impl Recent {
    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.values.insert(key, Some(value));
    }

    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.values.insert(key, None);
    }

    pub(super) fn post(&mut self, posting: Posting) {
        self.postings.push(posting);
    }

    /// All of a gulp is there: what is looked for in it is found fast from now on.
    pub(super) fn sort(&mut self) {
        self.postings.sort();
    }

    pub(super) fn is_full(&self) -> bool {
        self.postings.len() + self.values.len() >= VIEWS_RECENT_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.postings.is_empty()
    }

    /// The value under `key`, stored or not.
    pub(super) fn get(
        &self,
        stored: &Generation,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, SnapshotError> {
        match self.values.get(key) {
            Some(value) => Ok(value.clone()),
            None => stored.get(key),
        }
    }

    /// The first `limit` entries with `from <= key < to`, stored or not.
    pub(super) fn scan(
        &self,
        stored: &Generation,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<Entry>, SnapshotError> {
        let bounds = (Bound::Included(from), Bound::Excluded(to));
        let here = self.values.range::<[u8], _>(bounds);
        let here = here.filter_map(|(key, value)| Some((key.clone(), value.clone()?)));
        let mut found: BTreeMap<Vec<u8>, Vec<u8>> = here.take(limit).collect();
        let mut at = from.to_vec();
        loop {
            let more = stored.scan(&at, to, Direction::Up, limit)?;
            let last = more.last().map(|(key, _)| key.clone());
            let (end, same) = (more.len() < limit, |key: &Vec<u8>| !self.values.contains_key(key));
            found.extend(more.into_iter().filter(|(key, _)| same(key)));
            // What is in memory may come after what is stored further on.
            match last {
                Some(last) if !end && found.range(..=last.clone()).count() < limit => {
                    at = after_key(last);
                }
                Some(_) | None => break,
            }
        }
        Ok(found.into_iter().take(limit).collect())
    }

    /// The first `limit` postings from `from` up to and including `to`, stored or not.
    pub(super) fn postings(
        &self,
        stored: &Generation,
        from: Posting,
        to: Posting,
        limit: usize,
    ) -> Result<BTreeSet<Posting>, SnapshotError> {
        if from > to {
            return Ok(BTreeSet::new());
        }
        let mut found: BTreeSet<Posting> = self.postings.first(from, to, limit).collect();
        for run in 0..runs(stored)? {
            found.extend(in_run(stored, run, from, to, limit)?);
            while found.len() > limit {
                found.pop_last();
            }
        }
        while found.len() > limit {
            found.pop_last();
        }
        Ok(found)
    }

    /// The changes that store all of it together with the cursor.
    pub(super) fn to_changes(
        &self,
        stored: &Generation,
        cursor: u64,
    ) -> Result<Vec<Change>, SnapshotError> {
        let mut values = self.values.clone();
        values.insert(CURSOR_KEY.to_vec(), Some(cursor.to_be_bytes().to_vec()));
        if !self.postings.is_empty() {
            let count = runs(stored)?;
            let mut all: Vec<Posting> = self.postings.all().collect();
            let run = match count.checked_sub(1) {
                Some(last) if run_length(stored, last)? < RUN_FULL => {
                    for (key, chunk) in chunks(stored, last)? {
                        all.extend(postings_of(&chunk));
                        values.insert(key, None);
                    }
                    last
                }
                Some(_) | None => count,
            };
            all.sort_by_key(ordered);
            all.dedup();
            for chunk in all.chunks(CHUNK_POSTINGS) {
                values.insert(chunk_key(run, chunk[0]), Some(chunk.concat()));
            }
            let length = u64::try_from(all.len()).unwrap_or(u64::MAX);
            values.insert(run_length_key(run), Some(length.to_be_bytes().to_vec()));
            values.insert(RUN_COUNT_KEY.to_vec(), Some((run + 1).to_be_bytes().to_vec()));
        }
        Ok(values.into_iter().map(|(key, value)| stored.change(&key, value)).collect())
    }

    /// Forgets what was stored.
    pub(super) fn clear(&mut self) {
        *self = Recent::default();
    }
}

fn runs(stored: &Generation) -> Result<u64, SnapshotError> {
    Ok(stored.get(RUN_COUNT_KEY)?.map_or(0, |bytes| last_id(&bytes)))
}

fn run_length(stored: &Generation, run: u64) -> Result<u64, SnapshotError> {
    Ok(stored.get(&run_length_key(run))?.map_or(0, |bytes| last_id(&bytes)))
}

const LOWEST: Posting = [0; POSTING_LENGTH];
const HIGHEST: Posting = [0xff; POSTING_LENGTH];

fn chunks(stored: &Generation, run: u64) -> Result<Vec<Entry>, SnapshotError> {
    let limit = usize::try_from(RUN_FULL).unwrap_or(usize::MAX);
    stored.scan(&chunk_key(run, LOWEST), &chunk_key(run, HIGHEST), Direction::Up, limit)
}

fn in_run(
    stored: &Generation,
    run: u64,
    from: Posting,
    to: Posting,
    limit: usize,
) -> Result<Vec<Posting>, SnapshotError> {
    // The chunk that begins at or before `from`, then those that begin after it.
    let upto = after_key(chunk_key(run, from));
    let first = stored.scan(&chunk_key(run, LOWEST), &upto, Direction::Down, 1)?;
    let more = limit.div_ceil(CHUNK_POSTINGS) + 1;
    let rest = stored.scan(&upto, &after_key(chunk_key(run, to)), Direction::Up, more)?;
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

//! Generations: every key of an index is stored behind one byte, so that two indexes can stand side
//! by side. A stored key says which of them is live; whatever else is there is left over.

use std::sync::Arc;

use surehold_actors::shelf::VIEWS;
use surehold_storage::{Change, Direction, Entry, SnapshotError, SnapshotStore};

/// Which generation is live; 1 if nothing is stored here.
const LIVE_KEY: &[u8] = &[0];
const FIRST: u8 = 1;
const LAST: u8 = 250;
/// Above every key of every generation.
const END: &[u8] = &[0xff];

/// The keys of one generation.
#[derive(Clone)]
pub(super) struct Generation {
    store: Arc<dyn SnapshotStore>,
    number: u8,
}

impl Generation {
    /// The one that is live.
    pub(super) fn live(store: &Arc<dyn SnapshotStore>) -> Result<Generation, SnapshotError> {
        let stored = store.get(VIEWS, LIVE_KEY)?;
        let number = stored.and_then(|bytes| bytes.first().copied()).unwrap_or(FIRST);
        Ok(Generation { store: Arc::clone(store), number })
    }

    /// One that is nowhere: nothing is stored in it.
    pub(super) fn nowhere(store: &Arc<dyn SnapshotStore>) -> Generation {
        Generation { store: Arc::clone(store), number: 0 }
    }

    pub(super) fn is_nowhere(&self) -> bool {
        self.number == 0
    }

    /// The one after this.
    pub(super) fn next(&self) -> Generation {
        let number = if self.number >= LAST { FIRST } else { self.number + 1 };
        Generation { store: Arc::clone(&self.store), number }
    }

    fn full(&self, key: &[u8]) -> Vec<u8> {
        let mut full = Vec::with_capacity(1 + key.len());
        full.push(self.number);
        full.extend_from_slice(key);
        full
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, SnapshotError> {
        self.store.get(VIEWS, &self.full(key))
    }

    /// As [`SnapshotStore::scan`], within this generation.
    pub(super) fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Entry>, SnapshotError> {
        let found = self.store.scan(VIEWS, &self.full(from), &self.full(to), direction, limit)?;
        Ok(found.into_iter().map(|(key, value)| (key[1..].to_vec(), value)).collect())
    }

    /// The change that puts a value under a key, or removes what is there.
    pub(super) fn change(&self, key: &[u8], value: Option<Vec<u8>>) -> Change {
        let key = self.full(key);
        match value {
            Some(value) => Change::Put { space: VIEWS, key, value },
            None => Change::Remove { space: VIEWS, key },
        }
    }

    /// The change that makes this generation the live one.
    pub(super) fn goes_live(&self) -> Change {
        Change::Put { space: VIEWS, key: LIVE_KEY.to_vec(), value: vec![self.number] }
    }

    pub(super) fn apply(&self, changes: Vec<Change>) -> Result<(), SnapshotError> {
        self.store.apply(changes)
    }

    /// Removes up to `limit` keys of other generations; says whether there were any.
    pub(super) fn sweep(&self, limit: usize) -> Result<bool, SnapshotError> {
        let mut left = self.store.scan(VIEWS, &[FIRST], &[self.number], Direction::Up, limit)?;
        if left.is_empty() {
            let above = &[self.number.saturating_add(1)];
            left = self.store.scan(VIEWS, above, END, Direction::Up, limit)?;
        }
        let any = !left.is_empty();
        if any {
            let remove = |(key, _)| Change::Remove { space: VIEWS, key };
            self.store.apply(left.into_iter().map(remove).collect())?;
        }
        Ok(any)
    }
}

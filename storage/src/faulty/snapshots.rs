//! A snapshot store that fails and reports damage, around any other.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::snapshot::{Change, Direction, Entry, SnapshotError, SnapshotStore, Space};

#[derive(Debug, Default)]
struct State {
    fail_apply_in: Option<u64>,
    fail_sync_in: Option<u64>,
    unavailable: bool,
    damaged: BTreeSet<(Space, Vec<u8>)>,
}

/// A snapshot store with faults. Without any it behaves as the store within.
#[derive(Debug)]
pub struct FaultySnapshots<S> {
    inner: Arc<S>,
    state: Mutex<State>,
}

impl<S: SnapshotStore> FaultySnapshots<S> {
    /// Wraps `inner`.
    #[must_use]
    pub fn new(inner: Arc<S>) -> Arc<FaultySnapshots<S>> {
        Arc::new(FaultySnapshots { inner, state: Mutex::default() })
    }

    /// The `apply` with this number (the next one is 1) fails, and changes nothing.
    pub fn fail_apply_at(&self, apply: u64) {
        self.state().fail_apply_in = Some(apply);
    }

    /// The `sync` with this number (the next one is 1) fails.
    pub fn fail_sync_at(&self, sync: u64) {
        self.state().fail_sync_in = Some(sync);
    }

    /// The value under this key is damaged, until something else is put there or all is cleared.
    pub fn damage(&self, space: Space, key: &[u8]) {
        self.state().damaged.insert((space, key.to_vec()));
    }

    /// Every call fails, until this is called again with `false`.
    pub fn set_unavailable(&self, unavailable: bool) {
        self.state().unavailable = unavailable;
    }

    fn available(&self) -> Result<MutexGuard<'_, State>, SnapshotError> {
        let state = self.state();
        if state.unavailable { Err(fault()) } else { Ok(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: SnapshotStore> SnapshotStore for FaultySnapshots<S> {
    fn apply(&self, changes: Vec<Change>) -> Result<(), SnapshotError> {
        let mut state = self.available()?;
        if due(&mut state.fail_apply_in) {
            return Err(fault());
        }
        for change in &changes {
            let (Change::Put { space, key, .. } | Change::Remove { space, key }) = change;
            state.damaged.remove(&(*space, key.clone()));
        }
        self.inner.apply(changes)
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, SnapshotError> {
        if self.available()?.damaged.contains(&(space, key.to_vec())) {
            return Err(damaged(key));
        }
        self.inner.get(space, key)
    }

    fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Entry>, SnapshotError> {
        let state = self.available()?;
        let entries = self.inner.scan(space, from, to, direction, limit)?;
        match entries.iter().find(|(key, _)| state.damaged.contains(&(space, key.clone()))) {
            Some((key, _)) => Err(damaged(key)),
            None => Ok(entries),
        }
    }

    fn sync(&self) -> Result<(), SnapshotError> {
        if due(&mut self.available()?.fail_sync_in) {
            return Err(fault());
        }
        self.inner.sync()
    }

    fn clear(&self) -> Result<(), SnapshotError> {
        self.available()?.damaged.clear();
        self.inner.clear()
    }

    fn size_on_disk(&self) -> u64 {
        self.inner.size_on_disk()
    }
}

/// Counts down; true when it comes to the call that fails.
fn due(left: &mut Option<u64>) -> bool {
    *left = left.map(|left| left.saturating_sub(1));
    let due = *left == Some(0);
    if due {
        *left = None;
    }
    due
}

fn fault() -> SnapshotError {
    SnapshotError::Unavailable { file: file(), reason: "a fault was injected".to_owned() }
}

fn damaged(key: &[u8]) -> SnapshotError {
    let key = key.iter().map(|byte| format!("{byte:02x}")).collect();
    SnapshotError::Damaged { file: file(), key }
}

fn file() -> PathBuf {
    PathBuf::from("faulty snapshots")
}

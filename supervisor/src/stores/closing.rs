//! Snapshots that can be given up while others still hold on to them: whoever closed the engine may
//! open its folder again at once, whatever a last sleeping task still has in its hands.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use surehold_storage::{Change, Direction, Entry, SnapshotError, SnapshotStore, Space};

/// A snapshot store until it is closed, and a refusal afterwards.
pub(super) struct Closing<S> {
    folder: PathBuf,
    store: RwLock<Option<Arc<S>>>,
}

impl<S: SnapshotStore> Closing<S> {
    pub(super) fn new(folder: PathBuf, store: Arc<S>) -> Closing<S> {
        Closing { folder, store: RwLock::new(Some(store)) }
    }

    /// Waits for calls under way, then lets go of the store.
    pub(super) fn close(&self) {
        *self.store.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn with<T>(
        &self,
        call: impl FnOnce(&S) -> Result<T, SnapshotError>,
    ) -> Result<T, SnapshotError> {
        match &*self.store.read().unwrap_or_else(PoisonError::into_inner) {
            Some(store) => call(store),
            None => {
                let (file, reason) = (self.folder.clone(), "it was closed".to_owned());
                Err(SnapshotError::Unavailable { file, reason })
            }
        }
    }
}

impl<S: SnapshotStore> SnapshotStore for Closing<S> {
    fn apply(&self, changes: Vec<Change>) -> Result<(), SnapshotError> {
        self.with(|store| store.apply(changes))
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, SnapshotError> {
        self.with(|store| store.get(space, key))
    }

    fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Entry>, SnapshotError> {
        self.with(|store| store.scan(space, from, to, direction, limit))
    }

    fn sync(&self) -> Result<(), SnapshotError> {
        self.with(SnapshotStore::sync)
    }

    fn clear(&self) -> Result<(), SnapshotError> {
        self.with(SnapshotStore::clear)
    }

    fn size_on_disk(&self) -> u64 {
        self.with(|store| Ok(store.size_on_disk())).unwrap_or(0)
    }
}

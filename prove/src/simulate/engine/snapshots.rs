//! The snapshots of a world: batches that were not synced when the node dies are there up to a place
//! that the seed chooses, which is not the journal's.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use surehold_storage::{
    Change, Direction, Entry, MemorySnapshots, SnapshotError, SnapshotStore, Space,
};

use super::moves::Fate;
use super::node::Node;

#[derive(Default)]
struct Kept {
    live: MemorySnapshots,
    /// What survives for certain.
    synced: MemorySnapshots,
    /// Batches since.
    unsynced: Vec<Vec<Change>>,
    /// Nothing is taken until the world is so old.
    fails_until: u64,
}

/// The snapshots on the disk.
#[derive(Default)]
pub(super) struct Cache(Mutex<Kept>);

impl Cache {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn fail(&self, until: u64) {
        self.kept().fails_until = until;
    }

    /// The node died.
    pub(super) fn cut(&self, fate: &mut Fate, lost: bool) {
        let mut kept = self.kept();
        let Kept { synced, unsynced, .. } = std::mem::take(&mut *kept);
        let survive = usize::try_from(fate.below(unsynced.len() as u64 + 1)).unwrap_or(0);
        if lost {
            return;
        }
        // A store in memory refuses nothing.
        for batch in unsynced.into_iter().take(survive) {
            let _ = synced.apply(batch);
        }
        for space in 0..=u8::MAX {
            let all = synced.scan(Space(space), &[], &[0xff; 64], Direction::Up, usize::MAX);
            let put = |(key, value)| Change::Put { space: Space(space), key, value };
            let _ = kept.live.apply(all.unwrap_or_default().into_iter().map(put).collect());
        }
        kept.synced = synced;
    }
}

/// The snapshots as one life of the node sees them.
pub(super) struct SimSnapshots {
    pub(super) cache: Arc<Cache>,
    pub(super) node: Arc<Node>,
}

impl SimSnapshots {
    fn writing(&self) -> Result<MutexGuard<'_, Kept>, SnapshotError> {
        let kept = self.cache.kept();
        if self.node.is_dead() || kept.fails_until > self.node.age() {
            let (file, reason) = (PathBuf::from("snapshots"), "it fails just now".to_owned());
            return Err(SnapshotError::Unavailable { file, reason });
        }
        Ok(kept)
    }
}

impl SnapshotStore for SimSnapshots {
    fn apply(&self, changes: Vec<Change>) -> Result<(), SnapshotError> {
        let mut kept = self.writing()?;
        kept.unsynced.push(changes.clone());
        kept.live.apply(changes)
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, SnapshotError> {
        self.cache.kept().live.get(space, key)
    }

    fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Entry>, SnapshotError> {
        self.cache.kept().live.scan(space, from, to, direction, limit)
    }

    fn sync(&self) -> Result<(), SnapshotError> {
        let mut kept = self.writing()?;
        for batch in std::mem::take(&mut kept.unsynced) {
            kept.synced.apply(batch)?;
        }
        Ok(())
    }

    fn clear(&self) -> Result<(), SnapshotError> {
        let mut kept = self.writing()?;
        kept.unsynced.clear();
        kept.live.clear()?;
        kept.synced.clear()
    }

    fn size_on_disk(&self) -> u64 {
        0
    }
}

//! The snapshot store's contract: a cache that may be lost at any time.
//!
//! 1. A batch is seen whole or not at all, also after a crash.
//! 2. `sync` returns when every batch before it survives a power cut.
//! 3. A value is either returned as it was put, or reported as [`SnapshotError::Damaged`]: never
//!    altered. Keys may be lost with the whole store; the caller rebuilds from the journal.
//! 4. Spaces are separate key ranges of one store; a batch may touch several.

use std::path::PathBuf;

/// A separate range of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Space(pub u8);

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Store `value` under `key`, replacing what was there.
    Put {
        /// Where.
        space: Space,
        /// Under which key.
        key: Vec<u8>,
        /// What.
        value: Vec<u8>,
    },
    /// Forget `key`; no complaint if it is not there.
    Remove {
        /// Where.
        space: Space,
        /// Which key.
        key: Vec<u8>,
    },
}

/// Why the snapshot store cannot do what was asked. None of these loses an order.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// A stored value fails its check; the store should be dropped and rebuilt.
    #[error("{}: the value under key {key} is damaged", .file.display())]
    Damaged {
        /// The folder that holds the store.
        file: PathBuf,
        /// The key, in hexadecimal.
        key: String,
    },
    /// Somebody else has the store open.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The store cannot be read or written.
    #[error("{}: {reason}", .file.display())]
    Unavailable {
        /// The folder that holds the store.
        file: PathBuf,
        /// What it said.
        reason: String,
    },
}

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Ascending keys.
    Up,
    /// Descending keys.
    Down,
}

/// A disposable cache of bytes by key. See the module's numbered contract.
pub trait SnapshotStore: Send + Sync + 'static {
    /// Applies all changes, or none.
    ///
    /// # Errors
    /// [`SnapshotError::Unavailable`] if the store refuses the write.
    fn apply(&self, changes: Vec<Change>) -> Result<(), SnapshotError>;

    /// The value under `key`, if there is one.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] if the value fails its check.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, SnapshotError>;

    /// Up to `limit` entries of `space` with `from <= key < to`, in the given direction (downwards
    /// starts just below `to`).
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] at the first value that fails its check.
    fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Entry>, SnapshotError>;

    /// Returns when all earlier batches survive a power cut.
    ///
    /// # Errors
    /// [`SnapshotError::Unavailable`] if the store cannot be synced.
    fn sync(&self) -> Result<(), SnapshotError>;

    /// Forgets everything, so that a rebuild starts from an empty store.
    ///
    /// # Errors
    /// [`SnapshotError::Unavailable`] if the store cannot be emptied.
    fn clear(&self) -> Result<(), SnapshotError>;

    /// Bytes the store takes on disk; 0 where there is no disk.
    fn size_on_disk(&self) -> u64;
}

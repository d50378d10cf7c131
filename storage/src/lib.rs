//! Two promises on disk: a durable append (the journal) and a disposable cache (the snapshots).
//!
//! The journal is the truth. A record is in it once [`Durable`] says so, survives a power cut from
//! then on, stays in its place in one total order, and is either read as it was written or reported
//! as damaged. The snapshots are a cache of what follows from the journal: losing them costs time
//! and nothing else. The promises stand, numbered, in [`journal`] and [`snapshot`]; one contract
//! test holds every backend to them.
//!
//! ```text
//!  <journal folder>                        <snapshots folder>
//!    journal.lock   held while open          lock      held while open
//!    journal.redb                            current   the generation that counts
//!      meta         identity                 3/        a generation: sled's folder
//!      frames                                  space, key -> crc32, value
//!        1   -> [ 1 2 3 | hash of genesis ]
//!        4   -> [ 4 | hash of frame 1 ]
//!        5   -> [ 5 6 7 8 | hash of frame 4 ]
//!        max -> the anchor, once frames were removed: what the first one left follows
//!      archive    what stands for frames that were removed
//! ```
//!
//! This crate knows bytes, never what they mean; nothing above it knows files. In reading order:
//! the contracts [`journal`], [`durable`] and [`snapshot`]; [`codec`], how values become bytes; the
//! backends [`mod@redb`] and [`mod@sled`]; their twins [`memory`] and, for tests, `faulty`.

pub mod journal;

mod batch;
mod demand;
pub mod durable;
pub mod snapshot;

pub mod codec;

pub mod redb;
pub mod sled;

#[cfg(any(test, feature = "testing"))]
pub mod faulty;
pub mod memory;

mod folder;

pub use self::batch::Batch;
pub use self::demand::AtWork;
pub use self::durable::{Durable, NotDurable};
pub use self::journal::{Archive, Journal, JournalError, NewRecord, Record, Stream};
pub use self::memory::{MemoryJournal, MemorySnapshots};
pub use self::redb::RedbJournal;
pub use self::sled::SledSnapshots;
pub use self::snapshot::{Change, Direction, Entry, SnapshotError, SnapshotStore, Space};

//! The journal's contract: an append-only list of records in one total order.
//!
//! 1. `append` gives every record its place in the total order at once and never waits for the disk.
//! 2. Records become durable in that order: if a record is on disk, so is every record before it.
//! 3. `durable()` says up to which sequence records survive a power cut. Whoever speaks to the
//!    outside waits there first.
//! 4. Records given in one `append` become durable together or not at all.
//! 5. After the first failed write the journal is closed for good: `append` refuses, every waiter
//!    is told, and only a journal opened anew may be trusted again.
//! 6. What is read was checked: each frame carries the hash of the frame before it.
//! 7. A closed journal gives its file up: reads are refused too, and it can be opened anew at once,
//!    even while the closed handle lives on.
//! 8. Old records may be removed once an [`Archive`] in the journal itself stands for them. What is
//!    left still follows what is gone: the anchor keeps its place and its hash.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use crate::batch::Batch;
use crate::durable::Durable;
use crate::snapshot::SnapshotStore;

/// Names the list of facts a record belongs to. What the numbers mean is the caller's affair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stream {
    /// The kind of thing the stream tells of.
    pub kind: u8,
    /// The group the thing belongs to.
    pub group: u16,
    /// The thing's number within its kind and group.
    pub id: u64,
}

impl Stream {
    /// Length of [`Stream::to_key`] in bytes.
    pub const KEY_LENGTH: usize = 11;

    /// The stream as bytes that sort like the stream itself.
    #[must_use]
    pub fn to_key(self) -> [u8; Self::KEY_LENGTH] {
        let mut key = [0; Self::KEY_LENGTH];
        key[0] = self.kind;
        key[1..3].copy_from_slice(&self.group.to_be_bytes());
        key[3..].copy_from_slice(&self.id.to_be_bytes());
        key
    }

    /// The stream a key was made of; `None` if the bytes are no such key.
    #[must_use]
    pub fn from_key(key: &[u8]) -> Option<Stream> {
        let key: &[u8; Self::KEY_LENGTH] = key.try_into().ok()?;
        let (group, id) = (key[1..3].try_into().ok()?, key[3..].try_into().ok()?);
        Some(Stream { kind: key[0], group: u16::from_be_bytes(group), id: u64::from_be_bytes(id) })
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind, self.group, self.id)
    }
}

/// A fact on its way into the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecord {
    /// The stream it belongs to.
    pub stream: Stream,
    /// Its number within the stream, from 1.
    pub number: u32,
    /// The fact, already in a versioned envelope (see [`crate::codec`]).
    pub bytes: Bytes,
}

/// A fact in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place in the total order of the node, from 1.
    pub sequence: u64,
    /// The stream it belongs to.
    pub stream: Stream,
    /// Its number within the stream, from 1.
    pub number: u32,
    /// The fact, in its versioned envelope.
    pub bytes: Bytes,
}

/// Why the journal cannot do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// A write failed earlier, or the journal was closed; nothing more will be written.
    #[error("the journal is closed: {0}")]
    Closed(Arc<str>),
    /// Another process has the journal open.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// What is on disk is not what was written: named by file and place, never repaired silently.
    #[error("{}: {place}: {reason}", .file.display())]
    Damaged {
        /// The file that holds the damage.
        file: PathBuf,
        /// Where in the file: the frame and its sequences, as far as they are known.
        place: String,
        /// What is wrong there.
        reason: String,
    },
    /// It was written by a newer version of this program, in a format that is not known here.
    #[error(
        "{}: {place} has format {found}, and {known} is the newest known here", .file.display()
    )]
    Newer {
        /// The file that holds it.
        file: PathBuf,
        /// Where in the file.
        place: String,
        /// The format found.
        found: u8,
        /// The newest format known.
        known: u8,
    },
    /// What was asked for is gone from the journal; its archive stands for it.
    #[error("the records before sequence {first} were removed from the journal")]
    Removed {
        /// The first sequence that is still there, or that comes next.
        first: u64,
    },
    /// The operating system refused (no room, no permission, a failing disk).
    #[error("{}: {reason}", .file.display())]
    Io {
        /// The file concerned.
        file: PathBuf,
        /// What the system said.
        reason: String,
    },
}

/// The truth: an append-only list of records. See the module's numbered contract.
pub trait Journal: Send + Sync + 'static {
    /// Puts the records at the end, in order, and returns the sequence of the last one. Returns
    /// before they are durable. `records` must not be empty.
    ///
    /// # Errors
    /// [`JournalError::Closed`] once a write has failed.
    fn append(&self, records: Vec<NewRecord>) -> Result<u64, JournalError>;

    /// As [`Journal::append`] with one record, without a list of it.
    ///
    /// # Errors
    /// As [`Journal::append`].
    fn append_one(&self, record: NewRecord) -> Result<u64, JournalError> {
        self.append(vec![record])
    }

    /// Up to `limit` durable records with a sequence above `after`, in order. An empty answer
    /// means that there are none yet.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] if what is stored fails its checks, [`JournalError::Io`] if it
    /// cannot be read, [`JournalError::Removed`] if `after` is below the anchor,
    /// [`JournalError::Closed`] once the journal is closed.
    fn read_from(&self, after: u64, limit: usize) -> Result<Vec<Record>, JournalError>;

    /// As [`Journal::read_from`], for whoever only looks at them: what is in memory is not copied.
    ///
    /// # Errors
    /// As [`Journal::read_from`].
    fn follow(&self, after: u64, limit: usize) -> Result<Batch, JournalError> {
        self.read_from(after, limit).map(Batch::from)
    }

    /// The last durable sequence; 0 for an empty journal.
    fn last(&self) -> u64 {
        self.durable().get()
    }

    /// The durable sequence, to be waited for.
    fn durable(&self) -> &Arc<Durable>;

    /// A number that tells this journal from any other, fixed when it was made.
    fn identity(&self) -> u128;

    /// The last sequence that was removed; 0 if nothing was.
    fn anchor(&self) -> u64 {
        0
    }

    /// What stands for removed records; `None` for a journal that removes none.
    fn archive(&self) -> Option<Arc<dyn Archive>> {
        None
    }

    /// Bytes the journal takes on disk; 0 where there is no disk.
    fn size_on_disk(&self) -> u64;

    /// Writes what was appended, then closes: later appends are refused. Idempotent.
    fn close(&self);
}

/// What stands for records that were removed. It keeps the contract of a snapshot store and more:
/// it is no cache but part of the journal, every batch is durable on return, and it cannot be
/// cleared.
pub trait Archive: SnapshotStore {
    /// Removes at most so many frames from the front, as far as all their records have sequences up
    /// to `sequence` and are durable. What stands for them must have been put before. Answers with
    /// the last sequence removed in all.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] if a frame is not what was written, [`JournalError::Io`] if the
    /// system refuses, [`JournalError::Closed`] once the journal is closed.
    fn remove_to(&self, sequence: u64, frames: usize) -> Result<u64, JournalError>;

    /// Holds every entry against the sum that the anchor keeps of them.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] if they are not those that were put.
    fn verify(&self) -> Result<(), JournalError>;
}

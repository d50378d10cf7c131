//! Why the shelf cannot answer.

use surehold_storage::codec::CodecError;
use surehold_storage::{JournalError, SnapshotError, Stream};

/// Why the shelf cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// The journal is closed, damaged or unreadable.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The snapshots cannot be read; a restart rebuilds them from the journal.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The snapshots are not what they should be, and nothing of them is used; they are built anew
    /// when the data is opened again.
    #[error("the snapshots are not what they should be: {0}")]
    Unfit(String),
    /// Stored bytes are not what they should be.
    #[error("{stream}: {source}")]
    Codec {
        /// The stream they belong to.
        stream: Stream,
        /// What is wrong.
        source: CodecError,
    },
    /// A fact that a newer version of this program wrote.
    #[error("record {sequence} of the journal tells of {what}, {found}")]
    Newer {
        /// Which record.
        sequence: u64,
        /// What it tells of.
        what: String,
        /// The version found, and the newest known.
        found: String,
    },
    /// An archive that a newer version of this program wrote.
    #[error("the journal's archive holds {what}, {found}")]
    NewerArchive {
        /// What is in it.
        what: String,
        /// The version found, and the newest known.
        found: String,
    },
    /// The journal ends before facts that were durable once.
    #[error(
        "the journal ends at sequence {last}, but was durable up to {watermark} when the snapshots \
         were made: records are missing at its end (restore the journal; or, to go on without them, \
         remove the snapshots)"
    )]
    Cut {
        /// What the snapshots hold.
        watermark: u64,
        /// What the journal holds.
        last: u64,
    },
    /// Facts are missing, or do not follow from one another.
    #[error("stream {stream}: fact {number} does not follow the {known} known before it")]
    Gap {
        /// The stream.
        stream: Stream,
        /// The fact that does not follow.
        number: u32,
        /// Facts known before it.
        known: u32,
    },
}

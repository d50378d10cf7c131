//! The frame: all records of one commit, as the bytes of one table value.
//!
//! ```text
//!  header   version u8 | ordinal u64 | first sequence u64 | count u32
//!           | hash of the frame before [u8; 32]
//!  record   length u32 | crc32 u32
//!           | kind u8 | group u16 | id u64 | sequence u64 | number u32 | bytes
//!  ...      (count times)
//!  trailer  crc32 u32 of everything before it
//! ```
//!
//! Numbers are little-endian. A record's crc covers everything of it that follows the crc. The hash
//! of a frame is the blake3 of all its bytes; the first frame carries [`genesis`] in its place, so
//! a frame moved, altered, left out or taken from another journal breaks the chain. The ordinal
//! counts frames from 1, removed ones too, and must fit the number of frames in the table. Frames missing
//! at the very end leave both alike: those are noticed by the snapshots, which know a later sequence.
//!
//! Nothing here touches a disk, and no bytes, however garbled, make it panic.

use bytes::Bytes;

use crate::journal::{NewRecord, Record, Stream};

/// The version this program writes.
pub(crate) const VERSION: u8 = 1;
const HASH_LENGTH: usize = 32;
pub(crate) const HEADER_LENGTH: usize = 1 + 8 + 8 + 4 + HASH_LENGTH;
/// What a record's crc covers, without the record's own bytes.
pub(crate) const RECORD_BODY_LENGTH: usize = 1 + 2 + 8 + 8 + 4;
/// What a record takes besides its own bytes.
pub(crate) const RECORD_OVERHEAD: usize = 4 + 4 + RECORD_BODY_LENGTH;
const CRC_LENGTH: usize = 4;

/// The blake3 of a frame's bytes.
pub(crate) type Hash = [u8; HASH_LENGTH];

/// The end of a chain of frames: what the next frame has to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tip {
    /// The ordinal of the last frame; 0 before the first.
    pub(crate) ordinal: u64,
    /// The last sequence; 0 before the first.
    pub(crate) sequence: u64,
    /// The hash of the last frame.
    pub(crate) hash: Hash,
}

/// What the first frame of the journal with this identity follows.
pub(crate) fn genesis(identity: u128) -> Tip {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"surehold journal genesis 1");
    hasher.update(&identity.to_le_bytes());
    Tip { ordinal: 0, sequence: 0, hash: hasher.finalize().into() }
}

/// Why bytes are not the frame they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    /// The frame was written in a format this program does not know.
    #[error("frame version {0} is not known here (the newest known is {VERSION})")]
    UnknownVersion(u8),
    /// The bytes end before the frame does.
    #[error("the frame is cut off")]
    CutOff,
    /// The frame ends before the bytes do.
    #[error("{0} bytes are left over")]
    LeftOver(usize),
    /// The frame as a whole is not what was written.
    #[error("the frame fails its crc")]
    Crc,
    /// One record is not what was written.
    #[error("record {0} fails its crc")]
    RecordCrc(u64),
    /// The records are not numbered one after the other.
    #[error("sequence {found} stands where {expected} should")]
    Order {
        /// The sequence that should be there.
        expected: u64,
        /// The one that is.
        found: u64,
    },
    /// The frame does not follow the frame before it.
    #[error("the frame does not follow the one before it: {0}")]
    Chain(&'static str),
}

/// A frame whose own checks all hold. Whether it follows another is [`Frame::follows`].
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// Its number among the frames, from 1.
    pub(crate) ordinal: u64,
    /// Its records, in order.
    pub(crate) records: Vec<Record>,
    previous: Hash,
    first: u64,
    last: u64,
    hash: Hash,
}

impl Frame {
    /// The sequence of its first record.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// The chain up to and including this frame, whether its records are still in it or were taken.
    pub(crate) fn tip(&self) -> Tip {
        Tip { ordinal: self.ordinal, sequence: self.last, hash: self.hash }
    }

    /// The chain that it says it follows.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn before(&self) -> Tip {
        Tip { ordinal: self.ordinal - 1, sequence: self.first - 1, hash: self.previous }
    }

    /// Whether this frame comes right after `tip`.
    pub(crate) fn follows(&self, tip: &Tip) -> Result<(), FrameError> {
        if self.first != tip.sequence + 1 {
            return Err(FrameError::Order { expected: tip.sequence + 1, found: self.first });
        }
        if self.ordinal != tip.ordinal + 1 {
            return Err(FrameError::Chain("a frame is missing"));
        }
        if self.previous != tip.hash {
            return Err(FrameError::Chain("the hash of the frame before it differs"));
        }
        Ok(())
    }
}

/// Builds the frame that follows `tip` in a buffer that is used again and again.
pub(crate) struct Encoder {
    bytes: Vec<u8>,
    ordinal: u64,
    sequence: u64,
    count: u32,
}

impl Encoder {
    /// An encoder with an empty buffer; call [`Encoder::start`] before anything else.
    pub(crate) fn new() -> Encoder {
        Encoder { bytes: Vec::new(), ordinal: 0, sequence: 0, count: 0 }
    }

    /// Begins the frame that follows `tip`.
    pub(crate) fn start(&mut self, tip: &Tip) {
        (self.ordinal, self.sequence, self.count) = (tip.ordinal + 1, tip.sequence, 0);
        self.bytes.clear();
        self.bytes.push(VERSION);
        self.bytes.extend_from_slice(&self.ordinal.to_le_bytes());
        self.bytes.extend_from_slice(&(tip.sequence + 1).to_le_bytes());
        self.bytes.extend_from_slice(&0_u32.to_le_bytes());
        self.bytes.extend_from_slice(&tip.hash);
    }

    /// Adds a record and returns its sequence. A record's length is bounded by the journal, far
    /// below 4 GiB (see [`super::APPEND_BYTES_MAX`]).
    pub(crate) fn push(&mut self, record: &NewRecord) -> u64 {
        self.sequence += 1;
        self.count += 1;
        let length = u32::try_from(record.bytes.len()).expect("append bounds a record's length");
        self.bytes.extend_from_slice(&length.to_le_bytes());
        let crc_at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; CRC_LENGTH]);
        let body_at = self.bytes.len();
        self.bytes.push(record.stream.kind);
        self.bytes.extend_from_slice(&record.stream.group.to_le_bytes());
        self.bytes.extend_from_slice(&record.stream.id.to_le_bytes());
        self.bytes.extend_from_slice(&self.sequence.to_le_bytes());
        self.bytes.extend_from_slice(&record.number.to_le_bytes());
        self.bytes.extend_from_slice(&record.bytes);
        let crc = crc32fast::hash(&self.bytes[body_at..]);
        self.bytes[crc_at..body_at].copy_from_slice(&crc.to_le_bytes());
        self.sequence
    }

    /// Ends the frame: its bytes, and the chain with it at the end.
    pub(crate) fn finish(&mut self) -> (&[u8], Tip) {
        self.bytes[17..21].copy_from_slice(&self.count.to_le_bytes());
        let crc = crc32fast::hash(&self.bytes);
        self.bytes.extend_from_slice(&crc.to_le_bytes());
        let hash = blake3::hash(&self.bytes).into();
        (&self.bytes, Tip { ordinal: self.ordinal, sequence: self.sequence, hash })
    }
}

/// The frame in `bytes`, checked. Each record gets bytes of its own, so that keeping one small
/// record does not keep a whole frame in memory.
pub(crate) fn decode(bytes: &[u8]) -> Result<Frame, FrameError> {
    let (mut frame, mut reader) = closed(bytes)?;
    let count = usize::try_from(frame.last - frame.first + 1).unwrap_or(usize::MAX);
    frame.records.reserve_exact(count.min(reader.0.len() / RECORD_OVERHEAD));
    for expected in frame.first..=frame.last {
        frame.records.push(reader.record(expected)?);
    }
    if !reader.0.is_empty() {
        return Err(FrameError::LeftOver(reader.0.len()));
    }
    Ok(frame)
}

/// The frame in `bytes`, checked as a whole, without its records: for whoever wants its place in the
/// chain. They are covered by its crc and its hash.
pub(crate) fn outline(bytes: &[u8]) -> Result<Frame, FrameError> {
    closed(bytes).map(|(frame, _)| frame)
}

/// The frame in `bytes` without its records, and where they begin.
fn closed(bytes: &[u8]) -> Result<(Frame, Reader<'_>), FrameError> {
    // The version first: a frame of a later format may have its crc elsewhere.
    match bytes.first() {
        None => return Err(FrameError::CutOff),
        Some(&VERSION) => {}
        Some(&other) => return Err(FrameError::UnknownVersion(other)),
    }
    let (content, crc) = bytes.split_last_chunk::<CRC_LENGTH>().ok_or(FrameError::CutOff)?;
    if content.len() < HEADER_LENGTH {
        return Err(FrameError::CutOff);
    }
    if crc32fast::hash(content) != u32::from_le_bytes(*crc) {
        return Err(FrameError::Crc);
    }
    let mut reader = Reader(&content[1..]);
    let (ordinal, first, count) = (reader.u64()?, reader.u64()?, reader.u32()?);
    let previous = reader.array()?;
    let beyond = first.checked_add(count.into()).is_none() || ordinal == u64::MAX;
    if first == 0 || ordinal == 0 || count == 0 || beyond {
        return Err(FrameError::Chain("its numbers are out of range"));
    }
    let (records, last) = (Vec::new(), first + u64::from(count) - 1);
    let hash = blake3::hash(bytes).into();
    Ok((Frame { ordinal, records, previous, first, last, hash }, reader))
}

/// Takes numbers off the front of a slice, or says that it is too short.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(FrameError::CutOff)?;
        self.0 = rest;
        Ok(*head)
    }

    fn u32(&mut self) -> Result<u32, FrameError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, FrameError> {
        self.array().map(u64::from_le_bytes)
    }

    fn record(&mut self, expected: u64) -> Result<Record, FrameError> {
        let (length, crc) = (self.u32()? as usize, self.u32()?);
        let body_length = RECORD_BODY_LENGTH.checked_add(length).ok_or(FrameError::CutOff)?;
        let (body, rest) = self.0.split_at_checked(body_length).ok_or(FrameError::CutOff)?;
        if crc32fast::hash(body) != crc {
            return Err(FrameError::RecordCrc(expected));
        }
        self.0 = rest;
        let mut body = Reader(body);
        let [kind] = body.array()?;
        let group = body.array().map(u16::from_le_bytes)?;
        let (id, sequence, number) = (body.u64()?, body.u64()?, body.u32()?);
        if sequence != expected {
            return Err(FrameError::Order { expected, found: sequence });
        }
        let (stream, bytes) = (Stream { kind, group, id }, Bytes::copy_from_slice(body.0));
        Ok(Record { sequence, stream, number, bytes })
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;

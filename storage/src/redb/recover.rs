//! Reading back: where the chain ends at opening, and the records after a sequence.
//!
//! Every frame is checked when it is read, and so is its link to the frame before it. A reader that
//! goes through the journal carries the chain along, so each frame is read and hashed once.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::frame::{self, Frame, FrameError, Tip, genesis};
use super::store::{Frames, Store, damaged, place_of};
use crate::journal::{JournalError, Record};

/// Most bytes one read gathers before it answers with fewer records than asked for.
const READ_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The end of the chain in the file. Only the last two frames are checked here, the others when
/// they are read.
pub(crate) fn tip(store: &Store, identity: u128) -> Result<Tip, JournalError> {
    store.read(|frames| {
        let (start, count) = (start(frames, identity)?, frames.count()?);
        let Some(last) = checked_at_or_before(frames, u64::MAX, &start)? else {
            return match count {
                0 => Ok(start),
                _ => Err(damaged(frames.file(), "in the table frames", "frames are missing")),
            };
        };
        if last.ordinal != start.ordinal.saturating_add(count) {
            let reason = match start.ordinal {
                0 => format!("it is frame {} but there are {count}", last.ordinal),
                gone => format!(
                    "it is frame {} but there are {count} after the {gone} that were removed",
                    last.ordinal
                ),
            };
            return Err(damaged(frames.file(), &place_of(last.first()), reason));
        }
        Ok(last.tip())
    })
}

/// What the first frame follows: the last one that was removed, or the journal's genesis.
pub(crate) fn start(frames: &Frames<'_>, identity: u128) -> Result<Tip, JournalError> {
    Ok(frames.anchor()?.map_or_else(|| genesis(identity), |anchor| anchor.tip))
}

/// Reads on from a sequence, and remembers the last frame it read: most readers come back for what
/// follows.
#[derive(Default)]
pub(crate) struct Reader {
    last_read: Mutex<Option<Frame>>,
}

impl Reader {
    /// Up to `limit` records above `after` and up to `last`, which must be in the file.
    pub(crate) fn read(
        &self,
        store: &Store,
        identity: u128,
        after: u64,
        last: u64,
        limit: usize,
    ) -> Result<Vec<Record>, JournalError> {
        let remembered = self.last_read().take();
        let remembered = remembered.filter(|frame| {
            // It ends right before the next record, or holds it, if its records were not taken.
            let held = frame.first() <= after + 1 && !frame.records.is_empty();
            after == frame.tip().sequence || held && after < frame.tip().sequence
        });
        let (records, frame) = store.read(|frames| {
            // Asked within the read: frames may go while others are read.
            let start = start(frames, identity)?;
            if after < start.sequence {
                return Err(JournalError::Removed { first: start.sequence + 1 });
            }
            let frame = match remembered {
                Some(frame) => frame,
                None => checked_at_or_before(frames, after + 1, &start)?
                    .ok_or_else(|| missing(frames, after + 1))?,
            };
            gather(frames, frame, after, last, limit)
        })?;
        *self.last_read() = Some(frame);
        Ok(records)
    }

    fn last_read(&self) -> std::sync::MutexGuard<'_, Option<Frame>> {
        self.last_read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Collects records from `frame` onwards; also answers with the last frame read.
fn gather(
    frames: &Frames<'_>,
    mut frame: Frame,
    after: u64,
    last: u64,
    limit: usize,
) -> Result<(Vec<Record>, Frame), JournalError> {
    let (mut records, mut bytes) = (Vec::new(), 0);
    loop {
        let (reached, before) = (frame.tip(), records.len());
        if reached.sequence <= last && frame.records.len() <= limit - records.len() {
            // All of it: nobody comes back for these.
            let taken = std::mem::take(&mut frame.records).into_iter();
            records.extend(taken.skip_while(|record| record.sequence <= after));
        } else {
            let wanted = frame.records.iter().filter(|r| r.sequence > after && r.sequence <= last);
            records.extend(wanted.take(limit - records.len()).cloned());
        }
        bytes += records[before..].iter().map(|record| record.bytes.len()).sum::<usize>();
        if records.len() >= limit || reached.sequence >= last || bytes > READ_BYTES_MAX {
            return Ok((records, frame));
        }
        let next = reached.sequence + 1;
        let found = frames.at(next, |bytes| decode(frames, next, bytes))?;
        frame = found.ok_or_else(|| missing(frames, next))?;
        link(frames, &frame, &reached)?;
    }
}

/// The frame that holds `sequence` (or the last one, if that is beyond the end), linked to the one
/// before it.
fn checked_at_or_before(
    frames: &Frames<'_>,
    sequence: u64,
    start: &Tip,
) -> Result<Option<Frame>, JournalError> {
    let found = frames.at_or_before(sequence, |key, bytes| decode(frames, key, bytes))?;
    let Some(frame) = found else { return Ok(None) };
    let before = match frame.first() {
        1 => None,
        first => frames.at_or_before(first - 1, |key, bytes| decode(frames, key, bytes))?,
    };
    link(frames, &frame, &before.map_or(*start, |before| before.tip()))?;
    Ok(Some(frame))
}

fn decode(frames: &Frames<'_>, key: u64, bytes: &[u8]) -> Result<Frame, JournalError> {
    let frame = frame::decode(bytes).map_err(|reason| refused(frames.file(), key, &reason))?;
    if frame.first() != key {
        let reason = format!("its first sequence is {}", frame.first());
        return Err(damaged(frames.file(), &place_of(key), reason));
    }
    Ok(frame)
}

/// Why a frame is not taken: a newer version wrote it, or it is not what was written.
pub(crate) fn refused(file: &Path, key: u64, reason: &FrameError) -> JournalError {
    let (file, place) = (file.to_owned(), place_of(key));
    if let FrameError::UnknownVersion(found) = *reason
        && found > frame::VERSION
    {
        return JournalError::Newer { file, place, found, known: frame::VERSION };
    }
    damaged(&file, &place, reason)
}

fn link(frames: &Frames<'_>, frame: &Frame, before: &Tip) -> Result<(), JournalError> {
    frame.follows(before).map_err(|reason| damaged(frames.file(), &place_of(frame.first()), reason))
}

fn missing(frames: &Frames<'_>, sequence: u64) -> JournalError {
    let place = format!("the frame that holds sequence {sequence}");
    damaged(frames.file(), &place, "it is missing")
}

//! For tests and proofs: the frames of a closed journal as they lie in the file, and journals as a
//! program of the future could have written them.

use std::path::Path;

use bytes::Bytes;

use super::frame::{self, Encoder};
use super::recover::start;
use super::store::{FRAMES, Store, damaged, place_of};
use crate::journal::{JournalError, NewRecord, Record};

/// The frames of the journal in this folder: each with its first sequence and its bytes. Nothing of
/// them is understood.
///
/// # Errors
/// [`JournalError`] if it cannot be opened or read.
pub fn frames(folder: &Path) -> Result<Vec<(u64, Bytes)>, JournalError> {
    read(&Store::open(folder)?)
}

/// Replaces each frame's bytes by what `change` makes of them.
///
/// # Errors
/// [`JournalError`] if it cannot be opened, read or written.
pub fn change_frames(
    folder: &Path,
    mut change: impl FnMut(u64, &[u8]) -> Vec<u8>,
) -> Result<(), JournalError> {
    let store = Store::open(folder)?;
    for (first, bytes) in read(&store)? {
        store.write(first, &change(first, &bytes))?;
    }
    Ok(())
}

/// Has `change` alter the bytes and the streams of records; the frames around them are made anew, so
/// that the chain is whole and the journal the same.
///
/// # Errors
/// [`JournalError`] if it cannot be opened, read or written.
pub fn change_records(
    folder: &Path,
    mut change: impl FnMut(&mut Record),
) -> Result<(), JournalError> {
    let store = Store::open(folder)?;
    let identity = store.identity()?;
    let mut tip = store.read(|frames| start(frames, identity))?;
    let mut encoder = Encoder::new();
    for (first, bytes) in read(&store)? {
        let frame = frame::decode(&bytes)
            .map_err(|reason| damaged(store.file(), &place_of(first), reason))?;
        encoder.start(&tip);
        for mut record in frame.records {
            change(&mut record);
            let Record { stream, number, bytes, .. } = record;
            encoder.push(&NewRecord { stream, number, bytes });
        }
        let (bytes, end) = encoder.finish();
        store.write(first, bytes)?;
        tip = end;
    }
    Ok(())
}

/// Takes the frame that begins with this sequence out of the file; the anchor lies under
/// [`u64::MAX`]. Says whether there was one.
///
/// # Errors
/// [`JournalError`] if it cannot be opened or written.
pub fn take(folder: &Path, first: u64) -> Result<bool, JournalError> {
    let store = Store::open(folder)?;
    let take = || -> Result<bool, redb::Error> {
        let transaction = store.begin_write()?;
        let taken = transaction.open_table(FRAMES)?.remove(first)?.is_some();
        transaction.commit()?;
        Ok(taken)
    };
    take().map_err(|error| damaged(store.file(), &place_of(first), error))
}

fn read(store: &Store) -> Result<Vec<(u64, Bytes)>, JournalError> {
    store.read(|frames| {
        let (mut found, mut last) = (Vec::new(), u64::MAX);
        let copy = |first: u64, bytes: &[u8]| Ok((first, Bytes::copy_from_slice(bytes)));
        while let Some((first, bytes)) = frames.at_or_before(last, copy)? {
            found.push((first, bytes));
            let Some(before) = first.checked_sub(1) else { break };
            last = before;
        }
        found.reverse();
        Ok(found)
    })
}

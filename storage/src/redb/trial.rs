//! Frames from the outside, for those who try garbled ones.

use super::frame::{Encoder, HEADER_LENGTH, RECORD_BODY_LENGTH, Tip, decode};
use crate::journal::NewRecord;

/// Reads a frame and writes it again: the bytes that came of it, or `None` if they are no frame.
/// Writes the frame after it too, which must follow it.
///
/// # Errors
/// One line, if the frame after it does not.
pub fn again(bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let Ok(frame) = decode(bytes) else { return Ok(None) };
    let records: Vec<NewRecord> = frame
        .records
        .iter()
        .map(|read| NewRecord {
            stream: read.stream,
            number: read.number,
            bytes: read.bytes.clone(),
        })
        .collect();
    let written = write(&frame.before(), &records);
    // Nothing follows the last ordinal that there can be.
    if frame.ordinal < u64::MAX - 1 {
        let next = write(&frame.tip(), records.get(..1).unwrap_or_default());
        let next = decode(&next).map_err(|error| format!("the frame after it: {error}"))?;
        next.follows(&frame.tip()).map_err(|error| format!("the frame after it: {error}"))?;
    }
    Ok(Some(written))
}

fn write(tip: &Tip, records: &[NewRecord]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder.start(tip);
    for record in records {
        encoder.push(record);
    }
    encoder.finish().0.to_vec()
}

/// The same bytes with every checksum made to fit, so that what lies behind the checksums is tried.
#[must_use]
pub fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = HEADER_LENGTH;
    while let Some(head) = bytes.get(at..at.saturating_add(4)) {
        let length = head.iter().rev().fold(0_usize, |all, byte| all << 8 | usize::from(*byte));
        let body = at.saturating_add(8);
        let end = body.saturating_add(RECORD_BODY_LENGTH).saturating_add(length);
        let Some(covered) = bytes.get(body..end) else { break };
        let crc = crc32fast::hash(covered);
        bytes[at + 4..body].copy_from_slice(&crc.to_le_bytes());
        at = end;
    }
    bytes.truncate(bytes.len().saturating_sub(4));
    let crc = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

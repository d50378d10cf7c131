//! How values become stored bytes: a version, then bincode. The one file that names bincode.
//!
//! The envelope's first byte is the version of what follows, chosen by the caller per stored type.
//! A reader looks at the version first and decodes with the type of that version, so a format can
//! change, and bincode itself can be replaced, without touching what is already stored.

mod short;

use std::cell::Cell;

use bincode::enc::write::Writer;
use bincode::error::EncodeError;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Stored bytes that are not what their reader expects.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodecError {
    /// There is not even a version.
    #[error("the stored value is empty")]
    Empty,
    /// The version is one this program does not know (written by a newer one?).
    #[error("stored version {found} is not known here (the newest known is {known})")]
    UnknownVersion {
        /// The version found.
        found: u8,
        /// The newest version the reader knows.
        known: u8,
    },
    /// The bytes do not decode.
    #[error("the stored value does not decode: {0}")]
    Malformed(String),
}

/// Most bytes one stored value may claim to hold, so that garbled lengths cannot exhaust memory.
const VALUE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Longest body that is held to [`SMALL_BYTES_MAX`]. Nearly everything that is stored is that short.
const SMALL_BODY_MAX: usize = 64 * 1024;
/// Most bytes such a body may claim: room for text is made before the text is seen to be too short,
/// and a few garbled bytes shall not have a quarter of a gigabyte made for them. A number claims at
/// most 16 bytes and takes at least one, so no value that was written here claims more.
const SMALL_BYTES_MAX: usize = 16 * SMALL_BODY_MAX;

/// Room that a thread keeps for the next value it writes; larger ones have their own.
const SCRATCH_BYTES_MAX: usize = 64 * 1024;

thread_local! {
    /// Values are written here first, so that each is given as much memory as it takes, in one piece.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Where bincode writes to. Its own way into a list goes through `io::Write`, with an error to be made and dropped
/// for each number; this one cannot fail, so nothing is left of a number but its bytes.
struct Sink<'a>(&'a mut Vec<u8>);

impl Writer for Sink<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

fn config<const LIMIT: usize>() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<LIMIT>()
}

/// `value` in an envelope of the given version.
///
/// # Errors
/// [`CodecError::Malformed`] if the type cannot be written (a map of unknown length, for example).
pub fn encode<T: Serialize>(version: u8, value: &T) -> Result<Bytes, CodecError> {
    encode_for(version, value, short::shared)
}

/// The same for whoever has a place for the bytes already.
///
/// # Errors
/// As [`encode`].
pub fn encode_for<T: Serialize, R>(
    version: u8,
    value: &T,
    take: impl FnOnce(&[u8]) -> R,
) -> Result<R, CodecError> {
    // Whoever writes a value while another is written has no scratch, and makes one.
    let mut scratch = SCRATCH.take();
    scratch.clear();
    scratch.push(version);
    bincode::serde::encode_into_writer(value, Sink(&mut scratch), config::<VALUE_BYTES_MAX>())
        .map_err(|e| CodecError::Malformed(e.to_string()))?;
    let taken = take(&scratch);
    if scratch.capacity() <= SCRATCH_BYTES_MAX {
        SCRATCH.set(scratch);
    }
    Ok(taken)
}

/// The version of an envelope and the bytes within.
///
/// # Errors
/// [`CodecError::Empty`] for no bytes at all.
pub fn open(bytes: &[u8]) -> Result<(u8, &[u8]), CodecError> {
    let (version, body) = bytes.split_first().ok_or(CodecError::Empty)?;
    Ok((*version, body))
}

/// The value in the body of an envelope (see [`open`]); every byte must be used.
///
/// # Errors
/// [`CodecError::Malformed`] if the bytes are not such a value.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, CodecError> {
    let decoded = if body.len() <= SMALL_BODY_MAX {
        bincode::serde::decode_from_slice(body, config::<SMALL_BYTES_MAX>())
    } else {
        bincode::serde::decode_from_slice(body, config::<VALUE_BYTES_MAX>())
    };
    let (value, used) = decoded.map_err(|e| CodecError::Malformed(e.to_string()))?;
    if used != body.len() {
        return Err(CodecError::Malformed(format!("{} bytes are left over", body.len() - used)));
    }
    Ok(value)
}

/// The value in front of the body of an envelope (see [`open`]), which may lend its texts from there; what
/// comes after it is not looked at. For who wants to know little of much: a type whose fields are the
/// first ones of what was written.
///
/// # Errors
/// [`CodecError::Malformed`] if the bytes do not begin with such a value.
pub fn decode_front<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, CodecError> {
    let front = if body.len() <= SMALL_BODY_MAX {
        bincode::serde::borrow_decode_from_slice(body, config::<SMALL_BYTES_MAX>())
    } else {
        bincode::serde::borrow_decode_from_slice(body, config::<VALUE_BYTES_MAX>())
    };
    front.map(|(value, _)| value).map_err(|e| CodecError::Malformed(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A length as it stands before a text: 253, then eight bytes.
    fn text_of(length: u64) -> Vec<u8> {
        let mut bytes = vec![253];
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes
    }

    #[test]
    fn a_few_bytes_have_no_great_room_made_for_them() {
        // Found by the fuzzer. That the limit is what refuses shows that no room was made before.
        let refused = |bytes: &[u8]| decode::<String>(bytes).unwrap_err().to_string();
        assert!(refused(&text_of(200 * 1024 * 1024)).contains("LimitExceeded"));
        assert!(refused(&text_of(u64::MAX)).contains("LimitExceeded"));
        assert!(refused(&text_of(1000)).contains("UnexpectedEnd"));
    }

    #[test]
    fn whatever_is_written_short_is_read() {
        // What claims most for a byte: numbers of 16 bytes that are stored in one.
        let numbers = vec![1_u128; SMALL_BODY_MAX - 3];
        let bytes = encode(1, &numbers).unwrap();
        assert_eq!(bytes.len() - 1, SMALL_BODY_MAX);
        assert_eq!(decode::<Vec<u128>>(&bytes[1..]).unwrap(), numbers);
        let text = "x".repeat(SMALL_BODY_MAX + 1);
        assert_eq!(decode::<String>(&encode(1, &text).unwrap()[1..]).unwrap(), text);
    }

    #[test]
    fn the_front_is_read_without_what_follows() {
        let bytes = encode(3, &(7_u64, "ann", vec![1_u32, 2, 3])).unwrap();
        let (_, body) = open(&bytes).unwrap();
        assert_eq!(decode_front::<(u64, &str)>(body).unwrap(), (7, "ann"));
        assert_eq!(decode_front::<(u64, &str)>(&body[..5]).unwrap(), (7, "ann"), "nothing follows");
        assert!(decode_front::<(u64, &str)>(&body[..4]).is_err(), "the front is not whole");
        let refused = decode_front::<&str>(&text_of(u64::MAX)).unwrap_err().to_string();
        assert!(refused.contains("LimitExceeded"), "{refused}");
    }
}

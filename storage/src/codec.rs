//! How values become stored bytes: a version, then bincode. The one file that names bincode.
//!
//! The envelope's first byte is the version of what follows, chosen by the caller per stored type.
//! A reader looks at the version first and decodes with the type of that version, so a format can
//! change, and bincode itself can be replaced, without touching what is already stored.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

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

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<VALUE_BYTES_MAX>()
}

/// `value` in an envelope of the given version.
///
/// # Errors
/// [`CodecError::Malformed`] if the type cannot be written (a map of unknown length, for example).
pub fn encode<T: Serialize>(version: u8, value: &T) -> Result<Bytes, CodecError> {
    let mut bytes = Vec::with_capacity(64);
    bytes.push(version);
    bincode::serde::encode_into_std_write(value, &mut bytes, config())
        .map_err(|e| CodecError::Malformed(e.to_string()))?;
    Ok(bytes.into())
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
    let (value, used) = bincode::serde::decode_from_slice(body, config())
        .map_err(|e| CodecError::Malformed(e.to_string()))?;
    if used != body.len() {
        return Err(CodecError::Malformed(format!("{} bytes are left over", body.len() - used)));
    }
    Ok(value)
}

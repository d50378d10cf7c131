//! The values of an archive, packed: neighbours on a page are much alike, and packed they take a third
//! of the room. Packing is done when records go, which nobody waits for.
//!
//! ```text
//!  crc32 u32 of the key and of everything after it | 0 | value
//!                                                  | 1 | length u32 | value, deflated
//! ```
//!
//! No bytes, however garbled, make unpacking panic, or take more memory than a value may.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::APPEND_BYTES_MAX;

const PLAIN: u8 = 0;
const DEFLATED: u8 = 1;
/// Below this size packing gains nothing.
const WORTH: usize = 128;
/// A deflated byte stands for at most so many.
const EXPANSION_MAX: usize = 1032;

thread_local! {
    /// What deflates: some hundreds of kilobytes, which are not made anew for each value.
    static PACKER: RefCell<Compress> = RefCell::new(Compress::new(Compression::fast(), false));
    /// What inflates.
    static UNPACKER: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// A value as it is stored under this key.
pub(super) fn pack(key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut packed = vec![0; 4];
    match deflated(value) {
        Some(deflated) => packed.extend(deflated),
        None => {
            packed.push(PLAIN);
            packed.extend_from_slice(value);
        }
    }
    let crc = crc(key, &packed[4..]);
    packed[..4].copy_from_slice(&crc.to_le_bytes());
    packed
}

/// The value, if it is the one that was put under this key.
pub(super) fn unpack(key: &[u8], packed: &[u8]) -> Option<Vec<u8>> {
    let (stored, rest) = packed.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*stored) != crc(key, rest) {
        return None;
    }
    match rest.split_first()? {
        (&PLAIN, value) => Some(value.to_vec()),
        (&DEFLATED, rest) => {
            let (length, rest) = rest.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            inflated(rest, length)
        }
        _ => None,
    }
}

/// Deflated, with what it is in front; `None` if that is no shorter.
fn deflated(value: &[u8]) -> Option<Vec<u8>> {
    if value.len() < WORTH {
        return None;
    }
    let mut packed = Vec::with_capacity(value.len());
    packed.push(DEFLATED);
    packed.extend_from_slice(&u32::try_from(value.len()).ok()?.to_le_bytes());
    // What finds no room there is no shorter.
    let whole = PACKER.with_borrow_mut(|packer| {
        packer.reset();
        packer.compress_vec(value, &mut packed, FlushCompress::Finish)
    });
    (whole.ok()? == Status::StreamEnd && packed.len() < value.len()).then_some(packed)
}

/// The value of this length.
fn inflated(packed: &[u8], length: usize) -> Option<Vec<u8>> {
    let most = APPEND_BYTES_MAX.min(packed.len().saturating_mul(EXPANSION_MAX));
    if length > most {
        return None;
    }
    // One more, so that what is longer is not taken for it.
    let mut value = Vec::with_capacity(length + 1);
    let whole = UNPACKER.with_borrow_mut(|unpacker| {
        unpacker.reset(false);
        unpacker.decompress_vec(packed, &mut value, FlushDecompress::Finish)
    });
    (whole.ok()? == Status::StreamEnd && value.len() == length).then_some(value)
}

fn crc(key: &[u8], rest: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(rest);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_comes_out_under_its_key_and_nothing_else_does() {
        let alike = b"an order like the one before it; ".repeat(100);
        let unlike: Vec<u8> = (0..500_u32)
            .flat_map(|n| blake3::hash(&n.to_le_bytes()).as_bytes()[..1].to_vec())
            .collect();
        for value in [&b""[..], b"short", &alike, &unlike] {
            let packed = pack(b"key", value);
            assert!(packed.len() <= value.len() + 5);
            assert_eq!(unpack(b"key", &packed).as_deref(), Some(value));
            assert_eq!(unpack(b"another", &packed), None);
            for place in 0..packed.len() {
                assert_eq!(unpack(b"key", &packed[..place]), None);
                let mut garbled = packed.clone();
                garbled[place] ^= 1;
                assert_eq!(unpack(b"key", &garbled), None);
            }
        }
        assert!(pack(b"key", &alike).len() * 10 < alike.len());
    }

    #[test]
    fn a_length_that_is_not_true_is_noticed() {
        let mut packed = pack(b"key", &[7; 1000]);
        packed[5..9].copy_from_slice(&u32::MAX.to_le_bytes());
        let crc = crc(b"key", &packed[4..]);
        packed[..4].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(unpack(b"key", &packed), None);
    }
}

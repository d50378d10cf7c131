//! Bytes that are as short as nearly all that is stored, in one piece of memory with the count of their owners.
//!
//! A record is shared from its first moment: by the journal's queue, by the tail of its stream, and by those who
//! follow. Bytes that were copied for one owner get a second piece of memory when they are first shared.

use bytes::Bytes;

/// At most `N` bytes.
struct Short<const N: usize> {
    length: u8,
    bytes: [u8; N],
}

impl<const N: usize> AsRef<[u8]> for Short<N> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

fn kept<const N: usize>(bytes: &[u8]) -> Option<Bytes> {
    let length = u8::try_from(bytes.len()).ok()?;
    let mut short = Short { length, bytes: [0; N] };
    short.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(Bytes::from_owner(short))
}

/// The same bytes, to be shared. The sizes, with the count and the length, are those that allocators have.
pub(super) fn shared(bytes: &[u8]) -> Bytes {
    let short = match bytes.len() {
        0..=31 => kept::<31>(bytes),
        32..=55 => kept::<55>(bytes),
        56..=119 => kept::<119>(bytes),
        120..=183 => kept::<183>(bytes),
        _ => None,
    };
    short.unwrap_or_else(|| Bytes::copy_from_slice(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_every_length_are_what_they_were() {
        let long: Vec<u8> = (0..=u8::MAX).chain(0..=u8::MAX).collect();
        for length in 0..long.len() {
            let bytes = shared(&long[..length]);
            let other = bytes.clone();
            drop(bytes);
            assert_eq!(other, long[..length], "{length}");
        }
    }
}

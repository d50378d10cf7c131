//! The envelope of a snapshot: `crc32 u32 (little-endian) | value`, the crc over key and value.
//!
//! The key is part of it, so a value that ends up under another key is noticed too.

const CRC_LENGTH: usize = 4;

/// `value` as it is stored under `key`.
pub(crate) fn seal(key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(CRC_LENGTH + value.len());
    sealed.extend_from_slice(&crc(key, value).to_le_bytes());
    sealed.extend_from_slice(value);
    sealed
}

/// The value stored under `key`; `None` if it is damaged.
pub(crate) fn open<'a>(key: &[u8], sealed: &'a [u8]) -> Option<&'a [u8]> {
    let (stored, value) = sealed.split_first_chunk::<CRC_LENGTH>()?;
    (u32::from_le_bytes(*stored) == crc(key, value)).then_some(value)
}

fn crc(key: &[u8], value: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&(key.len() as u64).to_le_bytes());
    hasher.update(key);
    hasher.update(value);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_was_sealed_and_nothing_else() {
        let sealed = seal(b"key", b"value");
        assert_eq!(open(b"key", &sealed), Some(&b"value"[..]));
        assert_eq!(open(b"kez", &sealed), None, "another key");
        assert_eq!(open(b"keyv", &seal(b"key", b"value")[..8]), None, "cut off");
        assert_eq!(open(b"key", &[1, 2]), None, "too short");
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert_eq!(open(b"key", &altered), None, "byte {at}");
        }
        assert_eq!(open(b"", &seal(b"", b"")), Some(&b""[..]));
    }
}

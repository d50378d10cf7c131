//! The anchor: what a journal begins with once its oldest frames were removed.
//!
//! ```text
//!  version u8 | ordinal u64 | sequence u64 | hash [u8; 32]   of the last frame removed
//!             | entries u64 | sum u128                       of the archive that stands for them
//!             | crc32 u32 of everything before it
//! ```
//!
//! The first frame that is left must follow it as it would follow the frame that is gone. It lies in
//! the table of frames, under the highest key and with a version that no frame has: a program that
//! knows no anchors finds it where the last frame should be, and refuses the journal by name.
//!
//! Nothing here touches a disk, and no bytes, however garbled, make it panic.

use super::frame::{Tip, genesis};

/// The version this program writes; frames of the programs before it had 1.
pub(crate) const VERSION: u8 = 2;
const LENGTH: usize = 1 + 8 + 8 + 32 + 8 + 16;

/// How many entries the archive has, and the sum of what stands for each. It tells an archive that
/// lost an entry, or had one changed behind the anchor's back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    entries: u64,
    sum: u128,
}

impl Sum {
    /// One more entry.
    pub(crate) fn add(&mut self, key: &[u8], value: &[u8]) {
        self.entries = self.entries.wrapping_add(1);
        self.sum = self.sum.wrapping_add(digest(key, value));
    }

    /// The entries of another sum, too.
    pub(crate) fn join(&mut self, other: Sum) {
        self.entries = self.entries.wrapping_add(other.entries);
        self.sum = self.sum.wrapping_add(other.sum);
    }

    /// One entry less.
    pub(crate) fn take(&mut self, key: &[u8], value: &[u8]) {
        self.entries = self.entries.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(digest(key, value));
    }
}

/// A number that stands for one entry; it is stored, so it must stay the same for ever.
fn digest(key: &[u8], value: &[u8]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(key.len() as u64).to_le_bytes());
    hasher.update(key);
    hasher.update(value);
    let mut digest = [0; 16];
    hasher.finalize_xof().fill(&mut digest);
    u128::from_le_bytes(digest)
}

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    /// The last frame that was removed; the journal's genesis if none was yet.
    pub(crate) tip: Tip,
    /// The archive.
    pub(crate) archive: Sum,
}

/// Why bytes are no anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AnchorError {
    /// It has a format that is not known here.
    #[error("the anchor has version {0}, and {VERSION} is known here")]
    UnknownVersion(u8),
    /// It is not what was written.
    #[error("the anchor is not what was written")]
    Garbled,
}

impl Anchor {
    /// The anchor of a journal of which nothing was removed yet.
    pub(crate) fn first(identity: u128) -> Anchor {
        Anchor { tip: genesis(identity), archive: Sum::default() }
    }

    /// The anchor as stored bytes.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let Anchor { tip, archive } = self;
        let mut bytes = Vec::with_capacity(LENGTH + 4);
        bytes.push(VERSION);
        bytes.extend_from_slice(&tip.ordinal.to_le_bytes());
        bytes.extend_from_slice(&tip.sequence.to_le_bytes());
        bytes.extend_from_slice(&tip.hash);
        bytes.extend_from_slice(&archive.entries.to_le_bytes());
        bytes.extend_from_slice(&archive.sum.to_le_bytes());
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The anchor from stored bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Anchor, AnchorError> {
        // The version first: an anchor of a later format may have its crc elsewhere.
        match bytes.first() {
            Some(&VERSION) => {}
            Some(&other) => return Err(AnchorError::UnknownVersion(other)),
            None => return Err(AnchorError::Garbled),
        }
        Anchor::whole(bytes).ok_or(AnchorError::Garbled)
    }

    fn whole(bytes: &[u8]) -> Option<Anchor> {
        let (content, crc) = bytes.split_last_chunk::<4>()?;
        if content.len() != LENGTH || crc32fast::hash(content) != u32::from_le_bytes(*crc) {
            return None;
        }
        let (ordinal, rest) = content.get(1..)?.split_first_chunk::<8>()?;
        let (sequence, rest) = rest.split_first_chunk::<8>()?;
        let (hash, rest) = rest.split_first_chunk::<32>()?;
        let (entries, rest) = rest.split_first_chunk::<8>()?;
        let sum = rest.first_chunk::<16>()?;
        let (ordinal, sequence) = (u64::from_le_bytes(*ordinal), u64::from_le_bytes(*sequence));
        let archive = Sum { entries: u64::from_le_bytes(*entries), sum: u128::from_le_bytes(*sum) };
        Some(Anchor { tip: Tip { ordinal, sequence, hash: *hash }, archive })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redb::frame;

    #[test]
    fn is_read_as_it_was_written_and_not_otherwise() {
        let mut anchor = Anchor::first(7);
        anchor.tip = Tip { ordinal: 3, sequence: 9, hash: [5; 32] };
        anchor.archive.add(b"a", b"1");
        let bytes = anchor.to_bytes();
        assert_eq!(Anchor::from_bytes(&bytes), Ok(anchor));
        for place in 1..bytes.len() {
            let mut garbled = bytes.clone();
            garbled[place] ^= 1;
            assert_eq!(Anchor::from_bytes(&garbled), Err(AnchorError::Garbled), "{place}");
            assert_eq!(Anchor::from_bytes(&bytes[..place]), Err(AnchorError::Garbled), "{place}");
        }
        let mut newer = bytes;
        newer[0] = VERSION + 1;
        assert_eq!(Anchor::from_bytes(&newer), Err(AnchorError::UnknownVersion(VERSION + 1)));
    }

    #[test]
    fn who_knows_no_anchors_finds_a_frame_of_a_newer_version() {
        let refused = frame::decode(&Anchor::first(7).to_bytes()).map(drop).unwrap_err();
        assert_eq!(refused, frame::FrameError::UnknownVersion(VERSION));
        const { assert!(VERSION > frame::VERSION, "else it would be taken for a damaged one") };
    }

    #[test]
    fn a_sum_tells_entries_apart_and_does_not_mind_their_order() {
        let of = |entries: &[(&[u8], &[u8])]| {
            let mut sum = Sum::default();
            entries.iter().for_each(|(key, value)| sum.add(key, value));
            sum
        };
        assert_eq!(of(&[(b"a", b"1"), (b"b", b"2")]), of(&[(b"b", b"2"), (b"a", b"1")]));
        assert_ne!(of(&[(b"a", b"1"), (b"b", b"2")]), of(&[(b"a", b"2"), (b"b", b"1")]));
        assert_ne!(of(&[(b"ab", b"1")]), of(&[(b"a", b"b1")]));
        let mut sum = of(&[(b"a", b"1"), (b"b", b"2")]);
        sum.take(b"a", b"1");
        assert_eq!(sum, of(&[(b"b", b"2")]));
    }
}

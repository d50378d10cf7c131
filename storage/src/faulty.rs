//! Faulty twins: stores and a disk that fail on demand, for tests of this crate and those above.
//!
//! - [`FaultyDisk`] lies below redb and knows what was synced, so it can show what a power cut
//!   would leave: for crash tests of the journal itself. It can record a whole run ([`Tape`]), to be
//!   cut at every step afterwards.
//! - [`FaultyFolder`] lies around sled's folder and knows the same of its files.
//! - [`FaultyJournal`] and [`FaultySnapshots`] wrap any store and fail at the level of its
//!   contract: for tests of what is built on it.
//!
//! All of them are deterministic: they count calls and bytes, never time, and what is random comes
//! from a seed.

mod contents;
mod disk;
mod folder;
mod journal;
mod snapshots;
mod tape;

pub use self::disk::FaultyDisk;
pub use self::folder::{FaultyFolder, FolderImage};
pub use self::journal::FaultyJournal;
pub use self::snapshots::FaultySnapshots;
pub use self::tape::{Player, Survivors, Tape};

/// A small generator of random numbers, the same for the same seed for ever.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The sequence of throws that belongs to `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// A number below `bound`, which must not be 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // SplitMix64: one addition and a good mixing of the sum.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

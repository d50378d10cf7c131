//! A script: throws, one after the other. What a throw means depends on the world it falls into, so
//! that a script from which some are dropped is a script again.

use surehold_storage::faulty::Dice;

/// Fewest and most throws of a script.
const LENGTH: (u64, u64) = (60, 700);
/// Mixed into the seed, so that a scene and its script do not throw the same.
const SALT: u64 = 0x5EED_0F5C_0000_0001;

/// One throw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Throw {
    /// What happens, of [`KINDS`] kinds.
    pub(crate) kind: u64,
    /// To whom.
    pub(crate) pick: usize,
}

/// Sides of the dice that says what happens.
pub(crate) const KINDS: u64 = 128;

/// What happens in a world, before all calms down.
pub(crate) type Script = Vec<Throw>;

/// The script of a seed.
pub(crate) trait OfSeed {
    /// Throws it.
    fn of(seed: u64) -> Script;
}

impl OfSeed for Script {
    fn of(seed: u64) -> Script {
        let mut dice = Dice::new(seed ^ SALT);
        let length = LENGTH.0 + dice.below(LENGTH.1 - LENGTH.0);
        let throw = |_| Throw {
            kind: dice.below(KINDS),
            pick: usize::try_from(dice.below(1 << 20)).unwrap_or(0),
        };
        (0..length).map(throw).collect()
    }
}

//! Faults put in on purpose, so that the proofs can be seen to find them.
//!
//! Only a build with the feature `mutants` has them, and there only the one that was chosen. In any
//! other build [`is`] is the constant `false`, and the compiler removes what stands behind it.

/// A fault that is put in on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A hold that is released frees its units twice.
    ReleaseTwice,
    /// The engine answers before its record is durable.
    SpeakEarly,
    /// A gateway that did not answer counts as one that declined.
    UnknownIsDeclined,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Mutant; 3] =
        [Mutant::ReleaseTwice, Mutant::SpeakEarly, Mutant::UnknownIsDeclined];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mutant::ReleaseTwice => "release-twice",
            Mutant::SpeakEarly => "speak-early",
            Mutant::UnknownIsDeclined => "unknown-is-declined",
        }
    }
}

#[cfg(feature = "mutants")]
mod chosen {
    use std::sync::OnceLock;

    use super::Mutant;

    static CHOSEN: OnceLock<Mutant> = OnceLock::new();

    /// Puts this fault in, for as long as the process lives; `false` if there is one already.
    pub fn choose(mutant: Mutant) -> bool {
        CHOSEN.set(mutant).is_ok()
    }

    /// Whether this fault was put in.
    #[must_use]
    pub fn is(mutant: Mutant) -> bool {
        CHOSEN.get() == Some(&mutant)
    }
}

#[cfg(feature = "mutants")]
pub use chosen::{choose, is};

/// Whether this fault was put in: never, in this build.
#[cfg(not(feature = "mutants"))]
#[must_use]
pub const fn is(_mutant: Mutant) -> bool {
    false
}

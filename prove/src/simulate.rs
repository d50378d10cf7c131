//! Seeded worlds on a virtual clock.

pub mod machines;

use crate::{Ask, Verdict};

/// Plays the worlds.
#[must_use]
pub fn run(ask: &Ask) -> Verdict {
    machines::run(ask)
}

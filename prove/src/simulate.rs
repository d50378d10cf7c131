//! Deterministic simulation: worlds that follow from a seed, on a virtual clock, in which everything goes
//! wrong that can.

pub mod engine;

use crate::{Ask, Verdict};

/// Tries as many worlds as it is asked to.
#[must_use]
pub fn run(ask: &Ask) -> Verdict {
    let mut verdict = Verdict::default();
    engine::run(ask, &mut verdict);
    verdict
}

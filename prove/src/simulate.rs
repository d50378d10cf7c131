//! Deterministic simulation: worlds that follow from a seed, on a virtual clock, in which everything goes wrong that
//! can. First the machines alone, with every message in the world's hands; then the real engine.

pub mod engine;
pub mod machines;

use crate::{Ask, Verdict};

/// Tries as many worlds as it is asked to, of either kind.
#[must_use]
pub fn run(ask: &Ask) -> Verdict {
    let mut verdict = machines::run(ask);
    engine::run(ask, &mut verdict);
    verdict
}

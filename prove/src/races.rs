//! Not built yet.

use crate::{Ask, Verdict};

/// Not built yet.
#[must_use]
pub fn run(_ask: &Ask) -> Verdict {
    Verdict::default()
}

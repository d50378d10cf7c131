//! How much a proof shall try.

use std::path::PathBuf;
use std::sync::Arc;

/// What a proof is asked for. Sizes that are not given are the proof's own.
#[derive(Clone)]
pub struct Ask {
    /// How many seeds, where a proof has seeds.
    pub seeds: Option<u64>,
    /// The first seed; `None` lets the caller's block of fresh seeds begin anywhere.
    pub seed: u64,
    /// How long, in minutes, where a proof runs for a time.
    pub minutes: Option<f64>,
    /// Small sizes, for a look that takes seconds.
    pub quick: bool,
    /// The server's program, for proofs that need a process.
    pub program: PathBuf,
    /// Who hears how far a proof is.
    pub progress: Arc<dyn Progress>,
}

impl Ask {
    /// How many seeds to try: what was asked for, else one of the proof's two sizes.
    #[must_use]
    pub fn seeds_or(&self, full: u64, quick: u64) -> u64 {
        self.seeds.unwrap_or(if self.quick { quick } else { full })
    }
}

/// Hears how far a proof is.
pub trait Progress: Send + Sync {
    /// So much of so much is done.
    fn at(&self, done: u64, of: u64, what: &str);
}

/// Nobody listens.
pub struct Silent;

impl Progress for Silent {
    fn at(&self, _done: u64, _of: u64, _what: &str) {}
}

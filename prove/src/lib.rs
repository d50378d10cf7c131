//! The proofs of the promise, for `surehold prove`: each tries to break the engine in its own way, as often as it is
//! asked to, and says how often it tried what.
//!
//! A proof takes an [`Ask`] (how much to try, from which seed) and gives a [`Verdict`]. What it found wrong is told as a
//! [`Fault`]: with the seed that repeats it, and the shortest story known.

pub mod ask;
pub mod proof;
pub mod report;
pub mod verdict;

pub mod fuzz;
pub mod model;
pub mod power;
pub mod process;
pub mod races;
pub mod simulate;
pub mod upgrades;

pub mod client;
pub mod server;
pub mod standin;
mod world;

pub use ask::Ask;
pub use proof::Proof;
pub use verdict::{Fault, Verdict};

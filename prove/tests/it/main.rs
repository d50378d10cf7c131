//! The proofs at small sizes.

mod fuzz;
mod machines;
mod model;
mod power;
mod simulate;

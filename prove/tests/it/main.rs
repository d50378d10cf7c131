//! The proofs at small sizes.

mod machines;
mod model;
mod power;

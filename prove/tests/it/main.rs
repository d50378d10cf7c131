//! The proofs at small sizes.

mod power;

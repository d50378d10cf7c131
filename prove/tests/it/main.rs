//! The proofs at small sizes.

mod simulate;

//! The proofs at small sizes.

mod fuzz;

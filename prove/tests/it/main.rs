//! The proofs at small sizes.

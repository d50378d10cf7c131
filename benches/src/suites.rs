//! The suites that measure, each of which makes [`Findings`](crate::findings::Findings); `http`, the first of them, is a
//! module of the crate itself.

pub mod hot;
pub mod mixed;

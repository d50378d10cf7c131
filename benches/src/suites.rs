//! The suites that measure, each of which makes [`Findings`](crate::findings::Findings); `http`, the first of them, is a
//! module of the crate itself. Those over HTTP know the server only from outside; the others link what they measure.

pub mod actors;
pub mod hot;
pub mod mixed;

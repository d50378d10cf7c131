//! The suites that need no server: they link what they measure.

pub mod actors;

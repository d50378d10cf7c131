//! The engine as a library, over real shells, real supervision and faulty stores.
//!
//! Where time matters it is paused and moves only when everybody waits; nothing sleeps for luck.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

mod bank;
mod world;

mod attention;
mod booking;
mod breaker;
mod crowd;
mod disk;
mod healing;
mod late_money;
mod liveness;
mod operators;
mod overload;
mod queue;
mod recovery;
mod retaken;
mod snapshots;
mod supporting;
mod tiers;

//! Seeded workloads and end-to-end measurements of the booking engine.
//!
//! Read in this order: `http` is the suite (what is run, in which order, and what is checked afterwards) of a `plan`;
//! `load` is the closed loop it drives; `workload` says what is sent and `wire` how; `server` owns the measured process;
//! `control` asks it the few questions that are not measured; `machine` and `usage` read the facts a figure needs
//! beside it; `report` judges and prints. `build` makes the server when nobody names one.
//!
//! `runs` are the scripted runs that prove a promise, against a payment service of their own, which is `bank`.
//!
//! `rivals` puts the same load on what else a user could pick, in the same run.
//!
//! This crate knows the server only by its public contract: a command line, a ready line and HTTP. It links none of
//! the engine, so it can measure any build of it, an old one too.

pub mod bank;
pub mod build;
pub mod control;
pub mod findings;
pub mod http;
pub mod load;
pub mod machine;
pub mod participants;
pub mod plan;
pub mod report;
pub mod rivals;
pub mod runs;
pub mod server;
pub mod usage;
pub mod wire;
pub mod workload;

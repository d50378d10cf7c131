//! The HTTP edge of Surehold: parse, ask the engine, answer. No rule of a booking lives here.
//!
//! ```text
//! socket -> edge -> routes (the URL table) -> native or dialects -> Engine
//!                        |                          |
//!                        call (what was asked)      answer, problem (what is said)
//! ```
//!
//! Read in this order: [`edge`], [`routes`], [`native`], [`problem`], [`dialects`], [`cors`], [`config`]. Only this crate
//! knows the URLs and status codes of the API and its JSON; it reaches the engine through the crate `surehold` alone.

pub mod edge;
pub mod fuzzing;
pub mod proving;
pub mod remote;
pub mod routes;

pub mod call;
pub mod cors;
pub mod fields;
pub mod query;

pub mod answer;
pub mod problem;
pub mod published;
pub mod shapes;

pub mod dialects;
pub mod native;
pub mod webhooks;

#[cfg(feature = "actix")]
pub mod actix;
pub mod app;
pub mod compaction;
pub mod config;
pub mod observe;
pub mod server;

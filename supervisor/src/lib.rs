//! The booking engine as a library: the supervision tree, recovery, and the [`Engine`] in front.
//!
//! ```text
//!  Engine (place, command, view, subscribe, close)
//!    |  gate: counts work, refuses beyond the limits, open only while the whole tree is up
//!    v
//!  root --rest_for_one--> journal, snapshots, inventory/*, payments, confirmations, views,
//!                         orders/*, timers, edge
//! ```
//!
//! Read `tree.rs` for who is started in which order, [`policy`] for what follows a crash, [`brood`]
//! for children on demand, [`participant`] for fixed workers, [`limits`] for every bound, and
//! [`engine`] for what callers see.

mod tree;

pub mod policy;

pub mod brood;
pub mod participant;
mod root;

mod core;
mod gate;
mod keeper;
mod lanes;
mod pulse;
pub mod retention;
pub mod stores;
mod support;
mod switches;
pub mod timers;
pub mod views;
pub mod workers;

mod catalogue;
pub mod engine;
pub mod event;
pub mod limits;
pub mod refusal;
pub mod view;

pub use engine::{Data, Engine, Market, OpenError, Options};
pub use refusal::Refusal;
pub use retention::Retention;
pub use surehold_actors::clock::{Clock, RuntimeClock, SystemClock};
pub use surehold_actors::gateway;
pub use surehold_actors::gateway::PaymentGateway;
pub use surehold_actors::gateway::sandbox::{Sandbox, SandboxSettings};
pub use surehold_actors::stream::Series;
pub use surehold_domain as domain;
pub use view::*;

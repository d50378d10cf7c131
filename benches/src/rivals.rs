//! What else a user could pick for the same job, under the same load, on the same machine, in the same run.
//!
//! `suite` says who is measured and in which order; `legs` measures one of them and `disconnects` has clients go away;
//! `told` makes findings of it, and `table` the table of the README. The others are the rivals: `postgres` is a cluster of its
//! own, `shop` the service over it (a process, like our server), `restate` the durable execution engine with its
//! endpoint, and `ours` our server. `processes` starts and ends what they are made of, `ask` asks them what is not
//! measured.
//!
//! `docs/comparison.md` says what each rival does for an order, and what was done so that the comparison is fair.

pub mod shop;
pub mod suite;
pub mod table;

mod ask;
mod disconnects;
mod legs;
mod ours;
mod postgres;
mod processes;
mod restate;
mod shops;
mod told;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::control::ControlError;
use crate::load::LoadError;
use crate::server::ServerError;
use crate::wire::WireError;
use crate::workload::Workload;

/// What every offering costs, in minor units; [`crate::control`] makes them so.
const PRICE: u64 = 1000;

/// Why a rival gave no figures.
#[derive(Debug, thiserror::Error)]
pub enum RivalError {
    /// The generator.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A call to our server that is not measured.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A connection for calls that are not measured.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Our server did not start or stop.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A file, a process or a figure of one.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// PostgreSQL said no.
    #[error("PostgreSQL: {source}{}", detail(source))]
    Sql {
        /// What was said.
        #[from]
        source: tokio_postgres::Error,
    },
    /// It is not on this machine; the text says what is missing and how to get it.
    #[error("{0}")]
    Missing(String),
    /// It did not do what it was asked.
    #[error("{0}")]
    Failed(String),
}

/// What the database itself said, which the error's own text leaves out.
fn detail(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map(|said| format!(": {said}")).unwrap_or_default()
}

/// What is counted once nothing moves any more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Books {
    /// Orders that are whole.
    pub(crate) orders: u64,
    /// Units taken from the offerings; every order is for one.
    pub(crate) taken: u64,
    /// Charges that stand.
    pub(crate) charges: u64,
    /// Orders that took a unit and were neither paid nor undone.
    pub(crate) unpaid: u64,
    /// Charges whose order never became whole.
    pub(crate) orderless: u64,
}

impl Books {
    /// Whether nothing is left half-done and all three counts agree.
    pub(crate) fn agree(self) -> bool {
        self.orders == self.taken && self.taken == self.charges && self.half_done() == 0
    }

    /// How much is left half-done.
    pub(crate) fn half_done(self) -> u64 {
        self.unpaid + self.orderless
    }
}

/// Somebody who takes orders over HTTP.
pub(crate) trait Rival {
    /// Where.
    fn address(&self) -> SocketAddr;

    /// The bodies as requests that do nothing.
    fn echoes(&self, bodies: &[String]) -> Workload;

    /// The bodies as orders.
    fn orders(&self, bodies: &[String]) -> Workload;

    /// The status that says that an order is done.
    fn done(&self) -> u16;

    /// The processor time used by all that it is made of.
    fn processor_time(&self) -> io::Result<Duration>;

    /// Makes offerings of so many units each.
    async fn make_offerings(&mut self, count: u64, units: u64) -> Result<Vec<u64>, RivalError>;

    /// Sizes that should be tried before the measurement, so that each load gets the best.
    fn sizes(&self) -> &[usize] {
        &[]
    }

    /// Takes one of these sizes.
    async fn resize(&mut self, _size: usize) -> Result<(), RivalError> {
        Ok(())
    }

    /// Waits until nothing moves any more and counts.
    async fn books(&mut self) -> Result<Books, RivalError>;
}

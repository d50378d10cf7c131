//! Three kinds of no, as the engine's callers see them.

use std::time::Duration;

use surehold_actors::shelf::ShelfError;
use surehold_domain::saga::{Phase, Rejection};
use surehold_domain::time::Timestamp;
use surehold_storage::NotDurable;

/// Why the engine did not do what was asked. Nothing was kept unless a variant says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such market on this node.
    #[error("there is no market called \"{0}\" here")]
    NoSuchMarket(String),
    /// There is no such thing in the market.
    #[error("there is no {kind} {id} in this market")]
    NotFound {
        /// What kind of thing.
        kind: &'static str,
        /// The number asked for.
        id: u64,
    },
    /// A value is not what it should be.
    #[error("{field}: {reason}")]
    Invalid {
        /// The value's name.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The command does not fit where the order is.
    #[error("an order that is {phase} cannot {command}")]
    WrongPhase {
        /// Where it is.
        phase: Phase,
        /// What was asked.
        command: &'static str,
    },
    /// What was booked has not begun, so nobody failed to come.
    #[error("what was booked has not begun")]
    NotBegun {
        /// When it begins.
        starts_at: Timestamp,
    },
    /// It clashes with how things stand.
    #[error("{0}")]
    Conflict(String),
    /// The idempotency key was used for another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// The order crashed too often and is set aside; an operator has to look.
    #[error("order {order} is quarantined: {cause}")]
    Quarantined {
        /// The order.
        order: u64,
        /// What it died of last.
        cause: String,
    },
    /// Events that were asked for are no longer kept.
    #[error("events before sequence {first} are no longer kept")]
    Gone {
        /// The first sequence that is still there, or that comes next.
        first: u64,
    },
    /// Not now: try again.
    #[error("{reason}")]
    Unavailable {
        /// Why.
        reason: String,
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// What is stored cannot be read. A fault of ours or of the disk.
    #[error("{0}")]
    Fault(String),
}

/// When a refused caller should try again.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Refusal {
    /// Not now.
    #[must_use]
    pub fn unavailable(reason: impl Into<String>) -> Refusal {
        Refusal::Unavailable { reason: reason.into(), retry_after: RETRY_AFTER }
    }

    /// A bad value.
    #[must_use]
    pub fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Refusal {
        Refusal::Invalid { field: field.into(), reason: reason.into() }
    }
}

/// What [`surehold_domain::plan::check_attributes`] found, named as callers name the value.
pub(crate) fn bad_attribute((name, reason): (String, String)) -> Refusal {
    let field =
        if name.is_empty() { "attributes".to_owned() } else { format!("attributes.{name}") };
    Refusal::invalid(field, reason)
}

impl From<NotDurable> for Refusal {
    fn from(error: NotDurable) -> Refusal {
        Refusal::unavailable(error.to_string())
    }
}

impl From<ShelfError> for Refusal {
    fn from(error: ShelfError) -> Refusal {
        match &error {
            // The tree restarts over a journal that can be written again.
            ShelfError::Journal(_) => Refusal::unavailable(error.to_string()),
            // A cache that a full disk closed is opened anew once there is room.
            ShelfError::Snapshot(_) => Refusal::unavailable(error.to_string()),
            // They are being built anew.
            ShelfError::Unfit(_) => Refusal::unavailable(error.to_string()),
            ShelfError::Codec { .. }
            | ShelfError::Newer { .. }
            | ShelfError::NewerArchive { .. }
            | ShelfError::Cut { .. }
            | ShelfError::Gap { .. } => Refusal::Fault(error.to_string()),
        }
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Refusal {
        match rejection {
            Rejection::WrongPhase { phase, command } => Refusal::WrongPhase { phase, command },
            Rejection::NotBegun { starts_at } => Refusal::NotBegun { starts_at },
            Rejection::NobodyExpected => Refusal::Conflict(rejection.to_string()),
            Rejection::QuoteExpired => Refusal::Conflict(rejection.to_string()),
            Rejection::TooManyChanges(_) => Refusal::Conflict(rejection.to_string()),
            Rejection::TooManyAttributes(_) => {
                Refusal::invalid("attributes", rejection.to_string())
            }
        }
    }
}

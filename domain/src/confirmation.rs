//! One promise to the customer: waited for, made, refused, or no longer wanted.

use serde::{Deserialize, Serialize};

use crate::id::{ConfirmationId, OrderKey};
use crate::terms::ConfirmedBy;
use crate::time::Timestamp;

/// A fact about a confirmation. Variants are only ever added at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// It stands in the operator's queue.
    Queued {
        /// The order it is for.
        order: OrderKey,
        /// By when somebody should speak.
        until: Timestamp,
    },
    /// It was made at once, without an operator.
    Issued {
        /// The order it is for.
        order: OrderKey,
    },
    /// The operator, or the plan after the deadline, said yes.
    Confirmed,
    /// The operator said no, and perhaps why.
    Rejected(Option<String>),
    /// The order no longer wants it.
    Withdrawn,
    /// The order no longer wants what was never asked of anybody.
    Abandoned {
        /// The order it would have been for.
        order: OrderKey,
    },
}

impl Event {
    /// The event's name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Event::Queued { .. } => "ConfirmationQueued",
            Event::Issued { .. } => "ConfirmationIssued",
            Event::Confirmed => "ConfirmationConfirmed",
            Event::Rejected(_) => "ConfirmationRejected",
            Event::Withdrawn | Event::Abandoned { .. } => "ConfirmationWithdrawn",
        }
    }
}

/// A fact and when it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// Where a confirmation is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// In the operator's queue.
    Waiting {
        /// By when somebody should speak.
        until: Timestamp,
    },
    /// Made.
    Confirmed,
    /// Refused, and perhaps why.
    Rejected(Option<String>),
    /// No longer wanted.
    Withdrawn,
}

/// What a confirmation is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The operator says yes.
    Confirm,
    /// The operator says no.
    Reject(Option<String>),
    /// The order no longer wants it.
    Withdraw,
}

/// What the confirmation says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This is now a fact.
    Record(Event),
    /// It is already settled, and stays so.
    Settled,
}

/// One confirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    id: ConfirmationId,
    order: OrderKey,
    state: State,
    /// Facts applied so far.
    number: u32,
    updated_at: Timestamp,
}

impl Confirmation {
    /// The fact that begins a confirmation: made at once, or put into the operator's queue.
    #[must_use]
    pub fn request(order: OrderKey, by: ConfirmedBy, until: Timestamp) -> Event {
        match by {
            ConfirmedBy::Auto => Event::Issued { order },
            ConfirmedBy::Operator => Event::Queued { order, until },
        }
    }

    /// The confirmation its first fact makes; `None` if that fact does not begin one.
    #[must_use]
    pub fn begin(id: ConfirmationId, fact: &Fact) -> Option<Confirmation> {
        let (order, state) = match &fact.event {
            Event::Queued { order, until } => (*order, State::Waiting { until: *until }),
            Event::Issued { order } => (*order, State::Confirmed),
            Event::Abandoned { order } => (*order, State::Withdrawn),
            Event::Confirmed | Event::Rejected(_) | Event::Withdrawn => return None,
        };
        Some(Confirmation { id, order, state, number: 1, updated_at: fact.at })
    }

    /// Looks at what it is told and says what becomes of it. Pure and total: who speaks first is
    /// heard, and nobody after.
    #[must_use]
    pub fn decide(&self, input: Input) -> Verdict {
        match (&self.state, input) {
            (State::Waiting { .. }, Input::Confirm) => Verdict::Record(Event::Confirmed),
            (State::Waiting { .. }, Input::Reject(note)) => Verdict::Record(Event::Rejected(note)),
            (State::Waiting { .. } | State::Confirmed, Input::Withdraw) => {
                Verdict::Record(Event::Withdrawn)
            }
            (State::Confirmed, Input::Confirm | Input::Reject(_))
            | (
                State::Rejected(_) | State::Withdrawn,
                Input::Confirm | Input::Reject(_) | Input::Withdraw,
            ) => Verdict::Settled,
        }
    }

    /// Makes a fact so.
    pub fn apply(&mut self, fact: &Fact) {
        self.number += 1;
        self.updated_at = fact.at;
        match &fact.event {
            Event::Queued { until, .. } => self.state = State::Waiting { until: *until },
            Event::Issued { .. } | Event::Confirmed => self.state = State::Confirmed,
            Event::Rejected(note) => self.state = State::Rejected(note.clone()),
            Event::Withdrawn | Event::Abandoned { .. } => self.state = State::Withdrawn,
        }
    }

    /// Its number in its market.
    #[must_use]
    pub fn id(&self) -> ConfirmationId {
        self.id
    }

    /// The order it is for.
    #[must_use]
    pub fn order(&self) -> OrderKey {
        self.order
    }

    /// Where it is.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Facts applied so far.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// When its last fact was recorded.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// The state's name on the wire.
    #[must_use]
    pub fn state_name(&self) -> &'static str {
        match &self.state {
            State::Waiting { .. } => "waiting",
            State::Confirmed => "confirmed",
            State::Rejected(_) | State::Withdrawn => "rejected",
        }
    }
}

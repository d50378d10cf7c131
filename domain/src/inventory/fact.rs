//! What happens to an offering: its facts, what it is asked, and what it says.

use serde::{Deserialize, Serialize};

use super::Offering;
use crate::id::OrderId;
use crate::order::Claim;
use crate::quantity::Quantity;
use crate::saga::Reason;
use crate::time::Timestamp;

/// A fact about an offering. Variants are only ever added at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// It is sold from now on.
    Opened(Box<Offering>),
    /// Something about it changed.
    Changed(Box<Offering>),
    /// It is no longer sold; orders that hold units go on.
    Closed,
    /// An order holds units.
    Held {
        /// Which order.
        order: OrderId,
        /// How much.
        claim: Claim,
    },
    /// An order gave its units back.
    Released {
        /// Which order.
        order: OrderId,
    },
    /// What an order brings has arrived: there is more of it.
    Received {
        /// Which order.
        order: OrderId,
        /// How much more.
        quantity: Quantity,
    },
    /// Somebody counted, and there is more or less than was thought.
    Adjusted {
        /// By how much.
        quantity: Quantity,
        /// Whether there is more.
        up: bool,
    },
}

impl Event {
    /// The event's name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Event::Opened(_) => "OfferingOpened",
            Event::Changed(_) => "OfferingChanged",
            Event::Closed => "OfferingClosed",
            Event::Held { .. } => "UnitsHeld",
            Event::Released { .. } => "UnitsReleased",
            Event::Received { .. } => "StockReceived",
            Event::Adjusted { .. } => "StockAdjusted",
        }
    }
}

/// A fact and when it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// What an offering is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Hold units for an order.
    Hold {
        /// For whom.
        order: OrderId,
        /// How much.
        claim: Claim,
    },
    /// Take an order's units back.
    Release {
        /// Whose.
        order: OrderId,
    },
    /// Change what is sold.
    Change {
        /// What it is to be.
        offering: Box<Offering>,
        /// The time: what is over no longer stands against a change.
        now: Timestamp,
    },
    /// Sell no more of it.
    Close,
    /// Add what an order brought, once.
    Receive {
        /// Which order.
        order: OrderId,
        /// How much it brought.
        quantity: Quantity,
    },
    /// Correct how much there is.
    Adjust {
        /// By how much.
        quantity: Quantity,
        /// Whether there is more.
        up: bool,
    },
}

/// What the offering says.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// This is now a fact.
    Record(Event),
    /// It is already so.
    AlreadySo,
    /// No hold, and why.
    NotHeld(Reason),
    /// What was sold without a limit was not counted, so a limit set later would sell it again.
    Uncounted,
    /// The change would leave less than is already held.
    BelowHeld {
        /// How much is held: in all, or on the night or in the slot that would not be enough.
        held: Quantity,
    },
    /// Units are held by the measure they are counted by now, so it cannot become another.
    KindHeld,
    /// It is not counted as stock, so nothing can be received or adjusted.
    NotStock,
    /// There would be more than the engine can count.
    TooMuch,
}

//! A message to a customer: written once, when something happened to an order, and never changed.

use serde::{Deserialize, Serialize};

use crate::id::{MessageId, OfferingId, OrderId};
use crate::time::Timestamp;

/// What a message can be about. Variants are only ever added at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Occasion {
    /// The order waits for the operator.
    Waiting,
    /// It is paid, or there is nothing to pay.
    Paid,
    /// It is confirmed.
    Confirmed,
    /// The operator said no.
    Rejected,
    /// It was undone.
    Cancelled,
    /// It is done.
    Fulfilled,
    /// It earned points.
    Earned,
    /// The points were taken back.
    TakenBack,
}

impl Occasion {
    /// All occasions, in the order in which an order meets them.
    pub const ALL: [Occasion; 8] = [
        Occasion::Waiting,
        Occasion::Paid,
        Occasion::Confirmed,
        Occasion::Rejected,
        Occasion::Cancelled,
        Occasion::Fulfilled,
        Occasion::Earned,
        Occasion::TakenBack,
    ];

    /// The name in market files and on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Occasion::Waiting => "waiting",
            Occasion::Paid => "paid",
            Occasion::Confirmed => "confirmed",
            Occasion::Rejected => "rejected",
            Occasion::Cancelled => "cancelled",
            Occasion::Fulfilled => "fulfilled",
            Occasion::Earned => "earned",
            Occasion::TakenBack => "taken_back",
        }
    }
}

/// A message; the one fact about it is the message itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its number in its market.
    pub id: MessageId,
    /// The record it tells of: messages follow the journal, so this never goes back in a market.
    pub source: u64,
    /// What it is about.
    pub occasion: Occasion,
    /// The order it tells of.
    pub order: OrderId,
    /// What was booked.
    pub offering: OfferingId,
    /// Whom it tells.
    pub customer: String,
    /// The text.
    pub text: String,
    /// When it was written.
    pub at: Timestamp,
}

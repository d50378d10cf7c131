//! What is recorded of a payment, and where that leaves it.

use serde::{Deserialize, Serialize};

use crate::card::Card;
use crate::id::OrderKey;
use crate::money::Money;
use crate::time::Timestamp;

/// A fact about a payment. Variants are only ever added at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// An order asked for the money.
    Requested {
        /// Which order.
        order: OrderKey,
        /// How much.
        amount: Money,
        /// What with, as far as it may be kept.
        card: Option<Card>,
    },
    /// The gateway has the money.
    Captured,
    /// The gateway said no.
    Declined(String),
    /// The gateway did not answer, or not clearly.
    Unanswered {
        /// How often in a row.
        attempt: u32,
        /// When it is asked again.
        again_at: Timestamp,
    },
    /// The gateway knows of no charge under this key: it is sent again.
    NotFound,
    /// The order wants this much back of what was captured.
    RefundRequested(Money),
    /// The order wants back whatever was or will be captured.
    VoidRequested,
    /// So much went back.
    Refunded(Money),
    /// Nothing was captured, and nothing will be.
    Voided,
    /// The order no longer waits: no more is charged, and it wants to know whether something was.
    SettleRequested,
}

impl Event {
    /// The event's name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Event::Requested { .. } => "PaymentRequested",
            Event::Captured => "PaymentCaptured",
            Event::Declined(_) => "PaymentDeclined",
            Event::Unanswered { .. } => "PaymentUnanswered",
            Event::NotFound => "PaymentNotFound",
            Event::RefundRequested(_) => "RefundRequested",
            Event::VoidRequested => "VoidRequested",
            Event::Refunded(_) => "PaymentRefunded",
            Event::Voided => "PaymentVoided",
            Event::SettleRequested => "SettleRequested",
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

/// Where a payment is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// The charge is sent, or about to be.
    Pending,
    /// The charge was sent and not answered.
    Unknown {
        /// How often in a row.
        attempt: u32,
        /// When the gateway is asked.
        again_at: Timestamp,
    },
    /// The money is there.
    Captured,
    /// The gateway said no.
    Declined(String),
    /// It shall come to nothing, but whether it did come to something is not known.
    Voiding {
        /// Unanswered questions in a row.
        attempt: u32,
        /// When the gateway is asked.
        again_at: Timestamp,
    },
    /// Money shall go back.
    Refunding {
        /// How much.
        amount: Money,
        /// Unanswered requests in a row.
        attempt: u32,
        /// When the gateway is asked again.
        again_at: Timestamp,
    },
    /// Nothing was captured, and nothing will be.
    Voided,
    /// So much went back.
    Refunded(Money),
    /// No more is charged, but whether something was is not known; if so, it stays.
    Settling {
        /// Unanswered questions in a row.
        attempt: u32,
        /// When the gateway is asked.
        again_at: Timestamp,
    },
}

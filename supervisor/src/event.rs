//! Committed facts, as subscribers see them.

use surehold_domain::id::{ConfirmationId, MessageId, OfferingId, OrderId, PaymentId, ReviewId};
use surehold_domain::message::Message;
use surehold_domain::time::Timestamp;
use surehold_domain::{confirmation, inventory, mileage, payment, review, saga};

/// A committed fact of one market.
#[derive(Clone, Debug, PartialEq)]
pub struct Committed {
    /// Its place in the total order of the node.
    pub sequence: u64,
    /// What it tells.
    pub fact: CommittedFact,
}

/// What a committed fact tells.
#[derive(Clone, Debug, PartialEq)]
pub enum CommittedFact {
    /// Of an order.
    Order(OrderId, saga::Fact),
    /// Of an offering.
    Offering(OfferingId, inventory::Fact),
    /// Of a payment.
    Payment(PaymentId, payment::Fact),
    /// Of a confirmation.
    Confirmation(ConfirmationId, confirmation::Fact),
    /// Of the points of an order.
    Mileage(OrderId, mileage::Fact),
    /// Of a review.
    Review(ReviewId, review::Fact),
    /// A message.
    Message(MessageId, Message),
}

impl CommittedFact {
    /// When it was recorded.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        match self {
            CommittedFact::Order(_, fact) => fact.at,
            CommittedFact::Offering(_, fact) => fact.at,
            CommittedFact::Payment(_, fact) => fact.at,
            CommittedFact::Confirmation(_, fact) => fact.at,
            CommittedFact::Mileage(_, fact) => fact.at,
            CommittedFact::Review(_, fact) => fact.at,
            CommittedFact::Message(_, message) => message.at,
        }
    }
}

/// Some committed facts, and where to go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Events {
    /// The facts, oldest first.
    pub events: Vec<Committed>,
    /// Everything up to this sequence was looked at: continue after it.
    pub cursor: u64,
    /// Whether the end of what is committed was reached.
    pub at_end: bool,
}

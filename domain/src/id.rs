//! Identities. Every id is a type of its own, so that an order's number is never taken for a payment's.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// An order, sequential per market.
    OrderId
);
number!(
    /// Something that is sold, sequential per market.
    OfferingId
);
number!(
    /// One movement of money, sequential per market.
    PaymentId
);
number!(
    /// One promise to the customer, sequential per market.
    ConfirmationId
);

number!(
    /// A review, sequential per market.
    ReviewId
);
number!(
    /// A message, sequential per market.
    MessageId
);

/// A marketplace on this node. The number is given when the market first opens and stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MarketId(pub u16);

/// An order among all markets of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderKey {
    /// The market it was placed in.
    pub market: MarketId,
    /// Its number there.
    pub order: OrderId,
}

/// One effect the world owes an order: the order and the number of the event that asked for it.
/// It is the idempotency key between the parts of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EffectId {
    /// The order that is owed.
    pub order: OrderKey,
    /// The order's event that asked.
    pub number: u32,
}

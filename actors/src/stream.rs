//! Which stream of the journal tells of which thing.

use surehold_domain::id::{
    ConfirmationId, MarketId, MessageId, OfferingId, OrderId, OrderKey, PaymentId, ReviewId,
};
use surehold_storage::Stream;

/// The kinds of things the journal tells of. The numbers are stored: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// The node itself: one record whenever it opens.
    Node = 1,
    /// A market's name, under the number it was given.
    Market = 2,
    /// An offering and its inventory.
    Offering = 3,
    /// An order.
    Order = 4,
    /// A payment.
    Payment = 5,
    /// A confirmation.
    Confirmation = 6,
    /// An idempotency key.
    Key = 7,
    /// The points of an order, under the order's number.
    Mileage = 8,
    /// A message to a customer.
    Message = 9,
    /// A review of an offering.
    Review = 10,
    /// A sale's number, where a market takes two kinds of order.
    Sale = 11,
    /// A supply's number, where a market takes two kinds of order.
    Supply = 12,
    /// Whether an operator stopped a participant.
    Switch = 13,
}

impl Kind {
    /// All kinds, in the order of their numbers, which begin at 1 and have no gap.
    pub const ALL: [Kind; 13] = [
        Kind::Node,
        Kind::Market,
        Kind::Offering,
        Kind::Order,
        Kind::Payment,
        Kind::Confirmation,
        Kind::Key,
        Kind::Mileage,
        Kind::Message,
        Kind::Review,
        Kind::Sale,
        Kind::Supply,
        Kind::Switch,
    ];

    /// What it is, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Node => "the node",
            Kind::Market => "market",
            Kind::Offering => "offering",
            Kind::Order => "order",
            Kind::Payment => "payment",
            Kind::Confirmation => "confirmation",
            Kind::Key => "idempotency key",
            Kind::Mileage => "the points of order",
            Kind::Message => "message",
            Kind::Review => "review",
            Kind::Sale => "sale",
            Kind::Supply => "supply",
            Kind::Switch => "switch",
        }
    }

    /// The kind with this number; `None` if a newer program wrote it.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Kind> {
        // Every follower asks this of every record: no search.
        let place = usize::from(number).checked_sub(1)?;
        Kind::ALL.get(place).copied()
    }

    /// The kind a stream tells of.
    #[must_use]
    pub fn of(stream: Stream) -> Option<Kind> {
        Kind::from_number(stream.kind)
    }
}

/// An offering among all markets of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfferingKey {
    /// The market it is sold in.
    pub market: MarketId,
    /// Its number there.
    pub offering: OfferingId,
}

/// A payment among all markets of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaymentKey {
    /// The market of its order.
    pub market: MarketId,
    /// Its number there.
    pub payment: PaymentId,
}

/// A confirmation among all markets of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfirmationKey {
    /// The market of its order.
    pub market: MarketId,
    /// Its number there.
    pub confirmation: ConfirmationId,
}

fn stream(kind: Kind, market: MarketId, id: u64) -> Stream {
    Stream { kind: kind as u8, group: market.0, id }
}

/// The node's own stream.
#[must_use]
pub fn node() -> Stream {
    stream(Kind::Node, MarketId(0), 0)
}

/// The stream that names a market.
#[must_use]
pub fn market(market: MarketId) -> Stream {
    stream(Kind::Market, market, 0)
}

/// The stream of an idempotency key with this hash.
#[must_use]
pub fn key(market: MarketId, hash: u64) -> Stream {
    stream(Kind::Key, market, hash)
}

/// The stream of an order.
#[must_use]
pub fn order(key: OrderKey) -> Stream {
    stream(Kind::Order, key.market, key.order.0)
}

/// The stream of an order's points.
#[must_use]
pub fn mileage(key: OrderKey) -> Stream {
    stream(Kind::Mileage, key.market, key.order.0)
}

/// The stream of a message.
#[must_use]
pub fn message(market: MarketId, message: MessageId) -> Stream {
    stream(Kind::Message, market, message.0)
}

/// The stream of a review.
#[must_use]
pub fn review(market: MarketId, review: ReviewId) -> Stream {
    stream(Kind::Review, market, review.0)
}

/// The stream that says which order has this number among the sales, or the supplies, of a market.
#[must_use]
pub fn serial(series: Series, market: MarketId, number: u64) -> Stream {
    stream(series.kind(), market, number)
}

/// The stream of a participant's switch.
#[must_use]
pub fn switch(participant: u64) -> Stream {
    stream(Kind::Switch, MarketId(0), participant)
}

/// The two kinds of order a market may take, each with numbers of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Series {
    /// Orders that take.
    Sales,
    /// Orders that bring.
    Supplies,
}

impl Series {
    /// The kind of its streams.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Series::Sales => Kind::Sale,
            Series::Supplies => Kind::Supply,
        }
    }
}

/// The order a stream of kind [`Kind::Order`] tells of.
#[must_use]
pub fn order_key(stream: Stream) -> OrderKey {
    OrderKey { market: MarketId(stream.group), order: OrderId(stream.id) }
}

impl OfferingKey {
    /// The offering's stream.
    #[must_use]
    pub fn stream(self) -> Stream {
        stream(Kind::Offering, self.market, self.offering.0)
    }
}

impl PaymentKey {
    /// The payment's stream.
    #[must_use]
    pub fn stream(self) -> Stream {
        stream(Kind::Payment, self.market, self.payment.0)
    }
}

impl ConfirmationKey {
    /// The confirmation's stream.
    #[must_use]
    pub fn stream(self) -> Stream {
        stream(Kind::Confirmation, self.market, self.confirmation.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_number() {
        for number in 0..=u8::MAX {
            let kind = Kind::ALL.into_iter().find(|kind| *kind as u8 == number);
            assert_eq!(Kind::from_number(number), kind, "{number}");
        }
    }
}

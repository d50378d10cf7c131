//! The terms an order was placed under. They are recorded with the order, so that a plan changed
//! later changes no order that already exists, and replay never asks a file.

use serde::{Deserialize, Serialize};

use crate::money::Money;
use crate::time::{Span, Timestamp};

/// When the money is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaymentTerms {
    /// Nothing is paid.
    None,
    /// At once, with the order.
    WithOrder,
    /// By a command of its own, within this span.
    Later {
        /// How long the customer has.
        within: Span,
    },
}

/// What to do when the payment gateway cannot be reached at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WhenUnavailable {
    /// Undo the order; nothing was charged.
    Refuse,
    /// Keep the hold and let the customer pay within this span.
    PayLater {
        /// How long the customer has.
        within: Span,
    },
}

/// What becomes of money that arrives when the time for it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LateMoney {
    /// It goes back.
    Refund,
    /// The order takes it, if its units are still held and what is booked has not begun meanwhile.
    Retake,
}

/// Who confirms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConfirmedBy {
    /// The engine, as soon as it can.
    Auto,
    /// A person, through the operator's queue.
    Operator,
}

/// What follows when nobody confirmed in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WhenUnconfirmed {
    /// The order is cancelled and the money returned.
    Cancel,
    /// The order counts as confirmed.
    Confirm,
}

/// How an order is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmationTerms {
    /// Who speaks.
    pub by: ConfirmedBy,
    /// How long that may take.
    pub within: Span,
    /// What follows if it takes longer.
    pub then: WhenUnconfirmed,
}

/// One step of the cancellation terms: up to this long before the start, so much comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundTier {
    /// The tier holds while the start is at least this far away.
    pub until: Span,
    /// Hundredths of the price that come back.
    pub percent: u8,
}

/// How many points an order earns its customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Earn {
    /// So many, whatever it costs.
    Fixed(u64),
    /// One for so many minor units of its price.
    Per(u64),
}

/// Points for customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MileageTerms {
    /// How many an order earns.
    pub earn: Earn,
    /// Whether the order waits until they are given.
    pub sync: bool,
}

impl MileageTerms {
    /// The points an order of this price earns, rounded down.
    #[must_use]
    pub fn points(&self, price: Money) -> u64 {
        match self.earn {
            Earn::Fixed(points) => points,
            Earn::Per(units) => {
                let amount = u64::try_from(price.amount()).unwrap_or(0);
                amount.checked_div(units).unwrap_or(0)
            }
        }
    }
}

/// Everything a saga needs to know of its plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// How long units are held while the money is on its way.
    pub hold: Span,
    /// When the money is due.
    pub payment: PaymentTerms,
    /// What to do without a gateway.
    pub when_unavailable: WhenUnavailable,
    /// Who confirms, and by when.
    pub confirmation: ConfirmationTerms,
    /// How long after its confirmation an order counts as fulfilled by itself.
    pub completion: Span,
    /// Cancellation terms, longest first; without any, all of the price comes back.
    pub tiers: Vec<RefundTier>,
    /// How long a cancellation quote holds.
    pub quote: Span,
    /// Points for the customer; `None` if this market gives none.
    pub mileage: Option<MileageTerms>,
    /// What becomes of money that arrives late.
    pub late: LateMoney,
    /// Hundredths of what was charged that come back if the customer does not come.
    pub no_show: u8,
}

impl Terms {
    /// What comes back of `price` if the customer cancels at `now`. Orders without a start (nothing
    /// is booked for a date) get all of it back, as do plans without tiers.
    #[must_use]
    pub fn refund(&self, price: Money, starts_at: Option<Timestamp>, now: Timestamp) -> Money {
        let (Some(start), false) = (starts_at, self.tiers.is_empty()) else { return price };
        let left = start.since(now);
        let tier = self.tiers.iter().find(|tier| left >= tier.until && start > now);
        price.percent(tier.map_or(0, |tier| tier.percent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    #[test]
    fn refunds_by_the_time_left() {
        let hour = Span::seconds(3600).0;
        let tier = |hours: u64, percent| RefundTier { until: Span(hours * hour), percent };
        let terms = Terms { tiers: vec![tier(48, 100), tier(24, 50)], ..crate::testing::terms() };
        let price = Money::new(1001, Currency::parse("EUR").unwrap()).unwrap();
        let start = Timestamp(100 * hour);
        for (now, back) in [(0, 1001), (52, 1001), (53, 501), (76, 501), (77, 0), (101, 0)] {
            let refund = terms.refund(price, Some(start), Timestamp(now * hour));
            assert_eq!(refund.amount(), back, "at hour {now}");
        }
        assert_eq!(terms.refund(price, None, Timestamp(0)), price);
    }

    #[test]
    fn points_are_fixed_or_by_the_price() {
        let price = |amount| Money::new(amount, Currency::parse("EUR").unwrap()).unwrap();
        for (earn, amount, points) in [
            (Earn::Fixed(3), 0, 3),
            (Earn::Fixed(3), 5000, 3),
            (Earn::Per(1000), 999, 0),
            (Earn::Per(1000), 2999, 2),
            (Earn::Per(0), 2999, 0),
        ] {
            let terms = MileageTerms { earn, sync: false };
            assert_eq!(terms.points(price(amount)), points, "{earn:?} of {amount}");
        }
    }
}

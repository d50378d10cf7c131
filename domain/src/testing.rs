//! Ready-made values for tests of this crate and of the crates above.

use crate::id::OfferingId;
use crate::money::{Currency, Money};
use crate::order::{Claim, Order};
use crate::quantity::Quantity;
use crate::terms::{
    ConfirmationTerms, ConfirmedBy, LateMoney, PaymentTerms, Terms, WhenUnavailable,
    WhenUnconfirmed,
};
use crate::time::Span;

/// Pay with the order, confirmed automatically, no tiers.
#[must_use]
pub fn terms() -> Terms {
    Terms {
        hold: Span::seconds(900),
        payment: PaymentTerms::WithOrder,
        when_unavailable: WhenUnavailable::Refuse,
        confirmation: ConfirmationTerms {
            by: ConfirmedBy::Auto,
            within: Span::seconds(7 * 86_400),
            then: WhenUnconfirmed::Cancel,
        },
        completion: Span::seconds(90 * 86_400),
        tiers: Vec::new(),
        quote: Span::seconds(900),
        mileage: None,
        late: LateMoney::Refund,
        no_show: 0,
    }
}

/// One unit of offering 1 for 1000 EUR cents.
///
/// # Panics
/// Never: the values are constants.
#[must_use]
pub fn order() -> Order {
    let euro = Currency::parse("EUR").expect("EUR is a currency");
    Order {
        customer: "ann".to_owned(),
        offering: OfferingId(1),
        claim: Claim::Units(Quantity::ONE),
        price: Money::new(1000, euro).expect("1000 is an amount"),
        starts_at: None,
        attributes: crate::attributes::Attributes::new(),
        terms: terms(),
    }
}

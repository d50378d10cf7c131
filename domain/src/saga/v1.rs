//! Facts of orders as the first version stored them: before points, nights, slots and supplies. They
//! are only read, and become today's facts at once.

use serde::{Deserialize, Serialize};

use super::event;
use super::event::AfterHold;
use super::state::{Reason, Undo};
use crate::attributes::Attributes;
use crate::card::Card;
use crate::id::{ConfirmationId, OfferingId, PaymentId};
use crate::money::Money;
use crate::order;
use crate::order::Claim;
use crate::terms;
use crate::terms::{ConfirmationTerms, LateMoney, PaymentTerms, RefundTier, WhenUnavailable};
use crate::time::{Span, Timestamp};

/// See [`terms::Terms`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    hold: Span,
    payment: PaymentTerms,
    when_unavailable: WhenUnavailable,
    confirmation: ConfirmationTerms,
    completion: Span,
    tiers: Vec<RefundTier>,
    quote: Span,
}

/// See [`order::Order`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    customer: String,
    offering: OfferingId,
    claim: Claim,
    price: Money,
    starts_at: Option<Timestamp>,
    attributes: Attributes,
    terms: Terms,
}

/// See [`event::Event`]; the variants stand in the same order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is what its namesake of today is")]
pub enum Event {
    Placed { order: Box<Order>, card: Option<Card>, until: Timestamp },
    Held(AfterHold),
    Refused(Reason),
    PayRequested { payment: PaymentId, card: Card, until: Timestamp },
    PaymentDeferred { until: Timestamp },
    Paid { confirmation: ConfirmationId, until: Timestamp },
    ConfirmationAwaited,
    ConfirmationDemanded { until: Timestamp },
    Confirmed { until: Timestamp },
    Fulfilled,
    UndoStarted { undo: Undo, until: Timestamp, attributes: Attributes },
    UndoRetried { attempt: u32, until: Timestamp },
    Refunded { amount: Money, until: Timestamp },
    Released { until: Timestamp },
    Withdrawn,
    GotStuck { until: Timestamp },
    Resumed { until: Timestamp },
    Quoted { refund: Money, until: Timestamp },
    Annotated(Attributes),
}

/// See [`event::Fact`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    at: Timestamp,
    event: Event,
}

impl From<Fact> for event::Fact {
    fn from(fact: Fact) -> event::Fact {
        event::Fact { at: fact.at, event: fact.event.into() }
    }
}

impl From<Order> for order::Order {
    fn from(order: Order) -> order::Order {
        let Order { customer, offering, claim, price, starts_at, attributes, terms } = order;
        let terms = terms.into();
        order::Order { customer, offering, claim, price, starts_at, attributes, terms }
    }
}

impl From<Terms> for terms::Terms {
    fn from(terms: Terms) -> terms::Terms {
        let Terms { hold, payment, when_unavailable, confirmation, completion, tiers, quote } =
            terms;
        let (mileage, late, no_show) = (None, LateMoney::Refund, 0);
        terms::Terms {
            hold,
            payment,
            when_unavailable,
            confirmation,
            completion,
            tiers,
            quote,
            mileage,
            late,
            no_show,
        }
    }
}

impl From<Event> for event::Event {
    fn from(event: Event) -> event::Event {
        use event::Event as Now;
        match event {
            Event::Placed { order, card, until } => {
                Now::Placed { order: Box::new((*order).into()), card, until }
            }
            Event::Held(after) => Now::Held(after),
            Event::Refused(reason) => Now::Refused(reason),
            Event::PayRequested { payment, card, until } => {
                Now::PayRequested { payment, card, until }
            }
            Event::PaymentDeferred { until } => Now::PaymentDeferred { until },
            Event::Paid { confirmation, until } => Now::Paid { confirmation, until },
            Event::ConfirmationAwaited => Now::ConfirmationAwaited,
            Event::ConfirmationDemanded { until } => Now::ConfirmationDemanded { until },
            Event::Confirmed { until } => Now::Confirmed { until },
            Event::Fulfilled => Now::Fulfilled,
            Event::UndoStarted { undo, until, attributes } => {
                Now::UndoStarted { undo, until, attributes }
            }
            Event::UndoRetried { attempt, until } => Now::UndoRetried { attempt, until },
            Event::Refunded { amount, until } => Now::Refunded { amount, until },
            Event::Released { until } => Now::Released { until },
            Event::Withdrawn => Now::Withdrawn,
            Event::GotStuck { until } => Now::GotStuck { until },
            Event::Resumed { until } => Now::Resumed { until },
            Event::Quoted { refund, until } => Now::Quoted { refund, until },
            Event::Annotated(attributes) => Now::Annotated(attributes),
        }
    }
}

//! A glance at a stored fact: what a follower wants to know of it, read without the rest. A follower goes
//! through everything that is committed, and most of it means nothing to it.
//!
//! Facts of older versions are rare; they are read whole.

use std::borrow::Cow;

use serde::Deserialize;
use surehold_domain::head;
use surehold_domain::id::OfferingId;
use surehold_domain::inventory::{self, Inventory};
use surehold_domain::message::Message;
use surehold_domain::payment::{self, Payment};
use surehold_domain::saga::{self, Saga, Turn};
use surehold_storage::codec::{self, CodecError};

use crate::machine::Machine;

/// What followers want to know of an order's fact.
pub enum OrderGlance<'a> {
    /// A fact of today's version.
    Head(head::OrderFact<'a>),
    /// One of an older version.
    Whole(Box<saga::Fact>),
}

impl OrderGlance<'_> {
    /// The turn of the order's life that the fact is, if it is one.
    #[must_use]
    pub fn turn(&self) -> Option<Turn<'_>> {
        match self {
            OrderGlance::Head(fact) => fact.event.turn(),
            OrderGlance::Whole(fact) => fact.event.turn(),
        }
    }

    /// Who asked, and what for, if the fact is that an order was placed.
    #[must_use]
    pub fn placed(&self) -> Option<(&str, OfferingId)> {
        match self {
            OrderGlance::Head(fact) => {
                let head::OrderEvent::Placed(order) = &fact.event else { return None };
                Some((order.customer, order.offering))
            }
            OrderGlance::Whole(fact) => {
                let saga::Event::Placed { order, .. } = &fact.event else { return None };
                Some((&order.customer, order.offering))
            }
        }
    }
}

/// What followers want to know of an order's fact.
///
/// # Errors
/// [`CodecError`] for bytes that are no such fact, or of a newer version.
pub fn order(bytes: &[u8]) -> Result<OrderGlance<'_>, CodecError> {
    Ok(match front::<Saga, head::OrderFact<'_>>(bytes)? {
        Some(head) => OrderGlance::Head(head),
        None => OrderGlance::Whole(Box::new(Saga::fact_from_bytes(bytes)?)),
    })
}

/// Whether a payment's fact is that the money came.
///
/// # Errors
/// As [`order`].
pub fn is_captured(bytes: &[u8]) -> Result<bool, CodecError> {
    Ok(match front::<Payment, head::PaymentFact>(bytes)? {
        Some(fact) => fact.event == head::PaymentEvent::Captured,
        None => matches!(Payment::fact_from_bytes(bytes)?.event, payment::Event::Captured),
    })
}

/// Whether an offering's fact is that something about it changed.
///
/// # Errors
/// As [`order`].
pub fn is_changed(bytes: &[u8]) -> Result<bool, CodecError> {
    Ok(match front::<Inventory, head::OfferingFact>(bytes)? {
        Some(fact) => fact.event == head::OfferingEvent::Changed,
        None => matches!(Inventory::fact_from_bytes(bytes)?.event, inventory::Event::Changed(_)),
    })
}

/// Whom a message tells.
///
/// # Errors
/// As [`order`].
pub fn told_to(bytes: &[u8]) -> Result<Cow<'_, str>, CodecError> {
    Ok(match front::<Message, head::MessageHead<'_>>(bytes)? {
        Some(message) => Cow::Borrowed(message.customer),
        None => Cow::Owned(Message::fact_from_bytes(bytes)?.customer),
    })
}

/// The front of a fact of today's version; `None` for another version.
fn front<'a, M: Machine, H: Deserialize<'a>>(bytes: &'a [u8]) -> Result<Option<H>, CodecError> {
    let (version, body) = codec::open(bytes)?;
    if version == M::FACT_VERSION { codec::decode_front(body).map(Some) } else { Ok(None) }
}

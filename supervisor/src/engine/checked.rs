//! A new order, checked against what is sold and under which terms.

use surehold_actors::gateway::Secret;
use surehold_actors::stream::OfferingKey;
use surehold_domain::card::Card;
use surehold_domain::id::MarketId;
use surehold_domain::inventory::Model;
use surehold_domain::order::{Claim, Order};
use surehold_domain::plan::{Plan, check_attributes};
use surehold_domain::quantity::Quantity;
use surehold_domain::terms::PaymentTerms;
use surehold_domain::time::Timestamp;

use crate::core::Core;
use crate::refusal::{Refusal, bad_attribute};
use crate::view::{Booking, NewOrder};

/// A new order that passed every check.
pub(super) struct Checked {
    pub(super) order: Box<Order>,
    pub(super) card: Option<Card>,
    pub(super) secret: Option<Secret>,
}

pub(super) fn check(
    core: &Core,
    plan: &Plan,
    market: MarketId,
    new: NewOrder,
) -> Result<Checked, Refusal> {
    let NewOrder { customer, offering, quantity, booking, card, attributes } = new;
    check_customer(&customer)?;
    check_attributes(&attributes).map_err(bad_attribute)?;
    let key = OfferingKey { market, offering };
    let sold = core
        .find_offering(key)?
        .ok_or_else(|| Refusal::invalid("offering", format!("there is no offering {offering}")))?;
    let claim = claim_of(&sold.model, booking, quantity)?;
    sold.model.admits(&claim).map_err(|(field, reason)| Refusal::invalid(field, reason))?;
    let starts_at = claim.starts_at(&plan.zone);
    check_not_past(&claim, plan, || core.post.clock.now())?;
    let price = sold
        .price
        .times_thousandths(claim.charged().thousandths())
        .map_err(|error| Refusal::invalid("quantity", error.to_string()))?;
    let terms = match (&claim, &plan.supply) {
        (Claim::Supply(_), Some(terms)) => terms.clone(),
        (Claim::Supply(_), None) => {
            let reason = "this market takes no orders that bring stock: its plan has no [supply]";
            return Err(Refusal::invalid("supply", reason));
        }
        (Claim::Units(_) | Claim::Nights { .. } | Claim::Slot { .. }, _) => plan.terms.clone(),
    };
    let (card, secret) = match &card {
        None => (None, None),
        Some(typed) => {
            let card = Card::parse(typed)
                .map_err(|error| Refusal::invalid("payment.card", error.to_string()))?;
            let secret = secret_of(&card, typed);
            (Some(card), secret)
        }
    };
    if card.is_none() && terms.payment == PaymentTerms::WithOrder && !price.is_zero() {
        return Err(Refusal::invalid(
            "payment.card",
            "is needed: this market is paid with the order",
        ));
    }
    let order = Order { customer, offering, claim, price, starts_at, attributes, terms };
    Ok(Checked { order: Box::new(order), card, secret })
}

fn check_customer(customer: &str) -> Result<(), Refusal> {
    if customer.chars().count() > surehold_domain::plan::NAME_LENGTH_MAX {
        return Err(Refusal::invalid("customer", "must have at most 200 characters"));
    }
    if customer.chars().any(char::is_control) {
        return Err(Refusal::invalid("customer", "must not contain control characters"));
    }
    Ok(())
}

/// What is asked for, in the offering's own terms.
fn claim_of(model: &Model, booking: Booking, units: Quantity) -> Result<Claim, Refusal> {
    Ok(match booking {
        Booking::Units => Claim::Units(units),
        Booking::Nights { from, to } => Claim::Nights { from, to, units },
        Booking::Supply => Claim::Supply(units),
        Booking::Slot(text) => match model {
            Model::Slots { zone, .. } => {
                let slot = zone.slot(&text);
                let slot = slot.map_err(|error| Refusal::invalid("slot", error.to_string()))?;
                Claim::Slot { slot, units }
            }
            Model::Unlimited | Model::Seats { .. } | Model::Stock { .. } | Model::Nights { .. } => {
                let reason = format!("this offering is booked by {}, not by slots", model.name());
                return Err(Refusal::invalid("slot", reason));
            }
        },
    })
}

/// Refuses what has begun: a slot from its first moment on, a night from the day after.
fn check_not_past(claim: &Claim, plan: &Plan, now: impl Fn() -> Timestamp) -> Result<(), Refusal> {
    match claim {
        Claim::Slot { slot, .. } if slot.at() <= now() => {
            Err(Refusal::invalid("slot", format!("{slot} has begun already")))
        }
        Claim::Nights { from, .. } if plan.zone.start_of(from.plus(1)) <= now() => {
            Err(Refusal::invalid("from", format!("the night of {from} is over")))
        }
        Claim::Units(_) | Claim::Nights { .. } | Claim::Slot { .. } | Claim::Supply(_) => Ok(()),
    }
}

pub(super) fn secret_of(card: &Card, typed: &str) -> Option<Secret> {
    match card {
        Card::Token(_) => None,
        Card::Number { .. } => {
            Some(Secret::new(typed.chars().filter(char::is_ascii_digit).collect()))
        }
    }
}

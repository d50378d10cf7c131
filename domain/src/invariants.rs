//! What must always hold, by name. Tests, properties and the audit use these same functions.

use crate::inventory::{Held, Inventory};
use crate::money::Money;
use crate::payment::{self, Payment};
use crate::saga::{Phase, Saga};

/// A rule and what broke it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The rule, by its number below.
    pub rule: &'static str,
    /// What was seen.
    pub seen: String,
}

fn check(holds: bool, rule: &'static str, seen: impl FnOnce() -> String) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken { rule, seen: seen() }) }
}

/// I1: no offering has more held than it has and than was declared may be sold beyond that: in
/// all, on any night, in any slot.
///
/// # Errors
/// [`Broken`], with the figures.
pub fn never_oversold(inventory: &Inventory) -> Result<(), Broken> {
    let sum = Held::of(inventory.holds().values());
    check(sum == *inventory.index(), "I1", || {
        let held = inventory.index();
        format!("offering {}: holds add up to {sum:?}, {held:?} booked", inventory.id())
    })?;
    let offering = inventory.offering();
    let beyond = sum.too_much_for(offering, inventory.updated_at());
    check(beyond.is_none(), "I1", || {
        let (held, limit) = (beyond.unwrap_or_default(), offering.limit().unwrap_or_default());
        format!("offering {}: {held} held of {limit}", inventory.id())
    })?;
    let foreign = inventory
        .holds()
        .iter()
        .find(|(_, claim)| offering.model.capacity().is_some() && !offering.model.fits(claim));
    check(foreign.is_none(), "I1", || {
        let order = foreign.map(|(order, _)| order.0).unwrap_or_default();
        format!("offering {}: order {order} holds what is not counted", inventory.id())
    })
}

/// I2: every order that is not at its end has a time at which it is looked at again.
///
/// # Errors
/// [`Broken`], with the phase.
pub fn never_forgotten(saga: &Saga) -> Result<(), Broken> {
    let phase = saga.phase();
    check(phase.is_terminal() != saga.deadline().is_some(), "I2", || {
        format!("order {} is {phase} with deadline {:?}", saga.key().order, saga.deadline())
    })
}

/// I3: an order at its end owes nobody, and nobody owes it.
///
/// # Errors
/// [`Broken`], with the phase.
pub fn ends_settled(saga: &Saga) -> Result<(), Broken> {
    let phase = saga.phase();
    check(!phase.is_terminal() || saga.effect().is_none(), "I3", || {
        format!("order {} is {phase} and is owed {:?}", saga.key().order, saga.effect())
    })
}

/// I4: an order that was refused or cancelled holds no units; one that is paid for does.
///
/// # Errors
/// [`Broken`], with the phase.
pub fn holds_what_it_sells(saga: &Saga) -> Result<(), Broken> {
    let holds = saga.holds_units();
    let right = match saga.phase() {
        Phase::Refused | Phase::Cancelled => !holds,
        Phase::Paying | Phase::Unpaid | Phase::Paid | Phase::Confirmed | Phase::Fulfilled => holds,
        Phase::Holding | Phase::Refunding | Phase::Releasing | Phase::Stuck => true,
    };
    check(right, "I4", || {
        format!("order {} is {} and holds_units is {holds}", saga.key().order, saga.phase())
    })
}

/// I5: no order is promised to a customer who should have paid and has not.
///
/// # Errors
/// [`Broken`], with the phase.
pub fn paid_before_promised(saga: &Saga) -> Result<(), Broken> {
    let owes = saga.needs() != crate::saga::Need::Confirmation;
    let promised = matches!(saga.phase(), Phase::Paid | Phase::Confirmed | Phase::Fulfilled);
    check(!(owes && promised) || saga.captured().is_some(), "I5", || {
        format!("order {} is {} and was never paid", saga.key().order, saga.phase())
    })
}

/// I6: what goes back is never more than what came in.
///
/// # Errors
/// [`Broken`], with the amounts.
pub fn refunds_at_most_the_charge(saga: &Saga) -> Result<(), Broken> {
    let amount = |money: Option<Money>| money.map_or(0, |money| money.amount());
    let (charged, refunded) = (amount(saga.captured()), amount(saga.refunded()));
    check(refunded <= charged && charged <= saga.order().price.amount(), "I6", || {
        format!("order {}: charged {charged}, refunded {refunded}", saga.key().order)
    })
}

/// I7: an order and its payment tell the same story, once nothing is under way between them.
///
/// # Errors
/// [`Broken`], with both states.
pub fn order_and_payment_agree(saga: &Saga, payment: &Payment) -> Result<(), Broken> {
    // What came to light after the end goes back whole, and the order never hears of it.
    let unheard = |amount: &Money| saga.captured().is_none() && *amount == payment.amount();
    let agree = match saga.phase() {
        Phase::Paid | Phase::Confirmed | Phase::Fulfilled => {
            *payment.state() == payment::State::Captured
        }
        Phase::Cancelled => match payment.state() {
            payment::State::Refunded(amount) => saga.refunded() == Some(*amount) || unheard(amount),
            payment::State::Refunding { amount, .. } => unheard(amount),
            payment::State::Captured => {
                saga.captured() == Some(payment.amount()) && saga.refunded().is_none()
            }
            payment::State::Declined(_) | payment::State::Voided => {
                saga.captured().is_none() && saga.refunded().is_none_or(|back| back.is_zero())
            }
            payment::State::Pending
            | payment::State::Unknown { .. }
            | payment::State::Voiding { .. }
            | payment::State::Settling { .. } => false,
        },
        Phase::Holding | Phase::Refused => false,
        Phase::Paying | Phase::Unpaid | Phase::Refunding | Phase::Releasing | Phase::Stuck => true,
    };
    check(agree && payment.order() == saga.key(), "I7", || {
        format!(
            "order {} is {}, its payment {} is {}",
            saga.key().order,
            saga.phase(),
            payment.id(),
            payment.state_name()
        )
    })
}

/// I2 to I6, what one order can be asked by itself, in turn.
///
/// # Errors
/// The first rule that is [`Broken`].
pub fn order(saga: &Saga) -> Result<(), Broken> {
    never_forgotten(saga)?;
    ends_settled(saga)?;
    holds_what_it_sells(saga)?;
    paid_before_promised(saga)?;
    refunds_at_most_the_charge(saga)
}

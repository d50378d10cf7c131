//! The engine's own machines, called one after the other: what is decided about an order, without anybody to decide it.

use surehold_domain::card::Card;
use surehold_domain::confirmation::{self, Confirmation};
use surehold_domain::id::{ConfirmationId, MarketId, OfferingId, OrderId, OrderKey, PaymentId};
use surehold_domain::inventory::{self, Inventory, Model, Offering};
use surehold_domain::money::Money;
use surehold_domain::order::Claim;
use surehold_domain::payment::{self, Payment};
use surehold_domain::quantity::Quantity;
use surehold_domain::saga::{Effect, Fact, Input, Next, Outcome, Saga, Verdict};
use surehold_domain::terms::ConfirmationTerms;
use surehold_domain::testing;
use surehold_domain::time::Timestamp;

/// All offerings together hold any number of orders.
pub const OFFERINGS: u64 = 64;
/// The time. It stands still: what is measured is not the clock.
pub const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// An order's saga at its beginning.
///
/// # Panics
/// Never: placing makes a saga.
#[must_use]
pub fn placed(number: u64, offering: u64) -> Saga {
    let mut order = testing::order();
    order.offering = OfferingId(offering);
    let key = OrderKey { market: MarketId(0), order: OrderId(number) };
    let card = Card::parse("tok_1").expect("a token is a card");
    Saga::begin(key, &Saga::place(order, Some(card), NOW)).expect("placing begins an order")
}

/// An offering that has room for everybody.
///
/// # Panics
/// Never: opening makes an inventory.
#[must_use]
pub fn opened(number: u64) -> Inventory {
    let offering = Offering {
        name: "A seat".to_owned(),
        price: testing::order().price,
        model: Model::Unlimited,
        overbook: Quantity::NONE,
        attributes: testing::order().attributes,
    };
    let opened = inventory::Event::Opened(Box::new(offering));
    let fact = inventory::Fact { at: NOW, event: opened };
    Inventory::begin(OfferingId(number), &fact).expect("opening begins an offering")
}

/// Holds what an order asks for; says whether it is held.
pub fn hold(inventory: &mut Inventory, order: OrderId, claim: Claim) -> bool {
    let verdict = inventory.decide(inventory::Input::Hold { order, claim });
    match verdict {
        inventory::Verdict::Record(event) => {
            inventory.apply(&inventory::Fact { at: NOW, event });
            true
        }
        inventory::Verdict::AlreadySo => true,
        inventory::Verdict::NotHeld(_)
        | inventory::Verdict::Uncounted
        | inventory::Verdict::BelowHeld { .. }
        | inventory::Verdict::KindHeld
        | inventory::Verdict::NotStock
        | inventory::Verdict::TooMuch => false,
    }
}

/// Takes the money; says whether it is there.
#[must_use]
pub fn charge(id: PaymentId, order: OrderKey, amount: Money, card: Option<Card>) -> bool {
    let requested = payment::Event::Requested { order, amount, card };
    let Some(mut payment) = Payment::begin(id, &payment::Fact { at: NOW, event: requested }) else {
        return false;
    };
    let captured = payment::Input::Answer(payment::Answer::Captured);
    match payment.decide(captured, NOW) {
        payment::Verdict::Record(event) => {
            payment.apply(&payment::Fact { at: NOW, event });
            payment.state_name() == "captured"
        }
        payment::Verdict::Ignore => false,
    }
}

/// Makes a confirmation; says what the order is told.
#[must_use]
pub fn confirm(id: ConfirmationId, order: OrderKey, terms: ConfirmationTerms) -> Outcome {
    let event = Confirmation::request(order, terms.by, NOW);
    let made = Confirmation::begin(id, &confirmation::Fact { at: NOW, event });
    match made.as_ref().map(Confirmation::state) {
        Some(confirmation::State::Confirmed) => Outcome::Confirmed,
        Some(confirmation::State::Waiting { .. }) => Outcome::Awaited,
        Some(confirmation::State::Rejected(_) | confirmation::State::Withdrawn) | None => {
            Outcome::Rejected(None)
        }
    }
}

/// The whole way without any actor: the same machines, called one after the other.
pub fn carried(number: u64, inventory: &mut Inventory) -> Saga {
    let mut saga = placed(number, inventory.id().0);
    while let (Some(effect), Some(id)) = (saga.effect(), saga.effect_id()) {
        let held = Outcome::Held(Next::Payment(PaymentId(number)));
        let captured = Outcome::Captured(ConfirmationId(number));
        let outcome = match effect {
            Effect::Hold { claim, .. } => hold(inventory, id.order.order, claim).then_some(held),
            Effect::Charge { payment, amount, card } => {
                charge(payment, id.order, amount, card).then_some(captured)
            }
            Effect::Confirm { confirmation, terms, .. } => {
                Some(confirm(confirmation, id.order, terms))
            }
            Effect::Refund { .. }
            | Effect::Settle { .. }
            | Effect::Release { .. }
            | Effect::Withdraw { .. }
            | Effect::Credit { .. }
            | Effect::Supply { .. } => None,
        };
        let Some(outcome) = outcome else { break };
        let Verdict::Record(event) = saga.decide(Input::Outcome(id, outcome), NOW) else { break };
        saga.apply(&Fact { at: NOW, event });
    }
    saga
}

/// An order that is confirmed and waits for its customer: one that is idle.
#[must_use]
pub fn confirmed(number: u64) -> Saga {
    carried(number, &mut opened(number % OFFERINGS))
}

#[cfg(test)]
mod tests {
    use surehold_domain::saga::Phase;

    use super::*;

    #[test]
    fn the_way_without_actors_ends_confirmed() {
        let saga = confirmed(7);
        assert_eq!((saga.phase(), saga.number()), (Phase::Confirmed, 4));
        assert_eq!(saga.effect(), None);
    }
}

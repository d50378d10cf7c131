//! Whom an order asks: one actor per offering, the payments with a gateway that answers at once, the confirmations.

use std::sync::Arc;

use surehold_domain::card::Card;
use surehold_domain::id::{ConfirmationId, EffectId, PaymentId};
use surehold_domain::inventory::Inventory;
use surehold_domain::money::Money;
use surehold_domain::order::Claim;
use surehold_domain::saga::{Outcome, Reason};
use surehold_domain::terms::ConfirmationTerms;

use super::machines::{charge, confirm, hold, opened};
use super::order::{OrderMail, Town, post};
use super::role::{Next, Role};

/// A message to an offering.
pub struct Hold {
    /// Who asks.
    pub effect: EffectId,
    /// How much.
    pub claim: Claim,
}

/// A message to the payments.
pub struct Charge {
    /// Who asks.
    pub effect: EffectId,
    /// Its number.
    pub payment: PaymentId,
    /// How much.
    pub amount: Money,
    /// What with.
    pub card: Option<Card>,
}

/// A message to the confirmations.
pub struct Confirm {
    /// Who asks.
    pub effect: EffectId,
    /// Its number.
    pub confirmation: ConfirmationId,
    /// From whom, and by when.
    pub terms: ConfirmationTerms,
}

/// An offering.
pub struct Stock {
    inventory: Inventory,
    town: Arc<Town>,
}

impl Role for Stock {
    type Mail = Hold;
    type Shelf = Arc<Town>;

    fn again(key: u64, town: &Arc<Town>) -> Self {
        Self { inventory: opened(key), town: Arc::clone(town) }
    }

    fn begin(&mut self) {}

    fn hear(&mut self, Hold { effect, claim }: Hold) -> Next {
        let order = effect.order.order;
        let answer = if hold(&mut self.inventory, order, claim) {
            OrderMail::Granted(effect)
        } else {
            OrderMail::NotHeld(effect, Reason::NoRoom, 0)
        };
        post(&self.town.orders, order.0, answer);
        Next::Stay
    }
}

/// The payments, with a gateway that answers at once.
pub struct Till {
    town: Arc<Town>,
}

impl Role for Till {
    type Mail = Charge;
    type Shelf = Arc<Town>;

    fn again(_: u64, town: &Arc<Town>) -> Self {
        Self { town: Arc::clone(town) }
    }

    fn begin(&mut self) {}

    fn hear(&mut self, Charge { effect, payment, amount, card }: Charge) -> Next {
        let order = effect.order;
        let answer = if charge(payment, order, amount, card) {
            OrderMail::Charged(effect)
        } else {
            OrderMail::Outcome(effect, Outcome::Unavailable)
        };
        post(&self.town.orders, order.order.0, answer);
        Next::Stay
    }
}

/// The confirmations, which are made at once.
pub struct Desk {
    town: Arc<Town>,
}

impl Role for Desk {
    type Mail = Confirm;
    type Shelf = Arc<Town>;

    fn again(_: u64, town: &Arc<Town>) -> Self {
        Self { town: Arc::clone(town) }
    }

    fn begin(&mut self) {}

    fn hear(&mut self, Confirm { effect, confirmation, terms }: Confirm) -> Next {
        let outcome = confirm(confirmation, effect.order, terms);
        post(&self.town.orders, effect.order.order.0, OrderMail::Outcome(effect, outcome));
        Next::Stay
    }
}

//! What must hold once nothing is left to do: everybody tells the same story, to the cent and to the
//! seat.

use std::collections::{BTreeMap, BTreeSet};

use surehold_domain::confirmation;
use surehold_domain::id::{OfferingId, OrderId};
use surehold_domain::invariants;
use surehold_domain::payment::State;
use surehold_domain::saga::{Phase, Saga};

use super::World;
use super::mileage::earns;

impl World {
    /// Whether nothing is under way any more.
    pub(crate) fn is_quiet(&self) -> bool {
        self.mail.is_empty()
            && self.gateway.wire.is_empty()
            && self.open_orders().next().is_none()
            && self.node.payments.values().all(|paid| paid.effect().is_none())
    }

    /// Looks at everything.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(crate) fn audit(&self) -> Result<(), String> {
        for saga in self.node.orders.values() {
            self.audit_order(saga)?;
        }
        self.audit_holds()?;
        for paid in self.gateway.ledger.keys() {
            if !self.node.payments.contains_key(paid) {
                return Err(format!("the gateway knows payment {paid}, and nobody else does"));
            }
        }
        Ok(())
    }

    fn audit_order(&self, saga: &Saga) -> Result<(), String> {
        let (order, phase) = (saga.key().order, saga.phase());
        if !phase.is_terminal() {
            return Err(format!("order {order} is still {phase}"));
        }
        invariants::order(saga).map_err(|broken| broken.seen)?;
        let amount =
            |money: Option<surehold_domain::money::Money>| money.map_or(0, |it| it.amount());
        let known = (amount(saga.captured()), amount(saga.refunded()));
        let (mut outside, mut inside) = ((0, 0), (0, 0));
        for paid in self.payments_of(order) {
            let flow = self.gateway.flow(paid.id());
            outside = (outside.0 + flow.0, outside.1 + flow.1);
            let whole = paid.amount().amount();
            match paid.state() {
                State::Captured => inside.0 += whole,
                State::Refunded(back) => inside = (inside.0 + whole, inside.1 + back.amount()),
                State::Declined(_) | State::Voided => {}
                State::Pending
                | State::Unknown { .. }
                | State::Voiding { .. }
                | State::Settling { .. }
                | State::Refunding { .. } => {
                    return Err(format!("payment {} of order {order} is not settled", paid.id()));
                }
            }
        }
        // Net: an order may have been charged more than once if the rest went back.
        let net = |(came, went): (i64, i64)| came - went;
        if net(outside) != net(known) || net(inside) != net(known) {
            let say = format!("it knows of {known:?}, its payments of {inside:?}");
            return Err(format!("order {order} is {phase}: {say}, the gateway of {outside:?}"));
        }
        let whole = saga.order().terms.tiers.is_empty() || saga.order().starts_at.is_none();
        if phase != Phase::Fulfilled && whole && net(outside) != 0 {
            return Err(format!("order {order} is {phase}, and {} was kept", net(outside)));
        }
        self.audit_promises(saga)
    }

    fn audit_promises(&self, saga: &Saga) -> Result<(), String> {
        let (order, phase) = (saga.key().order, saga.phase());
        let fulfilled = phase == Phase::Fulfilled;
        let earned = if fulfilled { earns(saga).unwrap_or(0) } else { 0 };
        let points = self.points(order);
        if points != earned {
            return Err(format!("order {order} is {phase} and has {points} points, not {earned}"));
        }
        for promise in self.node.confirmations.values().filter(|it| it.order().order == order) {
            let current = saga.confirmation() == Some(promise.id());
            let right = match promise.state() {
                confirmation::State::Waiting { .. } => false,
                confirmation::State::Confirmed => true,
                confirmation::State::Rejected(_) | confirmation::State::Withdrawn => {
                    !(fulfilled && current)
                }
            };
            if !right {
                let state = promise.state_name();
                return Err(format!("order {order} is {phase}, its confirmation is {state}"));
            }
        }
        Ok(())
    }

    /// The inventory and the orders agree on who holds units, and on what was brought.
    fn audit_holds(&self) -> Result<(), String> {
        let mut holders: BTreeMap<OfferingId, BTreeSet<OrderId>> = BTreeMap::new();
        let mut brought: BTreeMap<OfferingId, BTreeSet<OrderId>> = BTreeMap::new();
        for saga in self.node.orders.values() {
            let (order, offering) = (saga.key().order, saga.order().offering);
            if saga.brings().is_none() && saga.holds_units() {
                holders.entry(offering).or_default().insert(order);
            }
            if saga.brings().is_some() && saga.phase() == Phase::Fulfilled {
                brought.entry(offering).or_default().insert(order);
            }
        }
        for (id, offering) in &self.node.offerings {
            let held: BTreeSet<OrderId> = offering.holds().keys().copied().collect();
            let holders = holders.remove(id).unwrap_or_default();
            let counted = offering.offering().model.capacity().is_some();
            if counted && held != holders {
                return Err(format!(
                    "offering {id} is held by {held:?}; by the orders, {holders:?}"
                ));
            }
            let brought = brought.remove(id).unwrap_or_default();
            if *offering.receipts() != brought {
                let counted = offering.receipts();
                return Err(format!(
                    "offering {id} counted {counted:?}, and {brought:?} was brought"
                ));
            }
        }
        Ok(())
    }
}

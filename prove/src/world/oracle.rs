//! What must hold after every step.

use surehold_domain::id::{OfferingId, OrderId};
use surehold_domain::invariants;
use surehold_domain::payment::{Payment, State};

use super::{Touched, World};

impl World {
    /// Looks at what the step touched; the first thing that is wrong, if any is.
    pub(crate) fn look(&mut self) -> Option<&str> {
        for touched in std::mem::take(&mut self.touched) {
            let seen = match touched {
                Touched::Offering(offering) => self.look_at_offering(offering),
                Touched::Order(order) => self.look_at_order(order),
            };
            if let Err(what) = seen {
                self.wrong(what);
            }
        }
        self.broken.as_deref()
    }

    fn look_at_offering(&self, offering: OfferingId) -> Result<(), String> {
        let Some(offering) = self.node.offerings.get(&offering) else { return Ok(()) };
        invariants::never_oversold(offering).map_err(|broken| broken.seen)
    }

    /// Its own rules, and its money: here, at the payments, and at the gateway.
    fn look_at_order(&self, order: OrderId) -> Result<(), String> {
        let Some(saga) = self.node.orders.get(&order) else { return Ok(()) };
        invariants::order(saga).map_err(|broken| broken.seen)?;
        let (mut came, mut went, mut captures) = (0, 0, 0);
        for paid in self.payments_of(order) {
            self.look_at_payment(paid)?;
            let flow = self.gateway.flow(paid.id());
            came += flow.0;
            went += flow.1;
            captures += i64::from(flow.0 > flow.1);
        }
        if captures > 1 {
            return Err(format!("order {order} is charged {captures} times"));
        }
        let known = saga.captured().map_or(0, |money| money.amount());
        let back = saga.refunded().map_or(0, |money| money.amount());
        if known > came || back > went {
            let has = format!("the gateway took {came} and gave back {went}");
            return Err(format!("order {order} knows of {known} charged, {back} back; {has}"));
        }
        Ok(())
    }

    /// What a payment believes has happened at the gateway.
    fn look_at_payment(&self, paid: &Payment) -> Result<(), String> {
        let id = paid.id();
        let (came, went) = self.gateway.flow(id);
        let account = self.gateway.ledger.get(&id);
        if account.is_some_and(|account| account.captures.len() > 1) || went > came {
            return Err(format!("payment {id}: {came} came and {went} went back"));
        }
        let awaited = self.gateway.is_awaited(id);
        let right = match paid.state() {
            State::Pending
            | State::Unknown { .. }
            | State::Voiding { .. }
            | State::Settling { .. } => went == 0,
            State::Captured => came > 0 && went == 0,
            State::Refunding { .. } => came > 0,
            State::Refunded(amount) => came > 0 && went == amount.amount(),
            // A decline holds, even if the same charge still comes by.
            State::Declined(_) => came == 0 && (!awaited || account.is_some_and(|it| it.declined)),
            State::Voided => came == 0 && (!awaited || account.is_some_and(|it| it.declined)),
        };
        if right {
            return Ok(());
        }
        let has = if awaited { ", and a charge is on its way" } else { "" };
        let state = paid.state();
        Err(format!("payment {id} is {state:?}; the gateway took {came}, gave back {went}{has}"))
    }
}

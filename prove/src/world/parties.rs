//! Those an order asks, but for the payments and the mileage: the inventory and the confirmations.

use surehold_domain::confirmation::{self, Confirmation};
use surehold_domain::id::{ConfirmationId, EffectId, OfferingId};
use surehold_domain::inventory;
use surehold_domain::order::Claim;
use surehold_domain::payment;
use surehold_domain::quantity::Quantity;
use surehold_domain::saga::{Effect, Outcome, Party, Reason};
use surehold_domain::terms::ConfirmationTerms;

use super::{Entry, Said, World};

/// What an operator says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Yes.
    Yes,
    /// No.
    No,
}

impl World {
    /// A party does what it is asked and answers.
    pub(super) fn serve(&mut self, id: EffectId, effect: Effect, number: u32) {
        match effect {
            Effect::Hold { offering, claim } => self.hold(id, offering, claim, number),
            Effect::Release { offering } => {
                let order = id.order.order;
                self.change(offering, inventory::Input::Release { order });
                self.answer(id, Said::Plain(Outcome::Released));
            }
            Effect::Supply { offering, quantity } => self.receive(id, offering, quantity),
            Effect::Charge { payment, amount, .. } => self.charge(id, payment, amount),
            Effect::Refund { payment, amount } => {
                self.undo(id, payment, payment::Input::Refund(amount));
            }
            Effect::Settle { payment } => self.undo(id, payment, payment::Input::Settle),
            Effect::Confirm { confirmation, terms, demanded } => {
                self.confirm(id, confirmation, terms, demanded);
            }
            Effect::Withdraw { confirmation } => self.withdraw(id, confirmation),
            Effect::Credit { points } => self.credit(id, points),
        }
    }

    /// Decide, apply, append; `None` when there is no such offering.
    pub(crate) fn change(
        &mut self,
        offering: OfferingId,
        input: inventory::Input,
    ) -> Option<inventory::Verdict> {
        let verdict = self.node.offerings.get(&offering)?.decide(input);
        if let inventory::Verdict::Record(event) = &verdict {
            let fact = inventory::Fact { at: self.now, event: event.clone() };
            self.record(Entry::Inventory(offering, fact));
        }
        Some(verdict)
    }

    /// An order that was told no is told the same again: a yes after it would be held for ever.
    fn hold(&mut self, id: EffectId, offering: OfferingId, claim: Claim, number: u32) {
        let order = id.order.order;
        if let Some(reason) = self.refused.get(&(offering, order)) {
            return self.answer(id, Said::NotHeld(reason.clone(), number));
        }
        let reason = match self.change(offering, inventory::Input::Hold { order, claim }) {
            Some(inventory::Verdict::Record(_) | inventory::Verdict::AlreadySo) => {
                return self.answer(id, Said::Granted);
            }
            Some(inventory::Verdict::NotHeld(reason)) => reason,
            Some(
                inventory::Verdict::BelowHeld { .. }
                | inventory::Verdict::Uncounted
                | inventory::Verdict::KindHeld
                | inventory::Verdict::NotStock
                | inventory::Verdict::TooMuch,
            )
            | None => Reason::OfferingClosed,
        };
        self.refused.insert((offering, order), reason.clone());
        self.answer(id, Said::NotHeld(reason, number));
    }

    /// What an order brought is counted once, however often the order asks.
    fn receive(&mut self, id: EffectId, offering: OfferingId, quantity: Quantity) {
        let input = inventory::Input::Receive { order: id.order.order, quantity };
        match self.change(offering, input) {
            Some(inventory::Verdict::TooMuch) => {}
            Some(
                inventory::Verdict::Record(_)
                | inventory::Verdict::AlreadySo
                | inventory::Verdict::NotStock
                | inventory::Verdict::NotHeld(_)
                | inventory::Verdict::BelowHeld { .. }
                | inventory::Verdict::Uncounted
                | inventory::Verdict::KindHeld,
            )
            | None => self.answer(id, Said::Plain(Outcome::Supplied)),
        }
    }

    fn confirm(
        &mut self,
        id: EffectId,
        number: ConfirmationId,
        terms: ConfirmationTerms,
        demanded: bool,
    ) {
        if !self.node.confirmations.contains_key(&number) {
            let until = self.now.plus(terms.within);
            self.record_promise(number, Confirmation::request(id.order, terms.by, until));
        }
        if demanded {
            self.promise(number, confirmation::Input::Confirm);
        }
        self.announce(id, number);
    }

    /// Says how a confirmation stands.
    fn announce(&mut self, id: EffectId, number: ConfirmationId) {
        let Some(promise) = self.node.confirmations.get(&number) else { return };
        let outcome = match promise.state() {
            confirmation::State::Waiting { .. } => Outcome::Awaited,
            confirmation::State::Confirmed => Outcome::Confirmed,
            confirmation::State::Rejected(why) => Outcome::Rejected(why.clone()),
            confirmation::State::Withdrawn => return,
        };
        self.answer(id, Said::Plain(outcome));
    }

    fn withdraw(&mut self, id: EffectId, number: ConfirmationId) {
        if self.node.confirmations.contains_key(&number) {
            self.promise(number, confirmation::Input::Withdraw);
        } else {
            // It never came to the queue; a late request must find it settled.
            self.record_promise(number, confirmation::Event::Abandoned { order: id.order });
        }
        self.answer(id, Said::Plain(Outcome::Withdrawn));
    }

    fn promise(&mut self, number: ConfirmationId, input: confirmation::Input) {
        let verdict = self.node.confirmations.get(&number).map(|promise| promise.decide(input));
        if let Some(confirmation::Verdict::Record(event)) = verdict {
            self.record_promise(number, event);
        }
    }

    fn record_promise(&mut self, number: ConfirmationId, event: confirmation::Event) {
        self.record(Entry::Confirmation(number, confirmation::Fact { at: self.now, event }));
    }

    /// The operator speaks; the order is told under the name of what it waits for.
    pub(crate) fn speak(&mut self, number: ConfirmationId, word: Word) {
        if self.stopped.contains(&Party::Confirmations) {
            return;
        }
        let Some(promise) = self.node.confirmations.get(&number) else { return };
        let order = promise.order().order;
        self.say(|_| format!("the operator on confirmation {number}: {word:?}"));
        self.promise(
            number,
            match word {
                Word::Yes => confirmation::Input::Confirm,
                Word::No => confirmation::Input::Reject(Some("fully booked".to_owned())),
            },
        );
        if let Some(id) = self.node.orders.get(&order).and_then(|saga| saga.effect_id()) {
            self.announce(id, number);
        }
    }
}

//! Those an order asks: the inventory, the payments with their gateway, the confirmations. The
//! mileage is in `mileage`.

use surehold_domain::confirmation::{self, Confirmation};
use surehold_domain::id::{ConfirmationId, EffectId, OrderId, PaymentId};
use surehold_domain::inventory;
use surehold_domain::money::Money;
use surehold_domain::payment::{self, Answer, Payment};
use surehold_domain::quantity::Quantity;
use surehold_domain::saga::{Effect, Outcome, Phase};
use surehold_domain::terms::{ConfirmationTerms, ConfirmedBy};

use super::{Act, Entry, Message, Mood, Said, Word, World};
use crate::check::{euro, span};

fn refunded(amount: Money) -> Said {
    Said::Plain(Outcome::Refunded(amount))
}

impl World {
    /// A party does what it is asked and answers.
    pub(super) fn serve(&mut self, id: EffectId, effect: Effect) {
        let order = id.order.order;
        match effect {
            Effect::Hold { claim, .. } => self.hold(id, inventory::Input::Hold { order, claim }),
            Effect::Release { .. } => self.hold(id, inventory::Input::Release { order }),
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
            Effect::Supply { quantity, .. } => self.receive(id, quantity),
        }
    }

    pub(super) fn answer(&mut self, id: EffectId, said: Said) {
        self.queue.push_back(Message::Answer(id, said));
    }

    fn hold(&mut self, id: EffectId, input: inventory::Input) {
        let done = match &input {
            inventory::Input::Release { .. } => Said::Plain(Outcome::Released),
            inventory::Input::Hold { .. }
            | inventory::Input::Change { .. }
            | inventory::Input::Receive { .. }
            | inventory::Input::Adjust { .. }
            | inventory::Input::Close => Said::Held,
        };
        if let (Said::Held, Some(reason)) = (&done, self.refused.get(&id.order.order)) {
            return self.answer(id, Said::Plain(Outcome::NotHeld(reason.clone())));
        }
        match self.node.inventory.decide(input) {
            inventory::Verdict::Record(event) => {
                if self.record(Entry::Inventory(inventory::Fact { at: self.now, event })) {
                    self.answer(id, done);
                }
            }
            inventory::Verdict::AlreadySo => self.answer(id, done),
            inventory::Verdict::NotHeld(reason) => {
                self.refused.insert(id.order.order, reason.clone());
                self.answer(id, Said::Plain(Outcome::NotHeld(reason)))
            }
            inventory::Verdict::BelowHeld { .. }
            | inventory::Verdict::Uncounted
            | inventory::Verdict::KindHeld
            | inventory::Verdict::NotStock
            | inventory::Verdict::TooMuch => {}
        }
    }

    /// What an order brought is counted once, however often the order asks.
    fn receive(&mut self, id: EffectId, quantity: Quantity) {
        let input = inventory::Input::Receive { order: id.order.order, quantity };
        match self.node.inventory.decide(input) {
            inventory::Verdict::Record(event) => {
                if self.record(Entry::Inventory(inventory::Fact { at: self.now, event })) {
                    self.answer(id, Said::Plain(Outcome::Supplied));
                }
            }
            inventory::Verdict::AlreadySo => self.answer(id, Said::Plain(Outcome::Supplied)),
            verdict @ (inventory::Verdict::NotHeld(_)
            | inventory::Verdict::BelowHeld { .. }
            | inventory::Verdict::Uncounted
            | inventory::Verdict::KindHeld
            | inventory::Verdict::NotStock
            | inventory::Verdict::TooMuch) => {
                panic!("what was brought is not counted: {verdict:?}")
            }
        }
    }

    fn charge(&mut self, id: EffectId, payment: PaymentId, amount: Money) {
        self.wanted.insert(payment, id);
        if self.node.payments.contains_key(&payment) {
            return self.report(payment);
        }
        let requested = payment::Event::Requested { order: id.order, amount, card: None };
        let alive = self.record_payment(payment, requested);
        if alive && self.gateway.mood == Mood::Down {
            // Never sent, and never will be: remembered, in case the same ask comes twice.
            self.record_payment(payment, payment::Event::Voided);
            self.report(payment);
        }
    }

    fn undo(&mut self, id: EffectId, payment: PaymentId, input: payment::Input) {
        self.wanted.insert(payment, id);
        let Some(paid) = self.node.payments.get(&payment) else {
            // The ask to charge was lost: nothing was, and asks keep their order, so nothing will be.
            return self.answer(id, refunded(euro(0)));
        };
        if let payment::Verdict::Record(event) = paid.decide(input, self.now)
            && !self.record_payment(payment, event)
        {
            return;
        }
        self.report(payment);
    }

    /// Tells the order that asked last how its payment stands, if it stands.
    fn report(&mut self, payment: PaymentId) {
        let Some(id) = self.wanted.get(&payment).copied() else { return };
        let (Some(paid), Some(saga)) =
            (self.node.payments.get(&payment), self.node.orders.get(&id.order.order))
        else {
            return;
        };
        let refunding = saga.phase() == Phase::Refunding;
        let said = match paid.state() {
            payment::State::Captured => Said::Captured,
            payment::State::Declined(why) if !refunding => {
                Said::Plain(Outcome::Declined(why.clone()))
            }
            payment::State::Voided if !refunding => Said::Plain(Outcome::Unavailable),
            payment::State::Declined(_) | payment::State::Voided => refunded(euro(0)),
            payment::State::Refunded(amount) => refunded(*amount),
            payment::State::Pending
            | payment::State::Unknown { .. }
            | payment::State::Voiding { .. }
            | payment::State::Settling { .. }
            | payment::State::Refunding { .. } => return,
        };
        self.answer(id, said);
    }

    fn record_payment(&mut self, payment: PaymentId, event: payment::Event) -> bool {
        self.record(Entry::Payment(payment, payment::Fact { at: self.now, event }))
    }

    /// Calls the gateway for every payment that is due, once everything so far is on disk.
    pub(crate) fn call_gateway(&mut self) -> bool {
        let due = |paid: &&Payment| {
            paid.effect().is_some_and(|(_, at)| at <= self.now)
                && self.called.get(&paid.id()) != Some(&paid.number())
        };
        let due: Vec<Payment> = self.node.payments.values().filter(due).cloned().collect();
        for paid in &due {
            self.durable = self.journal.len();
            self.called.insert(paid.id(), paid.number());
            let Some((effect, _)) = paid.effect() else { continue };
            let answer = self.gateway.call(paid.id(), effect, paid.amount(), self.now);
            let (payment, asked_at) = (paid.id(), self.now);
            self.queue.push_back(Message::Gateway { payment, answer, asked_at });
        }
        !due.is_empty()
    }

    pub(super) fn gateway_said(&mut self, payment: PaymentId, answer: Answer) {
        let Some(paid) = self.node.payments.get(&payment) else { return };
        let input = payment::Input::Answer(answer);
        if let payment::Verdict::Record(event) = paid.decide(input, self.now)
            && self.record_payment(payment, event)
        {
            self.report(payment);
        }
    }

    fn confirm(
        &mut self,
        id: EffectId,
        number: ConfirmationId,
        terms: ConfirmationTerms,
        demanded: bool,
    ) {
        let event = match self.node.confirmations.get(&number) {
            None => {
                let by = if demanded { ConfirmedBy::Auto } else { terms.by };
                Some(Confirmation::request(id.order, by, self.now.plus(terms.within)))
            }
            Some(promise) if demanded => match promise.decide(confirmation::Input::Confirm) {
                confirmation::Verdict::Record(event) => Some(event),
                confirmation::Verdict::Settled => None,
            },
            Some(_) => None,
        };
        if event.is_none_or(|event| self.record_confirmation(number, event)) {
            self.announce(id, number);
        }
    }

    /// Says how a confirmation stands.
    pub(super) fn announce(&mut self, id: EffectId, number: ConfirmationId) {
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
        let event = match self.node.confirmations.get(&number) {
            None => Some(confirmation::Event::Abandoned { order: id.order }),
            Some(promise) => match promise.decide(confirmation::Input::Withdraw) {
                confirmation::Verdict::Record(event) => Some(event),
                confirmation::Verdict::Settled => None,
            },
        };
        if event.is_none_or(|event| self.record_confirmation(number, event)) {
            self.answer(id, Said::Plain(Outcome::Withdrawn));
        }
    }

    fn record_confirmation(&mut self, id: ConfirmationId, event: confirmation::Event) -> bool {
        if matches!(event, confirmation::Event::Queued { .. }) && self.operator != Word::Nothing {
            self.agenda.push((self.now.plus(span("1 h")), Act::Speak(id, self.operator)));
        }
        self.record(Entry::Confirmation(id, confirmation::Fact { at: self.now, event }))
    }

    /// The operator speaks; the order is told under the name of what it waits for.
    pub(crate) fn speak(&mut self, number: ConfirmationId, word: Word) {
        let input = match word {
            Word::Yes => confirmation::Input::Confirm,
            Word::No => confirmation::Input::Reject(Some("fully booked".to_owned())),
            Word::Nothing => return,
        };
        let Some(promise) = self.node.confirmations.get(&number) else { return };
        let order: OrderId = promise.order().order;
        if let confirmation::Verdict::Record(event) = promise.decide(input)
            && !self.record_confirmation(number, event)
        {
            // The operator saw no answer, and asks again.
            return self.agenda.push((self.now.plus(span("1 min")), Act::Speak(number, word)));
        }
        if let Some(id) = self.node.orders.get(&order).and_then(|saga| saga.effect_id()) {
            self.announce(id, number);
        }
    }
}

//! The shell of an order, and the customers who place, pay, cancel.

use surehold_domain::attributes::Attributes;
use surehold_domain::card::Card;
use surehold_domain::id::{ConfirmationId, EffectId, OrderId, PaymentId};
use surehold_domain::order::Order;
use surehold_domain::saga::{
    Command, Effect, Fact, Input, Need, Next, Outcome, Party, Reason, Saga, Verdict,
};

use super::{Entry, Message, Said, Time, World};

/// What everybody pays with: a token, so that an order that was turned away can be charged later.
pub(crate) fn card() -> Card {
    Card::Token("tok".to_owned())
}

impl World {
    /// A customer places an order, perhaps under a key that was used: then it is the same order.
    pub(crate) fn place(&mut self, order: Order, used: Option<u64>) -> OrderId {
        if let Some(found) = used.and_then(|used| self.node.keys.get(&used)).copied() {
            self.say(|_| format!("the same request again: order {found}"));
            return found;
        }
        self.numbers.order += 1;
        let id = OrderId(self.numbers.order);
        let fact = Saga::place(order, Some(card()), self.now);
        self.record(Entry::Order(id, fact, used));
        self.ask(id, false);
        id
    }

    /// A customer's or an operator's command.
    pub(crate) fn command(&mut self, order: OrderId, command: Command) {
        self.say(|_| format!("somebody wants order {order} to {}", command.name()));
        self.tell(order, Input::Command(command));
    }

    /// The command to pay, with the number the payment will have.
    pub(crate) fn pay(&mut self, order: OrderId) {
        self.numbers.payment += 1;
        let payment = PaymentId(self.numbers.payment);
        self.command(order, Command::Pay { payment, card: card() });
    }

    /// The command to cancel.
    pub(crate) fn cancel(&mut self, order: OrderId) {
        let (note, quote, attributes) = (None, None, Attributes::new());
        self.command(order, Command::Cancel { note, quote, attributes });
    }

    /// An order's deadline has passed.
    pub(crate) fn wake(&mut self, order: OrderId) {
        self.say(|_| format!("the deadline of order {order} passes"));
        let told = self.tell(order, Input::Wake);
        let deadline = self.node.orders.get(&order).and_then(|saga| saga.deadline());
        if deadline.is_some_and(|until| until <= self.now) {
            self.wrong(format!("order {order} was woken and waits for the past: {told:?}"));
        }
        // Woken, an order asks in any case. Where every message may come twice anyway, once will do.
        let asked = matches!(self.mail.last(), Some(Message::Ask { id, .. }) if self.is_owed(*id));
        if self.time == Time::Passes || !asked {
            self.ask(order, true);
        }
    }

    /// The order asks again for what it is owed: the answer may have been lost.
    pub(crate) fn nudge(&mut self, order: OrderId) {
        self.say(|_| format!("order {order} asks again"));
        self.ask(order, true);
    }

    /// The gateway answers again: an order that waits for that is paid with what it has.
    pub(crate) fn payments_back(&mut self, order: OrderId) {
        let waits = self.node.orders.get(&order).is_some_and(|saga| saga.waits_for_payments());
        if waits && !self.breaker_open && !self.stopped.contains(&Party::Payments) {
            self.numbers.payment += 1;
            self.tell(order, Input::PaymentsBack(PaymentId(self.numbers.payment)));
        }
    }

    /// Decide, apply, append, speak: the whole of an order's shell.
    pub(crate) fn tell(&mut self, order: OrderId, input: Input) -> Option<Verdict> {
        let saga = self.node.orders.get(&order)?;
        let owed = (saga.effect_id(), saga.effect());
        let verdict = saga.decide(input, self.now);
        if let Verdict::Record(event) = &verdict {
            let fact = Fact { at: self.now, event: event.clone() };
            self.record(Entry::Order(order, fact, None));
            let saga = self.node.orders.get(&order)?;
            if owed != (saga.effect_id(), saga.effect()) {
                self.ask(order, false);
            }
        }
        Some(verdict)
    }

    /// Asks for the outstanding effect; where nobody is there, the outcome comes at once.
    pub(crate) fn ask(&mut self, order: OrderId, again: bool) {
        let Some(saga) = self.node.orders.get(&order) else { return };
        let inquiry = if again { saga.inquiry() } else { None };
        let Some(effect) = saga.effect().or(inquiry) else { return };
        let Some(id) = saga.effect_id() else { return };
        if !self.stopped.contains(&effect.party()) {
            return self.send(id, effect);
        }
        let outcome = match effect {
            // What was asked for before may have been done: only its answer tells.
            Effect::Hold { .. } if !again => Outcome::NotHeld(Reason::InventoryUnavailable),
            Effect::Charge { .. } if !again => Outcome::Unavailable,
            Effect::Credit { .. } => Outcome::NotCredited,
            Effect::Hold { .. }
            | Effect::Charge { .. }
            | Effect::Confirm { .. }
            | Effect::Refund { .. }
            | Effect::Settle { .. }
            | Effect::Release { .. }
            | Effect::Withdraw { .. }
            | Effect::Supply { .. } => return,
        };
        self.tell(order, Input::Outcome(id, outcome));
    }

    /// A party's answer arrives; numbers are given only to one that is still wanted.
    pub(crate) fn answered(&mut self, id: EffectId, said: Said) {
        let order = id.order.order;
        let Some(saga) = self.node.orders.get(&order) else { return };
        let wanted = saga.effect_id() == Some(id);
        let outcome = match said {
            Said::Plain(outcome) => outcome,
            Said::NotHeld(..) if !wanted => return,
            Said::NotHeld(_, number) if self.latest.get(&order) != Some(&number) => return,
            Said::NotHeld(reason, _) => Outcome::NotHeld(reason),
            Said::Granted if wanted => Outcome::Held(self.next(order)),
            Said::Granted => {
                // Nobody wants what was granted so late: it goes back.
                if saga.phase().is_terminal() && !saga.holds_units() {
                    let offering = saga.order().offering;
                    self.send(id, Effect::Release { offering });
                }
                return;
            }
            Said::Charged if wanted => {
                self.numbers.confirmation += 1;
                Outcome::Captured(ConfirmationId(self.numbers.confirmation))
            }
            Said::Charged => return,
        };
        self.tell(order, Input::Outcome(id, outcome));
    }

    /// The number an order needs once its units are held.
    fn next(&mut self, order: OrderId) -> Next {
        let Some(saga) = self.node.orders.get(&order) else { return Next::Nothing };
        let points = saga.order().terms.mileage.is_some_and(|mileage| mileage.sync);
        match saga.needs() {
            Need::Payment if self.stopped.contains(&Party::Payments) => Next::PaymentsDown,
            Need::Payment if points && self.stopped.contains(&Party::Mileage) => Next::MileageDown,
            Need::Payment if self.breaker_open => Next::PaymentsDown,
            Need::Payment => {
                self.numbers.payment += 1;
                Next::Payment(PaymentId(self.numbers.payment))
            }
            Need::Confirmation => {
                self.numbers.confirmation += 1;
                Next::Confirmation(ConfirmationId(self.numbers.confirmation))
            }
            Need::Nothing => Next::Nothing,
        }
    }
}

//! What is on its way inside the node, and what it may overtake.

use surehold_domain::id::{EffectId, OrderId, PaymentId};
use surehold_domain::payment::{self, Answer};
use surehold_domain::saga::{Effect, Outcome, Party, Reason};
use surehold_domain::time::Timestamp;

use super::{CALL_MAX, Time, World};

/// What a party says to an order; the order's shell adds the numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    /// The units are held.
    Granted,
    /// They are not; which ask this answers. A no to an ask that was repeated since says nothing: an
    /// inventory that died in between may say yes to the next.
    NotHeld(Reason, u32),
    /// The money is there.
    Charged,
    /// Anything that needs no number.
    Plain(Outcome),
}

/// A message, or a call that leaves the node.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    /// An order asks a party.
    Ask {
        id: EffectId,
        effect: Effect,
        /// Which ask of this life it is.
        number: u32,
    },
    /// A party answers an order.
    Answer { id: EffectId, said: Said },
    /// A call to the gateway, waiting for the disk; without an effect it waits for its time, and
    /// asks for what is owed then.
    Call { payment: PaymentId, effect: Option<payment::Effect> },
    /// The gateway's answer.
    Back { payment: PaymentId, answer: Answer, asked_at: Timestamp },
}

impl Message {
    /// In one line.
    pub(crate) fn line(&self) -> String {
        match self {
            Message::Ask { id, effect, .. } => {
                format!("order {} asks: {} ({})", id.order.order, effect.name(), id.number)
            }
            Message::Answer { id, said } => {
                format!("answer to order {} ({}): {said:?}", id.order.order, id.number)
            }
            Message::Call { payment, effect } => match effect {
                Some(effect) => format!("call for payment {payment}: {effect:?}"),
                None => format!("next call for payment {payment}"),
            },
            Message::Back { payment, answer, .. } => {
                format!("the gateway on payment {payment}: {answer:?}")
            }
        }
    }

    /// To whom it goes, among those that run inside the node; `None` for an order.
    pub(crate) fn party(&self) -> Option<Party> {
        match self {
            Message::Ask { effect, .. } => Some(effect.party()),
            Message::Answer { .. } => None,
            Message::Call { .. } | Message::Back { .. } => Some(Party::Payments),
        }
    }

    fn asker(&self) -> Option<(OrderId, Party)> {
        match self {
            Message::Ask { id, effect, .. } => Some((id.order.order, effect.party())),
            Message::Answer { .. } | Message::Call { .. } | Message::Back { .. } => None,
        }
    }
}

impl World {
    /// Whether a message may arrive now: asks from one order to one party stay in their order.
    pub(crate) fn is_next(&self, at: usize) -> bool {
        match self.mail.get(at) {
            None | Some(Message::Call { .. }) => false,
            Some(message) => match message.asker() {
                None => true,
                asker => self.mail[..at].iter().all(|before| before.asker() != asker),
            },
        }
    }

    /// Whether this is a call that may leave: calls for one payment leave in their order.
    pub(crate) fn is_call(&self, at: usize) -> bool {
        let Some(Message::Call { payment, .. }) = self.mail.get(at) else { return false };
        let same =
            |before: &Message| matches!(before, Message::Call { payment: it, .. } if it == payment);
        !self.mail[..at].iter().any(same)
    }

    /// A message arrives.
    pub(crate) fn deliver(&mut self, at: usize) {
        let message = self.mail.remove(at);
        self.say(|_| format!("arrives: {}", message.line()));
        self.hand_over(message);
    }

    pub(crate) fn hand_over(&mut self, message: Message) {
        if message.party().is_some_and(|party| self.stopped.contains(&party)) {
            return;
        }
        match message {
            Message::Ask { id, effect, number } => self.serve(id, effect, number),
            Message::Answer { id, said } => self.answered(id, said),
            Message::Call { .. } => {}
            Message::Back { payment, answer, asked_at } => {
                let late = self.time == Time::Passes && self.outside.since(asked_at) > CALL_MAX;
                let answer = if late { Answer::Unknown("timeout".to_owned()) } else { answer };
                self.gateway_said(payment, answer, asked_at);
            }
        }
    }

    /// A message is lost. A call to the gateway always comes back, if only to say that nothing did.
    pub(crate) fn lose(&mut self, at: usize) {
        let message = self.mail.remove(at);
        self.say(|_| format!("is lost: {}", message.line()));
        match message {
            Message::Back { payment, asked_at, .. } => {
                let answer = Answer::Unknown("lost".to_owned());
                self.mail.insert(at, Message::Back { payment, answer, asked_at });
            }
            call @ Message::Call { .. } => self.mail.insert(at, call),
            Message::Ask { .. } | Message::Answer { .. } => {}
        }
    }

    /// A message arrives twice, once now.
    pub(crate) fn double(&mut self, at: usize) {
        let message = self.mail[at].clone();
        self.say(|_| format!("arrives twice, now and again: {}", message.line()));
        self.hand_over(message);
    }

    /// An order asks a party.
    pub(crate) fn send(&mut self, id: EffectId, effect: Effect) {
        self.asks += 1;
        self.latest.insert(id.order.order, self.asks);
        self.mail.push(Message::Ask { id, effect, number: self.asks });
    }

    pub(crate) fn answer(&mut self, id: EffectId, said: Said) {
        self.mail.push(Message::Answer { id, said });
    }
}

//! An order in a shell, and the town it lives in. The machine is the engine's own, and so are the messages' shapes; what is
//! missing is the disk: facts are applied and not written.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use surehold_domain::id::{ConfirmationId, EffectId, PaymentId};
use surehold_domain::saga::{
    Command, Effect, Fact, Input, Need, Next as Follows, Outcome, Phase, Reason, Saga, Verdict,
};
use tokio::sync::{mpsc, oneshot};

use super::machines::{NOW, confirmed, placed};
use super::parties::{Charge, Confirm, Hold};
use super::role::{Brood, Count, Next, Role};

/// A message to an order. Variants as the engine's, so that it is as large.
pub enum OrderMail {
    /// The world answers an effect.
    Outcome(EffectId, Outcome),
    /// The inventory granted the hold.
    Granted(EffectId),
    /// It did not; the number is that of the ask it answers.
    NotHeld(EffectId, Reason, u64),
    /// The gateway has the money.
    Charged(EffectId),
    /// Somebody asks for something and waits for where it led to.
    Command(Command, oneshot::Sender<Phase>),
    /// Somebody asks whether it lives.
    Look(oneshot::Sender<Phase>),
    /// A fault on demand.
    Crash,
}

/// The way to all actors of one role.
pub type Post<M> = Box<dyn Fn(u64, M) -> bool + Send + Sync>;

/// What all actors share.
pub struct Town {
    /// To the orders, by number.
    pub orders: OnceLock<Post<OrderMail>>,
    /// To the offerings, by number.
    pub offerings: OnceLock<Post<Hold>>,
    /// To the payments.
    pub payments: OnceLock<Post<Charge>>,
    /// To the confirmations.
    pub confirmations: OnceLock<Post<Confirm>>,
    /// Orders that are confirmed.
    pub done: mpsc::UnboundedSender<u64>,
    /// Orders whose life began.
    pub begun: Arc<Count>,
    numbers: AtomicU64,
}

impl Town {
    /// Nobody lives here yet. The other end hears of orders that are done.
    #[must_use]
    pub fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<u64>) {
        let (done, heard) = mpsc::unbounded_channel();
        let town = Self {
            orders: OnceLock::new(),
            offerings: OnceLock::new(),
            payments: OnceLock::new(),
            confirmations: OnceLock::new(),
            done,
            begun: Arc::default(),
            numbers: AtomicU64::new(1),
        };
        (Arc::new(town), heard)
    }

    fn next(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

/// Sends, if the town has somebody for that.
pub fn post<M>(to: &OnceLock<Post<M>>, key: u64, mail: M) {
    if let Some(post) = to.get() {
        post(key, mail);
    }
}

/// Makes a brood the way to its actors.
pub fn reach<R: Role>(way: &OnceLock<Post<R::Mail>>, brood: &impl Brood<R>) {
    let brood = brood.clone();
    let _ = way.set(Box::new(move |key, mail| brood.tell(key, mail)));
}

/// An order, and the town it is in.
pub struct Order {
    saga: Saga,
    town: Arc<Town>,
}

impl Order {
    /// One that begins.
    #[must_use]
    pub fn placed(number: u64, offering: u64, town: &Arc<Town>) -> Self {
        Self { saga: placed(number, offering), town: Arc::clone(town) }
    }

    /// Decide, apply, speak.
    fn step(&mut self, input: Input) -> Next {
        if let Verdict::Record(event) = self.saga.decide(input, NOW) {
            self.saga.apply(&Fact { at: NOW, event });
            return self.speak();
        }
        Next::Stay
    }

    fn speak(&self) -> Next {
        let (Some(effect), Some(id)) = (self.saga.effect(), self.saga.effect_id()) else {
            let _ = self.town.done.send(self.saga.key().order.0);
            return Next::Rest;
        };
        match effect {
            Effect::Hold { offering, claim } => {
                post(&self.town.offerings, offering.0, Hold { effect: id, claim });
            }
            Effect::Charge { payment, amount, card } => {
                post(&self.town.payments, 0, Charge { effect: id, payment, amount, card });
            }
            Effect::Confirm { confirmation, terms, .. } => {
                post(&self.town.confirmations, 0, Confirm { effect: id, confirmation, terms });
            }
            Effect::Refund { .. }
            | Effect::Settle { .. }
            | Effect::Release { .. }
            | Effect::Withdraw { .. }
            | Effect::Credit { .. }
            | Effect::Supply { .. } => {}
        }
        Next::Stay
    }

    fn held(&self) -> Outcome {
        Outcome::Held(match self.saga.needs() {
            Need::Payment => Follows::Payment(PaymentId(self.town.next())),
            Need::Confirmation => Follows::Confirmation(ConfirmationId(self.town.next())),
            Need::Nothing => Follows::Nothing,
        })
    }
}

impl Role for Order {
    type Mail = OrderMail;
    type Shelf = Arc<Town>;

    fn again(key: u64, town: &Arc<Town>) -> Self {
        Self { saga: confirmed(key), town: Arc::clone(town) }
    }

    fn begin(&mut self) {
        self.town.begun.add();
        // One that is confirmed waits for its customer.
        if self.saga.effect().is_some() {
            self.speak();
        }
    }

    fn hear(&mut self, mail: OrderMail) -> Next {
        match mail {
            OrderMail::Outcome(id, outcome) => self.step(Input::Outcome(id, outcome)),
            OrderMail::Granted(id) => self.step(Input::Outcome(id, self.held())),
            OrderMail::NotHeld(id, reason, _) => {
                self.step(Input::Outcome(id, Outcome::NotHeld(reason)))
            }
            OrderMail::Charged(id) => {
                let confirmation = ConfirmationId(self.town.next());
                self.step(Input::Outcome(id, Outcome::Captured(confirmation)))
            }
            OrderMail::Command(command, reply) => {
                let next = self.step(Input::Command(command));
                let _ = reply.send(self.saga.phase());
                next
            }
            OrderMail::Look(reply) => {
                let _ = reply.send(self.saga.phase());
                Next::Stay
            }
            OrderMail::Crash => panic!("order {} was told to crash", self.saga.key().order),
        }
    }
}

//! The shell around one offering: grants and takes back holds, one at a time.
//!
//! All holds of an offering pass through here, so two customers can never get the same unit. The
//! answer goes out at once; it becomes binding with the order's own record, which the journal puts
//! after the hold's.

use std::collections::VecDeque;
use std::sync::Arc;

use surehold_domain::id::{EffectId, OrderId};
use surehold_domain::inventory::{Event, Fact, Input, Inventory, Patch, Verdict};
use surehold_domain::order::Claim;
use surehold_domain::quantity::Quantity;
use surehold_domain::saga::{Outcome, Reason};
use tokio::sync::oneshot;

use crate::order::OrderMsg;
use crate::post::Post;
use crate::shelf::ShelfError;
use crate::shell::Shell;
use crate::stream::OfferingKey;

/// A message to an offering.
pub enum InventoryMsg {
    /// Hold units for the order that asks.
    Hold {
        /// Who asks.
        effect: EffectId,
        /// How much.
        claim: Claim,
        /// The number of the ask, for the answer.
        ask: u64,
    },
    /// Take the order's units back.
    Release {
        /// Who asks.
        effect: EffectId,
    },
    /// Count what the order brought.
    Receive {
        /// Who asks.
        effect: EffectId,
        /// How much.
        quantity: Quantity,
    },
    /// Correct the stock by hand.
    Adjust {
        /// By how much.
        quantity: Quantity,
        /// Whether there is more than was thought.
        up: bool,
        /// Where to say what became of it.
        reply: oneshot::Sender<ChangeReply>,
    },
    /// Change what is sold.
    Change(Box<Patch>, oneshot::Sender<ChangeReply>),
    /// Sell no more of it.
    Close(oneshot::Sender<ChangeReply>),
    /// A fault on demand.
    Crash,
}

/// What a change came to.
#[derive(Debug)]
pub enum ChangeReply {
    /// The offering stands like this, once the sequence is durable.
    Done(Box<Inventory>, u64),
    /// The change would leave less than is held.
    BelowHeld(Quantity),
    /// What was sold without a limit was not counted.
    Uncounted,
    /// Units are held, and they would be counted in another way.
    KindHeld,
    /// Only stock is received and adjusted.
    NotStock,
    /// More than can be counted.
    TooMuch,
    /// There is no such offering.
    NoSuchOffering,
}

/// One live offering: the actor.
pub struct InventoryState {
    key: OfferingKey,
    post: Arc<Post>,
    live: Option<(Inventory, u64)>,
    /// Orders that were told no. Asked again, because the answer was lost, they are told the same:
    /// an order that heard no once would leave units held for ever if it got them after all.
    refused: VecDeque<(OrderId, Reason)>,
}

/// Refusals remembered. An order asks again within seconds, if at all.
const REFUSED_MAX: usize = 4096;

impl Shell for InventoryState {
    type Msg = InventoryMsg;

    fn begin(&mut self) -> Result<(), ShelfError> {
        let loaded = self.post.shelf.load::<Inventory>(self.key.stream())?;
        self.live = loaded.map(|loaded| (loaded.machine, loaded.sequence));
        Ok(())
    }

    fn handle(&mut self, message: InventoryMsg) -> Result<(), ShelfError> {
        match message {
            InventoryMsg::Hold { effect, claim, ask } => self.hold(effect, claim, ask)?,
            InventoryMsg::Release { effect } => {
                self.step(Input::Release { order: effect.order.order })?;
                self.post.answer(effect, Outcome::Released);
            }
            InventoryMsg::Receive { effect, quantity } => self.receive(effect, quantity)?,
            InventoryMsg::Adjust { quantity, up, reply } => {
                self.change(Input::Adjust { quantity, up }, reply)?;
            }
            InventoryMsg::Change(patch, reply) => self.patch(*patch, reply)?,
            InventoryMsg::Close(reply) => self.change(Input::Close, reply)?,
            InventoryMsg::Crash => crash(self.key),
        }
        Ok(())
    }
}

fn crash(key: OfferingKey) {
    panic!("offering {} was told to crash", key.offering);
}

impl InventoryState {
    /// An offering that is about to live.
    #[must_use]
    pub fn new(key: OfferingKey, post: Arc<Post>) -> InventoryState {
        InventoryState { key, post, live: None, refused: VecDeque::new() }
    }

    fn hold(&mut self, effect: EffectId, claim: Claim, ask: u64) -> Result<(), ShelfError> {
        if let Some((_, reason)) =
            self.refused.iter().find(|(order, _)| *order == effect.order.order)
        {
            let answer = OrderMsg::NotHeld(effect, reason.clone(), ask);
            self.post.directory.order(effect.order, answer);
            return Ok(());
        }
        let answer = match self.step(Input::Hold { order: effect.order.order, claim })? {
            Some(Verdict::Record(_) | Verdict::AlreadySo) => OrderMsg::Granted(effect),
            Some(Verdict::NotHeld(reason)) => {
                if self.refused.len() == REFUSED_MAX {
                    self.refused.pop_front();
                }
                self.refused.push_back((effect.order.order, reason.clone()));
                OrderMsg::NotHeld(effect, reason, ask)
            }
            Some(
                Verdict::BelowHeld { .. }
                | Verdict::Uncounted
                | Verdict::KindHeld
                | Verdict::NotStock
                | Verdict::TooMuch,
            )
            | None => OrderMsg::NotHeld(effect, Reason::OfferingClosed, ask),
        };
        self.post.directory.order(effect.order, answer);
        Ok(())
    }

    /// What an order brought is counted once, however often the order asks.
    fn receive(&mut self, effect: EffectId, quantity: Quantity) -> Result<(), ShelfError> {
        match self.step(Input::Receive { order: effect.order.order, quantity })? {
            // More than can be counted: the order asks again when there may be room.
            Some(Verdict::TooMuch) => {}
            // What is no longer counted as stock has nothing to count.
            Some(
                Verdict::Record(_)
                | Verdict::AlreadySo
                | Verdict::NotStock
                | Verdict::NotHeld(_)
                | Verdict::BelowHeld { .. }
                | Verdict::Uncounted
                | Verdict::KindHeld,
            )
            | None => self.post.answer(effect, Outcome::Supplied),
        }
        Ok(())
    }

    /// Decide, apply, append; `None` when there is no such offering.
    fn step(&mut self, input: Input) -> Result<Option<Verdict>, ShelfError> {
        let Some((inventory, sequence)) = &mut self.live else { return Ok(None) };
        let verdict = inventory.decide(input);
        if let Verdict::Record(event) = &verdict {
            let fact = Fact { at: self.post.clock.now(), event: Event::clone(event) };
            let number = inventory.number() + 1;
            *sequence = self.post.shelf.append::<Inventory>(self.key.stream(), number, &fact)?;
            inventory.apply(&fact);
        }
        Ok(Some(verdict))
    }

    /// Changes the offering as it stands now, whatever it was when somebody thought of the change.
    fn patch(
        &mut self,
        patch: Patch,
        reply: oneshot::Sender<ChangeReply>,
    ) -> Result<(), ShelfError> {
        let Some((inventory, _)) = &self.live else {
            let _ = reply.send(ChangeReply::NoSuchOffering);
            return Ok(());
        };
        let offering = Box::new(inventory.offering().patched(patch));
        let now = self.post.clock.now();
        self.change(Input::Change { offering, now }, reply)
    }

    fn change(
        &mut self,
        input: Input,
        reply: oneshot::Sender<ChangeReply>,
    ) -> Result<(), ShelfError> {
        let verdict = self.step(input)?;
        let answer = match (verdict, &self.live) {
            (Some(Verdict::BelowHeld { held }), _) => ChangeReply::BelowHeld(held),
            (Some(Verdict::Uncounted), _) => ChangeReply::Uncounted,
            (Some(Verdict::KindHeld), _) => ChangeReply::KindHeld,
            (Some(Verdict::NotStock), _) => ChangeReply::NotStock,
            (Some(Verdict::TooMuch), _) => ChangeReply::TooMuch,
            (
                Some(Verdict::Record(_) | Verdict::AlreadySo | Verdict::NotHeld(_)),
                Some((inventory, sequence)),
            ) => ChangeReply::Done(Box::new(inventory.clone()), *sequence),
            (None, _) | (_, None) => ChangeReply::NoSuchOffering,
        };
        // Whoever asked may have gone away; the change stands.
        let _ = reply.send(answer);
        Ok(())
    }
}

//! The shell around one order's saga.
//!
//! Message to input, decide, apply, append, speak: nothing else happens here. The shell never waits
//! for the disk; what leaves the node waits for the durable sequence where it leaves.

mod msg;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use surehold_domain::card::Card;
use surehold_domain::id::{ConfirmationId, EffectId, OrderKey, PaymentId};
use surehold_domain::saga::{
    Command, Effect, Fact, Input, Need, Next, Outcome, Reason, Rejection, Saga, Verdict,
};
use tracing::{debug, trace};

use crate::address::Sent;
use crate::agenda::Open;
use crate::confirmations::ConfirmationsMsg;
use crate::inventory::InventoryMsg;
use crate::mileage::MileageMsg;
use crate::payments::PaymentsMsg;
use crate::post::Post;
use crate::shelf::ShelfError;
use crate::shell::Shell;
use crate::stream::{self, Kind, OfferingKey};
use crate::watch::Seen;
pub use msg::{Begin, CommandReply, OrderMsg, Poison};

/// Asks of all orders in this process: no two have the same number, in whatever life they were made.
static ASKS: AtomicU64 = AtomicU64::new(1);

/// What an order actor is started with.
pub struct OrderArgs {
    /// Which order.
    pub key: OrderKey,
    /// The order's first state, if it was placed just now; otherwise it is read from the shelf.
    pub begin: Option<Begin>,
    /// Whether it shall panic at once: a fault on demand, see [`Poison`].
    pub poison: Poison,
    /// What all actors share.
    pub post: Arc<Post>,
}

/// One live order: the actor.
pub struct OrderState {
    key: OrderKey,
    post: Arc<Post>,
    live: Option<Live>,
    begin: Option<Begin>,
    poison: Poison,
}

struct Live {
    saga: Box<Saga>,
    sequence: u64,
    /// The effect last asked for: it is asked for again only when somebody may have missed it.
    asked: Option<(EffectId, Effect)>,
    /// The number of the latest ask.
    ask: u64,
    /// Whether this life began from the shelf, so that others may know the order's effects already.
    recovered: bool,
}

/// What an input came to.
enum Came {
    /// It is recorded.
    Recorded,
    /// Nothing changes.
    ToNothing,
    /// It may not be.
    Rejected(Rejection),
}

impl Shell for OrderState {
    type Msg = OrderMsg;

    fn begin(&mut self) -> Result<(), ShelfError> {
        self.poison.strike(self.key);
        self.live = match self.begin.take() {
            Some(Begin { saga, sequence }) => {
                Some(Live { saga, sequence, asked: None, ask: 0, recovered: false })
            }
            None => self.post.shelf.load::<Saga>(stream::order(self.key))?.map(|loaded| Live {
                saga: Box::new(loaded.machine),
                sequence: loaded.sequence,
                asked: None,
                ask: 0,
                recovered: true,
            }),
        };
        self.settle()
    }

    fn handle(&mut self, message: OrderMsg) -> Result<(), ShelfError> {
        match message {
            OrderMsg::Outcome(id, outcome) => {
                self.step(Input::Outcome(id, outcome))?;
            }
            OrderMsg::Granted(id) => self.granted(id)?,
            OrderMsg::NotHeld(id, reason, ask) => self.not_held(id, reason, ask)?,
            OrderMsg::Charged(id) => self.charged(id)?,
            OrderMsg::Command(command, reply) => self.command(command, reply)?,
            OrderMsg::Wake => {
                self.step(Input::Wake)?;
                self.reissue()?;
            }
            OrderMsg::Reissue => self.reissue()?,
            OrderMsg::PaymentsBack => self.payments_back()?,
            OrderMsg::Crash => crash(self.key),
        }
        Ok(())
    }
}

fn crash(key: OrderKey) {
    panic!("order {} was told to crash", key.order);
}

impl OrderState {
    /// An order that is about to live.
    #[must_use]
    pub fn new(args: OrderArgs) -> OrderState {
        let OrderArgs { key, begin, poison, post } = args;
        OrderState { key, post, live: None, begin, poison }
    }

    fn command(
        &mut self,
        command: Command,
        reply: tokio::sync::oneshot::Sender<CommandReply>,
    ) -> Result<(), ShelfError> {
        if self.live.is_none() {
            let _ = reply.send(CommandReply::NoSuchOrder);
            return Ok(());
        }
        let came = self.step(Input::Command(command))?;
        let Some(live) = &self.live else { return Ok(()) };
        let seen = Seen { saga: live.saga.clone(), sequence: live.sequence };
        // Whoever asked may have gone away; the order does not mind.
        let _ = reply.send(match came {
            Came::Rejected(rejection) => CommandReply::Rejected(rejection),
            Came::Recorded => CommandReply::Done(seen),
            Came::ToNothing => CommandReply::AlreadySo(seen),
        });
        Ok(())
    }

    /// The inventory granted the hold: the order brings the number it needs next. Numbers are given
    /// only to an answer that is still wanted, so that late ones burn none.
    fn granted(&mut self, id: EffectId) -> Result<(), ShelfError> {
        let Some(live) = &self.live else { return Ok(()) };
        if live.saga.effect_id() != Some(id) {
            if live.saga.phase().is_terminal() && !live.saga.holds_units() {
                // Nobody wants what was granted so late: it goes back.
                let offering = live.saga.order().offering;
                let key = OfferingKey { market: self.key.market, offering };
                self.post.directory.offering(key, InventoryMsg::Release { effect: id });
            }
            return Ok(());
        }
        let next = match live.saga.needs() {
            Need::Payment if self.post.payments.is_stopped() => Next::PaymentsDown,
            // Known before any money moves.
            Need::Payment if self.waits_for_points() && self.post.mileage.is_stopped() => {
                Next::MileageDown
            }
            Need::Payment if !self.post.breaker.admit(self.post.clock.now()) => Next::PaymentsDown,
            Need::Payment => Next::Payment(PaymentId(self.next(Kind::Payment))),
            Need::Confirmation => Next::Confirmation(self.next_confirmation()),
            Need::Nothing => Next::Nothing,
        };
        self.step(Input::Outcome(id, Outcome::Held(next))).map(|_| ())
    }

    /// The inventory said no. A no to an ask that was repeated since says nothing: an inventory that
    /// died in between does not know of it, and may hold units for the next.
    fn not_held(&mut self, id: EffectId, reason: Reason, ask: u64) -> Result<(), ShelfError> {
        if self.live.as_ref().is_some_and(|live| live.ask == ask) {
            self.step(Input::Outcome(id, Outcome::NotHeld(reason)))?;
        }
        Ok(())
    }

    /// The money is there: the confirmation that follows gets its number.
    fn charged(&mut self, id: EffectId) -> Result<(), ShelfError> {
        if self.live.as_ref().is_some_and(|live| live.saga.effect_id() == Some(id)) {
            let confirmation = self.next_confirmation();
            self.step(Input::Outcome(id, Outcome::Captured(confirmation)))?;
        }
        Ok(())
    }

    /// The gateway answers again: an order that waits for that is paid with what it has. A number is
    /// given only to one that does.
    fn payments_back(&mut self) -> Result<(), ShelfError> {
        let waits = self.live.as_ref().is_some_and(|live| live.saga.waits_for_payments());
        let post = &self.post;
        if waits && !post.payments.is_stopped() && post.breaker.admit(post.clock.now()) {
            let payment = PaymentId(self.next(Kind::Payment));
            return self.step(Input::PaymentsBack(payment)).map(|_| ());
        }
        self.reissue()
    }

    fn waits_for_points(&self) -> bool {
        let terms = self.live.as_ref().and_then(|live| live.saga.order().terms.mileage);
        terms.is_some_and(|mileage| mileage.sync)
    }

    fn next(&self, kind: Kind) -> u64 {
        self.post.shelf.numbers().next(kind, self.key.market)
    }

    fn next_confirmation(&self) -> ConfirmationId {
        ConfirmationId(self.next(Kind::Confirmation))
    }

    /// The shell rule: decide, apply, append, speak.
    fn step(&mut self, input: Input) -> Result<Came, ShelfError> {
        let Some(live) = &mut self.live else { return Ok(Came::ToNothing) };
        let now = self.post.clock.now();
        match live.saga.decide(input, now) {
            Verdict::Record(event) => {
                let fact = Fact { at: now, event };
                let number = live.saga.number() + 1;
                let stream = stream::order(self.key);
                live.sequence = self.post.shelf.append::<Saga>(stream, number, &fact)?;
                live.saga.apply(&fact);
                trace!(order = %self.key.order, event = fact.event.kind().name(), "recorded");
                self.settle()?;
                Ok(Came::Recorded)
            }
            Verdict::Ignore(why) => {
                debug!(order = %self.key.order, ?why, "nothing changes");
                Ok(Came::ToNothing)
            }
            Verdict::Reject(rejection) => {
                debug!(order = %self.key.order, %rejection, "refused");
                Ok(Came::Rejected(rejection))
            }
        }
    }

    /// After a change: the agenda, whoever waits, and what the world owes now.
    fn settle(&mut self) -> Result<(), ShelfError> {
        let Some(live) = &self.live else { return Ok(()) };
        self.post.agenda.set(self.key, Open::of(&live.saga), live.saga.updated_at());
        // What has no number needs no look into the vault; at the end whatever is left there goes.
        let is_number = matches!(live.saga.card(), Some(Card::Number { .. }));
        let is_over = live.saga.phase().is_terminal();
        if is_over || (is_number && !live.saga.may_still_be_paid()) {
            self.post.vault.forget(self.key);
        }
        self.post.watchers.tell(&live.saga, live.sequence);
        self.dispatch(false)
    }

    fn reissue(&mut self) -> Result<(), ShelfError> {
        self.dispatch(true)
    }

    /// Asks for the outstanding effect, unless it was asked for already.
    fn dispatch(&mut self, again: bool) -> Result<(), ShelfError> {
        let Some(live) = &mut self.live else { return Ok(()) };
        // Only an effect that came up in this life is surely unknown to the others.
        let again = again || (live.recovered && live.asked.is_none());
        let inquiry = if again { live.saga.inquiry() } else { None };
        let Some(effect) = live.saga.effect().or(inquiry) else {
            // Nothing to do but wait, and waiting needs no actor: the agenda wakes it.
            let stream = stream::order(self.key);
            self.post.shelf.settle::<Saga>(stream, &live.saga, live.sequence)?;
            self.post.directory.rest(self.key);
            return Ok(());
        };
        let Some(id) = live.saga.effect_id() else { return Ok(()) };
        let asking = Some((id, effect.clone()));
        if live.asked == asking && !again {
            return Ok(());
        }
        live.asked = asking;
        live.ask = ASKS.fetch_add(1, Ordering::Relaxed);
        let ask = live.ask;
        match self.ask(id, effect, again, ask) {
            Some(outcome) => self.step(Input::Outcome(id, outcome)).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Speaks to whoever owes the effect; an outcome comes back at once where nobody is there.
    fn ask(&self, id: EffectId, effect: Effect, again: bool, ask: u64) -> Option<Outcome> {
        let market = self.key.market;
        let post = &self.post;
        match effect {
            Effect::Hold { offering, claim } => {
                let message = InventoryMsg::Hold { effect: id, claim, ask };
                match post.directory.offering(OfferingKey { market, offering }, message) {
                    // A hold asked for before may have been granted: only its answer tells.
                    Sent::Stopped if !again => Some(Outcome::NotHeld(Reason::InventoryUnavailable)),
                    Sent::Stopped | Sent::Delivered | Sent::Restarting => None,
                }
            }
            Effect::Charge { payment, amount, card } => {
                let message = PaymentsMsg::Charge { effect: id, payment, amount, card, again };
                match post.payments.send(message) {
                    // A charge asked for before may be under way: only its answer ends it.
                    Sent::Stopped if !again => Some(Outcome::Unavailable),
                    Sent::Stopped | Sent::Delivered | Sent::Restarting => None,
                }
            }
            Effect::Refund { payment, amount } => {
                post.payments.send(PaymentsMsg::Refund { effect: id, payment, amount });
                None
            }
            Effect::Settle { payment } => {
                post.payments.send(PaymentsMsg::Settle { effect: id, payment });
                None
            }
            Effect::Confirm { confirmation, terms, demanded } => {
                post.confirmations.send(ConfirmationsMsg::Request {
                    effect: id,
                    confirmation,
                    terms,
                    demanded,
                    again,
                });
                None
            }
            Effect::Credit { points } => {
                match post.mileage.send(MileageMsg::Credit { effect: id, points }) {
                    // Points that were credited after all are taken back with the order.
                    Sent::Stopped => Some(Outcome::NotCredited),
                    Sent::Delivered | Sent::Restarting => None,
                }
            }
            Effect::Supply { offering, quantity } => {
                let message = InventoryMsg::Receive { effect: id, quantity };
                post.directory.offering(OfferingKey { market, offering }, message);
                None
            }
            Effect::Release { offering } => {
                let message = InventoryMsg::Release { effect: id };
                post.directory.offering(OfferingKey { market, offering }, message);
                None
            }
            Effect::Withdraw { confirmation } => {
                post.confirmations.send(ConfirmationsMsg::Withdraw { effect: id, confirmation });
                None
            }
        }
    }
}

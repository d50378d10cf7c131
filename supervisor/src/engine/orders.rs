//! Placing orders, and commands to them.

use surehold_actors::address::Sent;
use surehold_actors::confirmations::{ConfirmationsMsg, Spoken, Word};
use surehold_actors::machine::Serial;
use surehold_actors::order::{Begin, CommandReply, OrderMsg};
use surehold_actors::shelf::{Appended, Loaded};
use surehold_actors::stream::{self, Kind, Series};
use surehold_actors::watch::{Seen, is_settled};
use surehold_domain::attributes::Attribute;
use surehold_domain::card::Card;
use surehold_domain::id::{EffectId, MarketId, OrderId, OrderKey, PaymentId};
use surehold_domain::idempotency::{KeyUse, Repeat};
use surehold_domain::order::{Claim, Order};
use surehold_domain::plan::{Plan, check_attributes};
use surehold_domain::saga::{Command, Phase, Reason, Saga};
use surehold_domain::terms::PaymentTerms;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::checked::{check, secret_of};
use super::keys::{append_keyed, check_key, find_key};
use super::{Engine, Market, settling, settling_with, within};
use crate::core::Core;
use crate::gate::{Ticket, Work};
use crate::lanes::Wanted;
use crate::limits::{SETTLE_WAIT, TAIL_RECORDS_HARD_MAX, UNDO_WAIT};
use crate::refusal::{Refusal, bad_attribute};
use crate::view::{Idempotency, NewOrder, OrderCommand, OrderView, Placed, Placement, QuoteView};

impl Engine {
    /// Places an order and waits, for a limited time, until it is paid, refused or undone. The
    /// answer is on disk. With an idempotency key a repeated call answers with the first one's order.
    ///
    /// # Errors
    /// [`Refusal`] if nothing was placed; an order that came to nothing is no error.
    pub async fn place(
        &self,
        market: Market,
        new: NewOrder,
        key: Option<Idempotency>,
    ) -> Result<Placement, Refusal> {
        let wanted = Wanted::new(market.0, new.offering.0);
        let _pass = self.inner.gate.enter(Work::Placing(wanted)).await?;
        let core = self.core()?;
        let _at_work = core.post.shelf.journal().durable().enter();
        if core.post.shelf.tail_records() > TAIL_RECORDS_HARD_MAX {
            return Err(Refusal::unavailable("the snapshots cannot keep up; try again shortly"));
        }
        let plan = self.plan(market);
        let market = self.market_id(&core, market);
        let key = key.map(|key| check_key(&key)).transpose()?;
        if let Some((key, fingerprint)) = &key
            && let Some((_, found)) = find_key(&core, market, key)?
        {
            return self.repeated(&core, plan, market, found, *fingerprint).await;
        }
        let mut checked = check(&core, plan, market, new)?;
        let ticket = self.ticket_to_pay(&core, &checked.order, wanted).await?;
        let number = OrderId(core.post.shelf.numbers().next(Kind::Order, market));
        let order = OrderKey { market, order: number };
        if plan.supply.is_some() {
            number_among_its_kind(&core, order, &mut checked.order)?;
        }
        let settled = core.post.watchers.settled(order, 1);
        if let Some(secret) = checked.secret {
            core.post.vault.keep(order, secret);
        }
        let fact = Saga::place(checked.order, checked.card, core.post.clock.now());
        let sequence = match key {
            None => core.post.shelf.append::<Saga>(stream::order(order), 1, &fact)?,
            Some((key, fingerprint)) => {
                let appended = append_keyed(&core, order, key, fingerprint, &fact)?;
                match appended {
                    Appended::Done(sequence) => sequence,
                    Appended::Exists(found) => {
                        // Somebody was first with this key a moment ago.
                        core.post.vault.forget(order);
                        let found = found.machine;
                        return self.repeated(&core, plan, market, found, fingerprint).await;
                    }
                }
            }
        };
        let Some(saga) = Saga::begin_with(order, fact) else {
            return Err(Refusal::Fault("an order did not begin".to_owned()));
        };
        core.orders.begin(order, Begin { saga: Box::new(saga), sequence });
        let placed = || metrics::counter!("surehold_orders_placed_total");
        self.inner.placed.get_or_init(placed).increment(1);
        let seen = match ticket {
            Some(ticket) => settling_with(&core, ticket, settled).await,
            None => settling(&core, SETTLE_WAIT, settled).await,
        };
        self.placed(&core, plan, order, seen).await
    }

    /// A ticket to the gateway for an order that is paid at once; `None` if it asks nothing of it. While
    /// the gateway is left alone, the order hears that soon enough.
    async fn ticket_to_pay(
        &self,
        core: &Core,
        order: &Order,
        wanted: Wanted,
    ) -> Result<Option<Ticket<'_>>, Refusal> {
        let asks = order.terms.payment == PaymentTerms::WithOrder && !order.price.is_zero();
        if !asks || core.post.breaker.is_open(core.post.clock.now()) {
            return Ok(None);
        }
        let gate = &self.inner.gate;
        gate.tickets.take(&core.post.load, || gate.beside(wanted)).await.map(Some)
    }

    /// The answer to a placed order, once it is durable.
    async fn placed(
        &self,
        core: &Core,
        plan: &Plan,
        order: OrderKey,
        seen: Option<Seen>,
    ) -> Result<Placement, Refusal> {
        let seen = match seen {
            Some(seen) => seen,
            None => load(core, order)?,
        };
        let placed = came_to(&seen.saga);
        Ok(Placement { placed, order: self.show(core, plan, seen).await? })
    }

    /// The same request again: the same order, however far it is by now.
    async fn repeated(
        &self,
        core: &Core,
        plan: &Plan,
        market: MarketId,
        found: KeyUse,
        fingerprint: u64,
    ) -> Result<Placement, Refusal> {
        let order = match found.repeated(fingerprint) {
            Repeat::Same(order) => OrderKey { market, order },
            Repeat::Other => return Err(Refusal::KeyReused),
        };
        // Registered before looking, so that nothing is missed in between.
        let settled = core.post.watchers.settled(order, 1);
        let seen = load(core, order)?;
        let seen = if is_settled(&seen.saga) {
            Some(seen)
        } else {
            settling(core, SETTLE_WAIT, settled).await
        };
        self.placed(core, plan, order, seen).await
    }

    /// Asks something of an order and waits for what it comes to.
    ///
    /// # Errors
    /// [`Refusal`] if the order does not do it; nothing changed then.
    pub async fn command(
        &self,
        market: Market,
        order: OrderId,
        command: OrderCommand,
    ) -> Result<OrderView, Refusal> {
        let _pass = self.inner.gate.enter(Work::Command).await?;
        let core = self.core()?;
        let _at_work = core.post.shelf.journal().durable().enter();
        let plan = self.plan(market);
        let key = OrderKey { market: self.market_id(&core, market), order };
        let seen = match command {
            OrderCommand::Confirm => self.speak(&core, key, Word::Confirm).await?,
            OrderCommand::Reject { note } => self.speak(&core, key, Word::Reject(note)).await?,
            OrderCommand::Pay { card } => self.pay(&core, key, &card).await?,
            OrderCommand::Complete => self.tell_and_wait(&core, key, Command::Complete).await?,
            OrderCommand::NoShow { note } => {
                self.tell_and_wait(&core, key, Command::NoShow { note }).await?
            }
            OrderCommand::Cancel { note, quote, attributes } => {
                check_attributes(&attributes).map_err(bad_attribute)?;
                self.tell_and_wait(&core, key, Command::Cancel { note, quote, attributes }).await?
            }
            OrderCommand::Annotate(attributes) => {
                check_attributes(&attributes).map_err(bad_attribute)?;
                self.tell(&core, key, Command::Annotate(attributes)).await?
            }
        };
        self.show(&core, plan, seen).await
    }

    /// Says what a cancellation now would return, and holds to it for a while.
    ///
    /// # Errors
    /// [`Refusal`] if the order cannot be cancelled.
    pub async fn quote(&self, market: Market, order: OrderId) -> Result<QuoteView, Refusal> {
        let _pass = self.inner.gate.enter(Work::Command).await?;
        let core = self.core()?;
        let _at_work = core.post.shelf.journal().durable().enter();
        let key = OrderKey { market: self.market_id(&core, market), order };
        let seen = self.tell(&core, key, Command::Quote).await?;
        self.durable(&core, seen.sequence).await?;
        let quote = seen.saga.quote().ok_or_else(|| Refusal::unavailable("ask again"))?;
        let (refund, valid_until) = (quote.refund, quote.until);
        Ok(QuoteView { quote: quote.number, refund, valid_until })
    }

    pub(super) async fn tell(
        &self,
        core: &Core,
        order: OrderKey,
        command: Command,
    ) -> Result<Seen, Refusal> {
        // Known before it is asked, so that asking for nonsense wakes nobody.
        if !core.post.shelf.exists(stream::order(order))? {
            return Err(not_found(order.order));
        }
        if let Some(cause) = core.orders.quarantined(order) {
            return Err(Refusal::Quarantined { order: order.order.0, cause });
        }
        let (reply, answer) = oneshot::channel();
        core.orders.send(order, OrderMsg::Command(command, reply));
        match within(SETTLE_WAIT, answer).await {
            Some(CommandReply::Done(seen) | CommandReply::AlreadySo(seen)) => Ok(seen),
            Some(CommandReply::Rejected(rejection)) => Err(rejection.into()),
            Some(CommandReply::NoSuchOrder) => Err(not_found(order.order)),
            None => Err(match core.orders.quarantined(order) {
                Some(cause) => Refusal::Quarantined { order: order.order.0, cause },
                None => Refusal::unavailable("the order restarted meanwhile; look, and ask again"),
            }),
        }
    }

    /// Asks, and waits a while until what was asked for is done with all that follows from it.
    async fn tell_and_wait(
        &self,
        core: &Core,
        order: OrderKey,
        command: Command,
    ) -> Result<Seen, Refusal> {
        let seen = self.tell(core, order, command).await?;
        if is_settled(&seen.saga) {
            return Ok(seen);
        }
        // Only what comes after the command answers it: the order may have come to rest just before it
        // heard it. Registered before looking, so that nothing is missed in between.
        let settled = core.post.watchers.settled(order, seen.saga.number());
        let now = load(core, order)?;
        if is_settled(&now.saga) {
            return Ok(now);
        }
        match settling(core, UNDO_WAIT, settled).await {
            Some(seen) => Ok(seen),
            None => load(core, order),
        }
    }

    async fn pay(&self, core: &Core, order: OrderKey, typed: &str) -> Result<Seen, Refusal> {
        let card =
            Card::parse(typed).map_err(|error| Refusal::invalid("card", error.to_string()))?;
        let before = load(core, order)?;
        if before.saga.phase() != Phase::Unpaid {
            let phase = before.saga.phase();
            return Err(Refusal::WrongPhase { phase, command: "be paid" });
        }
        if core.post.payments.is_stopped() {
            return Err(Refusal::unavailable("the payments are down"));
        }
        // Before the breaker is asked: a trial that is let through must leave.
        let ticket = self.inner.gate.tickets.take(&core.post.load, || 0).await?;
        if !core.post.breaker.admit(core.post.clock.now()) {
            return Err(Refusal::unavailable("the payment gateway does not answer just now"));
        }
        if let Some(secret) = secret_of(&card, typed) {
            core.post.vault.keep(order, secret);
        }
        let payment = PaymentId(core.post.shelf.numbers().next(Kind::Payment, order.market));
        ticket.hold(self.tell_and_wait(core, order, Command::Pay { payment, card })).await
    }

    /// Brings the operator's word to the confirmation, and waits for the order to follow. An order that was
    /// paid a moment ago, or before a restart, may not have asked for its confirmation yet: it does so next.
    async fn speak(&self, core: &Core, order: OrderKey, word: Word) -> Result<Seen, Refusal> {
        let until = Instant::now() + SETTLE_WAIT;
        loop {
            let before = load(core, order)?;
            let command = if word == Word::Confirm { "be confirmed" } else { "be rejected" };
            let phase = before.saga.phase();
            let wrong_phase = Refusal::WrongPhase { phase, command };
            let (Phase::Paid, Some(confirmation), Some(effect)) =
                (phase, before.saga.confirmation(), before.saga.effect_id())
            else {
                return Err(wrong_phase);
            };
            let settled = core.post.watchers.settled(order, before.saga.number());
            let (reply, spoken) = oneshot::channel();
            let word = word.clone();
            let message = ConfirmationsMsg::Speak { effect, confirmation, word, reply };
            if core.post.confirmations.send(message) != Sent::Delivered {
                return Err(Refusal::unavailable("the confirmations are down"));
            }
            let left = || until.saturating_duration_since(Instant::now());
            match within(left(), spoken).await {
                Some(Spoken::Heard) => return self.heeded(core, order, effect, settled).await,
                Some(Spoken::Settled) => return Err(wrong_phase),
                // It says so when it waits. If it did meanwhile, there is nothing to wait for.
                Some(Spoken::NotAsked)
                    if load(core, order)?.saga.number() > before.saga.number()
                        || settling(core, left(), settled).await.is_some() => {}
                Some(Spoken::NotAsked) | None => {
                    return Err(Refusal::unavailable(
                        "the confirmation is not there yet; ask again",
                    ));
                }
            }
        }
    }

    /// Waits a while for what comes of the operator's word. The order may record something else before
    /// it hears it, and stand where it stood: that is no answer.
    async fn heeded(
        &self,
        core: &Core,
        order: OrderKey,
        asked: EffectId,
        mut settled: oneshot::Receiver<Seen>,
    ) -> Result<Seen, Refusal> {
        let until = Instant::now() + UNDO_WAIT;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Some(seen) = settling(core, left, settled).await else { return load(core, order) };
            if seen.saga.effect_id() != Some(asked) {
                return Ok(seen);
            }
            // Registered before looking, so that nothing is missed in between.
            settled = core.post.watchers.settled(order, seen.saga.number());
            let now = load(core, order)?;
            if now.saga.effect_id() != Some(asked) && is_settled(&now.saga) {
                return Ok(now);
            }
        }
    }
}

fn not_found(order: OrderId) -> Refusal {
    Refusal::NotFound { kind: "order", id: order.0 }
}

/// The order as it stands.
pub(super) fn load(core: &Core, order: OrderKey) -> Result<Seen, Refusal> {
    let loaded = core.post.shelf.load::<Saga>(stream::order(order))?;
    let Loaded { machine, sequence } = loaded.ok_or_else(|| not_found(order.order))?;
    Ok(Seen { saga: Box::new(machine), sequence })
}

fn came_to(saga: &Saga) -> Placed {
    if saga.confirmation().is_some() {
        return Placed::Booked;
    }
    match (saga.phase(), saga.reason()) {
        (Phase::Unpaid, _) => Placed::ToBePaid,
        _ if !is_settled(saga) => Placed::UnderWay,
        (_, Some(Reason::NoRoom | Reason::OfferingClosed)) => Placed::NoRoom,
        (_, Some(Reason::InventoryUnavailable)) => Placed::InventoryDown,
        (_, Some(Reason::PaymentDeclined(_))) => Placed::Declined,
        (_, Some(Reason::PaymentUnavailable | Reason::MileageUnavailable)) => Placed::PaymentsDown,
        (_, Some(_) | None) => Placed::CameToNothing,
    }
}

/// The name of the attribute with an order's number among its kind.
const NUMBER: &str = "number";

/// Where a market takes two kinds of order, each kind counts for itself. The number is written down
/// before the order, so that it is never given twice; one that leads to no order was used up.
fn number_among_its_kind(core: &Core, key: OrderKey, order: &mut Order) -> Result<(), Refusal> {
    let series = match &order.claim {
        Claim::Supply(_) => Series::Supplies,
        Claim::Units(_) | Claim::Nights { .. } | Claim::Slot { .. } => Series::Sales,
    };
    let shelf = &core.post.shelf;
    let number = shelf.numbers().next(series.kind(), key.market);
    let serial = Serial { order: key.order };
    shelf.append::<Serial>(stream::serial(series, key.market, number), 1, &serial)?;
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    order.attributes.insert(NUMBER.to_owned(), Attribute::Whole(number));
    Ok(())
}

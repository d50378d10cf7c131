//! What is sold: adding, changing, closing, looking.

use std::sync::Arc;

use surehold_actors::address::Sent;
use surehold_actors::inventory::{ChangeReply, InventoryMsg};
use surehold_actors::shelf::Loaded;
use surehold_actors::stream::{Kind, OfferingKey};
use surehold_domain::day::Day;
use surehold_domain::id::OfferingId;
use surehold_domain::inventory::{
    Availability, Event, Fact, Inventory, Model, NIGHTS_MAX, Offering,
};
use surehold_domain::money::Money;
use surehold_domain::plan::{check_attributes, check_name};
use surehold_domain::quantity::Quantity;
use tokio::sync::oneshot;

use super::{Engine, Market, within};
use crate::core::Core;
use crate::gate::Work;
use crate::limits::{OFFERING_ID_MAX, PAGE_MAX, SCAN_MAX, SETTLE_WAIT};
use crate::refusal::{Refusal, bad_attribute};
use crate::view::{NewOffering, OfferingChange, OfferingView, Page};

impl Core {
    /// What is sold under this number; `None` if nothing is, or no longer.
    pub(crate) fn find_offering(&self, key: OfferingKey) -> Result<Option<Arc<Offering>>, Refusal> {
        if let Some(offering) = self.catalogue.get(key) {
            return Ok(Some(offering));
        }
        let loaded = self.post.shelf.load_head::<Inventory>(key.stream())?;
        Ok(loaded.and_then(|loaded| self.catalogue.put(key, &loaded.machine)))
    }
}

impl Engine {
    /// Sells something new.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a bad value, [`Refusal::Conflict`] if the number is taken.
    pub async fn add_offering(
        &self,
        market: Market,
        new: NewOffering,
    ) -> Result<OfferingView, Refusal> {
        let _pass = self.inner.gate.enter(Work::Command).await?;
        let core = self.core()?;
        let plan = self.plan(market);
        let market = self.market_id(&core, market);
        let NewOffering { id, name, price, model, overbook, attributes } = new;
        let price = price.or(plan.price).unwrap_or(Money::zero(plan.currency));
        let overbook = overbook.unwrap_or_else(|| plan.overbook_of(&model));
        let offering = Offering { name, price, model, overbook, attributes };
        check(&offering)?;
        // One at a time: whether a number is free must still be so when it is taken.
        let _adding = core.adding.lock().await;
        let numbers = core.post.shelf.numbers();
        let id = match id {
            Some(id) if !(1..=OFFERING_ID_MAX).contains(&id.0) => {
                return Err(Refusal::invalid("id", format!("must be from 1 to {OFFERING_ID_MAX}")));
            }
            Some(id) => {
                let key = OfferingKey { market, offering: id };
                let counter = numbers.counter(Kind::Offering, market);
                let before = counter.fetch_max(id.0, std::sync::atomic::Ordering::Relaxed);
                let free = id.0 > before
                    || core.post.shelf.load_head::<Inventory>(key.stream())?.is_none();
                if !free {
                    return Err(Refusal::Conflict(format!("offering {id} exists already")));
                }
                id
            }
            None => OfferingId(numbers.next(Kind::Offering, market)),
        };
        let key = OfferingKey { market, offering: id };
        let event = Event::Opened(Box::new(offering));
        let fact = Fact { at: core.post.clock.now(), event };
        let sequence = core.post.shelf.append::<Inventory>(key.stream(), 1, &fact)?;
        let Some(inventory) = Inventory::begin(id, &fact) else {
            return Err(Refusal::Fault("an offering did not begin".to_owned()));
        };
        core.catalogue.put(key, &inventory);
        self.durable(&core, sequence).await?;
        Ok(view(&inventory))
    }

    /// Changes what is sold. Orders placed before keep the price they were placed at.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if less would be left than is held.
    pub async fn change_offering(
        &self,
        market: Market,
        id: OfferingId,
        change: OfferingChange,
    ) -> Result<OfferingView, Refusal> {
        let core = self.core()?;
        let key = OfferingKey { market: self.market_id(&core, market), offering: id };
        check(&open_one(&core, key)?.machine.offering().patched(change.clone()))?;
        self.ask(&core, key, |reply| InventoryMsg::Change(Box::new(change), reply)).await
    }

    /// Counts stock that came in, or went out, without an order: a stocktake.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if it is not counted as stock, or less would be left than is held.
    pub async fn adjust_stock(
        &self,
        market: Market,
        id: OfferingId,
        quantity: Quantity,
        up: bool,
    ) -> Result<OfferingView, Refusal> {
        let core = self.core()?;
        let key = OfferingKey { market: self.market_id(&core, market), offering: id };
        open_one(&core, key)?;
        self.ask(&core, key, |reply| InventoryMsg::Adjust { quantity, up, reply }).await
    }

    /// How much is free: in all, or for each night or slot between two days.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for days that are missing, too many, or the wrong way round.
    pub async fn availability(
        &self,
        market: Market,
        id: OfferingId,
        days: (Option<Day>, Option<Day>),
    ) -> Result<(OfferingView, Availability), Refusal> {
        let core = self.core()?;
        let key = OfferingKey { market: self.market_id(&core, market), offering: id };
        let loaded = open_one(&core, key)?;
        let inventory = &loaded.machine;
        let days = check_days(&inventory.offering().model, days)?;
        let free = inventory.availability(days.0, days.1);
        self.durable(&core, loaded.sequence).await?;
        Ok((view(inventory), free))
    }

    /// Sells no more of it. Orders that hold units go on.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if there is no such offering.
    pub async fn close_offering(&self, market: Market, id: OfferingId) -> Result<(), Refusal> {
        let core = self.core()?;
        let key = OfferingKey { market: self.market_id(&core, market), offering: id };
        open_one(&core, key)?;
        self.ask(&core, key, InventoryMsg::Close).await.map(|_| ())
    }

    async fn ask(
        &self,
        core: &Core,
        key: OfferingKey,
        message: impl FnOnce(oneshot::Sender<ChangeReply>) -> InventoryMsg,
    ) -> Result<OfferingView, Refusal> {
        let _pass = self.inner.gate.enter(Work::Command).await?;
        let (reply, answer) = oneshot::channel();
        if core.offerings.send(key, message(reply)) != Sent::Delivered {
            return Err(Refusal::unavailable("the inventory is down"));
        }
        match within(SETTLE_WAIT, answer).await {
            Some(ChangeReply::Done(inventory, sequence)) => {
                core.catalogue.put(key, &inventory);
                self.durable(core, sequence).await?;
                Ok(view(&inventory))
            }
            Some(ChangeReply::BelowHeld(held)) => Err(Refusal::Conflict(format!(
                "{held} of it are held; less than that cannot be left"
            ))),
            Some(ChangeReply::Uncounted) => Err(Refusal::Conflict(
                "what was sold without a limit was not counted; open a new offering instead"
                    .to_owned(),
            )),
            Some(ChangeReply::KindHeld) => Err(Refusal::Conflict(
                "units of it are held, and would be counted in another way; open a new offering"
                    .to_owned(),
            )),
            Some(ChangeReply::NotStock) => {
                Err(Refusal::Conflict("it is not counted as stock".to_owned()))
            }
            Some(ChangeReply::TooMuch) => {
                Err(Refusal::Conflict("that would be more than can be counted".to_owned()))
            }
            Some(ChangeReply::NoSuchOffering) => Err(not_found(key)),
            None => {
                Err(Refusal::unavailable("the offering restarted meanwhile; look, and ask again"))
            }
        }
    }

    /// What is sold under this number.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if nothing is, or no longer.
    pub async fn offering(&self, market: Market, id: OfferingId) -> Result<OfferingView, Refusal> {
        let core = self.core()?;
        let key = OfferingKey { market: self.market_id(&core, market), offering: id };
        let loaded = open_one(&core, key)?;
        self.durable(&core, loaded.sequence).await?;
        Ok(view(&loaded.machine))
    }

    /// What is or was sold under this number, also if it is no longer sold.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if nothing ever was.
    pub async fn offering_ever(
        &self,
        market: Market,
        id: OfferingId,
    ) -> Result<OfferingView, Refusal> {
        let core = self.core()?;
        let key = OfferingKey { market: self.market_id(&core, market), offering: id };
        let loaded = core.post.shelf.load_head::<Inventory>(key.stream())?;
        let loaded = loaded.ok_or_else(|| not_found(key))?;
        self.durable(&core, loaded.sequence).await?;
        Ok(view(&loaded.machine))
    }

    /// Everything that is sold, in the order of its numbers, after this one.
    ///
    /// # Errors
    /// [`Refusal`] if it cannot be read.
    pub async fn offerings(
        &self,
        market: Market,
        after: u64,
        limit: usize,
    ) -> Result<Page<OfferingView>, Refusal> {
        let core = self.core()?;
        let market = self.market_id(&core, market);
        let last = core.post.shelf.numbers().last(Kind::Offering, market);
        let limit = limit.clamp(1, PAGE_MAX);
        let mut items = Vec::new();
        let mut sequence = 0;
        let mut id = after;
        let end = last.min(after.saturating_add(SCAN_MAX as u64));
        while id < end && items.len() < limit {
            id += 1;
            let key = OfferingKey { market, offering: OfferingId(id) };
            match core.post.shelf.load_head::<Inventory>(key.stream())? {
                Some(loaded) if loaded.machine.is_open() => {
                    sequence = sequence.max(loaded.sequence);
                    items.push(view(&loaded.machine));
                }
                Some(_) | None => {}
            }
        }
        self.durable(&core, sequence).await?;
        Ok(Page { items, next: (id < last).then_some(id) })
    }
}

/// The days whose nights or slots are asked for.
fn check_days(
    model: &Model,
    (from, to): (Option<Day>, Option<Day>),
) -> Result<(Option<Day>, Option<Day>), Refusal> {
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        return Err(Refusal::invalid("to", format!("must be after {from}")));
    }
    match (model, from, to) {
        (Model::Nights { .. }, Some(from), Some(to)) if from.nights_until(to) > NIGHTS_MAX => {
            Err(Refusal::invalid("to", format!("at most {NIGHTS_MAX} nights at once")))
        }
        (Model::Nights { .. }, None, _) => {
            Err(Refusal::invalid("from", "is missing: which nights? from=2027-03-01&to=2027-03-08"))
        }
        (Model::Nights { .. }, _, None) => {
            Err(Refusal::invalid("to", "is missing: which nights? from=2027-03-01&to=2027-03-08"))
        }
        (
            Model::Unlimited
            | Model::Seats { .. }
            | Model::Stock { .. }
            | Model::Nights { .. }
            | Model::Slots { .. },
            from,
            to,
        ) => Ok((from, to)),
    }
}

fn not_found(key: OfferingKey) -> Refusal {
    Refusal::NotFound { kind: "offering", id: key.offering.0 }
}

fn open_one(core: &Core, key: OfferingKey) -> Result<Loaded<Inventory>, Refusal> {
    let loaded = core.post.shelf.load_head::<Inventory>(key.stream())?;
    loaded.filter(|loaded| loaded.machine.is_open()).ok_or_else(|| not_found(key))
}

fn check(offering: &Offering) -> Result<(), Refusal> {
    check_name(&offering.name).map_err(|reason| Refusal::invalid("name", reason))?;
    offering
        .check()
        .map_err(|(field, reason)| Refusal::invalid(format!("inventory.{field}"), reason))?;
    check_attributes(&offering.attributes).map_err(bad_attribute)
}

fn view(inventory: &Inventory) -> OfferingView {
    let offering = inventory.offering();
    OfferingView {
        id: inventory.id(),
        name: offering.name.clone(),
        price: offering.price,
        model: offering.model.clone(),
        overbook: offering.overbook,
        held: inventory.held(),
        free: inventory.free(),
        attributes: offering.attributes.clone(),
    }
}

//! What a person should look at: orders whose undoing cannot finish, orders that were set aside, and
//! orders that nobody acted on although their time has come.
//!
//! Nothing is searched for: the agenda and the brood know them.

use std::collections::BTreeMap;

use surehold_actors::agenda::Mark;
use surehold_actors::machine::MarketName;
use surehold_actors::stream;
use surehold_domain::id::{MarketId, OrderId, OrderKey};
use surehold_domain::saga::{EventKind, Phase, Saga};
use surehold_domain::time::{Span, Timestamp};

use super::Engine;
use crate::core::Core;
use crate::limits::{OVERDUE_GRACE, PAGE_MAX};
use crate::refusal::Refusal;
use crate::view::{AttentionPage, AttentionPlace, AttentionView, Look};

/// What is known of an order before it is read.
enum Known {
    Quarantined(String, Timestamp),
    Stuck,
    Overdue,
}

impl Engine {
    /// A page of orders that a person should look at, by market and number. Each is there once, for
    /// the worst that can be said of it. A page may come out short and still have a next one.
    ///
    /// # Errors
    /// [`Refusal`] if they cannot be read.
    pub async fn attention(
        &self,
        after: Option<AttentionPlace>,
        limit: usize,
    ) -> Result<AttentionPage, Refusal> {
        let core = self.core()?;
        let limit = limit.clamp(1, PAGE_MAX);
        let after = after.map(|AttentionPlace { market, order }| OrderKey {
            market: MarketId(market),
            order: OrderId(order),
        });
        let mut known = known(&core, after, limit + 1);
        let more = known.len() > limit;
        while known.len() > limit {
            known.pop_last();
        }
        let last = known.last_key_value().map(|(key, _)| *key).filter(|_| more);
        let next = last.map(|key| AttentionPlace { market: key.market.0, order: key.order.0 });
        let (mut items, mut sequence) = (Vec::with_capacity(known.len()), 0);
        for (key, known) in known {
            let Some(loaded) = core.post.shelf.load::<Saga>(stream::order(key))? else { continue };
            if let Some(item) = look(&core, &loaded.machine, known)? {
                sequence = sequence.max(loaded.sequence);
                items.push(item);
            }
        }
        self.durable(&core, sequence).await?;
        Ok(AttentionPage { items, next })
    }
}

/// The first orders after this one, and at least `most` of them if there are so many.
fn known(core: &Core, after: Option<OrderKey>, most: usize) -> BTreeMap<OrderKey, Known> {
    let agenda = &core.post.agenda;
    let grace = Span(u64::try_from(OVERDUE_GRACE.as_millis()).unwrap_or(u64::MAX));
    let overdue = agenda.list_overdue(core.post.clock.now(), grace, after, most);
    let stuck = agenda.list_marked(Mark::Stuck, after, most);
    let aside = core.orders.list_quarantined(after, most);
    // The later ones replace the earlier.
    let overdue = overdue.into_iter().map(|key| (key, Known::Overdue));
    let stuck = stuck.into_iter().map(|key| (key, Known::Stuck));
    let aside = aside.into_iter().map(|(key, cause, at)| (key, Known::Quarantined(cause, at)));
    overdue.chain(stuck).chain(aside).collect()
}

/// The order as it stands; `None` if it moved meanwhile.
fn look(core: &Core, saga: &Saga, known: Known) -> Result<Option<AttentionView>, Refusal> {
    let (why, reason, since) = match known {
        Known::Quarantined(cause, at) => (Look::Quarantined, cause, at),
        Known::Stuck if saga.phase() == Phase::Stuck => {
            let reason = saga.reason().map(ToString::to_string).unwrap_or_default();
            (Look::Stuck, reason, stuck_since(saga))
        }
        Known::Overdue => match saga.deadline() {
            Some(until) => (Look::Overdue, "its deadline passed unnoticed".to_owned(), until),
            None => return Ok(None),
        },
        Known::Stuck => return Ok(None),
    };
    let key = saga.key();
    let (market, served) = market_name(core, key.market)?;
    let phase = saga.phase();
    Ok(Some(AttentionView { market, served, order: key.order, phase, why, reason, since }))
}

fn stuck_since(saga: &Saga) -> Timestamp {
    let steps = saga.history().iter().rev();
    let mut stuck = steps.filter(|step| step.event == EventKind::GotStuck);
    stuck.next().map_or(saga.updated_at(), |step| step.at)
}

/// A market's name, and whether this engine was given its plan.
fn market_name(core: &Core, market: MarketId) -> Result<(String, bool), Refusal> {
    let place = core.markets.iter().position(|known| *known == market);
    if let Some(plan) = place.and_then(|place| core.plans.get(place)) {
        return Ok((plan.name.clone(), true));
    }
    let loaded = core.post.shelf.load::<MarketName>(stream::market(market))?;
    Ok((loaded.map_or_else(String::new, |loaded| loaded.machine.name), false))
}

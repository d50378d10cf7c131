//! Lists: orders by filter, and the rows of dialect collections.

use surehold_actors::stream;
use surehold_actors::stream::Kind;
use surehold_actors::watch::Seen;
use surehold_domain::id::{MarketId, OrderId, OrderKey};
use surehold_domain::saga::Saga;

use super::{Engine, Market};
use crate::core::Core;
use crate::limits::{PAGE_MAX, SCAN_MAX};
use crate::refusal::Refusal;
use crate::view::{Collection, OrderFilter, OrderView, Page, Rows};
use crate::views::Whose;

impl Engine {
    /// A page of orders, oldest first, after this number. Each is shown as it stands now. A page
    /// may come out short, even empty, and still have a next one: looking stops after a while.
    ///
    /// # Errors
    /// [`Refusal`] if they cannot be read.
    pub async fn orders(
        &self,
        market: Market,
        filter: OrderFilter,
        after: u64,
        limit: usize,
    ) -> Result<Page<OrderView>, Refusal> {
        let core = self.core()?;
        let plan = self.plan(market);
        let market = self.market_id(&core, market);
        if filter.customer.is_some() || filter.offering.is_some() {
            core.views.catch_up().await;
        }
        let limit = limit.clamp(1, PAGE_MAX);
        let (mut items, mut sequence, mut looked_at) = (Vec::new(), 0, after);
        let (candidates, more) = candidates(&core, market, &filter, after)?;
        let mut left = candidates.len();
        for order in candidates {
            if items.len() == limit {
                break;
            }
            left -= 1;
            looked_at = order.0;
            let stream = stream::order(OrderKey { market, order });
            let Some(loaded) = core.post.shelf.load::<Saga>(stream)? else { continue };
            if matches(&filter, &loaded.machine) {
                let seen = Seen { saga: loaded.machine, sequence: loaded.sequence };
                let (view, last) = self.view(&core, plan, &seen)?;
                sequence = sequence.max(last);
                items.push(view);
            }
        }
        self.durable(&core, sequence).await?;
        Ok(Page { items, next: (left > 0 || more).then_some(looked_at) })
    }

    /// Numbers of things in the order in which they came into being, after `offset` of them.
    ///
    /// # Errors
    /// [`Refusal`] if they cannot be read.
    pub async fn rows(
        &self,
        market: Market,
        collection: Collection,
        offset: u64,
        limit: usize,
    ) -> Result<Rows, Refusal> {
        let core = self.core()?;
        core.views.catch_up().await;
        let market = self.market_id(&core, market);
        core.views.rows(market, collection, offset, limit.min(PAGE_MAX)).map_err(unreadable)
    }

    /// The order that was cancelled by cancellation number `row`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], or why it cannot be read.
    pub async fn cancellation(&self, market: Market, row: u64) -> Result<OrderView, Refusal> {
        let not_found = Refusal::NotFound { kind: "cancellation", id: row };
        let Some(offset) = row.checked_sub(1) else { return Err(not_found) };
        let rows = self.rows(market, Collection::Cancellations, offset, 1).await?;
        let order = rows.ids.first().ok_or(not_found)?;
        self.order(market, OrderId(*order)).await
    }

    /// The number of an order's cancellation, if its booking was cancelled.
    ///
    /// # Errors
    /// [`Refusal`] if it cannot be read.
    pub async fn cancellation_of(
        &self,
        market: Market,
        order: OrderId,
    ) -> Result<Option<u64>, Refusal> {
        let core = self.core()?;
        core.views.catch_up().await;
        let market = self.market_id(&core, market);
        core.views.cancellation(market, order).map_err(unreadable)
    }
}

fn unreadable(error: surehold_storage::SnapshotError) -> Refusal {
    Refusal::Fault(error.to_string())
}

/// Orders to look at for a page, in order, and whether there are more after them.
fn candidates(
    core: &Core,
    market: MarketId,
    filter: &OrderFilter,
    after: u64,
) -> Result<(Vec<OrderId>, bool), Refusal> {
    let whose = match (&filter.customer, filter.offering) {
        (Some(customer), _) => Whose::Customer(customer),
        (None, Some(offering)) => Whose::Offering(offering),
        (None, None) => {
            let last = core.post.shelf.numbers().last(Kind::Order, market);
            let end = last.min(after.saturating_add(SCAN_MAX as u64));
            return Ok(((after.saturating_add(1)..=end).map(OrderId).collect(), end < last));
        }
    };
    let orders =
        core.views.orders_of(market, whose, OrderId(after), SCAN_MAX).map_err(unreadable)?;
    let more = orders.len() == SCAN_MAX;
    Ok((orders, more))
}

fn matches(filter: &OrderFilter, saga: &Saga) -> bool {
    let OrderFilter { customer, offering, phase } = filter;
    customer.as_ref().is_none_or(|customer| *customer == saga.order().customer)
        && offering.is_none_or(|offering| offering == saga.order().offering)
        && phase.is_none_or(|phase| phase == saga.phase())
}

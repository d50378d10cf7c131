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

/// Fewest numbers asked of an index in one go.
const FETCH_MIN: usize = 256;

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
        let (page, sequence) = page(
            (after, limit),
            |at, most| candidates(&core, market, &filter, at, most),
            |order| {
                let stream = stream::order(OrderKey { market, order: OrderId(order) });
                let loaded = core.post.shelf.load::<Saga>(stream)?;
                let Some(loaded) = loaded.filter(|loaded| matches(&filter, &loaded.machine)) else {
                    return Ok(None);
                };
                let seen = Seen { saga: Box::new(loaded.machine), sequence: loaded.sequence };
                self.view(&core, plan, seen).map(Some)
            },
        )?;
        self.durable(&core, sequence).await?;
        Ok(page)
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

    /// Shows the rows of a collection, each with `look` as it stands now, and says how many there are
    /// in all; what `look` leaves out is gone since.
    pub(super) async fn show_all<T>(
        &self,
        core: &Core,
        rows: Rows,
        mut look: impl FnMut(u64) -> Result<Option<(T, u64)>, Refusal>,
    ) -> Result<(Vec<T>, u64), Refusal> {
        let (mut items, mut sequence) = (Vec::with_capacity(rows.ids.len()), 0);
        for id in rows.ids {
            if let Some((item, last)) = look(id)? {
                sequence = sequence.max(last);
                items.push(item);
            }
        }
        self.durable(core, sequence).await?;
        Ok((items, rows.total))
    }
}

pub(super) fn unreadable(error: surehold_storage::SnapshotError) -> Refusal {
    Refusal::Fault(error.to_string())
}

/// Makes a page of a list of numbers, from after `span.0` on and with at most `span.1` items.
/// `fetch` names up to so many numbers after one; `look` shows one as it stands now, with its last
/// record, or leaves it out. Returned with the page is the last record of all that it shows. It may
/// come out short, even empty, and still have a next one: looking stops after a while.
pub(super) fn page<T>(
    span: (u64, usize),
    mut fetch: impl FnMut(u64, usize) -> Result<Vec<u64>, Refusal>,
    mut look: impl FnMut(u64) -> Result<Option<(T, u64)>, Refusal>,
) -> Result<(Page<T>, u64), Refusal> {
    let (mut at, limit) = (span.0, span.1.clamp(1, PAGE_MAX));
    let (mut items, mut sequence, mut looked) = (Vec::new(), 0, 0);
    loop {
        // One more than fits says whether there is a next page.
        let most = (limit - items.len() + 1).max(FETCH_MIN);
        let numbers = fetch(at, most)?;
        let end = numbers.len() < most;
        for number in numbers {
            if items.len() == limit || looked == SCAN_MAX {
                return Ok((Page { items, next: Some(at) }, sequence));
            }
            (at, looked) = (number, looked + 1);
            if let Some((item, last)) = look(number)? {
                sequence = sequence.max(last);
                items.push(item);
            }
        }
        if end {
            return Ok((Page { items, next: None }, sequence));
        }
    }
}

/// Orders to look at for a page, in order.
fn candidates(
    core: &Core,
    market: MarketId,
    filter: &OrderFilter,
    after: u64,
    most: usize,
) -> Result<Vec<u64>, Refusal> {
    let whose = match (&filter.customer, filter.offering) {
        (Some(customer), _) => Whose::Customer(customer),
        (None, Some(offering)) => Whose::Offering(offering),
        (None, None) => {
            let last = core.post.shelf.numbers().last(Kind::Order, market);
            let end = last.min(after.saturating_add(most as u64));
            return Ok((after.saturating_add(1)..=end).collect());
        }
    };
    core.views.numbers_of(market, whose, after, most).map_err(unreadable)
}

fn matches(filter: &OrderFilter, saga: &Saga) -> bool {
    let OrderFilter { customer, offering, phase } = filter;
    customer.as_ref().is_none_or(|customer| *customer == saga.order().customer)
        && offering.is_none_or(|offering| offering == saga.order().offering)
        && phase.is_none_or(|phase| phase == saga.phase())
}

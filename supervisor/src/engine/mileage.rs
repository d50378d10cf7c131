//! Points: what orders earned, and what customers have.

use surehold_actors::stream;
use surehold_domain::id::{MarketId, OrderId, OrderKey};
use surehold_domain::mileage::Mileage;

use super::lists::{page, unreadable};
use super::{Engine, Market};
use crate::core::Core;
use crate::limits::PAGE_MAX;
use crate::refusal::Refusal;
use crate::view::{Collection, MileageAccount, MileageEntry};

impl Engine {
    /// What an order earned, also if that was taken back.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if it earned nothing, or why it cannot be read.
    pub async fn mileage(&self, market: Market, order: OrderId) -> Result<MileageEntry, Refusal> {
        let core = self.core()?;
        let market = self.market_id(&core, market);
        let not_found = Refusal::NotFound { kind: "mileage of order", id: order.0 };
        let (entry, sequence) = find(&core, market, order)?.ok_or(not_found)?;
        self.durable(&core, sequence).await?;
        Ok(entry)
    }

    /// A customer's points, and a page of the orders that earned them, after this number. Whoever
    /// never earned any has none.
    ///
    /// # Errors
    /// [`Refusal`] if they cannot be read.
    pub async fn mileage_of(
        &self,
        market: Market,
        customer: &str,
        after: u64,
        limit: usize,
    ) -> Result<MileageAccount, Refusal> {
        let core = self.core()?;
        core.views.catch_up().await;
        let market = self.market_id(&core, market);
        let mut balance = None;
        let (entries, sequence) = page(
            (after, limit),
            |at, most| {
                let account = core.views.account(market, customer, at, most);
                let (now, orders) = account.map_err(unreadable)?;
                balance.get_or_insert(now);
                Ok(orders)
            },
            |order| {
                let found = find(&core, market, OrderId(order))?;
                Ok(found.filter(|(entry, _)| entry.customer == customer))
            },
        )?;
        self.durable(&core, sequence).await?;
        let (customer, balance) = (customer.to_owned(), balance.unwrap_or(0));
        Ok(MileageAccount { customer, balance, entries })
    }

    /// What the orders of a market earned, in the order of crediting, after `offset` entries, and how
    /// many there are.
    ///
    /// # Errors
    /// [`Refusal`] if they cannot be read.
    pub async fn mileages(
        &self,
        market: Market,
        offset: u64,
        limit: usize,
    ) -> Result<(Vec<MileageEntry>, u64), Refusal> {
        let core = self.core()?;
        core.views.catch_up().await;
        let market = self.market_id(&core, market);
        let rows = core.views.rows(market, Collection::Mileages, offset, limit.min(PAGE_MAX));
        let find = |number| find(&core, market, OrderId(number));
        self.show_all(&core, rows.map_err(unreadable)?, find).await
    }
}

/// What an order earned, and the entry's last record.
fn find(
    core: &Core,
    market: MarketId,
    order: OrderId,
) -> Result<Option<(MileageEntry, u64)>, Refusal> {
    let loaded = core.post.shelf.load::<Mileage>(stream::mileage(OrderKey { market, order }))?;
    Ok(loaded.map(|loaded| {
        let entry = loaded.machine;
        let points = entry.points();
        let Mileage { customer, offering, payment, credited, updated_at, .. } = entry;
        let entry =
            MileageEntry { order, customer, offering, payment, credited, points, updated_at };
        (entry, loaded.sequence)
    }))
}

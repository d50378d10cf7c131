//! Figures of offerings, and what moves stock.

use surehold_domain::id::{OfferingId, OrderId};

use super::lists::unreadable;
use super::{Engine, Market};
use crate::refusal::Refusal;
use crate::view::{Collection, OfferingFigures, Rows};

impl Engine {
    /// What is counted of an offering. Where sales are not counted, that is only its reviews; of what
    /// is not sold, nothing.
    ///
    /// # Errors
    /// [`Refusal`] if it cannot be read.
    pub async fn offering_figures(
        &self,
        market: Market,
        offering: OfferingId,
    ) -> Result<OfferingFigures, Refusal> {
        let core = self.core()?;
        core.views.catch_up().await;
        let market = self.market_id(&core, market);
        core.views.figures(market, offering).map_err(unreadable)
    }

    /// Numbers of orders that move stock, where that is counted: one that brings something from when
    /// it is confirmed, one that takes from when its goods came back.
    ///
    /// # Errors
    /// [`Refusal`] if they cannot be read.
    pub async fn flows(&self, market: Market, offset: u64, limit: usize) -> Result<Rows, Refusal> {
        self.rows(market, Collection::Flows, offset, limit).await
    }

    /// The number of an order's row among the flows, from 1, if it has one.
    ///
    /// # Errors
    /// [`Refusal`] if it cannot be read.
    pub async fn flow_of(&self, market: Market, order: OrderId) -> Result<Option<u64>, Refusal> {
        let core = self.core()?;
        core.views.catch_up().await;
        let market = self.market_id(&core, market);
        core.views.flow(market, order).map_err(unreadable)
    }
}

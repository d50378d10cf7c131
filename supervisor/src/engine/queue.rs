//! The operator's queue: what waits for a word, oldest first.

use surehold_actors::stream::ConfirmationKey;
use surehold_domain::confirmation::{Confirmation, State};
use surehold_domain::id::{ConfirmationId, MarketId};
use surehold_domain::plan::Plan;

use super::lists::{page, unreadable};
use super::orders::load;
use super::{Engine, Market};
use crate::core::Core;
use crate::refusal::Refusal;
use crate::view::{Page, WaitingView};

impl Engine {
    /// A page of confirmations that wait for the operator, after this number, oldest first. Each is
    /// shown with its order as both stand now; one that no longer waits is left out.
    ///
    /// # Errors
    /// [`Refusal`] if they cannot be read.
    pub async fn waiting(
        &self,
        market: Market,
        after: u64,
        limit: usize,
    ) -> Result<Page<WaitingView>, Refusal> {
        let core = self.core()?;
        core.views.catch_up().await;
        let plan = self.plan(market);
        let market = self.market_id(&core, market);
        let (page, sequence) = page(
            (after, limit),
            |at, most| core.views.waiting(market, at, most).map_err(unreadable),
            |number| self.waits(&core, plan, market, ConfirmationId(number)),
        )?;
        self.durable(&core, sequence).await?;
        Ok(page)
    }

    /// One that waits, and the last record of all that it tells of.
    fn waits(
        &self,
        core: &Core,
        plan: &Plan,
        market: MarketId,
        id: ConfirmationId,
    ) -> Result<Option<(WaitingView, u64)>, Refusal> {
        let key = ConfirmationKey { market, confirmation: id };
        let Some(loaded) = core.post.shelf.load::<Confirmation>(key.stream())? else {
            return Ok(None);
        };
        let confirmation = loaded.machine;
        let since = confirmation.updated_at();
        let until = match confirmation.state() {
            State::Waiting { until } => *until,
            State::Confirmed | State::Rejected(_) | State::Withdrawn => return Ok(None),
        };
        let (order, sequence) = self.view(core, plan, load(core, confirmation.order())?)?;
        Ok(Some((WaitingView { id, order, since, until }, sequence.max(loaded.sequence))))
    }
}

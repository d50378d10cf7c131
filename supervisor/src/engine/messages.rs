//! Messages to customers, as they were written.

use surehold_actors::stream;
use surehold_domain::id::{MarketId, MessageId};
use surehold_domain::message::Message;

use super::lists::{page, unreadable};
use super::{Engine, Market};
use crate::core::Core;
use crate::limits::PAGE_MAX;
use crate::refusal::Refusal;
use crate::view::{Collection, MessageView, Page};
use crate::views::Whose;

impl Engine {
    /// A message.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], or why it cannot be read.
    pub async fn message(
        &self,
        market: Market,
        message: MessageId,
    ) -> Result<MessageView, Refusal> {
        let core = self.core()?;
        let market = self.market_id(&core, market);
        let not_found = Refusal::NotFound { kind: "message", id: message.0 };
        let (view, sequence) = find(&core, market, message)?.ok_or(not_found)?;
        self.durable(&core, sequence).await?;
        Ok(view)
    }

    /// A page of a customer's messages, oldest first, after this number.
    ///
    /// # Errors
    /// [`Refusal`] if they cannot be read.
    pub async fn messages_of(
        &self,
        market: Market,
        customer: &str,
        after: u64,
        limit: usize,
    ) -> Result<Page<MessageView>, Refusal> {
        let core = self.core()?;
        core.views.catch_up().await;
        let market = self.market_id(&core, market);
        let whose = Whose::MessagesOf(customer);
        let (page, sequence) = page(
            (after, limit),
            |at, most| core.views.numbers_of(market, whose, at, most).map_err(unreadable),
            |number| {
                let found = find(&core, market, MessageId(number))?;
                Ok(found.filter(|(view, _)| view.customer == customer))
            },
        )?;
        self.durable(&core, sequence).await?;
        Ok(page)
    }

    /// The messages of a market, oldest first, after `offset` of them, and how many there are.
    ///
    /// # Errors
    /// [`Refusal`] if they cannot be read.
    pub async fn messages(
        &self,
        market: Market,
        offset: u64,
        limit: usize,
    ) -> Result<(Vec<MessageView>, u64), Refusal> {
        let core = self.core()?;
        core.views.catch_up().await;
        let market = self.market_id(&core, market);
        let rows = core.views.rows(market, Collection::Messages, offset, limit.min(PAGE_MAX));
        let find = |number| find(&core, market, MessageId(number));
        self.show_all(&core, rows.map_err(unreadable)?, find).await
    }
}

/// A message and its record.
fn find(
    core: &Core,
    market: MarketId,
    id: MessageId,
) -> Result<Option<(MessageView, u64)>, Refusal> {
    let loaded = core.post.shelf.load::<Message>(stream::message(market, id))?;
    Ok(loaded.map(|loaded| {
        let Message { id, source: _, occasion, order, offering, customer, text, at } =
            loaded.machine;
        (MessageView { id, occasion, order, offering, customer, text, at }, loaded.sequence)
    }))
}

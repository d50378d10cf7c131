//! Committed facts in order: for pages, for streams, for anybody who follows.

use std::time::Duration;

use surehold_actors::machine::{Machine, NodeLife};
use surehold_actors::shelf::{Shelf, ShelfError};
use surehold_actors::stream::Kind;
use surehold_domain::confirmation::Confirmation;
use surehold_domain::id::{
    ConfirmationId, MarketId, MessageId, OfferingId, OrderId, PaymentId, ReviewId,
};
use surehold_domain::inventory::Inventory;
use surehold_domain::message::Message;
use surehold_domain::mileage::Mileage;
use surehold_domain::payment::Payment;
use surehold_domain::review::Review;
use surehold_domain::saga::Saga;
use surehold_domain::time::Timestamp;
use surehold_storage::{JournalError, Record};
use tokio::time::{Instant, timeout_at};

use super::{Engine, Market};
use crate::core::Core;
use crate::event::{Committed, CommittedFact, Events};
use crate::limits::{PAGE_MAX, SCAN_MAX};
use crate::refusal::Refusal;

/// Records read from the journal in one go.
const READ_RECORDS: usize = 1024;

impl Engine {
    /// Facts of a market after this sequence, oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`Refusal::Gone`] if some of them are no longer kept, or why they cannot be read.
    pub async fn events(
        &self,
        market: Market,
        after: u64,
        limit: usize,
    ) -> Result<Events, Refusal> {
        let core = self.core()?;
        let market = self.market_id(&core, market);
        read(&core, market, after, limit.clamp(1, PAGE_MAX))
    }

    /// The sequence that all events come after which are still kept; 0 as long as none went.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] if the engine is down.
    pub fn events_begin(&self) -> Result<u64, Refusal> {
        Ok(self.core()?.post.shelf.journal().anchor())
    }

    /// As [`Engine::events`], but waits until there is at least one.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] when the engine closes meanwhile.
    pub async fn events_after(
        &self,
        market: Market,
        after: u64,
        limit: usize,
    ) -> Result<Events, Refusal> {
        let mut cursor = after;
        loop {
            let core = self.core()?;
            let events = self.events(market, cursor, limit).await?;
            if !events.events.is_empty() {
                return Ok(events);
            }
            cursor = events.cursor;
            if events.at_end {
                self.followed(&core, cursor + 1).await?;
            }
        }
    }

    /// As [`Engine::events_after`], but gives up after this time. Then there are none, and the cursor
    /// says how far it looked: whoever goes on there never looks at anything twice.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] when the engine closes meanwhile.
    pub async fn events_within(
        &self,
        market: Market,
        after: u64,
        limit: usize,
        wait: Duration,
    ) -> Result<Events, Refusal> {
        let until = Instant::now() + wait;
        let mut cursor = after;
        loop {
            let core = self.core()?;
            let events = self.events(market, cursor, limit).await?;
            if !events.events.is_empty() || Instant::now() >= until {
                return Ok(events);
            }
            cursor = events.cursor;
            if events.at_end
                && let Ok(durable) = timeout_at(until, self.followed(&core, cursor + 1)).await
            {
                durable?;
            }
        }
    }

    /// Follows a market's committed facts from after this sequence on.
    #[must_use]
    pub fn subscribe(&self, market: Market, after: u64) -> Subscription {
        Subscription { engine: self.clone(), market, cursor: after }
    }
}

/// Committed facts of a market, one batch after another. It misses nothing: where it was, it
/// continues, also on a new engine over the same data.
pub struct Subscription {
    engine: Engine,
    market: Market,
    cursor: u64,
}

impl Subscription {
    /// The next facts; waits until there are some.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] when the engine closes.
    pub async fn next(&mut self) -> Result<Vec<Committed>, Refusal> {
        let events = self.engine.events_after(self.market, self.cursor, PAGE_MAX).await?;
        self.cursor = events.cursor;
        Ok(events.events)
    }

    /// Everything up to here was handed out.
    #[must_use]
    pub fn cursor(&self) -> u64 {
        self.cursor
    }
}

fn read(core: &Core, market: MarketId, after: u64, limit: usize) -> Result<Events, Refusal> {
    let mut found = Events { events: Vec::new(), cursor: after, at_end: false };
    let mut looked_at = 0;
    while looked_at < SCAN_MAX {
        let read = core.post.shelf.journal().read_from(found.cursor, READ_RECORDS);
        let records = match read {
            Err(JournalError::Removed { first }) => return Err(Refusal::Gone { first }),
            read => read.map_err(ShelfError::from)?,
        };
        if records.is_empty() {
            found.at_end = true;
            return Ok(found);
        }
        for record in &records {
            if found.events.len() == limit {
                return Ok(found);
            }
            looked_at += 1;
            found.cursor = record.sequence;
            if record.stream.group == market.0
                && let Some(fact) = decode(record)?
            {
                found.events.push(Committed { sequence: record.sequence, fact });
            }
        }
    }
    Ok(found)
}

/// The fact, if it is one that is told; markets, keys and the node's own life are not.
fn decode(record: &Record) -> Result<Option<CommittedFact>, ShelfError> {
    let id = record.stream.id;
    Ok(Some(match Kind::of(record.stream) {
        Some(Kind::Order) => CommittedFact::Order(OrderId(id), fact::<Saga>(record)?),
        Some(Kind::Offering) => CommittedFact::Offering(OfferingId(id), fact::<Inventory>(record)?),
        Some(Kind::Payment) => CommittedFact::Payment(PaymentId(id), fact::<Payment>(record)?),
        Some(Kind::Confirmation) => {
            CommittedFact::Confirmation(ConfirmationId(id), fact::<Confirmation>(record)?)
        }
        Some(Kind::Mileage) => CommittedFact::Mileage(OrderId(id), fact::<Mileage>(record)?),
        Some(Kind::Review) => CommittedFact::Review(ReviewId(id), fact::<Review>(record)?),
        Some(Kind::Message) => CommittedFact::Message(MessageId(id), fact::<Message>(record)?),
        Some(Kind::Node | Kind::Market | Kind::Key | Kind::Sale | Kind::Supply | Kind::Switch)
        | None => return Ok(None),
    }))
}

fn fact<M: Machine>(record: &Record) -> Result<M::Fact, ShelfError> {
    M::fact_from_bytes(&record.bytes)
        .map_err(|source| ShelfError::Codec { stream: record.stream, source })
}

/// When the latest of the last records were written, as far as they tell.
pub(crate) fn latest(shelf: &Shelf) -> Result<Option<Timestamp>, ShelfError> {
    let journal = shelf.journal();
    let from = journal.last().saturating_sub(READ_RECORDS as u64).max(journal.anchor());
    let mut latest = None;
    for record in journal.read_from(from, READ_RECORDS)? {
        let at = if Kind::of(record.stream) == Some(Kind::Node) {
            Some(fact::<NodeLife>(&record)?)
        } else {
            decode(&record)?.map(|fact| fact.at())
        };
        latest = latest.max(at);
    }
    Ok(latest)
}

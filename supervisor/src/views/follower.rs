//! The follower that keeps the views: reads committed records after its cursor, and stores what it
//! learned together with the new cursor.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, PoisonError};

use ractor::{Actor, ActorProcessingErr, ActorRef};
use surehold_actors::machine::Machine;
use surehold_actors::shelf::{ShelfError, VIEWS};
use surehold_actors::stream::{Kind, order_key};
use surehold_domain::confirmation::{self, Confirmation};
use surehold_domain::id::MarketId;
use surehold_domain::payment::{self, Payment};
use surehold_domain::saga::{Event, Saga, Turn};
use surehold_domain::time::Timestamp;
use surehold_storage::Record;
use tracing::warn;

use super::Views;
use super::index::{
    CURSOR_KEY, PAGE_ROWS, cancellation_key, count_key, customer_posting, last_id,
    offering_posting, page_key, tag_of,
};
use super::recent::Recent;
use crate::limits::{FOLLOWER_PAUSE, FOLLOWER_RECORDS, VIEWS_STORED_EVERY};
use crate::view::Collection;

/// A message to the views.
#[derive(Debug)]
pub enum ViewsMsg {
    /// Read on.
    Follow,
    /// A fault on demand.
    Crash,
}

/// The follower's actor.
pub(super) struct ViewsActor;

/// What the follower remembers between two gulps: how long each collection is, and its last page.
pub(super) struct ViewsState {
    views: Arc<Views>,
    cursor: u64,
    stored_at: Timestamp,
    ends: HashMap<(u8, MarketId), (u64, Vec<u8>)>,
}

impl Actor for ViewsActor {
    type Msg = ViewsMsg;
    type State = ViewsState;
    type Arguments = Arc<Views>;

    async fn pre_start(
        &self,
        _myself: ActorRef<ViewsMsg>,
        views: Arc<Views>,
    ) -> Result<ViewsState, ActorProcessingErr> {
        let stored_at = views.post.clock.now();
        Ok(ViewsState { views, cursor: 0, stored_at, ends: HashMap::new() })
    }

    async fn post_start(
        &self,
        myself: ActorRef<ViewsMsg>,
        state: &mut ViewsState,
    ) -> Result<(), ActorProcessingErr> {
        let shelf = &state.views.post.shelf;
        let stored = shelf.snapshots().get(VIEWS, CURSOR_KEY)?.map_or(0, |bytes| last_id(&bytes));
        // Views of another, longer journal were emptied with the snapshots; this is a second look.
        // An earlier life may have learned more than it stored; it is learned again.
        state.recent().clear();
        state.cursor = stored.min(shelf.journal().last());
        state.views.reached(state.cursor);
        myself.send_message(ViewsMsg::Follow)?;
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<ViewsMsg>,
        message: ViewsMsg,
        state: &mut ViewsState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ViewsMsg::Follow => {
                let more = state.follow()?;
                let (cursor, views) = (state.cursor, Arc::clone(&state.views));
                tokio::spawn(async move {
                    if !more {
                        let durable = views.post.shelf.journal().durable();
                        // A closed journal ends this life of the tree.
                        if durable.reached(cursor + 1).await.is_err() {
                            return;
                        }
                        tokio::time::sleep(FOLLOWER_PAUSE).await;
                    }
                    let _ = myself.send_message(ViewsMsg::Follow);
                });
                Ok(())
            }
            ViewsMsg::Crash => Err("the views were told to crash".into()),
        }
    }
}

impl ViewsState {
    fn recent(&self) -> std::sync::RwLockWriteGuard<'_, Recent> {
        self.views.recent.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one gulp; says whether there is more at once.
    fn follow(&mut self) -> Result<bool, ShelfError> {
        let shelf = Arc::clone(&self.views.post.shelf);
        let records = shelf.journal().read_from(self.cursor, FOLLOWER_RECORDS)?;
        let Some(last) = records.last().map(|record| record.sequence) else { return Ok(false) };
        let views = Arc::clone(&self.views);
        let mut recent = views.recent.write().unwrap_or_else(PoisonError::into_inner);
        for record in &records {
            self.learn(record, &mut recent)?;
        }
        let now = views.post.clock.now();
        let due = now.since(self.stored_at) >= VIEWS_STORED_EVERY;
        if recent.is_full() || (due && !recent.is_empty()) {
            let store = &**shelf.snapshots();
            store.apply(recent.to_changes(store, (CURSOR_KEY, last))?)?;
            recent.clear();
            self.stored_at = now;
        }
        drop(recent);
        self.cursor = last;
        self.views.reached(last);
        Ok(records.len() == FOLLOWER_RECORDS)
    }

    fn learn(&mut self, record: &Record, recent: &mut Recent) -> Result<(), ShelfError> {
        let market = MarketId(record.stream.group);
        let id = record.stream.id;
        match Kind::of(record.stream) {
            Some(Kind::Order) => self.learn_order(record, recent),
            Some(Kind::Payment) => match decode::<Payment>(record)? {
                payment::Fact { event: payment::Event::Captured, .. } => {
                    self.add(Collection::Payments, market, id, recent).map(|_| ())
                }
                payment::Fact { .. } => Ok(()),
            },
            Some(Kind::Confirmation) => match decode::<Confirmation>(record)?.event {
                confirmation::Event::Queued { .. } | confirmation::Event::Issued { .. } => {
                    self.add(Collection::Confirmations, market, id, recent).map(|_| ())
                }
                confirmation::Event::Confirmed
                | confirmation::Event::Rejected(_)
                | confirmation::Event::Withdrawn
                | confirmation::Event::Abandoned { .. } => Ok(()),
            },
            Some(
                Kind::Offering
                | Kind::Node
                | Kind::Market
                | Kind::Key
                | Kind::Mileage
                | Kind::Message
                | Kind::Review
                | Kind::Sale
                | Kind::Supply
                | Kind::Switch,
            )
            | None => Ok(()),
        }
    }

    fn learn_order(&mut self, record: &Record, recent: &mut Recent) -> Result<(), ShelfError> {
        let market = MarketId(record.stream.group);
        let order = order_key(record.stream).order;
        let event = decode::<Saga>(record)?.event;
        if let Event::Placed { order: placed, .. } = &event {
            recent.post(customer_posting(market, &placed.customer, order));
            recent.post(offering_posting(market, placed.offering, order));
        }
        match event.turn() {
            Some(Turn::Booked) => self.add(Collection::Orders, market, order.0, recent).map(|_| ()),
            Some(Turn::Undone(_)) => {
                let shelf = &self.views.post.shelf;
                let loaded = shelf.load::<Saga>(record.stream)?;
                // Only what was a booking can be cancelled; the rest merely came to nothing.
                if loaded.is_some_and(|loaded| loaded.machine.confirmation().is_some()) {
                    let row = self.add(Collection::Cancellations, market, order.0, recent)?;
                    recent.put(cancellation_key(market, order), row.to_be_bytes().to_vec());
                }
                Ok(())
            }
            Some(
                Turn::Awaited
                | Turn::Confirmed
                | Turn::Fulfilled
                | Turn::Refunded(_)
                | Turn::Released,
            )
            | None => Ok(()),
        }
    }

    /// Adds a row to a collection; returns its number, from 1.
    fn add(
        &mut self,
        collection: Collection,
        market: MarketId,
        id: u64,
        recent: &mut Recent,
    ) -> Result<u64, ShelfError> {
        let tag = tag_of(collection);
        let store = Arc::clone(self.views.post.shelf.snapshots());
        let (count, page) = match self.ends.entry((tag, market)) {
            Entry::Occupied(end) => end.into_mut(),
            Entry::Vacant(end) => {
                let count = recent.get(&*store, &count_key(tag, market))?;
                let count = count.map_or(0, |bytes| last_id(&bytes));
                let page = recent.get(&*store, &page_key(tag, market, count / PAGE_ROWS))?;
                end.insert((count, page.unwrap_or_default()))
            }
        };
        let number = *count / PAGE_ROWS;
        if count.is_multiple_of(PAGE_ROWS) {
            page.clear();
        }
        page.extend(id.to_be_bytes());
        *count += 1;
        recent.put(page_key(tag, market, number), page.clone());
        recent.put(count_key(tag, market), count.to_be_bytes().to_vec());
        Ok(*count)
    }
}

fn decode<M: Machine>(record: &Record) -> Result<M::Fact, ShelfError> {
    M::fact_from_bytes(&record.bytes).map_err(|source| {
        warn!(stream = %record.stream, sequence = record.sequence, "a fact does not decode");
        ShelfError::Codec { stream: record.stream, source }
    })
}

//! The views: indexes over committed facts, kept by a follower with a durable cursor.
//!
//! They hold numbers, never states: which orders a customer has, which orders became bookings, in
//! which order. What a list shows of an order is read from the order itself, so a view can be late
//! but never wrong. Stopped, it misses nothing: it continues at its cursor. Deleted with the
//! snapshots, it is rebuilt from the journal.

mod follower;
mod index;
mod recent;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use ractor::{Actor, ActorCell, ActorRef, SpawnErr};
use surehold_actors::post::Post;
use surehold_domain::id::{MarketId, OfferingId, OrderId};
use surehold_storage::SnapshotError;
use tokio::sync::Notify;

use crate::limits::VIEW_WAIT;
use crate::participant::{SUPPORTING, Worker};
use crate::policy::Policy;
use crate::view::{Collection, Rows};
use follower::ViewsActor;
pub use follower::ViewsMsg;
use index::{
    PAGE_ROWS, cancellation_key, count_key, customer_posting, last_id, offering_posting, page_key,
    rows_of, tag_of,
};
use recent::Recent;

/// The views as everybody reads them.
pub struct Views {
    post: Arc<Post>,
    recent: RwLock<Recent>,
    cursor: AtomicU64,
    moved: Notify,
    stopped: AtomicBool,
}

impl Views {
    /// Views over what the shelf holds, as far as an earlier follower got.
    #[must_use]
    pub fn new(post: Arc<Post>) -> Views {
        Views {
            post,
            recent: RwLock::default(),
            cursor: AtomicU64::new(0),
            moved: Notify::new(),
            stopped: AtomicBool::new(false),
        }
    }

    fn recent(&self) -> RwLockReadGuard<'_, Recent> {
        self.recent.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn reached(&self, cursor: u64) {
        self.cursor.store(cursor, Ordering::Release);
        self.moved.notify_waiters();
    }

    /// Waits, not for long, until the views know what is committed now. A stopped or slow view
    /// answers with what it has.
    pub async fn catch_up(&self) {
        let wanted = self.post.shelf.journal().last();
        let caught_up = async {
            loop {
                let moved = self.moved.notified();
                if self.cursor.load(Ordering::Acquire) >= wanted {
                    return;
                }
                moved.await;
            }
        };
        if !self.stopped.load(Ordering::Relaxed) {
            // Late is not wrong: after the wait, what is there is shown.
            let _ = tokio::time::timeout(VIEW_WAIT, caught_up).await;
        }
    }

    /// Numbers of things in the order in which they came into being.
    ///
    /// # Errors
    /// [`SnapshotError`] if the index cannot be read.
    pub fn rows(
        &self,
        market: MarketId,
        collection: Collection,
        offset: u64,
        limit: usize,
    ) -> Result<Rows, SnapshotError> {
        let tag = tag_of(collection);
        let (store, recent) = (&**self.post.shelf.snapshots(), self.recent());
        let count = recent.get(store, &count_key(tag, market))?;
        let total = count.map_or(0, |bytes| last_id(&bytes));
        let mut ids = Vec::new();
        let mut page = offset / PAGE_ROWS;
        let mut skip = usize::try_from(offset % PAGE_ROWS).unwrap_or(usize::MAX);
        while ids.len() < limit {
            let Some(bytes) = recent.get(store, &page_key(tag, market, page))? else { break };
            ids.extend(rows_of(&bytes).skip(skip).take(limit - ids.len()));
            page += 1;
            skip = 0;
        }
        Ok(Rows { ids, total })
    }

    /// Orders of a customer, or of an offering, with a number above `after`, in order. Customers
    /// are found by a hash of their name: who is meant must be checked on the order itself.
    ///
    /// # Errors
    /// [`SnapshotError`] if the index cannot be read.
    pub fn orders_of(
        &self,
        market: MarketId,
        whose: Whose<'_>,
        after: OrderId,
        limit: usize,
    ) -> Result<Vec<OrderId>, SnapshotError> {
        let posting = |order| match whose {
            Whose::Customer(name) => customer_posting(market, name, order),
            Whose::Offering(offering) => offering_posting(market, offering, order),
        };
        let (from, to) = (OrderId(after.0.saturating_add(1)), OrderId(u64::MAX));
        let store = &**self.post.shelf.snapshots();
        let found = self.recent().postings(store, posting(from), posting(to), limit)?;
        Ok(found.iter().map(|posting| OrderId(last_id(posting))).collect())
    }

    /// The number of an order's cancellation, if its booking was cancelled.
    ///
    /// # Errors
    /// [`SnapshotError`] if the index cannot be read.
    pub fn cancellation(
        &self,
        market: MarketId,
        order: OrderId,
    ) -> Result<Option<u64>, SnapshotError> {
        let store = &**self.post.shelf.snapshots();
        let stored = self.recent().get(store, &cancellation_key(market, order))?;
        Ok(stored.map(|bytes| last_id(&bytes)))
    }
}

/// Whose orders are asked for.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// A customer's.
    Customer(&'a str),
    /// An offering's.
    Offering(OfferingId),
}

/// The views as a participant.
pub(crate) struct ViewsWorker(pub(crate) Arc<Views>);

impl Worker for ViewsWorker {
    type Msg = ViewsMsg;
    const NAME: &'static str = "views";
    const POLICY: Policy = SUPPORTING;

    async fn spawn(&self, supervisor: ActorCell) -> Result<ActorRef<ViewsMsg>, SpawnErr> {
        Ok(Actor::spawn_linked(None, ViewsActor, Arc::clone(&self.0), supervisor).await?.0)
    }
    fn crash() -> ViewsMsg {
        ViewsMsg::Crash
    }
    fn came_up(&self, _actor: ActorRef<ViewsMsg>) {
        self.0.stopped.store(false, Ordering::Relaxed);
    }
    fn went_down(&self) {}
    fn stopped(&self) {
        self.0.stopped.store(true, Ordering::Relaxed);
    }
}

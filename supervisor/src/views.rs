//! The views: indexes over committed facts, kept by a follower with a durable cursor.
//!
//! They hold numbers, never states: which orders a customer has, which orders became bookings, in
//! which order, how many points there are. What a list shows of a thing is read from the thing
//! itself, so a view can be late but never wrong. Stopped, it misses nothing: it continues at its
//! cursor. Deleted with the snapshots, it is rebuilt from the journal; and it can be rebuilt beside
//! itself, while it goes on answering.

mod archived;
mod figures;
mod follower;
mod generation;
mod index;
mod keys;
mod learn;
mod names;
mod postings;
mod recent;
mod set;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use ractor::{Actor, ActorCell, ActorRef, SpawnErr};
use surehold_actors::address::{Address, Sent};
use surehold_actors::post::Post;
use surehold_actors::shelf::{Shelf, ShelfError};
use surehold_domain::id::{MarketId, OfferingId, OrderId};
use surehold_domain::time::Timestamp;
use surehold_storage::{Record, SnapshotError, SnapshotStore};
use tokio::sync::Notify;
use tracing::warn;

use crate::limits::VIEW_WAIT;
use crate::participant::{SUPPORTING, Worker};
use crate::policy::Policy;
use crate::view::{Collection, OfferingFigures, Rows, ViewsProgress};
use follower::ViewsActor;
pub use follower::ViewsMsg;
use index::Index;
use keys::{balance_key, cancellation_key, flow_key};
use learn::Source;
use set::Set;

/// No rebuild is under way.
const NOT_REBUILDING: u64 = u64::MAX;

/// The views as everybody reads them.
pub struct Views {
    post: Arc<Post>,
    source: Source,
    live: RwLock<Index>,
    /// The live index's cursor, to be waited for.
    cursor: AtomicU64,
    moved: Notify,
    /// How far a rebuild is.
    rebuilding: AtomicU64,
    follower: Address<ViewsMsg>,
}

impl Views {
    /// Views over what the shelf holds, as far as an earlier follower got. Of the `detailed` markets
    /// it is also counted what was sold of each offering, and what moves stock.
    #[must_use]
    pub fn new(post: Arc<Post>, detailed: BTreeSet<MarketId>) -> Views {
        let (shelf, now) = (&post.shelf, post.clock.now());
        let live = open_live(shelf, now).unwrap_or_else(|error| {
            // Orders go on without lists; the follower tries again.
            warn!(%error, "the views cannot be read");
            Index::nowhere(shelf.snapshots(), now)
        });
        let source = Source { shelf: Arc::clone(shelf), detailed: Some(detailed) };
        Views {
            source,
            cursor: AtomicU64::new(live.cursor()),
            live: RwLock::new(live),
            moved: Notify::new(),
            rebuilding: AtomicU64::new(NOT_REBUILDING),
            follower: Address::default(),
            post,
        }
    }

    fn live(&self) -> RwLockReadGuard<'_, Index> {
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn live_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.live.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes back to what is stored; says whether that knows more than the journal.
    fn reopen(&self) -> Result<bool, SnapshotError> {
        let mut index = open_live(&self.post.shelf, self.post.clock.now())?;
        let beyond = index.is_beyond(self.post.shelf.journal().last());
        let cursor = index.cursor();
        *self.live_mut() = index;
        self.reached(cursor);
        Ok(beyond)
    }

    fn reached(&self, cursor: u64) {
        self.cursor.store(cursor, Ordering::Release);
        self.moved.notify_waiters();
    }

    fn rebuilds(&self, cursor: Option<u64>) {
        self.rebuilding.store(cursor.unwrap_or(NOT_REBUILDING), Ordering::Relaxed);
    }

    /// Up to where the live index is stored.
    pub(crate) fn stored(&self) -> u64 {
        self.live().stored()
    }

    /// Stores what the live index learned and did not store yet.
    pub(crate) fn persist(&self) -> Result<(), SnapshotError> {
        let mut live = self.live_mut();
        if live.cursor() > live.stored() && !live.generation().is_nowhere() {
            live.store(self.now(), false)?;
        }
        Ok(())
    }

    pub(crate) fn is_rebuilding(&self) -> bool {
        self.rebuilding.load(Ordering::Relaxed) != NOT_REBUILDING
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.post.clock.now()
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
        if !self.follower.is_stopped() {
            // Late is not wrong: after the wait, what is there is shown.
            let _ = tokio::time::timeout(VIEW_WAIT, caught_up).await;
        }
    }

    /// Has everything built anew beside what is there. One that is under way goes on.
    pub fn rebuild(&self) -> Sent {
        // Whoever looks right after asking sees that it is under way.
        let (none, ordering) = (NOT_REBUILDING, Ordering::Relaxed);
        let first = self.rebuilding.compare_exchange(none, 0, ordering, ordering).is_ok();
        let sent = self.follower.send(ViewsMsg::Rebuild);
        if first && sent != Sent::Delivered {
            self.rebuilds(None);
        }
        sent
    }

    /// How far the views have come.
    #[must_use]
    pub fn progress(&self) -> ViewsProgress {
        let stopped = self.follower.is_stopped();
        let rebuilding = self.rebuilding.load(Ordering::Relaxed);
        ViewsProgress {
            cursor: self.cursor.load(Ordering::Acquire),
            last: self.post.shelf.journal().last(),
            rebuilding: (rebuilding != NOT_REBUILDING && !stopped).then_some(rebuilding),
            stopped,
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
        if collection == Collection::Flows && !self.source.is_detailed(market) {
            return Ok(Rows { ids: Vec::new(), total: 0 });
        }
        self.live().rows(market, collection, offset, limit)
    }

    /// Numbers of things that belong to somebody, above `after`, in order. Customers are found by a
    /// hash of their name: who is meant must be checked on the thing itself.
    ///
    /// # Errors
    /// [`SnapshotError`] if the index cannot be read.
    pub fn numbers_of(
        &self,
        market: MarketId,
        whose: Whose<'_>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<u64>, SnapshotError> {
        self.live().numbers_of(market, whose, after, limit)
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
        let row = self.live().number(&cancellation_key(market, order))?;
        Ok((row > 0).then_some(row))
    }

    /// The number of an order's row among the stock flows, if it has one.
    ///
    /// # Errors
    /// [`SnapshotError`] if the index cannot be read.
    pub fn flow(&self, market: MarketId, order: OrderId) -> Result<Option<u64>, SnapshotError> {
        // An index that began as a copy of the archive's may know more than is asked for here.
        if !self.source.is_detailed(market) {
            return Ok(None);
        }
        let row = self.live().number(&flow_key(market, order))?;
        Ok((row > 0).then_some(row))
    }

    /// Numbers of confirmations that wait for the operator, above `after`, in order.
    ///
    /// # Errors
    /// [`SnapshotError`] if the index cannot be read.
    pub fn waiting(
        &self,
        market: MarketId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<u64>, SnapshotError> {
        self.live().members(Set::Waiting, market, after, limit)
    }

    /// Numbers of reviews that stand, after `offset` others, and how many there are.
    ///
    /// # Errors
    /// [`SnapshotError`] if the index cannot be read.
    pub fn reviews(
        &self,
        market: MarketId,
        offset: u64,
        limit: usize,
    ) -> Result<Rows, SnapshotError> {
        let live = self.live();
        let ids = live.members_after(Set::Reviews, market, offset, limit)?;
        Ok(Rows { ids, total: live.size(Set::Reviews, market)? })
    }

    /// A customer's points, and the orders above `after` that earned them: both as of one cursor.
    ///
    /// # Errors
    /// [`SnapshotError`] if the index cannot be read.
    pub fn account(
        &self,
        market: MarketId,
        customer: &str,
        after: u64,
        limit: usize,
    ) -> Result<(u64, Vec<u64>), SnapshotError> {
        let live = self.live();
        let balance = live.number(&balance_key(market, customer))?;
        Ok((balance, live.numbers_of(market, Whose::MileageOf(customer), after, limit)?))
    }

    /// What is known of an offering; in markets that are not detailed, only its reviews.
    ///
    /// # Errors
    /// [`SnapshotError`] if the index cannot be read.
    pub fn figures(
        &self,
        market: MarketId,
        offering: OfferingId,
    ) -> Result<OfferingFigures, SnapshotError> {
        let figures = self.live().figures(market, offering)?;
        if self.source.is_detailed(market) {
            return Ok(figures);
        }
        Ok(OfferingFigures { reviews: figures.reviews, ..OfferingFigures::default() })
    }
}

/// The live index, which does not begin after the journal does.
fn open_live(shelf: &Shelf, now: Timestamp) -> Result<Index, SnapshotError> {
    archived::restore(shelf, now)?;
    Index::open_in(shelf.snapshots(), now)
}

/// Up to where the views of a shelf that no engine has are stored.
pub(crate) fn stored_cursor(shelf: &Shelf, now: Timestamp) -> Result<u64, SnapshotError> {
    Ok(open_live(shelf, now)?.cursor())
}

/// The index in a journal's archive, which learns from the records that are to go.
pub(crate) struct ArchivedIndex {
    index: Index,
    source: Source,
}

impl ArchivedIndex {
    /// Goes on where it ends.
    pub(crate) fn open(
        shelf: &Arc<Shelf>,
        archive: Arc<dyn SnapshotStore>,
        now: Timestamp,
    ) -> Result<ArchivedIndex, SnapshotError> {
        let index = Index::open_in(&archive, now)?;
        Ok(ArchivedIndex { index, source: Source { shelf: Arc::clone(shelf), detailed: None } })
    }

    /// Every record up to here is in it.
    pub(crate) fn cursor(&self) -> u64 {
        self.index.cursor()
    }

    /// Learns the records that it does not know yet.
    pub(crate) fn learn(&mut self, records: &[Record]) -> Result<(), ShelfError> {
        let known = self.index.cursor();
        let new = records.partition_point(|record| record.sequence <= known);
        self.index.gulp(&self.source, &records[new..])
    }

    /// Stores what it learned, all of it or nothing.
    pub(crate) fn store(&mut self, now: Timestamp) -> Result<(), SnapshotError> {
        self.index.store(now, false)
    }
}

/// Which things are asked for, and whose.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// A customer's orders.
    Customer(&'a str),
    /// An offering's orders.
    Offering(OfferingId),
    /// An offering's reviews.
    ReviewsOf(OfferingId),
    /// A customer's messages.
    MessagesOf(&'a str),
    /// The orders that earned a customer points.
    MileageOf(&'a str),
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
    fn came_up(&self, actor: ActorRef<ViewsMsg>) {
        self.0.follower.fill(actor);
    }
    fn went_down(&self) {
        self.0.follower.vacate();
    }
    fn stopped(&self) {
        self.0.follower.stop();
    }
}

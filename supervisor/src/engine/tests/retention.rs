//! Old records go and nobody notices: whatever was asked is answered as before, also when nothing but
//! the journal is left, and also when the removal was interrupted anywhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use surehold_actors::agenda::Agenda;
use surehold_actors::shelf::Shelf;
use surehold_actors::shelf::recover::recover;
use surehold_domain::id::{MarketId, OfferingId, OrderId};
use surehold_domain::quantity::Quantity;
use surehold_storage::{
    Archive, Change, Direction, Entry, Journal, JournalError, SnapshotError, SnapshotStore, Space,
};

use super::rebuild::{assert_same, live, rebuilding};
use super::stores::Kept;
use super::{START, Town};
use crate::refusal::Refusal;
use crate::retention::{Compaction, Retention, Sizes};
use crate::stores::Stores;
use crate::view::{Booking, Idempotency, NewOrder};

/// What anybody can ask, line by line.
async fn everything(town: &Town) -> Vec<String> {
    let mut lines = town.portrait().await;
    let engine = &town.engine;
    for market in [town.first, town.second] {
        for order in (1..).map(OrderId) {
            let Ok(view) = engine.order(market, order).await else { break };
            let history = engine.history(market, order).await.unwrap();
            lines.push(format!("{view:?} {history:?}"));
        }
        for offering in [1, 2].map(OfferingId) {
            let offering = engine.offering(market, offering).await.unwrap();
            lines.push(format!("{offering:?}"));
        }
        lines.push(format!("{:?}", engine.order_by_key(market, "a key").await.unwrap()));
    }
    let audit = engine.audit().await.unwrap();
    lines.push(format!("{:?} {:?} {:?}", audit.units, audit.money, audit.findings));
    lines
}

async fn keyed(town: &Town) -> OrderId {
    let new = NewOrder {
        customer: "ann".to_owned(),
        offering: OfferingId(1),
        quantity: Quantity::ONE,
        booking: Booking::Units,
        card: Some("tok_1".to_owned()),
        attributes: std::collections::BTreeMap::new().into_iter().collect(),
    };
    let key = Idempotency { key: "a key".to_owned(), body: b"1".to_vec() };
    town.engine.place(town.first, new, Some(key)).await.unwrap().order.id
}

fn anchor(town: &Town) -> u64 {
    town.engine.core().unwrap().post.shelf.journal().anchor()
}

/// Returns when nothing is left that could be removed.
async fn compacted(town: &Town) {
    let core = town.engine.core().unwrap();
    let journal = Arc::clone(core.post.shelf.journal());
    town.look("old records are gone", async || {
        tokio::time::sleep(Duration::from_secs(21)).await;
        journal.anchor() > 0 && core.keeping.sample().is_none()
    })
    .await;
}

async fn opened(stores: Kept, retention: Retention) -> Town {
    let town = Town::keeping(Arc::new(stores), retention).await;
    town.engine.core().unwrap().views.catch_up().await;
    town
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_before_is_answered_as_before() {
    let kept = Arc::new(Kept::default());
    let town = Town::open(kept.clone()).await;
    live(&town, 6).await;
    let order = keyed(&town).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let before = everything(&town).await;
    assert_eq!(anchor(&town), 0, "all is kept unless it is told otherwise");
    town.engine.close().await;

    let town = Town::keeping(kept.clone(), Retention::Last(100)).await;
    compacted(&town).await;
    let journal = Arc::clone(town.engine.core().unwrap().post.shelf.journal());
    let left = journal.last() - anchor(&town);
    assert!((100..=113).contains(&left), "{left} are left");
    assert_same(&everything(&town).await, &before, "after the removal");
    let gone = town.engine.events(town.first, 0, 10).await.unwrap_err();
    assert_eq!(gone, Refusal::Gone { first: anchor(&town) + 1 });
    let events = town.engine.events(town.first, anchor(&town), 10).await.unwrap();
    assert!(events.events.iter().all(|event| event.sequence > anchor(&town)));
    assert_eq!(keyed(&town).await, order, "the key lives as long as the order");
    town.engine.rebuild_views().await.unwrap();
    town.look("the views are rebuilt", async || rebuilding(&town).is_none()).await;
    assert_same(&everything(&town).await, &before, "after a rebuild of the views");
    town.engine.close().await;

    let town = opened(kept.as_of(0), Retention::All).await;
    assert_same(&everything(&town).await, &before, "from the journal and its archive");
    town.engine.close().await;
    let town = opened(kept.as_of(kept.snapshots.batches() / 2), Retention::All).await;
    assert_same(&everything(&town).await, &before, "over snapshots that are older");
    town.engine.close().await;
}

/// Orders go on between removals, and what comes later is archived over what was.
#[tokio::test(start_paused = true)]
async fn records_go_again_and_again() {
    let kept = Arc::new(Kept::default());
    let mut last = 0;
    for round in 0..4 {
        let town = Town::keeping(kept.clone(), Retention::Last(0)).await;
        live(&town, 2).await;
        if round == 2 {
            // It reads the archive while the archive grows.
            town.noise(9000);
            town.engine.rebuild_views().await.unwrap();
        }
        compacted(&town).await;
        assert!(anchor(&town) > last, "round {round}");
        last = anchor(&town);
        let before = everything(&town).await;
        town.engine.close().await;
        let fresh = opened(kept.as_of(0), Retention::All).await;
        assert_same(&everything(&fresh).await, &before, &format!("round {round}"));
        let next = fresh.place(fresh.second, "bob", 1, 1).await.id;
        fresh.engine.close().await;
        let town = Town::open(kept.clone()).await;
        assert_eq!(town.place(town.second, "bob", 1, 1).await.id, next, "numbers go on alike");
        town.engine.close().await;
    }
}

/// Nothing goes that somebody who follows has not done.
#[tokio::test(start_paused = true)]
async fn views_that_are_stopped_keep_what_they_have_not_read() {
    let kept = Arc::new(Kept::default());
    let town = Town::keeping(kept.clone(), Retention::Last(0)).await;
    live(&town, 1).await;
    compacted(&town).await;
    town.engine.stop("views").await.unwrap();
    let stopped = town.engine.views_progress().unwrap().cursor;
    live(&town, 2).await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert!(anchor(&town) <= stopped);
    town.engine.start("views").await.unwrap();
    live(&town, 1).await;
    compacted(&town).await;
    assert!(anchor(&town) > stopped);
    town.engine.close().await;
}

/// An archive that fails after so many changes, for good.
struct Failing {
    inner: Arc<dyn Archive>,
    left: AtomicUsize,
}

impl Failing {
    fn count(&self) -> Result<(), String> {
        let left = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| "the process was killed".to_owned())
    }
}

impl Archive for Failing {
    fn remove_to(&self, sequence: u64, frames: usize) -> Result<u64, JournalError> {
        self.count().map_err(|reason| JournalError::Closed(reason.into()))?;
        self.inner.remove_to(sequence, frames)
    }
    fn verify(&self) -> Result<(), JournalError> {
        self.inner.verify()
    }
}

impl SnapshotStore for Failing {
    fn apply(&self, changes: Vec<Change>) -> Result<(), SnapshotError> {
        let file = "archive".into();
        self.count().map_err(|reason| SnapshotError::Unavailable { file, reason })?;
        self.inner.apply(changes)
    }
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, SnapshotError> {
        self.inner.get(space, key)
    }
    fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Entry>, SnapshotError> {
        self.inner.scan(space, from, to, direction, limit)
    }
    fn sync(&self) -> Result<(), SnapshotError> {
        Ok(())
    }
    fn clear(&self) -> Result<(), SnapshotError> {
        self.inner.clear()
    }
    fn size_on_disk(&self) -> u64 {
        0
    }
}

/// Compacts by hand, in small pieces, and is killed after so many commits; says whether it was.
fn compact_until(stores: &Kept, journal: &dyn Journal, commits: usize) -> bool {
    let (opened, snapshots) = stores.open().unwrap();
    assert_eq!(opened.last(), journal.last());
    let shelf = Arc::new(Shelf::new(opened, snapshots, usize::MAX));
    let recovered = recover(&shelf, &Agenda::default()).unwrap();
    recovered.checkpoints.run(&shelf).unwrap();
    let inner = shelf.journal().archive().unwrap();
    let failing = Arc::new(Failing { inner, left: AtomicUsize::new(commits) });
    let sizes = Sizes { stride: 150, batch_bytes: 3000, frames: 40 };
    let limit = journal.last() - 50;
    let compact = || {
        let mut compaction = Compaction::into(&shelf, failing, sizes, START)?;
        while compaction.stride(limit, START, || {})? < limit {}
        Ok::<(), surehold_actors::shelf::ShelfError>(())
    };
    compact().is_err()
}

#[tokio::test(start_paused = true)]
async fn killed_between_any_two_commits_it_loses_nothing_and_goes_on() {
    let kept = Arc::new(Kept::default());
    let town = Town::open(kept.clone()).await;
    live(&town, 3).await;
    keyed(&town).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let before = everything(&town).await;
    town.engine.close().await;
    let (mut commits, mut killed) = (0, 0);
    loop {
        let (journal, stores) = kept.copy();
        let was_killed = compact_until(&stores, &*journal, commits);
        // Again, over what is there, and killed again a little later.
        compact_until(&stores, &*journal, commits / 2 + 3);
        let town = opened(stores.as_of(0), Retention::All).await;
        let what = format!("killed after {commits} commits");
        assert_same(&everything(&town).await, &before, &what);
        town.engine.rebuild_views().await.unwrap();
        town.look("the views are rebuilt", async || rebuilding(&town).is_none()).await;
        assert_same(&everything(&town).await, &before, &format!("{what}, and rebuilt"));
        assert_eq!(town.engine.core().unwrap().markets, [MarketId(0), MarketId(1)]);
        town.engine.close().await;
        if !was_killed {
            break;
        }
        (commits, killed) = (commits + 1, killed + 1);
    }
    assert!(killed > 15, "{killed}");
}

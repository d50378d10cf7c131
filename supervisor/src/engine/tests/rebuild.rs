//! A rebuild of the views beside themselves, and a crash at every point of it.

use std::sync::Arc;
use std::time::Duration;

use surehold_actors::shelf::VIEWS;
use surehold_domain::id::OfferingId;
use surehold_storage::{Change, SnapshotStore};

use super::stores::Kept;
use super::{CUSTOMERS, Town, opinion};
use crate::refusal::Refusal;
use crate::view::{OfferingChange, OrderCommand};

/// A bit of everything, ten orders a round.
pub(super) async fn live(town: &Town, rounds: u64) {
    let (engine, market) = (&town.engine, town.first);
    for round in 0..rounds {
        let who = |at: u64| CUSTOMERS[usize::try_from((round + at) % 3).unwrap()];
        let mut orders = Vec::new();
        for at in 0..6 {
            orders.push(town.queued(who(at), 1 + at % 2, 1 + at).await);
        }
        town.command(orders[0], OrderCommand::Confirm).await;
        town.command(orders[1], OrderCommand::Confirm).await;
        town.command(orders[2], OrderCommand::Reject { note: None }).await;
        town.cancel(orders[1]).await;
        town.cancel(orders[3]).await;
        for (at, order) in (0..).zip(&orders[..4]) {
            town.credit(*order, who(at), 10 + at);
            town.tell(*order, who(at), at == 2);
        }
        town.take_back(orders[1]);
        town.supply(1 + round % 2, 3);
        let offering = OfferingId(1 + round % 2);
        let review = engine.write_review(market, offering, opinion("fine")).await.unwrap();
        engine.write_review(market, offering, opinion("better")).await.unwrap();
        engine.change_review(market, review.id, opinion("worse")).await.unwrap();
        if round % 2 == 0 {
            engine.remove_review(market, review.id).await.unwrap();
            let name = Some(format!("Round {round}"));
            let change = OfferingChange { name, ..OfferingChange::default() };
            engine.change_offering(market, offering, change).await.unwrap();
        }
        for at in 0..3 {
            town.place(town.second, who(at), 1, 1).await;
        }
    }
    // All that follows by itself is done before anything is compared.
    tokio::time::sleep(Duration::from_secs(60)).await;
}

pub(super) fn rebuilding(town: &Town) -> Option<u64> {
    town.engine.views_progress().unwrap().rebuilding
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_comes_to_the_same_and_so_does_a_crash_at_any_point_of_it() {
    let kept = Arc::new(Kept::default());
    let town = Town::open(kept.clone()).await;
    live(&town, 8).await;
    let before = town.portrait().await;
    let began = kept.snapshots.batches();
    // More records than one gulp, so that it takes its time.
    town.noise(14_000);
    town.engine.rebuild_views().await.unwrap();
    assert!(rebuilding(&town).is_none_or(|cursor| cursor == 0));
    let mut seen: Vec<u64> = Vec::new();
    town.look("a rebuild is under way", async || rebuilding(&town).is_some()).await;
    while let Some(cursor) = rebuilding(&town) {
        seen.push(cursor);
        // Time passes, so that what it learned is stored on the way; and orders go on.
        tokio::time::advance(Duration::from_secs(21)).await;
        town.queued("ann", 2, 1).await;
        if seen.len() < 3 {
            // Asked for again, it goes on.
            town.engine.rebuild_views().await.unwrap();
        }
    }
    assert!(seen.len() > 3 && seen.is_sorted(), "{seen:?}");
    let progress = town.engine.views_progress().unwrap();
    assert!(!progress.stopped && progress.cursor <= progress.last);
    live(&town, 1).await;
    let after = town.portrait().await;
    assert!(after.len() > before.len());
    assert_eq!(kept.snapshots.generations(), [2], "nothing is left of the old one");
    town.engine.close().await;

    let fresh = Town::open(Arc::new(kept.as_of(0))).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_same(&fresh.portrait().await, &after, "from the journal alone");
    fresh.engine.close().await;
    let crashes = kept.snapshots.crashes(began);
    assert!(crashes.len() > 8, "{crashes:?}");
    let mut cursor = 0;
    for batches in crashes {
        let stores = kept.as_of(batches);
        let stored = stores.snapshots.live_cursor();
        assert!(cursor <= stored, "lists never go back, not even by a crash");
        cursor = stored;
        let crashed = Town::open(Arc::new(stores)).await;
        crashed.engine.core().unwrap().views.catch_up().await;
        let what = format!("crashed after batch {batches}, {began} before the rebuild");
        assert_same(&crashed.portrait().await, &after, &what);
        assert_eq!(rebuilding(&crashed), None, "a rebuild under way is dropped");
        // What was left over does not come back in another rebuild.
        crashed.engine.rebuild_views().await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_same(&crashed.portrait().await, &after, &format!("{what}, and rebuilt"));
        crashed.engine.close().await;
    }
}

pub(super) fn assert_same(found: &[String], expected: &[String], what: &str) {
    for (found, expected) in found.iter().zip(expected) {
        // Such lines are long: what differs is shown from a little before it differs.
        let alike = found.bytes().zip(expected.bytes()).take_while(|(a, b)| a == b).count();
        let from = alike.saturating_sub(60);
        let some = |line: &str| line.chars().skip(from).take(200).collect::<String>();
        assert!(found == expected, "{what}: {}\ninstead of {}", some(found), some(expected));
    }
    assert_eq!(found.len(), expected.len(), "{what}");
}

#[tokio::test(start_paused = true)]
async fn what_an_older_rebuild_left_is_gone_before_the_next_begins() {
    let kept = Arc::new(Kept::default());
    let town = Town::open(kept.clone()).await;
    live(&town, 2).await;
    let before = town.portrait().await;
    town.engine.close().await;
    // More than one batch removes, and behind it what would be counted twice.
    let left = (0..3000u16).map(|at| [&[2, 0, 1][..], &at.to_be_bytes()].concat());
    let counts = (1..8).map(|tag| vec![2, 1, tag, 0, 0]);
    let put = |key| Change::Put { space: VIEWS, key, value: 9u64.to_be_bytes().to_vec() };
    kept.snapshots.apply(left.chain(counts).map(put).collect()).unwrap();
    let town = Town::open(kept.clone()).await;
    town.engine.core().unwrap().views.catch_up().await;
    town.engine.rebuild_views().await.unwrap();
    town.look("it is done", async || rebuilding(&town).is_none()).await;
    assert_eq!(kept.snapshots.get(VIEWS, &[0]).unwrap(), Some(vec![2]));
    assert_same(&town.portrait().await, &before, "after a rebuild");
    town.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_drops_a_rebuild_and_stopped_views_begin_none() {
    let town = Town::fresh().await;
    live(&town, 1).await;
    town.noise(9000);
    let before = town.portrait().await;
    town.engine.rebuild_views().await.unwrap();
    town.look("a rebuild is under way", async || rebuilding(&town).is_some_and(|it| it > 0)).await;
    town.engine.crash("views").await.unwrap();
    town.look("it is dropped", async || rebuilding(&town).is_none()).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_same(&town.portrait().await, &before, "after the crash");
    town.engine.stop("views").await.unwrap();
    let stopped = town.engine.rebuild_views().await;
    assert_eq!(stopped, Err(Refusal::unavailable("the views are stopped")));
    assert!(town.engine.views_progress().unwrap().stopped);
    town.engine.start("views").await.unwrap();
    town.engine.rebuild_views().await.unwrap();
    town.look("it is done", async || rebuilding(&town).is_none()).await;
    assert_same(&town.portrait().await, &before, "after a rebuild");
    town.engine.close().await;
}

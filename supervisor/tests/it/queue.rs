//! The operator's queue, with thousands in and out, and lists that are built anew while it moves.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use surehold::domain::id::OrderId;
use surehold::domain::saga::Phase;
use surehold::{Collection, OrderCommand, OrderFilter, WaitingView};
use surehold_actors::shelf::VIEWS;
use surehold_storage::{Direction, SnapshotStore};

use crate::bank::Bank;
use crate::world::{Disk, OPERATOR, World, cancel, until};

/// The kind of a stored key that says which cancellation an order's is.
const CANCELLATION_OF: u8 = 3;

/// The whole queue, page by page.
async fn queue(world: &World, limit: usize) -> Vec<WaitingView> {
    let (mut items, mut after) = (Vec::new(), 0);
    loop {
        let page = world.engine.waiting(world.market, after, limit).await.unwrap();
        assert!(page.items.len() <= limit);
        items.extend(page.items);
        match page.next {
            Some(next) => after = next,
            None => return items,
        }
    }
}

/// The word is on its way while the order records something else: that is no answer to it.
#[tokio::test(start_paused = true)]
async fn the_operator_is_answered_by_what_came_of_the_word() {
    let world = World::fresh(OPERATOR).await;
    for (word, phase) in [
        (OrderCommand::Confirm, Phase::Confirmed),
        (OrderCommand::Reject { note: None }, Phase::Cancelled),
    ] {
        let id = world.place(1).await.order.id;
        until("it waits", || async {
            (world.order(id).await.confirmation?.state == Some("waiting")).then_some(())
        })
        .await;
        let note = OrderCommand::Annotate(
            [("seen".to_owned(), surehold::domain::attributes::Attribute::Flag(true))].into(),
        );
        let (answer, noted) = tokio::join!(world.command(id, word), world.command(id, note));
        assert_eq!((answer.phase, noted.phase), (phase, Phase::Paid));
    }
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn thousands_come_into_the_queue_and_leave_it() {
    const COUNT: u64 = 3000;
    let (disk, bank) = (Arc::<Disk>::default(), Arc::<Bank>::default());
    let world = World::open(OPERATOR, disk.clone(), bank.clone()).await;
    for _ in 0..COUNT {
        world.place(1).await;
    }
    until("all wait", || async {
        let last = world.order(OrderId(COUNT)).await;
        (last.confirmation?.state == Some("waiting")).then_some(())
    })
    .await;
    let all = queue(&world, 700).await;
    assert_eq!(all.len() as u64, COUNT);
    assert!(all.is_sorted_by_key(|waiting| waiting.id), "oldest first");
    let first = &all[0];
    assert_eq!(first.order, world.order(first.order.id).await);
    assert_eq!(first.until, first.since.plus(surehold::domain::time::Span::seconds(7200)));
    let mut waiting: BTreeSet<u64> = (1..=COUNT).collect();
    for id in (1..=COUNT).filter(|id| id % 16 != 0) {
        let command = match id % 3 {
            0 => OrderCommand::Confirm,
            1 => OrderCommand::Reject { note: None },
            _ => cancel(),
        };
        world.command(OrderId(id), command).await;
        waiting.remove(&id);
    }
    world.phase(OrderId(COUNT - 1), Phase::Cancelled).await;
    let left = |all: &[WaitingView]| -> BTreeSet<u64> {
        all.iter().map(|waiting| waiting.order.id.0).collect()
    };
    until("all others left", || async {
        (left(&queue(&world, 50).await) == waiting).then_some(())
    })
    .await;
    let page = world.engine.waiting(world.market, 0, 3).await.unwrap();
    let next = world.engine.waiting(world.market, page.next.unwrap(), 3).await.unwrap();
    assert_eq!(next.items[0].order.id, OrderId(64), "the fourth after the third");
    world.engine.close().await;
    // Also when the engine opens again, and when the views are learned from the journal alone.
    for lost in [false, true] {
        if lost {
            disk.snapshots().clear().unwrap();
        }
        let world = World::open(OPERATOR, disk.clone(), bank.clone()).await;
        assert_eq!(left(&queue(&world, 1000).await), waiting);
        world.engine.close().await;
    }
    let stored = disk.snapshots().scan(VIEWS, &[], &[0xff], Direction::Up, usize::MAX).unwrap();
    // Each cancellation has a key that says which one it is; everything else shares keys.
    let shared = stored.iter().filter(|(key, _)| key.get(1) != Some(&CANCELLATION_OF)).count();
    assert!(shared < 200, "neighbours share keys: {shared}");
}

#[tokio::test(start_paused = true)]
async fn what_was_spoken_of_is_not_shown_although_the_views_are_stopped() {
    let world = World::fresh(OPERATOR).await;
    let (yes, no) = (world.place(1).await.order.id, world.place(1).await.order.id);
    until("both wait", || async { (queue(&world, 10).await.len() == 2).then_some(()) }).await;
    world.engine.stop("views").await.unwrap();
    world.command(yes, OrderCommand::Confirm).await;
    let left = queue(&world, 10).await;
    assert_eq!((left.len(), left[0].order.id), (1, no));
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_that_cannot_be_stored_leaves_the_lists_as_they_were() {
    let (disk, bank) = (Arc::<Disk>::default(), Arc::<Bank>::default());
    let world = World::open("", disk.clone(), bank).await;
    for _ in 0..300 {
        world.place(1).await;
    }
    let orders = world.place(1).await.order.id.0;
    world.command(OrderId(orders), cancel()).await;
    let rows =
        async |collection| world.engine.rows(world.market, collection, 0, 1000).await.unwrap();
    let before = (rows(Collection::Orders).await, rows(Collection::Cancellations).await);
    for fail_at in 1..6 {
        disk.snapshots().fail_apply_at(fail_at);
        world.engine.rebuild_views().await.unwrap();
        tokio::time::sleep(Duration::from_secs(3)).await;
        let after = (rows(Collection::Orders).await, rows(Collection::Cancellations).await);
        assert_eq!(before, after, "apply {fail_at} failed");
        let progress = world.engine.views_progress().unwrap();
        assert_eq!((progress.rebuilding, progress.cursor), (None, progress.last));
    }
    let filter = OrderFilter { customer: Some("ann".to_owned()), ..OrderFilter::default() };
    let page = world.engine.orders(world.market, filter, 0, 1000).await.unwrap();
    assert_eq!(page.items.len(), 301);
    world.engine.close().await;
}

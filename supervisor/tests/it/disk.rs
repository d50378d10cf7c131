//! A disk that refuses writes: orders are refused, nothing told is lost, and it heals by itself.

use std::sync::Arc;

use surehold::domain::saga::Phase;
use surehold::{Placed, Readiness, Refusal};

use crate::bank::Bank;
use crate::world::{Disk, World, order, until};

#[tokio::test(start_paused = true)]
async fn a_full_disk_stops_orders_until_there_is_room() {
    let (disk, bank) = (Arc::<Disk>::default(), Arc::<Bank>::default());
    let world = World::open("", disk.clone(), bank).await;
    let told = world.place(1).await.order.id;
    disk.set_full(true);
    disk.journal().fail_at(1);
    let refused = std::cell::Cell::new(0);
    let (engine, market) = (&world.engine, world.market);
    let count = &refused;
    until("the engine is not ready", || async {
        if let Err(refusal) = engine.place(market, order(1), None).await {
            assert!(matches!(refusal, Refusal::Unavailable { .. }), "{refusal}");
            count.set(count.get() + 1);
        }
        matches!(engine.readiness(), Readiness::NotReady(_)).then_some(())
    })
    .await;
    assert!(refused.get() > 0 && world.engine.is_alive(), "it waits, it has not failed");
    disk.set_full(false);
    until("the engine is ready again", || async {
        (world.engine.readiness() == Readiness::Ready).then_some(())
    })
    .await;
    world.phase(told, Phase::Confirmed).await;
    assert_eq!(world.place(1).await.placed, Placed::Booked);
    assert_eq!(world.engine.tree().await.restarts, 1);
    world.check_books().await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn snapshots_that_cannot_be_written_are_replaced_and_lose_nothing() {
    let (disk, bank) = (Arc::<Disk>::default(), Arc::<Bank>::default());
    let world = World::open("", disk.clone(), bank).await;
    let told = world.place(1).await.order.id;
    world.phase(told, Phase::Confirmed).await;
    disk.snapshots().set_unavailable(true);
    // Checkpoints fail a few times; then the data is opened anew, which fails as well for now.
    until("the engine is not ready", || async {
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        matches!(world.engine.readiness(), Readiness::NotReady(_)).then_some(())
    })
    .await;
    disk.snapshots().set_unavailable(false);
    until("the engine is ready again", || async {
        (world.engine.readiness() == Readiness::Ready).then_some(())
    })
    .await;
    world.phase(told, Phase::Confirmed).await;
    assert_eq!(world.place(1).await.placed, Placed::Booked);
    world.check_books().await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn an_opening_that_is_over_goes_away_with_all_it_had_in_memory() {
    let disk = Arc::<Disk>::default();
    let world = World::open("", disk.clone(), Arc::default()).await;
    world.place(1).await;
    let first = Arc::downgrade(&disk.journal());
    assert!(first.upgrade().is_some());
    disk.journal().fail("a fault on demand");
    until("the first opening is gone, and the engine is ready", || async {
        let ready = world.engine.readiness() == Readiness::Ready;
        (first.upgrade().is_none() && ready).then_some(())
    })
    .await;
    world.place(1).await;
    let second = Arc::downgrade(&disk.journal());
    world.engine.close().await;
    drop(world);
    // The disk itself keeps the last one.
    until("the second one is gone as well", || async {
        (second.strong_count() == 1).then_some(())
    })
    .await;
}

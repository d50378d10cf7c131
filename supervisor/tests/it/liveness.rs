//! Alive means that progress is made, or waited for where a new process would wait as well.

use std::sync::Arc;
use std::time::Duration;

use surehold::domain::saga::Phase;

use crate::bank::{Bank, Does};
use crate::world::{Disk, World, order};

async fn after(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_hangs_is_noticed_and_one_that_goes_on_as_well() {
    let disk = Arc::<Disk>::default();
    let world = World::open("", disk.clone(), Arc::default()).await;
    after(3600).await;
    assert_eq!(world.engine.stalled(), None, "an idle engine is alive");
    disk.journal().freeze();
    after(3600).await;
    assert_eq!(world.engine.stalled(), None, "nothing waits for the disk");
    let placing = tokio::spawn({
        let (engine, market) = (world.engine.clone(), world.market);
        async move { engine.place(market, order(2), None).await }
    });
    after(20).await;
    assert!(world.engine.is_alive(), "a slow disk is no dead one");
    after(20).await;
    let why = world.engine.stalled().unwrap();
    assert!(why.contains("the disk took none of"), "{why}");
    assert!(!world.engine.is_alive());
    disk.journal().thaw();
    after(2).await;
    assert_eq!(world.engine.stalled(), None);
    let id = placing.await.unwrap().unwrap().order.id;
    world.phase(id, Phase::Confirmed).await;
    world.engine.close().await;
    assert!(world.engine.is_alive());
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_lags_makes_progress() {
    let disk = Arc::<Disk>::default();
    let world = World::open("", disk.clone(), Arc::default()).await;
    disk.journal().lag_by(6);
    let mut placing = Vec::new();
    for _ in 0..30 {
        let (engine, market) = (world.engine.clone(), world.market);
        placing.push(tokio::spawn(async move { engine.place(market, order(1), None).await }));
        // Each record lets an older one reach the disk.
        after(10).await;
        assert_eq!(world.engine.stalled(), None);
    }
    disk.journal().lag_by(0);
    for placed in placing {
        let _ = placed.await.unwrap();
    }
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_gateway_and_a_full_disk_are_waited_for() {
    let (disk, bank) = (Arc::<Disk>::default(), Arc::new(Bank::scripted(&[Does::Silence; 5000])));
    let world = World::open("", disk.clone(), bank).await;
    for _ in 0..30 {
        world.place(1).await;
        assert_eq!(world.engine.stalled(), None);
    }
    world.engine.stop("payments").await.unwrap();
    after(120).await;
    assert_eq!(world.engine.stalled(), None);
    disk.set_full(true);
    disk.journal().fail("no space left on device");
    after(300).await;
    assert_eq!(world.engine.stalled(), None, "a new process would wait as well");
    disk.set_full(false);
    after(5).await;
    assert_eq!(world.engine.stalled(), None);
    world.engine.close().await;
}

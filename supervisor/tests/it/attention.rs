//! What a person should look at is found without a search, and is gone once it was dealt with.

use std::sync::Arc;
use std::time::Duration;

use surehold::domain::id::OrderId;
use surehold::domain::saga::Phase;
use surehold::{AttentionPage, Look};

use crate::bank::{Bank, Does};
use crate::world::{Disk, World, cancel, until};

async fn attention(world: &World) -> AttentionPage {
    world.engine.attention(None, 50).await.unwrap()
}

/// Crashes an order until it is set aside.
async fn set_aside(world: &World, id: OrderId) {
    until("it is set aside", || async {
        world.engine.crash_order(world.market, id, true).await.unwrap();
        let page = attention(world).await;
        page.items
            .iter()
            .any(|item| item.order == id && item.why == Look::Quarantined)
            .then_some(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refund_that_cannot_be_made_needs_a_person() {
    let mut script = vec![Does::Approve];
    script.extend([Does::Shrug; 150]);
    let world = World::with_bank("", Bank::scripted(&script)).await;
    let (id, good) = (world.place(2).await.order.id, OrderId(2));
    world.command(id, cancel()).await;
    assert_eq!(attention(&world).await.items, vec![], "it is under way");
    while world.order(id).await.phase != Phase::Stuck {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let page = attention(&world).await;
    assert_eq!(page.next, None);
    let [item] = &page.items[..] else { panic!("{page:?}") };
    assert_eq!((item.why, item.phase, item.order), (Look::Stuck, Phase::Stuck, id));
    assert_eq!((item.market.as_str(), item.reason.as_str()), ("demo", "customer"));
    let placed = world.order(id).await.created_at;
    assert!(item.since > placed && item.served);
    // The bank comes to its senses, and the operator tries again.
    world.bank.approve_from_now_on();
    world.engine.retry_order(world.market, id).await.unwrap();
    world.phase(id, Phase::Cancelled).await;
    assert_eq!(attention(&world).await.items, vec![]);
    assert_eq!(world.place(2).await.order.id, good);
    world.check_books().await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn orders_that_were_set_aside_are_listed_page_by_page() {
    let world = World::fresh("").await;
    for _ in 0..5 {
        world.place(1).await;
    }
    for id in [4, 2, 5] {
        set_aside(&world, OrderId(id)).await;
    }
    let first = world.engine.attention(None, 2).await.unwrap();
    let ids: Vec<u64> = first.items.iter().map(|item| item.order.0).collect();
    assert_eq!(ids, [2, 4]);
    assert!(!first.items[0].reason.is_empty());
    let second = world.engine.attention(first.next, 2).await.unwrap();
    let ids: Vec<u64> = second.items.iter().map(|item| item.order.0).collect();
    assert_eq!((ids, second.next), (vec![5], None));
    for id in [2, 4, 5] {
        world.engine.retry_order(world.market, OrderId(id)).await.unwrap();
    }
    assert_eq!(attention(&world).await.items, vec![]);
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_stuck_order_is_still_listed_after_a_restart() {
    let mut script = vec![Does::Approve];
    script.extend([Does::Shrug; 150]);
    let (disk, bank) = (Arc::<Disk>::default(), Arc::new(Bank::scripted(&script)));
    let world = World::open("", disk.clone(), bank.clone()).await;
    let id = world.place(2).await.order.id;
    world.command(id, cancel()).await;
    while world.order(id).await.phase != Phase::Stuck {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let before = attention(&world).await;
    assert_eq!(before.items.len(), 1);
    // Closing makes a checkpoint, so the next start finds it in the index.
    world.engine.close().await;
    let world = World::open("", disk, bank).await;
    assert_eq!(attention(&world).await, before);
    world.engine.close().await;
}

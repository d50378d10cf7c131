//! What crashes comes back, what is stopped is missed by nobody, what is poisoned is set aside.

use std::sync::Arc;

use surehold::domain::id::OrderId;
use surehold::domain::saga::Phase;
use surehold::{Placed, Refusal, TreeNode};

use crate::bank::{Bank, Does};
use crate::world::{World, cancel, order, until};

async fn node(world: &World, name: &str) -> TreeNode {
    let tree = world.engine.tree().await;
    tree.children.into_iter().find(|node| node.name == name).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_crashed_order_is_as_it_was() {
    let world = World::fresh("").await;
    let id = world.place(2).await.order.id;
    let before = world.phase(id, Phase::Confirmed).await;
    world.engine.crash_order(world.market, id, false).await.unwrap();
    until("it was restarted", || async {
        (node(&world, "orders").await.restarts == 1).then_some(())
    })
    .await;
    assert_eq!(world.order(id).await, before);
    let cancelled = world.command(id, cancel()).await;
    assert_eq!(cancelled.phase, Phase::Cancelled);
    world.check_books().await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_poisoned_order_is_quarantined_and_others_do_not_notice() {
    let world = World::fresh("").await;
    let (bad, good) = (world.place(2).await.order.id, world.place(2).await.order.id);
    world.engine.crash_order(world.market, bad, true).await.unwrap();
    for _ in 0..3 {
        until("it is set aside, or lives to crash again", || async {
            let orders = node(&world, "orders").await;
            let listed = orders.children.iter().any(|child| child.state == "quarantined");
            world.engine.crash_order(world.market, bad, true).await.unwrap();
            (listed || orders.restarts >= 3).then_some(())
        })
        .await;
    }
    until("it is set aside", || async {
        let orders = node(&world, "orders").await;
        world.engine.crash_order(world.market, bad, true).await.unwrap();
        orders.children.iter().any(|child| child.state == "quarantined").then_some(())
    })
    .await;
    assert_eq!(world.order(bad).await.phase, Phase::Confirmed, "it can still be read");
    let refused = world.engine.command(world.market, bad, cancel()).await;
    assert!(matches!(refused, Err(Refusal::Quarantined { .. })), "{refused:?}");
    assert_eq!(world.command(good, cancel()).await.phase, Phase::Cancelled);
    assert_eq!(world.place(1).await.placed, Placed::Booked);
    world.engine.retry_order(world.market, bad).await.unwrap();
    assert_eq!(world.command(bad, cancel()).await.phase, Phase::Cancelled);
    world.check_books().await;
    world.engine.close().await;
}

/// The order rests between its lives: what kills it is each beginning, not what it is told.
#[tokio::test(start_paused = true)]
async fn a_poisoned_order_that_nobody_asks_anything_is_quarantined_too() {
    let world = World::fresh("").await;
    let bad = world.place(2).await.order.id;
    world.phase(bad, Phase::Confirmed).await;
    world.engine.crash_order(world.market, bad, true).await.unwrap();
    let orders = until("it is set aside", || async {
        let orders = node(&world, "orders").await;
        orders.children.iter().any(|child| child.state == "quarantined").then_some(orders)
    })
    .await;
    assert_eq!((orders.restarts, orders.live), (3, Some(0)));
    assert_eq!(orders.last_cause, Some(format!("order {bad} is poisoned")));
    world.engine.retry_order(world.market, bad).await.unwrap();
    assert_eq!(world.command(bad, cancel()).await.phase, Phase::Cancelled);
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn stopped_payments_refuse_and_stopped_confirmations_are_caught_up_with() {
    let world = World::fresh("").await;
    world.engine.stop("payments").await.unwrap();
    let refused = world.place(2).await;
    assert_eq!(refused.placed, Placed::PaymentsDown);
    assert_eq!(refused.order.reason.unwrap().code(), "payment_unavailable");
    world.engine.start("payments").await.unwrap();
    world.engine.stop("confirmations").await.unwrap();
    let paid = world.place(2).await;
    assert_eq!((paid.placed, paid.order.phase), (Placed::Booked, Phase::Paid));
    assert_eq!(node(&world, "confirmations").await.state, "stopped");
    world.engine.start("confirmations").await.unwrap();
    world.phase(paid.order.id, Phase::Confirmed).await;
    world.engine.stop("inventory").await.unwrap();
    let refused = world.place(2).await;
    assert_eq!((refused.placed, refused.order.phase), (Placed::InventoryDown, Phase::Refused));
    world.engine.start("inventory").await.unwrap();
    assert_eq!(world.place(2).await.placed, Placed::Booked);
    world.check_books().await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn stopped_views_miss_nothing() {
    let world = World::fresh("").await;
    world.place(1).await;
    world.engine.stop("views").await.unwrap();
    world.place(1).await;
    let rows = || world.engine.rows(world.market, surehold::Collection::Orders, 0, 10);
    world.engine.start("views").await.unwrap();
    until("the second order is listed", || async {
        (rows().await.unwrap().total == 2).then_some(())
    })
    .await;
    assert!(world.engine.stop("mailroom").await.is_err());
    world.engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_of_every_participant_under_load_lose_and_double_nothing() {
    let world = Arc::new(World::fresh("").await);
    let placing: Vec<_> = (0..16)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let mut placed = Vec::new();
                for _ in 0..60 {
                    match world.engine.place(world.market, order(1), None).await {
                        Ok(placement) => placed.push(placement.order.id),
                        Err(Refusal::Unavailable { .. }) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
                placed
            })
        })
        .collect();
    for round in 0..40u64 {
        for name in ["payments", "confirmations", "inventory", "views"] {
            world.engine.crash(name).await.unwrap();
        }
        // An order at random; the number may not have been given yet.
        let _ = world.engine.crash_order(world.market, OrderId(round * 7 + 1), false).await;
        tokio::task::yield_now().await;
    }
    let mut placed = Vec::new();
    for task in placing {
        placed.extend(task.await.unwrap());
    }
    assert!(placed.len() > 800, "most orders were taken: {}", placed.len());
    for id in placed {
        let view = world.phase(id, Phase::Confirmed).await;
        assert_eq!(view.payment.unwrap().state, "captured");
    }
    world.check_books().await;
    assert!(node(&world, "payments").await.restarts > 0);
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn idle_orders_go_to_sleep_and_wake() {
    let world = World::fresh("").await;
    let id = world.place(2).await.order.id;
    until("it sleeps", || async { (node(&world, "orders").await.live == Some(0)).then_some(()) })
        .await;
    assert_eq!(world.command(id, cancel()).await.phase, Phase::Cancelled);
    world.check_books().await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn the_tree_tells_how_much_waits_for_whom() {
    let world = World::with_bank("", Bank::scripted(&[Does::Silence; 3])).await;
    for _ in 0..3 {
        let (engine, market) = (world.engine.clone(), world.market);
        tokio::spawn(async move { engine.place(market, order(1), None).await });
    }
    until("three orders wait for the payments", || async {
        (node(&world, "payments").await.queue == Some(3)).then_some(())
    })
    .await;
    assert_eq!(node(&world, "orders").await.queue, Some(3));
    assert_eq!(node(&world, "inventory").await.queue, Some(0));
    assert_eq!(node(&world, "reviews").await.queue, None, "no order waits for reviews");
    world.engine.close().await;
}

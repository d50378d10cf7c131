//! A crowd at one offering, whose payments hang: everybody else is served as if it were not there.

use std::time::Duration;

use surehold::domain::id::OrderId;
use surehold::limits::{ADMISSION_WAIT, OFFERING_PLACING_MAX, WAITING_MAX};
use surehold::view::Placed;
use surehold::{Idempotency, Placement, Refusal};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::bank::{Bank, Does};
use crate::world::{World, order};

const FREE: &str = "[[offerings]]\nid = 3\nname = 'A talk'\nprice = { amount = 0 }\n\
                    inventory = { model = 'seats', capacity = 9 }";

type Placing = JoinHandle<Result<Placement, Refusal>>;

/// So many at once for the offering without a limit, all with one key: the first takes the gateway's
/// time, the others wait for what becomes of it.
fn crowd(world: &World, count: usize) -> Vec<Placing> {
    let place = |_| {
        let (engine, market) = (world.engine.clone(), world.market);
        let key = Idempotency { key: "the one".to_owned(), body: Vec::new() };
        tokio::spawn(async move { engine.place(market, order(1), Some(key)).await })
    };
    (0..count).map(place).collect()
}

/// Those whose answer is there, each of which must be the refusal of an overload.
async fn refused(placings: Vec<Placing>) -> usize {
    let mut refused = 0;
    for placing in placings {
        if !placing.is_finished() {
            continue;
        }
        match placing.await.unwrap() {
            Err(Refusal::Unavailable { reason, retry_after }) => {
                assert!(reason.contains("too much is under way"), "{reason}");
                assert!(retry_after >= Duration::from_secs(1));
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    refused
}

#[tokio::test(start_paused = true)]
async fn a_crowd_at_one_offering_starves_nobody_else() {
    const CROWD: usize = OFFERING_PLACING_MAX + 1500;
    let world = World::with_bank(FREE, Bank::scripted(&[Does::Silence; CROWD])).await;
    let placings = crowd(&world, CROWD);
    // Those that wait for their turn are told when that is over.
    tokio::time::sleep(ADMISSION_WAIT + Duration::from_millis(100)).await;
    let began = Instant::now();
    let other = world.place(3).await;
    assert_eq!(other.placed, Placed::Booked);
    assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
    // Who was refused used no number.
    assert_eq!(other.order.id, OrderId(2));
    assert_eq!(refused(placings).await, CROWD - OFFERING_PLACING_MAX);
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_crowd_that_is_too_large_does_not_even_wait() {
    const MORE: usize = 100;
    const CROWD: usize = OFFERING_PLACING_MAX + WAITING_MAX + MORE;
    let world = World::with_bank("", Bank::scripted(&[Does::Silence; CROWD])).await;
    let placings = crowd(&world, CROWD);
    tokio::time::sleep(ADMISSION_WAIT / 5).await;
    assert_eq!(refused(placings).await, MORE);
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn who_still_waits_when_the_engine_closes_is_told_how_far_it_came() {
    let world = World::with_bank("", Bank::scripted(&[Does::Silence; 9])).await;
    let placings = crowd(&world, 3);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    world.engine.close_within(Duration::from_secs(1)).await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    for placing in placings {
        assert_eq!(placing.await.unwrap().unwrap().placed, Placed::UnderWay);
    }
}

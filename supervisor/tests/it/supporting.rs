//! Points, messages and reviews: orders go on without them, they miss nothing, and nothing that they
//! do is done twice.

use std::collections::BTreeSet;
use std::sync::Arc;

use surehold::domain::id::{OfferingId, OrderId};
use surehold::domain::message::Occasion;
use surehold::domain::review::Opinion;
use surehold::domain::saga::{Phase, Reason};
use surehold::{MessageView, Placed, Refusal};
use surehold_storage::SnapshotStore;

use crate::bank::Bank;
use crate::world::{Disk, World, cancel, until};

const POINTS: &str = "[mileage]\nper = 100\n";
const POINTS_AT_ONCE: &str = "[mileage]\npoints = 5\nsync = true\n";
const WORDS: &str = "[messages]\npaid = 'paid {order}'\nconfirmed = 'yes {order} {name}'\n\
    cancelled = 'no {order}'\nearned = '{points} points'\ntaken_back = '-{points}'\n";

async fn points(world: &World, order: OrderId) -> Option<u64> {
    world.engine.mileage(world.market, order).await.ok().map(|entry| entry.points)
}

async fn messages(world: &World) -> Vec<MessageView> {
    world.engine.messages(world.market, 0, 1000).await.unwrap().0
}

async fn balance(world: &World) -> u64 {
    world.engine.mileage_of(world.market, "ann", 0, 1).await.unwrap().balance
}

#[tokio::test(start_paused = true)]
async fn points_come_with_the_payment_and_go_with_the_cancellation() {
    for tables in [POINTS, POINTS_AT_ONCE] {
        let world = World::fresh(tables).await;
        let earned = if tables == POINTS { 12 } else { 5 };
        let id = world.place(2).await.order.id;
        until("the points are there", || async {
            (points(&world, id).await == Some(earned)).then_some(())
        })
        .await;
        assert_eq!(balance(&world).await, earned);
        world.command(id, cancel()).await;
        until("they are gone", || async { (points(&world, id).await == Some(0)).then_some(()) })
            .await;
        assert_eq!(balance(&world).await, 0);
        world.check_books().await;
        world.engine.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_that_waits_for_points_does_not_come_about_without_them() {
    let world = World::fresh(POINTS_AT_ONCE).await;
    world.engine.stop("mileage").await.unwrap();
    let placement = world.place(2).await;
    assert_eq!(placement.placed, Placed::PaymentsDown);
    assert_eq!(placement.order.reason, Some(Reason::MileageUnavailable));
    assert_eq!(world.bank.holds(), 0, "nothing was charged");
    world.engine.start("mileage").await.unwrap();
    for _ in 0..3 {
        assert_eq!(world.place(2).await.placed, Placed::Booked, "every seat is free again");
    }
    assert_eq!(points(&world, placement.order.id).await, None);
    world.check_books().await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn points_that_follow_are_missed_by_nobody() {
    let world = World::fresh(POINTS).await;
    world.engine.stop("mileage").await.unwrap();
    let mut placed = Vec::new();
    for _ in 0..20 {
        let placement = world.place(1).await;
        assert_eq!(placement.placed, Placed::Booked);
        placed.push(placement.order.id);
    }
    world.command(placed[7], cancel()).await;
    assert_eq!(points(&world, placed[0]).await, None);
    world.engine.start("mileage").await.unwrap();
    until("all are credited, and one is taken back", || async {
        (points(&world, placed[19]).await == Some(12)
            && points(&world, placed[7]).await == Some(0)
            && balance(&world).await == 19 * 12)
            .then_some(())
    })
    .await;
    world.engine.close().await;
}

/// However often they crash: each message once, in the order in which things happened.
#[tokio::test(start_paused = true)]
async fn crashes_tell_nobody_anything_twice() {
    let world = World::fresh(&format!("{POINTS}{WORDS}")).await;
    let mut placed = Vec::new();
    for round in 0..30 {
        placed.push(world.place(1).await.order.id);
        for name in ["mileage", "messages", "reviews"] {
            world.engine.crash(name).await.unwrap();
        }
        if round % 3 == 0 {
            world.command(placed[round], cancel()).await;
        }
    }
    // Paid, confirmed and earned each; cancelled and taken back every third.
    let expected = 30 * 3 + 10 * 2;
    until("all is told", || async { (messages(&world).await.len() >= expected).then_some(()) })
        .await;
    let told = messages(&world).await;
    let once: BTreeSet<(OrderId, Occasion)> =
        told.iter().map(|message| (message.order, message.occasion)).collect();
    assert_eq!((told.len(), once.len()), (expected, expected));
    let of_first: Vec<Occasion> = told
        .iter()
        .filter(|message| message.order == placed[0])
        .map(|message| message.occasion)
        .collect();
    assert_eq!(of_first[0], Occasion::Paid);
    let numbers: Vec<u64> = told.iter().map(|message| message.id.0).collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
    assert_eq!(balance(&world).await, 20 * 12);
    world.engine.close().await;
}

/// The same over restarts of the whole engine, at every point of a few orders' lives.
#[tokio::test(start_paused = true)]
async fn restarts_tell_nobody_anything_twice() {
    let (disk, bank) = (Arc::<Disk>::default(), Arc::<Bank>::default());
    let tables = format!("{POINTS_AT_ONCE}{WORDS}");
    let mut placed = Vec::new();
    for round in 0..12 {
        let world = World::open(&tables, Arc::clone(&disk), Arc::clone(&bank)).await;
        let id = world.place(1).await.order.id;
        if round % 2 == 0 {
            world.command(id, cancel()).await;
        }
        placed.push(id);
        if round % 3 == 0 {
            // The snapshots, and the cursors with them, are gone: all is read again.
            disk.snapshots().clear().unwrap();
        }
        world.engine.close().await;
    }
    let world = World::open(&tables, disk, bank).await;
    let expected = 12 * 3 + 6 * 2;
    until("all is told", || async { (messages(&world).await.len() >= expected).then_some(()) })
        .await;
    let told = messages(&world).await;
    let once: BTreeSet<(OrderId, Occasion)> =
        told.iter().map(|message| (message.order, message.occasion)).collect();
    assert_eq!((told.len(), once.len()), (expected, expected), "{told:?}");
    assert_eq!(balance(&world).await, 6 * 5);
    world.check_books().await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_an_operator_stopped_stays_stopped() {
    let (disk, bank) = (Arc::<Disk>::default(), Arc::<Bank>::default());
    let world = World::open("", Arc::clone(&disk), Arc::clone(&bank)).await;
    for name in ["payments", "confirmations", "inventory"] {
        world.engine.stop(name).await.unwrap();
    }
    world.engine.start("inventory").await.unwrap();
    world.engine.close().await;
    let world = World::open("", Arc::clone(&disk), Arc::clone(&bank)).await;
    assert_eq!(world.place(2).await.placed, Placed::PaymentsDown);
    world.engine.start("payments").await.unwrap();
    let id = world.place(2).await.order.id;
    assert_eq!(world.order(id).await.phase, Phase::Paid);
    world.engine.start("confirmations").await.unwrap();
    world.phase(id, Phase::Confirmed).await;
    world.engine.close().await;
    let world = World::open("", disk, bank).await;
    assert_eq!(world.place(2).await.placed, Placed::Booked);
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn reviews_can_be_down_while_orders_come_in() {
    let world = World::fresh("").await;
    let opinion =
        |text: &str| Opinion { customer: "ann".to_owned(), rating: Some(4), text: text.to_owned() };
    let (engine, market, seat) = (&world.engine, world.market, OfferingId(2));
    let review = engine.write_review(market, seat, opinion("good")).await.unwrap();
    engine.stop("reviews").await.unwrap();
    let refused = engine.write_review(market, seat, opinion("again")).await;
    assert!(matches!(refused, Err(Refusal::Unavailable { .. })), "{refused:?}");
    assert_eq!(world.place(2).await.placed, Placed::Booked);
    engine.start("reviews").await.unwrap();
    engine.change_review(market, review.id, opinion("very good")).await.unwrap();
    let page = engine.reviews_of(market, seat, 0, 10).await.unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].text, "very good");
    engine.remove_review(market, review.id).await.unwrap();
    assert!(engine.reviews_of(market, seat, 0, 10).await.unwrap().items.is_empty());
    world.engine.close().await;
}

/// Supplies bring stock once, and only when they arrive.
#[tokio::test(start_paused = true)]
async fn a_supply_counts_once() {
    use surehold::domain::quantity::Quantity;
    use surehold::{Booking, NewOrder, OrderCommand};
    let tables = "[supply]\n[[offerings]]\nid = 3\nname = 'Fuel'\nprice = { amount = 2 }\n\
        inventory = { model = 'stock', quantity = 0 }\n";
    let world = World::fresh(tables).await;
    let litres = |litres| Quantity::whole(litres).unwrap();
    let order = |quantity, booking| NewOrder {
        customer: "station".to_owned(),
        offering: OfferingId(3),
        quantity,
        booking,
        card: Some("7".to_owned()),
        attributes: Default::default(),
    };
    let place = async |new: NewOrder| world.engine.place(world.market, new, None).await.unwrap();
    let sale = place(order(litres(1), Booking::Units)).await;
    assert_eq!(sale.placed, Placed::NoRoom, "there is nothing yet");
    let supply = place(order(litres(500), Booking::Supply)).await;
    world.phase(supply.order.id, Phase::Confirmed).await;
    let free =
        async || world.engine.offering(world.market, OfferingId(3)).await.unwrap().free.unwrap();
    assert_eq!(free().await, Quantity::NONE, "it is on its way");
    world.engine.crash("inventory").await.unwrap();
    world.command(supply.order.id, OrderCommand::Complete).await;
    world.phase(supply.order.id, Phase::Fulfilled).await;
    assert_eq!(free().await, litres(500));
    assert_eq!(place(order(litres(500), Booking::Units)).await.placed, Placed::Booked);
    assert_eq!(place(order(litres(1), Booking::Units)).await.placed, Placed::NoRoom);
    world.check_books().await;
    world.engine.close().await;
}

//! The ways an order goes when nothing breaks.

use std::sync::Arc;

use surehold::domain::saga::Phase;
use surehold::{Idempotency, OrderCommand, OrderFilter, Placed, Refusal};
use surehold_storage::MemoryJournal;

use crate::bank::{Bank, Does};
use crate::world::{Disk, OPERATOR, World, cancel, order, until};

#[tokio::test(start_paused = true)]
async fn an_order_is_held_paid_confirmed_and_fulfilled() {
    let world = World::fresh("").await;
    let placement = world.place(2).await;
    assert_eq!(placement.placed, Placed::Booked);
    let id = placement.order.id;
    let view = world.phase(id, Phase::Confirmed).await;
    assert_eq!(view.payment.as_ref().unwrap().state, "captured");
    assert_eq!(view.confirmation.as_ref().unwrap().state, Some("confirmed"));
    let view = world.command(id, OrderCommand::Complete).await;
    assert_eq!((view.phase, view.deadline), (Phase::Fulfilled, None));
    let history = world.engine.history(world.market, id).await.unwrap();
    let names: Vec<&str> = history.steps.iter().map(|step| step.event.name()).collect();
    assert_eq!(
        names,
        ["OrderPlaced", "OrderHeld", "OrderPaid", "OrderConfirmed", "OrderFulfilled"]
    );
    world.check_books().await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn the_last_seat_is_sold_once_and_comes_back() {
    let world = World::fresh("").await;
    let mut booked = Vec::new();
    for _ in 0..3 {
        booked.push(world.place(2).await.order.id);
    }
    let refused = world.place(2).await;
    assert_eq!((refused.placed, refused.order.phase), (Placed::NoRoom, Phase::Refused));
    assert_eq!(refused.order.payment, None, "nobody was charged");
    let cancelled = world.command(booked[1], cancel()).await;
    assert_eq!(cancelled.phase, Phase::Cancelled);
    assert_eq!(cancelled.payment.unwrap().state, "refunded");
    assert_eq!(world.place(2).await.placed, Placed::Booked);
    assert_eq!(world.bank.holds(), 3 * 1250);
    world.check_books().await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_declined_card_leaves_nothing_behind() {
    let world = World::with_bank("", Bank::scripted(&[Does::Decline])).await;
    let placement = world.place(2).await;
    assert_eq!(placement.placed, Placed::Declined);
    assert_eq!(placement.order.phase, Phase::Cancelled);
    assert_eq!(placement.order.payment.unwrap().state, "declined");
    let offering = world.engine.offering(world.market, order(2).offering).await.unwrap();
    assert_eq!(offering.held.thousandths(), 0);
    world.check_books().await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_leaves_the_node_before_it_is_durable() {
    let journal = MemoryJournal::held(9);
    let disk = Arc::new(Disk::over(journal.clone()));
    let releasing = tokio::spawn({
        let journal = journal.clone();
        async move {
            // Opening waits for its first record; let it through.
            // Time stands still while the opening blocks, so nothing here may wait for it.
            while surehold_storage::Journal::last(&*journal) < 4 {
                journal.release();
                tokio::task::yield_now().await;
            }
        }
    });
    let world = World::open("", disk, Arc::default()).await;
    releasing.await.unwrap();
    let placing = tokio::spawn({
        let (engine, market) = (world.engine.clone(), world.market);
        async move { engine.place(market, order(2), None).await }
    });
    let id = surehold::domain::id::OrderId(1);
    // A reader is told nothing either before it is durable, so the tree is looked at instead.
    until("the order lives", || async {
        let tree = world.engine.tree().await;
        tree.children.iter().any(|node| node.name == "orders" && node.live == Some(1)).then_some(())
    })
    .await;
    assert_eq!(world.bank.books().calls, 0, "the charge waits for its record");
    assert!(!placing.is_finished());
    journal.release();
    until("the charge was made", || async { (world.bank.books().calls == 1).then_some(()) }).await;
    assert!(!placing.is_finished(), "the answer waits for its record, too");
    until("the answer came", || async {
        journal.release();
        placing.is_finished().then_some(())
    })
    .await;
    assert_eq!(placing.await.unwrap().unwrap().order.id, id);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_request_has_one_order() {
    let world = World::fresh("").await;
    let key = |body: &str| Some(Idempotency { key: "k-1".to_owned(), body: body.into() });
    let place = |body| world.engine.place(world.market, order(2), key(body));
    let (first, second) = tokio::join!(place("a"), place("a"));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.order.id, second.order.id);
    assert_eq!(place("a").await.unwrap().order.id, first.order.id);
    assert_eq!(place("b").await.unwrap_err(), Refusal::KeyReused);
    assert_eq!(world.bank.books().captured.len(), 1);
    world.check_books().await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn bad_requests_are_refused_by_field_and_store_nothing() {
    let world = World::fresh("").await;
    let spoil = |change: &dyn Fn(&mut surehold::NewOrder)| {
        let mut new = order(2);
        change(&mut new);
        new
    };
    let cases = [
        ("customer", spoil(&|new| new.customer = "x".repeat(10_000))),
        ("customer", spoil(&|new| new.customer = "a\u{7}b".to_owned())),
        ("offering", spoil(&|new| new.offering.0 = 99)),
        ("quantity", spoil(&|new| new.quantity = Default::default())),
        ("payment.card", spoil(&|new| new.card = None)),
        ("payment.card", spoil(&|new| new.card = Some("4".repeat(20)))),
        (
            "attributes.n",
            spoil(&|new| {
                let text = surehold::domain::attributes::Attribute::Text("x".repeat(2000));
                new.attributes.insert("n".to_owned(), text);
            }),
        ),
    ];
    for (field, new) in cases {
        match world.engine.place(world.market, new, None).await {
            Err(Refusal::Invalid { field: named, .. }) => assert_eq!(named, field),
            other => panic!("{field}: {other:?}"),
        }
    }
    let page = world.engine.orders(world.market, OrderFilter::default(), 0, 10).await.unwrap();
    assert_eq!(page.items, []);
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn lists_show_what_is_asked_for_and_events_tell_all() {
    let world = World::fresh("").await;
    for number in 0..5 {
        let mut new = order(1);
        new.customer = if number % 2 == 0 { "ann" } else { "bob" }.to_owned();
        world.engine.place(world.market, new, None).await.unwrap();
    }
    let bobs = OrderFilter { customer: Some("bob".to_owned()), ..OrderFilter::default() };
    let page = world.engine.orders(world.market, bobs, 0, 10).await.unwrap();
    let ids: Vec<u64> = page.items.iter().map(|order| order.id.0).collect();
    assert_eq!((ids, page.next), (vec![2, 4], None));
    let all = world.engine.orders(world.market, OrderFilter::default(), 2, 2).await.unwrap();
    assert_eq!(all.items.len(), 2);
    assert_eq!(all.next, Some(4));
    let rows = world.engine.rows(world.market, surehold::Collection::Payments, 1, 2).await.unwrap();
    assert_eq!((rows.ids.len(), rows.total), (2, 5));
    let events = world.engine.events(world.market, 0, 1000).await.unwrap();
    assert!(events.at_end);
    let ordered = events.events.windows(2).all(|pair| pair[0].sequence < pair[1].sequence);
    assert!(ordered && events.events.len() >= 5 * 6, "{}", events.events.len());
    world.engine.close().await;
}

/// More at once than may be under way: some wait a moment and are turned away, with nothing kept of
/// them; the others come to their end.
#[tokio::test(start_paused = true)]
async fn an_overloaded_engine_turns_customers_away() {
    const CUSTOMERS: usize = 4300;
    let world = World::with_bank("", Bank::scripted(&vec![Does::Silence; CUSTOMERS])).await;
    let placing: Vec<_> = (0..CUSTOMERS)
        .map(|_| {
            let (engine, market) = (world.engine.clone(), world.market);
            tokio::spawn(async move { engine.place(market, order(1), None).await })
        })
        .collect();
    let (mut taken, mut refused) = (0u64, 0u64);
    for one in placing {
        match one.await.unwrap() {
            Ok(_) => taken += 1,
            Err(Refusal::Unavailable { retry_after, .. }) => {
                assert!(!retry_after.is_zero());
                refused += 1;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(refused > 0, "{taken} taken");
    let orders = world.engine.audit().await.unwrap().orders;
    assert_eq!(orders, taken, "of those turned away nothing is kept");
    let next = world.engine.place(world.market, order(1), None).await;
    assert!(next.is_ok(), "the next one is let in: {next:?}");
    world.engine.close().await;
}

/// An operator confirms, and the customer cancels at that very moment: who cancels is told of the
/// cancellation, not of the confirmation that came just before it.
#[tokio::test(start_paused = true)]
async fn who_cancels_while_it_is_confirmed_is_told_that_it_is_cancelled() {
    let world = World::fresh(OPERATOR).await;
    for moments in 0..40 {
        let id = world.place(1).await.order.id;
        until("it waits in the queue", || async {
            let view = world.order(id).await;
            (view.confirmation.as_ref().unwrap().state == Some("waiting")).then_some(())
        })
        .await;
        let (engine, market) = (world.engine.clone(), world.market);
        let confirming =
            tokio::spawn(async move { engine.command(market, id, OrderCommand::Confirm).await });
        for _ in 0..moments {
            tokio::task::yield_now().await;
        }
        let told = world.command(id, cancel()).await;
        assert_eq!(told.phase, Phase::Cancelled, "after {moments} moments");
        // Whoever was first, the operator has an answer.
        let _ = confirming.await.unwrap();
    }
    world.check_books().await;
    world.engine.close().await;
}

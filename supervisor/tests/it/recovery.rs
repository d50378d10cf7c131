//! What was under way when the engine ended goes on when it opens again.

use std::sync::Arc;

use surehold::domain::saga::Phase;
use surehold::domain::time::Timestamp;
use surehold::{OrderCommand, Placed, Readiness};

use crate::bank::{Bank, Does};
use crate::world::{Disk, OPERATOR, World, cancel, order, until};

#[tokio::test(start_paused = true)]
async fn closed_and_opened_again_everything_is_there() {
    let (disk, bank) = (Arc::<Disk>::default(), Arc::<Bank>::default());
    let world = World::open(OPERATOR, disk.clone(), bank.clone()).await;
    let id = world.place(2).await.order.id;
    let before = until("it waits in the queue", || async {
        let view = world.order(id).await;
        (view.confirmation.as_ref().unwrap().state == Some("waiting")).then_some(view)
    })
    .await;
    world.engine.close().await;
    assert!(matches!(world.engine.readiness(), Readiness::NotReady(_)));
    let world = World::open(OPERATOR, disk, bank).await;
    assert_eq!(world.order(id).await, before);
    assert_eq!(world.place(2).await.order.id.0, 2, "numbers go on");
    assert_eq!(world.command(id, OrderCommand::Confirm).await.phase, Phase::Confirmed);
    world.check_books().await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_charge_under_way_at_the_end_is_asked_about_and_made_once() {
    for first in [Does::DoThenSilence, Does::Silence] {
        let disk = Arc::<Disk>::default();
        let bank = Arc::new(Bank::scripted(&[first]));
        let world = World::open("", disk.clone(), bank.clone()).await;
        let placing = tokio::spawn({
            let (engine, market) = (world.engine.clone(), world.market);
            async move { engine.place(market, order(2), None).await }
        });
        until("the charge was sent", || async { (bank.books().calls == 1).then_some(()) }).await;
        // The process ends without a word: the journal is cut off, nothing is closed.
        disk.journal().fail("the power went out");
        disk.set_full(true);
        let placement = placing.await.unwrap().unwrap();
        assert_eq!(placement.placed, Placed::UnderWay, "what is durable is told, and no more");
        let world = World::open("", disk, bank.clone()).await;
        let view = world.phase(surehold::domain::id::OrderId(1), Phase::Confirmed).await;
        assert_eq!(view.payment.unwrap().state, "captured");
        assert_eq!(bank.books().captured.len(), 1, "{first:?}");
        world.check_books().await;
        assert_eq!(world.command(view.id, cancel()).await.phase, Phase::Cancelled);
        assert_eq!(bank.holds(), 0);
        world.engine.close().await;
    }
}

/// Gateways know a key for a day. Whoever was down for longer asks before the charge is repeated.
#[tokio::test(start_paused = true)]
async fn a_charge_that_is_old_is_asked_about_first() {
    for (first, hours, questions) in
        [(Does::DoThenSilence, 30, 1), (Does::Silence, 30, 1), (Does::DoThenSilence, 1, 0)]
    {
        let (disk, bank) = (Arc::<Disk>::default(), Arc::new(Bank::scripted(&[first])));
        let patient = "[payment]\nhold = '7 d'";
        let world = World::open(patient, disk.clone(), bank.clone()).await;
        let placing = tokio::spawn({
            let (engine, market) = (world.engine.clone(), world.market);
            async move { engine.place(market, order(2), None).await }
        });
        until("the charge was sent", || async { (bank.books().calls == 1).then_some(()) }).await;
        disk.journal().fail("the power went out");
        disk.set_full(true);
        placing.await.unwrap().unwrap();
        let later = Timestamp(1_800_000_000_000 + hours * 3_600_000);
        let world = World::open_at(later, patient, disk, bank.clone()).await;
        world.phase(surehold::domain::id::OrderId(1), Phase::Confirmed).await;
        assert_eq!(bank.books().questions, questions, "{first:?} after {hours} hours");
        world.check_books().await;
        world.engine.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_idempotency_key_outlives_the_process() {
    let (disk, bank) = (Arc::<Disk>::default(), Arc::<Bank>::default());
    let key = || Some(surehold::Idempotency { key: "k".to_owned(), body: b"a".to_vec() });
    let world = World::open("", disk.clone(), bank.clone()).await;
    let first = world.engine.place(world.market, order(2), key()).await.unwrap();
    world.engine.close().await;
    let world = World::open("", disk, bank.clone()).await;
    let again = world.engine.place(world.market, order(2), key()).await.unwrap();
    assert_eq!(first.order.id, again.order.id);
    assert_eq!(bank.books().captured.len(), 1);
    world.engine.close().await;
}

/// Once, an order's record was on disk and its payment's was not; after the restart the payment's
/// number was given again, and two orders shared one payment.
#[tokio::test(start_paused = true)]
async fn a_number_that_only_an_order_names_is_not_given_again() {
    use surehold_actors::machine::Machine;
    use surehold_actors::stream;
    use surehold_domain::id::{MarketId, OrderId, OrderKey, PaymentId};
    use surehold_domain::saga::{AfterHold, Event, Fact, Saga};
    use surehold_domain::time::Timestamp;
    use surehold_storage::{Journal, MemoryJournal, NewRecord};

    let journal = MemoryJournal::new(11);
    let disk = Arc::new(Disk::over(journal.clone()));
    let world = World::open("", disk.clone(), Arc::default()).await;
    world.engine.close().await;
    let at = Timestamp(1_800_000_000_000);
    let placed = Saga::place(surehold_domain::testing::order(), None, at);
    let until = Timestamp(at.0 + 900_000);
    let held = Event::Held(AfterHold::Pay { payment: PaymentId(1), until });
    let key = OrderKey { market: MarketId(0), order: OrderId(1) };
    let record = |number, fact: &Fact| NewRecord {
        stream: stream::order(key),
        number,
        bytes: Saga::fact_to_bytes(fact).unwrap(),
    };
    let cut_off = disk.reopened();
    cut_off.append(vec![record(1, &placed), record(2, &Fact { at, event: held })]).unwrap();
    let world = World::open("", disk, Arc::default()).await;
    let other = world.place(1).await.order;
    assert_eq!(other.payment.unwrap().id, PaymentId(2));
    world.engine.close().await;
}

/// A clock that is set back by an hour while the node is down holds up nothing that is under way.
#[tokio::test(start_paused = true)]
async fn a_clock_that_went_back_holds_up_nobody() {
    for first in [Does::DoThenSilence, Does::Silence] {
        let (disk, bank) = (Arc::<Disk>::default(), Arc::new(Bank::scripted(&[first])));
        let noon = 1_800_000_000_000;
        let world = World::open_at(Timestamp(noon), "", disk.clone(), bank.clone()).await;
        let placing = tokio::spawn({
            let (engine, market) = (world.engine.clone(), world.market);
            async move { engine.place(market, order(2), None).await }
        });
        until("the charge was sent", || async { (bank.books().calls == 1).then_some(()) }).await;
        disk.journal().fail("the power went out");
        disk.set_full(true);
        placing.await.unwrap().unwrap();
        disk.set_full(false);
        let earlier = Timestamp(noon - 3_600_000);
        let world = World::open_at(earlier, "", disk, bank.clone()).await;
        let began = tokio::time::Instant::now();
        let view = world.phase(surehold::domain::id::OrderId(1), Phase::Confirmed).await;
        assert!(began.elapsed().as_secs() < 60, "{first:?}: {:?}", began.elapsed());
        assert!(view.updated_at >= view.created_at, "{first:?}");
        assert_eq!(bank.books().captured.len(), 1, "{first:?}");
        world.engine.close().await;
    }
}

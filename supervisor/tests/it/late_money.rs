//! Money that turns up after its order was undone goes back once: whichever record the disk loses,
//! whoever crashes, and however often the gateway has to be asked.

use std::sync::Arc;
use std::time::Duration;

use surehold::domain::id::OrderId;
use surehold::domain::saga::Phase;
use surehold::{Idempotency, OrderView, Refusal};

use crate::bank::{Bank, Does};
use crate::world::{Disk, World, cancel, order, until};

/// What undoes the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Undone {
    /// The customer cancels while the gateway is silent.
    ByCustomer,
    /// The money does not arrive while the units are held.
    ByTime,
}

/// What the gateway does first; then it does as it is asked.
pub(crate) const SCRIPTS: [&[Does]; 5] = [
    // It takes the money, and says so when it is asked the third time.
    &[Does::DoThenSilence, Does::Shrug, Does::Silence],
    // The same, and the refund is made and not answered.
    &[Does::DoThenSilence, Does::Shrug, Does::Approve, Does::DoThenSilence, Does::Shrug],
    // For so long that the hold is over.
    &[Does::DoThenSilence, Does::Silence, Does::Silence, Does::Silence, Does::Silence],
    // It never took it.
    &[Does::Silence, Does::Shrug, Does::Shrug],
    // It never heard of it at first, and takes it when it is sent again.
    &[Does::Silence, Does::Approve, Does::DoThenSilence],
];

const HOLD: &str = "[payment]\nhold = '25 s'";

pub(crate) async fn placed(world: &World) -> OrderId {
    until("it is placed", || async {
        let key = Some(Idempotency { key: "k".to_owned(), body: vec![] });
        match world.engine.place(world.market, order(2), key).await {
            Ok(placement) => Some(placement.order.id),
            Err(Refusal::Unavailable { .. }) => None,
            Err(other) => panic!("{other}"),
        }
    })
    .await
}

pub(crate) async fn cancelled(world: &World, id: OrderId) {
    until("it is being cancelled", || async {
        match world.engine.command(world.market, id, cancel()).await {
            Ok(_) | Err(Refusal::WrongPhase { phase: Phase::Cancelled, .. }) => Some(()),
            Err(Refusal::Unavailable { .. }) => None,
            Err(other) => panic!("{other}"),
        }
    })
    .await;
}

async fn at_its_end(world: &World, id: OrderId) -> OrderView {
    let mut looks = 0;
    loop {
        match world.engine.order(world.market, id).await {
            Ok(view) if view.phase == Phase::Cancelled => return view,
            Ok(_) | Err(Refusal::Unavailable { .. }) => {}
            Err(other) => panic!("{other}"),
        }
        looks += 1;
        assert!(looks < 5000, "it never came to its end");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The bank gave back what it took, once, and the books say the same.
async fn check(world: &World, view: &OrderView, why: &str) {
    let (captured, refunded) = {
        let books = world.bank.books();
        (books.captured.clone(), books.refunded.clone())
    };
    assert!(captured.len() <= 1, "{why}");
    assert_eq!(captured, refunded, "{why}");
    let state = view.payment.as_ref().map(|payment| payment.state);
    let fits = match state {
        Some("refunded") => captured.len() == 1,
        Some("voided") | None => captured.is_empty(),
        Some(_) => false,
    };
    assert!(fits, "{why}: {state:?} and {captured:?}");
    world.check_books().await;
    let offering = world.engine.offering(world.market, order(2).offering).await.unwrap();
    assert!(offering.held.is_none(), "{why}: the units are back");
}

#[tokio::test(start_paused = true)]
async fn late_money_goes_back_once_whichever_record_is_lost() {
    for undone in [Undone::ByCustomer, Undone::ByTime] {
        for script in SCRIPTS {
            let mut lost = 0;
            loop {
                lost += 1;
                let why = format!("{undone:?}, {script:?}, record {lost} lost");
                let (disk, bank) = (Arc::<Disk>::default(), Arc::new(Bank::scripted(script)));
                let world = World::open(HOLD, disk.clone(), bank).await;
                disk.journal().fail_at(lost);
                let id = placed(&world).await;
                if undone == Undone::ByCustomer {
                    cancelled(&world, id).await;
                }
                let view = end_or_cancel(&world, id).await;
                check(&world, &view, &why).await;
                // Nothing follows.
                tokio::time::sleep(Duration::from_secs(120)).await;
                check(&world, &view, &why).await;
                let struck = world.engine.tree().await.restarts > 0;
                world.engine.close().await;
                if !struck {
                    break;
                }
            }
            assert!(lost > 8, "every record of it was lost once: {lost}");
        }
    }
}

/// Waits for the end; an order whose money came in time is cancelled then.
async fn end_or_cancel(world: &World, id: OrderId) -> OrderView {
    for _ in 0..600 {
        match world.order_or_none(id).await.map(|view| view.phase) {
            Some(Phase::Cancelled) => break,
            Some(Phase::Confirmed) => cancelled(world, id).await,
            Some(_) | None => {}
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    at_its_end(world, id).await
}

#[tokio::test(start_paused = true)]
async fn late_money_goes_back_once_whoever_crashes_and_when() {
    for undone in [Undone::ByCustomer, Undone::ByTime] {
        for script in SCRIPTS {
            // Not all at once: everybody crashes every few seconds, at another time each round.
            for round in 0..6u64 {
                let why = format!("{undone:?}, {script:?}, round {round}");
                let world = Arc::new(World::with_bank(HOLD, Bank::scripted(script)).await);
                let crashing = tokio::spawn({
                    let world = Arc::clone(&world);
                    async move {
                        for time in 0..20 {
                            tokio::time::sleep(Duration::from_millis(1700 + 230 * round)).await;
                            let _ = world.engine.crash("payments").await;
                            if time % 2 == round % 2 {
                                let id = OrderId(1);
                                let _ = world.engine.crash_order(world.market, id, false).await;
                            }
                        }
                    }
                });
                let id = placed(&world).await;
                if undone == Undone::ByCustomer {
                    cancelled(&world, id).await;
                }
                let view = end_or_cancel(&world, id).await;
                crashing.await.unwrap();
                check(&world, &view, &why).await;
                world.engine.close().await;
            }
        }
    }
}

//! A gateway that does not answer is left alone: customers hear at once, nothing is burnt, and who
//! was turned away with a known card is paid once it answers again.

use std::sync::Arc;
use std::time::Duration;

use surehold::domain::id::OrderId;
use surehold::domain::saga::Phase;
use surehold::{BreakerView, Placed, Placement, Refusal};

use crate::bank::{Bank, Does};
use crate::world::{World, order, until};

const PAY_LATER: &str = "[payment]\nwhen_unavailable = 'pay_later'\npay_later_within = '1 h'";

async fn breaker(world: &World) -> BreakerView {
    let tree = world.engine.tree().await;
    let payments = tree.children.into_iter().find(|node| node.name == "payments").unwrap();
    payments.breaker.unwrap()
}

/// A bank whose next `silent` calls are not answered.
fn silent_for(silent: usize) -> Bank {
    Bank::scripted(&vec![Does::Silence; silent])
}

/// Twenty orders that the gateway does not answer: enough to open the breaker.
async fn open_it(world: &Arc<World>) -> Vec<OrderId> {
    let placing: Vec<_> = (0..20)
        .map(|_| {
            let world = Arc::clone(world);
            tokio::spawn(async move { world.place(1).await })
        })
        .collect();
    let mut ids = Vec::new();
    for placed in placing {
        let Placement { placed, order } = placed.await.unwrap();
        assert_eq!(placed, Placed::UnderWay);
        ids.push(order.id);
    }
    until("the breaker is open", || async { (breaker(world).await.state == "open").then_some(()) })
        .await;
    ids
}

#[tokio::test(start_paused = true)]
async fn a_silent_gateway_is_left_alone_and_tried_again() {
    let world = Arc::new(World::with_bank("", silent_for(20)).await);
    assert_eq!(breaker(&world).await, BreakerView { state: "closed", until: None });
    let stuck = open_it(&world).await;
    let calls = world.bank.books().calls;
    let began = tokio::time::Instant::now();
    let refused = world.place(2).await;
    assert_eq!(refused.placed, Placed::PaymentsDown);
    assert_eq!(refused.order.payment, None, "no number was burnt");
    assert!(began.elapsed() < Duration::from_secs(1), "it was told at once");
    assert!(breaker(&world).await.until.is_some());
    // What was sent before is asked about all the same.
    for id in stuck {
        world.phase(id, Phase::Confirmed).await;
    }
    assert!(world.bank.books().calls > calls);
    until("it is half open", || async {
        (breaker(&world).await.state == "half_open").then_some(())
    })
    .await;
    for number in 21..24 {
        let placed = world.place(2).await;
        assert_eq!(placed.placed, Placed::Booked);
        assert_eq!(placed.order.payment.unwrap().id.0, number, "those of the twenty, and no other");
    }
    assert_eq!(breaker(&world).await, BreakerView { state: "closed", until: None });
    world.check_books().await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn who_was_turned_away_is_paid_when_the_gateway_is_back() {
    let world = Arc::new(World::with_bank(PAY_LATER, silent_for(20)).await);
    open_it(&world).await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let placed = world.place(2).await;
        assert_eq!((placed.placed, placed.order.phase), (Placed::ToBePaid, Phase::Unpaid));
        assert!(placed.order.deadline.is_some());
        waiting.push(placed.order.id);
    }
    let mut numbered = order(1);
    numbered.card = Some("4242 4242 4242 4242".to_owned());
    let numbered = world.engine.place(world.market, numbered, None).await.unwrap().order;
    assert_eq!(numbered.phase, Phase::Unpaid);
    let command = surehold::OrderCommand::Pay { card: "9".to_owned() };
    let refused = world.engine.command(world.market, numbered.id, command).await;
    assert!(matches!(refused, Err(Refusal::Unavailable { .. })), "{refused:?}");
    for id in waiting {
        world.phase(id, Phase::Confirmed).await;
        let history = world.engine.history(world.market, id).await.unwrap();
        let resumed: Vec<_> =
            history.steps.iter().filter(|step| step.event.name() == "PaymentResumed").collect();
        assert_eq!(resumed.len(), 1);
        assert_eq!(resumed[0].cause.name(), "market");
    }
    // Nothing is kept of a full number, so the customer has to come back.
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(world.order(numbered.id).await.phase, Phase::Unpaid);
    assert_eq!(world.bank.books().captured.len(), 23, "each once");
    world.check_books().await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_market_that_is_paid_later_is_not_paid_by_itself() {
    let later = "[payment]\nwhen = 'later'\nwithin = '1 h'";
    let world = Arc::new(World::with_bank(later, silent_for(20)).await);
    let mut ids = Vec::new();
    for _ in 0..25 {
        ids.push(world.place(1).await.order.id);
    }
    let paying: Vec<_> = ids[..20]
        .iter()
        .map(|id| {
            let (world, id) = (Arc::clone(&world), *id);
            let pay = surehold::OrderCommand::Pay { card: "9".to_owned() };
            tokio::spawn(async move { world.engine.command(world.market, id, pay).await })
        })
        .collect();
    for paid in paying {
        paid.await.unwrap().unwrap();
    }
    until("it is half open", || async {
        let all = world.bank.books().captured.len() == 20;
        (all && breaker(&world).await.state == "half_open").then_some(())
    })
    .await;
    for id in &ids[20..23] {
        let paid = surehold::OrderCommand::Pay { card: "9".to_owned() };
        assert_eq!(world.command(*id, paid).await.payment.unwrap().state, "captured");
    }
    assert_eq!(breaker(&world).await.state, "closed");
    tokio::time::sleep(Duration::from_secs(60)).await;
    for id in &ids[23..] {
        assert_eq!(world.order(*id).await.phase, Phase::Unpaid, "nobody tried to pay it");
    }
    world.check_books().await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_stays_silent_is_tried_ever_less_often() {
    let world = Arc::new(World::with_bank("", silent_for(10_000)).await);
    open_it(&world).await;
    let mut refused = 0;
    for _ in 0..200 {
        let began = tokio::time::Instant::now();
        let placed = world.place(1).await.placed;
        assert!(matches!(placed, Placed::PaymentsDown | Placed::UnderWay), "{placed:?}");
        refused += usize::from(placed == Placed::PaymentsDown);
        assert!(began.elapsed() < Duration::from_secs(11));
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    assert!(refused > 150, "only trials were let through: {refused} of 200 were refused");
    world.engine.close().await;
}

//! Orders that wait: for an operator, for money, for a gateway that does not answer.

use std::time::Duration;

use surehold::domain::saga::Phase;
use surehold::{OrderCommand, Placed, Refusal};

use crate::bank::{Bank, Does};
use crate::world::{OPERATOR, World, cancel, until};

#[tokio::test(start_paused = true)]
async fn the_operator_confirms_or_rejects() {
    let world = World::fresh(OPERATOR).await;
    let (yes, no) = (world.place(2).await.order.id, world.place(2).await.order.id);
    for id in [yes, no] {
        until("it waits in the queue", || async {
            let view = world.order(id).await;
            (view.confirmation.unwrap().state == Some("waiting")).then_some(())
        })
        .await;
    }
    let view = world.command(yes, OrderCommand::Confirm).await;
    assert_eq!(view.phase, Phase::Confirmed);
    let note = Some("full up".to_owned());
    let view = world.command(no, OrderCommand::Reject { note }).await;
    assert_eq!(view.phase, Phase::Cancelled);
    assert_eq!(view.reason.unwrap().to_string(), "rejected: full up");
    assert_eq!(view.payment.unwrap().state, "refunded");
    let again = world.engine.command(world.market, no, OrderCommand::Confirm).await;
    assert!(matches!(again, Err(Refusal::WrongPhase { phase: Phase::Cancelled, .. })), "{again:?}");
    world.check_books().await;
    world.engine.close().await;
}

/// As right after a restart: the order is paid, and has yet to ask for its confirmation.
#[tokio::test(start_paused = true)]
async fn an_operator_who_speaks_before_the_order_asked_is_heard() {
    let world = World::fresh(OPERATOR).await;
    world.engine.stop("confirmations").await.unwrap();
    let (yes, no) = (world.place(2).await.order.id, world.place(2).await.order.id);
    world.phase(yes, Phase::Paid).await;
    world.phase(no, Phase::Paid).await;
    world.engine.start("confirmations").await.unwrap();
    let said = [(yes, OrderCommand::Confirm), (no, OrderCommand::Reject { note: None })];
    let mut came_to = Vec::new();
    for (id, command) in said {
        let view = world.engine.command(world.market, id, command).await.unwrap();
        came_to.push((view.phase, view.payment.unwrap().state));
    }
    assert_eq!(came_to, [(Phase::Confirmed, "captured"), (Phase::Cancelled, "refunded")]);
    world.check_books().await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_speaks_and_the_deadline_does() {
    for (then, phase) in [("cancel", Phase::Cancelled), ("confirm", Phase::Confirmed)] {
        let world = World::fresh(&format!("{OPERATOR}\nthen = '{then}'")).await;
        let id = world.place(2).await.order.id;
        tokio::time::sleep(Duration::from_secs(2 * 3600 + 10)).await;
        world.phase(id, phase).await;
        world.check_books().await;
        world.engine.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_customer_cancels_while_the_operator_thinks() {
    let world = World::fresh(OPERATOR).await;
    let id = world.place(2).await.order.id;
    let quote = world.engine.quote(world.market, id).await.unwrap();
    assert_eq!(quote.refund.amount(), 1250);
    let view = world.command(id, cancel()).await;
    assert_eq!(view.phase, Phase::Cancelled);
    let late = world.engine.command(world.market, id, OrderCommand::Confirm).await;
    assert!(matches!(late, Err(Refusal::WrongPhase { .. })), "{late:?}");
    world.check_books().await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn pay_later_and_not_at_all() {
    let world = World::fresh("[payment]\nwhen = 'later'\nwithin = '1 h'").await;
    let (paid, forgotten) = (world.place(2).await, world.place(2).await);
    assert_eq!(paid.placed, Placed::ToBePaid);
    let view = world.command(paid.order.id, OrderCommand::Pay { card: "9".to_owned() }).await;
    assert_eq!(view.payment.unwrap().state, "captured");
    tokio::time::sleep(Duration::from_secs(3700)).await;
    let view = world.phase(forgotten.order.id, Phase::Cancelled).await;
    assert_eq!(view.reason.unwrap().code(), "unpaid");
    assert_eq!(world.bank.holds(), 1250);
    world.check_books().await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_charge_is_asked_about_and_counts_once() {
    for first in [Does::DoThenSilence, Does::Silence, Does::Shrug] {
        let script = [first, Does::Shrug, Does::Approve, Does::Approve];
        let world = World::with_bank("", Bank::scripted(&script)).await;
        let placement = world.place(2).await;
        let id = placement.order.id;
        let view = world.phase(id, Phase::Confirmed).await;
        assert_eq!(view.payment.unwrap().state, "captured", "{first:?}");
        assert_eq!(world.bank.books().captured.len(), 1, "{first:?}");
        world.check_books().await;
        world.engine.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_charge_that_turns_up_after_the_cancellation_is_returned_once() {
    let bank = Bank::scripted(&[Does::DoThenSilence, Does::Shrug, Does::Shrug]);
    let world = World::with_bank("", bank).await;
    let placement = world.place(2).await;
    assert_eq!(placement.placed, Placed::UnderWay, "the gateway is silent");
    let id = placement.order.id;
    world.command(id, cancel()).await;
    let view = world.phase(id, Phase::Cancelled).await;
    assert_eq!(view.payment.unwrap().state, "refunded");
    let refunds = world.bank.books().refunded.len();
    assert_eq!((refunds, world.bank.holds()), (1, 0));
    world.check_books().await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_charge_that_never_happened_is_void_only_after_the_quiet_time() {
    let world = World::with_bank("", Bank::scripted(&[Does::Silence])).await;
    let id = world.place(2).await.order.id;
    world.command(id, cancel()).await;
    let view = world.phase(id, Phase::Cancelled).await;
    assert_eq!(view.payment.unwrap().state, "voided");
    assert_eq!(world.bank.holds(), 0);
    world.check_books().await;
    world.engine.close().await;
}

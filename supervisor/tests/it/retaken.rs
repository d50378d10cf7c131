//! Where the plan says so, money that comes late is taken: whichever record the disk loses, whoever
//! crashes, and however often the gateway has to be asked. Once, never twice; and who cancels
//! meanwhile gets it back.

use std::sync::Arc;
use std::time::Duration;

use surehold::domain::id::OrderId;
use surehold::domain::saga::{EventKind, Phase, Reason};
use surehold::gateway::key::Key;
use surehold::{OrderView, Refusal};
use tokio::time::Instant;

use crate::bank::{Bank, Does};
use crate::late_money::{SCRIPTS, cancelled, placed};
use crate::world::{Disk, World, until};

/// The gateway has the money before the time is up, and says so when it is over.
const LATE: &[Does] =
    &[Does::DoThenSilence, Does::Silence, Does::Silence, Does::Silence, Does::Shrug, Does::Silence];
/// It never had it, and says so when the time is over.
const NEVER: &[Does] = &[Does::Silence, Does::Silence, Does::Silence, Does::Silence];
/// It does not know for a while, and never had it.
const SHRUGS: &[Does] = &[Does::Shrug; 12];

const RETAKE: &str = "[payment]\nhold = '25 s'\nlate = 'retake'";

/// Between two looks: long, because each look is work and the time is not.
const LOOK: Duration = Duration::from_millis(500);

/// Waits until the order is promised or undone.
async fn at_rest(world: &World, id: OrderId, why: &str) -> OrderView {
    for _ in 0..8_000 {
        match world.engine.order(world.market, id).await {
            Ok(view) if matches!(view.phase, Phase::Confirmed | Phase::Cancelled) => return view,
            Ok(_) | Err(Refusal::Unavailable { .. }) => {}
            Err(other) => panic!("{why}: {other}"),
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("{why}: it never came to rest");
}

/// What is promised is paid for once and held; what is undone is neither.
async fn check(world: &World, view: &OrderView, why: &str) {
    let (captured, refunded) = {
        let books = world.bank.books();
        (books.captured.clone(), books.refunded.clone())
    };
    assert!(captured.len() <= 1, "{why}: {captured:?}");
    let state = view.payment.as_ref().map(|payment| payment.state);
    let held = world.engine.offering(world.market, view.offering).await.unwrap().held;
    if view.phase == Phase::Confirmed {
        assert_eq!((captured.len(), refunded.len()), (1, 0), "{why}");
        assert_eq!((state, held.is_none()), (Some("captured"), false), "{why}");
    } else {
        assert_eq!(captured, refunded, "{why}");
        assert!(held.is_none(), "{why}: the units are back");
        let wanted = if captured.is_empty() { ["voided", "declined"] } else { ["refunded"; 2] };
        assert!(state.is_none_or(|state| wanted.contains(&state)), "{why}: {state:?}");
    }
    world.check_books().await;
}

/// Whether the order took late money, by its history.
async fn was_retaken(world: &World, id: OrderId) -> bool {
    let history = world.engine.history(world.market, id).await.unwrap();
    history.steps.iter().any(|step| step.event == EventKind::Retaken)
}

#[tokio::test(start_paused = true)]
async fn late_money_is_taken_and_the_order_goes_on() {
    let world = World::with_bank(RETAKE, Bank::scripted(LATE)).await;
    let id = placed(&world).await;
    let waits = world.phase(id, Phase::Refunding).await;
    assert_eq!(waits.reason, Some(Reason::PaymentExpired));
    assert_eq!(waits.payment.map(|payment| payment.state), Some("unknown"));
    let held = world.engine.offering(world.market, waits.offering).await.unwrap().held;
    assert!(!held.is_none(), "its seat is held while nobody knows");
    let audit = world.engine.audit().await.unwrap();
    assert!(audit.balanced, "{:?}", audit.findings);
    let view = world.phase(id, Phase::Confirmed).await;
    assert_eq!(view.reason, None);
    check(&world, &view, "taken").await;
    let history = world.engine.history(world.market, id).await.unwrap();
    let kinds: Vec<_> = history.steps.iter().map(|step| step.event.name()).collect();
    let wanted = ["OrderPlaced", "OrderHeld", "UndoStarted"];
    assert_eq!(kinds[..3], wanted, "{kinds:?}");
    assert_eq!(kinds[kinds.len() - 2..], ["OrderRetaken", "OrderConfirmed"], "{kinds:?}");
    // Who has it may cancel it like any other, and gets it back once.
    cancelled(&world, id).await;
    check(&world, &world.phase(id, Phase::Cancelled).await, "cancelled").await;
    world.engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn late_money_is_taken_once_whichever_record_is_lost() {
    let mut retaken = 0;
    for script in [SCRIPTS[2], LATE, NEVER] {
        for lost in 1.. {
            let why = format!("{script:?}, record {lost} lost");
            let (disk, bank) = (Arc::<Disk>::default(), Arc::new(Bank::scripted(script)));
            let world = World::open(RETAKE, disk.clone(), bank).await;
            disk.journal().fail_at(lost);
            let id = placed(&world).await;
            let view = at_rest(&world, id, &why).await;
            check(&world, &view, &why).await;
            assert!(view.phase == Phase::Confirmed || world.bank.books().captured.is_empty());
            retaken += u32::from(was_retaken(&world, id).await);
            // Nothing follows.
            tokio::time::sleep(Duration::from_secs(120)).await;
            check(&world, &view, &why).await;
            let struck = world.engine.tree().await.restarts > 0;
            world.engine.close().await;
            if !struck {
                assert!(lost > 8, "every record of it was lost once: {lost}");
                break;
            }
        }
    }
    assert!(retaken > 8, "late money was taken {retaken} times");
}

#[tokio::test(start_paused = true)]
async fn who_cancels_while_nobody_knows_gets_it_back_whichever_record_is_lost() {
    for script in [LATE, NEVER] {
        for lost in 1.. {
            let why = format!("{script:?}, record {lost} lost");
            let (disk, bank) = (Arc::<Disk>::default(), Arc::new(Bank::scripted(script)));
            let world = World::open(RETAKE, disk.clone(), bank).await;
            disk.journal().fail_at(lost);
            let id = placed(&world).await;
            // The time is over after 25 s; the gateway speaks some time after that.
            tokio::time::sleep(Duration::from_secs(26)).await;
            cancelled(&world, id).await;
            // What the lost record undid it may have taken first; then it is cancelled like any other.
            let mut view = at_rest(&world, id, &why).await;
            if view.phase == Phase::Confirmed {
                cancelled(&world, id).await;
                view = world.phase(id, Phase::Cancelled).await;
            }
            check(&world, &view, &why).await;
            tokio::time::sleep(Duration::from_secs(120)).await;
            check(&world, &view, &why).await;
            let struck = world.engine.tree().await.restarts > 0;
            world.engine.close().await;
            if !struck {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn late_money_is_taken_once_whoever_crashes_and_when() {
    for script in [SCRIPTS[2], SCRIPTS[4], LATE, NEVER, SHRUGS] {
        for round in 0..4u64 {
            let why = format!("{script:?}, round {round}");
            let world = Arc::new(World::with_bank(RETAKE, Bank::scripted(script)).await);
            let crashing = tokio::spawn({
                let world = Arc::clone(&world);
                async move {
                    for time in 0..30 {
                        tokio::time::sleep(Duration::from_millis(1700 + 340 * round)).await;
                        let _ = world.engine.crash("payments").await;
                        // Rarely enough that it is not set aside.
                        if time % 8 == round % 8 {
                            let _ = world.engine.crash_order(world.market, OrderId(1), false).await;
                        }
                    }
                }
            });
            let id = placed(&world).await;
            let view = at_rest(&world, id, &why).await;
            crashing.await.unwrap();
            check(&world, &view, &why).await;
            world.engine.close().await;
        }
    }
}

/// What a gateway tells unasked makes the engine ask: the order goes on at once, not after a pause.
#[tokio::test(start_paused = true)]
async fn news_of_late_money_is_asked_about_and_believed() {
    let mut script = vec![Does::DoThenSilence, Does::Silence, Does::Silence];
    script.extend([Does::Shrug; 40]);
    let world = World::with_bank(RETAKE, Bank::scripted(&script)).await;
    let id = placed(&world).await;
    world.phase(id, Phase::Refunding).await;
    until("the pauses are long", || async { (world.bank.books().calls >= 9).then_some(()) }).await;
    world.bank.approve_from_now_on();
    let (told, key) = (Instant::now(), world.bank.books().captured.keys().next().cloned());
    let key = Key::parse(&key.unwrap()).unwrap();
    assert!(world.engine.ask_payment(&key).unwrap(), "it is one of ours");
    let view = world.phase(id, Phase::Confirmed).await;
    assert!(told.elapsed() < Duration::from_secs(1), "{:?}", told.elapsed());
    check(&world, &view, "news").await;
    world.engine.close().await;
}

/// A charge that the gateway denied, and finds again when the order has ended: the order stays as it
/// was told, and the money goes back once, whatever the plan says and however often there is news.
#[tokio::test(start_paused = true)]
async fn money_that_comes_to_light_after_the_end_goes_back() {
    for plan in [RETAKE, "[payment]\nhold = '25 s'"] {
        let world = World::with_bank(plan, Bank::scripted(NEVER)).await;
        let id = placed(&world).await;
        let view = at_rest(&world, id, "never").await;
        assert_eq!(
            (view.phase, view.reason.clone()),
            (Phase::Cancelled, Some(Reason::PaymentExpired))
        );
        check(&world, &view, "never").await;
        let key = {
            let mut books = world.bank.books();
            let key = books.asked_about.clone().unwrap();
            books.captured.insert(key.clone(), 1250);
            Key::parse(&key).unwrap()
        };
        for _ in 0..2 {
            assert!(world.engine.ask_payment(&key).unwrap(), "it is one of ours");
            until("it went back", || async {
                let view = world.order(id).await;
                (view.payment?.state == "refunded").then_some(())
            })
            .await;
        }
        let after = world.order(id).await;
        assert_eq!((after.phase, &after.reason), (view.phase, &view.reason));
        assert_eq!(world.bank.holds(), 0);
        check(&world, &after, "found").await;
        world.engine.close().await;
    }
}

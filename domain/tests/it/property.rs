//! Whatever happens, in whatever order: random inputs for each machine, random worlds for all.
//!
//! The seed is fixed, so that a run repeats; `SUREHOLD_SEED` sets another. A failure prints the
//! seed and the smallest case that still fails.

use std::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use surehold_domain::confirmation::{self, Confirmation};
use surehold_domain::id::{ConfirmationId, EffectId, OfferingId, OrderId, PaymentId};
use surehold_domain::invariants;
use surehold_domain::inventory::{self, Inventory};
use surehold_domain::order::Claim;
use surehold_domain::payment::{self, Answer, Payment};
use surehold_domain::quantity::Quantity;
use surehold_domain::saga::{Effect, Fact, Input, Phase, Saga, Verdict};
use surehold_domain::terms::ConfirmedBy;
use surehold_domain::time::{Span, Timestamp};

use crate::check::{ORDERS, START, euro, key, order, replay};
use crate::reach::inputs;
use crate::script::DIAGRAM;
use crate::world::{Act, Message, Mood, Word, World, hall, shop};

/// The seed, unless `SUREHOLD_SEED` says otherwise.
const SEED: u64 = 20_260_114;

fn seed() -> u64 {
    let set = std::env::var("SUREHOLD_SEED").ok().and_then(|seed| seed.parse().ok());
    set.unwrap_or(SEED)
}

/// Tries so many cases; says the seed and the smallest failing case.
pub(crate) fn always<S: Strategy>(cases: u32, strategy: S, holds: impl Fn(S::Value))
where
    S::Value: Debug,
{
    let rng_seed = RngSeed::Fixed(seed());
    let config = Config { cases, rng_seed, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&strategy, |value| {
        holds(value);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("with SUREHOLD_SEED={}: {failure}", seed());
    }
}

/// What happens next: which of the possible inputs, and how many milliseconds later.
type Steps = Vec<(usize, u64)>;

fn steps(most: usize) -> impl Strategy<Value = Steps> {
    // Often at once, sometimes after seconds, sometimes after days.
    let later = prop_oneof![Just(0), 0..60_000u64, 0..10_000_000_000u64];
    vec((0..1_000usize, later), 0..most)
}

#[test]
fn an_order_takes_anything_and_replays_to_the_same() {
    always(400, (0..ORDERS.len(), steps(80)), |(kind, steps)| {
        let mut facts = vec![Saga::place(order(ORDERS[kind]), None, START)];
        let mut saga = Saga::begin(key(1), &facts[0]).expect("it begins an order");
        assert_eq!(Saga::begin_with(key(1), facts[0].clone()).as_ref(), Some(&saga));
        let (mut now, mut asked) = (START, Vec::new());
        for (choice, later) in steps {
            now = now.plus(Span(later));
            asked.extend(saga.effect_id());
            let input = any_input(&saga, choice, &asked);
            let stale = matches!(&input, Input::Outcome(id, _) if saga.effect_id() != Some(*id));
            let Verdict::Record(event) = saga.decide(input, now) else { continue };
            assert!(!stale, "an answer to what is not asked was heard: {event:?}");
            let before = saga.phase();
            facts.push(Fact { at: now, event });
            saga.apply(&facts[facts.len() - 1]);
            assert!(before == saga.phase() || DIAGRAM.contains(&(before, saga.phase())));
            invariants::order(&saga).expect("the invariants of an order");
            assert_eq!(saga.owed_by(), saga.effect().map(|effect| effect.party()));
        }
        assert_eq!(replay(&facts), saga);
    });
}

/// One of the things that can happen, to this order, to an effect of its past, or to another's.
fn any_input(saga: &Saga, choice: usize, asked: &[EffectId]) -> Input {
    let mut all = inputs(saga);
    match all.swap_remove(choice % all.len()) {
        Input::Outcome(id, outcome) => {
            let id = match choice / all.len() % 4 {
                0 => asked.get(choice % (asked.len() + 1)).copied().unwrap_or(id),
                1 => EffectId { order: key(2), number: id.number },
                _ => id,
            };
            Input::Outcome(id, outcome)
        }
        input @ (Input::Command(_) | Input::Wake | Input::PaymentsBack(_)) => input,
    }
}

#[test]
fn a_payment_takes_anything_is_captured_once_and_replays_to_the_same() {
    always(400, steps(60), |steps| {
        let event = payment::Event::Requested { order: key(1), amount: euro(1000), card: None };
        let mut facts = vec![payment::Fact { at: START, event }];
        let begin = |facts: &[payment::Fact]| Payment::begin(PaymentId(1), &facts[0]);
        let mut paid = begin(&facts).expect("it begins a payment");
        let mut now = START;
        for (choice, later) in steps {
            now = now.plus(Span(later));
            let owed = match paid.effect() {
                Some((payment::Effect::Refund(amount), _)) => amount,
                _ => euro(1000),
            };
            let input = match choice % 8 {
                0 => payment::Input::Refund(None),
                1 => payment::Input::Refund(Some(euro(400))),
                2 => payment::Input::Answer(Answer::Captured),
                3 => payment::Input::Answer(Answer::Declined("no money".to_owned())),
                4 => payment::Input::Answer(Answer::Unknown("timeout".to_owned())),
                5 => payment::Input::Answer(Answer::NotFound),
                6 => payment::Input::Settle,
                _ => payment::Input::Answer(Answer::Refunded(owed)),
            };
            if let payment::Verdict::Record(event) = paid.decide(input, now) {
                facts.push(payment::Fact { at: now, event });
                paid.apply(&facts[facts.len() - 1]);
            }
        }
        let mut replayed = begin(&facts).expect("the same");
        facts[1..].iter().for_each(|fact| replayed.apply(fact));
        assert_eq!(replayed, paid);
        let count = |name| facts.iter().filter(|fact| fact.event.name() == name).count();
        assert!(count("PaymentCaptured") <= 1 && count("PaymentRefunded") <= 1, "{facts:?}");
        assert!(count("PaymentRefunded") <= count("PaymentCaptured"), "{facts:?}");
    });
}

#[test]
fn an_inventory_takes_anything_never_oversells_and_replays_to_the_same() {
    always(300, (1..6u64, steps(60)), |(seats, steps)| {
        let event = inventory::Event::Opened(hall(seats));
        let mut facts = vec![inventory::Fact { at: START, event }];
        let mut stock = Inventory::begin(OfferingId(1), &facts[0]).expect("it opens an offering");
        for (choice, _) in steps {
            let order = OrderId(choice as u64 / 10 % 8);
            let claim = Claim::Units(Quantity::from_thousandths(choice as u64 * 7).expect("some"));
            let resized = hall(choice as u64 / 10 % 8);
            let input = match choice % 10 {
                0..5 => inventory::Input::Hold { order, claim },
                5..8 => inventory::Input::Release { order },
                8 => inventory::Input::Change { offering: resized, now: START },
                _ if choice > 900 => inventory::Input::Close,
                _ => inventory::Input::Release { order },
            };
            if let inventory::Verdict::Record(event) = stock.decide(input) {
                facts.push(inventory::Fact { at: START, event });
                stock.apply(&facts[facts.len() - 1]);
            }
            invariants::never_oversold(&stock).expect("I1");
        }
        let mut replayed = Inventory::begin(OfferingId(1), &facts[0]).expect("the same");
        facts[1..].iter().for_each(|fact| replayed.apply(fact));
        assert_eq!(replayed, stock);
    });
}

#[test]
fn a_confirmation_takes_anything_and_replays_to_the_same() {
    always(200, (any::<bool>(), steps(20)), |(operator, steps)| {
        let by = if operator { ConfirmedBy::Operator } else { ConfirmedBy::Auto };
        let event = Confirmation::request(key(1), by, START);
        let mut facts = vec![confirmation::Fact { at: START, event }];
        let begin =
            |facts: &[confirmation::Fact]| Confirmation::begin(ConfirmationId(1), &facts[0]);
        let mut promise = begin(&facts).expect("it begins a confirmation");
        for (choice, later) in steps {
            let input = match choice % 3 {
                0 => confirmation::Input::Confirm,
                1 => confirmation::Input::Reject(None),
                _ => confirmation::Input::Withdraw,
            };
            if let confirmation::Verdict::Record(event) = promise.decide(input) {
                facts.push(confirmation::Fact { at: Timestamp(later), event });
                promise.apply(&facts[facts.len() - 1]);
            }
        }
        assert!(facts.len() <= 3, "settled once, and perhaps withdrawn: {facts:?}");
        let mut replayed = begin(&facts).expect("the same");
        facts[1..].iter().for_each(|fact| replayed.apply(fact));
        assert_eq!(replayed, promise);
    });
}

/// Orders meet lost, doubled and overtaken answers, crashes of the node and of single orders, a
/// gateway of every mood, and a mileage that comes and goes. Then all calms down, and the audit is
/// right to the cent, the seat and the point.
#[test]
fn in_random_worlds_nothing_is_sold_or_charged_twice_and_nobody_is_left_behind() {
    let moves = vec((0..110u8, any::<u8>()), 0..150);
    always(3000, (1..4u64, any::<bool>(), moves), |(units, stock, moves)| {
        let mut world = World::new(if stock { shop(units) } else { hall(units) });
        for (kind, pick) in moves {
            happen(&mut world, kind, usize::from(pick));
        }
        world.mend();
        world.run();
        world.audit();
    });
}

fn happen(world: &mut World, kind: u8, pick: usize) {
    let one = OrderId(pick as u64 % 12);
    let message = (!world.queue.is_empty()).then(|| pick % world.queue.len().max(1));
    match kind {
        0..45 => {
            world.step();
        }
        45..55 => {
            world.place(order(ORDERS[pick % ORDERS.len()]));
        }
        55..60 => lose(world, message),
        60..64 => {
            if let Some(first) = world.queue.front().cloned() {
                world.queue.push_front(first);
            }
        }
        64..70 => overtake(world, message),
        70..75 => {
            let kept = world.durable + pick % (world.journal.len() - world.durable + 1);
            world.crash(kept);
        }
        75..80 => world.crash_order(one),
        80..88 => {
            let moods = [Mood::Fine, Mood::Fine, Mood::Declines, Mood::Silent, Mood::Mute];
            let more = [Mood::Slow, Mood::Down, Mood::KeepsTheMoney, Mood::Wordless];
            world.gateway.mood = [&moods[..], &more[..]].concat()[pick % 9];
        }
        88..92 => world.now = world.now.plus(Span(pick as u64 * 157)),
        92..96 => {
            let word = if pick.is_multiple_of(2) { Word::Yes } else { Word::No };
            let numbers: Vec<ConfirmationId> = world.node.confirmations.keys().copied().collect();
            if !numbers.is_empty() {
                world.speak(numbers[pick % numbers.len()], word);
            }
        }
        96..100 => world.agenda.push((world.now, Act::Cancel(one))),
        100..104 => {
            // Mostly one that can be completed.
            let confirmed = |saga: &&Saga| saga.phase() == Phase::Confirmed;
            let confirmed = world.node.orders.values().filter(confirmed).map(|it| it.key().order);
            let confirmed: Vec<OrderId> = confirmed.chain([one]).collect();
            world.agenda.push((world.now, Act::Complete(confirmed[pick % confirmed.len()])));
        }
        104..106 => world.mileage_down = pick.is_multiple_of(2),
        106 => world.agenda.push((world.now, Act::NoShow(one))),
        107 => be_overtaken(world),
        _ => {
            world.follow();
        }
    }
}

/// A message is lost. A call to the gateway always comes back, if only to say that nothing did.
fn lose(world: &mut World, at: Option<usize>) {
    match at.and_then(|at| world.queue.remove(at)) {
        Some(Message::Gateway { payment, asked_at, .. }) => {
            let answer = Answer::Unknown("lost".to_owned());
            world.queue.push_back(Message::Gateway { payment, answer, asked_at });
        }
        Some(Message::Ask(..) | Message::Answer(..)) | None => {}
    }
}

/// An order moves on before its ask arrives at one who is asked only this.
fn be_overtaken(world: &mut World) {
    let alone = |message: &Message| {
        matches!(message, Message::Ask(_, Effect::Credit { .. } | Effect::Supply { .. }))
    };
    let at = world.queue.iter().position(alone);
    if let Some(Message::Ask(id, effect)) = at.and_then(|at| world.queue.remove(at)) {
        world.overtaken.push((id, effect));
    }
}

/// An answer comes later than those behind it. Asks keep their order.
fn overtake(world: &mut World, at: Option<usize>) {
    let is_answer = |at: &usize| !matches!(world.queue[*at], Message::Ask(..));
    if let Some(message) = at.filter(is_answer).and_then(|at| world.queue.remove(at)) {
        world.queue.push_back(message);
    }
}

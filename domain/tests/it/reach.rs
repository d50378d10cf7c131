//! Every state an order can be in, under every kind of terms: a search, not a sample.
//!
//! From the placed order, everything that can happen happens: every command, every answer, the
//! deadline. Two states that differ only in numbers and in the hour are one. What must hold of a
//! state is then checked of all of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use surehold_domain::attributes::{Attribute, Attributes};
use surehold_domain::id::{ConfirmationId, EffectId, PaymentId};
use surehold_domain::invariants;
use surehold_domain::saga::{
    Asked, Command, Effect, Fact, Input, Need, Next, Outcome, Phase, Reason, Saga, State, Verdict,
};
use surehold_domain::time::Timestamp;

use crate::check::{Edge, ORDERS, START, card, euro, key, order};
use crate::script::DIAGRAM;

/// A state and where it can lead.
struct Place {
    saga: Saga,
    now: Timestamp,
    next: BTreeSet<String>,
}

/// All states of one kind of order, by what tells them apart.
type Map = BTreeMap<String, Place>;

/// What tells two states apart: not the hour, not the numbers, not the words.
fn name(saga: &Saga, now: Timestamp) -> String {
    let left = saga.deadline().map(|until| until.since(now));
    let state = match saga.state() {
        State::Undoing { undo, part, attempt, .. } => format!("{undo:?} {part:?} {attempt}"),
        State::Stuck { undo, part, .. } => format!("{undo:?} {part:?}"),
        State::Paid { asked, .. } => format!("{asked:?}"),
        State::Refused(reason) | State::Cancelled(reason) => format!("{reason:?}"),
        State::Crediting { .. } => "crediting".to_owned(),
        State::Delivering { .. } => "delivering".to_owned(),
        State::Holding { .. }
        | State::Paying { .. }
        | State::Unpaid { .. }
        | State::Confirmed { .. }
        | State::Fulfilled => String::new(),
    };
    let back = saga.order().terms.refund(saga.order().price, saga.order().starts_at, now);
    let quote = saga.quote().map(|quote| (quote.refund, now <= quote.until));
    let money = (saga.captured(), saga.refunded(), saga.payment().is_some(), back, quote);
    let begun = saga.order().starts_at.is_some_and(|start| start <= now);
    let carried = (saga.holds_units(), saga.order().attributes.len(), begun);
    format!("{} {state} {left:?} {money:?} {carried:?}", saga.phase())
}

/// Everything that can happen to an order, now or at its deadline.
pub(crate) fn inputs(saga: &Saga) -> Vec<Input> {
    let number = u64::from(saga.number()) + 100;
    let (payment, confirmation) = (PaymentId(number), ConfirmationId(number));
    let cancel = |quote| Command::Cancel { note: None, quote, attributes: Attributes::new() };
    let gift = [("gift".to_owned(), Attribute::Flag(true))].into_iter().collect();
    let commands = [
        Command::Pay { payment, card: card() },
        cancel(None),
        cancel(Some(saga.quote().map_or(0, |quote| quote.number))),
        Command::Complete,
        Command::NoShow { note: None },
        Command::Quote,
        Command::Retry,
        Command::Annotate(gift),
    ];
    let back = match saga.effect() {
        Some(Effect::Refund { amount: Some(amount), .. }) => amount,
        _ => saga.order().price,
    };
    let outcomes = [
        Outcome::Held(Next::Payment(payment)),
        Outcome::Held(Next::Confirmation(confirmation)),
        Outcome::Held(Next::PaymentsDown),
        Outcome::Held(Next::MileageDown),
        Outcome::Held(Next::Nothing),
        Outcome::NotHeld(Reason::NoRoom),
        Outcome::NotHeld(Reason::OfferingClosed),
        Outcome::Captured(confirmation),
        Outcome::Declined("no money".to_owned()),
        Outcome::Unavailable,
        Outcome::Refunded(back),
        Outcome::Refunded(euro(0)),
        Outcome::Released,
        Outcome::Awaited,
        Outcome::Confirmed,
        Outcome::Rejected(None),
        Outcome::Withdrawn,
        Outcome::Credited,
        Outcome::NotCredited,
        Outcome::Supplied,
    ];
    let stale = EffectId { order: saga.key(), number: 0 };
    let id = saga.effect_id().unwrap_or(stale);
    let answers = outcomes
        .into_iter()
        .flat_map(|outcome| [Input::Outcome(id, outcome.clone()), Input::Outcome(stale, outcome)]);
    let others = [Input::Wake, Input::PaymentsBack(payment)];
    commands.into_iter().map(Input::Command).chain(answers).chain(others).collect()
}

/// When an input comes: the deadline's at the deadline, a no-show's once it began, anything else at
/// once.
fn time_of(input: &Input, saga: &Saga, now: Timestamp) -> Timestamp {
    match input {
        Input::Wake => saga.deadline().map_or(now, |until| until.max(now)),
        Input::Command(Command::NoShow { .. }) => {
            saga.order().starts_at.map_or(now, |start| start.max(now))
        }
        Input::Command(_) | Input::Outcome(..) | Input::PaymentsBack(_) => now,
    }
}

fn explore(kind: &str) -> (Map, BTreeSet<Edge>) {
    let first = Saga::begin(key(1), &Saga::place(order(kind), None, START)).expect("an order");
    let mut map = Map::new();
    let mut edges = BTreeSet::new();
    let mut open = VecDeque::from([(name(&first, START), first, START)]);
    while let Some((id, saga, now)) = open.pop_front() {
        if map.contains_key(&id) {
            continue;
        }
        let mut next = BTreeSet::new();
        for input in inputs(&saga) {
            let at = time_of(&input, &saga, now);
            if let Verdict::Record(event) = saga.decide(input, at) {
                let mut then = saga.clone();
                then.apply(&Fact { at, event });
                if then.phase() != saga.phase() {
                    edges.insert((saga.phase(), then.phase()));
                }
                let id = name(&then, at);
                next.insert(id.clone());
                open.push_back((id, then, at));
            }
        }
        map.insert(id, Place { saga, now, next });
    }
    (map, edges)
}

#[test]
fn every_reachable_state_keeps_the_rules() {
    for kind in ORDERS {
        for (id, place) in explore(kind).0 {
            let saga = &place.saga;
            let rules = invariants::order(saga);
            assert!(rules.is_ok(), "{kind}: {id}: {rules:?}");
            let ends = saga.phase().is_terminal();
            assert_eq!(saga.deadline().is_none(), ends, "{kind}: {id}: a deadline until the end");
            assert!(
                !ends || saga.effect_id().is_none(),
                "{kind}: {id}: nothing is owed at the end"
            );
            let owed_by = saga.effect().map(|effect| effect.party());
            assert_eq!(saga.owed_by(), owed_by, "{kind}: {id}: who owes what it is owed");
            let undoing = matches!(saga.state(), State::Undoing { .. });
            assert!(
                !undoing || saga.effect().is_some(),
                "{kind}: {id}: an undo asks for something"
            );
            let named = saga.effect().is_none() || saga.effect_id().is_some();
            assert!(named, "{kind}: {id}: what is owed has a name");
        }
    }
}

#[test]
fn the_search_takes_every_step_of_the_diagram_and_no_other() {
    let taken: BTreeSet<Edge> = ORDERS.iter().flat_map(|kind| explore(kind).1).collect();
    assert_eq!(taken, BTreeSet::from(DIAGRAM));
}

/// A phase, or one of the two states that share a phase with another.
fn place_name(state: &State) -> &'static str {
    match state {
        State::Crediting { .. } => "crediting",
        State::Delivering { .. } => "delivering",
        State::Holding { .. }
        | State::Paying { .. }
        | State::Unpaid { .. }
        | State::Paid { .. }
        | State::Confirmed { .. }
        | State::Undoing { .. }
        | State::Stuck { .. }
        | State::Fulfilled
        | State::Refused(_)
        | State::Cancelled(_) => state.phase().name(),
    }
}

/// To the outside they are paying and confirmed; inside, these are the ways in and out.
#[test]
fn the_states_behind_a_phase_lie_where_they_are_drawn() {
    let drawn = BTreeSet::from([
        ("paying", "crediting"),     // captured, points come with it
        ("refunding", "crediting"),  // the money came late, points come with it
        ("crediting", "paid"),       // credited
        ("crediting", "refunding"),  // no mileage, cancelled, no answer in time
        ("confirmed", "delivering"), // completed, brings stock
        ("delivering", "fulfilled"), // counted
    ]);
    let mut taken = BTreeSet::new();
    for kind in ORDERS {
        for (id, Place { saga, now, .. }) in explore(kind).0 {
            let from = place_name(saga.state());
            let waits = saga.order().terms.mileage.is_some_and(|mileage| mileage.sync);
            assert!(from != "crediting" || waits, "{kind}: {id}: nobody waits for points");
            assert!(from != "delivering" || saga.brings().is_some(), "{kind}: {id}: nothing comes");
            let brought = saga.brings().is_some() && from == "confirmed";
            for input in inputs(&saga) {
                let Some(then) = after(&saga, now, input) else { continue };
                let to = place_name(then.state());
                let skipped = (waits && saga.captured().is_none() && to == "paid")
                    && then.captured().is_some();
                assert!(!skipped, "{kind}: {id}: paid for without its points");
                assert!(!(brought && to == "fulfilled"), "{kind}: {id}: done and not counted");
                let inner = [from, to].iter().any(|it| ["crediting", "delivering"].contains(it));
                if inner && from != to {
                    taken.insert((from, to));
                }
            }
        }
    }
    assert_eq!(taken, drawn);
}

#[test]
fn from_everywhere_some_way_leads_to_an_end() {
    for kind in ORDERS {
        let (map, _) = explore(kind);
        let ends = |place: &Place| place.saga.phase().is_terminal();
        let mut good: BTreeSet<&str> =
            map.iter().filter(|(_, place)| ends(place)).map(|(id, _)| id.as_str()).collect();
        loop {
            let before = good.len();
            for (id, place) in &map {
                if place.next.iter().any(|next| good.contains(next.as_str())) {
                    good.insert(id);
                }
            }
            if good.len() == before {
                break;
            }
        }
        let lost: Vec<&String> = map.keys().filter(|id| !good.contains(id.as_str())).collect();
        assert!(lost.is_empty(), "{kind}: no way to an end from {lost:#?}");
    }
}

/// A confirmation keeps its name from request to answer: whoever heard the first asking may answer.
#[test]
fn a_confirmation_is_asked_under_one_name() {
    for kind in ORDERS {
        for (id, Place { saga, now, .. }) in explore(kind).0 {
            for input in inputs(&saga) {
                let Some(then) = after(&saga, now, input) else { continue };
                let waits = saga.phase() == Phase::Paid && then.phase() == Phase::Paid;
                assert!(!waits || saga.effect_id() == then.effect_id(), "{kind}: {id}");
            }
        }
    }
}

/// The answer an order hopes for.
fn good_answer(saga: &Saga) -> Option<Outcome> {
    let number = u64::from(saga.number()) + 100;
    Some(match saga.effect()? {
        Effect::Hold { .. } => Outcome::Held(match saga.needs() {
            Need::Payment => Next::Payment(PaymentId(number)),
            Need::Confirmation => Next::Confirmation(ConfirmationId(number)),
            Need::Nothing => Next::Nothing,
        }),
        Effect::Charge { .. } => Outcome::Captured(ConfirmationId(number)),
        Effect::Confirm { .. } => Outcome::Confirmed,
        Effect::Refund { amount, .. } => Outcome::Refunded(amount.unwrap_or(saga.order().price)),
        Effect::Settle { .. } => Outcome::Captured(ConfirmationId(number)),
        Effect::Release { .. } => Outcome::Released,
        Effect::Withdraw { .. } => Outcome::Withdrawn,
        Effect::Credit { .. } => Outcome::Credited,
        Effect::Supply { .. } => Outcome::Supplied,
    })
}

/// The order after this input; `None` if that changes nothing.
fn after(saga: &Saga, now: Timestamp, input: Input) -> Option<Saga> {
    let at = time_of(&input, saga, now);
    let Verdict::Record(event) = saga.decide(input, at) else { return None };
    let mut then = saga.clone();
    then.apply(&Fact { at, event });
    Some(then)
}

fn step(saga: &mut Saga, now: &mut Timestamp, input: Input) {
    *now = time_of(&input, saga, *now);
    if let Verdict::Record(event) = saga.decide(input, *now) {
        saga.apply(&Fact { at: *now, event });
    }
}

/// Where an order may stand while nobody answers: stuck, or asking for the yes that the plan owes, or
/// asking that what it brought is counted.
fn parked(saga: &Saga) -> bool {
    let demanded = matches!(saga.state(), State::Paid { asked: Asked::Demanded, .. });
    let delivering = matches!(saga.state(), State::Delivering { .. });
    saga.phase() == Phase::Stuck || demanded || delivering
}

/// Deadlines alone bring every order to an end or to where it is parked, looked at every hour;
/// and from there the answers it hopes for bring it to its end.
#[test]
fn time_alone_leaves_nobody_behind() {
    for kind in ORDERS {
        for (id, Place { mut saga, mut now, .. }) in explore(kind).0 {
            for _ in 0..100 {
                if saga.phase().is_terminal() || parked(&saga) {
                    break;
                }
                step(&mut saga, &mut now, Input::Wake);
            }
            assert!(saga.phase().is_terminal() || parked(&saga), "{kind}: {id}: {}", saga.phase());
            for _ in 0..10 {
                let input = match (saga.effect_id(), good_answer(&saga)) {
                    (Some(id), Some(outcome)) => Input::Outcome(id, outcome),
                    _ => Input::Wake,
                };
                step(&mut saga, &mut now, input);
            }
            assert!(saga.phase().is_terminal(), "{kind}: {id}: answered, and {}", saga.phase());
        }
    }
}

//! The inventory and the confirmation, as scripts; the payment's are in `payment`.
//!
//! As in `check`, a line is an input and, after `=>`, what the machine says to it. Each machine's
//! diagram is written as a table, and the scripts must take every step of it and no other.

use std::collections::BTreeSet;

use surehold_domain::attributes::Attributes;
use surehold_domain::confirmation::{self, Confirmation};
use surehold_domain::id::{ConfirmationId, OfferingId, OrderId};
use surehold_domain::invariants;
use surehold_domain::inventory::{self, Inventory, Model, Offering};
use surehold_domain::order::Claim;
use surehold_domain::quantity::Quantity;
use surehold_domain::terms::ConfirmedBy;

use crate::check::{START, euro, key, lines};

pub(crate) type Steps = BTreeSet<(&'static str, &'static str)>;

/// Plays a script on a machine: the transcript, and the steps it took.
pub(crate) type Play = fn(&str, &str) -> (Vec<String>, Steps);

pub(crate) fn check(machine: &str, script: &str, play: Play) {
    let answers = play(machine, script).0;
    let same = lines(script).map(|(_, answer)| answer).eq(answers.iter().map(String::as_str));
    let line = |((input, _), answer): ((&str, &str), &String)| format!("{input:<28} => {answer}");
    let actual: Vec<String> = lines(script).zip(&answers).map(line).collect();
    assert!(same, "a {machine} says otherwise:\n\n{}\n", actual.join("\n"));
}

macro_rules! scripts {
    ($list:ident, $play:ident; $($(#[doc = $story:literal])* $name:ident: $of:literal => $script:literal)*) => {
        $($(#[doc = $story])* #[test] fn $name() { check($of, $script, $play); })*
        const $list: &[(&str, &str)] = &[$(($of, $script)),*];
    };
}

pub(crate) use scripts;

pub(crate) fn takes_exactly(
    drawn: &[(&'static str, &'static str)],
    scripts: &[(&str, &str)],
    play: Play,
) {
    let taken: Steps = scripts.iter().flat_map(|(of, script)| play(of, script).1).collect();
    let drawn: Steps = drawn.iter().copied().collect();
    let missing: Vec<_> = drawn.difference(&taken).collect();
    let extra: Vec<_> = taken.difference(&drawn).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:?}, extra {extra:?}");
}

#[test]
fn the_scripts_take_every_step_of_a_confirmation_and_no_other() {
    let drawn = [
        ("waiting", "confirmed"),
        ("waiting", "rejected"),
        ("waiting", "withdrawn"),
        ("confirmed", "withdrawn"),
    ];
    takes_exactly(&drawn, CONFIRMATIONS, play_confirmation);
}

#[test]
fn the_scripts_take_every_step_of_an_inventory_and_no_other() {
    takes_exactly(&[("open", "closed")], INVENTORIES, play_inventory);
}

fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).expect("a quantity")
}

fn offering(model: &str) -> Box<Offering> {
    let (name, capacity) = model.split_once(' ').unwrap_or((model, "0"));
    let capacity = quantity(capacity);
    let model = match name {
        "seats" => Model::Seats { capacity },
        "stock" => Model::Stock { quantity: capacity },
        _ => Model::Unlimited,
    };
    let (price, attributes) = (euro(1000), Attributes::new());
    Box::new(Offering { name: "what is sold".to_owned(), price, model, attributes })
}

fn play_inventory(model: &str, script: &str) -> (Vec<String>, Steps) {
    let opened = inventory::Event::Opened(offering(model));
    let mut facts = vec![inventory::Fact { at: START, event: opened }];
    let mut stock = Inventory::begin(OfferingId(1), &facts[0]).expect("it opens an offering");
    let mut steps = Steps::new();
    let mut say = |line: &str| {
        let event = match stock.decide(inventory_input(line)) {
            inventory::Verdict::Record(event) => event,
            inventory::Verdict::AlreadySo => return "already so".to_owned(),
            inventory::Verdict::NotHeld(reason) => return format!("not held: {reason}"),
            inventory::Verdict::Uncounted => return "refused: not counted".to_owned(),
            inventory::Verdict::BelowHeld { held } => return format!("refused: {held} are held"),
        };
        let (name, open) = (event.name(), stock.is_open());
        facts.push(inventory::Fact { at: START, event });
        stock.apply(facts.last().expect("a fact"));
        let mut replayed = Inventory::begin(OfferingId(1), &facts[0]).expect("the same");
        facts[1..].iter().for_each(|fact| replayed.apply(fact));
        assert_eq!(replayed, stock, "replayed and live are not the same");
        invariants::never_oversold(&stock).expect("I1");
        if open != stock.is_open() {
            steps.insert(("open", "closed"));
        }
        let free = stock.free().map_or("no limit".to_owned(), |free| format!("{free} free"));
        format!("{name} -> {} held, {free}", stock.held())
    };
    let said = lines(script).map(|(line, _)| say(line)).collect();
    (said, steps)
}

fn inventory_input(line: &str) -> inventory::Input {
    let words: Vec<&str> = line.split(' ').collect();
    let order = |number: &str| OrderId(number.parse().expect("an order's number"));
    match words[..] {
        ["order", number, "takes", much] => {
            inventory::Input::Hold { order: order(number), claim: Claim::Units(quantity(much)) }
        }
        ["order", number, "gives", "back"] => inventory::Input::Release { order: order(number) },
        ["change", "to", ..] => {
            inventory::Input::Change(offering(line.trim_start_matches("change to ")))
        }
        ["close"] => inventory::Input::Close,
        _ => panic!("no input is called \"{line}\""),
    }
}

scripts! { INVENTORIES, play_inventory;
    /// Two seats, three customers; asking twice and giving back twice change nothing.
    two_seats: "seats 2" => "
        order 1 takes 1              => UnitsHeld -> 1 held, 1 free
        order 1 takes 1              => already so
        order 2 takes 1              => UnitsHeld -> 2 held, 0 free
        order 3 takes 1              => not held: no_room
        order 1 gives back           => UnitsReleased -> 1 held, 1 free
        order 1 gives back           => already so
        order 3 takes 1              => UnitsHeld -> 2 held, 0 free
        order 4 takes 1              => not held: no_room
    "
    one_order_takes_all: "seats 3" => "
        order 1 takes 4              => not held: no_room
        order 1 takes 3              => UnitsHeld -> 3 held, 0 free
        order 2 takes 1              => not held: no_room
    "
    fuel_by_the_litre: "stock 40.5" => "
        order 1 takes 40.125         => UnitsHeld -> 40.125 held, 0.375 free
        order 2 takes 0.376          => not held: no_room
        order 2 takes 0.375          => UnitsHeld -> 40.5 held, 0 free
        order 1 gives back           => UnitsReleased -> 0.375 held, 40.125 free
    "
    always_one_more: "unlimited" => "
        order 1 takes 1000000        => already so
        order 2 takes 1000000        => already so
        order 1 gives back           => already so
    "
    /// A closed offering sells nothing; who holds, goes on holding, and may give back.
    closed: "seats 2" => "
        order 1 takes 1              => UnitsHeld -> 1 held, 1 free
        close                        => OfferingClosed -> 1 held, 1 free
        close                        => already so
        order 1 takes 1              => already so
        order 2 takes 1              => not held: offering_closed
        order 1 gives back           => UnitsReleased -> 0 held, 2 free
    "
    /// An offering may grow, and shrink down to what is held.
    a_bigger_and_a_smaller_hall: "seats 1" => "
        order 1 takes 1              => UnitsHeld -> 1 held, 0 free
        order 2 takes 1              => not held: no_room
        change to seats 3            => OfferingChanged -> 1 held, 2 free
        change to seats 3            => already so
        order 2 takes 1              => UnitsHeld -> 2 held, 1 free
        change to seats 1            => refused: 2 are held
        change to seats 2            => OfferingChanged -> 2 held, 0 free
        order 3 takes 1              => not held: no_room
    "
}

fn play_confirmation(by: &str, script: &str) -> (Vec<String>, Steps) {
    let event = match by {
        "operator" => Confirmation::request(key(1), ConfirmedBy::Operator, START),
        "auto" => Confirmation::request(key(1), ConfirmedBy::Auto, START),
        _ => confirmation::Event::Abandoned { order: key(1) },
    };
    let mut facts = vec![confirmation::Fact { at: START, event }];
    let begin = |facts: &[confirmation::Fact]| {
        Confirmation::begin(ConfirmationId(1), &facts[0]).expect("it begins one")
    };
    let mut promise = begin(&facts);
    let mut steps = Steps::new();
    let mut say = |line: &str| {
        let input = match line.split_once(' ').unwrap_or((line, "")) {
            ("confirm", _) => confirmation::Input::Confirm,
            ("reject", why) => confirmation::Input::Reject(Some(why.to_owned())),
            _ => confirmation::Input::Withdraw,
        };
        let before = confirmation_state(&promise);
        let confirmation::Verdict::Record(event) = promise.decide(input) else {
            return format!("stays {before}");
        };
        let name = event.name();
        facts.push(confirmation::Fact { at: START, event });
        promise.apply(facts.last().expect("a fact"));
        let mut replayed = begin(&facts);
        facts[1..].iter().for_each(|fact| replayed.apply(fact));
        assert_eq!(replayed, promise, "replayed and live are not the same");
        steps.insert((before, confirmation_state(&promise)));
        format!("{name} -> {}", confirmation_state(&promise))
    };
    let said = lines(script).map(|(line, _)| say(line)).collect();
    (said, steps)
}

fn confirmation_state(promise: &Confirmation) -> &'static str {
    match promise.state() {
        confirmation::State::Waiting { .. } => "waiting",
        confirmation::State::Confirmed => "confirmed",
        confirmation::State::Rejected(_) => "rejected",
        confirmation::State::Withdrawn => "withdrawn",
    }
}

scripts! { CONFIRMATIONS, play_confirmation;
    /// Who speaks first is heard, and nobody after.
    yes_then_no: "operator" => "
        confirm                      => ConfirmationConfirmed -> confirmed
        reject too late              => stays confirmed
        confirm                      => stays confirmed
    "
    no_then_yes: "operator" => "
        reject fully booked          => ConfirmationRejected -> rejected
        confirm                      => stays rejected
        withdraw                     => stays rejected
    "
    withdrawn_while_waiting: "operator" => "
        withdraw                     => ConfirmationWithdrawn -> withdrawn
        confirm                      => stays withdrawn
        reject why not               => stays withdrawn
        withdraw                     => stays withdrawn
    "
    made_at_once_and_withdrawn: "auto" => "
        reject nobody asked          => stays confirmed
        withdraw                     => ConfirmationWithdrawn -> withdrawn
        confirm                      => stays withdrawn
    "
    /// Withdrawn before it was ever asked for: whoever asks later finds it so.
    never_asked_for: "abandoned" => "
        confirm                      => stays withdrawn
        withdraw                     => stays withdrawn
    "
}

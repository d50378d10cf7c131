//! The inventory and the confirmation, as scripts; the payment's are in `payment`.
//!
//! As in `check`, a line is an input and, after `=>`, what the machine says to it. Each machine's
//! diagram is written as a table, and the scripts must take every step of it and no other.

use std::collections::BTreeSet;

use surehold_domain::attributes::Attributes;
use surehold_domain::confirmation::{self, Confirmation};
use surehold_domain::day::Day;
use surehold_domain::id::{ConfirmationId, OfferingId, OrderId};
use surehold_domain::invariants;
use surehold_domain::inventory::{self, Availability, Inventory, Model, Offering};
use surehold_domain::order::Claim;
use surehold_domain::quantity::Quantity;
use surehold_domain::slot::Slot;
use surehold_domain::terms::ConfirmedBy;
use surehold_domain::zone::Zone;

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

/// Reads `seats 2`, `nights 2 overbook 1`, or `slots 2 at 10:00 11:00` (all on one day).
fn offering(text: &str) -> Box<Offering> {
    let (text, times) = text.split_once(" at ").unwrap_or((text, ""));
    let (text, overbook) = text.split_once(" overbook ").unwrap_or((text, "0"));
    let (name, units) = text.split_once(' ').unwrap_or((text, "0"));
    let (units, overbook) = (quantity(units), quantity(overbook));
    let model = match name {
        "seats" => Model::Seats { capacity: units },
        "stock" => Model::Stock { quantity: units },
        "nights" => Model::Nights { units },
        "slots" => {
            let slots = times.split(' ').map(slot).collect();
            Model::Slots { capacity: units, zone: Zone::utc(), slots }
        }
        _ => Model::Unlimited,
    };
    let (price, attributes) = (euro(1000), Attributes::new());
    Box::new(Offering { name: "what is sold".to_owned(), price, model, overbook, attributes })
}

fn slot(time: &str) -> Slot {
    Zone::utc().slot(&format!("2027-03-01T{time}")).expect("a slot")
}

/// A day of March 2027.
fn day(day: &str) -> Day {
    Day::parse(&format!("2027-03-{day:0>2}")).expect("a day")
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
            inventory::Verdict::KindHeld => return "refused: held otherwise".to_owned(),
            inventory::Verdict::NotStock => return "refused: no stock".to_owned(),
            inventory::Verdict::TooMuch => return "refused: too much".to_owned(),
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
        format!("{name} -> {} held, {}", stock.held(), free(&stock))
    };
    let said = lines(script).map(|(line, _)| say(line)).collect();
    (said, steps)
}

/// What is free; of nights the first four of March, of slots each.
fn free(stock: &Inventory) -> String {
    let list = |free: Vec<String>| format!("{} free", free.join(" "));
    match stock.availability(Some(day("1")), Some(day("5"))) {
        Availability::Unlimited => "no limit".to_owned(),
        Availability::Units { free } => format!("{free} free"),
        Availability::Nights(nights) => {
            list(nights.iter().map(|(_, free)| free.to_string()).collect())
        }
        Availability::Slots(slots) => {
            list(slots.iter().map(|(_, free)| free.to_string()).collect())
        }
    }
}

fn inventory_input(line: &str) -> inventory::Input {
    let words: Vec<&str> = line.split(' ').collect();
    let order = |number: &str| OrderId(number.parse().expect("an order's number"));
    match words[..] {
        ["order", number, "takes", much] => {
            inventory::Input::Hold { order: order(number), claim: Claim::Units(quantity(much)) }
        }
        ["order", number, "takes", much, "from", from, "to", to] => {
            let (from, to, units) = (day(from), day(to), quantity(much));
            let claim = Claim::Nights { from, to, units };
            inventory::Input::Hold { order: order(number), claim }
        }
        ["order", number, "takes", much, "at", time] => {
            let claim = Claim::Slot { slot: slot(time), units: quantity(much) };
            inventory::Input::Hold { order: order(number), claim }
        }
        ["order", number, "will", "bring", much] => {
            inventory::Input::Hold { order: order(number), claim: Claim::Supply(quantity(much)) }
        }
        ["order", number, "brings", much] => {
            inventory::Input::Receive { order: order(number), quantity: quantity(much) }
        }
        [much, more_or_less] => {
            inventory::Input::Adjust { quantity: quantity(much), up: more_or_less == "more" }
        }
        ["order", number, "gives", "back"] => inventory::Input::Release { order: order(number) },
        ["change", "to", ..] => inventory::Input::Change {
            offering: offering(line.trim_start_matches("change to ")),
            now: START,
        },
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
    /// More is sold than there is, because the seller said so; not less again than is held.
    overbooked: "seats 2 overbook 1" => "
        order 1 takes 3              => UnitsHeld -> 3 held, 0 free
        order 2 takes 1              => not held: no_room
        change to seats 2            => refused: 3 are held
        change to seats 1 overbook 2 => OfferingChanged -> 3 held, 0 free
        change to seats 3            => OfferingChanged -> 3 held, 0 free
    "
    /// A stay takes its nights; the night of the departure is free for the next.
    two_rooms: "nights 2" => "
        order 1 takes 1 from 1 to 3  => UnitsHeld -> 1 held, 1 1 2 2 free
        order 2 takes 1 from 2 to 4  => UnitsHeld -> 2 held, 1 0 1 2 free
        order 3 takes 1 from 2 to 3  => not held: no_room
        order 3 takes 1 from 1 to 5  => not held: no_room
        order 3 takes 1 from 3 to 5  => UnitsHeld -> 3 held, 1 0 0 1 free
        order 4 takes 2 from 4 to 5  => not held: no_room
        order 4 takes 1 from 4 to 5  => UnitsHeld -> 4 held, 1 0 0 0 free
        order 2 takes 1 from 2 to 4  => already so
        order 2 gives back           => UnitsReleased -> 3 held, 1 1 1 0 free
        order 2 gives back           => already so
        change to nights 1           => refused: 2 are held
        order 3 gives back           => UnitsReleased -> 2 held, 1 1 2 1 free
        change to nights 1           => OfferingChanged -> 2 held, 0 0 1 0 free
    "
    /// Three guests, each overlapping the next: in rooms given out with the hold the last would not
    /// fit without moving.
    no_gap_is_lost: "nights 2" => "
        order 1 takes 1 from 1 to 2  => UnitsHeld -> 1 held, 1 2 2 2 free
        order 2 takes 1 from 3 to 4  => UnitsHeld -> 2 held, 1 2 1 2 free
        order 3 takes 1 from 2 to 4  => UnitsHeld -> 3 held, 1 1 0 2 free
        order 4 takes 1 from 1 to 3  => UnitsHeld -> 4 held, 0 0 0 2 free
    "
    stays_that_cannot_be: "nights 2" => "
        order 1 takes 1              => not held: wrong_claim
        order 1 takes 1 at 10:00     => not held: wrong_claim
        order 1 takes 1 from 3 to 3  => not held: wrong_claim
        order 1 takes 1 from 3 to 2  => not held: wrong_claim
        order 1 takes 3 from 2 to 3  => not held: no_room
        order 1 will bring 1         => not held: wrong_claim
        order 1 brings 1             => refused: no stock
        5 more                       => refused: no stock
    "
    overbooked_rooms: "nights 1 overbook 1" => "
        order 1 takes 2 from 1 to 3  => UnitsHeld -> 2 held, 0 0 2 2 free
        order 2 takes 1 from 2 to 4  => not held: no_room
        change to nights 1           => refused: 2 are held
        change to seats 9            => refused: held otherwise
        change to unlimited          => refused: held otherwise
        order 1 gives back           => UnitsReleased -> 0 held, 2 2 2 2 free
        change to seats 9            => OfferingChanged -> 0 held, 9 free
    "
    /// Each slot is counted by itself, and goes only when nobody holds it.
    two_times: "slots 2 at 10:00 11:00" => "
        order 1 takes 2 at 10:00     => UnitsHeld -> 2 held, 0 2 free
        order 2 takes 1 at 10:00     => not held: no_room
        order 2 takes 1 at 11:00     => UnitsHeld -> 3 held, 0 1 free
        order 3 takes 1 at 12:00     => not held: no_room
        order 3 takes 1              => not held: wrong_claim
        change to slots 2 at 11:00 12:00 => refused: 2 are held
        change to slots 1 at 10:00 11:00 => refused: 2 are held
        order 1 gives back           => UnitsReleased -> 1 held, 2 1 free
        change to slots 1 overbook 1 at 11:00 12:00 => OfferingChanged -> 1 held, 1 2 free
        order 4 takes 1 at 10:00     => not held: no_room
    "
    /// What is brought is added once, however often it is said.
    supplied: "stock 1" => "
        order 1 will bring 5         => already so
        order 1 gives back           => already so
        order 2 takes 3              => not held: no_room
        order 1 brings 5             => StockReceived -> 0 held, 6 free
        order 1 brings 5             => already so
        order 2 takes 3              => UnitsHeld -> 3 held, 3 free
        order 3 brings 0.5           => StockReceived -> 3 held, 3.5 free
        order 4 brings 1000000000    => refused: too much
        close                        => OfferingClosed -> 3 held, 3.5 free
        order 4 will bring 1         => not held: offering_closed
        order 4 brings 1             => StockReceived -> 3 held, 4.5 free
    "
    /// Somebody counts the shelf.
    counted: "stock 5 overbook 1" => "
        order 1 takes 3              => UnitsHeld -> 3 held, 3 free
        2.5 more                     => StockAdjusted -> 3 held, 5.5 free
        5 less                       => StockAdjusted -> 3 held, 0.5 free
        0.625 less                   => refused: 3 are held
        3 less                       => refused: 3 are held
        0 less                       => already so
        1000000000 more              => refused: too much
    "
    nothing_to_count: "unlimited" => "
        order 1 takes 1 from 1 to 2  => not held: wrong_claim
        order 1 brings 1             => refused: no stock
        1 less                       => refused: no stock
        change to seats 1            => refused: not counted
        change to nights 1           => refused: not counted
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

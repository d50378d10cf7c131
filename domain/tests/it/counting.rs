//! Counting, at random: no kind of offering ever sells more than it has and than its seller said, and
//! nights that are only counted always fit into rooms.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use surehold_domain::attributes::Attributes;
use surehold_domain::day::Day;
use surehold_domain::id::{OfferingId, OrderId};
use surehold_domain::invariants;
use surehold_domain::inventory::{
    Availability, Event, Fact, Input, Inventory, Model, Offering, Verdict,
};
use surehold_domain::order::Claim;
use surehold_domain::quantity::Quantity;
use surehold_domain::slot::Slot;
use surehold_domain::zone::Zone;

use crate::check::{START, euro};
use crate::property::always;

/// Small numbers, so that they meet often.
type Pick = (u8, u64, u64, u32, u32);

fn pick() -> impl Strategy<Value = Pick> {
    (0..24u8, 0..8u64, 0..4u64, 0..9u32, 0..6u32)
}

fn whole(units: u64) -> Quantity {
    Quantity::whole(units).expect("a quantity")
}

fn day(number: u32) -> Day {
    Day::parse("2026-10-22").expect("a day").plus(number)
}

/// The slots of a night in which the clock is put back, and of the day after it.
fn slots() -> Vec<Slot> {
    let berlin = Zone::parse("Europe/Berlin").expect("a zone");
    let times = ["25T02:30+02:00", "25T02:30+01:00", "25T10:00", "26T02:30", "26T10:00"];
    times.map(|time| berlin.slot(&format!("2026-10-{time}")).expect("a slot")).to_vec()
}

fn offering(kind: u32, units: u64, overbook: u32, some: u32) -> Box<Offering> {
    let units = whole(units);
    let model = match kind {
        0 => Model::Unlimited,
        1 => Model::Seats { capacity: units },
        2 => Model::Stock { quantity: units },
        3 => Model::Nights { units },
        _ => {
            let slots = slots().into_iter().skip(usize::try_from(some % 3).expect("small"));
            let zone = Zone::parse("Europe/Berlin").expect("a zone");
            Model::Slots { capacity: units, zone, slots: slots.collect() }
        }
    };
    let (name, price, attributes) = ("it".to_owned(), euro(1000), Attributes::new());
    Box::new(Offering { name, price, model, overbook: whole(overbook.into()), attributes })
}

fn claim(kind: u32, units: u64, from: u32, length: u32) -> Claim {
    let units = whole(units);
    match kind {
        0 => Claim::Units(units),
        1 => Claim::Nights { from: day(from), to: day(from + length), units },
        2 => {
            let all = slots();
            let slot = all[usize::try_from(from).expect("small") % all.len()];
            Claim::Slot { slot, units }
        }
        _ => Claim::Supply(units),
    }
}

/// What happens next to an offering of this kind: mostly what fits it.
fn input(kind: u32, (what, order, units, some, more): Pick) -> Input {
    let order = OrderId(order);
    let fitting = [0, 0, 0, 1, 2][usize::try_from(kind).expect("small")];
    match what {
        0..10 => Input::Hold { order, claim: claim(fitting, units, some, more) },
        10 => Input::Hold { order, claim: claim(more % 4, units, some, more) },
        11..16 => Input::Release { order },
        16..18 => Input::Change { offering: offering(kind, units, more % 3, some), now: START },
        18 => Input::Change { offering: offering(some % 5, units, more % 3, some), now: START },
        19 if more == 0 => Input::Close,
        19 | 20 => Input::Receive { order, quantity: whole(units) },
        _ => Input::Adjust { quantity: whole(units), up: more % 2 == 0 },
    }
}

fn open(offering: Box<Offering>) -> (Vec<Fact>, Inventory) {
    let fact = Fact { at: START, event: Event::Opened(offering) };
    let stock = Inventory::begin(OfferingId(1), &fact).expect("it opens an offering");
    (vec![fact], stock)
}

#[test]
fn no_kind_of_offering_is_ever_oversold() {
    let start = (0..5u32, 0..4u64, 0..3u32);
    always(1500, (start, vec(pick(), 0..60)), |((kind, units, overbook), picks)| {
        let (mut facts, mut stock) = open(offering(kind, units, overbook, 0));
        let mut grown: BTreeMap<OrderId, u32> = BTreeMap::new();
        for pick in picks {
            let Verdict::Record(event) = stock.decide(input(kind, pick)) else { continue };
            if let Event::Received { order, .. } = &event {
                *grown.entry(*order).or_default() += 1;
            }
            facts.push(Fact { at: START, event });
            stock.apply(&facts[facts.len() - 1]);
            invariants::never_oversold(&stock).expect("I1");
            never_oversold_by_hand(&stock);
        }
        assert!(grown.values().all(|times| *times == 1), "stock grew twice: {facts:?}");
        let mut replayed = Inventory::begin(OfferingId(1), &facts[0]).expect("the same");
        facts[1..].iter().for_each(|fact| replayed.apply(fact));
        assert_eq!(replayed, stock);
        let holds: Vec<OrderId> = stock.holds().keys().copied().collect();
        for order in holds {
            let Verdict::Record(event) = stock.decide(Input::Release { order }) else {
                panic!("what is held can be given back");
            };
            stock.apply(&Fact { at: START, event });
        }
        assert_eq!(stock.held(), Quantity::NONE);
        all_is_free(&stock);
    });
}

/// I1 again, added up from the holds alone.
fn never_oversold_by_hand(stock: &Inventory) {
    let Some(capacity) = stock.offering().model.capacity() else {
        return assert!(stock.holds().is_empty());
    };
    let limit = capacity.plus(stock.offering().overbook).thousandths();
    let sum = |wanted: &dyn Fn(&Claim) -> bool| -> u64 {
        let of = stock.holds().values().filter(|claim| wanted(claim));
        of.map(|claim| claim.quantity().thousandths()).sum()
    };
    match &stock.offering().model {
        Model::Unlimited | Model::Seats { .. } | Model::Stock { .. } => {
            assert!(sum(&|_| true) <= limit);
        }
        Model::Nights { .. } => {
            for night in (0..20).map(day) {
                let there = |claim: &Claim| matches!(claim, Claim::Nights { from, to, .. } if (*from..*to).contains(&night));
                assert!(sum(&there) <= limit, "{night}");
            }
        }
        Model::Slots { slots, .. } => {
            let declared =
                |claim: &Claim| matches!(claim, Claim::Slot { slot, .. } if slots.contains(slot));
            assert!(stock.holds().values().all(declared));
            for wanted in slots {
                let there =
                    |claim: &Claim| matches!(claim, Claim::Slot { slot, .. } if slot == wanted);
                assert!(sum(&there) <= limit, "{wanted}");
            }
        }
    }
}

fn all_is_free(stock: &Inventory) {
    let limit = stock.offering().limit();
    let free: Vec<Quantity> = match stock.availability(Some(day(0)), Some(day(20))) {
        Availability::Unlimited => return assert_eq!(limit, None),
        Availability::Units { free } => vec![free],
        Availability::Nights(nights) => nights.into_iter().map(|(_, free)| free).collect(),
        Availability::Slots(slots) => slots.into_iter().map(|(_, free)| free).collect(),
    };
    assert!(!free.is_empty() && free.iter().all(|free| Some(*free) == limit), "{free:?}");
}

/// The stays a house of so many rooms took, each of one or more rooms.
fn taken(rooms: u64, stays: &[(u32, u32, u64)]) -> (Inventory, Vec<(u32, u32, u64)>) {
    let (_, mut house) = open(offering(3, rooms, 0, 0));
    let mut taken = Vec::new();
    for (order, (from, length, units)) in (1..).map(OrderId).zip(stays) {
        let claim = claim(1, *units, *from, *length);
        if let Verdict::Record(event) = house.decide(Input::Hold { order, claim }) {
            house.apply(&Fact { at: START, event });
            taken.push((*from, *length, *units));
        }
    }
    (house, taken)
}

/// Gives every stay rooms of its own at arrival, and never takes one away again. Rooms are free again
/// on the day of departure. Panics if there are too few.
fn give_rooms(rooms: u64, mut stays: Vec<(u32, u32, u64)>) {
    stays.sort_by_key(|(from, ..)| *from);
    let mut free_from = vec![0; usize::try_from(rooms).expect("small")];
    for (from, length, units) in stays {
        for _ in 0..units {
            let room = free_from.iter_mut().find(|free| **free <= from);
            *room.unwrap_or_else(|| panic!("no room for {from}+{length}")) = from + length;
        }
    }
}

#[test]
fn nights_that_are_counted_fit_into_rooms_without_moving_anybody() {
    let stay = (0..20u32, 1..8u32, 1..3u64);
    always(2000, (1..5u64, vec(stay, 0..60)), |(rooms, stays)| {
        let (house, taken) = taken(rooms, &stays);
        invariants::never_oversold(&house).expect("I1");
        give_rooms(rooms, taken);
    });
}

/// And nothing is refused that would fit: what was refused overfills one of its nights.
#[test]
fn nights_are_refused_only_when_one_of_them_is_full() {
    let stay = (0..20u32, 1..8u32, 1..3u64);
    always(500, (1..5u64, vec(stay, 1..40)), |(rooms, mut stays)| {
        let last = stays.pop().expect("at least one");
        let (house, before) = taken(rooms, &stays);
        let claim = claim(1, last.2, last.0, last.1);
        let input = Input::Hold { order: OrderId(1000), claim };
        let granted = matches!(house.decide(input), Verdict::Record(_));
        let on = |night: u32| -> u64 {
            let there =
                |(from, length, _): &&(u32, u32, u64)| (*from..from + length).contains(&night);
            before.iter().filter(there).map(|(_, _, units)| units).sum()
        };
        let fits = (last.0..last.0 + last.1).all(|night| on(night) + last.2 <= rooms);
        assert_eq!(granted, fits);
    });
}

//! Histories that can be true, and ones that cannot.

use super::*;

fn place(from: u64, to: u64, key: &str, said: Said) -> Asked {
    Asked { from, to, wish: Wish::Place { offering: 1, key: key.to_owned() }, said }
}

fn cancel(from: u64, to: u64, order: u64) -> Asked {
    Asked { from, to, wish: Wish::Cancel { offering: 1, order }, said: Said::Cancelled }
}

fn turn(sequence: u64, order: u64, held: bool) -> Turn {
    Turn { sequence, offering: 1, order, held }
}

/// What is wrong, with one unit to sell.
fn wrong(history: &[Asked], witness: &[Turn]) -> Vec<String> {
    check(history, witness, &BTreeMap::from([(1, 1)]))
}

#[test]
fn a_true_history_holds() {
    let history = [
        place(0, 9, "a", Said::Booked(1)),
        place(5, 12, "b", Said::NoRoom),
        cancel(20, 30, 1),
        place(25, 40, "c", Said::Booked(3)),
        place(41, 50, "c", Said::Booked(3)),
        place(60, 90, "d", Said::Silence),
    ];
    let witness = [turn(3, 1, true), turn(7, 1, false), turn(8, 3, true)];
    assert_eq!(wrong(&history, &witness), Vec::<String>::new());
}

#[test]
fn two_holders_of_one_unit_are_seen() {
    let history = [place(0, 9, "a", Said::Booked(1)), place(1, 8, "b", Said::Booked(2))];
    let wrong = wrong(&history, &[turn(3, 1, true), turn(4, 2, true)]);
    assert!(wrong.iter().any(|it| it.contains("held 2 times")), "{wrong:?}");
}

#[test]
fn a_booking_that_is_gone_is_seen() {
    let wrong = wrong(&[place(0, 9, "a", Said::Booked(1))], &[]);
    assert!(wrong.iter().any(|it| it.contains("does not know")), "{wrong:?}");
}

#[test]
fn a_unit_that_is_freed_twice_is_seen() {
    let witness = [turn(3, 1, true), turn(4, 1, false), turn(5, 1, false)];
    let wrong = wrong(&[], &witness);
    assert!(wrong.iter().any(|it| it.contains("released a unit of offering 1 twice")), "{wrong:?}");
}

#[test]
fn a_refusal_while_there_was_room_is_seen() {
    // Free again before it was asked for, and held by the next only after it was answered.
    let history = [
        place(0, 1, "a", Said::Booked(1)),
        cancel(2, 3, 1),
        place(10, 20, "b", Said::NoRoom),
        place(30, 40, "c", Said::Booked(3)),
    ];
    let witness = [turn(3, 1, true), turn(4, 1, false), turn(9, 3, true)];
    let wrong = wrong(&history, &witness);
    assert!(wrong.iter().any(|it| it.contains("it had room all the time")), "{wrong:?}");
}

#[test]
fn what_was_answered_before_another_was_asked_stands_before_it() {
    let history =
        [place(0, 1, "a", Said::Booked(1)), cancel(10, 11, 1), place(20, 21, "b", Said::Booked(2))];
    // The journal says that order 2 was first.
    let witness = [
        turn(1, 2, true),
        turn(2, 2, false),
        turn(3, 1, true),
        turn(4, 1, false),
        turn(5, 9, true),
    ];
    let wrong = wrong(&history, &witness);
    assert!(wrong.iter().any(|it| it.contains("by the clock")), "{wrong:?}");
}

#[test]
fn one_key_with_two_orders_is_seen() {
    let history = [place(0, 1, "a", Said::Booked(1)), place(5, 6, "a", Said::Booked(2))];
    let witness = [turn(1, 1, true), turn(2, 1, false), turn(3, 2, true)];
    let wrong = wrong(&history, &witness);
    assert!(wrong.iter().any(|it| it.contains("key a is order 1, and is order 2")), "{wrong:?}");
}

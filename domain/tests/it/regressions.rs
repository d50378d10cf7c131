//! What went wrong once and was mended, one story each.

use surehold_domain::attributes::{ATTRIBUTES_MAX, Attribute, Attributes};
use surehold_domain::id::{OfferingId, OrderId};
use surehold_domain::inventory::{self, Inventory, Model, Offering};
use surehold_domain::order::Claim;
use surehold_domain::quantity::Quantity;
use surehold_domain::saga::{Command, Fact, Input, Saga, Verdict};

use crate::check::{START, check, euro, key, order};

/// A quote from before the money came says 0, because nothing was charged yet. Honoured after the
/// charge, it keeps all the money of a customer to whom all of it is due.
#[test]
fn a_quote_from_before_the_money_came_is_no_quote_for_the_money() {
    check(
        "auto",
        "
        held                => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        quote               => CancellationQuoted (3: 0 EUR back) -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured            => OrderPaid -> paid, owes confirm 1, until +7 d
        confirmed           => OrderConfirmed -> confirmed, until +90 d
        cancel by quote 3   => refused: the quote is unknown or no longer holds; ask for a new one
        ",
    );
}

/// While the points are credited the money is there, and a quote speaks of it: it holds for as long
/// as it says, though the order is paid for meanwhile.
#[test]
fn a_quote_given_while_the_points_are_credited_holds() {
    check(
        "points, tiers",
        "
        held                => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured +52 h      => OrderCharged -> paying, owes credit of 10 points, until +15 min
        quote               => CancellationQuoted (4: 1000 EUR back) -> paying, owes credit of 10 points, until +15 min
        credited            => OrderPaid -> paid, owes confirm 1, until +7 d
        cancel by quote 4 +10 min => UndoStarted (customer) -> refunding, owes refund 1 of 1000 EUR, until +2 s
        ",
    );
}

/// An order that waits for its points is cancelled like one that is being paid: all comes back, and
/// that is what a quote says.
#[test]
fn a_quote_says_what_a_cancellation_returns_while_the_points_are_credited() {
    check(
        "points, tiers",
        "
        held                => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured +90 h      => OrderCharged -> paying, owes credit of 10 points, until +15 min
        quote               => CancellationQuoted (4: 1000 EUR back) -> paying, owes credit of 10 points, until +15 min
        cancel              => UndoStarted (customer) -> refunding, owes refund 1 of 1000 EUR, until +2 s
        ",
    );
}

/// Attributes that come with a cancellation count like any others.
#[test]
fn a_cancellation_cannot_overload_an_order() {
    let mut saga = Saga::begin(key(1), &Saga::place(order("auto"), None, START)).expect("an order");
    let number = |n| (format!("n{n}"), Attribute::Null);
    let attributes: Attributes = (0..=ATTRIBUTES_MAX).map(number).collect();
    let cancel = Command::Cancel { note: None, quote: None, attributes };
    if let Verdict::Record(event) = saga.decide(Input::Command(cancel), START) {
        saga.apply(&Fact { at: START, event });
    }
    assert!(saga.order().attributes.len() <= ATTRIBUTES_MAX, "{}", saga.order().attributes.len());
}

/// While an offering has no limit, nobody remembers who holds it. Given a limit then, it sells
/// again what is already sold.
#[test]
fn what_was_sold_without_a_limit_is_not_sold_again() {
    let offering = |model| {
        let (name, attributes) = ("the hall".to_owned(), Attributes::new());
        let overbook = Quantity::NONE;
        Box::new(Offering { name, price: euro(1000), model, overbook, attributes })
    };
    let opened = inventory::Event::Opened(offering(Model::Unlimited));
    let fact = inventory::Fact { at: START, event: opened };
    let mut hall = Inventory::begin(OfferingId(1), &fact).expect("it opens");
    let mut sold = 0;
    let mut hear = |input| {
        let verdict = hall.decide(input);
        if let inventory::Verdict::Record(event) = &verdict {
            hall.apply(&inventory::Fact { at: START, event: event.clone() });
        }
        verdict
    };
    for number in 1..=2 {
        let one = Claim::Units(Quantity::ONE);
        let verdict = hear(inventory::Input::Hold { order: OrderId(number), claim: one });
        let granted = !matches!(verdict, inventory::Verdict::NotHeld(_));
        sold += u32::from(granted);
        let one_seat = offering(Model::Seats { capacity: Quantity::ONE });
        let changed = hear(inventory::Input::Change { offering: one_seat, now: START });
        let limited =
            matches!(changed, inventory::Verdict::Record(_) | inventory::Verdict::AlreadySo);
        assert!(!limited || sold <= 1, "one seat, and {sold} orders hold it");
    }
}

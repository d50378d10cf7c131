//! What the older versions stored of orders becomes today's facts, and loses nothing on the way.
//!
//! An older version's types can only be read, so each fact is written as today's in TOML, where a
//! field goes by its name, and read as the older version's. The bytes themselves are held by the
//! golden files of the actors.

use std::collections::BTreeSet;

use surehold_domain::attributes::{Attribute, Attributes};
use surehold_domain::id::{ConfirmationId, PaymentId};
use surehold_domain::money::Money;
use surehold_domain::order::{Claim, Order};
use surehold_domain::saga::{
    AfterHold, Event, EventKind, Fact, Reason, Return, Saga, Undo, v1, v2,
};
use surehold_domain::terms::LateMoney;
use surehold_domain::time::Timestamp;

use crate::check::{ORDERS, START, card, euro, order};

const PAYMENT: PaymentId = PaymentId(7);
const CONFIRMATION: ConfirmationId = ConfirmationId(8);

fn later() -> Timestamp {
    Timestamp(START.0 + 1)
}

fn undo(money: Return) -> Undo {
    let reason = Reason::Rejected(Some("fully booked".to_owned()));
    Undo { reason, money, withdraw: Some(CONFIRMATION) }
}

/// One fact of every kind the first version had, and of every kind within it.
fn facts() -> Vec<Event> {
    let (until, payment, confirmation) = (later(), PAYMENT, CONFIRMATION);
    let attributes: Attributes = [
        ("gift".to_owned(), Attribute::Flag(true)),
        ("empty".to_owned(), Attribute::Null),
        ("row".to_owned(), Attribute::Whole(4)),
        ("metres".to_owned(), Attribute::Decimal(1.5)),
        ("words".to_owned(), Attribute::Text("for ann".to_owned())),
    ]
    .into_iter()
    .collect();
    let money: Money = euro(400);
    let held = [
        AfterHold::Pay { payment, until },
        AfterHold::PayLater { until },
        AfterHold::Confirm { confirmation, until },
        AfterHold::Undo { undo: undo(Return::Nothing), until },
    ];
    let undone = [Return::Nothing, Return::All, Return::Part(money)].map(|money| {
        Event::UndoStarted { undo: undo(money), until, attributes: attributes.clone() }
    });
    let others = [
        Event::Refused(Reason::NoRoom),
        Event::PayRequested { payment, card: card(), until },
        Event::PaymentDeferred { until },
        Event::Paid { confirmation, until },
        Event::ConfirmationAwaited,
        Event::ConfirmationDemanded { until },
        Event::Confirmed { until },
        Event::Fulfilled,
        Event::UndoRetried { attempt: 3, until },
        Event::Refunded { amount: money, until },
        Event::Released { until },
        Event::Withdrawn,
        Event::GotStuck { until },
        Event::Resumed { until },
        Event::Quoted { refund: money, until },
        Event::Annotated(attributes.clone()),
    ];
    let known = |order: &Order| {
        let first = order.terms.mileage.is_none() && !matches!(order.claim, Claim::Supply(_));
        first && is_second(order)
    };
    let known = ORDERS.iter().map(|kind| order(kind)).filter(known);
    let placed = known.flat_map(|mut order| {
        order.attributes.clone_from(&attributes);
        [None, Some(card())].map(|card| Saga::place(order.clone(), card, START).event)
    });
    placed.chain(held.map(Event::Held)).chain(undone).chain(others).collect()
}

/// Whether the second version could have placed it: late money goes back, and so does nothing of
/// the money of who does not come.
fn is_second(order: &Order) -> bool {
    (order.terms.late, order.terms.no_show) == (LateMoney::Refund, 0)
}

/// Whether the first version had it.
fn is_old(kind: EventKind) -> bool {
    match kind {
        EventKind::Placed
        | EventKind::Held
        | EventKind::Refused
        | EventKind::PayRequested
        | EventKind::PaymentDeferred
        | EventKind::Paid
        | EventKind::ConfirmationAwaited
        | EventKind::ConfirmationDemanded
        | EventKind::Confirmed
        | EventKind::Fulfilled
        | EventKind::UndoStarted
        | EventKind::UndoRetried
        | EventKind::Refunded
        | EventKind::Released
        | EventKind::Withdrawn
        | EventKind::GotStuck
        | EventKind::Resumed
        | EventKind::Quoted
        | EventKind::Annotated => true,
        EventKind::Charged
        | EventKind::Delivered
        | EventKind::PaymentResumed
        | EventKind::Retaken => false,
    }
}

/// What the first version has of this fact; `None` if it has no such fact.
fn as_first_version(fact: &Fact) -> Option<v1::Fact> {
    let written = toml::Value::try_from(fact).expect("a fact can be written");
    written.try_into().ok()
}

#[test]
fn every_fact_of_the_first_version_is_read_as_it_was() {
    let mut kinds = BTreeSet::new();
    for event in facts() {
        assert!(is_old(event.kind()), "{event:?}");
        kinds.insert(event.kind());
        let fact = Fact { at: START, event };
        let old = as_first_version(&fact).expect("the first version knows it");
        assert_eq!(Fact::from(old), fact);
    }
    assert_eq!(kinds.len(), 19, "a fact of every kind: {kinds:?}");
}

#[test]
fn the_first_version_knew_no_points_and_no_supplies() {
    let (confirmation, until) = (CONFIRMATION, later());
    let resumed = Event::PaymentResumed { payment: PaymentId(8), until };
    for event in [Event::Charged { confirmation, until }, Event::Delivered { until }, resumed] {
        assert!(!is_old(event.kind()), "{event:?}");
        assert_eq!(as_first_version(&Fact { at: START, event }), None);
    }
}

/// What the second version has of this fact; `None` if it has no such fact.
fn as_second_version(fact: &Fact) -> Option<v2::Fact> {
    let written = toml::Value::try_from(fact).expect("a fact can be written");
    written.try_into().ok()
}

#[test]
fn every_fact_of_the_second_version_is_read_as_it_was() {
    let (confirmation, until) = (CONFIRMATION, later());
    let placed = ORDERS.iter().map(|kind| order(kind)).filter(is_second);
    let placed = placed.map(|order| Saga::place(order, Some(card()), START).event);
    let more = [
        Event::Charged { confirmation, until },
        Event::Delivered { until },
        Event::PaymentResumed { payment: PAYMENT, until },
        Event::Refused(Reason::NotDelivered),
    ];
    let mut kinds = BTreeSet::new();
    for event in facts().into_iter().chain(placed).chain(more) {
        kinds.insert(event.kind());
        let fact = Fact { at: START, event };
        let old = as_second_version(&fact).expect("the second version knows it");
        assert_eq!(Fact::from(old), fact);
    }
    assert_eq!(kinds.len(), 22, "a fact of every kind: {kinds:?}");
}

#[test]
fn the_second_version_took_no_late_money() {
    let (confirmation, until) = (CONFIRMATION, later());
    let event = Event::Retaken { confirmation, points: false, until };
    assert_eq!(as_second_version(&Fact { at: START, event }), None);
}

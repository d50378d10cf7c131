//! The fault matrix: every effect an order is owed, broken once in every way that has a name.
//!
//! A hall with two seats: one guest is there already, the second meets the fault, the third comes
//! after. A line is the fault and, after `=>`, how the second order ends and what money moved. In
//! every case time then runs until nothing is left to do, and the audit is right to the cent and
//! to the seat: nothing sold twice, nothing charged twice, nobody waits for ever.

use surehold_domain::saga::Phase;

use crate::check::{lines, order, span};
use crate::world::{Act, Fault, Mood, Word, World};

/// What people do in a table: the operator, and after which fact the customer cancels.
type People = (Word, Option<&'static str>);

const NOBODY: People = (Word::Nothing, None);
const OPERATOR: People = (Word::Yes, None);
const UNWILLING_OPERATOR: People = (Word::No, None);
const CANCELS_CONFIRMED: People = (Word::Nothing, Some("OrderConfirmed"));
const CANCELS_WAITING: People = (Word::Nothing, Some("ConfirmationAwaited"));

fn check(kind: &str, people: People, table: &'static str) {
    let rows: Vec<_> =
        lines(table).map(|(fault, end)| (fault, end, play(kind, people, fault))).collect();
    let right = rows.iter().all(|(_, end, seen)| end == seen);
    let text: Vec<String> =
        rows.iter().map(|(fault, _, seen)| format!("{fault:<52} => {seen}")).collect();
    assert!(right, "the matrix says otherwise:\n\n{}\n", text.join("\n"));
}

fn play(kind: &str, (operator, cancels): People, line: &'static str) -> String {
    let (seats, fault, mood) = parse(line);
    let mut world = World::new(seats);
    if line.contains("for a while") {
        world.agenda.push((world.now.plus(span("5 min")), Act::Mend));
    }
    let first = world.place(order("auto"));
    world.settle();
    world.operator = operator;
    world.gateway.mood = mood;
    let second = world.place(order(kind));
    world.cancels = cancels.map(|fact| (second, fact));
    world.fault = fault.map(|fault| (second, fault));
    let third = world.place(order("auto"));
    world.run();
    world.audit();
    let hit = !matches!(world.fault, Some((_, fault)) if !matches!(fault, Fault::Silent(_)));
    assert!(hit, "\"{line}\" never came about");
    assert_eq!(world.node.orders[&first].phase(), Phase::Fulfilled, "the guest who was there");
    assert!(world.node.orders[&third].phase().is_terminal(), "the guest who came after");
    let saga = &world.node.orders[&second];
    let stuck = if world.stuck.contains(&second) { "stuck, then " } else { "" };
    let why = saga.reason().map_or(String::new(), |reason| format!(" ({})", reason.code()));
    let (came, went) = world.gateway_flow(second);
    format!("{stuck}{}{why}, {came} charged, {went} back", saga.phase())
}

/// Seats, a fault and the gateway's mood, from words such as `the gateway declines, twice charge`.
fn parse(line: &'static str) -> (u64, Option<Fault>, Mood) {
    let (mut seats, mut fault, mut mood) = (2, None, Mood::Fine);
    for part in line.split(", ") {
        match part {
            "nothing" => {}
            "no room" => seats = 1,
            "the gateway declines" => mood = Mood::Declines,
            "the gateway is silent" => mood = Mood::Silent,
            "its answers are lost" => mood = Mood::Mute,
            "the charge arrives late" => mood = Mood::Slow,
            "the gateway is down" | "the gateway is down for a while" => mood = Mood::Down,
            "it keeps the money" => mood = Mood::KeepsTheMoney,
            part => fault = Some(parse_fault(part)),
        }
    }
    (seats, fault, mood)
}

fn parse_fault(part: &'static str) -> Fault {
    let (fault, at) = part.rsplit_once(' ').unwrap_or((part, ""));
    match fault {
        "lost" => Fault::Lost(at),
        "silence on" => Fault::Silent(at),
        "twice" => Fault::Twice(at),
        "late" => Fault::Late(at),
        "crash before" => Fault::CrashBefore(at),
        "crash after" => Fault::CrashAfter(at),
        _ => panic!("no fault is called \"{part}\""),
    }
}

macro_rules! matrix {
    ($($(#[doc = $story:literal])* $name:ident: $order:literal, $people:expr => $table:literal)*) => {
        $($(#[doc = $story])* #[test] fn $name() { check($order, $people, $table); })*
        const TABLES: &[&str] = &[$($table),*];
    };
}

#[test]
fn every_effect_meets_every_fault() {
    let rows: Vec<&str> = TABLES.iter().flat_map(|table| lines(table)).map(|row| row.0).collect();
    for effect in ["hold", "charge", "confirm", "refund", "release", "withdraw"] {
        for fault in ["lost", "silence on", "twice", "late"] {
            let row = format!("{fault} {effect}");
            assert!(rows.iter().any(|it| it.ends_with(&row)), "no table has the row \"{row}\"");
        }
    }
    for fact in FACTS {
        for fault in ["crash before", "crash after"] {
            let row = format!("{fault} {fact}");
            assert!(rows.iter().any(|it| it.ends_with(&row)), "no table has the row \"{row}\"");
        }
    }
}

/// The facts that settle an effect: the party's, then the order's.
const FACTS: [&str; 20] = [
    "UnitsHeld",
    "OrderHeld",
    "ChargeRequested",
    "PaymentCaptured",
    "OrderPaid",
    "ConfirmationIssued",
    "ConfirmationQueued",
    "ConfirmationAwaited",
    "OrderConfirmed",
    "UndoStarted",
    "RefundRequested",
    "PaymentRefunded",
    "OrderRefunded",
    "UnitsReleased",
    "OrderReleased",
    "PromiseWithdrawn",
    "ConfirmationWithdrawn",
    "PaymentDeclined",
    "PaymentUnanswered",
    "OrderFulfilled",
];

matrix! {
    hold: "auto", NOBODY => "
        nothing                                              => fulfilled, 1000 charged, 0 back
        no room                                              => refused (no_room), 0 charged, 0 back
        lost hold                                            => cancelled (hold_expired), 0 charged, 0 back
        silence on hold                                      => cancelled (hold_expired), 0 charged, 0 back
        twice hold                                           => fulfilled, 1000 charged, 0 back
        late hold                                            => cancelled (hold_expired), 0 charged, 0 back
        crash before UnitsHeld                               => fulfilled, 1000 charged, 0 back
        crash after UnitsHeld                                => fulfilled, 1000 charged, 0 back
        crash before OrderHeld                               => fulfilled, 1000 charged, 0 back
        crash after OrderHeld                                => fulfilled, 1000 charged, 0 back
    "
    /// Nothing to pay: from held straight to the confirmation.
    hold_without_price: "no price", NOBODY => "
        nothing                                              => fulfilled, 0 charged, 0 back
        twice hold                                           => fulfilled, 0 charged, 0 back
        late hold                                            => cancelled (hold_expired), 0 charged, 0 back
        crash after UnitsHeld                                => fulfilled, 0 charged, 0 back
        crash after OrderHeld                                => fulfilled, 0 charged, 0 back
    "
    /// A customer who pays later, once, ten minutes after the units were held. One whose payment
    /// was lost before it was on disk has seen no answer; this one does not try again.
    hold_and_pay_later: "pay later", NOBODY => "
        nothing                                              => fulfilled, 1000 charged, 0 back
        lost hold                                            => cancelled (hold_expired), 0 charged, 0 back
        twice hold                                           => fulfilled, 1000 charged, 0 back
        late hold                                            => cancelled (hold_expired), 0 charged, 0 back
        crash before OrderHeld                               => fulfilled, 1000 charged, 0 back
        crash after OrderHeld                                => fulfilled, 1000 charged, 0 back
        crash before PaymentRequested                        => cancelled (unpaid), 0 charged, 0 back
        crash after PaymentRequested                         => fulfilled, 1000 charged, 0 back
        crash after ChargeRequested                          => fulfilled, 1000 charged, 0 back
        the gateway is down                                  => cancelled (payment_unavailable), 0 charged, 0 back
    "
    charge: "auto", NOBODY => "
        the gateway declines                                 => cancelled (payment_declined), 0 charged, 0 back
        the gateway declines, crash before PaymentDeclined   => cancelled (payment_declined), 0 charged, 0 back
        the gateway declines, crash after PaymentDeclined    => cancelled (payment_declined), 0 charged, 0 back
        the gateway is silent                                => stuck, then cancelled (payment_expired), 0 charged, 0 back
        the gateway is silent, crash before PaymentUnanswered => stuck, then cancelled (payment_expired), 0 charged, 0 back
        its answers are lost, crash before PaymentUnanswered => fulfilled, 1000 charged, 0 back
        its answers are lost, crash after PaymentUnanswered  => fulfilled, 1000 charged, 0 back
        its answers are lost                                 => fulfilled, 1000 charged, 0 back
        the charge arrives late                              => fulfilled, 1000 charged, 0 back
        the gateway is down                                  => cancelled (payment_unavailable), 0 charged, 0 back
        lost charge                                          => cancelled (payment_expired), 0 charged, 0 back
        silence on charge                                    => cancelled (payment_expired), 0 charged, 0 back
        twice charge                                         => fulfilled, 1000 charged, 0 back
        late charge                                          => cancelled (payment_expired), 1000 charged, 1000 back
        crash before ChargeRequested                         => fulfilled, 1000 charged, 0 back
        crash after ChargeRequested                          => fulfilled, 1000 charged, 0 back
        crash before PaymentCaptured                         => fulfilled, 1000 charged, 0 back
        crash after PaymentCaptured                          => fulfilled, 1000 charged, 0 back
        crash before OrderPaid                               => fulfilled, 1000 charged, 0 back
        crash after OrderPaid                                => fulfilled, 1000 charged, 0 back
    "
    /// The gateway is down when the order comes: the plan lets the customer pay later.
    charge_and_pay_later: "unavailable: pay later", NOBODY => "
        the gateway is down                                  => cancelled (unpaid), 0 charged, 0 back
        the gateway is down for a while                      => fulfilled, 1000 charged, 0 back
        twice charge                                         => fulfilled, 1000 charged, 0 back
        late charge                                          => cancelled (payment_expired), 1000 charged, 1000 back
        crash after ChargeRequested                          => fulfilled, 1000 charged, 0 back
        crash before OrderPaid                               => fulfilled, 1000 charged, 0 back
    "
    confirm: "auto", NOBODY => "
        lost confirm                                         => cancelled (confirmation_expired), 1000 charged, 1000 back
        silence on confirm                                   => cancelled (confirmation_expired), 1000 charged, 1000 back
        twice confirm                                        => fulfilled, 1000 charged, 0 back
        late confirm                                         => cancelled (confirmation_expired), 1000 charged, 1000 back
        crash before ConfirmationIssued                      => fulfilled, 1000 charged, 0 back
        crash after ConfirmationIssued                       => fulfilled, 1000 charged, 0 back
        crash before OrderConfirmed                          => fulfilled, 1000 charged, 0 back
        crash after OrderConfirmed                           => fulfilled, 1000 charged, 0 back
        crash before OrderFulfilled                          => fulfilled, 1000 charged, 0 back
        crash after OrderFulfilled                           => fulfilled, 1000 charged, 0 back
    "
    confirm_by_operator: "operator", OPERATOR => "
        nothing                                              => fulfilled, 1000 charged, 0 back
        lost confirm                                         => cancelled (confirmation_expired), 1000 charged, 1000 back
        silence on confirm                                   => cancelled (confirmation_expired), 1000 charged, 1000 back
        twice confirm                                        => fulfilled, 1000 charged, 0 back
        late confirm                                         => fulfilled, 1000 charged, 0 back
        crash before ConfirmationQueued                      => fulfilled, 1000 charged, 0 back
        crash after ConfirmationQueued                       => fulfilled, 1000 charged, 0 back
        crash before ConfirmationAwaited                     => fulfilled, 1000 charged, 0 back
        crash after ConfirmationAwaited                      => fulfilled, 1000 charged, 0 back
        crash before ConfirmationConfirmed                   => fulfilled, 1000 charged, 0 back
        crash after ConfirmationConfirmed                    => fulfilled, 1000 charged, 0 back
        crash before OrderConfirmed                          => fulfilled, 1000 charged, 0 back
        crash after OrderConfirmed                           => fulfilled, 1000 charged, 0 back
    "
    the_operator_says_no: "operator", UNWILLING_OPERATOR => "
        nothing                                              => cancelled (rejected), 1000 charged, 1000 back
        crash before ConfirmationRejected                    => cancelled (rejected), 1000 charged, 1000 back
        crash after ConfirmationRejected                     => cancelled (rejected), 1000 charged, 1000 back
        crash before UndoStarted                             => cancelled (rejected), 1000 charged, 1000 back
        crash after UndoStarted                              => cancelled (rejected), 1000 charged, 1000 back
    "
    silence_is_a_yes: "operator, then yes", NOBODY => "
        nothing                                              => fulfilled, 1000 charged, 0 back
        lost confirm                                         => fulfilled, 1000 charged, 0 back
        twice confirm                                        => fulfilled, 1000 charged, 0 back
        late confirm                                         => fulfilled, 1000 charged, 0 back
    "
    refund: "auto", CANCELS_CONFIRMED => "
        nothing                                              => cancelled (customer), 1000 charged, 1000 back
        it keeps the money                                   => stuck, then cancelled (customer), 1000 charged, 1000 back
        lost refund                                          => cancelled (customer), 1000 charged, 1000 back
        silence on refund                                    => stuck, then cancelled (customer), 1000 charged, 1000 back
        twice refund                                         => cancelled (customer), 1000 charged, 1000 back
        late refund                                          => cancelled (customer), 1000 charged, 1000 back
        crash before RefundRequested                         => cancelled (customer), 1000 charged, 1000 back
        crash after RefundRequested                          => cancelled (customer), 1000 charged, 1000 back
        crash before PaymentRefunded                         => cancelled (customer), 1000 charged, 1000 back
        crash after PaymentRefunded                          => cancelled (customer), 1000 charged, 1000 back
        crash before OrderRefunded                           => cancelled (customer), 1000 charged, 1000 back
        crash after OrderRefunded                            => cancelled (customer), 1000 charged, 1000 back
    "
    release: "auto", CANCELS_CONFIRMED => "
        lost release                                         => cancelled (customer), 1000 charged, 1000 back
        silence on release                                   => stuck, then cancelled (customer), 1000 charged, 1000 back
        twice release                                        => cancelled (customer), 1000 charged, 1000 back
        late release                                         => cancelled (customer), 1000 charged, 1000 back
        crash before UnitsReleased                           => cancelled (customer), 1000 charged, 1000 back
        crash after UnitsReleased                            => cancelled (customer), 1000 charged, 1000 back
        crash before OrderReleased                           => cancelled (customer), 1000 charged, 1000 back
        crash after OrderReleased                            => cancelled (customer), 1000 charged, 1000 back
    "
    withdraw: "operator", CANCELS_WAITING => "
        nothing                                              => cancelled (customer), 1000 charged, 1000 back
        lost withdraw                                        => cancelled (customer), 1000 charged, 1000 back
        silence on withdraw                                  => stuck, then cancelled (customer), 1000 charged, 1000 back
        twice withdraw                                       => cancelled (customer), 1000 charged, 1000 back
        late withdraw                                        => cancelled (customer), 1000 charged, 1000 back
        crash before PromiseWithdrawn                        => cancelled (customer), 1000 charged, 1000 back
        crash after PromiseWithdrawn                         => cancelled (customer), 1000 charged, 1000 back
        crash before ConfirmationWithdrawn                   => cancelled (customer), 1000 charged, 1000 back
        crash after ConfirmationWithdrawn                    => cancelled (customer), 1000 charged, 1000 back
    "
    withdraw_what_was_free: "free, operator", CANCELS_WAITING => "
        nothing                                              => cancelled (customer), 0 charged, 0 back
        lost release                                         => cancelled (customer), 0 charged, 0 back
        twice withdraw                                       => cancelled (customer), 0 charged, 0 back
    "
}

//! The fault matrix: every effect an order is owed, broken once in every way that has a name.
//!
//! A shop with two pieces: one guest is there already, the second meets the fault, the third comes
//! after. A line is the fault and, after `=>`, how the second order ends, what money moved, how many
//! points are left of those it earns, and what is in stock if it brings something. In every case
//! time then runs until nothing is left to do, and the audit is right to the cent, the piece and the
//! point: nothing sold twice, charged twice, credited twice or counted twice, nobody waits for ever.

use surehold_domain::saga::Phase;

use crate::check::{lines, order, span};
use crate::world::{Act, Fault, Mood, Reaction, Word, World, shop};

/// What people do in a table: what the operator says, and what they do after which fact.
type People = (Word, Option<Reaction>);

const NOBODY: People = (Word::Nothing, None);
const OPERATOR: People = (Word::Yes, None);
const UNWILLING_OPERATOR: People = (Word::No, None);
const CANCELS_CONFIRMED: People = (Word::Nothing, Some(("OrderConfirmed", Act::Cancel)));
const CANCELS_WAITING: People = (Word::Nothing, Some(("ConfirmationAwaited", Act::Cancel)));
const CANCELS_CHARGED: People = (Word::Nothing, Some(("OrderCharged", Act::Cancel)));
const CANCELS_UNDONE: People = (Word::Nothing, Some(("UndoStarted", Act::Cancel)));
const DOES_NOT_COME: People = (Word::Nothing, Some(("OrderConfirmed", Act::NoShow)));
const DELIVERS: People = (Word::Nothing, Some(("OrderConfirmed", Act::Complete)));

fn check(kind: &str, people: People, table: &'static str) {
    let rows: Vec<_> =
        lines(table).map(|(fault, end)| (fault, end, play(kind, people, fault))).collect();
    let right = rows.iter().all(|(_, end, seen)| end == seen);
    let text: Vec<String> =
        rows.iter().map(|(fault, _, seen)| format!("{fault:<52} => {seen}")).collect();
    assert!(right, "the matrix says otherwise:\n\n{}\n", text.join("\n"));
}

fn play(kind: &str, (operator, reaction): People, line: &'static str) -> String {
    let Setting { pieces, fault, mood, mileage } = parse(line);
    let mut world = World::new(shop(pieces));
    let mended =
        [("for a while", "5 min"), ("for half an hour", "30 min"), ("mended the next day", "1 d")];
    for (words, later) in mended {
        if line.contains(words) {
            world.agenda.push((world.now.plus(span(later)), Act::Mend));
        }
    }
    let first = world.place(order("auto"));
    world.settle();
    world.operator = operator;
    world.gateway.mood = mood;
    let second = world.place(order(kind));
    world.reaction = reaction.map(|reaction| (second, reaction));
    world.mileage_down = mileage == Some("");
    world.mileage_ends = mileage.filter(|fact| !fact.is_empty()).map(|fact| (second, fact));
    world.fault = fault.map(|fault| (second, fault));
    let third = world.place(order("auto"));
    world.run();
    // A mileage that is down need not be up for anybody's end; but then it reads what it missed.
    world.mileage_down = false;
    world.run();
    world.audit();
    assert_eq!(world.mileage_ends, None, "\"{line}\" never came about");
    let hit = !matches!(world.fault, Some((_, fault)) if !matches!(fault, Fault::Silent(_)));
    assert!(hit, "\"{line}\" never came about");
    assert_eq!(world.node.orders[&first].phase(), Phase::Fulfilled, "the guest who was there");
    assert!(world.node.orders[&third].phase().is_terminal(), "the guest who came after");
    let saga = &world.node.orders[&second];
    let stuck = if world.stuck.contains(&second) { "stuck, then " } else { "" };
    let why = saga.reason().map_or(String::new(), |reason| format!(" ({})", reason.code()));
    let (came, went) = world.gateway_flow(second);
    let points = match saga.order().terms.mileage {
        Some(_) => format!(", {} points", world.points(second)),
        None => String::new(),
    };
    let stock = match (saga.brings(), world.node.inventory.offering().model.capacity()) {
        (Some(_), Some(stock)) => format!(", {stock} in stock"),
        _ => String::new(),
    };
    format!("{stuck}{}{why}, {came} charged, {went} back{points}{stock}", saga.phase())
}

/// What a line of a table sets up.
struct Setting {
    pieces: u64,
    fault: Option<Fault>,
    mood: Mood,
    /// From which fact of the order on the mileage is down; `""` is from the start.
    mileage: Option<&'static str>,
}

/// Reads words such as `the gateway declines, twice charge`.
fn parse(line: &'static str) -> Setting {
    let (mut pieces, mut fault, mut mood, mut mileage) = (2, None, Mood::Fine, None);
    for part in line.split(", ") {
        match part {
            "nothing" | "mended the next day" => {}
            "no room" => pieces = 1,
            "the gateway declines" => mood = Mood::Declines,
            "the gateway is silent" => mood = Mood::Silent,
            "its answers are lost" => mood = Mood::Mute,
            "it takes the money and is silent"
            | "it takes the money and is silent for half an hour" => {
                mood = Mood::Wordless;
            }
            "the charge arrives late" => mood = Mood::Slow,
            "the gateway is down" | "the gateway is down for a while" => mood = Mood::Down,
            "it keeps the money" => mood = Mood::KeepsTheMoney,
            "the mileage is down" | "the mileage is down for a while" => mileage = Some(""),
            part => match part.strip_prefix("the mileage goes down at ") {
                Some(fact) => mileage = Some(fact),
                None => fault = Some(parse_fault(part)),
            },
        }
    }
    Setting { pieces, fault, mood, mileage }
}

fn parse_fault(part: &'static str) -> Fault {
    let (fault, at) = part.rsplit_once(' ').unwrap_or((part, ""));
    match fault {
        "lost" => Fault::Lost(at),
        "silence on" => Fault::Silent(at),
        "twice" => Fault::Twice(at),
        "late" => Fault::Late(at),
        "overtaken" => Fault::Overtaken(at),
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
    let asked = ["hold", "charge", "settle", "confirm", "refund", "release", "withdraw"];
    for effect in asked.into_iter().chain(["credit", "supply"]) {
        for fault in ["lost", "silence on", "twice", "late"] {
            let row = format!("{fault} {effect}");
            assert!(rows.iter().any(|it| it.ends_with(&row)), "no table has the row \"{row}\"");
        }
    }
    for row in ["overtaken credit", "overtaken supply"] {
        assert!(rows.iter().any(|it| it.ends_with(row)), "no table has the row \"{row}\"");
    }
    for fact in FACTS {
        for fault in ["crash before", "crash after"] {
            let row = format!("{fault} {fact}");
            assert!(rows.iter().any(|it| it.ends_with(&row)), "no table has the row \"{row}\"");
        }
    }
}

/// The facts that settle an effect: the party's, then the order's.
const FACTS: [&str; 27] = [
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
    "OrderCharged",
    "MileageCredited",
    "MileageTakenBack",
    "OrderDelivered",
    "StockReceived",
    "SettleRequested",
    "OrderRetaken",
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
    /// The points come with the payment.
    credit: "points", NOBODY => "
        nothing                                              => fulfilled, 1000 charged, 0 back, 10 points
        no room                                              => refused (no_room), 0 charged, 0 back, 0 points
        the gateway declines                                 => cancelled (payment_declined), 0 charged, 0 back, 0 points
        the gateway is down                                  => cancelled (payment_unavailable), 0 charged, 0 back, 0 points
        its answers are lost                                 => fulfilled, 1000 charged, 0 back, 10 points
        the charge arrives late                              => fulfilled, 1000 charged, 0 back, 10 points
        the mileage is down                                  => cancelled (mileage_unavailable), 0 charged, 0 back, 0 points
        the mileage is down for a while                      => cancelled (mileage_unavailable), 0 charged, 0 back, 0 points
        the mileage goes down at OrderHeld                   => cancelled (mileage_unavailable), 1000 charged, 1000 back, 0 points
        the mileage goes down at OrderCharged                => cancelled (mileage_unavailable), 1000 charged, 1000 back, 0 points
        the mileage goes down at OrderPaid                   => fulfilled, 1000 charged, 0 back, 10 points
        lost credit                                          => cancelled (mileage_unavailable), 1000 charged, 1000 back, 0 points
        silence on credit                                    => cancelled (mileage_unavailable), 1000 charged, 1000 back, 0 points
        twice credit                                         => fulfilled, 1000 charged, 0 back, 10 points
        late credit                                          => cancelled (mileage_unavailable), 1000 charged, 1000 back, 0 points
        overtaken credit                                     => cancelled (mileage_unavailable), 1000 charged, 1000 back, 0 points
        late charge                                          => cancelled (payment_expired), 1000 charged, 1000 back, 0 points
        crash before PaymentCaptured                         => fulfilled, 1000 charged, 0 back, 10 points
        crash after PaymentCaptured                          => fulfilled, 1000 charged, 0 back, 10 points
        crash before OrderCharged                            => fulfilled, 1000 charged, 0 back, 10 points
        crash after OrderCharged                             => fulfilled, 1000 charged, 0 back, 10 points
        crash before MileageCredited                         => fulfilled, 1000 charged, 0 back, 10 points
        crash after MileageCredited                          => fulfilled, 1000 charged, 0 back, 10 points
        crash before OrderPaid                               => fulfilled, 1000 charged, 0 back, 10 points
        crash after OrderPaid                                => fulfilled, 1000 charged, 0 back, 10 points
    "
    credit_and_pay_later: "points, pay later", NOBODY => "
        nothing                                              => fulfilled, 1000 charged, 0 back, 10 points
        the mileage is down                                  => cancelled (mileage_unavailable), 1000 charged, 1000 back, 0 points
        the mileage goes down at OrderHeld                   => cancelled (mileage_unavailable), 1000 charged, 1000 back, 0 points
        the mileage goes down at OrderCharged                => cancelled (mileage_unavailable), 1000 charged, 1000 back, 0 points
        lost credit                                          => cancelled (mileage_unavailable), 1000 charged, 1000 back, 0 points
        silence on credit                                    => cancelled (mileage_unavailable), 1000 charged, 1000 back, 0 points
        twice credit                                         => fulfilled, 1000 charged, 0 back, 10 points
        late credit                                          => cancelled (mileage_unavailable), 1000 charged, 1000 back, 0 points
        overtaken credit                                     => cancelled (mileage_unavailable), 1000 charged, 1000 back, 0 points
        crash before OrderCharged                            => fulfilled, 1000 charged, 0 back, 10 points
        crash after OrderCharged                             => fulfilled, 1000 charged, 0 back, 10 points
        crash before MileageCredited                         => fulfilled, 1000 charged, 0 back, 10 points
        crash after MileageCredited                          => fulfilled, 1000 charged, 0 back, 10 points
    "
    /// The operator says no: the points go with the order, if need be later.
    credit_by_operator: "points, operator", UNWILLING_OPERATOR => "
        nothing                                              => cancelled (rejected), 1000 charged, 1000 back, 0 points
        the mileage goes down at OrderPaid                   => cancelled (rejected), 1000 charged, 1000 back, 0 points
        the mileage goes down at UndoStarted                 => cancelled (rejected), 1000 charged, 1000 back, 0 points
        crash before MileageCredited                         => cancelled (rejected), 1000 charged, 1000 back, 0 points
        crash after MileageCredited                          => cancelled (rejected), 1000 charged, 1000 back, 0 points
        crash before OrderPaid                               => cancelled (rejected), 1000 charged, 1000 back, 0 points
        crash after OrderPaid                                => cancelled (rejected), 1000 charged, 1000 back, 0 points
        crash before UndoStarted                             => cancelled (rejected), 1000 charged, 1000 back, 0 points
        crash after UndoStarted                              => cancelled (rejected), 1000 charged, 1000 back, 0 points
        crash before MileageTakenBack                        => cancelled (rejected), 1000 charged, 1000 back, 0 points
        crash after MileageTakenBack                         => cancelled (rejected), 1000 charged, 1000 back, 0 points
        crash before OrderRefunded                           => cancelled (rejected), 1000 charged, 1000 back, 0 points
        crash after OrderRefunded                            => cancelled (rejected), 1000 charged, 1000 back, 0 points
    "
    /// The customer cancels a minute after the charge, whether the points are there or not.
    credit_and_cancel: "points", CANCELS_CHARGED => "
        nothing                                              => cancelled (customer), 1000 charged, 1000 back, 0 points
        the mileage goes down at OrderHeld                   => cancelled (mileage_unavailable), 1000 charged, 1000 back, 0 points
        the mileage goes down at OrderCharged                => cancelled (mileage_unavailable), 1000 charged, 1000 back, 0 points
        the mileage goes down at UndoStarted                 => cancelled (customer), 1000 charged, 1000 back, 0 points
        lost credit                                          => cancelled (customer), 1000 charged, 1000 back, 0 points
        silence on credit                                    => cancelled (customer), 1000 charged, 1000 back, 0 points
        twice credit                                         => cancelled (customer), 1000 charged, 1000 back, 0 points
        late credit                                          => cancelled (customer), 1000 charged, 1000 back, 0 points
        overtaken credit                                     => cancelled (customer), 1000 charged, 1000 back, 0 points
        crash before OrderCharged                            => cancelled (customer), 1000 charged, 1000 back, 0 points
        crash after OrderCharged                             => cancelled (customer), 1000 charged, 1000 back, 0 points
        crash before MileageCredited                         => cancelled (customer), 1000 charged, 1000 back, 0 points
        crash after MileageCredited                          => cancelled (customer), 1000 charged, 1000 back, 0 points
        crash before MileageTakenBack                        => cancelled (customer), 1000 charged, 1000 back, 0 points
        crash after MileageTakenBack                         => cancelled (customer), 1000 charged, 1000 back, 0 points
    "
    /// Nothing to pay, so nothing to wait for: the points follow.
    points_without_a_price: "points, no price", NOBODY => "
        nothing                                              => fulfilled, 0 charged, 0 back, 10 points
        the mileage is down                                  => fulfilled, 0 charged, 0 back, 10 points
        the mileage goes down at OrderConfirmed              => fulfilled, 0 charged, 0 back, 10 points
        crash before OrderHeld                               => fulfilled, 0 charged, 0 back, 10 points
        crash after OrderHeld                                => fulfilled, 0 charged, 0 back, 10 points
        crash before MileageCredited                         => fulfilled, 0 charged, 0 back, 10 points
        crash after MileageCredited                          => fulfilled, 0 charged, 0 back, 10 points
    "
    /// The points follow the payment, and are taken back after the cancellation.
    points_afterwards: "points afterwards", CANCELS_CONFIRMED => "
        nothing                                              => cancelled (customer), 1000 charged, 1000 back, 0 points
        the mileage is down                                  => cancelled (customer), 1000 charged, 1000 back, 0 points
        the mileage is down for a while                      => cancelled (customer), 1000 charged, 1000 back, 0 points
        the mileage goes down at OrderPaid                   => cancelled (customer), 1000 charged, 1000 back, 0 points
        the mileage goes down at OrderConfirmed              => cancelled (customer), 1000 charged, 1000 back, 0 points
        crash before OrderPaid                               => cancelled (customer), 1000 charged, 1000 back, 0 points
        crash after OrderPaid                                => cancelled (customer), 1000 charged, 1000 back, 0 points
        crash before MileageCredited                         => cancelled (customer), 1000 charged, 1000 back, 0 points
        crash after MileageCredited                          => cancelled (customer), 1000 charged, 1000 back, 0 points
        crash before UndoStarted                             => cancelled (customer), 1000 charged, 1000 back, 0 points
        crash after UndoStarted                              => cancelled (customer), 1000 charged, 1000 back, 0 points
        crash before MileageTakenBack                        => cancelled (customer), 1000 charged, 1000 back, 0 points
        crash after MileageTakenBack                         => cancelled (customer), 1000 charged, 1000 back, 0 points
    "
    /// What is brought counts once.
    supply: "supply", DELIVERS => "
        nothing                                              => fulfilled, 0 charged, 0 back, 3 in stock
        the mileage is down                                  => fulfilled, 0 charged, 0 back, 3 in stock
        lost hold                                            => cancelled (hold_expired), 0 charged, 0 back, 2 in stock
        late hold                                            => cancelled (hold_expired), 0 charged, 0 back, 2 in stock
        lost supply                                          => fulfilled, 0 charged, 0 back, 3 in stock
        mended the next day, silence on supply               => fulfilled, 0 charged, 0 back, 3 in stock
        twice supply                                         => fulfilled, 0 charged, 0 back, 3 in stock
        late supply                                          => fulfilled, 0 charged, 0 back, 3 in stock
        overtaken supply                                     => fulfilled, 0 charged, 0 back, 3 in stock
        crash before OrderHeld                               => fulfilled, 0 charged, 0 back, 3 in stock
        crash after OrderHeld                                => fulfilled, 0 charged, 0 back, 3 in stock
        crash before OrderConfirmed                          => fulfilled, 0 charged, 0 back, 3 in stock
        crash after OrderConfirmed                           => fulfilled, 0 charged, 0 back, 3 in stock
        crash before OrderDelivered                          => fulfilled, 0 charged, 0 back, 3 in stock
        crash after OrderDelivered                           => fulfilled, 0 charged, 0 back, 3 in stock
        crash before StockReceived                           => fulfilled, 0 charged, 0 back, 3 in stock
        crash after StockReceived                            => fulfilled, 0 charged, 0 back, 3 in stock
        crash before OrderFulfilled                          => fulfilled, 0 charged, 0 back, 3 in stock
        crash after OrderFulfilled                           => fulfilled, 0 charged, 0 back, 3 in stock
    "
    /// Nobody says that it came.
    supply_never_comes: "supply", NOBODY => "
        nothing                                              => cancelled (not_delivered), 0 charged, 0 back, 2 in stock
        twice hold                                           => cancelled (not_delivered), 0 charged, 0 back, 2 in stock
        late confirm                                         => cancelled (confirmation_expired), 0 charged, 0 back, 2 in stock
        lost release                                         => cancelled (not_delivered), 0 charged, 0 back, 2 in stock
        silence on release                                   => stuck, then cancelled (not_delivered), 0 charged, 0 back, 2 in stock
        twice release                                        => cancelled (not_delivered), 0 charged, 0 back, 2 in stock
        late release                                         => cancelled (not_delivered), 0 charged, 0 back, 2 in stock
        crash before UndoStarted                             => cancelled (not_delivered), 0 charged, 0 back, 2 in stock
        crash after UndoStarted                              => cancelled (not_delivered), 0 charged, 0 back, 2 in stock
        crash before OrderReleased                           => cancelled (not_delivered), 0 charged, 0 back, 2 in stock
        crash after OrderReleased                            => cancelled (not_delivered), 0 charged, 0 back, 2 in stock
    "
    supply_cancelled: "supply", CANCELS_CONFIRMED => "
        nothing                                              => cancelled (customer), 0 charged, 0 back, 2 in stock
        lost release                                         => cancelled (customer), 0 charged, 0 back, 2 in stock
        crash before UndoStarted                             => cancelled (customer), 0 charged, 0 back, 2 in stock
        crash after UndoStarted                              => cancelled (customer), 0 charged, 0 back, 2 in stock
        crash before OrderReleased                           => cancelled (customer), 0 charged, 0 back, 2 in stock
        crash after OrderReleased                            => cancelled (customer), 0 charged, 0 back, 2 in stock
    "
    supply_confirmed_by_operator: "supply, operator", UNWILLING_OPERATOR => "
        nothing                                              => cancelled (rejected), 0 charged, 0 back, 2 in stock
        crash before ConfirmationRejected                    => cancelled (rejected), 0 charged, 0 back, 2 in stock
        crash after ConfirmationRejected                     => cancelled (rejected), 0 charged, 0 back, 2 in stock
    "
    /// The gateway has the money and says so when the time for it is over: the order takes it.
    late_money_is_taken: "retake", NOBODY => "
        nothing                                              => fulfilled, 1000 charged, 0 back
        late charge                                          => fulfilled, 1000 charged, 0 back
        silence on charge                                    => cancelled (payment_expired), 0 charged, 0 back
        lost charge                                          => cancelled (payment_expired), 0 charged, 0 back
        the gateway declines                                 => cancelled (payment_declined), 0 charged, 0 back
        the charge arrives late                              => fulfilled, 1000 charged, 0 back
        the gateway is silent                                => stuck, then cancelled (payment_expired), 0 charged, 0 back
        the gateway is down                                  => cancelled (payment_unavailable), 0 charged, 0 back
        its answers are lost                                 => fulfilled, 1000 charged, 0 back
        it takes the money and is silent                     => stuck, then fulfilled, 1000 charged, 0 back
        it takes the money and is silent for half an hour    => fulfilled, 1000 charged, 0 back
        it takes the money and is silent for half an hour, silence on settle => fulfilled, 1000 charged, 0 back
        it takes the money and is silent for half an hour, lost settle => fulfilled, 1000 charged, 0 back
        it takes the money and is silent for half an hour, twice settle => fulfilled, 1000 charged, 0 back
        it takes the money and is silent for half an hour, late settle => fulfilled, 1000 charged, 0 back
        it takes the money and is silent for half an hour, crash before UndoStarted => fulfilled, 1000 charged, 0 back
        it takes the money and is silent for half an hour, crash after UndoStarted => fulfilled, 1000 charged, 0 back
        it takes the money and is silent for half an hour, crash before SettleRequested => fulfilled, 1000 charged, 0 back
        it takes the money and is silent for half an hour, crash after SettleRequested => fulfilled, 1000 charged, 0 back
        it takes the money and is silent for half an hour, crash before PaymentUnanswered => fulfilled, 1000 charged, 0 back
        it takes the money and is silent for half an hour, crash before PaymentCaptured => fulfilled, 1000 charged, 0 back
        it takes the money and is silent for half an hour, crash after PaymentCaptured => fulfilled, 1000 charged, 0 back
        it takes the money and is silent for half an hour, crash before OrderRetaken => fulfilled, 1000 charged, 0 back
        it takes the money and is silent for half an hour, crash after OrderRetaken => fulfilled, 1000 charged, 0 back
    "
    /// The same, and the points come with it.
    late_money_and_its_points: "retake, points", NOBODY => "
        it takes the money and is silent for half an hour    => fulfilled, 1000 charged, 0 back, 10 points
        it takes the money and is silent                     => stuck, then fulfilled, 1000 charged, 0 back, 10 points
        it takes the money and is silent for half an hour, lost credit => cancelled (mileage_unavailable), 1000 charged, 1000 back, 0 points
        it takes the money and is silent for half an hour, twice settle => fulfilled, 1000 charged, 0 back, 10 points
        it takes the money and is silent for half an hour, crash before OrderRetaken => fulfilled, 1000 charged, 0 back, 10 points
        it takes the money and is silent for half an hour, crash after OrderRetaken => fulfilled, 1000 charged, 0 back, 10 points
        it takes the money and is silent for half an hour, crash before MileageCredited => fulfilled, 1000 charged, 0 back, 10 points
        it takes the money and is silent for half an hour, crash after MileageCredited => fulfilled, 1000 charged, 0 back, 10 points
        it takes the money and is silent for half an hour, crash before OrderPaid => fulfilled, 1000 charged, 0 back, 10 points
        it takes the money and is silent for half an hour, the mileage goes down at OrderRetaken => cancelled (mileage_unavailable), 1000 charged, 1000 back, 0 points
        it takes the money and is silent for half an hour, the mileage goes down at UndoStarted => fulfilled, 1000 charged, 0 back, 10 points
    "
    late_money_that_was_paid_later: "retake, pay later", NOBODY => "
        nothing                                              => fulfilled, 1000 charged, 0 back
        late charge                                          => fulfilled, 1000 charged, 0 back
        lost charge                                          => cancelled (payment_expired), 0 charged, 0 back
    "
    /// The customer cancels a minute after the time is over, while nobody knows: all goes back.
    late_money_and_cancel: "retake", CANCELS_UNDONE => "
        it takes the money and is silent for half an hour    => cancelled (customer), 1000 charged, 1000 back
        it takes the money and is silent                     => stuck, then cancelled (customer), 1000 charged, 1000 back
        it takes the money and is silent for half an hour, lost settle => cancelled (customer), 1000 charged, 1000 back
        it takes the money and is silent for half an hour, twice settle => cancelled (customer), 1000 charged, 1000 back
        it takes the money and is silent for half an hour, lost refund => cancelled (customer), 1000 charged, 1000 back
        it takes the money and is silent for half an hour, twice refund => cancelled (customer), 1000 charged, 1000 back
        it takes the money and is silent for half an hour, crash before SettleRequested => cancelled (customer), 1000 charged, 1000 back
        it takes the money and is silent for half an hour, crash after SettleRequested => cancelled (customer), 1000 charged, 1000 back
        it takes the money and is silent for half an hour, crash after VoidRequested => cancelled (customer), 1000 charged, 1000 back
        it takes the money and is silent for half an hour, crash before PaymentCaptured => cancelled (customer), 1000 charged, 1000 back
        it takes the money and is silent for half an hour, crash after PaymentCaptured => cancelled (customer), 1000 charged, 1000 back
        it takes the money and is silent for half an hour, crash before OrderRefunded => cancelled (customer), 1000 charged, 1000 back
    "
    /// A quarter comes back to who does not come.
    no_show: "no-show", DOES_NOT_COME => "
        nothing                                              => cancelled (no_show), 1000 charged, 250 back
        it keeps the money                                   => stuck, then cancelled (no_show), 1000 charged, 250 back
        lost refund                                          => cancelled (no_show), 1000 charged, 250 back
        twice refund                                         => cancelled (no_show), 1000 charged, 250 back
        lost release                                         => cancelled (no_show), 1000 charged, 250 back
        crash before UndoStarted                             => cancelled (no_show), 1000 charged, 250 back
        crash after UndoStarted                              => cancelled (no_show), 1000 charged, 250 back
        crash before RefundRequested                         => cancelled (no_show), 1000 charged, 250 back
        crash after PaymentRefunded                          => cancelled (no_show), 1000 charged, 250 back
        crash before OrderRefunded                           => cancelled (no_show), 1000 charged, 250 back
        crash after OrderReleased                            => cancelled (no_show), 1000 charged, 250 back
    "
    no_show_and_nothing_comes_back: "auto", DOES_NOT_COME => "
        nothing                                              => cancelled (no_show), 1000 charged, 0 back
        lost release                                         => cancelled (no_show), 1000 charged, 0 back
        crash after UndoStarted                              => cancelled (no_show), 1000 charged, 0 back
    "
    points_of_who_does_not_come: "points", DOES_NOT_COME => "
        nothing                                              => cancelled (no_show), 1000 charged, 0 back, 0 points
        crash before MileageTakenBack                        => cancelled (no_show), 1000 charged, 0 back, 0 points
    "
}

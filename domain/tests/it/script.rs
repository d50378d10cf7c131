//! Every step of an order's diagram (`saga/state.rs`), as a script that anybody can proofread.
//!
//! The last test collects the steps all scripts take and compares them with the diagram.

use std::collections::BTreeSet;

use surehold_domain::saga::Phase;

use crate::check::{Edge, check, edges};

/// The diagram of `saga/state.rs`, step by step: these and no others.
#[rustfmt::skip]
pub(crate) const DIAGRAM: [Edge; 25] = [
    (Phase::Holding, Phase::Refused),     // no room
    (Phase::Holding, Phase::Releasing),   // cancelled, no answer in time, gateway down and refuse, mileage down
    (Phase::Holding, Phase::Unpaid),      // pay later, gateway down and pay later
    (Phase::Holding, Phase::Paid),        // nothing to pay
    (Phase::Holding, Phase::Paying),      // held
    (Phase::Paying, Phase::Releasing),    // declined, gateway down and refuse
    (Phase::Paying, Phase::Unpaid),       // gateway down and pay later
    (Phase::Paying, Phase::Refunding),    // cancelled, no answer in time, no points
    (Phase::Paying, Phase::Paid),         // captured, and the points credited that come with it
    (Phase::Unpaid, Phase::Paying),       // pay
    (Phase::Unpaid, Phase::Releasing),    // cancelled, deadline
    (Phase::Paid, Phase::Refunding),      // rejected, cancelled, confirmation deadline
    (Phase::Paid, Phase::Releasing),      // the same, and nothing comes back
    (Phase::Paid, Phase::Confirmed),      // confirmed
    (Phase::Confirmed, Phase::Refunding), // cancelled, no-show
    (Phase::Confirmed, Phase::Releasing), // the same, and nothing comes back; not delivered
    (Phase::Confirmed, Phase::Fulfilled), // completed, and counted what it brings
    (Phase::Refunding, Phase::Releasing), // refunded
    (Phase::Refunding, Phase::Paid),      // the money came late, and the plan says retake
    (Phase::Refunding, Phase::Paying),    // the same, and points come with it
    (Phase::Refunding, Phase::Stuck),     // too many attempts
    (Phase::Releasing, Phase::Cancelled), // released
    (Phase::Releasing, Phase::Stuck),     // too many attempts
    (Phase::Stuck, Phase::Refunding),     // retry; cancelled while it was asked for late money
    (Phase::Stuck, Phase::Releasing),     // retry
];

macro_rules! scripts {
    ($($(#[doc = $story:literal])* $name:ident: $order:literal => $script:literal)*) => {
        $($(#[doc = $story])* #[test] fn $name() { check($order, $script); })*
        const SCRIPTS: &[(&str, &str)] = &[$(($order, $script)),*];
    };
}

#[test]
fn the_scripts_take_every_step_of_the_diagram_and_no_other() {
    let taken: BTreeSet<Edge> =
        SCRIPTS.iter().flat_map(|(order, script)| edges(order, script)).collect();
    let drawn = BTreeSet::from(DIAGRAM);
    let missing: Vec<_> = drawn.difference(&taken).collect();
    let extra: Vec<_> = taken.difference(&drawn).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:?}, extra {extra:?}");
}

scripts! {
    /// The way everything goes well.
    an_order_that_goes_well: "auto" => "
        placed                       => OrderPlaced -> holding, owes hold 1 of 1, until +30 s
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
        complete                     => OrderFulfilled -> fulfilled
    "
    /// Nobody says that it was delivered: it counts as delivered.
    fulfilled_by_time: "auto" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
        wake                         => OrderFulfilled -> fulfilled
        wake                         => ignored: NotDue
        complete                     => refused: an order that is fulfilled cannot be completed
        cancel                       => refused: an order that is fulfilled cannot be cancelled
    "
    /// Nothing is left.
    no_room: "auto" => "
        no room                      => OrderRefused (no_room) -> refused
        held, late                   => ignored: NotOutstanding
        cancel                       => refused: an order that is refused cannot be cancelled
        wake                         => ignored: NotDue
    "
    the_offering_is_closed: "auto" => "
        closed                       => OrderRefused (offering_closed) -> refused
    "
    /// The inventory does not answer. Its late yes is no longer wanted.
    no_answer_from_the_inventory: "auto" => "
        wake +29 s                   => ignored: NotDue
        wake +1 s                    => UndoStarted (hold_expired) -> releasing, owes release of 1, until +2 s
        held, late                   => ignored: NotOutstanding
        released                     => OrderReleased -> cancelled
    "
    cancelled_while_holding: "auto" => "
        cancel changed my mind       => UndoStarted (customer: changed my mind) -> releasing, owes release of 1, until +2 s
        held, late                   => ignored: NotOutstanding
        released                     => OrderReleased -> cancelled
        cancel again                 => refused: an order that is cancelled cannot be cancelled
    "
    declined: "auto" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        declined no money            => UndoStarted (payment_declined: no money) -> releasing, owes release of 1, until +2 s
        captured, late               => ignored: NotOutstanding
        released                     => OrderReleased -> cancelled
        released, late               => ignored: NotOutstanding
    "
    /// The gateway says nothing until the hold is over: what may have been charged goes back.
    the_money_does_not_arrive: "auto" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        wake +14 min                 => ignored: NotDue
        wake +1 min                  => UndoStarted (payment_expired) -> refunding, owes refund 1 of all charged, until +2 s
        captured, late               => ignored: NotOutstanding
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    /// The same, and nothing had been charged.
    the_money_was_never_taken: "auto" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        wake                         => UndoStarted (payment_expired) -> refunding, owes refund 1 of all charged, until +2 s
        refunded 0                   => OrderRefunded (0 EUR) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    cancelled_while_paying: "auto" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        cancel                       => UndoStarted (customer) -> refunding, owes refund 1 of all charged, until +2 s
        captured, late               => ignored: NotOutstanding
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    the_gateway_is_known_to_be_down: "auto" => "
        held payments down           => OrderHeld (payment_unavailable) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    the_gateway_turns_out_to_be_down: "auto" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        unavailable                  => UndoStarted (payment_unavailable) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    /// The plan says: keep the units and let the customer pay later.
    down_and_pay_later: "unavailable: pay later" => "
        held payments down           => OrderHeld -> unpaid, until +1 h
        pay +59 min                  => PaymentRequested -> paying, owes charge 1 of 1000 EUR, until +15 min
        unavailable                  => PaymentDeferred -> unpaid, until +16 min
        pay +10 min                  => PaymentRequested -> paying, owes charge 2 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
        complete                     => OrderFulfilled -> fulfilled
    "
    down_and_never_paid: "unavailable: pay later" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        unavailable                  => PaymentDeferred -> unpaid, until +1 h
        wake                         => UndoStarted (unpaid) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    pays_later: "pay later" => "
        held                         => OrderHeld -> unpaid, until +2 d
        pay                          => PaymentRequested -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
    "
    never_pays: "pay later" => "
        held                         => OrderHeld -> unpaid, until +2 d
        wake +47 h                   => ignored: NotDue
        wake +1 h                    => UndoStarted (unpaid) -> releasing, owes release of 1, until +2 s
        pay                          => refused: an order that is releasing cannot be paid
        released                     => OrderReleased -> cancelled
    "
    cancelled_unpaid: "pay later" => "
        held                         => OrderHeld -> unpaid, until +2 d
        cancel too dear              => UndoStarted (customer: too dear) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    /// Nothing to pay, so nothing to refund.
    free_of_charge: "free" => "
        held                         => OrderHeld -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
        cancel                       => UndoStarted (customer) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    /// A price of nothing is nothing to pay.
    a_price_of_nothing: "no price" => "
        held                         => OrderHeld -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
    "
    free_and_rejected: "free, operator" => "
        held                         => OrderHeld -> paid, owes confirm 1 by operator, until +7 d
        awaited                      => ConfirmationAwaited -> paid, until +7 d
        rejected fully booked        => UndoStarted (rejected: fully booked) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    the_operator_says_yes: "operator" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1 by operator, until +7 d
        awaited                      => ConfirmationAwaited -> paid, until +7 d
        awaited                      => ignored: AlreadySo
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
    "
    the_operator_says_no: "operator" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1 by operator, until +7 d
        awaited                      => ConfirmationAwaited -> paid, until +7 d
        rejected closed that day     => UndoStarted (rejected: closed that day) -> refunding, owes refund 1 of 1000 EUR, until +2 s
        confirmed, late              => ignored: NotOutstanding
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    /// Nobody speaks in time: the waiting confirmation is taken out of the queue at the end.
    the_operator_says_nothing: "operator" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1 by operator, until +7 d
        awaited                      => ConfirmationAwaited -> paid, until +7 d
        wake                         => UndoStarted (confirmation_expired) -> refunding, owes refund 1 of 1000 EUR, until +2 s
        confirmed, late              => ignored: NotOutstanding
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> releasing, owes withdraw 1, until +2 s
        withdrawn                    => ConfirmationWithdrawn -> cancelled
    "
    /// The plan says that silence is a yes; the confirmations are asked until they say so.
    silence_is_a_yes: "operator, then yes" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1 by operator, until +7 d
        awaited                      => ConfirmationAwaited -> paid, until +7 d
        wake                         => ConfirmationDemanded -> paid, owes confirm 1 now, until +5 min
        awaited                      => ignored: AlreadySo
        wake                         => ConfirmationDemanded -> paid, owes confirm 1 now, until +1 h
        wake                         => ConfirmationDemanded -> paid, owes confirm 1 now, until +1 h
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
    "
    /// The customer cancels while the operator has not spoken.
    cancelled_while_waiting: "operator" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1 by operator, until +7 d
        awaited                      => ConfirmationAwaited -> paid, until +7 d
        cancel                       => UndoStarted (customer) -> refunding, owes refund 1 of 1000 EUR, until +2 s
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> releasing, owes withdraw 1, until +2 s
        withdrawn                    => ConfirmationWithdrawn -> cancelled
    "
    cancelled_once_confirmed: "auto" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
        cancel                       => UndoStarted (customer) -> refunding, owes refund 1 of 1000 EUR, until +2 s
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    /// All comes back until 48 hours before the start, half until 24 hours before.
    refunds_by_the_time_left: "tiers" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +2260 h
        quote +1 h                   => CancellationQuoted (5: 1000 EUR back) -> confirmed, until +2259 h
        quote +52 h                  => CancellationQuoted (6: 500 EUR back) -> confirmed, until +2207 h
        quote +24 h                  => CancellationQuoted (7: 0 EUR back) -> confirmed, until +2183 h
        cancel                       => UndoStarted (customer) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    half_comes_back: "tiers" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +2260 h
        cancel +60 h                 => UndoStarted (customer) -> refunding, owes refund 1 of 500 EUR, until +2 s
        refunded 500                 => OrderRefunded (500 EUR) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    /// A quote holds for a quarter of an hour, even across the hour at which it gets dearer.
    a_quote_is_honoured: "tiers" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +2260 h
        quote +52 h                  => CancellationQuoted (5: 1000 EUR back) -> confirmed, until +92 d
        quote                        => CancellationQuoted (6: 1000 EUR back) -> confirmed, until +92 d
        cancel by quote 5 +5 min     => refused: the quote is unknown or no longer holds; ask for a new one
        cancel by quote 6            => UndoStarted (customer) -> refunding, owes refund 1 of 1000 EUR, until +2 s
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    a_quote_runs_out: "tiers" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +2260 h
        quote                        => CancellationQuoted (5: 1000 EUR back) -> confirmed, until +2260 h
        cancel by quote 5 +16 min    => refused: the quote is unknown or no longer holds; ask for a new one
        cancel by quote 99           => refused: the quote is unknown or no longer holds; ask for a new one
    "
    /// Late in the tiers nothing comes back: the units do, and so does the waiting confirmation.
    nothing_comes_back_of_a_paid_order: "tiers" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1, until +7 d
        awaited                      => ConfirmationAwaited -> paid, until +7 d
        cancel +90 h                 => UndoStarted (customer) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> releasing, owes withdraw 1, until +2 s
        withdrawn                    => ConfirmationWithdrawn -> cancelled
    "
    /// What was annotated twice changes nothing the second time.
    annotated: "auto" => "
        annotate gift                => OrderAnnotated -> holding, owes hold 1 of 1, until +30 s
        annotate gift                => ignored: AlreadySo
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured, late               => ignored: NotOutstanding
    "
    commands_that_do_not_fit: "auto" => "
        pay                          => refused: an order that is holding cannot be paid
        complete                     => refused: an order that is holding cannot be completed
        retry                        => ignored: AlreadySo
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        pay                          => refused: an order that is paying cannot be paid
        complete                     => refused: an order that is paying cannot be completed
        confirmed                    => ignored: NoAnswer
    "
    /// Money that cannot go back: eighteen attempts, then a person looks; then it goes on.
    a_refund_gets_stuck: "auto" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
        cancel                       => UndoStarted (customer) -> refunding, owes refund 1 of 1000 EUR, until +2 s
        wake                         => UndoRetried (attempt 2) -> refunding, owes refund 1 of 1000 EUR, until +4 s
        wake                         => UndoRetried (attempt 3) -> refunding, owes refund 1 of 1000 EUR, until +8 s
        wake                         => UndoRetried (attempt 4) -> refunding, owes refund 1 of 1000 EUR, until +16 s
        wake x5                      => UndoRetried (attempt 9) -> refunding, owes refund 1 of 1000 EUR, until +5 min
        wake x9                      => UndoRetried (attempt 18) -> refunding, owes refund 1 of 1000 EUR, until +5 min
        wake                         => OrderStuck -> stuck, until +1 h
        refunded 1000, late          => ignored: NotOutstanding
        cancel                       => ignored: AlreadySo
        quote                        => refused: an order that is stuck cannot be quoted a cancellation
        pay                          => refused: an order that is stuck cannot be paid
        complete                     => refused: an order that is stuck cannot be completed
        retry                        => OrderResumed -> refunding, owes refund 1 of 1000 EUR, until +2 s
        retry                        => ignored: AlreadySo
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    /// Units that cannot go back; a stuck order tries again by itself.
    a_release_gets_stuck: "auto" => "
        cancel                       => UndoStarted (customer) -> releasing, owes release of 1, until +2 s
        wake x17                     => UndoRetried (attempt 18) -> releasing, owes release of 1, until +5 min
        wake                         => OrderStuck -> stuck, until +1 h
        released, late               => ignored: NotOutstanding
        wake                         => OrderResumed -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    /// The answer to an attempt that was given up does not count; the answer to the latest does.
    only_the_latest_attempt_counts: "auto" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1, until +7 d
        cancel                       => UndoStarted (customer) -> refunding, owes refund 1 of 1000 EUR, until +2 s
        wake                         => UndoRetried (attempt 2) -> refunding, owes refund 1 of 1000 EUR, until +4 s
        refunded 1000, late          => ignored: NotOutstanding
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        released, late               => ignored: NotOutstanding
        released                     => OrderReleased -> releasing, owes withdraw 1, until +2 s
        withdrawn                    => ConfirmationWithdrawn -> cancelled
    "
    /// It cannot be stuck a second time by the same attempts: after a retry they count from one.
    a_withdrawal_gets_stuck: "free, operator" => "
        held                         => OrderHeld -> paid, owes confirm 1 by operator, until +7 d
        awaited                      => ConfirmationAwaited -> paid, until +7 d
        cancel                       => UndoStarted (customer) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> releasing, owes withdraw 1, until +2 s
        wake x18                     => OrderStuck -> stuck, until +1 h
        retry                        => OrderResumed -> releasing, owes withdraw 1, until +2 s
        wake                         => UndoRetried (attempt 2) -> releasing, owes withdraw 1, until +4 s
        withdrawn                    => ConfirmationWithdrawn -> cancelled
    "
    /// What is no answer to what was asked changes nothing.
    answers_to_another_question: "auto" => "
        captured                     => ignored: NoAnswer
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        held                         => ignored: NoAnswer
        released                     => ignored: NoAnswer
        captured                     => OrderPaid -> paid, owes confirm 1, until +7 d
        refunded 1000                => ignored: NoAnswer
        declined no money            => ignored: NoAnswer
        cancel                       => UndoStarted (customer) -> refunding, owes refund 1 of 1000 EUR, until +2 s
        released                     => ignored: NoAnswer
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        refunded 1000                => ignored: NoAnswer
        withdrawn                    => ignored: NoAnswer
        released                     => OrderReleased -> releasing, owes withdraw 1, until +2 s
        released                     => ignored: NoAnswer
        withdrawn                    => ConfirmationWithdrawn -> cancelled
    "
    /// A payment that is down is no answer where nothing is asked for yet.
    /// The gateway answers again: an order whose card is known is paid with it, once. A number is
    /// given only to one that waits for that.
    the_gateway_comes_back: "unavailable: pay later" => "
        held payments down           => OrderHeld -> unpaid, until +1 h
        payments back                => ignored: AlreadySo
        pay                          => PaymentRequested -> paying, owes charge 1 of 1000 EUR, until +15 min
        payments back                => ignored: AlreadySo
        unavailable                  => PaymentDeferred -> unpaid, until +1 h
        payments back +10 min        => PaymentResumed -> paying, owes charge 2 of 1000 EUR, until +15 min
        payments back                => ignored: AlreadySo
        unavailable                  => PaymentDeferred -> unpaid, until +1 h
        payments back                => PaymentResumed -> paying, owes charge 3 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1, until +7 d
        payments back                => ignored: AlreadySo
    "
    /// Where the customer pays later anyway, nobody is charged who did not try to pay.
    the_gateway_comes_back_and_nobody_asked_for_it: "pay later" => "
        held                         => OrderHeld -> unpaid, until +2 d
        payments back                => ignored: AlreadySo
        pay                          => PaymentRequested -> paying, owes charge 1 of 1000 EUR, until +15 min
    "
    the_gateway_does_not_matter_yet: "pay later" => "
        held payments down           => ignored: NoAnswer
        held                         => OrderHeld -> unpaid, until +2 d
        unavailable                  => ignored: NotOutstanding
    "
    /// The points come with the payment: the order is paid for once they are there.
    points_are_credited: "points" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderCharged -> paying, owes credit of 10 points, until +15 min
        captured                     => ignored: NoAnswer
        captured, late               => ignored: NotOutstanding
        complete                     => refused: an order that is paying cannot be completed
        pay                          => refused: an order that is paying cannot be paid
        retry                        => ignored: AlreadySo
        credited                     => OrderPaid -> paid, owes confirm 1, until +7 d
        credited                     => ignored: NoAnswer
        credited, late               => ignored: NotOutstanding
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
        complete                     => OrderFulfilled -> fulfilled
    "
    /// Known before any money moves: nothing is charged.
    the_mileage_is_known_to_be_down: "points" => "
        held mileage down            => OrderHeld (mileage_unavailable) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    /// Found out too late: all that was charged goes back.
    the_mileage_turns_out_to_be_down: "points" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderCharged -> paying, owes credit of 10 points, until +15 min
        not credited                 => UndoStarted (mileage_unavailable) -> refunding, owes refund 1 of 1000 EUR, until +2 s
        credited, late               => ignored: NotOutstanding
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    /// The mileage says nothing until the hold is over. It begins anew with the charge.
    the_points_do_not_arrive: "points" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured +10 min             => OrderCharged -> paying, owes credit of 10 points, until +15 min
        wake +14 min                 => ignored: NotDue
        wake +1 min                  => UndoStarted (mileage_unavailable) -> refunding, owes refund 1 of 1000 EUR, until +2 s
        credited, late               => ignored: NotOutstanding
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    cancelled_while_crediting: "points" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderCharged -> paying, owes credit of 10 points, until +15 min
        cancel                       => UndoStarted (customer) -> refunding, owes refund 1 of 1000 EUR, until +2 s
        credited, late               => ignored: NotOutstanding
        not credited, late           => ignored: NotOutstanding
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    points_of_an_order_that_waits_for_the_operator: "points, operator" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderCharged -> paying, owes credit of 10 points, until +15 min
        credited                     => OrderPaid -> paid, owes confirm 1 by operator, until +7 d
        awaited                      => ConfirmationAwaited -> paid, until +7 d
        rejected fully booked        => UndoStarted (rejected: fully booked) -> refunding, owes refund 1 of 1000 EUR, until +2 s
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    /// Nothing is asked for while the customer has still to pay, so the mileage does not matter yet.
    points_of_an_order_that_is_paid_later: "points, pay later" => "
        held mileage down            => ignored: NoAnswer
        held                         => OrderHeld -> unpaid, until +2 d
        credited                     => ignored: NotOutstanding
        pay                          => PaymentRequested -> paying, owes charge 1 of 1000 EUR, until +15 min
        credited                     => ignored: NoAnswer
        not credited                 => ignored: NoAnswer
        captured                     => OrderCharged -> paying, owes credit of 10 points, until +15 min
        not credited                 => UndoStarted (mileage_unavailable) -> refunding, owes refund 1 of 1000 EUR, until +2 s
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    /// Nothing to pay, so no points that come with the payment: they follow.
    points_without_a_price: "points, no price" => "
        held mileage down            => ignored: NoAnswer
        held                         => OrderHeld -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
        complete                     => OrderFulfilled -> fulfilled
    "
    /// The points follow: the order waits for nobody.
    points_that_come_afterwards: "points afterwards" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1, until +7 d
        credited                     => ignored: NoAnswer
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
        complete                     => OrderFulfilled -> fulfilled
    "
    /// Somebody brings something: it costs nothing, and counts once it is there.
    supplied: "supply" => "
        placed                       => OrderPlaced -> holding, owes hold 1 of 1, until +30 s
        held                         => OrderHeld -> paid, owes confirm 1, until +7 d
        complete                     => refused: an order that is paid cannot be completed
        supplied                     => ignored: NoAnswer
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
        supplied                     => ignored: NotOutstanding
        complete                     => OrderDelivered -> confirmed, owes supply 1 of 1, until +5 min
        supplied                     => OrderFulfilled -> fulfilled
        supplied, late               => ignored: NotOutstanding
        complete                     => refused: an order that is fulfilled cannot be completed
    "
    /// What is there is there: it is neither brought twice nor taken away again.
    supplied_and_completed_again: "supply" => "
        held                         => OrderHeld -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
        complete                     => OrderDelivered -> confirmed, owes supply 1 of 1, until +5 min
        complete                     => ignored: AlreadySo
        cancel                       => refused: an order that is confirmed cannot be cancelled
        quote                        => refused: an order that is confirmed cannot be quoted a cancellation
        released                     => ignored: NoAnswer
        confirmed                    => ignored: NoAnswer
        supplied                     => OrderFulfilled -> fulfilled
        complete                     => refused: an order that is fulfilled cannot be completed
    "
    /// The inventory says nothing: it is asked until it does, and only its last answer counts.
    supplied_late: "supply" => "
        held                         => OrderHeld -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
        complete                     => OrderDelivered -> confirmed, owes supply 1 of 1, until +5 min
        wake +4 min                  => ignored: NotDue
        wake +1 min                  => OrderDelivered -> confirmed, owes supply 1 of 1, until +1 h
        supplied, late               => ignored: NotOutstanding
        wake x99                     => OrderDelivered -> confirmed, owes supply 1 of 1, until +1 h
        supplied, late               => ignored: NotOutstanding
        supplied                     => OrderFulfilled -> fulfilled
    "
    /// Nobody says that it arrived: other than what was sold, it does not count as delivered.
    never_delivered: "supply" => "
        held                         => OrderHeld -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
        wake +89 d                   => ignored: NotDue
        wake +1 d                    => UndoStarted (not_delivered) -> releasing, owes release of 1, until +2 s
        complete                     => refused: an order that is releasing cannot be completed
        supplied                     => ignored: NoAnswer
        released                     => OrderReleased -> cancelled
        complete                     => refused: an order that is cancelled cannot be completed
    "
    a_supply_is_cancelled: "supply" => "
        held                         => OrderHeld -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
        cancel the ship sank         => UndoStarted (customer: the ship sank) -> releasing, owes release of 1, until +2 s
        complete                     => refused: an order that is releasing cannot be completed
        released                     => OrderReleased -> cancelled
    "
    a_supply_is_not_wanted: "supply, operator" => "
        held                         => OrderHeld -> paid, owes confirm 1 by operator, until +7 d
        awaited                      => ConfirmationAwaited -> paid, until +7 d
        rejected the shelf is full   => UndoStarted (rejected: the shelf is full) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    /// An offering that is not counted as stock takes no supplies.
    a_supply_of_the_wrong_kind: "supply" => "
        wrong claim                  => OrderRefused (wrong_claim) -> refused
    "
    /// The money came while nobody knew: the order was not yet undone, so it takes it and goes on.
    late_money_is_taken: "retake" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        wake                         => UndoStarted (payment_expired) -> refunding, owes word of 1, until +2 s
        declined no money            => ignored: NoAnswer
        captured, late               => ignored: NotOutstanding
        wake                         => UndoRetried (attempt 2) -> refunding, owes word of 1, until +4 s
        captured, late               => ignored: NotOutstanding
        captured                     => OrderRetaken -> paid, owes confirm 1, until +7 d
        captured                     => ignored: NoAnswer
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
        complete                     => OrderFulfilled -> fulfilled
    "
    /// It never came: the rest is undone.
    late_money_that_never_comes: "retake" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        wake                         => UndoStarted (payment_expired) -> refunding, owes word of 1, until +2 s
        released                     => ignored: NoAnswer
        refunded 0                   => OrderRefunded (0 EUR) -> releasing, owes release of 1, until +2 s
        captured                     => ignored: NoAnswer
        captured, late               => ignored: NotOutstanding
        released                     => OrderReleased -> cancelled
        captured, late               => ignored: NotOutstanding
    "
    /// Who cancels while it is asked does not want it taken any more, and says so once.
    late_money_of_who_cancels_meanwhile: "retake" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        wake                         => UndoStarted (payment_expired) -> refunding, owes word of 1, until +2 s
        cancel took too long         => UndoStarted (customer: took too long) -> refunding, owes refund 1 of all charged, until +2 s
        captured, late               => ignored: NotOutstanding
        captured                     => ignored: NoAnswer
        cancel again                 => ignored: AlreadySo
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        cancel                       => ignored: AlreadySo
        released                     => OrderReleased -> cancelled
    "
    /// The customer was first: late money goes back whatever the plan says.
    late_money_of_who_cancelled_before: "retake" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        cancel                       => UndoStarted (customer) -> refunding, owes refund 1 of all charged, until +2 s
        captured                     => ignored: NoAnswer
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    /// Nobody knows for an hour, and a person looks: the units are held all the while.
    late_money_of_a_stuck_order: "retake" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        wake                         => UndoStarted (payment_expired) -> refunding, owes word of 1, until +2 s
        wake x18                     => OrderStuck -> stuck, until +1 h
        captured, late               => ignored: NotOutstanding
        retry                        => OrderResumed -> refunding, owes word of 1, until +2 s
        captured                     => OrderRetaken -> paid, owes confirm 1, until +7 d
    "
    late_money_of_a_stuck_order_that_is_cancelled: "retake" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        wake                         => UndoStarted (payment_expired) -> refunding, owes word of 1, until +2 s
        wake x18                     => OrderStuck -> stuck, until +1 h
        cancel                       => UndoStarted (customer) -> refunding, owes refund 1 of all charged, until +2 s
        cancel                       => ignored: AlreadySo
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    late_money_and_its_points: "retake, points" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        wake                         => UndoStarted (payment_expired) -> refunding, owes word of 1, until +2 s
        captured                     => OrderRetaken -> paying, owes credit of 10 points, until +15 min
        captured                     => ignored: NoAnswer
        credited                     => OrderPaid -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
    "
    late_money_without_its_points: "retake, points" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        wake                         => UndoStarted (payment_expired) -> refunding, owes word of 1, until +2 s
        captured                     => OrderRetaken -> paying, owes credit of 10 points, until +15 min
        not credited                 => UndoStarted (mileage_unavailable) -> refunding, owes refund 1 of 1000 EUR, until +2 s
        captured                     => ignored: NoAnswer
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    late_money_that_was_to_be_paid_later: "retake, pay later" => "
        held                         => OrderHeld -> unpaid, until +2 d
        pay                          => PaymentRequested -> paying, owes charge 1 of 1000 EUR, until +15 min
        wake                         => UndoStarted (payment_expired) -> refunding, owes word of 1, until +2 s
        pay                          => refused: an order that is refunding cannot be paid
        captured                     => OrderRetaken -> paid, owes confirm 1, until +7 d
    "
    late_money_after_another_attempt: "retake, unavailable: pay later" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        unavailable                  => PaymentDeferred -> unpaid, until +1 h
        pay                          => PaymentRequested -> paying, owes charge 2 of 1000 EUR, until +15 min
        wake                         => UndoStarted (payment_expired) -> refunding, owes word of 2, until +2 s
        payments back                => ignored: AlreadySo
        captured                     => OrderRetaken -> paid, owes confirm 1, until +7 d
    "
    /// What was booked began while the gateway was silent: nobody pays for what went by.
    late_money_for_what_went_by: "retake, tiers" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        wake                         => UndoStarted (payment_expired) -> refunding, owes word of 1, until +2 s
        captured +101 h              => UndoStarted (payment_expired) -> refunding, owes refund 1 of all charged, until +2 s
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    /// A quarter comes back to who does not come; said twice, it is said once.
    the_customer_does_not_come: "no-show, with a start" => "
        no-show                      => refused: an order that is holding cannot be a no-show
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1, until +7 d
        no-show                      => refused: an order that is paid cannot be a no-show
        confirmed                    => OrderConfirmed -> confirmed, until +2162 h
        no-show +119 min             => refused: what was booked has not begun
        no-show waited an hour +1 min => UndoStarted (no_show: waited an hour) -> refunding, owes refund 1 of 250 EUR, until +2 s
        no-show waited two hours     => ignored: AlreadySo
        cancel                       => ignored: AlreadySo
        complete                     => refused: an order that is refunding cannot be completed
        refunded 250                 => OrderRefunded (250 EUR) -> releasing, owes release of 1, until +2 s
        no-show                      => ignored: AlreadySo
        released                     => OrderReleased -> cancelled
        no-show waited an hour       => ignored: AlreadySo
        cancel                       => refused: an order that is cancelled cannot be cancelled
    "
    /// What begins at no time may not be fetched from its confirmation on; without a word of the
    /// plan, nothing comes back.
    what_nobody_fetched: "auto" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
        no-show                      => UndoStarted (no_show) -> releasing, owes release of 1, until +2 s
        released                     => OrderReleased -> cancelled
    "
    nobody_is_missing_who_cancelled: "no-show, with a start" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +2162 h
        cancel                       => UndoStarted (customer) -> refunding, owes refund 1 of 1000 EUR, until +2 s
        no-show +2 h                 => refused: an order that is refunding cannot be a no-show
        refunded 1000                => OrderRefunded (1000 EUR) -> releasing, owes release of 1, until +2 s
        no-show                      => refused: an order that is releasing cannot be a no-show
        released                     => OrderReleased -> cancelled
        no-show                      => refused: an order that is cancelled cannot be a no-show
    "
    nobody_is_missing_who_came: "no-show, with a start" => "
        held                         => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
        captured                     => OrderPaid -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +2162 h
        complete +3 h                => OrderFulfilled -> fulfilled
        no-show                      => refused: an order that is fulfilled cannot be a no-show
    "
    nobody_is_expected_with_a_supply: "supply" => "
        held                         => OrderHeld -> paid, owes confirm 1, until +7 d
        confirmed                    => OrderConfirmed -> confirmed, until +90 d
        no-show                      => refused: an order that brings stock cannot be a no-show; cancel it
        complete                     => OrderDelivered -> confirmed, owes supply 1 of 1, until +5 min
        no-show                      => refused: an order that brings stock cannot be a no-show; cancel it
    "
}

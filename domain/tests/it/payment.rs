//! The payment, as scripts: what a gateway says, and what becomes of the money.
//!
//! `machines` has the harness. A line ends with what the gateway owes the payment, and when.

use surehold_domain::id::PaymentId;
use surehold_domain::payment::{self, Answer, Effect, Payment};
use surehold_domain::time::{Span, Timestamp};

use crate::check::{START, euro, key, lines, span};
use crate::machines::{Steps, check, scripts, takes_exactly};

#[test]
fn the_scripts_take_every_step_of_a_payment_and_no_other() {
    let drawn = [
        ("pending", "captured"),
        ("pending", "declined"),
        ("pending", "unknown"),
        ("pending", "voiding"),
        ("unknown", "captured"),
        ("unknown", "declined"),
        ("unknown", "pending"),
        ("unknown", "voiding"),
        ("captured", "refunding"),
        ("pending", "settling"),
        ("unknown", "settling"),
        ("settling", "captured"),
        ("settling", "declined"),
        ("settling", "voided"),
        ("settling", "voiding"),
        ("voiding", "refunding"),
        ("voided", "refunding"),
        ("declined", "refunding"),
        ("voiding", "voided"),
        ("refunding", "refunded"),
    ];
    takes_exactly(&drawn, PAYMENTS, play_payment);
}

fn payment_state(payment: &Payment) -> &'static str {
    match payment.state() {
        payment::State::Pending => "pending",
        payment::State::Unknown { .. } => "unknown",
        payment::State::Captured => "captured",
        payment::State::Declined(_) => "declined",
        payment::State::Voiding { .. } => "voiding",
        payment::State::Refunding { .. } => "refunding",
        payment::State::Settling { .. } => "settling",
        payment::State::Voided => "voided",
        payment::State::Refunded(_) => "refunded",
    }
}

fn play_payment(_: &str, script: &str) -> (Vec<String>, Steps) {
    let requested = payment::Event::Requested { order: key(1), amount: euro(1000), card: None };
    let mut facts = vec![payment::Fact { at: START, event: requested }];
    let mut payment = Payment::begin(PaymentId(1), &facts[0]).expect("it begins a payment");
    let (mut now, mut steps) = (START, Steps::new());
    let mut say = |line: &str| {
        let (line, pass) = line.rsplit_once('+').unwrap_or((line, "0 s"));
        now = now.plus(span(pass));
        let payment::Verdict::Record(event) = payment.decide(payment_input(line.trim()), now)
        else {
            return "ignored".to_owned();
        };
        let before = payment_state(&payment);
        let name = event.name();
        facts.push(payment::Fact { at: now, event });
        payment.apply(facts.last().expect("a fact"));
        let mut replayed = Payment::begin(PaymentId(1), &facts[0]).expect("the same");
        facts[1..].iter().for_each(|fact| replayed.apply(fact));
        assert_eq!(replayed, payment, "replayed and live are not the same");
        let after = payment_state(&payment);
        if before != after {
            steps.insert((before, after));
        }
        format!("{name} -> {after}{}", owed(&payment, now))
    };
    let said = lines(script).map(|(line, _)| say(line)).collect();
    (said, steps)
}

fn payment_input(line: &str) -> payment::Input {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let amount = || euro(rest.parse().expect("an amount"));
    payment::Input::Answer(match (word, rest) {
        ("refund", "all") => return payment::Input::Refund(None),
        ("refund", _) => return payment::Input::Refund(Some(amount())),
        ("settle", _) => return payment::Input::Settle,
        ("captured", _) => Answer::Captured,
        ("declined", _) => Answer::Declined(rest.to_owned()),
        ("no", "answer") => Answer::Unknown("timeout".to_owned()),
        ("not", "found") => Answer::NotFound,
        ("refunded", _) => Answer::Refunded(amount()),
        _ => panic!("no input is called \"{line}\""),
    })
}

fn owed(payment: &Payment, now: Timestamp) -> String {
    let Some((effect, at)) = payment.effect() else { return String::new() };
    let when = match at.since(now) {
        Span(0) => "now".to_owned(),
        later => format!("in {later}"),
    };
    match effect {
        Effect::Capture => format!(", capture {when}"),
        Effect::Ask => format!(", ask {when}"),
        Effect::Refund(amount) => format!(", refund {amount} {when}"),
    }
}

scripts! { PAYMENTS, play_payment;
    money_comes: "payment" => "
        captured                     => PaymentCaptured -> captured
        captured                     => ignored
        no answer                    => ignored
        declined no money            => ignored
        not found                    => ignored
        refunded 1000                => ignored
    "
    money_comes_and_half_goes_back: "payment" => "
        captured                     => PaymentCaptured -> captured
        refund 500                   => RefundRequested -> refunding, refund 500 EUR now
        refund 500                   => ignored
        refunded 500                 => PaymentRefunded -> refunded
        refunded 500                 => ignored
        refund all                   => ignored
    "
    a_declined_card: "payment" => "
        declined no money            => PaymentDeclined -> declined
        refund all                   => ignored
        not found                    => ignored
    "
    /// Silence is not a no: the gateway is asked, under the same key, ever less often.
    a_gateway_that_is_silent: "payment" => "
        no answer                    => PaymentUnanswered -> unknown, ask in 1 s
        no answer                    => PaymentUnanswered -> unknown, ask in 2 s
        no answer                    => PaymentUnanswered -> unknown, ask in 4 s
        no answer                    => PaymentUnanswered -> unknown, ask in 8 s
        no answer                    => PaymentUnanswered -> unknown, ask in 16 s
        no answer                    => PaymentUnanswered -> unknown, ask in 32 s
        no answer                    => PaymentUnanswered -> unknown, ask in 1 min
        no answer                    => PaymentUnanswered -> unknown, ask in 1 min
        captured                     => PaymentCaptured -> captured
    "
    silence_then_a_no: "payment" => "
        no answer                    => PaymentUnanswered -> unknown, ask in 1 s
        declined no money            => PaymentDeclined -> declined
    "
    /// The charge got lost on its way: it is sent again, under the same key.
    a_charge_that_got_lost: "payment" => "
        no answer                    => PaymentUnanswered -> unknown, ask in 1 s
        not found +1 s               => PaymentNotFound -> pending, capture now
        no answer                    => PaymentUnanswered -> unknown, ask in 1 s
        not found +1 s               => PaymentNotFound -> pending, capture now
        captured                     => PaymentCaptured -> captured
    "
    /// Undone before the outcome is known: a charge that went through goes back.
    undone_in_the_dark: "payment" => "
        refund all                   => VoidRequested -> voiding, ask now
        captured                     => PaymentCaptured -> refunding, refund 1000 EUR now
        captured                     => ignored
        no answer                    => PaymentUnanswered -> refunding, refund 1000 EUR in 1 s
        no answer                    => PaymentUnanswered -> refunding, refund 1000 EUR in 2 s
        refunded 1000                => PaymentRefunded -> refunded
    "
    /// Undone before the outcome is known: nothing is void while a charge may be on its way.
    undone_and_never_charged: "payment" => "
        no answer                    => PaymentUnanswered -> unknown, ask in 1 s
        refund all +1 s              => VoidRequested -> voiding, ask now
        not found                    => PaymentUnanswered -> voiding, ask in 1 s
        not found +28 s              => PaymentUnanswered -> voiding, ask in 2 s
        no answer +2 s               => PaymentUnanswered -> voiding, ask in 4 s
        not found                    => PaymentVoided -> voided
        not found                    => ignored
        refund all                   => ignored
    "
    /// The charge was asked for long ago but may have been sent a moment ago: it waited for its
    /// turn, or was sent again after a crash. The quiet time counts from when no more is sent.
    undone_long_after_it_was_asked_for: "payment" => "
        refund all +40 s             => VoidRequested -> voiding, ask now
        not found                    => PaymentUnanswered -> voiding, ask in 1 s
        not found +29 s              => PaymentUnanswered -> voiding, ask in 2 s
        captured                     => PaymentCaptured -> refunding, refund 1000 EUR now
        refunded 1000                => PaymentRefunded -> refunded
    "
    undone_and_declined: "payment" => "
        refund all                   => VoidRequested -> voiding, ask now
        no answer                    => PaymentUnanswered -> voiding, ask in 1 s
        declined no money            => PaymentVoided -> voided
        refund all                   => ignored
    "
    /// A gateway that contradicts itself is asked again; the order says stuck in time.
    a_refund_that_is_refused: "payment" => "
        captured                     => PaymentCaptured -> captured
        refund 1000                  => RefundRequested -> refunding, refund 1000 EUR now
        not found                    => PaymentUnanswered -> refunding, refund 1000 EUR in 1 s
        declined never heard of it   => PaymentUnanswered -> refunding, refund 1000 EUR in 2 s
        captured                     => ignored
        refunded 1000                => PaymentRefunded -> refunded
    "
    /// The order no longer waits, but takes what came: nothing more is charged, and nothing goes back.
    settled_and_it_was_charged: "payment" => "
        no answer                    => PaymentUnanswered -> unknown, ask in 1 s
        settle +1 s                  => SettleRequested -> settling, ask now
        settle                       => ignored
        no answer                    => PaymentUnanswered -> settling, ask in 1 s
        captured                     => PaymentCaptured -> captured
        settle                       => ignored
        refund all                   => RefundRequested -> refunding, refund 1000 EUR now
        settle                       => ignored
        refunded 1000                => PaymentRefunded -> refunded
        settle                       => ignored
    "
    /// A charge that may be on its way is waited for.
    settled_and_it_was_never_charged: "payment" => "
        settle                       => SettleRequested -> settling, ask now
        not found                    => PaymentUnanswered -> settling, ask in 1 s
        not found +29 s              => PaymentUnanswered -> settling, ask in 2 s
        not found +1 s               => PaymentVoided -> voided
        settle                       => ignored
    "
    settled_and_declined: "payment" => "
        settle                       => SettleRequested -> settling, ask now
        no answer                    => PaymentUnanswered -> settling, ask in 1 s
        refunded 1000                => ignored
        declined no money            => PaymentDeclined -> declined
        settle                       => ignored
    "
    /// The customer cancels meanwhile: now it goes back.
    settled_and_then_undone: "payment" => "
        settle                       => SettleRequested -> settling, ask now
        no answer                    => PaymentUnanswered -> settling, ask in 1 s
        refund all                   => VoidRequested -> voiding, ask now
        settle                       => ignored
        captured                     => PaymentCaptured -> refunding, refund 1000 EUR now
        refunded 1000                => PaymentRefunded -> refunded
    "
    /// The gateway finds a charge that it had denied: nobody waits for it any more.
    void_and_yet_it_came: "payment" => "
        refund all                   => VoidRequested -> voiding, ask now
        declined no money            => PaymentVoided -> voided
        captured                     => PaymentCaptured -> refunding, refund 1000 EUR now
        captured                     => ignored
        refunded 1000                => PaymentRefunded -> refunded
        captured                     => ignored
    "
    declined_and_yet_it_came: "payment" => "
        declined no money            => PaymentDeclined -> declined
        captured                     => PaymentCaptured -> refunding, refund 1000 EUR now
        no answer                    => PaymentUnanswered -> refunding, refund 1000 EUR in 1 s
        refunded 1000                => PaymentRefunded -> refunded
        captured                     => ignored
    "
}

//! The harness of the scripts: a script goes in, a transcript comes out and must be the same text.
//!
//! A script has one line per input, and after `=>` what the order says to it:
//!
//! ```text
//! held                    => OrderHeld -> paying, owes charge 1 of 1000 EUR, until +15 min
//! declined no money       => UndoStarted (payment_declined: no money) -> releasing, owes ...
//! released, late          => ignored: NotOutstanding
//! complete                => refused: an order that is cancelled cannot be completed
//! ```
//!
//! Every line of the transcript gives the fact, its note, the phase, what is owed to the order and
//! the deadline, counted from that line. `wake` waits for the deadline; `+10 min` at the end of an
//! input lets that much time pass first; `, late` answers the effect that was owed before; ` x9`
//! says it nine times and shows the last answer.

use std::collections::BTreeSet;

use surehold_domain::attributes::{Attribute, Attributes};
use surehold_domain::card::Card;
use surehold_domain::id::{ConfirmationId, EffectId, MarketId, OrderId, OrderKey, PaymentId};
use surehold_domain::invariants;
use surehold_domain::money::{Currency, Money};
use surehold_domain::order::{Claim, Order};
use surehold_domain::quantity::Quantity;
use surehold_domain::saga::{
    Command, Effect, Event, Fact, Input, Need, Next, Outcome, Phase, Reason, Saga, Verdict,
};
use surehold_domain::terms::{
    ConfirmedBy, Earn, LateMoney, MileageTerms, PaymentTerms, RefundTier, WhenUnavailable,
    WhenUnconfirmed,
};
use surehold_domain::time::{Span, Timestamp};

/// A step of the diagram: from one phase to another.
pub(crate) type Edge = (Phase, Phase);

/// When every script begins. Not 0, so that a time taken for a span is noticed.
pub(crate) const START: Timestamp = Timestamp(1_000_000_000_000);

pub(crate) fn euro(amount: i64) -> Money {
    Money::new(amount, Currency::parse("EUR").expect("a currency")).expect("an amount")
}

pub(crate) fn span(text: &str) -> Span {
    Span::parse(text).expect("a span")
}

pub(crate) fn key(order: u64) -> OrderKey {
    OrderKey { market: MarketId(1), order: OrderId(order) }
}

/// The kinds of order the tests speak of, by name.
pub(crate) const ORDERS: [&str; 21] = [
    "auto",
    "operator",
    "operator, then yes",
    "pay later",
    "free",
    "free, operator",
    "no price",
    "unavailable: pay later",
    "tiers",
    "points",
    "points, operator",
    "points, pay later",
    "points, tiers",
    "points, no price",
    "points afterwards",
    "supply",
    "supply, operator",
    "retake",
    "retake, pay later",
    "retake, points",
    "no-show",
];

/// One unit of offering 1 for 1000 EUR cents, under the terms of this name.
///
/// With points, the order earns ten of them, and waits for them once it is charged; afterwards, it
/// does not wait. A supply brings one unit of offering 1, and costs nothing. With retake, late money
/// is taken; otherwise it goes back.
pub(crate) fn order(name: &str) -> Order {
    let mut order = surehold_domain::testing::order();
    let ten_points = |sync| Some(MileageTerms { earn: Earn::Fixed(10), sync });
    let name = match name.strip_prefix("retake") {
        Some(rest) => {
            order.terms.late = LateMoney::Retake;
            rest.strip_prefix(", ").unwrap_or("auto")
        }
        None => name,
    };
    let (name, supplies) = match name {
        "supply" => ("free", true),
        "supply, operator" => ("free, operator", true),
        name => (name, false),
    };
    let name = match name.strip_prefix("points") {
        Some(rest) => {
            order.terms.mileage = ten_points(rest != " afterwards");
            rest.strip_prefix(", ").unwrap_or("auto")
        }
        None => name,
    };
    if supplies {
        order.claim = Claim::Supply(Quantity::ONE);
        order.price = euro(0);
    }
    let terms = &mut order.terms;
    match name {
        "auto" => {}
        "operator" => terms.confirmation.by = ConfirmedBy::Operator,
        "operator, then yes" => {
            terms.confirmation.by = ConfirmedBy::Operator;
            terms.confirmation.then = WhenUnconfirmed::Confirm;
        }
        "pay later" => terms.payment = PaymentTerms::Later { within: span("2 d") },
        "free" => terms.payment = PaymentTerms::None,
        "free, operator" => {
            terms.payment = PaymentTerms::None;
            terms.confirmation.by = ConfirmedBy::Operator;
        }
        "no price" => order.price = euro(0),
        "unavailable: pay later" => {
            terms.when_unavailable = WhenUnavailable::PayLater { within: span("1 h") };
        }
        // A quarter comes back to who does not come; the other begins two hours after it is placed.
        "no-show" => terms.no_show = 25,
        "no-show, with a start" => {
            terms.no_show = 25;
            order.starts_at = Some(START.plus(span("2 h")));
        }
        // It begins 100 hours after it is placed: all comes back until 48 h before, half until 24 h.
        "tiers" => {
            let tier = |until, percent| RefundTier { until: span(until), percent };
            terms.tiers = vec![tier("48 h", 100), tier("24 h", 50)];
            order.starts_at = Some(START.plus(span("100 h")));
        }
        _ => panic!("no order is called \"{name}\""),
    }
    order
}

/// Plays a script; a transcript that differs is printed whole, ready to be pasted.
pub(crate) fn check(name: &str, script: &str) {
    let (expected, actual, _) = play(name, script);
    assert!(expected == actual, "an order \"{name}\" says otherwise:\n\n{}\n", actual.join("\n"));
}

/// The phases a script goes through, step by step.
pub(crate) fn edges(name: &str, script: &str) -> BTreeSet<Edge> {
    play(name, script).2
}

/// The lines of a script, inputs and answers apart.
pub(crate) fn lines(script: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| {
        let (input, answer) = line.split_once("=>").unwrap_or((line, ""));
        (input.trim(), answer.trim())
    })
}

fn play(name: &str, script: &str) -> (Vec<String>, Vec<String>, BTreeSet<Edge>) {
    let mut player = Player::new(name);
    let (mut expected, mut actual) = (Vec::new(), Vec::new());
    for (input, answer) in lines(script) {
        expected.push(format!("{input:<28} => {answer}"));
        actual.push(format!("{input:<28} => {}", player.lines(input)));
    }
    (expected, actual, player.edges)
}

struct Player {
    now: Timestamp,
    saga: Saga,
    facts: Vec<Fact>,
    edges: BTreeSet<Edge>,
    /// The effect owed before the present one.
    last: Option<EffectId>,
    payments: u64,
    confirmations: u64,
    /// The two numbers before the present line.
    before: (u64, u64),
}

impl Player {
    fn new(name: &str) -> Player {
        let fact = Saga::place(order(name), None, START);
        let saga = Saga::begin(key(1), &fact).expect("this fact begins an order");
        Player {
            now: START,
            saga,
            facts: vec![fact],
            edges: BTreeSet::new(),
            last: None,
            payments: 0,
            confirmations: 0,
            before: (0, 0),
        }
    }

    fn lines(&mut self, line: &str) -> String {
        let (line, times) = line.rsplit_once(" x").unwrap_or((line, "1"));
        let times: usize = times.parse().expect("how often");
        (0..times).map(|_| self.line(line)).last().expect("at least once")
    }

    fn line(&mut self, line: &str) -> String {
        let (line, pass) = line.rsplit_once('+').unwrap_or((line, "0 s"));
        self.now = self.now.plus(span(pass));
        self.before = (self.payments, self.confirmations);
        match line.trim() {
            // The first line of a script: what placing it brought.
            "placed" => format!("OrderPlaced{}", self.owed()),
            "wake" => {
                if pass == "0 s" {
                    self.now = self.saga.deadline().map_or(self.now, |at| at.max(self.now));
                }
                self.hear(Input::Wake)
            }
            line => {
                let input = self.input(line);
                self.hear(input)
            }
        }
    }

    fn input(&mut self, line: &str) -> Input {
        if line == "payments back" {
            return Input::PaymentsBack(self.next_payment());
        }
        if let Some(command) = self.command(line) {
            return Input::Command(command);
        }
        let (line, late) = match line.strip_suffix(", late") {
            Some(line) => (line, true),
            None => (line, false),
        };
        let none = EffectId { order: self.saga.key(), number: 0 };
        let owed = if late { self.last } else { self.saga.effect_id().or(self.last) };
        Input::Outcome(owed.unwrap_or(none), self.outcome(line))
    }

    fn command(&mut self, line: &str) -> Option<Command> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let quote = rest.strip_prefix("by quote ").map(|n| n.parse().expect("a quote's number"));
        let note = (!rest.is_empty() && quote.is_none()).then(|| rest.to_owned());
        Some(match word {
            "pay" => Command::Pay { payment: self.next_payment(), card: card() },
            "cancel" => Command::Cancel { note, quote, attributes: Attributes::new() },
            "complete" => Command::Complete,
            "no-show" => Command::NoShow { note },
            "quote" => Command::Quote,
            "retry" => Command::Retry,
            "annotate" => {
                Command::Annotate([(rest.to_owned(), Attribute::Flag(true))].into_iter().collect())
            }
            _ => return None,
        })
    }

    fn outcome(&mut self, line: &str) -> Outcome {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let note = (!rest.is_empty()).then(|| rest.to_owned());
        match (word, rest) {
            ("held", "payments down") => Outcome::Held(Next::PaymentsDown),
            ("held", "mileage down") => Outcome::Held(Next::MileageDown),
            ("held", _) => Outcome::Held(match self.saga.needs() {
                Need::Payment => Next::Payment(self.next_payment()),
                Need::Confirmation => Next::Confirmation(self.next_confirmation()),
                Need::Nothing => Next::Nothing,
            }),
            ("no", "room") => Outcome::NotHeld(Reason::NoRoom),
            ("wrong", "claim") => Outcome::NotHeld(Reason::WrongClaim),
            ("closed", _) => Outcome::NotHeld(Reason::OfferingClosed),
            ("captured", _) => Outcome::Captured(self.next_confirmation()),
            ("declined", _) => Outcome::Declined(rest.to_owned()),
            ("unavailable", _) => Outcome::Unavailable,
            ("refunded", _) => Outcome::Refunded(euro(rest.parse().expect("an amount"))),
            ("released", _) => Outcome::Released,
            ("awaited", _) => Outcome::Awaited,
            ("confirmed", _) => Outcome::Confirmed,
            ("rejected", _) => Outcome::Rejected(note),
            ("withdrawn", _) => Outcome::Withdrawn,
            ("credited", _) => Outcome::Credited,
            ("not", "credited") => Outcome::NotCredited,
            ("supplied", _) => Outcome::Supplied,
            _ => panic!("no input is called \"{line}\""),
        }
    }

    fn next_payment(&mut self) -> PaymentId {
        self.payments += 1;
        PaymentId(self.payments)
    }

    fn next_confirmation(&mut self) -> ConfirmationId {
        self.confirmations += 1;
        ConfirmationId(self.confirmations)
    }

    fn hear(&mut self, input: Input) -> String {
        let verdict = self.saga.decide(input, self.now);
        if !matches!(verdict, Verdict::Record(_)) {
            // A number that came to nothing is given again.
            (self.payments, self.confirmations) = self.before;
        }
        match verdict {
            Verdict::Record(event) => self.record(event),
            Verdict::Ignore(why) => format!("ignored: {why:?}"),
            Verdict::Reject(rejection) => format!("refused: {rejection}"),
        }
    }

    fn record(&mut self, event: Event) -> String {
        let (from, owed) = (self.saga.phase(), self.saga.effect_id());
        let fact = Fact { at: self.now, event };
        self.saga.apply(&fact);
        if self.saga.effect_id() != owed && owed.is_some() {
            self.last = owed;
        }
        if self.saga.phase() != from {
            self.edges.insert((from, self.saga.phase()));
        }
        invariants::order(&self.saga).expect("the invariants of an order");
        let name = fact.event.kind().name();
        let step = self.saga.history().last().expect("a step");
        let note = step.note.as_ref().map_or(String::new(), |note| format!(" ({note})"));
        let quote = if let Event::Quoted { refund, .. } = &fact.event {
            format!(" ({}: {refund} back)", self.saga.number())
        } else {
            String::new()
        };
        self.facts.push(fact);
        assert_eq!(replay(&self.facts), self.saga, "replayed and live are not the same");
        format!("{name}{note}{quote}{}", self.owed())
    }

    fn owed(&self) -> String {
        let effect = self.saga.effect().map_or(String::new(), |e| format!(", owes {}", owes(&e)));
        let until = self
            .saga
            .deadline()
            .map_or(String::new(), |until| format!(", until +{}", until.since(self.now)));
        format!(" -> {}{effect}{until}", self.saga.phase())
    }
}

/// The saga its facts make.
pub(crate) fn replay(facts: &[Fact]) -> Saga {
    let mut saga = Saga::begin(key(1), &facts[0]).expect("the first fact begins an order");
    facts[1..].iter().for_each(|fact| saga.apply(fact));
    saga
}

pub(crate) fn card() -> Card {
    Card::Token("7".to_owned())
}

fn owes(effect: &Effect) -> String {
    match effect {
        Effect::Hold { offering, claim } => format!("hold {} of {offering}", claim.quantity()),
        Effect::Charge { payment, amount, .. } => format!("charge {payment} of {amount}"),
        Effect::Confirm { confirmation, demanded: true, .. } => {
            format!("confirm {confirmation} now")
        }
        Effect::Confirm { confirmation, terms, .. } => match terms.by {
            ConfirmedBy::Auto => format!("confirm {confirmation}"),
            ConfirmedBy::Operator => format!("confirm {confirmation} by operator"),
        },
        Effect::Refund { payment, amount: Some(amount) } => format!("refund {payment} of {amount}"),
        Effect::Refund { payment, amount: None } => format!("refund {payment} of all charged"),
        Effect::Settle { payment } => format!("word of {payment}"),
        Effect::Release { offering } => format!("release of {offering}"),
        Effect::Withdraw { confirmation } => format!("withdraw {confirmation}"),
        Effect::Credit { points } => format!("credit of {points} points"),
        Effect::Supply { offering, quantity } => format!("supply {quantity} of {offering}"),
    }
}

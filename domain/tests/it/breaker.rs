//! The circuit breaker, as a table of calls and as properties.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy};
use proptest::prop_oneof;
use surehold_domain::breaker::{Breaker, Called, Settings, State};
use surehold_domain::time::{Span, Timestamp};

use crate::property::always;

const SETTINGS: Settings = Settings {
    window: 10,
    age: Span::seconds(60),
    calls_min: 4,
    unanswered_percent: 50,
    slow_percent: 80,
    slow: Span::seconds(2),
    pause: Span::seconds(5),
    pause_max: Span::seconds(17),
    trials: 2,
    trial_wait: Span::seconds(15),
};

fn at(seconds: u64) -> Timestamp {
    Timestamp(seconds * 1000)
}

/// Plays one letter a line: `f`ast, `s`low, `u`nanswered, `?` asks to be let through; each may
/// come with the second at which it is, and `<` a second at which the call began.
fn play(script: &str) -> String {
    let mut breaker = Breaker::new(SETTINGS);
    let mut now = 0;
    let mut said = Vec::new();
    for word in script.split_whitespace() {
        let (word, began) = word.split_once('<').map_or((word, None), |(a, b)| (a, Some(b)));
        let (what, second) = word.split_at(1);
        now = if second.is_empty() { now } else { second.parse().expect("a second") };
        let began = at(began.map_or(now, |began| began.parse().expect("a second")));
        let mut told = String::new();
        match what {
            "f" => breaker.called(Called::Fast, began, at(now)),
            "s" => breaker.called(Called::Slow, began, at(now)),
            "u" => breaker.called(Called::Unanswered, began, at(now)),
            "?" => told = if breaker.admit(at(now)) { "yes " } else { "no " }.to_owned(),
            _ => panic!("{word}"),
        }
        said.push(match breaker.state(at(now)) {
            State::Closed => format!("{told}closed"),
            State::Open { until } => format!("{told}open-{}", until.0 / 1000),
            State::HalfOpen { left, good, .. } => format!("{told}half-{left}-{good}"),
        });
    }
    said.last().cloned().unwrap_or_default()
}

#[test]
fn the_table() {
    for (script, end) in [
        // Fewer calls than the least say nothing.
        ("u u u", "closed"),
        ("u u u u", "open-5"),
        ("f f f u u u", "open-5"),
        ("f f f f u u", "closed"),
        ("u u u f", "closed"),
        ("u u u f u", "open-5"),
        // Slow ones need a larger share, and the unanswered are slow as well.
        ("f s s s", "closed"),
        ("s s s s", "open-5"),
        ("f s s s u", "open-5"),
        // Only the last ten, and only those of the last minute.
        ("f f f f f f f f f f u u u u", "closed"),
        ("f f f f f f f f f f u u u u u", "open-5"),
        ("u u u u70", "closed"),
        // While it is open nothing leaves, and what was under way says nothing.
        ("u u u u ?4", "no open-5"),
        ("u u u u f4 f4 f4", "open-5"),
        ("u u u u f6<4", "half-2-0"),
        // Two trials, then no more until they are heard of.
        ("u u u u ?5", "yes half-1-0"),
        ("u u u u ?5 ?5", "yes half-0-0"),
        ("u u u u ?5 ?5 ?6", "no half-0-0"),
        ("u u u u ?5 ?5 f6 ?6", "no half-0-1"),
        ("u u u u ?5 ?5 f6 f6", "closed"),
        ("u u u u ?5 ?5 f6 f6 ?6", "yes closed"),
        // Trials that are lost are given anew.
        ("u u u u ?5 ?5 ?19", "no half-0-0"),
        ("u u u u ?5 ?5 ?20", "yes half-1-0"),
        // One bad trial opens it for twice as long, up to the most.
        ("u u u u ?5 u6", "open-16"),
        ("u u u u ?5 s6", "open-16"),
        ("u u u u ?5 u6 ?16 u17", "open-34"),
        // Once it closed, it begins with the first pause, and with no calls.
        ("u u u u f5 f5 u6 u6 u6", "closed"),
        ("u u u u f5 f5 u6 u6 u6 u6", "open-11"),
        // A question asked anyway is as good as a trial; one from before is none.
        ("u u u u f5", "half-2-1"),
        ("u u u u f5 f5", "closed"),
        ("u u u u f5 f5 u6<4 u6<4 u6<4 u6<4", "closed"),
    ] {
        assert_eq!(play(script), end, "{script}");
    }
    assert_eq!(SETTINGS.judge(true, Span(1999)), Called::Fast);
    assert_eq!(SETTINGS.judge(true, Span(2000)), Called::Slow);
    assert_eq!(SETTINGS.judge(false, Span(0)), Called::Unanswered);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Called(Called, u64),
    Admit,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let called = prop_oneof![Just(Called::Fast), Just(Called::Slow), Just(Called::Unanswered)];
    prop_oneof![
        (called, 0..20_000u64).prop_map(|(called, took)| Step::Called(called, took)),
        Just(Step::Admit),
        (0..9_000u64).prop_map(Step::Wait),
    ]
}

/// Whatever happens: it never stays shut for longer than the longest pause, lets through no more
/// trials than it has, and a gateway that answers fast from now on is open to all soon.
#[test]
fn it_always_comes_back() {
    always(400, vec(step(), 0..200), |steps| {
        let mut breaker = Breaker::new(SETTINGS);
        let mut now = at(100);
        for step in steps {
            let before = breaker.state(now);
            match step {
                Step::Wait(ms) => now = now.plus(Span(ms)),
                Step::Called(called, took) => {
                    let began = Timestamp(now.0.saturating_sub(took));
                    breaker.called(called, began, now);
                }
                Step::Admit => assert_eq!(breaker.admit(now), lets_through(before)),
            }
            match breaker.state(now) {
                State::Open { until } => assert!(until.since(now) <= SETTINGS.pause_max),
                State::HalfOpen { left, good, until } => {
                    assert!(left <= SETTINGS.trials && good < SETTINGS.trials);
                    assert!(until.since(now) <= SETTINGS.trial_wait);
                }
                State::Closed => {}
            }
        }
        now = now.plus(SETTINGS.pause_max);
        for _ in 0..SETTINGS.trials {
            breaker.called(Called::Fast, now, now);
        }
        assert_eq!(breaker.state(now), State::Closed);
    });
}

fn lets_through(state: State) -> bool {
    match state {
        State::Closed => true,
        State::Open { .. } => false,
        State::HalfOpen { left, .. } => left > 0,
    }
}

/// A gateway that answers most calls in time is never cut off.
#[test]
fn a_good_gateway_is_left_alone() {
    always(400, vec(0..5u32, 0..200), |calls| {
        let mut breaker = Breaker::new(SETTINGS);
        let mut last = [false; 3];
        for (second, call) in (0u64..).zip(calls) {
            // At most one of four: no window of four or more is half bad.
            let bad = call == 0 && !last.contains(&true);
            last = [last[1], last[2], bad];
            let called = if bad { Called::Unanswered } else { Called::Fast };
            breaker.called(called, at(second), at(second));
            assert_eq!(breaker.state(at(second)), State::Closed);
        }
    });
}

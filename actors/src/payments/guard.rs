//! The gateway's circuit breaker, as everybody shares it: orders ask before they ask for money,
//! calls tell what they came to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use surehold_domain::breaker::{Breaker, Settings, State};
use surehold_domain::time::Timestamp;
use tracing::{info, warn};

/// The breaker of one gateway.
#[derive(Debug)]
pub struct Guard {
    breaker: Mutex<Breaker>,
    /// Whether it is closed, which time alone does not change: so all who ask while it is need no lock.
    closed: AtomicBool,
    /// Whether it closed and nobody has looked yet who waits for that.
    back: AtomicBool,
}

impl Guard {
    /// A closed breaker.
    #[must_use]
    pub fn new(settings: Settings) -> Guard {
        let breaker = Mutex::new(Breaker::new(settings));
        let guard = Guard { breaker, closed: AtomicBool::new(true), back: AtomicBool::default() };
        metrics::counter!("surehold_breaker_opened_total").increment(0);
        guard.state(Timestamp(0));
        guard
    }

    /// Whether something new may be asked of the gateway. A trial that is let through is one less.
    pub fn admit(&self, now: Timestamp) -> bool {
        self.is_closed() || self.with(now, |breaker| breaker.admit(now))
    }

    /// Whether nothing new may be asked, without asking.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        let is_open = |state| matches!(state, State::Open { .. });
        !self.is_closed() && is_open(self.with(now, |breaker| breaker.state(now)))
    }

    /// Whoever reads this while it opens asked just before.
    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Takes note of a call that began then and ended now.
    pub fn called(&self, answered: bool, began: Timestamp, now: Timestamp) {
        self.with(now, |breaker| {
            let called = breaker.settings().judge(answered, now.since(began));
            breaker.called(called, began, now);
        });
    }

    /// Where it is.
    pub fn state(&self, now: Timestamp) -> State {
        let state = self.with(now, |breaker| breaker.state(now));
        show(state);
        state
    }

    /// Whether it closed since this was asked last.
    pub fn came_back(&self) -> bool {
        self.back.swap(false, Ordering::Relaxed)
    }

    fn with<T>(&self, now: Timestamp, act: impl FnOnce(&mut Breaker) -> T) -> T {
        // Every change leaves the breaker whole, so a poisoned lock holds good data.
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let before = breaker.state(now);
        let done = act(&mut breaker);
        let after = breaker.state(now);
        self.closed.store(after == State::Closed, Ordering::Relaxed);
        if after != before {
            show(after);
        }
        match (before, after) {
            (State::Closed | State::HalfOpen { .. }, State::Open { until }) => {
                warn!(pause_ms = until.since(now).0, "the gateway is left alone for a while");
                metrics::counter!("surehold_breaker_opened_total").increment(1);
            }
            (State::Open { .. } | State::HalfOpen { .. }, State::Closed) => {
                info!("the gateway answers again");
                self.back.store(true, Ordering::Relaxed);
            }
            (State::Closed, State::Closed)
            | (_, State::HalfOpen { .. })
            | (State::Open { .. }, State::Open { .. }) => {}
        }
        done
    }
}

fn show(state: State) {
    metrics::gauge!("surehold_breaker_state").set(match state {
        State::Closed => 0.0,
        State::HalfOpen { .. } => 1.0,
        State::Open { .. } => 2.0,
    });
}

#[cfg(test)]
mod tests {
    use surehold_domain::time::Span;

    use super::*;

    #[test]
    fn what_is_asked_without_the_lock_is_what_the_breaker_says() {
        let guard = Guard::new(Settings {
            window: 10,
            age: Span::seconds(60),
            calls_min: 2,
            unanswered_percent: 50,
            slow_percent: 80,
            slow: Span::seconds(2),
            pause: Span::seconds(5),
            pause_max: Span::seconds(10),
            trials: 1,
            trial_wait: Span::seconds(15),
        });
        let at = |second: u64| Timestamp(second * 1000);
        assert!(guard.admit(at(1)) && !guard.is_open(at(1)));
        for _ in 0..2 {
            guard.called(false, at(1), at(2));
        }
        assert!(guard.is_open(at(3)) && !guard.admit(at(3)), "it opened");
        assert!(!guard.is_open(at(7)) && guard.admit(at(7)), "time alone half opens it: one trial");
        assert!(!guard.admit(at(7)), "and no more");
        guard.called(true, at(7), at(8));
        assert!(guard.admit(at(8)) && guard.admit(at(8)) && !guard.is_open(at(8)));
        assert!(guard.came_back() && !guard.came_back());
    }
}

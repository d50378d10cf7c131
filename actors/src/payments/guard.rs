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
    /// Whether it closed and nobody has looked yet who waits for that.
    back: AtomicBool,
}

impl Guard {
    /// A closed breaker.
    #[must_use]
    pub fn new(settings: Settings) -> Guard {
        let guard =
            Guard { breaker: Mutex::new(Breaker::new(settings)), back: AtomicBool::default() };
        metrics::counter!("surehold_breaker_opened_total").increment(0);
        guard.state(Timestamp(0));
        guard
    }

    /// Whether something new may be asked of the gateway. A trial that is let through is one less.
    pub fn admit(&self, now: Timestamp) -> bool {
        self.with(now, |breaker| breaker.admit(now))
    }

    /// Whether nothing new may be asked, without asking.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        matches!(self.state(now), State::Open { .. })
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
        metrics::gauge!("surehold_breaker_state").set(match state {
            State::Closed => 0.0,
            State::HalfOpen { .. } => 1.0,
            State::Open { .. } => 2.0,
        });
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
        match (before, breaker.state(now)) {
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

//! The circuit breaker in front of a gateway: a gateway that does not answer is left alone for a
//! while, so that customers hear at once that they cannot pay, and do not wait for a time limit.
//!
//! ```text
//!  Closed --too many of the last calls unanswered or slow--> Open
//!  Open --its pause is over--> HalfOpen: a few trials are let through
//!  HalfOpen --all trials answered fast--> Closed
//!  HalfOpen --one slow or unanswered--> Open, for twice as long
//! ```
//!
//! It counts every call, but holds back only what was never sent. A call that began before the
//! breaker came to where it is says nothing about now, and is not counted.

mod window;

use crate::time::{Span, Timestamp};
use window::Window;

/// When the breaker opens, and how it closes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// So many of the last calls are looked at.
    pub window: usize,
    /// Calls older than this are forgotten, so that one payment that is asked about again and
    /// again does not fill a quiet window.
    pub age: Span,
    /// Fewer calls than this say nothing.
    pub calls_min: usize,
    /// It opens when so many hundredths were not answered.
    pub unanswered_percent: usize,
    /// It opens when so many hundredths were slow or not answered.
    pub slow_percent: usize,
    /// An answer that took this long is slow.
    pub slow: Span,
    /// How long it is open at first.
    pub pause: Span,
    /// The pause doubles each time in a row, up to this.
    pub pause_max: Span,
    /// Trials that must go well before it closes.
    pub trials: u32,
    /// Trials that nothing was heard of for this long are given anew.
    pub trial_wait: Span,
}

/// What one call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Called {
    /// It was answered in good time, whatever the answer.
    Fast,
    /// It was answered, but late.
    Slow,
    /// It was not answered, or not clearly: a timeout, a reset, an error of the gateway's own.
    Unanswered,
}

impl Settings {
    /// What a call came to.
    #[must_use]
    pub fn judge(&self, answered: bool, took: Span) -> Called {
        match answered {
            false => Called::Unanswered,
            true if took >= self.slow => Called::Slow,
            true => Called::Fast,
        }
    }
}

/// Where the breaker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Everything goes through.
    Closed,
    /// Nothing new goes through.
    Open {
        /// When trials begin.
        until: Timestamp,
    },
    /// A few trials go through.
    HalfOpen {
        /// Trials that may still leave.
        left: u32,
        /// Trials that went well.
        good: u32,
        /// When trials that were not heard of are given anew.
        until: Timestamp,
    },
}

impl State {
    /// The name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            State::Closed => "closed",
            State::Open { .. } => "open",
            State::HalfOpen { .. } => "half_open",
        }
    }
}

/// The breaker of one gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breaker {
    settings: Settings,
    state: State,
    /// Since when it is there.
    since: Timestamp,
    /// The last calls.
    calls: Window,
    /// Openings since it was last closed.
    openings: u32,
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub fn new(settings: Settings) -> Breaker {
        Breaker {
            settings,
            state: State::Closed,
            since: Timestamp(0),
            calls: Window::default(),
            openings: 0,
        }
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where it is. An open one whose pause is over is half open.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> State {
        let fresh = State::HalfOpen {
            left: self.settings.trials,
            good: 0,
            until: now.plus(self.settings.trial_wait),
        };
        match self.state {
            State::Closed => State::Closed,
            State::Open { until } if until <= now => fresh,
            // What was tried and never heard of was lost on its way.
            State::HalfOpen { until, .. } if until <= now => fresh,
            state @ (State::Open { .. } | State::HalfOpen { .. }) => state,
        }
    }

    /// Whether something new may be sent; if so, and it is a trial, one less is left.
    pub fn admit(&mut self, now: Timestamp) -> bool {
        self.pass_time(now);
        match &mut self.state {
            State::Closed => true,
            State::Open { .. } => false,
            State::HalfOpen { left: 0, .. } => false,
            State::HalfOpen { left, .. } => {
                *left -= 1;
                true
            }
        }
    }

    /// Takes note of a call that began then and ended now.
    pub fn called(&mut self, called: Called, began: Timestamp, now: Timestamp) {
        self.pass_time(now);
        if began < self.since {
            return;
        }
        match self.state {
            State::Open { .. } => {}
            State::Closed => self.count(called, now),
            State::HalfOpen { left, good, until } => match called {
                Called::Slow | Called::Unanswered => self.open(now),
                Called::Fast if good + 1 >= self.settings.trials => {
                    self.openings = 0;
                    self.to(State::Closed, now);
                }
                Called::Fast => self.state = State::HalfOpen { left, good: good + 1, until },
            },
        }
    }

    /// What time alone does.
    fn pass_time(&mut self, now: Timestamp) {
        match (self.state, self.state(now)) {
            // From the end of the pause on, whenever that was noticed.
            (State::Open { until }, state @ State::HalfOpen { .. }) => self.to(state, until),
            (_, state) => self.state = state,
        }
    }

    fn count(&mut self, called: Called, now: Timestamp) {
        let Settings { window, age, calls_min, unanswered_percent, slow_percent, .. } =
            self.settings;
        self.calls.push(called, now, window, age);
        let (all, unanswered, late) = self.calls.counts();
        // A good answer never opens it.
        if called != Called::Fast
            && all >= calls_min.max(1)
            && (unanswered * 100 >= unanswered_percent * all || late * 100 >= slow_percent * all)
        {
            self.open(now);
        }
    }

    fn open(&mut self, now: Timestamp) {
        let pause = self.settings.pause.doubled(self.openings, self.settings.pause_max);
        self.openings = self.openings.saturating_add(1);
        self.to(State::Open { until: now.plus(pause) }, now);
    }

    fn to(&mut self, state: State, since: Timestamp) {
        self.calls.clear();
        self.state = state;
        self.since = since;
    }
}

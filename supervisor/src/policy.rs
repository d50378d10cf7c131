//! What follows when a child dies: a pure function of the way it died, its past, and the time.
//!
//! | exit      | past                              | verdict                          |
//! |-----------|-----------------------------------|----------------------------------|
//! | finished  | any                               | forget: its ledger entry goes    |
//! | failed    | within the budget                 | restart, after a doubling pause  |
//! | killed    | within the budget                 | restart, after a doubling pause  |
//! | failed or killed | budget spent, `Quarantine` | set it aside; others live on     |
//! | failed or killed | budget spent, `Escalate`   | give up: the supervisor dies too |
//!
//! Budgets are per child: one that crashes for ever takes none of the others with it.

use std::collections::VecDeque;
use std::time::Duration;

use surehold_domain::time::Timestamp;

/// The way a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It was done, or went to sleep.
    Finished,
    /// A handler failed or panicked, with these words.
    Failed(String),
    /// It was ended from outside.
    Killed,
}

/// What to do when the budget is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Set the child aside.
    Quarantine,
    /// Let the supervisor die, so that its own supervisor decides.
    Escalate,
}

/// How much dying is borne.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Restarts within `window`.
    pub restarts_max: usize,
    /// See `restarts_max`.
    pub window: Duration,
    /// Pause before the first restart.
    pub backoff: Duration,
    /// Longest pause.
    pub backoff_max: Duration,
    /// What follows.
    pub then: Then,
}

/// A child's past: when it was restarted lately, and what it died of last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    restarts: VecDeque<Timestamp>,
    /// Restarts in all.
    pub total: u64,
    /// What it died of last.
    pub last_cause: Option<String>,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: it ended well.
    Forget,
    /// Start it again after this pause.
    Restart(Duration),
    /// Set it aside, for this cause.
    Quarantine(String),
    /// Give up, for this cause.
    Escalate(String),
}

impl Policy {
    /// Decides, and writes the death into the ledger.
    pub fn decide(&self, exit: &Exit, ledger: &mut Ledger, now: Timestamp) -> Verdict {
        let cause = match exit {
            Exit::Finished => return Verdict::Forget,
            Exit::Failed(cause) => cause.clone(),
            Exit::Killed => "killed".to_owned(),
        };
        ledger.last_cause = Some(cause.clone());
        let window = u64::try_from(self.window.as_millis()).unwrap_or(u64::MAX);
        while ledger.restarts.front().is_some_and(|at| now.since(*at).0 >= window) {
            ledger.restarts.pop_front();
        }
        if ledger.restarts.len() >= self.restarts_max {
            return match self.then {
                Then::Quarantine => Verdict::Quarantine(cause),
                Then::Escalate => Verdict::Escalate(cause),
            };
        }
        let doublings = u32::try_from(ledger.restarts.len()).unwrap_or(u32::MAX).min(20);
        ledger.restarts.push_back(now);
        ledger.total += 1;
        Verdict::Restart(self.backoff.saturating_mul(1 << doublings).min(self.backoff_max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy {
        restarts_max: 3,
        window: Duration::from_secs(30),
        backoff: Duration::from_millis(100),
        backoff_max: Duration::from_secs(1),
        then: Then::Quarantine,
    };

    fn failed() -> Exit {
        Exit::Failed("boom".to_owned())
    }

    #[test]
    fn the_table() {
        let restart = |ms| Verdict::Restart(Duration::from_millis(ms));
        let set_aside = Verdict::Quarantine("boom".to_owned());
        // When, how, and what follows; the ledger carries over from line to line.
        let lines = [
            (0, Exit::Finished, Verdict::Forget),
            (1_000, failed(), restart(100)),
            (2_000, failed(), restart(200)),
            (3_000, Exit::Killed, restart(400)),
            (4_000, failed(), set_aside.clone()),
            (30_999, failed(), set_aside),
            (31_000, failed(), restart(400)),
            (90_000, failed(), restart(100)),
        ];
        let mut ledger = Ledger::default();
        for (at, exit, verdict) in lines {
            assert_eq!(POLICY.decide(&exit, &mut ledger, Timestamp(at)), verdict, "at {at}");
        }
        assert_eq!(ledger.total, 5);
    }

    #[test]
    fn the_pause_has_a_most_and_the_budget_can_escalate() {
        let policy = Policy { restarts_max: 40, then: Then::Escalate, ..POLICY };
        let mut ledger = Ledger::default();
        let verdicts: Vec<Verdict> =
            (0..41).map(|_| policy.decide(&failed(), &mut ledger, Timestamp(5))).collect();
        assert_eq!(verdicts[39], Verdict::Restart(Duration::from_secs(1)));
        assert_eq!(verdicts[40], Verdict::Escalate("boom".to_owned()));
    }
}

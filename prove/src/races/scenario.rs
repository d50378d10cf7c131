//! What a scenario is, and how one is tried.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::arena::{Stage, Tried, Wrong};
use crate::Fault;
use crate::verdict::Exhibit;

/// A public report, and what is tried here because of it.
pub(super) struct Scenario {
    /// Its name in the table.
    pub(super) name: &'static str,
    /// Where it was reported.
    pub(super) reports: &'static str,
    /// Tries it.
    pub(super) run: fn(&Stage<'_>) -> Tried<Tally>,
}

/// What was tried, really counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Rounds.
    pub(super) rounds: u64,
    /// What a round was.
    pub(super) of: &'static str,
    /// Requests sent.
    pub(super) requests: u64,
}

impl Scenario {
    /// Tries it. That it cannot even be tried, or panics, is a fault: nothing is ever skipped.
    pub(super) fn show(&self, stage: &Stage<'_>) -> (Exhibit, Tally, Option<Fault>) {
        let began = Instant::now();
        let tried = catch_unwind(AssertUnwindSafe(|| (self.run)(stage)));
        let tried = tried.unwrap_or_else(|_| Err(Wrong::from("the scenario itself panicked")));
        let (tally, wrong) = match tried {
            Ok(tally) if tally.rounds > 0 && tally.requests > 0 => (tally, None),
            Ok(tally) => (tally, Some(Wrong::from("nothing was tried"))),
            Err(wrong) => (Tally::default(), Some(wrong)),
        };
        let fault = wrong.map(|wrong| Fault {
            what: format!("{}: {}", self.name, wrong.what),
            repeat: Some(format!("surehold prove races --seed {}", stage.ask.seed)),
            story: wrong.story,
        });
        let exhibit = Exhibit {
            name: self.name.to_owned(),
            reports: self.reports.to_owned(),
            tried: (tally.rounds, tally.of.to_owned(), tally.requests),
            took: began.elapsed(),
            holds: fault.is_none(),
        };
        (exhibit, tally, fault)
    }
}

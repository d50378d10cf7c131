//! What a proof found.

use std::time::Duration;

/// What a proof says at its end.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What was tried, and how often: `(3000, "worlds")`.
    pub tried: Vec<(u64, String)>,
    /// What was found wrong; none: the proof is green.
    pub faults: Vec<Fault>,
    /// Named scenarios, where the proof has some: a table of their own in the report.
    pub exhibits: Vec<Exhibit>,
    /// How long it took.
    pub took: Duration,
}

/// Something wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// One line: what does not hold.
    pub what: String,
    /// How to see it again: a command line.
    pub repeat: Option<String>,
    /// The shortest story known, line by line.
    pub story: Vec<String>,
}

/// A named scenario of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exhibit {
    /// Its name.
    pub name: String,
    /// Where the same was reported of others.
    pub reports: String,
    /// Rounds, what a round was, and the requests sent in all.
    pub tried: (u64, String, u64),
    /// How long it took.
    pub took: Duration,
    /// Whether it held.
    pub holds: bool,
}

impl Verdict {
    /// Whether nothing was found wrong. A proof that tried nothing proves nothing.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.faults.is_empty() && self.tried.iter().any(|(count, _)| *count > 0)
    }

    /// That in one word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        if self.holds() { "green" } else { "RED" }
    }

    /// Counts what was tried.
    pub fn tried(&mut self, count: u64, what: &str) {
        match self.tried.iter_mut().find(|(_, known)| known == what) {
            Some((all, _)) => *all += count,
            None => self.tried.push((count, what.to_owned())),
        }
    }
}

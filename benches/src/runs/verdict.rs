//! What a run is done by: one line for each thing that must hold, with what was wanted and what was found.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::machine::Machine;

/// One thing that must hold.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// What it is about.
    pub what: String,
    /// What must be.
    pub wanted: String,
    /// What is.
    pub found: String,
    /// Whether that is enough.
    pub holds: bool,
    /// Whether it depends on how fast the machine is and what else it does.
    pub of_speed: bool,
}

impl Line {
    /// Whatever is compared how.
    pub fn new(
        what: impl Into<String>,
        wanted: impl Into<String>,
        found: impl Into<String>,
        holds: bool,
    ) -> Line {
        Line {
            what: what.into(),
            wanted: wanted.into(),
            found: found.into(),
            holds,
            of_speed: false,
        }
    }

    /// The same, of something that a busy machine may spoil.
    #[must_use]
    pub fn of_speed(self) -> Line {
        Line { of_speed: true, ..self }
    }

    /// Nothing of this may be there; `what_is` tells of what is.
    pub fn none(what: impl Into<String>, all: u64, found: &[String]) -> Line {
        let wanted = if all == 0 { "none".to_owned() } else { format!("none of {all}") };
        let shown = match found {
            [] => "none".to_owned(),
            [first, ..] => format!("{}, such as: {first}", found.len()),
        };
        Line::new(what, wanted, shown, found.is_empty())
    }

    /// Two figures that must be the same.
    pub fn same<T: PartialEq + fmt::Display>(what: impl Into<String>, wanted: T, found: T) -> Line {
        let holds = wanted == found;
        Line::new(what, wanted.to_string(), found.to_string(), holds)
    }
}

/// What came of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Which run.
    pub suite: &'static str,
    /// What was asked.
    pub plan: Value,
    /// The machine it was made on.
    pub machine: Machine,
    /// What was measured beside what is judged.
    pub figures: Vec<(String, String)>,
    /// What is judged.
    pub lines: Vec<Line>,
}

impl Outcome {
    /// What does not hold, whatever the machine.
    #[must_use]
    pub fn broken(&self) -> Vec<&Line> {
        self.lines.iter().filter(|line| !line.holds && !line.of_speed).collect()
    }

    /// Whether everything holds.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.lines.iter().all(|line| line.holds)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cores, load_before, sync, .. } = &self.machine;
        writeln!(f, "{}  {}", self.suite, self.plan)?;
        let sync = sync.p50_ms;
        writeln!(f, "{cores} cores, load average {load_before} before, a sync takes {sync:.2} ms")?;
        for (name, figure) in &self.figures {
            writeln!(f, "  {name}: {figure}")?;
        }
        let width = |of: fn(&Line) -> &String| {
            self.lines.iter().map(|line| of(line).chars().count()).max().unwrap_or(0)
        };
        let (what, wanted) = (width(|line| &line.what), width(|line| &line.wanted));
        for line in &self.lines {
            let mark = if line.holds { "holds" } else { "FAILS" };
            let (name, needed, found) = (&line.what, &line.wanted, &line.found);
            writeln!(f, "{mark}  {name:<what$}  {needed:<wanted$}  {found}")?;
        }
        let failed = self.lines.iter().filter(|line| !line.holds).count();
        match failed {
            0 => writeln!(f, "all of it holds"),
            failed => writeln!(f, "{failed} of {} do not hold", self.lines.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_that_does_not_hold_is_enough() {
        let lines = vec![Line::same("cents", 7, 7), Line::none("lost", 9, &["order 3".to_owned()])];
        assert_eq!((lines[1].wanted.as_str(), lines[1].holds), ("none of 9", false));
        let machine = Machine::look(std::path::Path::new(".")).unwrap();
        let mut outcome =
            Outcome { suite: "x", plan: Value::Null, machine, figures: Vec::new(), lines };
        assert!(!outcome.is_sound() && outcome.to_string().contains("FAILS  lost"), "{outcome}");
        outcome.lines.pop();
        assert!(outcome.is_sound() && outcome.to_string().contains("holds  cents"), "{outcome}");
    }
}

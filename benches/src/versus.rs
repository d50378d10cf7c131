//! Two runs beside each other, figure by figure.
//!
//! A change is *within the spread* when the runs of both overlap: then the one may as well be the other. With a single
//! run on both sides nothing is known of the spread, and the line says so. Where machines differ, only the ratios to the
//! yardsticks say something about the program, so their changes stand beside.

use std::fmt::{self, Display, Formatter};

use crate::document::Document;
use crate::findings::{Figure, Findings, Yardstick};
use crate::machine::Machine;
use crate::table::{YARDSTICKS, amount};

/// What is said of the change of one figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The runs of both overlap.
    WithinTheSpread,
    /// No run of the old is as good as any of the new.
    Better,
    /// No run of the new is as good as any of the old.
    Worse,
    /// One run on both sides: nobody knows how far two of them are apart.
    Unknown,
}

/// One figure in both runs.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its key.
    pub key: String,
    /// As it was, and as it is, each with its unit.
    pub values: (String, String),
    /// How much more it is now, in percent.
    pub percent: f64,
    /// What that means.
    pub change: Change,
    /// How much more its ratios to the yardsticks are, in percent.
    pub ratios: Vec<(Yardstick, f64)>,
}

/// Two runs beside each other.
#[derive(Debug, Clone)]
pub struct Versus {
    /// The figures that both have.
    pub lines: Vec<Line>,
    /// The keys that only one of them has.
    pub only: (Vec<String>, Vec<String>),
    /// What differs between the machines and the settings, in words.
    pub differences: Vec<String>,
}

impl Versus {
    /// Holds a run against an earlier one.
    #[must_use]
    pub fn new(old: &Document, new: &Document) -> Self {
        let figures = |document: &Document| -> Vec<Figure> {
            document.findings.iter().flat_map(|one| one.figures.clone()).collect()
        };
        let (before, after) = (figures(old), figures(new));
        let find = |among: &[Figure], key: &str| among.iter().find(|it| it.key == key).cloned();
        let lines = before.iter().filter_map(|was| Some(line(was, &find(&after, &was.key)?)));
        let missing = |of: &[Figure], among: &[Figure]| -> Vec<String> {
            let missing = of.iter().filter(|figure| find(among, &figure.key).is_none());
            missing.map(|figure| figure.key.clone()).collect()
        };
        Self {
            lines: lines.collect(),
            only: (missing(&before, &after), missing(&after, &before)),
            differences: differences(old, new),
        }
    }
}

fn line(was: &Figure, is: &Figure) -> Line {
    let ratios = YARDSTICKS.into_iter().filter_map(|yardstick| {
        let (was, is) = (was.ratio_to(yardstick)?, is.ratio_to(yardstick)?);
        Some((yardstick, percent(was, is)))
    });
    Line {
        key: was.key.clone(),
        values: (amount(was.median, was.unit), amount(is.median, is.unit)),
        percent: percent(was.median, is.median),
        change: change(was, is),
        ratios: ratios.collect(),
    }
}

fn percent(was: f64, is: f64) -> f64 {
    if was == is { 0.0 } else { (is / was - 1.0) * 100.0 }
}

fn change(was: &Figure, is: &Figure) -> Change {
    let ((was_low, was_high), (is_low, is_high)) = (was.range(), is.range());
    if was_low <= is_high && is_low <= was_high {
        return Change::WithinTheSpread;
    }
    if was.runs.len() == 1 && is.runs.len() == 1 {
        return Change::Unknown;
    }
    if (is_low > was_high) == is.unit.more_is_better() { Change::Better } else { Change::Worse }
}

/// What makes two runs hard to compare.
fn differences(old: &Document, new: &Document) -> Vec<String> {
    let mut differences = Vec::new();
    for was in &old.findings {
        let Some(is) = new.findings.iter().find(|one| one.suite == was.suite) else { continue };
        if facts(&was.machine) != facts(&is.machine) {
            let (was, is) = (facts(&was.machine), facts(&is.machine));
            let text = format!("the machines differ, so read the ratios: {was}; now {is}");
            if !differences.contains(&text) {
                differences.push(text);
            }
        }
        for (name, value) in asked(was) {
            let now = asked(is).find(|(other, _)| *other == name).map(|(_, value)| value);
            if now != Some(value) {
                let now = now.map_or("not there", String::as_str);
                differences.push(format!("{}: {name}: {value}; now {now}", was.suite));
            }
        }
    }
    differences
}

fn facts(machine: &Machine) -> String {
    let Machine { cores, processor, file_system, kernel, .. } = machine;
    format!("{cores} cores ({processor}), Linux {kernel}, {file_system}")
}

/// The settings that were asked for; what was seen of the disk has measured times in it, which always differ.
fn asked(findings: &Findings) -> impl Iterator<Item = (&String, &String)> {
    let settings = findings.settings.iter().map(|(name, value)| (name, value));
    settings.filter(|(name, _)| !name.starts_with(crate::report::found::SYNCED))
}

impl Display for Change {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::WithinTheSpread => "within the spread",
            Self::Better => "better",
            Self::Worse => "WORSE",
            Self::Unknown => "one run each",
        })
    }
}

impl Display for Versus {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let wide = self.lines.iter().map(|line| line.key.len()).max().unwrap_or(0);
        let head = format!("{:<wide$} {:>14} {:>14} {:>8}  ", "", "old", "new", "change");
        writeln!(f, "{head}{:<18} change of the ratio to", "")?;
        for Line { key, values: (old, new), percent, change, ratios } in &self.lines {
            let ratios = ratios.iter().map(|(to, percent)| format!("{} {percent:+.1}%", to.name()));
            let ratios = ratios.collect::<Vec<_>>().join(", ");
            let line =
                format!("{key:<wide$} {old:>14} {new:>14} {percent:>+7.1}%  {change:<18} {ratios}");
            writeln!(f, "{}", line.trim_end())?;
        }
        for (title, keys) in [("only in the old", &self.only.0), ("only in the new", &self.only.1)]
        {
            if !keys.is_empty() {
                writeln!(f, "{title}: {}", keys.join(", "))?;
            }
        }
        self.differences.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Unit;

    fn said(unit: Unit, was: &[f64], is: &[f64]) -> Change {
        let figure = |runs: &[f64]| Figure::new("a", "a", unit, runs.to_vec());
        change(&figure(was), &figure(is))
    }

    #[test]
    fn a_change_counts_when_no_runs_overlap() {
        assert_eq!(said(Unit::PerSecond, &[1.0, 3.0], &[2.9, 9.0]), Change::WithinTheSpread);
        assert_eq!(said(Unit::PerSecond, &[1.0, 3.0], &[3.1, 4.0]), Change::Better);
        assert_eq!(said(Unit::PerSecond, &[1.0, 3.0], &[0.8, 0.9]), Change::Worse);
        assert_eq!(said(Unit::Milliseconds, &[1.0, 3.0], &[3.1, 4.0]), Change::Worse);
        assert_eq!(said(Unit::Bytes, &[10.0, 11.0], &[9.0]), Change::Better);
        assert_eq!(said(Unit::Bytes, &[10.0], &[9.0]), Change::Unknown);
        assert_eq!(said(Unit::Bytes, &[10.0], &[10.0]), Change::WithinTheSpread);
    }
}

//! One run as text: a table for each suite, with what a reader needs beside it.

use std::fmt::{self, Display, Formatter};

use crate::document::Document;
use crate::findings::{Calibration, Figure, Findings, Unit, Yardstick};
use crate::report::{Budget, Verdict};

/// The yardsticks, in the order of the columns.
pub const YARDSTICKS: [Yardstick; 3] = [Yardstick::Echo, Yardstick::Sync, Yardstick::Hop];

impl Display for Document {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (number, findings) in self.findings.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            findings.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Findings {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.suite)?;
        writeln!(f, "  machine: {}", machine(self))?;
        for (name, value) in &self.settings {
            writeln!(f, "  {name}: {value}")?;
        }
        yardsticks(f, &self.calibrations)?;
        figures(f, &self.figures)?;
        budgets(f, &self.budgets)?;
        list(f, "remarks", &self.remarks)?;
        list(f, "FAILURES", &self.failures)
    }
}

/// The machine in one line.
#[must_use]
pub fn machine(findings: &Findings) -> String {
    let machine = &findings.machine;
    let load = match machine.load_before {
        known if known.is_finite() => format!("{known:.2}"),
        _ => "unknown".to_owned(),
    };
    format!(
        "{} cores ({}), Linux {}, {}, fdatasync of 4 KiB p50 {:.3} ms and p99 {:.3} ms, load average {load} before",
        machine.cores,
        machine.processor,
        machine.kernel,
        machine.file_system,
        machine.sync.p50_ms,
        machine.sync.p99_ms
    )
}

/// A value with its unit.
#[must_use]
pub fn amount(value: f64, unit: Unit) -> String {
    match unit {
        Unit::PerSecond => format!("{}/s", grouped(value)),
        Unit::Milliseconds => format!("{value:.3} ms"),
        Unit::Microseconds => format!("{value:.1} us"),
        Unit::Seconds => format!("{value:.3} s"),
        Unit::Bytes => bytes(value),
        Unit::Ratio => format!("{value:.3}"),
        Unit::Count => grouped(value),
    }
}

/// A number with its thousands apart; a small one keeps a decimal.
#[must_use]
pub fn grouped(value: f64) -> String {
    if value.abs() < 100.0 && value.fract() != 0.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 { format!("-{text}") } else { text }
}

fn bytes(value: f64) -> String {
    const UNITS: [&str; 3] = ["KiB", "MiB", "GiB"];
    if value.abs() < 10_000.0 {
        return format!("{} B", grouped(value));
    }
    let (mut scaled, mut unit) = (value / 1024.0, UNITS[0]);
    for larger in &UNITS[1..] {
        if scaled.abs() >= 1024.0 {
            (scaled, unit) = (scaled / 1024.0, larger);
        }
    }
    format!("{scaled:.1} {unit}")
}

/// A ratio with three digits that mean something.
#[must_use]
pub fn ratio(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => grouped(value),
        large if large >= 10.0 => format!("{value:.1}"),
        small if small >= 0.01 => format!("{value:.3}"),
        _ => format!("{value:.5}"),
    }
}

/// What a verdict says, and why, if it says nothing.
#[must_use]
pub fn verdict(budget: &Budget) -> (&'static str, &str) {
    match &budget.verdict {
        Verdict::Met => ("met", ""),
        Verdict::NotMet => ("NOT MET", ""),
        Verdict::NotJudged(why) => ("not judged", why),
    }
}

fn yardsticks(f: &mut Formatter<'_>, calibrations: &[Calibration]) -> fmt::Result {
    for Calibration { yardstick, what, per_second, median_us } in calibrations {
        let (name, rate) = (yardstick.name(), grouped(*per_second));
        writeln!(f, "  yardstick {name}, {what}: {rate}/s, one takes {median_us:.1} us")?;
    }
    Ok(())
}

fn figures(f: &mut Formatter<'_>, figures: &[Figure]) -> fmt::Result {
    if figures.is_empty() {
        return Ok(());
    }
    let wide = figures.iter().map(|figure| figure.what.chars().count()).max().unwrap_or(0);
    write!(f, "\n  {:<wide$} {:>14}  {:<28}", "", "median", "runs, lowest to highest")?;
    for yardstick in YARDSTICKS {
        write!(f, " {:>9}", format!("of {}", yardstick.name()))?;
    }
    writeln!(f)?;
    for figure in figures {
        let (low, high) = figure.range();
        let spread = match figure.runs.len() {
            1 => "one run".to_owned(),
            _ => format!("{} to {}", amount(low, figure.unit), amount(high, figure.unit)),
        };
        let median = amount(figure.median, figure.unit);
        write!(f, "  {:<wide$} {median:>14}  {spread:<28}", figure.what)?;
        for yardstick in YARDSTICKS {
            write!(f, " {:>9}", figure.ratio_to(yardstick).map(ratio).unwrap_or_default())?;
        }
        writeln!(f)?;
    }
    Ok(())
}

fn budgets(f: &mut Formatter<'_>, budgets: &[Budget]) -> fmt::Result {
    if budgets.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n  budgets of the design")?;
    for budget in budgets {
        let (word, why) = verdict(budget);
        let Budget { what, asked, measured, .. } = budget;
        let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
        writeln!(f, "    {word:<11} {what}: {measured}; asked: {asked}{why}")?;
    }
    Ok(())
}

fn list(f: &mut Formatter<'_>, title: &str, lines: &[String]) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n  {title}")?;
    lines.iter().try_for_each(|line| writeln!(f, "    {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_told_as_a_reader_says_them() {
        assert_eq!(amount(19_300.4, Unit::PerSecond), "19,300/s");
        assert_eq!(amount(1_234_567.0, Unit::PerSecond), "1,234,567/s");
        assert_eq!(amount(2.25, Unit::PerSecond), "2.2/s");
        assert_eq!(amount(0.8614, Unit::Milliseconds), "0.861 ms");
        assert_eq!(amount(1_234.0, Unit::Bytes), "1,234 B");
        assert_eq!(amount(1.5 * 1024.0 * 1024.0 * 1024.0, Unit::Bytes), "1.5 GiB");
        assert_eq!(amount(20_480.0, Unit::Bytes), "20.0 KiB");
        assert_eq!(amount(3.0, Unit::Count), "3");
        assert_eq!(amount(-1_234.0, Unit::Count), "-1,234");
    }
}

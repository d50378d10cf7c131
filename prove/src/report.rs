//! The table at the end, and the stories of what was found.

use std::fmt::Write as _;

use crate::verdict::Exhibit;
use crate::{Proof, Verdict};

/// Widest column of what was tried, before it goes on in the next line.
const TRIED_MAX: usize = 72;

/// All verdicts as a table; below it, the story of every fault.
#[must_use]
pub fn table(verdicts: &[(Proof, Verdict)]) -> String {
    let mut text = String::from("proof      verdict    time  tried\n");
    for (proof, verdict) in verdicts {
        let word = verdict.word();
        let mut tried = lines(&verdict.tried).into_iter();
        let first = tried.next().unwrap_or_else(|| "nothing".to_owned());
        let seconds = verdict.took.as_secs_f64();
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:<10} {word:<7} {seconds:>6.1}s  {first}", proof.name());
        for line in tried {
            let _ = writeln!(text, "{:27}{line}", "");
        }
    }
    for (proof, verdict) in verdicts {
        exhibits(&mut text, *proof, &verdict.exhibits);
    }
    for (proof, verdict) in verdicts {
        for fault in &verdict.faults {
            let _ = writeln!(text, "\n{}: {}", proof.name(), fault.what);
            fault.story.iter().for_each(|line| {
                let _ = writeln!(text, "  {line}");
            });
            if let Some(repeat) = &fault.repeat {
                let _ = writeln!(text, "  again: {repeat}");
            }
        }
    }
    text
}

/// The named scenarios of a proof, as a table of their own.
fn exhibits(text: &mut String, proof: Proof, exhibits: &[Exhibit]) {
    if exhibits.is_empty() {
        return;
    }
    let widest = |of: fn(&Exhibit) -> &str| exhibits.iter().map(|it| of(it).len()).max();
    let name = widest(|it| &it.name).unwrap_or(0).max("scenario".len());
    let reports = widest(|it| &it.reports).unwrap_or(0).max("reported as".len());
    // Writing to a string does not fail.
    let _ = writeln!(text, "\n{}", proof.name());
    let _ = writeln!(
        text,
        "{:<name$}  {:<reports$}  verdict    time  tried",
        "scenario", "reported as"
    );
    for exhibit in exhibits {
        let word = if exhibit.holds { "green" } else { "RED" };
        let tried = match &exhibit.tried {
            (0, _, _) => "see below".to_owned(),
            (rounds, of, requests) => {
                format!("{} {of}, {} requests", grouped(*rounds), grouped(*requests))
            }
        };
        let _ = writeln!(
            text,
            "{:<name$}  {:<reports$}  {word:<7} {:>6.1}s  {tried}",
            exhibit.name,
            exhibit.reports,
            exhibit.took.as_secs_f64()
        );
    }
}

/// What was tried, in lines that are not too long.
fn lines(tried: &[(u64, String)]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (count, what) in tried {
        let piece = format!("{} {what}", grouped(*count));
        match lines.last_mut() {
            Some(line) if line.len() + piece.len() + 2 <= TRIED_MAX => {
                line.push_str(", ");
                line.push_str(&piece);
            }
            Some(_) | None => lines.push(piece),
        }
    }
    lines
}

/// A number with a comma between thousands.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fault;

    #[test]
    fn the_table_names_what_was_tried_and_tells_the_faults() {
        let mut good = Verdict::default();
        good.tried(1_234_567, "states");
        let fault = Fault {
            what: "a unit was sold twice".to_owned(),
            repeat: Some("surehold prove simulate --seed 7 --seeds 1".to_owned()),
            story: vec!["order 1 holds".to_owned()],
        };
        let bad = Verdict { faults: vec![fault], ..Verdict::default() };
        let text = table(&[(Proof::Model, good), (Proof::Simulate, bad)]);
        for part in ["green", "1,234,567 states", "RED", "nothing", "sold twice", "--seed 7"] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn named_scenarios_have_a_table_of_their_own() {
        let exhibit = |name: &str, holds| Exhibit {
            name: name.to_owned(),
            reports: "somebody #1".to_owned(),
            tried: (20, "rounds".to_owned(), 4000),
            took: std::time::Duration::from_millis(1250),
            holds,
        };
        let exhibits = vec![exhibit("same slot twice", true), exhibit("charged twice", false)];
        let text = table(&[(Proof::Races, Verdict { exhibits, ..Verdict::default() })]);
        for line in [
            "same slot twice  somebody #1  green      1.2s  20 rounds, 4,000 requests",
            "charged twice    somebody #1  RED        1.2s  20 rounds, 4,000 requests",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn a_proof_that_tried_nothing_proves_nothing() {
        assert!(!Verdict::default().holds());
    }
}

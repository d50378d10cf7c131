//! The table at the end, and the stories of what was found.

use std::fmt::Write as _;

use crate::{Proof, Verdict};

/// Widest column of what was tried, before it goes on in the next line.
const TRIED_MAX: usize = 72;

/// All verdicts as a table; below it, the story of every fault.
#[must_use]
pub fn table(verdicts: &[(Proof, Verdict)]) -> String {
    let mut text = String::from("proof      verdict    time  tried\n");
    for (proof, verdict) in verdicts {
        let word = if verdict.holds() { "green" } else { "RED" };
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
    fn a_proof_that_tried_nothing_proves_nothing() {
        assert!(!Verdict::default().holds());
    }
}

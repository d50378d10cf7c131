//! A broken build turns red. The program is built with faults that can be put in on purpose
//! (`--features mutants`), and each of them must be found by at least two of the proofs. With none of
//! them put in, the same proofs at the same sizes are green.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, only clippy cannot tell")]
#![expect(clippy::print_stdout, reason = "tests say what they measured")]

use std::process::Command;

/// A fault, and the proofs that are asked.
const MUTANTS: [(&str, &[&str]); 3] = [
    ("release-twice", &["simulate", "power"]),
    ("speak-early", &["simulate", "power"]),
    ("unknown-is-declined", &["model", "simulate", "power"]),
];
/// So that what was found once is found again.
const SEED: &str = "1";

/// The words of the proofs' verdicts, `green` or `RED`, with everything that was written.
fn verdicts(proofs: &[&str], mutant: Option<&str>) -> (Option<i32>, Vec<String>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_surehold"));
    command.arg("prove").args(proofs).args(["--quick", "--seed", SEED]);
    if let Some(mutant) = mutant {
        command.env("SUREHOLD_MUTANT", mutant);
    }
    let output = command.output().unwrap();
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    let word = |proof: &&str| {
        let line = table.lines().find(|line| line.starts_with(*proof));
        line.and_then(|line| line.split_whitespace().nth(1)).unwrap_or("missing").to_owned()
    };
    let text = format!("{table}{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code(), proofs.iter().map(word).collect(), text)
}

#[test]
fn without_a_mutant_all_are_green() {
    let mut proofs: Vec<&str> = MUTANTS.iter().flat_map(|(_, proofs)| *proofs).copied().collect();
    proofs.sort_unstable();
    proofs.dedup();
    let (status, words, text) = verdicts(&proofs, None);
    assert_eq!(status, Some(0), "{text}");
    assert!(words.iter().all(|word| word == "green"), "{text}");
}

/// Each proof that is named must turn red, and at least two are named.
fn is_found(mutant: &str) {
    let (_, proofs) = MUTANTS.iter().find(|(name, _)| *name == mutant).unwrap();
    assert!(proofs.len() >= 2);
    let (status, words, text) = verdicts(proofs, Some(mutant));
    println!("{text}");
    assert_eq!(status, Some(1), "{text}");
    assert!(words.iter().all(|word| word == "RED"), "{mutant} by {proofs:?}: {words:?}\n{text}");
}

#[test]
fn a_hold_released_twice_is_found() {
    is_found("release-twice");
}

#[test]
fn an_answer_before_it_is_on_disk_is_found() {
    is_found("speak-early");
}

#[test]
fn a_silence_taken_for_a_no_is_found() {
    is_found("unknown-is-declined");
}

//! Garbled requests through the filter of the server: the samples, a fixed block and a fresh one.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use surehold_http::fuzzing::REQUEST;
use surehold_prove::Ask;
use surehold_prove::ask::Silent;
use surehold_prove::fuzz::hunt::hunt;

use crate::server::command;

fn tries(seed: u64, seeds: u64) {
    let (seeds, minutes, progress) = (Some(seeds), None, Arc::new(Silent));
    let ask = Ask { seeds, seed, minutes, quick: true, program: "".into(), progress };
    let verdict = hunt(&ask, &[REQUEST]);
    assert!(verdict.holds(), "{:#?}", verdict.faults);
    println!("fuzz: {:?}", verdict.tried);
}

#[test]
fn no_request_is_answered_with_a_fault() {
    tries(1, 6);
}

#[test]
fn nor_is_one_that_nobody_sent_before() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    tries(now.as_secs(), 2);
}

#[test]
fn most_samples_are_requests_that_are_taken() {
    let mut trial = (REQUEST.begin)();
    let taken = REQUEST.corpus.iter().filter(|(_, input)| trial.hear(input) == Ok(true)).count();
    trial.end().unwrap();
    assert!(taken > 70, "{taken} of {}", REQUEST.corpus.len());
}

#[test]
fn the_command_tries_every_reader() {
    let output = command().args(["prove", "fuzz", "--seed", "7", "--seeds", "1"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    for target in ["envelope", "frame", "fact", "market", "webhook", "answer", "request"] {
        assert!(text.contains(&format!("inputs for {target} (")), "{target} is missing in\n{text}");
    }
    assert!(text.contains("green"), "{text}");
}

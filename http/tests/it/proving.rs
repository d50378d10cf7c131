//! `surehold prove` as a user runs it, at small sizes: every verdict is green, and says what was tried.

use std::process::Command;

/// The program's answer: whether it ended well, and what it wrote.
fn prove(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_surehold")).arg("prove").args(arguments).output();
    let output = output.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

fn holds(proof: &str) {
    let (status, text) = prove(&[proof, "--quick"]);
    println!("{text}");
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("green") && text.contains("the first seed is"), "{text}");
}

#[test]
fn the_process_holds() {
    holds("process");
}

#[test]
fn an_unknown_proof_is_refused_by_name() {
    let (status, text) = prove(&["everything"]);
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("there is no proof \"everything\"; there are: model"), "{text}");
}

//! The proofs that need a process, at small sizes, as a user runs them.

use std::time::Instant;

use crate::server::command;

/// Runs `surehold prove` and returns what it printed.
fn prove(proof: &str) -> String {
    let began = Instant::now();
    let output = command().args(["prove", proof, "--quick"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let cried = String::from_utf8_lossy(&output.stderr);
    println!("proofs: {proof}: {:?}\n{said}{cried}", began.elapsed());
    assert_eq!(output.status.code(), Some(0), "{said}{cried}");
    said
}

#[test]
fn every_exhibit_of_the_race_museum_is_shown() {
    let said = prove("races");
    let table = said.split("scenario ").nth(1).expect("a table of exhibits");
    let shown = table.lines().filter(|line| line.contains(" requests")).count();
    assert_eq!((shown, table.matches("RED").count()), (14, 0), "{said}");
    for report in
        ["#29958", "PR 23988", "#13360", "PR 22803", "#16825", "#13301", "#12652", "#3065"]
    {
        assert!(table.contains(report), "{report}: {said}");
    }
    for report in ["#466, #790", "PR 856", "#1783", "#1359", "#716, #804, #805", "#30077"] {
        assert!(table.contains(report), "{report}: {said}");
    }
}

#[test]
fn older_folders_go_on_and_newer_ones_are_refused() {
    let said = prove("upgrades");
    for words in ["folders of earlier builds", "newer folders refused", "newer snapshots read"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn what_customers_of_the_process_are_told_is_one_true_history() {
    let said = prove("process");
    for words in ["kills", "requests", "bookings and cancellations checked"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn an_unknown_proof_is_refused_by_name() {
    let output = command().args(["prove", "everything"]).output().unwrap();
    let cried = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{cried}");
    assert!(cried.contains("there is no proof \"everything\"; there are: model"), "{cried}");
}

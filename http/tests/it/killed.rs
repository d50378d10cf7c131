//! The conversations again, once for each of their steps: right after that step the server is killed,
//! a new one starts on the same folder, and the rest goes on as if nothing had happened.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

#[test]
fn talentshare_goes_on_after_a_kill() {
    goes_on("talentshare");
}

#[test]
fn yogiyogi_goes_on_after_a_kill() {
    goes_on("yogiyogi");
}

#[test]
fn edu_goes_on_after_a_kill() {
    goes_on("edu");
}

#[test]
fn airbnb_goes_on_after_a_kill() {
    goes_on("airbnb");
}

#[test]
fn gasstation_goes_on_after_a_kill() {
    goes_on("gasstation");
}

fn goes_on(market: &str) {
    let transcripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let began = Instant::now();
    let played = Command::new("python3")
        .arg("-B")
        .arg(transcripts.join("killed.py"))
        .arg(env!("CARGO_BIN_EXE_surehold"))
        .arg(transcripts.join(format!("{market}.json")))
        .env_remove("RUST_LOG")
        .output()
        .expect("python3 is needed to play the transcripts");
    let (said, cried) =
        (String::from_utf8_lossy(&played.stdout), String::from_utf8_lossy(&played.stderr));
    println!("{}, {:?}", said.trim(), began.elapsed());
    assert!(played.status.success(), "{said}\n{cried}");
}

//! The conversations every build must reproduce, played by the same program that anybody can run.

use std::path::Path;
use std::process::Command;

use crate::server::{Server, command};

#[test]
fn talentshare_speaks_as_the_reference_does() {
    speaks("talentshare");
}

#[test]
fn yogiyogi_speaks_as_the_reference_does() {
    speaks("yogiyogi");
}

#[test]
fn edu_speaks_as_the_reference_does() {
    speaks("edu");
}

#[test]
fn airbnb_speaks_as_the_reference_does() {
    speaks("airbnb");
}

#[test]
fn gasstation_speaks_as_the_reference_does() {
    speaks("gasstation");
}

fn speaks(market: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command();
    command.args(["--listen", "127.0.0.1:0", "--market", market, "--admin", "--data"]);
    // A gas station is told by its surroundings what it is called.
    command.arg(folder.path()).env("station_nm", "SK Imme").env("station_cd", "ST0001");
    let server = Server::spawn(command);
    play(&server, &format!("{market}.json"));
    let (status, _) = server.stop();
    assert_eq!(status.code(), Some(0));
}

fn play(server: &Server, name: &str) {
    let transcripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let played = Command::new("python3")
        .arg(transcripts.join("play.py"))
        .arg(format!("http://{}", server.address))
        .arg(transcripts.join(name))
        .output()
        .expect("python3 is needed to play the transcripts");
    let (said, cried) =
        (String::from_utf8_lossy(&played.stdout), String::from_utf8_lossy(&played.stderr));
    assert!(played.status.success(), "{said}\n{cried}");
}

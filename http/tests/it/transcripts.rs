//! The conversations every build must reproduce, played by the same program that anybody can run.

use std::path::Path;
use std::process::Command;

use crate::server::Server;

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

fn speaks(market: &str) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::market(folder.path(), market);
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

//! The comparison with tiny numbers, against the real server and a real PostgreSQL cluster where its programs are there.
//! It takes longer than most tests: a cluster is made, and three services over it are started and stopped in turn.
//! (Restate is not tried here: a test does not depend on what it would have to fetch.)

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use surehold_benches::build::build_with;
use surehold_benches::findings::Findings;
use surehold_benches::rivals::suite::{self, Group, Plan};
use surehold_benches::rivals::table::markdown;
use surehold_benches::server::Launch;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// Long enough that only a hang takes it.
const PATIENCE: Duration = Duration::from_secs(120);
/// What is said when PostgreSQL's programs are not there.
const LEFT_OUT: &str = "PostgreSQL is left out";
/// Those over PostgreSQL.
const SHOPS: [&str; 3] = ["postgres_one_statement", "postgres_one_tx", "postgres_two_tx"];

/// The server's binary: the one that lies beside this one after the workspace's tests were built.
fn server() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let beside = this.parent().and_then(Path::parent).unwrap().join("surehold");
    if beside.is_file() { beside } else { build_with("dev").unwrap() }
}

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_surehold-benches"))
}

fn left_in(scratch: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(scratch).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn figure(findings: &Findings, key: &str) -> f64 {
    let found = findings.figures.iter().find(|figure| figure.key == key);
    found.unwrap_or_else(|| panic!("no {key}")).median
}

#[tokio::test]
async fn everybody_is_measured_and_everybodys_books_agree() {
    let scratch = tempfile::tempdir().unwrap();
    let plan = Plan {
        orders: 40,
        seconds: 5,
        connections: 8,
        rounds: 2,
        offerings: 3,
        gone: 40,
        seed: 7,
        without: vec![Group::Restate],
        program: program(),
    };
    let launch = Launch { scratch: scratch.path().to_path_buf(), ..Launch::new(server()) };
    let run = async { suite::run(&plan, &launch, &mut |_| {}).await };
    let findings = tokio::time::timeout(PATIENCE, run).await.expect("it ends").unwrap();
    assert!(findings.failures.is_empty(), "{:?}", findings.failures);
    assert_eq!(left_in(scratch.path()), Vec::<PathBuf>::new(), "nothing is left behind");
    let left_out = findings.remarks.iter().any(|remark| remark.starts_with(LEFT_OUT));
    let shops = SHOPS.iter().filter(|_| !left_out);
    for name in shops.chain(&["surehold"]) {
        for kind in ["echo", "spread", "hot"] {
            let key = format!("compare.{name}.8.{kind}");
            assert!(figure(&findings, &key) > 0.0, "{key}");
        }
        let gone = figure(&findings, &format!("compare.{name}.8.gone.unanswered"));
        assert!(gone <= 40.0, "{name}: {gone} clients went away");
    }
    // A transaction is whole or not at all, and so are we; only the shop with two may have left something.
    for name in ["surehold", SHOPS[0], SHOPS[1]].iter().take(if left_out { 1 } else { 3 }) {
        for what in ["unpaid", "orderless"] {
            let key = format!("compare.{name}.8.gone.{what}");
            assert!(figure(&findings, &key) <= 0.0, "{key}");
        }
    }
    if !left_out {
        let fsync = ("postgres.fsync".to_owned(), "on".to_owned());
        assert!(findings.settings.contains(&fsync), "{:?}", findings.settings);
    }
    let table = markdown(&findings);
    let rows = table.lines().filter(|line| line.starts_with("| ")).count();
    assert_eq!(rows, if left_out { 2 } else { 5 }, "{table}");
    assert!(table.contains("| **Surehold** |") && table.contains("2 rounds"), "{table}");
}

#[tokio::test]
async fn an_interrupted_comparison_leaves_nothing_behind() {
    let scratch = tempfile::tempdir().unwrap();
    let mut command = Command::new(program());
    command.args(["compare", "--without", "restate", "--connections", "4", "--offerings", "2"]);
    command.args(["--orders", "40", "--rounds", "1", "--gone", "4", "--server"]).arg(server());
    command.arg("--scratch").arg(scratch.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let pid = child.id().unwrap().to_string();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let ended = async {
        let mut interrupted = false;
        while let Some(line) = lines.next_line().await.unwrap() {
            // Now the cluster and a shop are up.
            if !interrupted && line.contains("PostgreSQL") && line.contains("offerings") {
                assert!(
                    Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success()
                );
                interrupted = true;
            }
        }
        (interrupted, child.wait().await.unwrap())
    };
    let (interrupted, status) = tokio::time::timeout(PATIENCE, ended).await.expect("it ends");
    assert_eq!(status.code(), Some(if interrupted { 2 } else { 0 }));
    assert_eq!(left_in(scratch.path()), Vec::<PathBuf>::new(), "nothing is left behind");
}

//! The suites of the library are tests: each with tiny numbers, on a real folder, with the processes it starts.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::path::{Path, PathBuf};

use clap::{Args, Command};
use surehold_benches::findings::{Figure, Findings};
use surehold_benches::report::Verdict;
use surehold_benches::suites::{engine, growth, journal, memory, recovery};

/// The program whose hidden command is the measured process.
fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_surehold-benches"))
}

/// A folder on the disk that holds the target folder: the system's temporary one may lie in memory.
fn scratch() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// The suite's arguments as a user gives them.
fn parse<A: Args>(line: &str) -> A {
    let scratch = scratch();
    let words = ["suite"].into_iter().chain(line.split_whitespace()).map(PathBuf::from);
    let words = words.chain([PathBuf::from("--scratch"), scratch]);
    let matches = A::augment_args(Command::new("suite")).try_get_matches_from(words).unwrap();
    A::from_arg_matches(&matches).unwrap()
}

fn figure<'a>(findings: &'a Findings, key: &str) -> &'a Figure {
    findings.figures.iter().find(|figure| figure.key == key).unwrap_or_else(|| panic!("no {key}"))
}

/// Nothing is wrong, every figure is a number, and nobody judges by a handful of orders.
fn hold(findings: &Findings) {
    // What speaks against this machine's disk is no fault of the suite.
    let disk = |text: &&String| text.contains("in memory") || text.contains("a sync takes");
    assert_eq!(findings.failures.iter().filter(|text| !disk(text)).count(), 0, "{findings:?}");
    for figure in &findings.figures {
        assert!(figure.median.is_finite() && figure.median >= 0.0, "{figure:?}");
        assert!(!figure.runs.is_empty(), "{figure:?}");
    }
    let judged = |verdict: &Verdict| !matches!(verdict, Verdict::NotJudged(_));
    assert!(!findings.budgets.iter().any(|budget| judged(&budget.verdict)), "{findings:?}");
    for plot in &findings.plots {
        assert!(plot.curves.iter().all(|curve| curve.points.len() > 1), "{plot:?}");
    }
    serde_json::to_string(findings).unwrap();
}

#[test]
fn the_engine_is_measured_without_http() {
    let args = parse("--orders 300 --in-flight 16 --offerings 20 --runs 1");
    let findings = engine::run(&args, &mut |_| {}).unwrap();
    hold(&findings);
    assert!(figure(&findings, "engine.orders").median > 0.0);
    assert!(figure(&findings, "engine.alone.p50").ratios[0].value > 0.0);
}

#[test]
fn the_journal_is_measured_by_the_size_of_its_commits() {
    let args = parse("--sizes 1,64 --commits 20 --runs 2");
    let findings = journal::run(&args, &mut |_| {}).unwrap();
    hold(&findings);
    let rate = |key| figure(&findings, key).median;
    assert!(rate("journal.64.records") > rate("journal.1.records"), "{findings:?}");
}

#[tokio::test]
async fn the_memory_of_open_orders_is_measured() {
    let args = parse("--orders 200 --in-flight 16 --rest 0");
    let findings = memory::run(&args, program(), &mut |_| {}).await.unwrap();
    hold(&findings);
    assert!(figure(&findings, "memory.full").median > 1e6);
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_kill() {
    let args = parse("--orders 200 --finished 150 --in-flight 16 --kills 2");
    let findings = recovery::run(&args, program(), &mut |_| {}).await.unwrap();
    hold(&findings);
    let (ready, opened) =
        (figure(&findings, "recovery.ready"), figure(&findings, "recovery.opened"));
    assert_eq!((ready.runs.len(), opened.runs.len()), (2, 2));
    assert!(findings.settings.contains(&("finished orders".to_owned(), "150".to_owned())));
    assert!(opened.median <= ready.median);
}

#[tokio::test]
async fn the_cost_of_an_order_is_told_by_decades() {
    let args = parse("--orders 400 --from 20 --in-flight 16 --offerings 20");
    let findings = growth::run(&args, program(), &mut |_| {}).await.unwrap();
    hold(&findings);
    assert_eq!(figure(&findings, "growth.200.order").runs.len(), 9);
    assert_eq!(figure(&findings, "growth.400.disk").runs.len(), 1);
}

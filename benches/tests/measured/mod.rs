//! The suites over HTTP with tiny numbers: against the stand-in, which misbehaves on demand, and against the server.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use surehold_benches::findings::{Findings, Yardstick};
use surehold_benches::http::{self, HttpError};
use surehold_benches::load::{Load, Pace, Tally};
use surehold_benches::plan::{Inventory, Plan};
use surehold_benches::server::{Launch, ServerError};
use surehold_benches::suites::{hot, mixed};
use surehold_benches::workload::{Workload, order_bodies};
use tempfile::TempDir;

use super::stand_in::{self, Fault, PAUSE, PAUSES_AFTER};
use super::{PATIENCE, launch, real};

/// A folder on the disk on which this was built: a system's temporary folder may be in memory, where nothing is safe.
fn on_disk() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn plan(connections: &[usize]) -> Plan {
    Plan {
        orders: 50,
        connections: connections.to_vec(),
        rounds: 2,
        offerings: 3,
        inventory: Inventory::Seats,
        rate: None,
        seed: 7,
    }
}

fn nothing_is_left(scratch: &Path) {
    let left: Vec<PathBuf> =
        std::fs::read_dir(scratch).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

/// The suite `http` against a stand-in.
async fn run(fault: &str, connections: &[usize]) -> Result<Findings, HttpError> {
    let scratch = on_disk();
    let mut lines = Vec::new();
    let launch = launch(fault, scratch.path());
    let tell = &mut |line: &str| lines.push(line.to_owned());
    let findings = http::run(&plan(connections), &launch, tell).await;
    nothing_is_left(scratch.path());
    assert!(
        findings.is_err() || lines.len() > connections.len() * 6,
        "progress is told: {lines:?}"
    );
    findings.map(Findings::settled)
}

fn median(findings: &Findings, key: &str) -> f64 {
    let figure = findings.figures.iter().find(|figure| figure.key == key);
    figure.unwrap_or_else(|| panic!("{key} is missing in\n{findings}")).median
}

#[tokio::test]
async fn the_suite_measures_checks_and_stops_a_process() {
    let findings = run("none", &[1, 4]).await.unwrap();
    assert!(findings.is_sound(), "{findings}");
    for key in ["http.1.orders", "http.4.orders", "http.4.orders.p50", "http.4.memory_loaded"] {
        assert!(median(&findings, key) > 0.0, "{findings}");
    }
    let orders = findings.figures.iter().find(|figure| figure.key == "http.4.orders").unwrap();
    assert_eq!(orders.runs.len(), 2, "one for each round");
    for yardstick in [Yardstick::Echo, Yardstick::Sync, Yardstick::Hop] {
        assert!(orders.ratio_to(yardstick).unwrap() > 0.0, "{orders:?}");
    }
    let text = findings.to_string();
    // The probe, the warm-up and two rounds.
    let made = format!("books: {} orders made; {0} stand in the listing", 40 + 5 + 100);
    for part in ["4 connections", "journal fsync on", &made, "audit balanced", "not judged"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert_eq!(findings.plots.len(), 4, "latencies and rates of both series");
    let latencies = &findings.plots[0].curves;
    let names: Vec<_> = latencies.iter().map(|curve| curve.name.as_str()).collect();
    assert_eq!(names, ["echo", "orders"]);
    assert!(latencies.iter().all(|curve| curve.points.len() > 2), "{latencies:?}");
}

#[tokio::test]
async fn a_server_that_does_not_wait_for_the_disk_is_not_measured() {
    let findings = run_anyway("unsynced").await;
    assert!(findings.figures.is_empty() && findings.plots.is_empty(), "{findings}");
    assert!(findings.failures[0].contains("not safe when the power goes"), "{findings}");
    assert!(findings.failures[0].contains("wait in memory"), "{findings}");
}

/// As [`run`], for a fault after which hardly anything is told.
async fn run_anyway(fault: &str) -> Findings {
    let scratch = on_disk();
    let findings = http::run(&plan(&[2]), &launch(fault, scratch.path()), &mut |_| {}).await;
    findings.unwrap().settled()
}

#[tokio::test]
async fn books_that_do_not_agree_make_the_run_fail() {
    let findings = run("unbalanced", &[2]).await.unwrap();
    assert!(findings.failures[0].contains("audit does not balance"), "{findings}");
    let findings = run("bad-end", &[2]).await.unwrap();
    assert!(findings.failures[0].contains("SIGTERM ended the server"), "{findings}");
}

#[tokio::test]
async fn books_that_cannot_be_asked_fail_the_run_but_keep_the_figures() {
    let findings = run("bookless", &[2]).await.unwrap();
    assert!(findings.failures[0].contains("the audit could not be asked"), "{findings}");
    assert!(findings.to_string().contains("the listing could not be checked"), "{findings}");
    assert!(median(&findings, "http.2.orders") > 0.0);
}

#[tokio::test]
async fn a_server_that_never_comes_up_says_why() {
    let ended = run("stillborn", &[1]).await;
    let Err(HttpError::Server(ServerError::NotReady(words))) = ended else { panic!("{ended:?}") };
    assert!(words.contains("never comes up"), "{words}");
}

/// Echoes at a pace, from a server that once answers nobody for a while.
async fn echoes_with_a_pause(pace: Pace) -> Tally {
    let address = stand_in::start(Fault::Pause).await;
    let load =
        Load { address, connections: 8, requests: 600, expected: 200, stalled_after: PATIENCE };
    let workload = Rc::new(Workload::new(address, "/echo", &order_bodies(7, &[0])));
    tokio::time::timeout(PATIENCE, load.drive_at(pace, workload)).await.unwrap().unwrap()
}

#[tokio::test]
async fn an_open_loop_does_not_hide_a_stall() {
    let waited_long = |tally: &Tally| {
        let half = u64::try_from(PAUSE.as_micros() / 2).unwrap();
        tally.latencies_us.count_between(half, u64::MAX)
    };
    let open = echoes_with_a_pause(Pace::Open(1_000.0)).await;
    assert_eq!((open.right, open.latencies_us.len()), (600, 600));
    assert!(open.elapsed >= PAUSE + std::time::Duration::from_millis(PAUSES_AFTER));
    // A thousand a second were due while nobody was answered, and half of them waited for half of the time.
    assert!(waited_long(&open) >= 140, "{} waited long", waited_long(&open));
    assert!(open.latencies_us.value_at_quantile(0.99) > 200_000, "p99 shows it");

    let closed = echoes_with_a_pause(Pace::Closed).await;
    assert_eq!(closed.right, 600);
    assert!(waited_long(&closed) < waited_long(&open), "only those in flight waited");
}

/// A suite against the server, which must be sound and leave nothing behind.
async fn sound(
    plan: &Plan,
    suite: impl AsyncFn(&Plan, &Launch, &mut dyn FnMut(&str)) -> Result<Findings, HttpError>,
) -> Findings {
    let scratch = on_disk();
    let findings = suite(plan, &real(scratch.path()), &mut |_| {}).await.unwrap().settled();
    assert!(findings.is_sound(), "{findings}");
    nothing_is_left(scratch.path());
    findings
}

#[tokio::test]
async fn open_loop_in_small() {
    let plan = Plan { rate: Some(500.0), rounds: 1, ..plan(&[4]) };
    let findings = sound(&plan, http::run).await;
    assert!(median(&findings, "http.4.at_500.orders.p99") > 0.0, "{findings}");
    // Fifty at five hundred a second leave within a tenth of one; a busy machine may take longer.
    assert!(median(&findings, "http.4.at_500.orders") < 520.0, "{findings}");
}

#[tokio::test]
async fn hot_in_small() {
    let findings = sound(&plan(&[4]), hot::run).await;
    assert!(median(&findings, "hot.4.hot") > 0.0 && median(&findings, "hot.4.spread") > 0.0);
    assert!(median(&findings, "hot.4.share") > 0.0, "{findings}");
    assert!(findings.budgets[0].what.contains("one hot offering"), "{findings}");
}

#[tokio::test]
async fn mixed_in_small() {
    let plan = Plan { orders: 200, ..plan(&[4]) };
    let findings = sound(&plan, mixed::run).await;
    for key in ["mixed", "reads", "orders", "cancellations"] {
        assert!(median(&findings, &format!("mixed.4.{key}.p50")) > 0.0, "{findings}");
    }
    assert!(findings.to_string().contains("\"cancelled\": "), "some were cancelled: {findings}");
}

#[tokio::test]
async fn answers_of_the_mixture_that_are_wrong_make_the_run_fail() {
    // The stand-in knows no single order: every read and every cancellation is answered 404.
    let scratch = on_disk();
    let findings = mixed::run(&plan(&[2]), &launch("none", scratch.path()), &mut |_| {}).await;
    let findings = findings.unwrap();
    let failure = &findings.failures[0];
    assert!(failure.contains("answers of the mixture are wrong") && failure.contains("404"));
}

//! Benchmarks are tests: the generator and the whole suite with tiny numbers, against a stand-in server.
//!
//! The scripted runs, which prove a promise, need the server itself: the binary beside this one, or one that is built.
//!
//! `measured` has the suites over HTTP in small, `presented` what is made of their findings.
//!
//! The suites need a server *process*. That is this test binary itself, started again with a filter that selects
//! `serve_as_a_process`, which does nothing in an ordinary run.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod measured;
mod presented;
mod stand_in;

use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use stand_in::Fault;
use surehold_benches::build::build_with;
use surehold_benches::control::Control;
use surehold_benches::http::HttpError;
use surehold_benches::load::{Load, LoadError, Tally};
use surehold_benches::runs::{Outcome, crashes, faults, overload, slow_payments};
use surehold_benches::server::Launch;
use surehold_benches::suites::bare::{self, BareArgs};
use surehold_benches::wire::{self, Connection, WireError};
use surehold_benches::workload::{Workload, order_bodies};
use tokio::signal::unix::{SignalKind, signal};

/// Long enough that only a hang takes it.
const PATIENCE: Duration = Duration::from_secs(30);

/// With it, the service of the faults is never silent: its first payments meet only faults that are told at once.
const SEED_OF_FAST_FAULTS: u64 = 7;

async fn drive(fault: Fault, path: &str, load: (usize, usize, u16)) -> Result<Tally, LoadError> {
    let address = stand_in::start(fault).await;
    let (connections, requests, expected) = load;
    let stalled_after = if fault == Fault::Mute { Duration::from_millis(50) } else { PATIENCE };
    let load = Load { address, connections, requests, expected, stalled_after };
    let bodies = order_bodies(7, &[0]);
    tokio::time::timeout(PATIENCE, load.drive(Rc::new(Workload::new(address, path, &bodies))))
        .await
        .expect("a load ends")
}

#[tokio::test]
async fn every_answer_is_counted_and_timed_once() {
    let tally = drive(Fault::None, "/echo", (8, 1003, 200)).await.unwrap();
    assert_eq!(tally.statuses, BTreeMap::from([(200, 1003)]));
    assert_eq!(tally.latencies_us.len(), 1003);
    assert!(tally.latencies_us.max() <= u64::try_from(tally.elapsed.as_micros()).unwrap() + 1000);
}

#[tokio::test]
async fn more_connections_than_requests_is_fine() {
    let tally = drive(Fault::None, "/echo", (16, 3, 200)).await.unwrap();
    assert_eq!(tally.statuses, BTreeMap::from([(200, 3)]));
}

#[tokio::test]
async fn refusals_are_counted_but_not_timed() {
    let path = "/v1/talentshare/orders";
    let tally = drive(Fault::RefuseThird, path, (4, 300, 201)).await.unwrap();
    assert_eq!(tally.statuses, BTreeMap::from([(201, 200), (409, 100)]));
    assert_eq!(tally.latencies_us.len(), 200);
}

#[tokio::test]
async fn a_server_that_closes_is_an_error_and_no_hang() {
    let ended = drive(Fault::CloseAfter(5), "/echo", (2, 100, 200)).await;
    let Err(LoadError::Wire { answered, source: WireError::Closed { received }, .. }) = ended
    else {
        panic!("{ended:?}")
    };
    assert!((5..=10).contains(&answered) && received > 0, "{answered} answered, {received} bytes");
}

#[tokio::test]
async fn a_server_that_falls_silent_is_an_error_and_no_hang() {
    let ended = drive(Fault::Mute, "/echo", (2, 100, 200)).await;
    assert!(matches!(ended, Err(LoadError::Stalled(_, 0))), "{ended:?}");
}

#[tokio::test]
async fn nobody_listening_is_an_error() {
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let ended = Connection::open(address).await;
    assert!(matches!(ended, Err(WireError::Connect { .. })), "{ended:?}");
}

async fn exchange(connection: &mut Connection, at: SocketAddr) -> Result<(u16, String), WireError> {
    let answer = connection.exchange(&wire::render("POST", at, "/echo", r#"{"a":[1]}"#)).await?;
    Ok((answer.status, String::from_utf8(answer.body.to_vec()).unwrap()))
}

#[tokio::test]
async fn chunks_are_joined_however_they_are_torn() {
    let address = stand_in::start(Fault::Chunked).await;
    let mut connection = Connection::open(address).await.unwrap();
    for _ in 0..3 {
        let answer = exchange(&mut connection, address).await.unwrap();
        assert_eq!(answer, (200, r#"{"a":[1]}"#.to_owned()));
    }
}

#[tokio::test]
async fn answers_that_cannot_be_followed_are_errors() {
    let address = stand_in::start(Fault::Farewell).await;
    let mut connection = Connection::open(address).await.unwrap();
    exchange(&mut connection, address).await.unwrap();
    let ended = exchange(&mut connection, address).await;
    assert!(matches!(ended, Err(WireError::NotKeptAlive)), "{ended:?}");

    let address = stand_in::start(Fault::Surplus).await;
    let ended = exchange(&mut Connection::open(address).await.unwrap(), address).await;
    assert!(matches!(ended, Err(WireError::Surplus { bytes: 4 })), "{ended:?}");

    let address = stand_in::start(Fault::Endless).await;
    let ended = exchange(&mut Connection::open(address).await.unwrap(), address).await;
    assert!(matches!(ended, Err(WireError::Unframed { status: 200 })), "{ended:?}");
}

#[tokio::test]
async fn the_listing_is_walked_to_its_end_and_given_up_when_it_stays_behind() {
    for (fault, standing) in [(Fault::None, 30), (Fault::RefuseThird, 20), (Fault::Forgetful, 29)] {
        let address = stand_in::start(fault).await;
        let stalled_after = PATIENCE;
        let load = Load { address, connections: 3, requests: 30, expected: 201, stalled_after };
        let orders = Workload::new(address, "/v1/talentshare/orders", &order_bodies(7, &[0]));
        let made = load.drive(Rc::new(orders)).await.unwrap().count(201);
        let mut control = Control::open(address).await.unwrap();
        let within = Duration::from_millis(200);
        let listing = control.list_until(made, within).await.unwrap().unwrap();
        assert_eq!(listing.standing, standing, "{fault:?}: {listing:?}");
        assert_eq!(listing.standing == made, fault != Fault::Forgetful);
    }
}

/// The stand-in as a process: `--data DIR` says that it is meant to be one, and the wrapper says which fault it has.
#[tokio::test]
async fn serve_as_a_process() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let Some(data) = after("--data") else { return };
    let fault = after("fault").unwrap_or_default();
    if fault == "stillborn" {
        return eprintln!("this one never comes up");
    }
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    std::fs::create_dir(&data).unwrap();
    let journal = Path::new(&data).join("journal");
    std::fs::write(&journal, vec![1; 10_000]).unwrap();
    let fault = Fault::named(&fault);
    let journal = File::options().write(true).open(journal).unwrap();
    let address = stand_in::start_on(fault, Some(journal)).await;
    println!("stand-in ready at http://{address}, data in {data}");
    terminate.recv().await;
    assert_ne!(fault, Fault::BadEnd, "this one ends badly");
}

fn launch(fault: &str, scratch: &Path) -> Launch {
    let mut launch = Launch::new(std::env::current_exe().unwrap());
    let leading = ["serve_as_a_process", "--exact", "--nocapture", "--", "fault", fault];
    launch.leading = leading.into_iter().map(Into::into).collect();
    launch.scratch = scratch.to_path_buf();
    launch
}

#[tokio::test]
async fn a_server_that_is_dropped_is_gone() {
    let scratch = tempfile::tempdir().unwrap();
    let server = launch("none", scratch.path()).start().await.unwrap();
    let address = server.address();
    Connection::open(address).await.unwrap();
    drop(server);
    let ended = Connection::open(address).await;
    assert!(matches!(ended, Err(WireError::Connect { .. })), "{ended:?}");
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "its folder is removed");
}

/// A launch of the real server: the binary that lies beside this one after the workspace's tests were built.
fn real(scratch: &Path) -> Launch {
    let this = std::env::current_exe().unwrap();
    let beside = this.parent().and_then(Path::parent).unwrap().join("surehold");
    let program = if beside.is_file() { beside } else { build_with("dev").unwrap() };
    Launch { scratch: scratch.to_path_buf(), ..Launch::new(program) }
}

/// What a run says must hold, whatever the machine; how fast it is, a busy one in debug mode does not tell.
fn check(outcome: Result<Outcome, HttpError>, scratch: &Path) {
    let outcome = outcome.unwrap();
    assert!(outcome.broken().is_empty(), "{outcome}");
    let json = serde_json::to_value(&outcome).unwrap();
    assert_eq!(json["lines"].as_array().unwrap().len(), outcome.lines.len());
    assert_eq!(std::fs::read_dir(scratch).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn the_bare_path_stands_beside_the_engine_and_the_server() {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let args = BareArgs {
        orders: 200,
        in_flight: 16,
        requests: 200,
        connections: vec![4],
        offerings: 5,
        rounds: 1,
        seed: 7,
        server: None,
        scratch: Some(scratch.path().to_path_buf()),
    };
    let program = Path::new(env!("CARGO_BIN_EXE_surehold-benches"));
    let launch = real(scratch.path());
    let found = bare::run(&args, program, &launch, &mut |_| {}).unwrap();
    for key in ["bare.library", "bare.library.engine", "bare.4.path", "bare.4.server"] {
        let figure = found.figures.iter().find(|figure| figure.key == key);
        assert!(figure.is_some_and(|figure| figure.median > 0.0), "{key}: {found:?}");
    }
    let shares = found.figures.iter().filter(|figure| figure.key.ends_with(".share"));
    assert_eq!(shares.count(), 2, "{found:?}");
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "nothing is left behind");
}

#[tokio::test]
async fn slow_payments_in_small() {
    let scratch = tempfile::tempdir().unwrap();
    let plan = slow_payments::Plan {
        connections: 8,
        seconds: 2,
        calibration: 1,
        sleep_ms: (20, 40),
        seed: 7,
    };
    let launch = real(scratch.path());
    check(slow_payments::run(&plan, &launch, &mut |_| {}).await, scratch.path());
}

#[tokio::test]
async fn overload_in_small() {
    let scratch = tempfile::tempdir().unwrap();
    let plan = overload::Plan {
        connections: 64,
        seconds: 2,
        calibration: 1,
        hands: 4,
        factor: 3.0,
        sleep_ms: (20, 40),
        seed: 7,
    };
    let launch = real(scratch.path());
    check(overload::run(&plan, &launch, &mut |_| {}).await, scratch.path());
}

#[tokio::test]
async fn faults_in_small() {
    let scratch = tempfile::tempdir().unwrap();
    // The seed is one with which nobody has to wait for a silent service.
    let plan = faults::Plan {
        orders: 20,
        connections: 20,
        percent: vec![4],
        seed: SEED_OF_FAST_FAULTS,
        settle_within: 60,
    };
    let launch = real(scratch.path());
    check(faults::run(&plan, &launch, &mut |_| {}).await, scratch.path());
}

#[tokio::test]
async fn crashes_in_small() {
    let scratch = tempfile::tempdir().unwrap();
    let plan = crashes::Plan { connections: 8, seconds: 4, rate: 10, seed: 7 };
    let launch = real(scratch.path());
    check(crashes::run(&plan, &launch, &mut |_| {}).await, scratch.path());
}

//! The suites that measure, each of which makes [`Findings`](crate::findings::Findings); `http`, the first of them, is a
//! module of the crate itself. `hot` and `mixed` know the server only from outside, as it does.
//!
//! The others link what they measure. `actors` hosts the domain's machines in several ways; `journal` writes records; `bare`
//! is an order's path without an engine around it. For
//! the library `shop` is the load: an opened engine and tasks that place orders in it. `subject` is a process of its own
//! that holds such a shop, so that its memory is nobody else's and so that it can be killed; it is this program, started
//! again. `safety` holds each of these runs against what would make its figures worthless: a folder in memory, a disk that
//! is not synced.

pub mod actors;
pub mod bare;
pub mod engine;
pub mod growth;
pub mod hot;
pub mod journal;
pub mod memory;
pub mod mixed;
pub mod recovery;
pub mod safety;
pub mod shop;
pub mod subject;

use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use surehold::{OpenError, Refusal};
use surehold_storage::JournalError;
use tokio::runtime::Runtime;

use crate::report::{Budget, Verdict};

/// Why a suite has no figures.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// A file, a folder or a process that does not do what it should.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The engine did not open.
    #[error("the engine did not open: {0}")]
    Open(#[from] OpenError),
    /// The engine refused what it should do.
    #[error("the engine refused: {0}")]
    Refused(#[from] Refusal),
    /// The journal did not do what it should.
    #[error("the journal: {0}")]
    Journal(#[from] JournalError),
    /// The engine answered, but not what was asked for.
    #[error("{0}")]
    Answer(String),
    /// The process that is measured ended, or said something else.
    #[error("the measured process {0}")]
    Subject(String),
}

/// The folder in which data folders are made, when nobody names one.
fn scratch(named: Option<&PathBuf>) -> PathBuf {
    named.cloned().unwrap_or_else(std::env::temp_dir)
}

/// A data folder that goes away.
fn fresh(scratch: &std::path::Path) -> io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix("surehold-bench-").tempdir_in(scratch)
}

/// As many workers as there are cores: what the server has.
fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

/// How many cores there are.
fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// A budget that a run judges only if it was made under the budget's conditions.
fn budget(what: &str, asked: &str, measured: String, met: bool, unfit: Option<String>) -> Budget {
    let verdict = match (unfit, met) {
        (Some(reason), _) => Verdict::NotJudged(reason),
        (None, true) => Verdict::Met,
        (None, false) => Verdict::NotMet,
    };
    Budget { what: what.to_owned(), asked: asked.to_owned(), measured, verdict }
}

/// Whatever speaks against judging speed at all.
fn slow_build() -> Option<String> {
    cfg!(debug_assertions).then(|| "this is a debug build: run it with --release".to_owned())
}

/// A setting, as a name and a value.
fn setting(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

//! What the customers share: where the server is just now, the clock of the history, and when to stop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::history::{Asked, Moment};

/// The market that is sold from.
pub(super) const MARKET: &str = "house";
/// How many units each offering has: some are gone at once, some hardly ever.
pub(super) const CAPACITY: [(u64, u64); 4] = [(1, 1), (2, 3), (3, 20), (4, 200)];

/// The market's file.
pub(super) fn market() -> String {
    let mut text = format!("name = \"{MARKET}\"\ncurrency = \"EUR\"\n");
    for (offering, units) in CAPACITY {
        text.push_str(&format!(
            "[[offerings]]\nid = {offering}\nname = \"Room {offering}\"\nprice = {{ amount = 1250 }}\n\
             inventory = {{ model = \"seats\", capacity = {units} }}\n"
        ));
    }
    text
}

/// Where everything happens.
pub(super) struct Stage {
    began: Instant,
    stopping: AtomicBool,
    address: watch::Sender<String>,
}

impl Stage {
    pub(super) fn new() -> Arc<Stage> {
        let stage = Stage {
            began: Instant::now(),
            stopping: AtomicBool::new(false),
            address: watch::Sender::new(String::new()),
        };
        Arc::new(stage)
    }

    /// The moment by the clock of the history.
    pub(super) fn now(&self) -> Moment {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(Moment::MAX)
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// From now on the server is there; an empty address: nowhere.
    pub(super) fn moved_to(&self, address: &str) {
        self.address.send_replace(address.to_owned());
    }

    /// Where the server is, as soon as it is anywhere.
    pub(super) async fn address(&self) -> String {
        let mut address = self.address.subscribe();
        // The sender lives as long as the stage.
        let found = address.wait_for(|address| !address.is_empty()).await;
        found.map(|address| address.clone()).unwrap_or_default()
    }

    /// From now on nobody begins anything new.
    pub(super) fn close(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    pub(super) fn is_open(&self) -> bool {
        !self.stopping.load(Ordering::Acquire)
    }
}

/// What a customer knows at the end.
#[derive(Debug, Default)]
pub(super) struct Diary {
    /// What it asked for, and what it was told.
    pub(super) history: Vec<Asked>,
    /// Requests sent, the repeated ones too.
    pub(super) requests: u64,
    /// The orders it was told it has, with their keys, and whether it was told that they are cancelled.
    pub(super) orders: BTreeMap<u64, Known>,
    /// What cannot be.
    pub(super) wrong: Vec<String>,
}

/// What a customer was told of one of its orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) offering: u64,
    pub(super) key: String,
    pub(super) cancelled: bool,
}

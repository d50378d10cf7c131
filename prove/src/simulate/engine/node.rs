//! One life of a node: its clock, and whether it is dead. What a dead node still does is seen by nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use surehold::Clock;
use surehold::domain::time::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::notes::Notes;

/// When every world begins: a Friday morning.
pub(super) const BEGIN: u64 = 1_800_000_000_000;

/// A life.
pub(super) struct Node {
    began: Instant,
    epoch: u64,
    /// By how much its clock jumped ahead.
    jumped: AtomicU64,
    dead: AtomicBool,
    died: Notify,
    pub(super) notes: Arc<Notes>,
}

impl Node {
    /// A life that begins now, when the world is `epoch` old.
    pub(super) fn new(epoch: u64, notes: Arc<Notes>) -> Node {
        Node {
            began: Instant::now(),
            epoch,
            jumped: AtomicU64::new(0),
            dead: AtomicBool::new(false),
            died: Notify::new(),
            notes,
        }
    }

    /// How old the world is, by this node's clock, in milliseconds.
    pub(super) fn age(&self) -> u64 {
        let since = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.epoch + since + self.jumped.load(Ordering::Relaxed)
    }

    pub(super) fn jump(&self, by: u64) {
        self.jumped.fetch_add(by, Ordering::Relaxed);
    }

    /// From now on nothing it does counts.
    pub(super) fn die(&self) {
        if !self.dead.swap(true, Ordering::Relaxed) {
            self.line("the node dies");
        }
        self.died.notify_one();
    }

    pub(super) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    pub(super) async fn died(&self) {
        self.died.notified().await;
    }

    /// Notes what happens now.
    pub(super) fn line(&self, what: &str) {
        self.notes.now(self.age());
        self.notes.line(what);
    }

    /// Notes what is wrong now.
    pub(super) fn fault(&self, what: String, about: Option<String>) {
        self.notes.now(self.age());
        self.notes.fault(what, about);
    }
}

impl Clock for Node {
    fn now(&self) -> Timestamp {
        Timestamp(BEGIN + self.age())
    }
}

//! What one server did: its legs, its memory, its folder, and whether its books agree with its answers.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::{Leg, Round, median};
use crate::control::Listing;
use crate::load::Tally;
use crate::server::Stopped;
use crate::usage::{Disk, Memory};

/// SIGTERM promises an end within this.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// All that was measured of one server.
#[derive(Debug, Clone, Serialize)]
pub struct Series {
    /// How many connections the generator held.
    pub connections: usize,
    /// The rounds, in order.
    pub rounds: Vec<Round>,
    /// The medians of the echo legs.
    pub echo: Option<Leg>,
    /// The medians of the orders legs.
    pub orders: Option<Leg>,
    /// The median of the rounds' ratios.
    pub ratio: f64,
    /// How many orders were answered 201, warm-up included.
    pub orders_made: u64,
    /// Memory when the server was ready.
    pub memory_ready: Memory,
    /// Memory after the last round.
    pub memory_loaded: Memory,
    /// The folder when the server was ready.
    pub disk_ready: Disk,
    /// The folder after the last round.
    pub disk_loaded: Disk,
    /// The folder after the server had drained and ended.
    pub disk_drained: Disk,
    /// How long it drained, in milliseconds.
    pub drain_ms: f64,
    /// What the listing said about the orders made.
    pub listing: Option<Listing>,
    /// Whether the audit balanced.
    pub balanced: bool,
    /// What is wrong.
    pub failures: Vec<String>,
    /// What a reader must know.
    pub remarks: Vec<String>,
}

impl Series {
    /// A series of a server that is ready.
    #[must_use]
    pub fn new(connections: usize, memory: Memory, disk: Disk) -> Self {
        Self {
            connections,
            rounds: Vec::new(),
            echo: None,
            orders: None,
            ratio: f64::NAN,
            orders_made: 0,
            memory_ready: memory,
            memory_loaded: memory,
            disk_ready: disk,
            disk_loaded: disk,
            disk_drained: disk,
            drain_ms: f64::NAN,
            listing: None,
            balanced: false,
            failures: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// Counts the orders of the warm-up.
    pub fn warmed_up(&mut self, orders: &Tally) {
        self.orders_made += orders.count(201);
    }

    /// Adds a round and counts its orders.
    pub fn push(&mut self, round: Round, orders: &Tally) {
        self.orders_made += orders.count(201);
        self.rounds.push(round);
    }

    /// Notes memory and folder after the last round, and sums the rounds up.
    pub fn loaded(&mut self, memory: Memory, disk: Disk) {
        (self.memory_loaded, self.disk_loaded) = (memory, disk);
        let echo = Leg::summary(self.rounds.iter().map(|round| &round.echo));
        let orders = Leg::summary(self.rounds.iter().map(|round| &round.orders));
        self.ratio = median(self.rounds.iter().map(|round| round.ratio));
        for (what, leg, expected) in [("echo", &echo, 200), ("orders", &orders, 201)] {
            self.remarks.extend(leg.doubts(what, expected));
        }
        if !orders.statuses.contains_key(&201) {
            self.failures.push("no order was answered 201".to_owned());
        }
        (self.echo, self.orders) = (Some(echo), Some(orders));
    }

    /// Holds the listing against the answers given.
    pub fn listed(&mut self, listing: Option<Listing>) {
        let made = self.orders_made;
        match &listing {
            None => self.remarks.push("the listing was too slow to be checked".to_owned()),
            Some(listing) if listing.standing != made => self.failures.push(format!(
                "{made} orders were answered 201, but {} stand in the listing: {:?}",
                listing.standing, listing.phases
            )),
            Some(_) => {}
        }
        self.listing = listing;
    }

    /// Notes whether the books balance.
    pub fn audited(&mut self, balanced: bool, audit: &Value) {
        self.balanced = balanced;
        if !balanced {
            self.failures.push(format!("the audit does not balance: {audit}"));
        }
    }

    /// Notes how the server ended.
    pub fn stopped(&mut self, stopped: &Stopped) {
        self.disk_drained = stopped.disk;
        self.drain_ms = stopped.drained_in.as_secs_f64() * 1e3;
        if !stopped.status.success() {
            self.failures.push(format!("SIGTERM ended the server with {}", stopped.status));
        }
        if stopped.drained_in > DRAIN_MAX {
            self.failures.push(format!("draining took {:?}", stopped.drained_in));
        }
    }

    /// Allocated bytes for each order made, in a folder as it was at some time; the empty folder is taken off.
    #[must_use]
    pub fn bytes_per_order(&self, disk: Disk) -> f64 {
        let grown = disk.allocated_bytes as f64 - self.disk_ready.allocated_bytes as f64;
        grown / self.orders_made as f64
    }
}

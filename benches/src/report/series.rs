//! What one server did: its legs by kind, its memory, its folder, and whether its books agree with its answers.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::Value;

use super::{Leg, median};
use crate::control::Listing;
use crate::load::{Pace, Tally, histogram};
use crate::plan::in_words;
use crate::power::Evidence;
use crate::server::Stopped;
use crate::usage::{Disk, Memory};

/// SIGTERM promises an end within this.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// An open loop that does less than this share of its rate is one that the server did not keep up with.
const RATE_KEPT_MIN: f64 = 0.98;
/// What the legs of the yardstick are called.
pub const ECHO: &str = "echo";
/// What the legs of the `http` suite are called.
pub const ORDERS: &str = "orders";
/// The legs of the `hot` suite: all orders on one offering ...
pub const HOT: &str = "hot";
/// ... and spread over many.
pub const SPREAD: &str = "spread";

/// All legs of one kind.
#[derive(Debug, Clone)]
pub struct Kind {
    /// What it is called: "echo", "orders", "hot".
    pub name: String,
    /// Whether it is a part of another kind, told once more by itself.
    pub part: bool,
    /// One leg for each round.
    pub legs: Vec<Leg>,
    /// The latencies of all legs together, in microseconds.
    pub latencies_us: Histogram<u64>,
    /// The rate over time, leg by leg.
    pub timelines: Vec<Vec<(f64, f64)>>,
}

/// All that was measured of one server.
#[derive(Debug, Clone)]
pub struct Series {
    /// How many connections the generator held.
    pub connections: usize,
    /// When requests left.
    pub pace: Pace,
    /// The kinds of legs, in the order in which they came first.
    pub kinds: Vec<Kind>,
    /// What was seen of its waiting for the disk.
    pub power: Option<Evidence>,
    /// How many orders were answered 201 and not cancelled, warm-up included.
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

impl Kind {
    fn add(&mut self, leg: Leg, tally: &Tally) {
        self.legs.push(leg);
        self.timelines.push(tally.rate_over_time());
        self.latencies_us += &tally.latencies_us;
    }

    /// The medians of the legs.
    #[must_use]
    pub fn summary(&self) -> Leg {
        Leg::summary(self.legs.iter())
    }

    /// One figure of every leg.
    #[must_use]
    pub fn each(&self, figure: fn(&Leg) -> f64) -> Vec<f64> {
        self.legs.iter().map(figure).collect()
    }

    /// The rate over time of the leg whose rate was the median one, or just above it.
    #[must_use]
    pub fn usual_timeline(&self) -> &[(f64, f64)] {
        let usual = median(self.each(|leg| leg.per_second));
        let legs = self.legs.iter().zip(&self.timelines);
        let above = legs.filter(|(leg, _)| leg.per_second >= usual);
        let nearest = above.min_by(|(a, _), (b, _)| a.per_second.total_cmp(&b.per_second));
        nearest.map_or(&[], |(_, timeline)| timeline)
    }
}

impl Series {
    /// A series of a server that is ready.
    #[must_use]
    pub fn new(connections: usize, pace: Pace, memory: Memory, disk: Disk) -> Self {
        Self {
            connections,
            pace,
            kinds: Vec::new(),
            power: None,
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

    /// The connections, and the rate of an open loop, for a reader.
    #[must_use]
    pub fn in_words(&self) -> String {
        let connections = in_words(self.connections);
        match self.pace {
            Pace::Closed => connections,
            Pace::Open(rate) => format!("{connections}, {rate} a second"),
        }
    }

    /// Adds a leg of some kind.
    pub fn push(&mut self, name: &str, leg: Leg, tally: &Tally) {
        self.kind_for(name, false).add(leg, tally);
    }

    /// Adds what one part of a leg was, for example only its reads.
    pub fn push_part(&mut self, name: &str, tally: &Tally) {
        let leg = Leg::new(tally, Duration::ZERO, Duration::ZERO);
        self.kind_for(name, true).add(leg, tally);
    }

    fn kind_for(&mut self, name: &str, part: bool) -> &mut Kind {
        let at = self.kinds.iter().position(|kind| kind.name == name).unwrap_or_else(|| {
            let (legs, timelines) = (Vec::new(), Vec::new());
            let latencies_us = histogram();
            self.kinds.push(Kind { name: name.to_owned(), part, legs, latencies_us, timelines });
            self.kinds.len() - 1
        });
        &mut self.kinds[at]
    }

    /// The legs of a kind, if there are any.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.name == name)
    }

    /// Round by round, the rate of one kind divided by that of another, and the median of it; `NaN` if either is missing.
    #[must_use]
    pub fn ratio(&self, name: &str, to: &str) -> f64 {
        let rates = |name| self.kind(name).map(|kind| kind.each(|leg| leg.per_second));
        let (Some(over), Some(under)) = (rates(name), rates(to)) else { return f64::NAN };
        median(over.iter().zip(under).map(|(over, under)| over / under))
    }

    /// Notes memory and folder after the last round, and what speaks against the legs.
    pub fn loaded(&mut self, memory: Memory, disk: Disk) {
        (self.memory_loaded, self.disk_loaded) = (memory, disk);
        for kind in self.kinds.iter().filter(|kind| !kind.part) {
            let summary = kind.summary();
            self.remarks.extend(summary.doubts(&kind.name));
            if let Pace::Open(rate) = self.pace
                && summary.per_second < rate * RATE_KEPT_MIN
            {
                self.remarks.push(format!(
                    "{}: {rate} a second were asked for, and {:.0} were done: waiting grew all the time",
                    kind.name, summary.per_second
                ));
            }
            if summary.right == 0 {
                self.failures.push(format!("{}: no answer was the one that was due", kind.name));
            }
        }
    }

    /// Holds the listing against the answers given.
    pub fn listed(&mut self, listing: Option<Listing>) {
        let made = self.orders_made;
        match &listing {
            None => self.remarks.push("the listing was too slow to be checked".to_owned()),
            Some(listing) if listing.standing != made => self.failures.push(format!(
                "{made} orders were answered 201 and not cancelled, but {} stand in the listing: {:?}",
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

    /// The books in one line, for a reader.
    #[must_use]
    pub fn books(&self) -> String {
        let made = self.orders_made;
        let listing = match &self.listing {
            Some(listing) => {
                format!("{} stand in the listing {:?}", listing.standing, listing.phases)
            }
            None => "the listing was not checked".to_owned(),
        };
        let audit = if self.balanced { "balanced" } else { "NOT BALANCED" };
        let drained = self.drain_ms;
        format!("books: {made} orders made; {listing}; audit {audit}; drained in {drained:.0} ms")
    }

    /// Allocated bytes for each order made, in a folder as it was at some time; the empty folder is taken off.
    #[must_use]
    pub fn bytes_per_order(&self, disk: Disk) -> f64 {
        let grown = disk.allocated_bytes as f64 - self.disk_ready.allocated_bytes as f64;
        grown / self.orders_made as f64
    }
}

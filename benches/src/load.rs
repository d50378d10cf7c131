//! A closed-loop load: every connection sends its next request when the last one is answered.
//!
//! All connections run on the caller's thread (one is enough: the server is what should be busy). A connection that
//! fails ends the whole load with an error that names it, because a rate measured over fewer connections than asked is
//! a different figure; a server that stops answering is [`LoadError::Stalled`], not a hang.
//!
//! Only expected answers are counted as done and timed: a refusal is fast, and would flatter both rate and percentiles.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::{JoinSet, LocalSet};

use crate::wire::{Connection, WireError};
use crate::workload::Workload;

/// The longest latency told apart, in microseconds: ten minutes. Longer ones count as this one.
const LATENCY_US_MAX: u64 = 600_000_000;
/// Three significant figures: an error below 0.1% of the value.
const LATENCY_FIGURES: u8 = 3;

/// How much to send, over what.
#[derive(Debug, Clone)]
pub struct Load {
    /// The server.
    pub address: SocketAddr,
    /// How many connections; each has one request in flight.
    pub connections: usize,
    /// How many requests in all.
    pub requests: usize,
    /// The status that means done.
    pub expected: u16,
    /// How long no answer at all may come before the load is given up.
    pub stalled_after: Duration,
}

/// What came of a load.
#[derive(Debug, Clone)]
pub struct Tally {
    /// From the first request to the last answer; connecting is before that.
    pub elapsed: Duration,
    /// How many answers had which status.
    pub statuses: BTreeMap<u16, u64>,
    /// The latencies of the expected answers, in microseconds.
    pub latencies_us: Histogram<u64>,
}

/// Why a load did not finish.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// One connection failed.
    #[error("connection {connection}, with {answered} requests answered in all: {source}")]
    Wire {
        /// Which one, from 0.
        connection: usize,
        /// How many answers all connections together had.
        answered: u64,
        /// What happened.
        source: WireError,
    },
    /// Nothing was answered for too long.
    #[error("no answer for {0:?}, with {1} requests answered in all")]
    Stalled(Duration, u64),
    /// A connection's task panicked.
    #[error("a connection of the generator died: {0}")]
    Died(#[from] tokio::task::JoinError),
}

/// What the connections share; they run on one thread.
struct Shared {
    workload: Rc<Workload>,
    requests: usize,
    expected: u16,
    sent: Cell<usize>,
    answered: Cell<u64>,
    tally: RefCell<Tally>,
}

impl Tally {
    fn new() -> Self {
        let latencies_us = Histogram::new_with_max(LATENCY_US_MAX, LATENCY_FIGURES)
            .expect("the bounds are constants that the histogram accepts");
        Self { elapsed: Duration::ZERO, statuses: BTreeMap::new(), latencies_us }
    }

    fn record(&mut self, status: u16, expected: u16, latency: Duration) {
        *self.statuses.entry(status).or_insert(0) += 1;
        if status == expected {
            let us = u64::try_from(latency.as_micros()).unwrap_or(LATENCY_US_MAX);
            self.latencies_us.saturating_record(us);
        }
    }

    /// How many answers had `status`.
    #[must_use]
    pub fn count(&self, status: u16) -> u64 {
        self.statuses.get(&status).copied().unwrap_or(0)
    }
}

impl Load {
    /// Connects everything, then sends `self.requests` requests of the workload and waits for every answer.
    pub async fn drive(&self, workload: Rc<Workload>) -> Result<Tally, LoadError> {
        let shared = Rc::new(Shared {
            workload,
            requests: self.requests,
            expected: self.expected,
            sent: Cell::new(0),
            answered: Cell::new(0),
            tally: RefCell::new(Tally::new()),
        });
        let connections = self.connect().await?;
        LocalSet::new().run_until(self.race(connections, &shared)).await?;
        let tally = shared.tally.borrow().clone();
        Ok(tally)
    }

    async fn connect(&self) -> Result<Vec<Connection>, LoadError> {
        let mut connections = Vec::with_capacity(self.connections);
        for connection in 0..self.connections {
            let opened = Connection::open(self.address).await;
            connections.push(opened.map_err(|source| LoadError::Wire {
                connection,
                answered: 0,
                source,
            })?);
        }
        Ok(connections)
    }

    async fn race(&self, opened: Vec<Connection>, shared: &Rc<Shared>) -> Result<(), LoadError> {
        let mut running = JoinSet::new();
        let start = Instant::now();
        for (number, connection) in opened.into_iter().enumerate() {
            running.spawn_local(Rc::clone(shared).run(number, connection));
        }
        let finish = async {
            while let Some(ended) = running.join_next().await {
                ended??;
            }
            Ok(())
        };
        let finished = tokio::select! {
            finished = finish => finished,
            stalled = shared.watch(self.stalled_after) => Err(stalled),
        };
        shared.tally.borrow_mut().elapsed = start.elapsed();
        finished
    }
}

impl Shared {
    /// One connection: the end of an exchange is the start of the next, so the clock is read once per request.
    async fn run(
        self: Rc<Self>,
        number: usize,
        mut connection: Connection,
    ) -> Result<(), LoadError> {
        let mut asked = Instant::now();
        while let Some(index) = self.take() {
            let request = self.workload.request(index);
            let status = match connection.exchange(request).await {
                Ok(answer) => answer.status,
                Err(source) => {
                    let answered = self.answered.get();
                    return Err(LoadError::Wire { connection: number, answered, source });
                }
            };
            let now = Instant::now();
            self.answered.set(self.answered.get() + 1);
            self.tally.borrow_mut().record(status, self.expected, now.duration_since(asked));
            asked = now;
        }
        Ok(())
    }

    fn take(&self) -> Option<usize> {
        let index = self.sent.get();
        (index < self.requests).then(|| self.sent.set(index + 1))?;
        Some(index)
    }

    /// Returns once a whole period went by without an answer.
    async fn watch(&self, period: Duration) -> LoadError {
        let mut ticks = tokio::time::interval(period);
        let mut before = None;
        loop {
            ticks.tick().await;
            let answered = self.answered.get();
            if before == Some(answered) {
                return LoadError::Stalled(period, answered);
            }
            before = Some(answered);
        }
    }
}

//! The load: closed loop (every connection sends its next request when the last one is answered) or open loop (requests
//! leave at fixed times, and a latency counts from there).
//!
//! All connections run on the caller's thread (one is enough: the server is what should be busy). A connection that
//! fails ends the whole load with an error that names it, because a rate measured over fewer connections than asked is
//! a different figure; a server that stops answering is [`LoadError::Stalled`], not a hang.
//!
//! Only right answers are counted as done and timed: a refusal is fast, and would flatter both rate and percentiles.

mod pace;
mod tally;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::{JoinSet, LocalSet};

pub use pace::Pace;
pub use tally::{Tally, histogram};

use crate::wire::{Answer, Connection, WireError};
use crate::workload::Workload;
use pace::Pacer;

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

/// What is sent, and what is made of the answers.
pub trait Script {
    /// What has to be remembered of a request until it is answered.
    type Asked;

    /// Writes the request with this number into an empty buffer.
    fn ask(&self, number: usize, into: &mut Vec<u8>) -> Self::Asked;

    /// Looks at an answer: whether it is the one that was due.
    fn heard(&self, asked: Self::Asked, answer: &Answer<'_>, latency: Duration) -> bool;
}

/// A workload of which every answer has the same status.
#[derive(Debug, Clone)]
pub struct Fixed {
    /// What is sent.
    pub workload: Rc<Workload>,
    /// The status that is due.
    pub expected: u16,
}

impl Script for Fixed {
    type Asked = ();

    fn ask(&self, number: usize, into: &mut Vec<u8>) {
        into.extend_from_slice(self.workload.request(number));
    }

    fn heard(&self, (): (), answer: &Answer<'_>, _: Duration) -> bool {
        answer.status == self.expected
    }
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
struct Shared<S> {
    script: Rc<S>,
    requests: usize,
    pace: Pace,
    pacer: Option<Pacer>,
    start: Instant,
    sent: Cell<usize>,
    answered: Cell<u64>,
    tally: RefCell<Tally>,
}

impl Load {
    /// Connects everything, then sends `self.requests` requests of the workload and waits for every answer.
    pub async fn drive(&self, workload: Rc<Workload>) -> Result<Tally, LoadError> {
        self.drive_at(Pace::Closed, workload).await
    }

    /// The same at some pace.
    pub async fn drive_at(&self, pace: Pace, workload: Rc<Workload>) -> Result<Tally, LoadError> {
        let expected = self.expected;
        self.play(pace, Rc::new(Fixed { workload, expected })).await
    }

    /// The same with a script, which says itself which answers are right.
    pub async fn play<S: Script + 'static>(
        &self,
        pace: Pace,
        script: Rc<S>,
    ) -> Result<Tally, LoadError> {
        let connections = self.connect().await?;
        let start = Instant::now();
        let open = pace != Pace::Closed;
        let shared = Rc::new(Shared {
            script,
            requests: self.requests,
            pace,
            pacer: open.then(|| Pacer::start(pace, self.requests, start)),
            start,
            sent: Cell::new(0),
            answered: Cell::new(0),
            tally: RefCell::new(Tally::default()),
        });
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

    async fn race<S: Script + 'static>(
        &self,
        opened: Vec<Connection>,
        shared: &Rc<Shared<S>>,
    ) -> Result<(), LoadError> {
        let mut running = JoinSet::new();
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
        shared.tally.borrow_mut().elapsed = shared.start.elapsed();
        finished
    }
}

impl<S: Script> Shared<S> {
    /// One connection. In a closed loop the end of an exchange is the start of the next, so the clock is read once per
    /// request.
    async fn run(
        self: Rc<Self>,
        number: usize,
        mut connection: Connection,
    ) -> Result<(), LoadError> {
        let mut request = Vec::new();
        let mut before = self.start;
        while let Some(index) = self.take() {
            if let Some(pacer) = &self.pacer {
                pacer.wait().await;
            }
            let asked_at = self.pace.due(index).map_or(before, |due| self.start + due);
            request.clear();
            let asked = self.script.ask(index, &mut request);
            let answer = connection.exchange(&request).await.map_err(|source| LoadError::Wire {
                connection: number,
                answered: self.answered.get(),
                source,
            })?;
            let now = Instant::now();
            let latency = now.duration_since(asked_at);
            let right = self.script.heard(asked, &answer, latency);
            self.answered.set(self.answered.get() + 1);
            let at = now.duration_since(self.start);
            self.tally.borrow_mut().record(answer.status, right, latency, at);
            before = now;
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

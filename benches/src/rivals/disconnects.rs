//! Clients that go away in the middle of a request: each sends one order, waits for a moment that the seed drew, and
//! closes its socket, answered or not. What that leaves half-done is counted in the books afterwards.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{sleep, timeout};

use super::RivalError;
use crate::load::Load;
use crate::workload::{Random, Workload};

/// The least longest wait: shorter ones than a timer's step could not be told apart.
const WAIT_US_MIN: u64 = 2_000;
/// Far above an answer to one order.
const READ_BYTES: usize = 4096;
/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(15);

/// What became of the clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Gone {
    /// They closed before an answer came.
    pub(super) unanswered: u64,
    /// The answer was faster.
    pub(super) answered: u64,
}

struct Shared {
    workload: Workload,
    random: RefCell<Random>,
    left: RefCell<usize>,
    gone: RefCell<Gone>,
    longest_us: u64,
    load: Load,
}

/// Has `load.requests` clients go away, `load.connections` at a time, after up to twice the time of a usual answer.
pub(super) async fn run(
    load: Load,
    workload: Workload,
    usual_ms: f64,
    seed: u64,
) -> Result<Gone, RivalError> {
    let usual = Duration::try_from_secs_f64(usual_ms / 1e3).unwrap_or_default();
    let twice = u64::try_from(2 * usual.as_micros()).unwrap_or(u64::MAX);
    let shared = Rc::new(Shared {
        workload,
        random: RefCell::new(Random::new(seed)),
        left: RefCell::new(load.requests),
        gone: RefCell::default(),
        longest_us: twice.max(WAIT_US_MIN),
        load,
    });
    let everybody = async {
        let mut running = JoinSet::new();
        for _ in 0..shared.load.connections {
            running.spawn_local(Rc::clone(&shared).visit());
        }
        while let Some(ended) = running.join_next().await {
            ended.map_err(io::Error::other)??;
        }
        Ok::<(), RivalError>(())
    };
    LocalSet::new().run_until(everybody).await?;
    let gone = *shared.gone.borrow();
    Ok(gone)
}

impl Shared {
    /// One client after the other.
    async fn visit(self: Rc<Self>) -> Result<(), RivalError> {
        while let Some(number) = self.next() {
            let wait = Duration::from_micros(self.random.borrow_mut().below(self.longest_us));
            let connecting = timeout(CONNECT_WITHIN, TcpStream::connect(self.load.address));
            let mut stream = connecting.await.map_err(io::Error::other)??;
            stream.set_nodelay(true)?;
            stream.write_all(self.workload.request(number)).await?;
            let mut answer = [0; READ_BYTES];
            let answered = tokio::select! {
                read = stream.read(&mut answer) => read? > 0,
                () = sleep(wait) => false,
            };
            let mut gone = self.gone.borrow_mut();
            let count = if answered { &mut gone.answered } else { &mut gone.unanswered };
            *count += 1;
        }
        Ok(())
    }

    fn next(&self) -> Option<usize> {
        let mut left = self.left.borrow_mut();
        *left = left.checked_sub(1)?;
        Some(*left)
    }
}

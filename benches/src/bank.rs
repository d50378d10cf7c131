//! A payment service to run against: plain JSON as `--payment-url` expects it, with a ledger that can be read back.
//!
//! It takes its time, has so many hands, and has faults, all as told. It keeps to the one rule that every payment
//! service keeps to: a key is carried out once and answered the same again. It runs on a thread of its own, so that
//! neither the generator nor the bank waits for the other.

mod faults;
mod ledger;
mod serve;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use serde::Serialize;
use tokio::sync::{Semaphore, oneshot};

pub use faults::Fault;
pub use ledger::{Entry, Ledger};

use crate::workload::Random;

/// How the service behaves.
#[derive(Debug, Clone, Serialize)]
pub struct Manner {
    /// What one charge takes, in milliseconds: anything from the first to the second.
    pub sleep_ms: (u64, u64),
    /// How many charges it works at at once; the others wait there. No limit without.
    pub hands: Option<usize>,
    /// How many hundredths of the requests meet each kind of fault.
    pub faults_percent: u64,
    /// Which requests those are, and how long each sleeps.
    pub seed: u64,
}

/// A running service; it ends when it is dropped.
#[derive(Debug)]
pub struct Bank {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What all its connections share.
#[derive(Debug)]
struct Shared {
    manner: Manner,
    ledger: Mutex<Ledger>,
    random: Mutex<Random>,
    hands: Option<Semaphore>,
}

impl Bank {
    /// Starts one on a free port of the loopback.
    ///
    /// # Errors
    /// What the system said.
    pub fn start(manner: Manner) -> io::Result<Bank> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            ledger: Mutex::default(),
            random: Mutex::new(Random::new(manner.seed)),
            hands: manner.hands.map(Semaphore::new),
            manner,
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("bank".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve::serve(listener, serving) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Bank { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// What `--payment-url` takes.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it knows.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.shared.ledger()
    }
}

impl Drop for Bank {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // It has said why it panicked.
            thread.join().ok();
        }
    }
}

impl Shared {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Every change leaves the ledger whole.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

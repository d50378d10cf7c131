//! The gate: the one place where work enters the engine, and where it is counted.
//!
//! Open only while the whole tree is up. Work beyond the limits waits a little, and is then refused
//! before anything was done for it.

mod tickets;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::{ADMISSION_WAIT, COMMANDS_MAX, PLACING_MAX};
use crate::refusal::Refusal;
pub(crate) use tickets::Ticket;
use tickets::Tickets;

/// Which kind of work wants in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// A new order.
    Placing,
    /// A command to an order or an offering.
    Command,
}

/// The gate.
pub(crate) struct Gate {
    open: AtomicBool,
    placing: Arc<Semaphore>,
    commands: Arc<Semaphore>,
    /// For work that will ask for money.
    pub(crate) tickets: Tickets,
}

impl Default for Gate {
    fn default() -> Self {
        Gate {
            open: AtomicBool::new(false),
            placing: Arc::new(Semaphore::new(PLACING_MAX)),
            commands: Arc::new(Semaphore::new(COMMANDS_MAX)),
            tickets: Tickets::default(),
        }
    }
}

impl Gate {
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    pub(crate) fn shut(&self) {
        self.open.store(false, Ordering::Release);
    }

    /// Lets work in, as long as the permit is kept.
    pub(crate) async fn enter(&self, work: Work) -> Result<OwnedSemaphorePermit, Refusal> {
        if !self.is_open() {
            return Err(Refusal::unavailable("the engine takes no orders just now"));
        }
        let permits = match work {
            Work::Placing => &self.placing,
            Work::Command => &self.commands,
        };
        if let Ok(permit) = Arc::clone(permits).try_acquire_owned() {
            return Ok(permit);
        }
        match tokio::time::timeout(ADMISSION_WAIT, Arc::clone(permits).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => {
                metrics::counter!("surehold_refused_overload_total").increment(1);
                Err(Refusal::unavailable("too much is under way; try again shortly"))
            }
        }
    }

    /// Returns when all work that was let in is done.
    pub(crate) async fn empty(&self) {
        for (permits, all) in [(&self.placing, PLACING_MAX), (&self.commands, COMMANDS_MAX)] {
            let all = u32::try_from(all).unwrap_or(u32::MAX);
            // The semaphores are never closed.
            let _ = permits.acquire_many(all).await;
        }
    }
}

/// The last child of the root: while it lives, the gate is open.
pub(crate) struct EdgeActor;

impl Actor for EdgeActor {
    type Msg = ();
    type State = Arc<Gate>;
    type Arguments = Arc<Gate>;

    async fn pre_start(
        &self,
        _myself: ActorRef<()>,
        gate: Arc<Gate>,
    ) -> Result<Arc<Gate>, ActorProcessingErr> {
        gate.open.store(true, Ordering::Release);
        Ok(gate)
    }

    async fn post_stop(
        &self,
        _myself: ActorRef<()>,
        gate: &mut Arc<Gate>,
    ) -> Result<(), ActorProcessingErr> {
        gate.shut();
        Ok(())
    }
}

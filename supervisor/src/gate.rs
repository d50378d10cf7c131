//! The gate: the one place where work enters the engine, and where it is counted.
//!
//! Open only while the whole tree is up. Work beyond the limits waits a little, and is then refused
//! before anything was done for it.

mod tickets;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::lanes::{Lanes, Wanted};
use crate::limits::{ADMISSION_WAIT, COMMANDS_MAX, PLACING_MAX, WAITING_MAX};
use crate::refusal::Refusal;
pub(crate) use tickets::Ticket;
use tickets::Tickets;

/// Which kind of work wants in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// A new order, and what it is for.
    Placing(Wanted),
    /// A command to an order or an offering.
    Command,
}

/// The gate.
pub(crate) struct Gate {
    open: AtomicBool,
    placing: Semaphore,
    lanes: Lanes,
    commands: Semaphore,
    waiting: AtomicUsize,
    /// For work that will ask for money.
    pub(crate) tickets: Tickets,
}

impl Default for Gate {
    fn default() -> Self {
        Gate {
            open: AtomicBool::new(false),
            placing: Semaphore::new(PLACING_MAX),
            lanes: Lanes::default(),
            commands: Semaphore::new(COMMANDS_MAX),
            waiting: AtomicUsize::new(0),
            tickets: Tickets::default(),
        }
    }
}

/// Work that was let in, for as long as this is kept.
pub(crate) struct Pass<'g> {
    _permit: SemaphorePermit<'g>,
    _lane: Option<SemaphorePermit<'g>>,
}

/// One who waits, and is counted.
struct Waiting<'g>(&'g AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Gate {
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    pub(crate) fn shut(&self) {
        self.open.store(false, Ordering::Release);
    }

    /// Lets work in, as long as the pass is kept.
    pub(crate) async fn enter(&self, work: Work) -> Result<Pass<'_>, Refusal> {
        if !self.is_open() {
            return Err(Refusal::unavailable("the engine takes no orders just now"));
        }
        if let Some(pass) = self.try_enter(work) {
            return Ok(pass);
        }
        let passed = match self.wait() {
            Some(_waiting) => tokio::time::timeout(ADMISSION_WAIT, self.queue(work)).await.ok(),
            None => None,
        };
        passed.flatten().ok_or_else(|| {
            metrics::counter!("surehold_refused_overload_total").increment(1);
            Refusal::unavailable("too much is under way; try again shortly")
        })
    }

    /// How many orders for the same are under way.
    pub(crate) fn beside(&self, wanted: Wanted) -> usize {
        self.lanes.inside(wanted)
    }

    fn try_enter(&self, work: Work) -> Option<Pass<'_>> {
        let (permits, lane) = match work {
            Work::Placing(wanted) => (&self.placing, Some(self.lanes.try_enter(wanted)?)),
            Work::Command => (&self.commands, None),
        };
        Some(Pass { _permit: permits.try_acquire().ok()?, _lane: lane })
    }

    /// Waits in line. Who waits for a lane takes nobody else's room meanwhile.
    async fn queue(&self, work: Work) -> Option<Pass<'_>> {
        let (permits, lane) = match work {
            Work::Placing(wanted) => (&self.placing, Some(self.lanes.enter(wanted).await?)),
            Work::Command => (&self.commands, None),
        };
        // The semaphores are never closed.
        Some(Pass { _permit: permits.acquire().await.ok()?, _lane: lane })
    }

    /// Counts one who waits, unless too many do.
    fn wait(&self) -> Option<Waiting<'_>> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting(&self.waiting);
        (before < WAITING_MAX).then_some(waiting)
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

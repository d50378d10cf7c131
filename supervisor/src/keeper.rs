//! The actors that keep the data: one dies with the journal, one makes checkpoints, and looks through the
//! snapshots that an earlier process made.

use std::sync::Arc;

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr};
use surehold_actors::shelf::checkpoint::Checkpoints;
use surehold_actors::shelf::{Shelf, Walk};
use surehold_actors::watch::Watchers;
use surehold_storage::Journal;
use tracing::warn;

use crate::limits::{CHECKPOINT_EVERY, LOOK_PAUSE};
use crate::participant::{SUPPORTING, Worker};
use crate::policy::Policy;
use crate::retention::Keeping;
use crate::stores::beside;

/// Lives as long as the journal takes records.
pub(crate) struct JournalActor;

/// What it is started with: the journal, and those who wait for what it will take.
pub(crate) type Kept = (Arc<dyn Journal>, Arc<Watchers>);

/// The journal closed.
#[derive(Debug)]
pub(crate) struct JournalClosed(Arc<str>);

impl Actor for JournalActor {
    type Msg = JournalClosed;
    type State = Kept;
    type Arguments = Kept;

    async fn pre_start(
        &self,
        _myself: ActorRef<JournalClosed>,
        kept: Kept,
    ) -> Result<Kept, ActorProcessingErr> {
        Ok(kept)
    }

    async fn post_start(
        &self,
        myself: ActorRef<JournalClosed>,
        (journal, _): &mut Kept,
    ) -> Result<(), ActorProcessingErr> {
        let durable = Arc::clone(journal.durable());
        tokio::spawn(async move {
            let _ = myself.send_message(JournalClosed(durable.closing().await));
        });
        Ok(())
    }

    async fn handle(
        &self,
        _myself: ActorRef<JournalClosed>,
        JournalClosed(reason): JournalClosed,
        (_, watchers): &mut Kept,
    ) -> Result<(), ActorProcessingErr> {
        // Before the tree goes down: those who come to wait for the next one are none of ours.
        watchers.release();
        Err(format!("the journal closed: {reason}").into())
    }
}

/// A message to the maker of checkpoints.
#[derive(Debug)]
pub(crate) enum SnapshotsMsg {
    /// Make one.
    Run,
    /// A fault on demand.
    Crash,
}

/// Makes checkpoints when the tails are long, and now and then.
pub(crate) struct SnapshotsActor;

/// The maker of checkpoints, and how often in a row it failed.
pub(crate) struct SnapshotsState {
    worker: SnapshotsWorker,
    failures: u32,
}

/// Failures in a row after which the data is opened anew: that replaces snapshots that are broken,
/// and waits for room where there is none.
const FAILURES_MAX: u32 = 3;

/// What a checkpoint needs.
#[derive(Clone)]
pub(crate) struct SnapshotsWorker {
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) checkpoints: Arc<Checkpoints>,
    /// Removes old records after a checkpoint.
    pub(crate) keeping: Arc<Keeping>,
    /// Whether folding and syncing take time.
    pub(crate) blocks: bool,
}

impl Actor for SnapshotsActor {
    type Msg = SnapshotsMsg;
    type State = SnapshotsState;
    type Arguments = SnapshotsWorker;

    async fn pre_start(
        &self,
        _myself: ActorRef<SnapshotsMsg>,
        worker: SnapshotsWorker,
    ) -> Result<SnapshotsState, ActorProcessingErr> {
        Ok(SnapshotsState { worker, failures: 0 })
    }

    async fn post_start(
        &self,
        myself: ActorRef<SnapshotsMsg>,
        state: &mut SnapshotsState,
    ) -> Result<(), ActorProcessingErr> {
        look_through(&state.worker);
        wait_then_run(myself, Arc::clone(&state.worker.shelf));
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<SnapshotsMsg>,
        message: SnapshotsMsg,
        state: &mut SnapshotsState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SnapshotsMsg::Run => {
                let SnapshotsWorker { shelf, checkpoints, keeping, blocks } = state.worker.clone();
                let sample = keeping.sample();
                match beside(blocks, move || checkpoints.run(&shelf)).await? {
                    Ok(streams) => {
                        state.failures = 0;
                        metrics::counter!("surehold_checkpoints_total").increment(1);
                        tracing::debug!(streams, "made a checkpoint");
                        if let Some(sample) = sample {
                            keeping.start(sample, blocks).await;
                        }
                    }
                    // Nothing is lost: the tails keep what the snapshots could not take.
                    Err(error) => {
                        metrics::counter!("surehold_checkpoints_failed_total").increment(1);
                        warn!(%error, "no checkpoint could be made; it is tried again");
                        state.failures += 1;
                        if state.failures >= FAILURES_MAX {
                            state.worker.shelf.journal().close();
                            return Ok(());
                        }
                    }
                }
                wait_then_run(myself, Arc::clone(&state.worker.shelf));
                Ok(())
            }
            SnapshotsMsg::Crash => Err("the snapshots were told to crash".into()),
        }
    }
}

fn wait_then_run(myself: ActorRef<SnapshotsMsg>, shelf: Arc<Shelf>) {
    tokio::spawn(async move {
        // Whichever comes first.
        let _ = tokio::time::timeout(CHECKPOINT_EVERY, shelf.tails_long()).await;
        let _ = myself.send_message(SnapshotsMsg::Run);
    });
}

/// Looks at the snapshots that nobody used yet, a little at a time. What is wrong with one is found by
/// whoever uses it, too; but it is better found before.
fn look_through(worker: &SnapshotsWorker) {
    let (shelf, blocks) = (Arc::downgrade(&worker.shelf), worker.blocks);
    tokio::spawn(async move {
        let mut walk = Walk::default();
        loop {
            tokio::time::sleep(LOOK_PAUSE).await;
            // It does not keep an opening that is over.
            let Some(shelf) = shelf.upgrade() else { return };
            let step = beside(blocks, move || (walk.step(&shelf), walk)).await;
            match step {
                Ok((Ok(true), next)) => walk = next,
                // It is through. If something was wrong, that is being seen to.
                Ok((Ok(false) | Err(_), _)) | Err(_) => return,
            }
        }
    });
}

impl Worker for SnapshotsWorker {
    type Msg = SnapshotsMsg;
    const NAME: &'static str = "snapshots";
    const POLICY: Policy = SUPPORTING;

    async fn spawn(&self, supervisor: ActorCell) -> Result<ActorRef<SnapshotsMsg>, SpawnErr> {
        Ok(Actor::spawn_linked(None, SnapshotsActor, self.clone(), supervisor).await?.0)
    }
    fn crash() -> SnapshotsMsg {
        SnapshotsMsg::Crash
    }
    fn came_up(&self, _actor: ActorRef<SnapshotsMsg>) {}
    fn went_down(&self) {}
    fn stopped(&self) {}
}

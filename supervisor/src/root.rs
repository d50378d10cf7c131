//! The root of the tree: starts the children in order, restarts the rest when one gives up, and
//! opens the data anew when the disk refused a write.

use std::sync::{Arc, PoisonError, RwLock};

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::{oneshot, watch};
use tracing::{error, info, warn};

use crate::core::{Core, CoreError, Parts};
use crate::gate::Gate;
use crate::limits::{DISK_PAUSE, ROOT_RESTARTS_MAX, ROOT_WINDOW};
use crate::participant::{ParticipantMsg, exit_of};
use crate::policy::{Exit, Ledger, Policy, Then, Verdict};
use crate::stores::beside;
use crate::tree::{Soil, TREE};

const POLICY: Policy = Policy {
    restarts_max: ROOT_RESTARTS_MAX,
    window: ROOT_WINDOW,
    backoff: DISK_PAUSE,
    backoff_max: DISK_PAUSE,
    then: Then::Escalate,
};

/// How the engine is.
#[derive(Clone)]
pub(crate) enum Condition {
    /// All is up.
    Up(Arc<Core>),
    /// Being opened, or waiting for a disk that takes writes again.
    Down(String),
    /// Closed, as asked.
    Closed,
    /// Given up: the process should end.
    Failed(String),
}

/// What the engine's calls read, and the root writes.
pub(crate) struct Status {
    condition: RwLock<Condition>,
    changed: watch::Sender<u64>,
    ledger: RwLock<Ledger>,
    children: RwLock<Vec<ActorCell>>,
}

impl Default for Status {
    fn default() -> Self {
        Status {
            condition: RwLock::new(Condition::Down("the engine is being opened".to_owned())),
            changed: watch::channel(0).0,
            ledger: RwLock::default(),
            children: RwLock::default(),
        }
    }
}

impl Status {
    pub(crate) fn condition(&self) -> Condition {
        self.condition.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(crate) fn ledger(&self) -> Ledger {
        self.ledger.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The root's child with this name, while the tree is up.
    pub(crate) fn child(&self, name: &str) -> Option<ActorCell> {
        let index = TREE.iter().position(|spec| spec.name == name)?;
        self.children.read().unwrap_or_else(PoisonError::into_inner).get(index).cloned()
    }

    /// The root's actor is gone; unless that was asked for, the engine has failed.
    pub(crate) fn root_ended(&self) {
        match self.condition() {
            Condition::Closed | Condition::Failed(_) => {}
            Condition::Up(_) | Condition::Down(_) => {
                self.set(Condition::Failed("the root of the tree died".to_owned()));
            }
        }
    }

    fn set(&self, condition: Condition) {
        *self.condition.write().unwrap_or_else(PoisonError::into_inner) = condition;
        self.changed.send_modify(|changes| *changes += 1);
    }
}

/// A message to the root.
pub(crate) enum RootMsg {
    /// Open the data anew, if the disk is fit for it.
    Reopen,
    /// Stop everything, make a checkpoint, close.
    Close(oneshot::Sender<()>),
    /// To a participant, by name.
    Participant(&'static str, ParticipantMsg),
}

/// What the root is started with: an opening that succeeded already.
pub(crate) struct RootArgs {
    pub(crate) parts: Arc<Parts>,
    pub(crate) core: Core,
    pub(crate) gate: Arc<Gate>,
    pub(crate) status: Arc<Status>,
}

/// The root.
pub(crate) struct RootActor;

/// What the root knows.
pub(crate) struct RootState {
    parts: Arc<Parts>,
    gate: Arc<Gate>,
    status: Arc<Status>,
    core: Option<Arc<Core>>,
    /// The children of [`TREE`] that are up, in its order.
    children: Vec<ActorCell>,
}

impl Actor for RootActor {
    type Msg = RootMsg;
    type State = RootState;
    type Arguments = RootArgs;

    async fn pre_start(
        &self,
        _myself: ActorRef<RootMsg>,
        args: RootArgs,
    ) -> Result<RootState, ActorProcessingErr> {
        let RootArgs { parts, core, gate, status } = args;
        Ok(RootState { parts, gate, status, core: Some(Arc::new(core)), children: Vec::new() })
    }

    async fn post_start(
        &self,
        myself: ActorRef<RootMsg>,
        state: &mut RootState,
    ) -> Result<(), ActorProcessingErr> {
        state.grow(&myself).await
    }

    async fn handle(
        &self,
        myself: ActorRef<RootMsg>,
        message: RootMsg,
        state: &mut RootState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            RootMsg::Reopen => state.reopen(&myself).await?,
            RootMsg::Close(done) => {
                state.close().await;
                let _ = done.send(());
                myself.stop(None);
            }
            RootMsg::Participant(name, message) => {
                if let Some(child) = state.status.child(name) {
                    let _ = child.send_message(message);
                }
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<RootMsg>,
        event: SupervisionEvent,
        state: &mut RootState,
    ) -> Result<(), ActorProcessingErr> {
        let Some((actor, exit)) = exit_of(event) else { return Ok(()) };
        match state.children.iter().position(|child| child.get_id() == actor) {
            Some(0) => state.lost_journal(&exit, &myself).await,
            Some(index) => state.restart_from(index, &exit, &myself).await?,
            // One that was stopped on purpose.
            None => {}
        }
        Ok(())
    }
}

impl RootState {
    /// Starts the children that are not up, in order.
    async fn grow(&mut self, myself: &ActorRef<RootMsg>) -> Result<(), ActorProcessingErr> {
        let Some(core) = self.core.clone() else { return Ok(()) };
        for spec in &TREE[self.children.len()..] {
            let soil = Soil {
                core: Arc::clone(&core),
                gate: Arc::clone(&self.gate),
                root: myself.get_cell(),
            };
            self.children.push((spec.start)(soil).await?);
        }
        self.publish();
        self.status.set(Condition::Up(core));
        Ok(())
    }

    /// Stops the children from `index` on, last first, and waits until each is gone.
    async fn prune(&mut self, index: usize) {
        self.gate.shut();
        while self.children.len() > index {
            let Some(child) = self.children.pop() else { break };
            // It may be the one that died already.
            let _ = child.stop_and_wait(None, Some(STOP_WAIT)).await;
        }
        self.publish();
    }

    fn publish(&self) {
        *self.status.children.write().unwrap_or_else(PoisonError::into_inner) =
            self.children.clone();
    }

    /// The disk refused a write: nothing that was not durable was told to anybody, so everything is
    /// dropped and recovered from what is durable, as soon as the disk takes writes again.
    async fn lost_journal(&mut self, exit: &Exit, myself: &ActorRef<RootMsg>) {
        let reason = match exit {
            Exit::Failed(reason) => reason.clone(),
            Exit::Finished | Exit::Killed => "the journal's actor ended".to_owned(),
        };
        error!(reason, "no more orders are taken until the disk takes writes again");
        self.note(&reason);
        self.status.set(Condition::Down(reason));
        self.prune(0).await;
        if let Some(core) = self.core.take() {
            core.post.shelf.journal().close();
        }
        myself.send_after(DISK_PAUSE, || RootMsg::Reopen);
    }

    fn note(&self, reason: &str) {
        let mut ledger = self.status.ledger.write().unwrap_or_else(PoisonError::into_inner);
        ledger.total += 1;
        ledger.last_cause = Some(reason.to_owned());
    }

    async fn reopen(&mut self, myself: &ActorRef<RootMsg>) -> Result<(), ActorProcessingErr> {
        if self.core.is_some() {
            return Ok(());
        }
        match Core::open(&self.parts, true).await {
            Ok(core) => {
                info!("the disk takes writes again; orders are taken again");
                self.core = Some(Arc::new(core));
                self.grow(myself).await
            }
            Err(CoreError::Panicked(reason)) => Err(reason.into()),
            Err(error) => {
                let reason = error.to_string();
                warn!(reason, "the data cannot be opened yet; it is tried again");
                self.status.set(Condition::Down(reason));
                myself.send_after(DISK_PAUSE, || RootMsg::Reopen);
                Ok(())
            }
        }
    }

    /// A child gave up: it and those after it are started again, within the budget.
    async fn restart_from(
        &mut self,
        index: usize,
        exit: &Exit,
        myself: &ActorRef<RootMsg>,
    ) -> Result<(), ActorProcessingErr> {
        let name = TREE[index].name;
        let exit = match exit {
            Exit::Finished => Exit::Failed(format!("{name} ended unasked")),
            Exit::Failed(_) | Exit::Killed => exit.clone(),
        };
        let verdict = {
            let mut ledger = self.status.ledger.write().unwrap_or_else(PoisonError::into_inner);
            POLICY.decide(&exit, &mut ledger, self.parts.clock.now())
        };
        match verdict {
            Verdict::Restart(_) | Verdict::Forget => {
                error!(child = name, ?exit, "gave up; it and what depends on it start again");
                self.prune(index).await;
                self.grow(myself).await
            }
            Verdict::Escalate(cause) | Verdict::Quarantine(cause) => {
                let reason = format!("{name} gave up too often: {cause}");
                error!(reason, "the engine gives up");
                self.prune(0).await;
                self.status.set(Condition::Failed(reason.clone()));
                Err(reason.into())
            }
        }
    }

    async fn close(&mut self) {
        self.prune(0).await;
        self.status.set(Condition::Closed);
        let Some(core) = self.core.take() else { return };
        let stores = Arc::clone(&self.parts.stores);
        let closing = beside(core.blocks, move || {
            if let Err(error) = core.checkpoints.run(&core.post.shelf) {
                warn!(%error, "no last checkpoint could be made; the next start replays more");
            }
            core.post.shelf.journal().close();
            if let Err(error) = core.keeping.part() {
                warn!(%error, "how far the followers are was not stored; the next start does more");
            }
            stores.close();
        });
        if let Err(error) = closing.await {
            error!(%error, "closing the data failed");
        }
    }
}

/// How long a child may take to stop.
const STOP_WAIT: std::time::Duration = std::time::Duration::from_secs(3);

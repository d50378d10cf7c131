//! The supervisor of one fixed worker: restarts it when it dies, and stops, starts or crashes it
//! when an operator says so.
//!
//! A worker that comes back may have missed messages; it says so by [`Worker::came_up`], and whoever
//! waits for it asks again.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use ractor::{
    Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, Message, SpawnErr, SupervisionEvent,
};
use surehold_actors::clock::Clock;
use tokio::sync::oneshot;
use tracing::warn;

use crate::limits::{
    PARTICIPANT_BACKOFF, PARTICIPANT_BACKOFF_MAX, PARTICIPANT_RESTARTS_MAX, PARTICIPANT_WINDOW,
    SUPPORTING_BACKOFF_MAX,
};
use crate::policy::{Exit, Ledger, Policy, Then, Verdict};
use crate::view::TreeNode;

/// For a worker that orders need: after very many deaths its supervisor gives up, and the root
/// starts everything that depends on it anew.
pub const NEEDED: Policy = Policy {
    restarts_max: PARTICIPANT_RESTARTS_MAX,
    window: PARTICIPANT_WINDOW,
    backoff: PARTICIPANT_BACKOFF,
    backoff_max: PARTICIPANT_BACKOFF_MAX,
    then: Then::Escalate,
};

/// For a worker that orders go on without: it is started again for ever, ever less often.
pub const SUPPORTING: Policy = Policy {
    restarts_max: usize::MAX,
    window: PARTICIPANT_WINDOW,
    backoff: PARTICIPANT_BACKOFF,
    backoff_max: SUPPORTING_BACKOFF_MAX,
    then: Then::Escalate,
};

/// A fixed worker: how it is started, and where others find it.
pub trait Worker: Send + Sync + 'static {
    /// What it is told.
    type Msg: Message;

    /// Its name in the tree.
    const NAME: &'static str;
    /// How much dying is borne.
    const POLICY: Policy;

    /// Starts it under its supervisor.
    fn spawn(
        &self,
        supervisor: ActorCell,
    ) -> impl Future<Output = Result<ActorRef<Self::Msg>, SpawnErr>> + Send;
    /// The message that crashes it.
    fn crash() -> Self::Msg;
    /// It is there now.
    fn came_up(&self, actor: ActorRef<Self::Msg>);
    /// It is not there, but will be.
    fn went_down(&self);
    /// It is not there, by an operator's will.
    fn stopped(&self);
}

/// A message to a worker's supervisor.
#[derive(Debug)]
pub enum ParticipantMsg {
    /// Start it again after its pause.
    Restart,
    /// Let it finish what it has, then keep it down.
    Stop(oneshot::Sender<()>),
    /// Start it again, if it was stopped.
    Start(oneshot::Sender<()>),
    /// Crash it.
    Crash(oneshot::Sender<()>),
}

/// What the outside may know of a participant.
#[derive(Clone, Debug, Default)]
pub struct Health {
    inner: Arc<Mutex<(Ledger, Condition)>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Condition {
    #[default]
    Restarting,
    Up,
    Stopped,
}

impl Health {
    fn set(&self, condition: Condition) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).1 = condition;
    }

    /// The participant's node in the tree.
    #[must_use]
    pub fn node(&self, name: &str) -> TreeNode {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        TreeNode {
            name: name.to_owned(),
            state: match inner.1 {
                Condition::Up => "up",
                Condition::Restarting => "restarting",
                Condition::Stopped => "stopped",
            },
            restarts: inner.0.total,
            last_cause: inner.0.last_cause.clone(),
            live: None,
            queue: None,
            behind: None,
            breaker: None,
            children: Vec::new(),
        }
    }
}

/// The way a child ended, if the event says that one did. A kill arrives as a termination with
/// that word and without a state.
pub(crate) fn exit_of(event: SupervisionEvent) -> Option<(ActorId, Exit)> {
    match event {
        SupervisionEvent::ActorTerminated(who, state, reason) => {
            let killed = state.is_none() && reason.as_deref() == Some("killed");
            Some((who.get_id(), if killed { Exit::Killed } else { Exit::Finished }))
        }
        SupervisionEvent::ActorFailed(who, error) => {
            Some((who.get_id(), Exit::Failed(error.to_string())))
        }
        SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => None,
    }
}

/// The supervisor actor.
pub struct Participant<W>(PhantomData<W>);

impl<W> Default for Participant<W> {
    fn default() -> Self {
        Participant(PhantomData)
    }
}

/// What it is started with.
pub struct ParticipantArgs<W> {
    /// The worker.
    pub worker: Arc<W>,
    /// The time, for the ledger.
    pub clock: Arc<dyn Clock>,
    /// Where the outside looks.
    pub health: Health,
    /// Whether an operator stopped it before this life began.
    pub stopped: bool,
}

/// What it knows.
pub struct ParticipantState<W: Worker> {
    worker: Arc<W>,
    clock: Arc<dyn Clock>,
    health: Health,
    live: Option<(ActorId, ActorRef<W::Msg>)>,
    stopped: bool,
    /// Told when the worker that was asked to stop is gone.
    stopping: Vec<oneshot::Sender<()>>,
}

impl<W: Worker> Actor for Participant<W> {
    type Msg = ParticipantMsg;
    type State = ParticipantState<W>;
    type Arguments = ParticipantArgs<W>;

    async fn pre_start(
        &self,
        myself: ActorRef<ParticipantMsg>,
        args: ParticipantArgs<W>,
    ) -> Result<ParticipantState<W>, ActorProcessingErr> {
        let ParticipantArgs { worker, clock, health, stopped } = args;
        let stopping = Vec::new();
        let mut state = ParticipantState { worker, clock, health, live: None, stopped, stopping };
        if state.stopped {
            state.worker.stopped();
            state.health.set(Condition::Stopped);
        }
        // Here, not afterwards: whoever starts the tree waits until the worker is there.
        state.start(&myself).await?;
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<ParticipantMsg>,
        message: ParticipantMsg,
        state: &mut ParticipantState<W>,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ParticipantMsg::Restart => state.start(&myself).await?,
            ParticipantMsg::Stop(done) => state.stop(done),
            ParticipantMsg::Start(done) => {
                state.stopped = false;
                state.start(&myself).await?;
                let _ = done.send(());
            }
            ParticipantMsg::Crash(done) => {
                if let Some((_, actor)) = &state.live {
                    let _ = actor.send_message(W::crash());
                }
                let _ = done.send(());
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<ParticipantMsg>,
        event: SupervisionEvent,
        state: &mut ParticipantState<W>,
    ) -> Result<(), ActorProcessingErr> {
        match exit_of(event) {
            Some((actor, exit)) if state.is_live(actor) => state.ended(&exit, &myself),
            Some(_) | None => Ok(()),
        }
    }
}

impl<W: Worker> ParticipantState<W> {
    fn is_live(&self, actor: ActorId) -> bool {
        self.live.as_ref().is_some_and(|(id, _)| *id == actor)
    }

    async fn start(&mut self, myself: &ActorRef<ParticipantMsg>) -> Result<(), ActorProcessingErr> {
        if self.stopped || self.live.is_some() {
            return Ok(());
        }
        let actor = self.worker.spawn(myself.get_cell()).await?;
        self.live = Some((actor.get_id(), actor.clone()));
        self.health.set(Condition::Up);
        self.worker.came_up(actor);
        Ok(())
    }

    fn stop(&mut self, done: oneshot::Sender<()>) {
        self.stopped = true;
        self.worker.stopped();
        self.health.set(Condition::Stopped);
        match &self.live {
            // Drained, not stopped: a stop would overtake the messages that wait.
            Some((_, actor)) if actor.get_cell().drain().is_ok() => self.stopping.push(done),
            Some(_) | None => {
                let _ = done.send(());
            }
        }
    }

    fn ended(
        &mut self,
        exit: &Exit,
        myself: &ActorRef<ParticipantMsg>,
    ) -> Result<(), ActorProcessingErr> {
        self.live = None;
        for done in self.stopping.drain(..) {
            let _ = done.send(());
        }
        if self.stopped {
            return Ok(());
        }
        self.worker.went_down();
        self.health.set(Condition::Restarting);
        // A worker never finishes by itself: whatever the way, it is needed again.
        let exit = match exit {
            Exit::Finished => Exit::Failed("ended unasked".to_owned()),
            Exit::Failed(_) | Exit::Killed => exit.clone(),
        };
        let verdict = {
            let mut inner = self.health.inner.lock().unwrap_or_else(PoisonError::into_inner);
            W::POLICY.decide(&exit, &mut inner.0, self.clock.now())
        };
        match verdict {
            Verdict::Restart(pause) => {
                warn!(participant = W::NAME, ?exit, ?pause, "crashed; it is started again");
                metrics::counter!("surehold_restarts_total", "of" => W::NAME).increment(1);
                myself.send_after(pause, || ParticipantMsg::Restart);
                Ok(())
            }
            Verdict::Quarantine(cause) | Verdict::Escalate(cause) => {
                Err(format!("{} crashed too often: {cause}", W::NAME).into())
            }
            Verdict::Forget => Ok(()),
        }
    }
}

//! The half that owns the children: starts, sees them end, and asks the policy what follows.

use std::collections::HashMap;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use surehold_actors::clock::Clock;
use tokio::sync::oneshot;
use tracing::{error, warn};

use super::{Brood, Child, SHARDS, Slot};
use crate::limits::{LIVE_MAX, SWEEP_EVERY, TREE_CHILDREN_MAX};
use crate::policy::{Exit, Ledger, Verdict};
use crate::view::TreeNode;

/// A message to a brood's supervisor.
#[derive(Debug)]
pub enum BroodMsg<K> {
    /// Start the child that has mail.
    Start(K),
    /// Start a child that was quarantined, without its past.
    Retry(K),
    /// Look for idle children.
    Sweep,
    /// Tell who was restarted or is quarantined.
    Children(oneshot::Sender<Vec<TreeNode>>),
}

/// The supervisor actor of one brood.
pub struct BroodSupervisor<C>(PhantomData<C>);

impl<C> Default for BroodSupervisor<C> {
    fn default() -> Self {
        BroodSupervisor(PhantomData)
    }
}

/// What it is started with.
pub struct BroodArgs<C: Child> {
    /// The directory half.
    pub brood: Arc<Brood<C>>,
    /// The time, for the ledgers.
    pub clock: Arc<dyn Clock>,
}

/// What it knows.
pub struct BroodState<C: Child> {
    brood: Arc<Brood<C>>,
    clock: Arc<dyn Clock>,
    keys: HashMap<ActorId, C::Key>,
    ledgers: HashMap<C::Key, Ledger>,
}

impl<C: Child> Actor for BroodSupervisor<C> {
    type Msg = BroodMsg<C::Key>;
    type State = BroodState<C>;
    type Arguments = BroodArgs<C>;

    async fn pre_start(
        &self,
        _myself: ActorRef<Self::Msg>,
        args: BroodArgs<C>,
    ) -> Result<BroodState<C>, ActorProcessingErr> {
        let BroodArgs { brood, clock } = args;
        Ok(BroodState { brood, clock, keys: HashMap::new(), ledgers: HashMap::new() })
    }

    async fn post_start(
        &self,
        myself: ActorRef<Self::Msg>,
        state: &mut BroodState<C>,
    ) -> Result<(), ActorProcessingErr> {
        let brood = &state.brood;
        *brood.supervisor.write().unwrap_or_else(PoisonError::into_inner) = Some(myself.clone());
        // Whoever lived under an earlier supervisor died with it; whoever has mail is started.
        brood.live.store(0, Ordering::Relaxed);
        for index in 0..SHARDS {
            let mut slots = brood.locked(index);
            slots.retain(|_, slot| !matches!(slot, Slot::Live(..)));
            let waiting = slots.iter().filter(|(_, slot)| matches!(slot, Slot::Between(..)));
            for (key, _) in waiting {
                let _ = myself.send_message(BroodMsg::Start(*key));
            }
        }
        myself.send_interval(SWEEP_EVERY, || BroodMsg::Sweep);
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut BroodState<C>,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            BroodMsg::Start(key) => state.start(key, &myself).await,
            BroodMsg::Retry(key) => {
                state.ledgers.remove(&key);
                state.start(key, &myself).await;
            }
            BroodMsg::Sweep => state.sweep(),
            BroodMsg::Children(reply) => {
                let _ = reply.send(state.children());
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        state: &mut BroodState<C>,
    ) -> Result<(), ActorProcessingErr> {
        if let Some((actor, exit)) = exit_of(event) {
            state.ended(actor, &exit, &myself);
        }
        Ok(())
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

impl<C: Child> BroodState<C> {
    async fn start(&mut self, key: C::Key, myself: &ActorRef<BroodMsg<C::Key>>) {
        let seed = match self.brood.shard(key).get_mut(&key) {
            Some(Slot::Between(_, seed)) => seed.take(),
            // Started meanwhile, or set aside: nothing to do.
            Some(Slot::Live(..) | Slot::Quarantined(_)) | None => return,
        };
        let poisoned = self.brood.is_poisoned(key);
        match self.brood.child.spawn(key, seed, poisoned, myself.get_cell()).await {
            Ok(actor) => {
                self.started(key, actor);
                if self.ledgers.contains_key(&key) {
                    self.brood.child.restarted(key);
                }
            }
            Err(failure) => {
                // It never lived, so no exit will come: decide here.
                self.decide(key, &Exit::Failed(failure.to_string()), myself);
            }
        }
    }

    fn started(&mut self, key: C::Key, actor: ActorRef<C::Msg>) {
        self.keys.insert(actor.get_id(), key);
        self.brood.live.fetch_add(1, Ordering::Relaxed);
        let mut slots = self.brood.shard(key);
        let touched = self.brood.sweep.load(Ordering::Relaxed);
        let old = slots.insert(key, Slot::Live(actor.clone(), touched));
        if let Some(Slot::Between(mail, _)) = old {
            for message in mail {
                // If it died already, the mail is lost with it, as any mail is.
                let _ = actor.send_message(message);
            }
        }
    }

    fn ended(&mut self, actor: ActorId, exit: &Exit, myself: &ActorRef<BroodMsg<C::Key>>) {
        let Some(key) = self.keys.remove(&actor) else { return };
        self.brood.live.fetch_sub(1, Ordering::Relaxed);
        self.decide(key, exit, myself);
    }

    fn decide(&mut self, key: C::Key, exit: &Exit, myself: &ActorRef<BroodMsg<C::Key>>) {
        if *exit == Exit::Finished {
            self.ledgers.remove(&key);
            let mut slots = self.brood.shard(key);
            match slots.get(&key) {
                Some(Slot::Between(mail, seed)) if !mail.is_empty() || seed.is_some() => {
                    let _ = myself.send_message(BroodMsg::Start(key));
                }
                Some(Slot::Between(..) | Slot::Live(..)) | None => {
                    slots.remove(&key);
                }
                Some(Slot::Quarantined(_)) => {}
            }
            return;
        }
        let ledger = self.ledgers.entry(key).or_default();
        let verdict = C::POLICY.decide(exit, ledger, self.clock.now());
        let cause = ledger.last_cause.clone();
        let label = C::label(key);
        match verdict {
            Verdict::Restart(pause) => {
                warn!(child = label, cause, ?pause, "crashed; it is started again");
                self.brood.restarts.fetch_add(1, Ordering::Relaxed);
                metrics::counter!("surehold_restarts_total", "of" => C::NAME).increment(1);
                self.park(key);
                myself.send_after(pause, move || BroodMsg::Start(key));
            }
            Verdict::Quarantine(cause) | Verdict::Escalate(cause) => {
                error!(child = label, cause, "crashed too often; it is set aside");
                metrics::counter!("surehold_quarantined_total", "of" => C::NAME).increment(1);
                self.brood.set_aside(key, cause, self.clock.now());
            }
            Verdict::Forget => {}
        }
        *self.brood.last_cause.lock().unwrap_or_else(PoisonError::into_inner) = cause;
    }

    /// Makes room for the mail of the next life.
    fn park(&self, key: C::Key) {
        let mut slots = self.brood.shard(key);
        if !matches!(slots.get(&key), Some(Slot::Between(..))) {
            slots.insert(key, Slot::Between(Vec::new(), None));
        }
    }

    fn sweep(&mut self) {
        let sweep = self.brood.sweep.fetch_add(1, Ordering::Relaxed);
        let patience = if self.brood.live() > LIVE_MAX { 0 } else { C::IDLE_SWEEPS };
        self.brood.passivate(|touched| sweep.wrapping_sub(touched) >= patience);
    }

    fn children(&self) -> Vec<TreeNode> {
        let mut keys: Vec<&C::Key> = self.ledgers.keys().collect();
        keys.sort_unstable();
        keys.into_iter().take(TREE_CHILDREN_MAX).map(|key| self.node(*key)).collect()
    }

    fn node(&self, key: C::Key) -> TreeNode {
        let state = match self.brood.shard(key).get(&key) {
            Some(Slot::Quarantined(_)) => "quarantined",
            Some(Slot::Live(..)) | None => "up",
            Some(Slot::Between(..)) => "restarting",
        };
        let ledger = self.ledgers.get(&key).cloned().unwrap_or_default();
        TreeNode {
            name: C::label(key),
            state,
            restarts: ledger.total,
            last_cause: ledger.last_cause,
            live: None,
            queue: None,
            behind: None,
            breaker: None,
            children: Vec::new(),
        }
    }
}

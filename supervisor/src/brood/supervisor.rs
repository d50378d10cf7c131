//! Who answers for the children: hears how they crashed, and asks the policy what follows.

use std::collections::HashMap;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use ractor::{Actor, ActorProcessingErr, ActorRef};
use surehold_actors::clock::Clock;
use tokio::sync::oneshot;
use tracing::{error, warn};

use super::reign::Reign;
use super::{Brood, Child, Slot};
use crate::limits::{LIVE_MAX, SWEEP_EVERY, TREE_CHILDREN_MAX};
use crate::policy::{Exit, Ledger, Verdict};
use crate::view::TreeNode;

/// A message to a brood's supervisor.
#[derive(Debug)]
pub enum BroodMsg<K> {
    /// Start the child that is between two lives.
    Start(K),
    /// Start a child that was quarantined, without its past.
    Retry(K),
    /// A child crashed.
    Ended(K, Exit),
    /// A child that crashed before ended well: its past is forgotten. Of others nobody hears that.
    Forget(K),
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
    ledgers: HashMap<C::Key, Ledger>,
    /// The reign that began with this state, once it did.
    reign: Option<Arc<Reign<C::Key>>>,
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
        Ok(BroodState { brood, clock, ledgers: HashMap::new(), reign: None })
    }

    async fn post_start(
        &self,
        myself: ActorRef<Self::Msg>,
        state: &mut BroodState<C>,
    ) -> Result<(), ActorProcessingErr> {
        let brood = &state.brood;
        // Whoever lived under an earlier supervisor goes, and is gone before anybody lives under this.
        brood.depose(None);
        brood.deserted().await;
        let reign = Reign::of(myself.clone());
        state.reign = Some(Arc::clone(&reign));
        brood.crown(&reign);
        for key in brood.between() {
            let _ = myself.send_message(BroodMsg::Start(key));
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
        if state.reign.as_ref().is_none_or(|reign| reign.is_over()) {
            // Another supervisor is there already, and finds in the directory what is to be done.
            return Ok(());
        }
        match message {
            BroodMsg::Start(key) => state.start(key),
            BroodMsg::Retry(key) => {
                state.ledgers.remove(&key);
                state.start(key);
            }
            BroodMsg::Ended(key, exit) => state.ended(key, &exit, &myself),
            BroodMsg::Forget(key) => {
                state.ledgers.remove(&key);
            }
            BroodMsg::Sweep => state.sweep(),
            BroodMsg::Children(reply) => {
                let _ = reply.send(state.children());
            }
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _myself: ActorRef<Self::Msg>,
        state: &mut BroodState<C>,
    ) -> Result<(), ActorProcessingErr> {
        state.abdicate();
        state.brood.deserted().await;
        Ok(())
    }
}

impl<C: Child> BroodState<C> {
    fn start(&self, key: C::Key) {
        let past = self.ledgers.contains_key(&key);
        if self.brood.revive(key, past) && past {
            self.brood.child.restarted(key);
        }
    }

    fn ended(&mut self, key: C::Key, exit: &Exit, myself: &ActorRef<BroodMsg<C::Key>>) {
        let ledger = self.ledgers.entry(key).or_default();
        let verdict = C::POLICY.decide(exit, ledger, self.clock.now());
        let cause = ledger.last_cause.clone();
        let label = C::label(key);
        match verdict {
            Verdict::Restart(pause) => {
                warn!(child = label, cause, ?pause, "crashed; it is started again");
                self.brood.restarts.fetch_add(1, Ordering::Relaxed);
                metrics::counter!("surehold_restarts_total", "of" => C::NAME).increment(1);
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

    /// Nobody lives any more. A supervisor that came after this one is not touched.
    fn abdicate(&self) {
        if let Some(reign) = &self.reign {
            self.brood.depose(Some(reign));
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
        let state = match self.brood.shard(key).slots.get(&key) {
            Some(Slot::Quarantined(_)) => "quarantined",
            Some(Slot::Live(_)) | None => "up",
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

/// Also when the supervisor crashed or was killed.
impl<C: Child> Drop for BroodState<C> {
    fn drop(&mut self) {
        self.abdicate();
    }
}

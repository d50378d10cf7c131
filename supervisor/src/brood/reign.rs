//! A reign: one life of a brood's supervisor, as its children see it.
//!
//! Children are tasks, which nothing links to an actor. So a reign is what links them: they live only
//! while it lasts, tell its supervisor how they crashed, and the next reign begins only when nobody of
//! the last one is left. A child looks whether it is over before each message.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ractor::ActorRef;
use tokio::runtime::Handle;

use super::supervisor::BroodMsg;
use super::{Brood, Child, SHARDS, Slot};

/// One life of a supervisor.
pub(super) struct Reign<K> {
    over: AtomicBool,
    supervisor: ActorRef<BroodMsg<K>>,
    /// Where its children live, whoever begins one.
    pub(super) runtime: Handle,
}

impl<K: Send + 'static> Reign<K> {
    /// The reign of this supervisor, in the runtime that this is called in.
    pub(super) fn of(supervisor: ActorRef<BroodMsg<K>>) -> Arc<Reign<K>> {
        Arc::new(Reign { over: AtomicBool::new(false), supervisor, runtime: Handle::current() })
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Tells the supervisor. One that is dead needs to know nothing: the next one begins anew.
    pub(super) fn tell(&self, message: BroodMsg<K>) {
        let _ = self.supervisor.send_message(message);
    }
}

impl<C: Child> Brood<C> {
    /// From now on children live under this reign. Nobody may be left of the one before.
    pub(super) fn crown(&self, reign: &Arc<Reign<C::Key>>) {
        for index in 0..SHARDS {
            self.locked(index).reign = Some(Arc::clone(reign));
        }
    }

    /// Those between two lives.
    pub(super) fn between(&self) -> Vec<C::Key> {
        let mut found = Vec::new();
        for index in 0..SHARDS {
            let shard = self.locked(index);
            let waiting = shard.slots.iter().filter(|(_, slot)| matches!(slot, Slot::Between(..)));
            found.extend(waiting.map(|(key, _)| *key));
        }
        found
    }

    /// Ends a reign (`None`: whichever there is): nobody begins to live, and whoever lives is woken,
    /// sees that it is over, and goes. Mail that was not looked at dies with them.
    pub(super) fn depose(&self, whose: Option<&Arc<Reign<C::Key>>>) {
        for index in 0..SHARDS {
            let mut shard = self.locked(index);
            let ended = shard.reign.take_if(|reign| whose.is_none_or(|it| Arc::ptr_eq(it, reign)));
            let Some(reign) = ended else { continue };
            reign.over.store(true, Ordering::SeqCst);
            let lives = shard.slots.extract_if(|_, slot| matches!(slot, Slot::Live(_)));
            let lives: Vec<_> = lives.collect();
            // Dropping mail wakes whoever waits for an answer to it.
            drop(shard);
            for (_, slot) in lives {
                if let Slot::Live(mut place) = slot {
                    place.wake();
                }
            }
        }
    }

    /// Waits until all lives of a reign that is over are over.
    pub(super) async fn deserted(&self) {
        loop {
            let gone = self.gone.notified();
            if self.live.load(Ordering::SeqCst) == 0 {
                return;
            }
            gone.await;
        }
    }
}

//! Who waits for an order to settle. Kept outside the order's actor, so that a waiting customer
//! outlives a crash of the order and is answered by its next life.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;
use surehold_domain::id::OrderKey;
use surehold_domain::saga::{Phase, Saga, State};
use tokio::sync::oneshot;

/// An order as it stood at one sequence.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The order.
    pub saga: Saga,
    /// Its last record. Nothing of it may leave the node before this is durable.
    pub sequence: u64,
}

/// Whether an order waits for somebody other than the engine itself.
#[must_use]
pub fn is_settled(saga: &Saga) -> bool {
    // What was brought is still being counted.
    if matches!(saga.state(), State::Delivering { .. }) {
        return false;
    }
    match saga.phase() {
        Phase::Holding | Phase::Paying | Phase::Refunding | Phase::Releasing => false,
        Phase::Unpaid
        | Phase::Paid
        | Phase::Confirmed
        | Phase::Stuck
        | Phase::Fulfilled
        | Phase::Refused
        | Phase::Cancelled => true,
    }
}

struct Waiting {
    /// Only facts after this one are news.
    after: u32,
    sender: oneshot::Sender<Seen>,
}

/// Everybody who waits, by order.
#[derive(Default)]
pub struct Watchers {
    shards: [Mutex<Waiters>; SHARDS],
}

type Waiters = FxHashMap<OrderKey, Vec<Waiting>>;

const SHARDS: usize = 16;

impl Watchers {
    fn shard(&self, order: OrderKey) -> MutexGuard<'_, Waiters> {
        let index = usize::try_from(order.order.0 % SHARDS as u64).unwrap_or(0);
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the order to settle with a fact after number `after`.
    #[must_use]
    pub fn settled(&self, order: OrderKey, after: u32) -> oneshot::Receiver<Seen> {
        let (sender, receiver) = oneshot::channel();
        let mut shard = self.shard(order);
        let waiting = shard.entry(order).or_default();
        waiting.retain(|other| !other.sender.is_closed());
        waiting.push(Waiting { after, sender });
        receiver
    }

    /// Tells those who wait, if the order has settled.
    pub fn tell(&self, saga: &Saga, sequence: u64) {
        if !is_settled(saga) {
            return;
        }
        let mut shard = self.shard(saga.key());
        let Some(waiting) = shard.remove(&saga.key()) else { return };
        let (ready, rest): (Vec<Waiting>, Vec<Waiting>) =
            waiting.into_iter().partition(|one| saga.number() > one.after);
        if !rest.is_empty() {
            shard.insert(saga.key(), rest);
        }
        drop(shard);
        for one in ready {
            // A waiter that went away needs no answer.
            let _ = one.sender.send(Seen { saga: saga.clone(), sequence });
        }
    }

    /// Lets go of everybody who waits: nothing more will be told, and they look for themselves.
    pub fn release(&self) {
        for shard in &self.shards {
            shard.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    /// Forgets waiters that went away.
    pub fn sweep(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.retain(|_, waiting| {
                waiting.retain(|one| !one.sender.is_closed());
                !waiting.is_empty()
            });
        }
    }
}

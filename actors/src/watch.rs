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
    /// The order. It goes from hand to hand on its way to whoever asked.
    pub saga: Box<Saga>,
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

type Waiters = FxHashMap<OrderKey, Several>;

/// Who waits for one order. Nearly always that is one, who needs no list.
#[derive(Default)]
struct Several {
    one: Option<Waiting>,
    more: Vec<Waiting>,
}

impl Several {
    fn push(&mut self, waiting: Waiting) {
        match self.one {
            None => self.one = Some(waiting),
            Some(_) => self.more.push(waiting),
        }
    }

    /// Forgets those that went away.
    fn sweep(&mut self) {
        self.one.take_if(|one| one.sender.is_closed());
        self.more.retain(|other| !other.sender.is_closed());
    }

    fn is_empty(&self) -> bool {
        self.one.is_none() && self.more.is_empty()
    }

    fn into_each(self) -> impl Iterator<Item = Waiting> {
        self.one.into_iter().chain(self.more)
    }
}

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
        waiting.sweep();
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
        let (mut ready, mut rest) = (Several::default(), Several::default());
        for one in waiting.into_each() {
            let side = if saga.number() > one.after { &mut ready } else { &mut rest };
            side.push(one);
        }
        if !rest.is_empty() {
            shard.insert(saga.key(), rest);
        }
        drop(shard);
        for one in ready.into_each() {
            // A waiter that went away needs no answer.
            if !one.sender.is_closed() {
                let _ = one.sender.send(Seen { saga: Box::new(saga.clone()), sequence });
            }
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
                waiting.sweep();
                !waiting.is_empty()
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use surehold_domain::id::{MarketId, OrderId};
    use surehold_domain::saga::{Event, Fact, Reason};
    use surehold_domain::testing;
    use surehold_domain::time::Timestamp;

    use super::*;

    #[test]
    fn whoever_waits_for_news_is_told_once_and_the_others_wait_on() {
        let order = OrderKey { market: MarketId(0), order: OrderId(7) };
        let at = Timestamp(1);
        let mut saga = Saga::begin_with(order, Saga::place(testing::order(), None, at)).unwrap();
        let watchers = Watchers::default();
        let [mut one, mut two] = [1, 1].map(|after| watchers.settled(order, after));
        let mut later = watchers.settled(order, 2);
        drop(watchers.settled(order, 1));
        watchers.tell(&saga, 10);
        assert!(one.try_recv().is_err(), "it has not settled");
        saga.apply(&Fact { at, event: Event::Refused(Reason::NoRoom) });
        watchers.tell(&saga, 11);
        for told in [&mut one, &mut two] {
            let seen = told.try_recv().unwrap();
            assert_eq!((*seen.saga, seen.sequence), (saga.clone(), 11));
        }
        assert!(later.try_recv().is_err(), "that was no news");
        watchers.sweep();
        let mut alone = watchers.settled(order, 1);
        watchers.tell(&saga, 12);
        assert_eq!(alone.try_recv().unwrap().sequence, 12);
        drop(later);
        watchers.sweep();
        assert!(watchers.shard(order).is_empty(), "who went away is forgotten");
    }
}

//! What every subject hosts, and what it must be able to do: a role is an actor's inside, a host is whoever runs it.
//!
//! All subjects are built alike, as the engine's broods are: a directory by key, and somebody who starts an actor, sees
//! it end, and starts it again when it panicked. So the subjects differ in the framework and in nothing else.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// What an actor does after a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It waits for the next one.
    Stay,
    /// It has nothing more to do and ends.
    Rest,
}

/// The inside of an actor.
pub trait Role: Send + Unpin + 'static {
    /// What it is told.
    type Mail: Send + 'static;
    /// What it is built from again after a crash.
    type Shelf: Clone + Send + Sync + Unpin + 'static;

    /// The one with this key, as the shelf has it.
    fn again(key: u64, shelf: &Self::Shelf) -> Self;
    /// A life begins; its address is in the directory.
    fn begin(&mut self);
    /// It is told something. May panic: then a new life begins.
    fn hear(&mut self, mail: Self::Mail) -> Next;
}

/// A way to send to one actor without the directory; says whether it could be sent.
pub type Direct<M> = Box<dyn Fn(M) -> bool + Send + Sync>;

/// All actors of one role, with whoever looks after them.
pub trait Brood<R: Role>: Clone + Send + Sync + 'static {
    /// Starts one.
    fn begin(&self, key: u64, role: R);
    /// Sends to one through the directory; says whether it could be sent.
    fn tell(&self, key: u64, mail: R::Mail) -> bool;
    /// The way to one that is there.
    fn direct(&self, key: u64) -> Option<Direct<R::Mail>>;
}

/// A way to host actors.
pub trait Host: Sized {
    /// Its actors of one role.
    type Brood<R: Role>: Brood<R>;
    /// Whether it matters which of two actors shares a thread with which.
    const APART: bool = false;

    /// Runs this on the host's own runtime, with as many threads for actors as there are cores.
    fn run<T>(work: impl AsyncFnOnce(&Self) -> T) -> T;
    /// No actors yet, and whoever will look after them.
    fn brood<R: Role>(&self, shelf: R::Shelf) -> impl Future<Output = Self::Brood<R>>;
}

const SHARDS: usize = 64;

/// Where the actors of one role are.
pub struct Directory<A> {
    hasher: RandomState,
    shards: [Mutex<HashMap<u64, A>>; SHARDS],
}

impl<A> Default for Directory<A> {
    fn default() -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { hasher: RandomState::new(), shards }
    }
}

impl<A> Directory<A> {
    fn shard(&self, key: u64) -> MutexGuard<'_, HashMap<u64, A>> {
        let index = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is here now.
    pub fn insert(&self, key: u64, address: A) {
        // What was there is dropped after the lock is.
        let _old = self.shard(key).insert(key, address);
    }

    /// It is gone.
    pub fn remove(&self, key: u64) {
        let _old = self.shard(key).remove(&key);
    }

    /// Does something with its address; `None` if it is not there.
    pub fn with<T>(&self, key: u64, use_it: impl FnOnce(&A) -> T) -> Option<T> {
        self.shard(key).get(&key).map(use_it)
    }
}

/// Counts up, and lets somebody wait for a number.
#[derive(Debug, Default)]
pub struct Count {
    reached: AtomicUsize,
    wanted: AtomicUsize,
    told: Notify,
}

impl Count {
    /// One more.
    pub fn add(&self) {
        let reached = self.reached.fetch_add(1, Ordering::SeqCst) + 1;
        if reached == self.wanted.load(Ordering::SeqCst) {
            self.told.notify_one();
        }
    }

    /// Waits until there are so many in all. One waits at a time.
    pub async fn reach(self: &Arc<Self>, wanted: usize) {
        self.wanted.store(wanted, Ordering::SeqCst);
        while self.reached.load(Ordering::SeqCst) < wanted {
            self.told.notified().await;
        }
    }
}

//! Children on demand: one actor per key, started by the first message, put to sleep when idle,
//! restarted when it crashes, set aside when it crashes too often.
//!
//! A child is a [`Shell`] in a tokio task (`life.rs`). The directory (this file) is shared by everybody
//! who sends: it has every child's mail, and begins a life where one is wanted. The supervisor
//! ([`supervisor`]) is an actor of the tree: children live only while it does (`reign.rs`), and it
//! hears of every crash and decides what follows. A key has at most one live actor: between two lives
//! its mail waits in the directory, and a new life begins only after the old one's end was seen.

mod aside;
mod life;
mod reign;
pub mod supervisor;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use rustc_hash::{FxHashMap, FxHasher};
use surehold_actors::address::Sent;
use surehold_actors::shell::Shell;
use surehold_domain::time::Timestamp;
use tokio::sync::Notify;

use crate::policy::Policy;
use life::Life;
use reign::Reign;

/// A kind of child.
pub trait Child: Send + Sync + 'static {
    /// What tells one from another.
    type Key: Copy + Eq + Ord + Hash + Debug + Send + Sync + 'static;
    /// What it is told.
    type Msg: Send + 'static;
    /// What its first life may begin with.
    type Seed: Send + 'static;
    /// What lives.
    type Shell: Shell<Msg = Self::Msg>;

    /// The supervisor's name in the tree.
    const NAME: &'static str;
    /// How much dying of one child is borne.
    const POLICY: Policy;
    /// Messages kept for a child that is about to live.
    const MAIL_MAX: usize;
    /// Sweeps a child may be idle before it goes to sleep.
    const IDLE_SWEEPS: u32;

    /// Makes one that is about to live. `poisoned` asks for a fault on demand.
    ///
    /// # Errors
    /// Why there can be none now, in words; that counts as a crash.
    fn shell(
        &self,
        key: Self::Key,
        seed: Option<Self::Seed>,
        poisoned: bool,
    ) -> Result<Self::Shell, String>;
    /// The message that crashes one.
    fn crash() -> Self::Msg;
    /// One was started again after a crash: whoever waits for it may have to ask again.
    fn restarted(&self, key: Self::Key);
    /// The child's name in the tree.
    fn label(key: Self::Key) -> String;
}

enum Slot<C: Child> {
    /// Alive.
    Live(Place<C::Msg>),
    /// Between two lives, with what it will be told in the next.
    Between(VecDeque<C::Msg>, Option<C::Seed>),
    /// Crashed too often; what it died of last.
    Quarantined(String),
}

/// Where a live child gets its mail.
struct Place<M> {
    /// What it has not taken yet.
    mail: VecDeque<M>,
    /// Wakes it, while it waits for mail.
    waker: Option<Waker>,
    /// The sweep it was last told something in.
    touched: u32,
    /// It goes to sleep as soon as it has no mail.
    resting: bool,
}

/// Some of the children of one kind.
struct Shard<C: Child> {
    slots: FxHashMap<C::Key, Slot<C>>,
    /// The supervisor that lives now. Without one nobody begins to live.
    reign: Option<Arc<Reign<C::Key>>>,
}

const SHARDS: usize = 64;

/// All children of one kind.
pub struct Brood<C: Child> {
    child: C,
    shards: [Mutex<Shard<C>>; SHARDS],
    poisoned: Mutex<Vec<C::Key>>,
    /// Whether there is one in `poisoned`, so that hardly anybody looks.
    any_poisoned: AtomicBool,
    /// Those that are quarantined, what they died of last, and when.
    aside: Mutex<BTreeMap<C::Key, (String, Timestamp)>>,
    /// Lives that began and are not quite over.
    live: AtomicUsize,
    /// Told when the last life of a reign is over.
    gone: Notify,
    sweep: AtomicU32,
    stopped: AtomicBool,
    restarts: AtomicU64,
    last_cause: Mutex<Option<String>>,
}

impl<C: Child> Brood<C> {
    /// No children yet.
    pub fn new(child: C) -> Brood<C> {
        let shard = || Shard { slots: FxHashMap::default(), reign: None };
        Brood {
            child,
            shards: std::array::from_fn(|_| Mutex::new(shard())),
            poisoned: Mutex::default(),
            any_poisoned: AtomicBool::new(false),
            aside: Mutex::default(),
            live: AtomicUsize::new(0),
            gone: Notify::new(),
            sweep: AtomicU32::new(0),
            stopped: AtomicBool::new(false),
            restarts: AtomicU64::new(0),
            last_cause: Mutex::default(),
        }
    }

    fn shard(&self, key: C::Key) -> MutexGuard<'_, Shard<C>> {
        let mut hasher = FxHasher::default();
        key.hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % SHARDS as u64).unwrap_or(0);
        self.locked(index)
    }

    fn locked(&self, index: usize) -> MutexGuard<'_, Shard<C>> {
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a message into the child's mailbox, waking it if it sleeps. Mail beyond a child's due
    /// while it is between two lives is dropped: what matters is asked for again.
    pub fn send(self: &Arc<Self>, key: C::Key, message: C::Msg) -> Sent {
        if self.stopped.load(Ordering::Relaxed) {
            return Sent::Stopped;
        }
        let mut shard = self.shard(key);
        match shard.slots.get_mut(&key) {
            Some(Slot::Live(place)) => {
                place.touched = self.sweep.load(Ordering::Relaxed);
                place.resting = false;
                place.mail.push_back(message);
                let waker = place.waker.take();
                drop(shard);
                if let Some(waker) = waker {
                    waker.wake();
                }
                Sent::Delivered
            }
            Some(Slot::Between(mail, _)) => {
                if mail.len() < C::MAIL_MAX {
                    mail.push_back(message);
                    Sent::Delivered
                } else {
                    Sent::Restarting
                }
            }
            Some(Slot::Quarantined(_)) => Sent::Restarting,
            None => {
                self.start(shard, key, VecDeque::from([message]), None, false);
                Sent::Delivered
            }
        }
    }

    /// Begins a child that did not exist before.
    pub fn begin(self: &Arc<Self>, key: C::Key, seed: C::Seed) {
        let shard = self.shard(key);
        // Whoever saw its first record may have told it something already. Then it lives, or is about
        // to, and reads from the shelf what it is.
        if !shard.slots.contains_key(&key) {
            self.start(shard, key, VecDeque::new(), Some(seed), false);
        }
    }

    /// Begins a life with this mail; `past` says whether the supervisor has a ledger of its crashes.
    /// Without a supervisor it waits for the next one, which starts all that wait.
    fn start(
        self: &Arc<Self>,
        mut shard: MutexGuard<'_, Shard<C>>,
        key: C::Key,
        mail: VecDeque<C::Msg>,
        seed: Option<C::Seed>,
        past: bool,
    ) {
        let Some(reign) = shard.reign.clone() else {
            shard.slots.insert(key, Slot::Between(mail, seed));
            return;
        };
        // Under the lock, so that whoever ends the reign counts this one as well.
        let life = Life::new(Arc::clone(self), reign, key, past);
        let touched = self.sweep.load(Ordering::Relaxed);
        shard.slots.insert(key, Slot::Live(Place { mail, waker: None, touched, resting: false }));
        drop(shard);
        life.spawn(seed);
    }

    /// Begins the next life of a child that is between two; returns whether it was.
    fn revive(self: &Arc<Self>, key: C::Key, past: bool) -> bool {
        let mut shard = self.shard(key);
        match shard.slots.get_mut(&key) {
            Some(Slot::Between(mail, seed)) => {
                let (mail, seed) = (std::mem::take(mail), seed.take());
                self.start(shard, key, mail, seed, past);
                true
            }
            // Set aside or gone meanwhile: nothing to do.
            Some(Slot::Live(_) | Slot::Quarantined(_)) | None => false,
        }
    }

    /// Puts a child to sleep that says of itself that it has nothing more to do. What it is told
    /// before it sleeps keeps it awake.
    pub fn rest(&self, key: C::Key) {
        if let Some(Slot::Live(place)) = self.shard(key).slots.get_mut(&key) {
            place.rest();
        }
    }

    /// Live children.
    pub fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// Restarts so far.
    pub fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// What the last restart was for.
    pub fn last_cause(&self) -> Option<String> {
        self.last_cause.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether an operator stopped all of them.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Stops all of them, or lets them live again.
    pub fn set_stopped(&self, stopped: bool) {
        self.stopped.store(stopped, Ordering::Relaxed);
        if stopped {
            self.passivate(|_| true);
        }
    }

    /// Crashes every live child.
    pub fn crash_all(&self) {
        for index in 0..SHARDS {
            for slot in self.locked(index).slots.values_mut() {
                if let Slot::Live(place) = slot {
                    place.mail.push_back(C::crash());
                    place.wake();
                }
            }
        }
    }

    /// Puts live children to sleep that `idle` says yes to, given the sweep they were touched in.
    fn passivate(&self, idle: impl Fn(u32) -> bool) {
        for index in 0..SHARDS {
            for slot in self.locked(index).slots.values_mut() {
                if let Slot::Live(place) = slot
                    && idle(place.touched)
                {
                    place.rest();
                }
            }
        }
    }
}

impl<M> Place<M> {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn rest(&mut self) {
        self.resting = true;
        self.wake();
    }
}

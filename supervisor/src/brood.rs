//! Children on demand: one actor per key, started by the first message, put to sleep when idle,
//! restarted when it crashes, set aside when it crashes too often.
//!
//! The directory half (this file) is shared by everybody who sends; the supervisor half
//! ([`supervisor`]) owns the children. A key has at most one live actor: between two lives its mail
//! waits in the directory, and a new life begins only after the old one's end was seen.

pub mod supervisor;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use ractor::{ActorCell, ActorRef, Message, SpawnErr};
use rustc_hash::{FxHashMap, FxHasher};
use surehold_actors::address::Sent;
use surehold_domain::time::Timestamp;

use crate::policy::Policy;
use supervisor::BroodMsg;

/// A kind of child.
pub trait Child: Send + Sync + 'static {
    /// What tells one from another.
    type Key: Copy + Eq + Ord + Hash + Debug + Send + Sync + 'static;
    /// What it is told.
    type Msg: Message;
    /// What its first life may begin with.
    type Seed: Send + 'static;

    /// The supervisor's name in the tree.
    const NAME: &'static str;
    /// How much dying of one child is borne.
    const POLICY: Policy;
    /// Messages kept for a child that is about to live.
    const MAIL_MAX: usize;
    /// Sweeps a child may be idle before it goes to sleep.
    const IDLE_SWEEPS: u32;

    /// Starts one under its supervisor. `poisoned` asks for a fault on demand.
    fn spawn(
        &self,
        key: Self::Key,
        seed: Option<Self::Seed>,
        poisoned: bool,
        supervisor: ActorCell,
    ) -> impl Future<Output = Result<ActorRef<Self::Msg>, SpawnErr>> + Send;
    /// The message that puts one to sleep; the last one it gets.
    fn passivate() -> Self::Msg;
    /// The message that crashes one.
    fn crash() -> Self::Msg;
    /// One was started again after a crash: whoever waits for it may have to ask again.
    fn restarted(&self, key: Self::Key);
    /// The child's name in the tree.
    fn label(key: Self::Key) -> String;
}

enum Slot<C: Child> {
    /// Alive; touched at this sweep.
    Live(ActorRef<C::Msg>, u32),
    /// Between two lives, with what it will be told in the next.
    Between(Vec<C::Msg>, Option<C::Seed>),
    /// Crashed too often; what it died of last.
    Quarantined(String),
}

type Slots<C> = FxHashMap<<C as Child>::Key, Slot<C>>;

const SHARDS: usize = 64;

/// All children of one kind.
pub struct Brood<C: Child> {
    child: C,
    shards: [Mutex<Slots<C>>; SHARDS],
    supervisor: RwLock<Option<ActorRef<BroodMsg<C::Key>>>>,
    poisoned: Mutex<Vec<C::Key>>,
    /// Those that are quarantined, what they died of last, and when.
    aside: Mutex<BTreeMap<C::Key, (String, Timestamp)>>,
    live: AtomicUsize,
    sweep: AtomicU32,
    stopped: AtomicBool,
    restarts: AtomicU64,
    last_cause: Mutex<Option<String>>,
}

impl<C: Child> Brood<C> {
    /// No children yet.
    pub fn new(child: C) -> Brood<C> {
        Brood {
            child,
            shards: std::array::from_fn(|_| Mutex::default()),
            supervisor: RwLock::new(None),
            poisoned: Mutex::default(),
            aside: Mutex::default(),
            live: AtomicUsize::new(0),
            sweep: AtomicU32::new(0),
            stopped: AtomicBool::new(false),
            restarts: AtomicU64::new(0),
            last_cause: Mutex::default(),
        }
    }

    fn shard(&self, key: C::Key) -> MutexGuard<'_, Slots<C>> {
        let mut hasher = FxHasher::default();
        key.hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % SHARDS as u64).unwrap_or(0);
        self.locked(index)
    }

    fn locked(&self, index: usize) -> MutexGuard<'_, Slots<C>> {
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a message into the child's mailbox, waking it if it sleeps. Mail beyond a child's due
    /// while it is between two lives is dropped: what matters is asked for again.
    pub fn send(&self, key: C::Key, message: C::Msg) -> Sent {
        if self.stopped.load(Ordering::Relaxed) {
            return Sent::Stopped;
        }
        let mut slots = self.shard(key);
        match slots.get_mut(&key) {
            Some(Slot::Live(actor, touched)) => {
                *touched = self.sweep.load(Ordering::Relaxed);
                match actor.send_message(message) {
                    Ok(()) => Sent::Delivered,
                    // It died just now; its supervisor will see that next.
                    Err(ractor::MessagingErr::SendErr(message)) => {
                        slots.insert(key, Slot::Between(vec![message], None));
                        Sent::Delivered
                    }
                    Err(_) => Sent::Restarting,
                }
            }
            Some(Slot::Between(mail, _)) => {
                if mail.len() < C::MAIL_MAX {
                    mail.push(message);
                    Sent::Delivered
                } else {
                    Sent::Restarting
                }
            }
            Some(Slot::Quarantined(_)) => Sent::Restarting,
            None => {
                slots.insert(key, Slot::Between(vec![message], None));
                drop(slots);
                self.tell(BroodMsg::Start(key));
                Sent::Delivered
            }
        }
    }

    /// Begins a child that did not exist before.
    pub fn begin(&self, key: C::Key, seed: C::Seed) {
        let old = self.shard(key).insert(key, Slot::Between(Vec::new(), Some(seed)));
        debug_assert!(old.is_none(), "{key:?} was begun twice");
        self.tell(BroodMsg::Start(key));
    }

    fn tell(&self, message: BroodMsg<C::Key>) {
        // Without a supervisor nothing is lost: the next one starts whoever has mail.
        if let Some(supervisor) = &*self.supervisor.read().unwrap_or_else(PoisonError::into_inner) {
            let _ = supervisor.send_message(message);
        }
    }

    /// Puts a child to sleep that says of itself that it has nothing more to do.
    pub fn rest(&self, key: C::Key) {
        let mut slots = self.shard(key);
        if let Some(slot @ Slot::Live(..)) = slots.get_mut(&key)
            && let Slot::Live(actor, _) = slot
            && actor.send_message(C::passivate()).is_ok()
        {
            *slot = Slot::Between(Vec::new(), None);
        }
    }

    /// What a quarantined child died of; `None` if it is not quarantined.
    pub fn quarantined(&self, key: C::Key) -> Option<String> {
        match self.shard(key).get(&key) {
            Some(Slot::Quarantined(cause)) => Some(cause.clone()),
            Some(Slot::Live(..) | Slot::Between(..)) | None => None,
        }
    }

    /// Lets a quarantined child live again, without its past and without a fault on demand.
    /// Returns whether it was quarantined.
    pub fn release(&self, key: C::Key) -> bool {
        self.poison(key, false);
        let mut slots = self.shard(key);
        if !matches!(slots.get(&key), Some(Slot::Quarantined(_))) {
            return false;
        }
        slots.insert(key, Slot::Between(Vec::new(), None));
        self.aside().remove(&key);
        drop(slots);
        self.tell(BroodMsg::Retry(key));
        true
    }

    fn aside(&self) -> MutexGuard<'_, BTreeMap<C::Key, (String, Timestamp)>> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a child aside that crashed too often.
    fn set_aside(&self, key: C::Key, cause: String, now: Timestamp) {
        let mut slots = self.shard(key);
        self.aside().insert(key, (cause.clone(), now));
        slots.insert(key, Slot::Quarantined(cause));
    }

    /// Quarantined children.
    pub fn count_quarantined(&self) -> usize {
        self.aside().len()
    }

    /// The first `limit` quarantined children after this one, what they died of, and when.
    pub fn list_quarantined(
        &self,
        after: Option<C::Key>,
        limit: usize,
    ) -> Vec<(C::Key, String, Timestamp)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let aside = self.aside();
        let found = aside.range((from, Bound::Unbounded)).take(limit);
        found.map(|(key, (cause, at))| (*key, cause.clone(), *at)).collect()
    }

    /// Sets or lifts a fault on demand: while it is set, every life of the child panics at its
    /// first message.
    pub fn poison(&self, key: C::Key, poisoned: bool) {
        let mut all = self.poisoned.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|other| *other != key);
        if poisoned {
            all.push(key);
        }
    }

    fn is_poisoned(&self, key: C::Key) -> bool {
        let all = self.poisoned.lock().unwrap_or_else(PoisonError::into_inner);
        all.contains(&key)
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
            for slot in self.locked(index).values() {
                if let Slot::Live(actor, _) = slot {
                    let _ = actor.send_message(C::crash());
                }
            }
        }
    }

    /// Puts live children to sleep that `idle` says yes to, given the sweep they were touched in.
    fn passivate(&self, idle: impl Fn(u32) -> bool) {
        for index in 0..SHARDS {
            let mut slots = self.locked(index);
            for slot in slots.values_mut() {
                let Slot::Live(actor, touched) = slot else { continue };
                if idle(*touched) && actor.send_message(C::passivate()).is_ok() {
                    *slot = Slot::Between(Vec::new(), None);
                }
            }
        }
    }
}

//! Lives and reigns, with children that do as they are told and write down what they see.

mod lives;
mod reigns;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak, mpsc};
use std::time::Duration;

use ractor::{Actor, ActorRef};
use surehold_actors::address::Sent;
use surehold_actors::clock::RuntimeClock;
use surehold_actors::shelf::ShelfError;
use surehold_actors::shell::Shell;
use surehold_domain::time::Timestamp;
use surehold_storage::JournalError;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::life::Life;
use super::supervisor::{BroodArgs, BroodMsg, BroodSupervisor};
use super::{Brood, Child};
use crate::policy::{Policy, Then};
use crate::view::TreeNode;

/// What a child is told.
enum Say {
    /// Write this down.
    Note(u64),
    /// Write it down, and rest.
    NoteAndRest(u64),
    /// Rest, and then tell yourself to write this down.
    RestAndNote(u64),
    /// Tell yourself to go on, so many times.
    Chatter(u64),
    /// Answer.
    Answer(oneshot::Sender<()>),
    /// Do not come back from the handler until the other end says or goes.
    Hang(mpsc::Receiver<()>),
    /// Send yourself this as soon as you are gone.
    Will(u64),
    /// Panic with these words.
    Panic(&'static str),
    /// Fail as if the disk did.
    Fail,
}

/// What the children of a test saw.
#[derive(Default)]
struct Seen {
    /// In the order it happened, over all children.
    log: Vec<(u64, &'static str, u64)>,
    living: BTreeMap<u64, usize>,
    /// The most lives that one key ever had at once.
    most: usize,
}

/// What all toys of a test share.
#[derive(Default)]
struct Toybox {
    seen: Mutex<Seen>,
    /// So many of the next beginnings panic.
    stillborn: AtomicUsize,
    /// There can be no shell.
    barren: AtomicBool,
    brood: OnceLock<Weak<Brood<Toys>>>,
}

impl Toybox {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, key: u64, what: &'static str, number: u64) {
        self.seen().log.push((key, what, number));
    }

    fn brood(&self) -> Option<Arc<Brood<Toys>>> {
        self.brood.get().and_then(Weak::upgrade)
    }

    /// The numbers that were written down for this key under this word.
    fn numbers(&self, key: u64, word: &str) -> Vec<u64> {
        let seen = self.seen();
        let found = seen.log.iter().filter(|(of, what, _)| *of == key && *what == word);
        found.map(|(_, _, number)| *number).collect()
    }

    /// Where in the log this stands first.
    fn place(&self, key: u64, word: &str) -> Option<usize> {
        self.seen().log.iter().position(|(of, what, _)| *of == key && *what == word)
    }
}

struct Toys(Arc<Toybox>);

struct Toy {
    key: u64,
    all: Arc<Toybox>,
    will: Option<u64>,
}

impl Toy {
    fn send(&self, message: Say) {
        if let Some(brood) = self.all.brood() {
            brood.send(self.key, message);
        }
    }

    fn rest(&self) {
        if let Some(brood) = self.all.brood() {
            brood.rest(self.key);
        }
    }
}

impl Shell for Toy {
    type Msg = Say;

    fn begin(&mut self) -> Result<(), ShelfError> {
        self.all.log(self.key, "began", 0);
        let left = |count: usize| count.checked_sub(1);
        let stillborn = &self.all.stillborn;
        let dies = stillborn.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_ok();
        assert!(!dies, "no beginning");
        Ok(())
    }

    fn handle(&mut self, message: Say) -> Result<(), ShelfError> {
        match message {
            Say::Note(number) => self.all.log(self.key, "note", number),
            Say::NoteAndRest(number) => {
                self.all.log(self.key, "note", number);
                self.rest();
            }
            Say::RestAndNote(number) => {
                self.rest();
                self.send(Say::Note(number));
            }
            Say::Chatter(0) => self.all.log(self.key, "silent", 0),
            Say::Chatter(left) => self.send(Say::Chatter(left - 1)),
            Say::Answer(reply) => {
                let _ = reply.send(());
            }
            Say::Hang(until) => {
                self.all.log(self.key, "hangs", 0);
                let _ = until.recv();
            }
            Say::Will(number) => {
                self.will = Some(number);
                self.rest();
            }
            Say::Panic(words) => panic!("{words}"),
            Say::Fail => return Err(JournalError::Closed("the disk is full".into()).into()),
        }
        Ok(())
    }
}

impl Drop for Toy {
    fn drop(&mut self) {
        self.all.log(self.key, "gone", 0);
        if let Some(living) = self.all.seen().living.get_mut(&self.key) {
            *living -= 1;
        }
        if let Some(number) = self.will.take() {
            self.send(Say::Note(number));
        }
    }
}

impl Child for Toys {
    type Key = u64;
    type Msg = Say;
    type Seed = u64;
    type Shell = Toy;
    const NAME: &'static str = "toys";
    const POLICY: Policy = Policy {
        restarts_max: 3,
        window: Duration::from_secs(30),
        backoff: Duration::from_millis(100),
        backoff_max: Duration::from_secs(1),
        then: Then::Quarantine,
    };
    const MAIL_MAX: usize = 8;
    const IDLE_SWEEPS: u32 = 2;

    fn shell(&self, key: u64, seed: Option<u64>, poisoned: bool) -> Result<Toy, String> {
        if self.0.barren.load(Ordering::Relaxed) {
            return Err("not now".to_owned());
        }
        let mut seen = self.0.seen();
        let living = seen.living.entry(key).or_default();
        *living += 1;
        let now = *living;
        seen.most = seen.most.max(now);
        if let Some(seed) = seed {
            seen.log.push((key, "seed", seed));
        }
        if poisoned {
            seen.log.push((key, "poisoned", 0));
        }
        drop(seen);
        Ok(Toy { key, all: Arc::clone(&self.0), will: None })
    }
    fn crash() -> Say {
        Say::Panic("it was told to crash")
    }
    fn restarted(&self, key: u64) {
        self.0.log(key, "restarted", 0);
    }
    fn label(key: u64) -> String {
        format!("toy {key}")
    }
}

/// A brood, and whoever reigns over it.
struct Nursery {
    all: Arc<Toybox>,
    brood: Arc<Brood<Toys>>,
}

type Supervisor = (ActorRef<BroodMsg<u64>>, JoinHandle<()>);

impl Nursery {
    fn new() -> Nursery {
        let all = Arc::<Toybox>::default();
        let brood = Arc::new(Brood::new(Toys(Arc::clone(&all))));
        assert!(all.brood.set(Arc::downgrade(&brood)).is_ok());
        Nursery { all, brood }
    }

    async fn supervisor(&self) -> Supervisor {
        let clock = Arc::new(RuntimeClock::starting_at(Timestamp(1_800_000_000_000)));
        let args = BroodArgs { brood: Arc::clone(&self.brood), clock };
        Actor::spawn(None, BroodSupervisor::default(), args).await.unwrap()
    }

    /// Waits until the child has looked at all that it was told before.
    async fn answer(&self, key: u64) {
        let (reply, answer) = oneshot::channel();
        self.brood.send(key, Say::Answer(reply));
        answer.await.unwrap();
    }

    async fn until(&self, what: &str, come: impl Fn(&Nursery) -> bool) {
        let waiting = async {
            while !come(self) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        assert!(waited.is_ok(), "it never came about that {what}: {:?}", self.all.seen().log);
    }
}

async fn children(supervisor: &Supervisor) -> Vec<TreeNode> {
    let (reply, answer) = oneshot::channel();
    supervisor.0.send_message(BroodMsg::Children(reply)).unwrap();
    answer.await.unwrap()
}

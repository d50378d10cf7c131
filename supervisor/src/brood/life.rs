//! A child's life: a task that hands its shell one message after the other.
//!
//! A life ends in one of three ways. The child rests: then it leaves the directory by itself, and no
//! supervisor is asked. It crashes: then its supervisor hears why, and decides. Or the reign is over:
//! then it just goes, and whoever reigns next starts those who are wanted.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt::Display;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use surehold_actors::shell::Shell;
use tokio::task::coop::consume_budget;

use super::reign::Reign;
use super::supervisor::BroodMsg;
use super::{Brood, Child, Slot};
use crate::policy::Exit;

/// Room for mail that a child keeps. After a crowd it gives back what is beyond.
const MAIL_KEPT: usize = 64;

/// One life. While there is one of these, the brood counts it.
pub(super) struct Life<C: Child> {
    brood: Arc<Brood<C>>,
    reign: Arc<Reign<C::Key>>,
    key: C::Key,
    /// Whether the supervisor has a ledger of its crashes, which a good end closes.
    past: bool,
}

/// Why a child handles no more messages, unless it crashed.
enum Quit {
    Rested,
    ReignOver,
}

impl<C: Child> Life<C> {
    /// Counts one more life. Called under the lock of the shard that the reign was found in.
    pub(super) fn new(
        brood: Arc<Brood<C>>,
        reign: Arc<Reign<C::Key>>,
        key: C::Key,
        past: bool,
    ) -> Life<C> {
        brood.live.fetch_add(1, Ordering::SeqCst);
        Life { brood, reign, key, past }
    }

    /// Lets it begin.
    pub(super) fn spawn(self, seed: Option<C::Seed>) {
        let reign = Arc::clone(&self.reign);
        reign.runtime.spawn(self.run(seed));
    }

    async fn run(mut self, mut seed: Option<C::Seed>) {
        let mut mail = VecDeque::new();
        loop {
            match self.live(seed.take(), &mut mail).await {
                Ok(Quit::Rested) => {
                    if self.leave() {
                        return;
                    }
                }
                Ok(Quit::ReignOver) => return,
                Err(cause) => return self.crashed(cause, mail),
            }
        }
    }

    /// Lives until it has nothing more to do; the shell is gone afterwards. After a crash there may be
    /// mail left that it took and did not look at.
    async fn live(
        &self,
        seed: Option<C::Seed>,
        mail: &mut VecDeque<C::Msg>,
    ) -> Result<Quit, String> {
        if self.reign.is_over() {
            return Ok(Quit::ReignOver);
        }
        let poisoned = self.brood.is_poisoned(self.key);
        let mut shell = guarded(|| self.brood.child.shell(self.key, seed, poisoned))?;
        guarded(|| shell.begin())?;
        loop {
            if let Some(quit) = poll_fn(|context| self.poll_mail(mail, context)).await {
                return Ok(quit);
            }
            while let Some(message) = mail.pop_front() {
                if self.reign.is_over() {
                    return Ok(Quit::ReignOver);
                }
                guarded(|| shell.handle(message))?;
                // One that always has mail lets others have their turn.
                consume_budget().await;
            }
            if mail.capacity() > MAIL_KEPT {
                *mail = VecDeque::new();
            }
        }
    }

    /// Takes all the mail there is, or says why there is none to wait for.
    fn poll_mail(&self, mail: &mut VecDeque<C::Msg>, context: &Context<'_>) -> Poll<Option<Quit>> {
        let mut shard = self.brood.shard(self.key);
        // Only a reign that ends takes a life's place away.
        let Some(Slot::Live(place)) = shard.slots.get_mut(&self.key) else {
            return Poll::Ready(Some(Quit::ReignOver));
        };
        if self.reign.is_over() {
            return Poll::Ready(Some(Quit::ReignOver));
        }
        if !place.mail.is_empty() {
            std::mem::swap(&mut place.mail, mail);
            return Poll::Ready(None);
        }
        if place.resting {
            return Poll::Ready(Some(Quit::Rested));
        }
        place.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// Leaves the directory. Returns whether it did: mail that came meanwhile is for its next life,
    /// which begins at once.
    fn leave(&mut self) -> bool {
        if std::mem::take(&mut self.past) {
            // Told before anybody can begin a life that has no past.
            self.reign.tell(BroodMsg::Forget(self.key));
        }
        let mut shard = self.brood.shard(self.key);
        if self.reign.is_over() {
            return true;
        }
        match shard.slots.get_mut(&self.key) {
            Some(Slot::Live(place)) if !place.mail.is_empty() => {
                place.resting = false;
                false
            }
            Some(Slot::Live(_)) => {
                shard.slots.remove(&self.key);
                true
            }
            Some(Slot::Between(..) | Slot::Quarantined(_)) | None => true,
        }
    }

    /// What it was told and did not look at is for its next life; what it died of is not.
    fn crashed(&self, cause: String, mut mail: VecDeque<C::Msg>) {
        let mut shard = self.brood.shard(self.key);
        if self.reign.is_over() {
            return;
        }
        if let Some(Slot::Live(place)) = shard.slots.get_mut(&self.key) {
            mail.append(&mut place.mail);
        }
        let beyond = mail.split_off(mail.len().min(C::MAIL_MAX));
        shard.slots.insert(self.key, Slot::Between(mail, None));
        drop(shard);
        drop(beyond);
        self.reign.tell(BroodMsg::Ended(self.key, Exit::Failed(cause)));
    }
}

impl<C: Child> Drop for Life<C> {
    fn drop(&mut self) {
        if self.brood.live.fetch_sub(1, Ordering::SeqCst) == 1 && self.reign.is_over() {
            self.brood.gone.notify_waiters();
        }
    }
}

/// Does something that may fail or panic; either way there are words for it.
fn guarded<T, E: Display>(work: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(panic) => Err(words(panic.as_ref())),
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("it panicked without a word").to_owned()
}

//! A handle that outlives restarts. A restarted actor is a new one, so nobody keeps a reference to
//! an actor: everybody keeps an address, and the supervisor fills it.

use std::sync::{Arc, PoisonError, RwLock};

use ractor::{ActorRef, Message};

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is in the mailbox.
    Delivered,
    /// Nobody is there just now; whoever comes back asks for what was missed.
    Restarting,
    /// An operator stopped the participant; nobody comes back until told to.
    Stopped,
}

enum Slot<M> {
    Up(ActorRef<M>),
    Restarting,
    Stopped,
}

/// A participant's address.
pub struct Address<M> {
    slot: Arc<RwLock<Slot<M>>>,
}

impl<M> Clone for Address<M> {
    fn clone(&self) -> Self {
        Address { slot: Arc::clone(&self.slot) }
    }
}

impl<M: Message> Default for Address<M> {
    fn default() -> Self {
        Address { slot: Arc::new(RwLock::new(Slot::Restarting)) }
    }
}

impl<M: Message> Address<M> {
    /// Puts a message into the mailbox of whoever lives here now.
    pub fn send(&self, message: M) -> Sent {
        match &*self.slot.read().unwrap_or_else(PoisonError::into_inner) {
            Slot::Up(actor) => match actor.send_message(message) {
                Ok(()) => Sent::Delivered,
                Err(_) => Sent::Restarting,
            },
            Slot::Restarting => Sent::Restarting,
            Slot::Stopped => Sent::Stopped,
        }
    }

    /// Whether an operator stopped the participant.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        matches!(&*self.slot.read().unwrap_or_else(PoisonError::into_inner), Slot::Stopped)
    }

    /// Somebody lives here now. Only supervisors call this.
    pub fn fill(&self, actor: ActorRef<M>) {
        *self.slot.write().unwrap_or_else(PoisonError::into_inner) = Slot::Up(actor);
    }

    /// Nobody lives here, but somebody will. Only supervisors call this.
    pub fn vacate(&self) {
        *self.slot.write().unwrap_or_else(PoisonError::into_inner) = Slot::Restarting;
    }

    /// Nobody lives here, by an operator's will. Only supervisors call this.
    pub fn stop(&self) {
        *self.slot.write().unwrap_or_else(PoisonError::into_inner) = Slot::Stopped;
    }
}

//! The confirmations actor: promises made at once where the plan says so, and the operator's word
//! where it does not.
//!
//! It keeps nothing in memory: every confirmation is read from the shelf when it is spoken of, so a
//! restart has nothing to catch up with but what orders ask again.

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use surehold_domain::confirmation::{Confirmation, Event, Fact, Input, State, Verdict};
use surehold_domain::id::{ConfirmationId, EffectId};
use surehold_domain::saga::Outcome;
use surehold_domain::terms::ConfirmationTerms;
use surehold_domain::time::Timestamp;
use tokio::sync::oneshot;

use crate::post::Post;
use crate::shelf::{Loaded, ShelfError};
use crate::stream::ConfirmationKey;

/// A message to the confirmations actor.
pub enum ConfirmationsMsg {
    /// An order wants its confirmation.
    Request {
        /// Who asks.
        effect: EffectId,
        /// The confirmation's number.
        confirmation: ConfirmationId,
        /// From whom, and by when.
        terms: ConfirmationTerms,
        /// Whether the time is up and the answer is yes.
        demanded: bool,
        /// Whether this may have been asked before.
        again: bool,
    },
    /// An order no longer wants its confirmation.
    Withdraw {
        /// Who asks.
        effect: EffectId,
        /// The confirmation's number.
        confirmation: ConfirmationId,
    },
    /// The operator speaks.
    Speak {
        /// The order's effect that waits for it.
        effect: EffectId,
        /// The confirmation's number.
        confirmation: ConfirmationId,
        /// Yes or no.
        word: Word,
        /// Where to say what became of it.
        reply: oneshot::Sender<Spoken>,
    },
    /// A fault on demand.
    Crash,
}

/// What an operator says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Yes.
    Confirm,
    /// No, and perhaps why.
    Reject(Option<String>),
}

/// What became of an operator's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// It was heard; the order is told.
    Heard,
    /// Somebody spoke before.
    Settled,
    /// Nobody asked for this confirmation yet.
    NotAsked,
}

/// What the confirmations actor is started with.
#[derive(Clone)]
pub struct ConfirmationsArgs {
    /// What all actors share.
    pub post: Arc<Post>,
}

/// The actor; all it has is in its state.
pub struct ConfirmationsActor;

/// The actor's state: the way to the shelf.
pub struct ConfirmationsState {
    post: Arc<Post>,
}

impl Actor for ConfirmationsActor {
    type Msg = ConfirmationsMsg;
    type State = ConfirmationsState;
    type Arguments = ConfirmationsArgs;

    async fn pre_start(
        &self,
        _myself: ActorRef<ConfirmationsMsg>,
        args: ConfirmationsArgs,
    ) -> Result<ConfirmationsState, ActorProcessingErr> {
        Ok(ConfirmationsState { post: args.post })
    }

    async fn handle(
        &self,
        _myself: ActorRef<ConfirmationsMsg>,
        message: ConfirmationsMsg,
        state: &mut ConfirmationsState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ConfirmationsMsg::Request { effect, confirmation, terms, demanded, again } => {
                let key = ConfirmationKey { market: effect.order.market, confirmation };
                state.request(key, effect, terms, demanded, again)?;
            }
            ConfirmationsMsg::Withdraw { effect, confirmation } => {
                let key = ConfirmationKey { market: effect.order.market, confirmation };
                state.withdraw(key, effect)?;
            }
            ConfirmationsMsg::Speak { effect, confirmation, word, reply } => {
                let key = ConfirmationKey { market: effect.order.market, confirmation };
                // Whoever asked may have gone away; the word stands.
                let _ = reply.send(state.speak(key, effect, word)?);
            }
            ConfirmationsMsg::Crash => crash(),
        }
        Ok(())
    }
}

fn crash() {
    panic!("the confirmations were told to crash");
}

impl ConfirmationsState {
    fn load(&self, key: ConfirmationKey) -> Result<Option<Loaded<Confirmation>>, ShelfError> {
        self.post.shelf.load::<Confirmation>(key.stream())
    }

    fn begin(
        &self,
        key: ConfirmationKey,
        event: Event,
        at: Timestamp,
    ) -> Result<Confirmation, ShelfError> {
        let (fact, stream) = (Fact { at, event }, key.stream());
        let sequence = self.post.shelf.append::<Confirmation>(stream, 1, &fact)?;
        let gap = ShelfError::Gap { stream, number: 1, known: 0 };
        let confirmation = Confirmation::begin(key.confirmation, &fact).ok_or(gap)?;
        // It waits for a word, or for nothing any more.
        self.post.shelf.settle(stream, &confirmation, sequence)?;
        Ok(confirmation)
    }

    fn step(
        &self,
        key: ConfirmationKey,
        confirmation: &mut Confirmation,
        input: Input,
    ) -> Result<Verdict, ShelfError> {
        let verdict = confirmation.decide(input);
        if let Verdict::Record(event) = &verdict {
            let fact = Fact { at: self.post.clock.now(), event: event.clone() };
            let number = confirmation.number() + 1;
            let sequence = self.post.shelf.append::<Confirmation>(key.stream(), number, &fact)?;
            confirmation.apply(&fact);
            self.post.shelf.settle(key.stream(), confirmation, sequence)?;
        }
        Ok(verdict)
    }

    fn request(
        &self,
        key: ConfirmationKey,
        effect: EffectId,
        terms: ConfirmationTerms,
        demanded: bool,
        again: bool,
    ) -> Result<(), ShelfError> {
        // Only a request that may have been made before can find something.
        let found = if again || demanded { self.load(key)? } else { None };
        let mut confirmation = match found {
            Some(loaded) => loaded.machine,
            None => {
                let now = self.post.clock.now();
                let until = now.plus(terms.within);
                self.begin(key, Confirmation::request(effect.order, terms.by, until), now)?
            }
        };
        if demanded {
            self.step(key, &mut confirmation, Input::Confirm)?;
        }
        self.tell(&confirmation, effect);
        Ok(())
    }

    fn withdraw(&self, key: ConfirmationKey, effect: EffectId) -> Result<(), ShelfError> {
        match self.load(key)? {
            Some(loaded) => {
                let mut confirmation = loaded.machine;
                self.step(key, &mut confirmation, Input::Withdraw)?;
            }
            // It never came to the queue; a late request must find it settled.
            None => {
                let now = self.post.clock.now();
                self.begin(key, Event::Abandoned { order: effect.order }, now)?;
            }
        }
        self.post.answer(effect, Outcome::Withdrawn);
        Ok(())
    }

    fn speak(
        &self,
        key: ConfirmationKey,
        effect: EffectId,
        word: Word,
    ) -> Result<Spoken, ShelfError> {
        let Some(loaded) = self.load(key)? else { return Ok(Spoken::NotAsked) };
        let mut confirmation = loaded.machine;
        let input = match word {
            Word::Confirm => Input::Confirm,
            Word::Reject(note) => Input::Reject(note),
        };
        let spoken = match self.step(key, &mut confirmation, input)? {
            Verdict::Record(_) => Spoken::Heard,
            Verdict::Settled => Spoken::Settled,
        };
        self.tell(&confirmation, effect);
        Ok(spoken)
    }

    fn tell(&self, confirmation: &Confirmation, effect: EffectId) {
        let outcome = match confirmation.state() {
            State::Waiting { .. } => Outcome::Awaited,
            State::Confirmed => Outcome::Confirmed,
            State::Rejected(note) => Outcome::Rejected(note.clone()),
            State::Withdrawn => return,
        };
        self.post.answer(effect, outcome);
    }
}

//! The reviews actor: writes, changes and removes reviews, one at a time.

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use surehold_domain::id::{MarketId, OfferingId, ReviewId};
use surehold_domain::review::{Event, Fact, Input, Opinion, Review};
use tokio::sync::oneshot;

use crate::post::Post;
use crate::shelf::ShelfError;
use crate::stream::{self, Kind};

/// Where an answer goes: the review as it stands once the sequence is durable, or `None` if there is
/// no such review.
pub type Reply = oneshot::Sender<Option<(Review, u64)>>;

/// A message to the reviews.
pub enum ReviewsMsg {
    /// Somebody writes one.
    Write {
        /// Where.
        market: MarketId,
        /// About what.
        offering: OfferingId,
        /// What it says.
        opinion: Opinion,
        /// The answer.
        reply: Reply,
    },
    /// Somebody changes or removes one.
    Edit {
        /// Where.
        market: MarketId,
        /// Which.
        review: ReviewId,
        /// How.
        input: Input,
        /// The answer.
        reply: Reply,
    },
    /// A fault on demand.
    Crash,
}

/// What the reviews actor is started with.
#[derive(Clone)]
pub struct ReviewsArgs {
    /// What all actors share.
    pub post: Arc<Post>,
}

/// The actor; all it has is in its state.
pub struct ReviewsActor;

/// The actor's state: the way to the shelf.
pub struct ReviewsState {
    post: Arc<Post>,
}

impl Actor for ReviewsActor {
    type Msg = ReviewsMsg;
    type State = ReviewsState;
    type Arguments = ReviewsArgs;

    async fn pre_start(
        &self,
        _myself: ActorRef<ReviewsMsg>,
        args: ReviewsArgs,
    ) -> Result<ReviewsState, ActorProcessingErr> {
        Ok(ReviewsState { post: args.post })
    }

    async fn handle(
        &self,
        _myself: ActorRef<ReviewsMsg>,
        message: ReviewsMsg,
        state: &mut ReviewsState,
    ) -> Result<(), ActorProcessingErr> {
        // Whoever asked may have gone away; the review stands.
        match message {
            ReviewsMsg::Write { market, offering, opinion, reply } => {
                let _ = reply.send(state.write(market, offering, opinion)?);
            }
            ReviewsMsg::Edit { market, review, input, reply } => {
                let _ = reply.send(state.edit(market, review, input)?);
            }
            ReviewsMsg::Crash => crash(),
        }
        Ok(())
    }
}

fn crash() {
    panic!("the reviews were told to crash");
}

impl ReviewsState {
    fn write(
        &self,
        market: MarketId,
        offering: OfferingId,
        opinion: Opinion,
    ) -> Result<Option<(Review, u64)>, ShelfError> {
        let shelf = &self.post.shelf;
        let id = ReviewId(shelf.numbers().next(Kind::Review, market));
        let event = Event::Written { offering, opinion };
        let fact = Fact { at: self.post.clock.now(), event };
        let sequence = shelf.append::<Review>(stream::review(market, id), 1, &fact)?;
        Ok(Review::begin(id, &fact).map(|review| (review, sequence)))
    }

    fn edit(
        &self,
        market: MarketId,
        id: ReviewId,
        input: Input,
    ) -> Result<Option<(Review, u64)>, ShelfError> {
        let (shelf, stream) = (&self.post.shelf, stream::review(market, id));
        let Some(loaded) = shelf.load::<Review>(stream)? else { return Ok(None) };
        let (mut review, mut sequence) = (loaded.machine, loaded.sequence);
        if review.removed {
            return Ok(None);
        }
        if let Some(event) = review.decide(input) {
            let fact = Fact { at: self.post.clock.now(), event };
            sequence = shelf.append::<Review>(stream, review.number + 1, &fact)?;
            review.apply(&fact);
        }
        Ok(Some((review, sequence)))
    }
}

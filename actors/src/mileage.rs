//! The mileage actor: points for orders. It follows the committed feed (points after the payment, and
//! back after a cancellation), and answers orders that wait for their points.
//!
//! Every entry stands under its order's number, so nothing is credited or taken back twice.

use std::collections::BTreeSet;
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use surehold_domain::id::{EffectId, MarketId, OrderKey};
use surehold_domain::mileage::{Event, Fact, Mileage};
use surehold_domain::saga::{Outcome, Saga, Turn};
use surehold_storage::Record;

use crate::follow::{Follower, Pace, Reached};
use crate::glance;
use crate::post::Post;
use crate::shelf::ShelfError;
use crate::stream::{self, Kind, order_key};

/// A message to the mileage.
pub enum MileageMsg {
    /// Read on.
    Follow,
    /// An order waits for its points.
    Credit {
        /// Who asks.
        effect: EffectId,
        /// How many.
        points: u64,
    },
    /// A fault on demand.
    Crash,
}

/// What the mileage actor is started with.
#[derive(Clone)]
pub struct MileageArgs {
    /// What all actors share.
    pub post: Arc<Post>,
    /// The markets that give points.
    pub markets: BTreeSet<MarketId>,
    /// Its bounds.
    pub pace: Pace,
    /// How far it has come.
    pub reached: Reached,
}

/// The actor; all it has is in its state.
pub struct MileageActor;

/// The actor's state.
pub struct MileageState {
    args: MileageArgs,
    follower: Option<Follower>,
}

impl Actor for MileageActor {
    type Msg = MileageMsg;
    type State = MileageState;
    type Arguments = MileageArgs;

    async fn pre_start(
        &self,
        _myself: ActorRef<MileageMsg>,
        args: MileageArgs,
    ) -> Result<MileageState, ActorProcessingErr> {
        Ok(MileageState { args, follower: None })
    }

    async fn post_start(
        &self,
        myself: ActorRef<MileageMsg>,
        state: &mut MileageState,
    ) -> Result<(), ActorProcessingErr> {
        // Where nobody earns points there is nothing to follow.
        if !state.args.markets.is_empty() {
            let MileageArgs { post, pace, reached, .. } = state.args.clone();
            state.follower = Some(Follower::open(post, "mileage", pace, reached)?);
            myself.send_message(MileageMsg::Follow)?;
        }
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<MileageMsg>,
        message: MileageMsg,
        state: &mut MileageState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            MileageMsg::Follow => state.follow(myself)?,
            MileageMsg::Credit { effect, points } => state.asked(effect, points)?,
            MileageMsg::Crash => crash(),
        }
        Ok(())
    }
}

fn crash() {
    panic!("the mileage was told to crash");
}

impl MileageState {
    fn follow(&mut self, myself: ActorRef<MileageMsg>) -> Result<(), ShelfError> {
        let Some(mut follower) = self.follower.take() else { return Ok(()) };
        let more = follower.gulp(|record| self.learn(record))?;
        follower.again(more, myself, MileageMsg::Follow);
        self.follower = Some(follower);
        Ok(())
    }

    /// What one committed record means for points; the record that was written about it, if any.
    fn learn(&self, record: &Record) -> Result<Option<u64>, ShelfError> {
        let market = MarketId(record.stream.group);
        if Kind::of(record.stream) != Some(Kind::Order) || !self.args.markets.contains(&market) {
            return Ok(None);
        }
        let fact = glance::order(&record.bytes)
            .map_err(|source| ShelfError::Codec { stream: record.stream, source })?;
        let order = order_key(record.stream);
        match fact.turn() {
            Some(Turn::Booked) => {
                let Some(saga) = self.order(order)? else { return Ok(None) };
                let Some(terms) = saga.order().terms.mileage else { return Ok(None) };
                // An order that brings something earns nothing.
                if saga.brings().is_some() {
                    return Ok(None);
                }
                self.credit(&saga, terms.points(saga.order().price))
            }
            Some(Turn::Undone(_)) => self.take_back(order),
            Some(
                Turn::Awaited
                | Turn::Confirmed
                | Turn::Fulfilled
                | Turn::Refunded(_)
                | Turn::Released,
            )
            | None => Ok(None),
        }
    }

    fn order(&self, order: OrderKey) -> Result<Option<Saga>, ShelfError> {
        let loaded = self.args.post.shelf.load::<Saga>(stream::order(order))?;
        Ok(loaded.map(|loaded| loaded.machine))
    }

    fn credit(&self, saga: &Saga, points: u64) -> Result<Option<u64>, ShelfError> {
        let stream = stream::mileage(saga.key());
        let shelf = &self.args.post.shelf;
        if shelf.load::<Mileage>(stream)?.is_some() {
            return Ok(None);
        }
        let order = saga.order();
        let event = Event::Credited {
            order: saga.key(),
            customer: order.customer.clone(),
            offering: order.offering,
            payment: saga.payment(),
            points,
        };
        let fact = Fact { at: self.args.post.clock.now(), event };
        shelf.append::<Mileage>(stream, 1, &fact).map(Some)
    }

    fn take_back(&self, order: OrderKey) -> Result<Option<u64>, ShelfError> {
        let stream = stream::mileage(order);
        let shelf = &self.args.post.shelf;
        let Some(loaded) = shelf.load::<Mileage>(stream)? else { return Ok(None) };
        let Some(event) = loaded.machine.take_back() else { return Ok(None) };
        let fact = Fact { at: self.args.post.clock.now(), event };
        shelf.append::<Mileage>(stream, loaded.machine.number + 1, &fact).map(Some)
    }

    /// An order waits for its points. One that wants them no longer gets none: whatever undoes it
    /// later than this comes by in the feed.
    fn asked(&mut self, effect: EffectId, points: u64) -> Result<(), ShelfError> {
        let Some(saga) = self.order(effect.order)? else { return Ok(()) };
        if saga.effect_id() != Some(effect) {
            return Ok(());
        }
        if let Some(sequence) = self.credit(&saga, points)?
            && let Some(follower) = &mut self.follower
        {
            follower.wrote(sequence);
        }
        self.args.post.answer(effect, Outcome::Credited);
        Ok(())
    }
}

//! The messages actor: follows the committed feed and writes a message whenever something happened to
//! an order that its market has words for.
//!
//! Messages are written in the order of the journal, and each names the record it tells of. So the
//! last message of a market says what was told already, and nothing is told twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use surehold_domain::id::{MarketId, MessageId, OrderKey};
use surehold_domain::inventory::Inventory;
use surehold_domain::message::{Message, Occasion};
use surehold_domain::mileage::{self, Mileage};
use surehold_domain::plan::{Messages, Words};
use surehold_domain::saga::{Reason, Saga, Turn};
use surehold_storage::Record;

use crate::follow::{Follower, Pace, Reached};
use crate::glance;
use crate::machine::Machine;
use crate::post::Post;
use crate::shelf::ShelfError;
use crate::stream::{self, Kind, OfferingKey, order_key};

/// A message to the messages.
pub enum MessagesMsg {
    /// Read on.
    Follow,
    /// A fault on demand.
    Crash,
}

/// What one market says.
#[derive(Clone, Debug)]
pub struct Mailing {
    /// The market's title.
    pub market: String,
    /// Its words.
    pub messages: Messages,
}

/// What the messages actor is started with.
#[derive(Clone)]
pub struct MessagesArgs {
    /// What all actors share.
    pub post: Arc<Post>,
    /// The markets that have something to say.
    pub markets: BTreeMap<MarketId, Mailing>,
    /// Its bounds.
    pub pace: Pace,
    /// How far it has come.
    pub reached: Reached,
}

/// The actor; all it has is in its state.
pub struct MessagesActor;

/// The actor's state.
pub struct MessagesState {
    args: MessagesArgs,
    follower: Option<Follower>,
    /// Per market the record last told of, and what was said about it.
    told: BTreeMap<MarketId, (u64, Vec<Occasion>)>,
}

impl Actor for MessagesActor {
    type Msg = MessagesMsg;
    type State = MessagesState;
    type Arguments = MessagesArgs;

    async fn pre_start(
        &self,
        _myself: ActorRef<MessagesMsg>,
        args: MessagesArgs,
    ) -> Result<MessagesState, ActorProcessingErr> {
        Ok(MessagesState { args, follower: None, told: BTreeMap::new() })
    }

    async fn post_start(
        &self,
        myself: ActorRef<MessagesMsg>,
        state: &mut MessagesState,
    ) -> Result<(), ActorProcessingErr> {
        // Where nobody has anything to say there is nothing to follow.
        if !state.args.markets.is_empty() {
            let MessagesArgs { post, pace, reached, .. } = state.args.clone();
            state.recall()?;
            state.follower = Some(Follower::open(post, "messages", pace, reached)?);
            myself.send_message(MessagesMsg::Follow)?;
        }
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<MessagesMsg>,
        message: MessagesMsg,
        state: &mut MessagesState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            MessagesMsg::Follow => state.follow(myself)?,
            MessagesMsg::Crash => crash(),
        }
        Ok(())
    }
}

fn crash() {
    panic!("the messages were told to crash");
}

impl MessagesState {
    /// Finds out what was told before this life began.
    fn recall(&mut self) -> Result<(), ShelfError> {
        let shelf = &self.args.post.shelf;
        for market in self.args.markets.keys() {
            let mut told: Option<(u64, Vec<Occasion>)> = None;
            for id in (1..=shelf.numbers().last(Kind::Message, *market)).rev() {
                let loaded = shelf.load::<Message>(stream::message(*market, MessageId(id)))?;
                // A number that was given just before a crash has no message.
                let Some(message) = loaded.map(|loaded| loaded.machine) else { continue };
                let (source, occasions) = told.get_or_insert((message.source, Vec::new()));
                if *source != message.source {
                    break;
                }
                occasions.push(message.occasion);
            }
            if let Some(told) = told {
                self.told.insert(*market, told);
            }
        }
        Ok(())
    }

    fn follow(&mut self, myself: ActorRef<MessagesMsg>) -> Result<(), ShelfError> {
        let Some(mut follower) = self.follower.take() else { return Ok(()) };
        let more = follower.gulp(|record| self.learn(record))?;
        follower.again(more, myself, MessagesMsg::Follow);
        self.follower = Some(follower);
        Ok(())
    }

    /// Says what is to be said about one committed record; the last message's record, if any.
    fn learn(&mut self, record: &Record) -> Result<Option<u64>, ShelfError> {
        let market = MarketId(record.stream.group);
        if !self.args.markets.contains_key(&market) {
            return Ok(None);
        }
        let order = order_key(record.stream);
        let kind = Kind::of(record.stream);
        let occasions = if kind == Some(Kind::Order) {
            self.of_order(record, order)?
        } else if kind == Some(Kind::Mileage) {
            self.of_points(record, order)?
        } else {
            Vec::new()
        };
        let mut wrote = None;
        for occasion in occasions {
            if !self.was_told(market, record.sequence, occasion)
                && let Some(sequence) = self.tell(order, record.sequence, occasion)?
            {
                wrote = Some(sequence);
            }
        }
        Ok(wrote)
    }

    fn was_told(&self, market: MarketId, source: u64, occasion: Occasion) -> bool {
        self.told.get(&market).is_some_and(|(last, occasions)| {
            source < *last || (source == *last && occasions.contains(&occasion))
        })
    }

    fn of_order(&self, record: &Record, order: OrderKey) -> Result<Vec<Occasion>, ShelfError> {
        let stream = record.stream;
        let fact =
            glance::order(&record.bytes).map_err(|source| ShelfError::Codec { stream, source })?;
        let Some(turn) = fact.turn() else { return Ok(Vec::new()) };
        Ok(match turn {
            Turn::Booked => {
                // Points that come with the payment are told with it: before it there is no booking.
                let sync = self.order(order)?.is_some_and(|saga| gives_at_once(&saga));
                if sync { vec![Occasion::Paid, Occasion::Earned] } else { vec![Occasion::Paid] }
            }
            Turn::Awaited => vec![Occasion::Waiting],
            Turn::Confirmed => vec![Occasion::Confirmed],
            Turn::Fulfilled => vec![Occasion::Fulfilled],
            Turn::Undone(undo) if matches!(undo.reason, Reason::Rejected(_)) => {
                vec![Occasion::Rejected]
            }
            Turn::Released if self.was_booked(order)? => vec![Occasion::Cancelled],
            Turn::Undone(_) | Turn::Refunded(_) | Turn::Released => Vec::new(),
        })
    }

    fn of_points(&self, record: &Record, order: OrderKey) -> Result<Vec<Occasion>, ShelfError> {
        let stream = record.stream;
        let fact = Mileage::fact_from_bytes(&record.bytes)
            .map_err(|source| ShelfError::Codec { stream, source })?;
        Ok(match fact.event {
            mileage::Event::Credited { .. } => {
                let sync = self.order(order)?.is_some_and(|saga| gives_at_once(&saga));
                if sync { Vec::new() } else { vec![Occasion::Earned] }
            }
            mileage::Event::TakenBack if self.was_booked(order)? => vec![Occasion::TakenBack],
            mileage::Event::TakenBack => Vec::new(),
        })
    }

    fn order(&self, order: OrderKey) -> Result<Option<Saga>, ShelfError> {
        let loaded = self.args.post.shelf.load::<Saga>(stream::order(order))?;
        Ok(loaded.map(|loaded| loaded.machine))
    }

    /// Whether the order ever was a booking; nobody is told of one that never was.
    fn was_booked(&self, order: OrderKey) -> Result<bool, ShelfError> {
        Ok(self.order(order)?.is_some_and(|saga| saga.confirmation().is_some()))
    }

    fn tell(
        &mut self,
        key: OrderKey,
        source: u64,
        occasion: Occasion,
    ) -> Result<Option<u64>, ShelfError> {
        let post = Arc::clone(&self.args.post);
        let Some(mailing) = self.args.markets.get(&key.market) else { return Ok(None) };
        let Some(saga) = self.order(key)? else { return Ok(None) };
        let order = saga.order();
        let sold = OfferingKey { market: key.market, offering: order.offering };
        let sold = post.shelf.load_head::<Inventory>(sold.stream())?;
        let points = match post.shelf.load::<Mileage>(stream::mileage(key))? {
            Some(loaded) => loaded.machine.credited,
            None => order.terms.mileage.map_or(0, |terms| terms.points(order.price)),
        };
        let words = Words {
            order: key.order.0,
            offering: order.offering.0,
            name: sold.as_ref().map_or("", |sold| sold.machine.offering().name.as_str()),
            customer: &order.customer,
            market: &mailing.market,
            points,
        };
        let Some(text) = mailing.messages.text(occasion, &words) else { return Ok(None) };
        let id = MessageId(post.shelf.numbers().next(Kind::Message, key.market));
        let (offering, customer) = (order.offering, order.customer.clone());
        let at = post.clock.now();
        let message =
            Message { id, source, occasion, order: key.order, offering, customer, text, at };
        let stream = stream::message(key.market, id);
        let sequence = post.shelf.append::<Message>(stream, 1, &message)?;
        let told = self.told.entry(key.market).or_default();
        if told.0 != source {
            *told = (source, Vec::new());
        }
        told.1.push(occasion);
        Ok(Some(sequence))
    }
}

/// Whether the order waits for its points.
fn gives_at_once(saga: &Saga) -> bool {
    saga.order().terms.mileage.is_some_and(|terms| terms.sync) && saga.brings().is_none()
}

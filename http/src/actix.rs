//! The engine as an actix actor, for programs that already run an actix system (feature `actix`).
//!
//! ```text
//!  Addr<Bookings> --PlaceOrder, Pay, Cancel, GetOrder, ...--> Bookings --a future each--> Engine
//!                 --Subscribe { after, to }-----------------> a task --BookingEvent--> Recipient
//! ```
//!
//! [`Bookings`] holds an [`Engine`] and nothing else of a booking: every message is a call of the engine, its result is the
//! engine's answer or its [`Refusal`]. The actor never waits: each message becomes a future of its own on the actor's
//! arbiter, so a slow order holds up neither the next message nor another actor. How many are under way at once is the
//! engine's to say; the one too many is refused.
//!
//! ```
//! use actix::{Actor, System};
//! use surehold::domain::{id::OfferingId, plan::Plan, quantity::Quantity};
//! use surehold::{Booking, Data, Engine, NewOrder, Options, Placed};
//! use surehold_http::actix::{Bookings, Close, PlaceOrder};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # System::new().block_on(async {
//! let plan = Plan::parse("demo.toml", "name = 'demo'\ncurrency = 'EUR'\n[[offerings]]\nid = 1\n\
//!     name = 'A seat'\nprice = { amount = 1250 }\ninventory = { model = 'seats', capacity = 3 }")?;
//! let engine = Engine::open(Options::new(Data::Memory, vec![plan])).await?;
//! let market = engine.market("demo")?;
//! let bookings = Bookings::new(engine).start();
//! let order = NewOrder {
//!     customer: "ann".into(), offering: OfferingId(1), quantity: Quantity::ONE,
//!     booking: Booking::Units,
//!     card: Some("tok_1".into()), attributes: Default::default(),
//! };
//! let placement = bookings.send(PlaceOrder { market, order, key: None }).await??;
//! assert_eq!(placement.placed, Placed::Booked);
//! bookings.send(Close).await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?; Ok(()) }
//! ```
//!
//! The engine's own actors live on the tokio runtime it is opened in. An actix system has one thread for that unless it is
//! told otherwise: open it under `System::with_tokio_rt` with a multi-threaded runtime, as `examples/actix.rs` does, and
//! the engine uses every core.

mod feed;
mod orders;
mod reads;

use std::future::Future;

use actix::fut::wrap_future;
use actix::{
    Actor, ActorContext, ActorFutureExt, Context, Handler, Message, MessageResult,
    ResponseActFuture, ResponseFuture, Supervised,
};
use surehold::{Engine, Market, Refusal};
use tokio::task::JoinSet;

pub use feed::{BookingEvent, CountSubscriptions, Subscribe};
pub use orders::{Annotate, Cancel, Complete, Confirm, NoShow, Pay, PlaceOrder, Quote, Reject};
pub use reads::{
    AddOffering, ChangeOffering, CloseOffering, FindOrder, GetAvailability, GetConfirmation,
    GetEvents, GetHistory, GetOffering, GetOrder, GetPayment, ListOfferings, ListOrders,
    ListWaiting,
};

/// The actor around an engine. Its address takes every message of this module.
///
/// It lives as long as somebody has its address or a subscription runs. The engine is the program's: it stays open when
/// the actor stops, unless the actor is told to [`Close`] it.
pub struct Bookings {
    engine: Engine,
    subscriptions: JoinSet<()>,
}

impl Bookings {
    /// An actor around this engine. Clones of an engine share one, so several actors may be around it, on several arbiters.
    #[must_use]
    pub fn new(engine: Engine) -> Bookings {
        Bookings { engine, subscriptions: JoinSet::new() }
    }
}

impl Actor for Bookings {
    type Context = Context<Self>;
}

impl Supervised for Bookings {}

/// A message that is answered by asking the engine. A program may have its own: [`Bookings`] takes whatever has this.
pub trait Ask: Message + 'static {
    /// Asks the engine, and waits for the answer.
    fn ask(self, engine: Engine) -> impl Future<Output = Self::Result> + 'static;
}

impl<A: Ask> Handler<A> for Bookings {
    type Result = ResponseFuture<A::Result>;

    fn handle(&mut self, message: A, _: &mut Context<Self>) -> Self::Result {
        Box::pin(message.ask(self.engine.clone()))
    }
}

/// What a message is, what the answer is called, and how the engine is asked.
macro_rules! asks {
    ($name:ident => $answer:ty, |$message:ident, $engine:ident| $ask:expr) => {
        impl actix::Message for $name {
            type Result = Result<$answer, surehold::Refusal>;
        }

        impl $crate::actix::Ask for $name {
            async fn ask(self, $engine: surehold::Engine) -> Self::Result {
                let $message = self;
                $ask
            }
        }
    };
}
use asks;

/// The market with this name: the first thing that whoever has only the address asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindMarket(
    /// Its name.
    pub String,
);

impl Message for FindMarket {
    type Result = Result<Market, Refusal>;
}

impl Handler<FindMarket> for Bookings {
    type Result = MessageResult<FindMarket>;

    fn handle(&mut self, message: FindMarket, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.engine.market(&message.0))
    }
}

/// Stops taking work, finishes what was taken, closes the engine, ends the subscriptions, and stops the actor. It is
/// answered when all is on disk. What subscribers were not given yet is committed: they go on after their last sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close;

impl Message for Close {
    type Result = ();
}

impl Handler<Close> for Bookings {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, _: Close, _: &mut Context<Self>) -> Self::Result {
        let engine = self.engine.clone();
        let closing = wrap_future::<_, Self>(async move { engine.close().await });
        Box::pin(closing.map(|(), _, context| context.stop()))
    }
}

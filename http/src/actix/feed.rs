//! What was committed, given to a recipient: from a sequence on, in order, nothing missed.
//!
//! A subscription is a task on the actor's arbiter. It gives one event at a time and waits until the recipient has handled
//! it, so a slow subscriber costs one page of events, however far it is behind: what it has not taken lies in the journal.

use std::time::Duration;

use actix::{Addr, AsyncContext, Context, Handler, Message, MessageResult, Recipient};
use surehold::event::{Committed, CommittedFact};
use surehold::limits::PAGE_MAX;
use surehold::{Engine, Market, Refusal};
use tokio::time::sleep;

use super::Bookings;

/// How often a subscription with nothing to tell looks whether its recipient is still there.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Pause before the feed is asked again after it could not be read: the tree restarts in less, a full disk takes longer.
const PAUSE: Duration = Duration::from_millis(200);

/// A committed fact of a market, given to a subscriber. It is on disk.
///
/// The next one comes when this one is handled. A handler that has to wait returns a future; the event then counts as
/// handled when the future is done.
#[derive(Clone, Debug, PartialEq)]
pub struct BookingEvent {
    /// Of which market.
    pub market: Market,
    /// Its place in the total order of the node: a subscriber that keeps it goes on after it.
    pub sequence: u64,
    /// What it tells.
    pub fact: CommittedFact,
}

impl Message for BookingEvent {
    type Result = ();
}

/// Gives every committed fact of a market after a sequence to a recipient: in order, none left out, one at a time.
///
/// It goes on while the engine restarts after a fault, and ends when the recipient is gone, the engine is closed, or the
/// [`Bookings`] actor is stopped. The answer comes at once: [`Refusal::Unavailable`] if the engine is closed already.
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// Of which market.
    pub market: Market,
    /// After which sequence: 0 for everything there ever was.
    pub after: u64,
    /// Who gets it.
    pub to: Recipient<BookingEvent>,
}

impl Message for Subscribe {
    type Result = Result<(), Refusal>;
}

impl Handler<Subscribe> for Bookings {
    type Result = Result<(), Refusal>;

    fn handle(&mut self, message: Subscribe, context: &mut Context<Self>) -> Self::Result {
        if self.engine.is_closed() {
            return Err(Refusal::unavailable("the engine is closed"));
        }
        self.reap();
        let feed = Feed { engine: self.engine.clone(), message, _keeps: context.address() };
        self.subscriptions.spawn_local(feed.run());
        Ok(())
    }
}

/// How many subscriptions run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountSubscriptions;

impl Message for CountSubscriptions {
    type Result = usize;
}

impl Handler<CountSubscriptions> for Bookings {
    type Result = MessageResult<CountSubscriptions>;

    fn handle(&mut self, _: CountSubscriptions, _: &mut Context<Self>) -> Self::Result {
        self.reap();
        MessageResult(self.subscriptions.len())
    }
}

impl Bookings {
    /// Forgets subscriptions that have ended.
    fn reap(&mut self) {
        while self.subscriptions.try_join_next().is_some() {}
    }
}

/// A subscription that runs.
struct Feed {
    engine: Engine,
    message: Subscribe,
    /// An actor that nobody has the address of stops, and its subscriptions with it: each of them has it.
    _keeps: Addr<Bookings>,
}

impl Feed {
    async fn run(self) {
        let Subscribe { market, mut after, ref to } = self.message;
        while to.connected() {
            match self.engine.events_within(market, after, PAGE_MAX, LOOK_EVERY).await {
                Ok(events) => {
                    for Committed { sequence, fact } in events.events {
                        if to.send(BookingEvent { market, sequence, fact }).await.is_err() {
                            return;
                        }
                    }
                    after = events.cursor;
                }
                Err(_) if self.engine.is_closed() => return,
                Err(refusal) => {
                    tracing::debug!(%refusal, after, "the feed is read again shortly");
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

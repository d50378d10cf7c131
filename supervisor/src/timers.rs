//! The timers: wakes orders whose deadline has come, and watches that none is overdue.

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr};
use surehold_actors::agenda::Mark;
use surehold_actors::order::OrderMsg;
use surehold_actors::post::Post;
use surehold_domain::breaker::State;
use surehold_domain::id::OrderKey;
use surehold_domain::time::{Span, Timestamp};

use crate::brood::Brood;
use crate::limits::{DUE_MAX, OVERDUE_GRACE, RESUMED_MAX};
use crate::participant::{NEEDED, Worker};
use crate::policy::Policy;
use crate::workers::Orders;

/// An order whose deadline passed and that did not move is woken again after this.
const AGAIN: Span = Span::seconds(5);
/// An order that was not answered asks again after this.
const PATIENCE: Span = Span::seconds(10);
/// Longest sleep; waking for nothing once in a while costs nothing.
const SLEEP_MAX: Duration = Duration::from_secs(2);

/// A message to the timers.
#[derive(Debug)]
pub enum TimersMsg {
    /// Look at the agenda.
    Tick,
    /// A fault on demand.
    Crash,
}

/// The actor.
pub struct TimersActor;

/// What it knows.
pub struct TimersState {
    post: Arc<Post>,
    orders: Arc<Brood<Orders>>,
    round_at: Timestamp,
    resuming: Resuming,
}

impl Actor for TimersActor {
    type Msg = TimersMsg;
    type State = TimersState;
    type Arguments = Timers;

    async fn pre_start(
        &self,
        _myself: ActorRef<TimersMsg>,
        Timers { post, orders }: Timers,
    ) -> Result<TimersState, ActorProcessingErr> {
        let round_at = post.clock.now();
        Ok(TimersState { post, orders, round_at, resuming: Resuming::No })
    }

    async fn post_start(
        &self,
        myself: ActorRef<TimersMsg>,
        _state: &mut TimersState,
    ) -> Result<(), ActorProcessingErr> {
        myself.send_message(TimersMsg::Tick)?;
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<TimersMsg>,
        message: TimersMsg,
        state: &mut TimersState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            TimersMsg::Tick => {
                let pause = tick(&state.post);
                let now = state.post.clock.now();
                if now.since(state.round_at) >= ROUND {
                    state.round_at = now;
                    state.round(now);
                    state.resume(now);
                }
                let post = Arc::clone(&state.post);
                tokio::spawn(async move {
                    // Whichever comes first: the next deadline, or an order with an earlier one.
                    let _ = tokio::time::timeout(pause, post.agenda.earlier()).await;
                    let _ = myself.send_message(TimersMsg::Tick);
                });
                Ok(())
            }
            TimersMsg::Crash => Err("the timers were told to crash".into()),
        }
    }
}

/// How far the orders are told that the payments can be reached again.
#[derive(Clone, Copy)]
enum Resuming {
    /// Nobody is to be told.
    No,
    /// Those after this one are.
    After(Option<OrderKey>),
}

impl TimersState {
    /// Goes through all unfinished orders: who was not answered asks again, who needs a person is
    /// counted.
    fn round(&self, now: Timestamp) {
        let post = &self.post;
        // What was asked may have been lost with whoever crashed; asking again is harmless.
        for order in post.agenda.unanswered(now, PATIENCE, DUE_MAX) {
            post.directory.order(order, OrderMsg::Reissue);
        }
        post.watchers.sweep();
        // Looked at, so that what time alone does shows in the metrics.
        post.breaker.state(now);
        let grace = Span(u64::try_from(OVERDUE_GRACE.as_millis()).unwrap_or(u64::MAX));
        #[expect(clippy::cast_precision_loss, reason = "a gauge takes no integers")]
        let set = |name, count: usize| metrics::gauge!(name).set(count as f64);
        set("surehold_orders_open", post.agenda.len());
        set("surehold_orders_overdue", post.agenda.overdue(now, grace));
        set("surehold_orders_stuck", post.agenda.marked(Mark::Stuck));
        set("surehold_orders_quarantined", self.orders.count_quarantined());
    }

    /// Once the gateway answers again, tells those who wait for it, a few at a time. Those are its
    /// trials as well: without them it would be tried only when somebody new comes.
    fn resume(&mut self, now: Timestamp) {
        let post = &self.post;
        if post.breaker.came_back() {
            self.resuming = Resuming::After(None);
        }
        let (after, most) = match (post.breaker.state(now), self.resuming) {
            (State::Closed, Resuming::After(after)) => (after, RESUMED_MAX),
            (State::HalfOpen { left, .. }, _) => (None, usize::try_from(left).unwrap_or(0)),
            (State::Closed, Resuming::No) | (State::Open { .. }, _) => return,
        };
        let waiting = post.agenda.list_marked(Mark::Unreached, after, most);
        for order in &waiting {
            post.directory.order(*order, OrderMsg::PaymentsBack);
        }
        self.resuming = match waiting.last() {
            Some(last) => Resuming::After(Some(*last)),
            None => Resuming::No,
        };
    }
}

/// Wakes what is due; returns how long to sleep.
fn tick(post: &Post) -> Duration {
    let now = post.clock.now();
    let (due, next) = post.agenda.due(now, now.plus(AGAIN), DUE_MAX);
    for order in &due {
        post.directory.order(*order, OrderMsg::Wake);
    }
    match next {
        Some(next) => Duration::from_millis(next.since(now).0).clamp(MIN_SLEEP, SLEEP_MAX),
        None => SLEEP_MAX,
    }
}

/// Shortest sleep, so that many deadlines in a row are looked at together.
const MIN_SLEEP: Duration = Duration::from_millis(20);
/// The whole agenda is gone through this often, not at every tick.
const ROUND: Span = Span::seconds(2);

/// The timers as a participant.
#[derive(Clone)]
pub struct Timers {
    pub(crate) post: Arc<Post>,
    pub(crate) orders: Arc<Brood<Orders>>,
}

impl Worker for Timers {
    type Msg = TimersMsg;
    const NAME: &'static str = "timers";
    const POLICY: Policy = NEEDED;

    async fn spawn(&self, supervisor: ActorCell) -> Result<ActorRef<TimersMsg>, SpawnErr> {
        Ok(Actor::spawn_linked(None, TimersActor, self.clone(), supervisor).await?.0)
    }
    fn crash() -> TimersMsg {
        TimersMsg::Crash
    }
    fn came_up(&self, _actor: ActorRef<TimersMsg>) {}
    fn went_down(&self) {}
    fn stopped(&self) {}
}

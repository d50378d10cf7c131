//! The timers: wakes orders whose deadline has come, and watches that none is overdue.

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr};
use surehold_actors::order::OrderMsg;
use surehold_actors::post::Post;
use surehold_domain::time::{Span, Timestamp};

use crate::limits::{DUE_MAX, OVERDUE_GRACE};
use crate::participant::{NEEDED, Worker};
use crate::policy::Policy;

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
    round_at: Timestamp,
}

impl Actor for TimersActor {
    type Msg = TimersMsg;
    type State = TimersState;
    type Arguments = Arc<Post>;

    async fn pre_start(
        &self,
        _myself: ActorRef<TimersMsg>,
        post: Arc<Post>,
    ) -> Result<TimersState, ActorProcessingErr> {
        let round_at = post.clock.now();
        Ok(TimersState { post, round_at })
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
                    round(&state.post, now);
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

/// Goes through all unfinished orders: who was not answered asks again, who is overdue is counted.
fn round(post: &Post, now: Timestamp) {
    // What was asked may have been lost with whoever crashed; asking again is harmless.
    for order in post.agenda.unanswered(now, PATIENCE, DUE_MAX) {
        post.directory.order(order, OrderMsg::Reissue);
    }
    post.watchers.sweep();
    let grace = Span(u64::try_from(OVERDUE_GRACE.as_millis()).unwrap_or(u64::MAX));
    #[expect(clippy::cast_precision_loss, reason = "a gauge takes no integers")]
    {
        metrics::gauge!("surehold_orders_open").set(post.agenda.len() as f64);
        metrics::gauge!("surehold_orders_overdue").set(post.agenda.overdue(now, grace) as f64);
    }
}

/// Shortest sleep, so that many deadlines in a row are looked at together.
const MIN_SLEEP: Duration = Duration::from_millis(20);
/// The whole agenda is gone through this often, not at every tick.
const ROUND: Span = Span::seconds(2);

/// The timers as a participant.
pub struct Timers(pub(crate) Arc<Post>);

impl Worker for Timers {
    type Msg = TimersMsg;
    const NAME: &'static str = "timers";
    const POLICY: Policy = NEEDED;

    async fn spawn(&self, supervisor: ActorCell) -> Result<ActorRef<TimersMsg>, SpawnErr> {
        Ok(Actor::spawn_linked(None, TimersActor, Arc::clone(&self.0), supervisor).await?.0)
    }
    fn crash() -> TimersMsg {
        TimersMsg::Crash
    }
    fn came_up(&self, _actor: ActorRef<TimersMsg>) {}
    fn went_down(&self) {}
    fn stopped(&self) {}
}

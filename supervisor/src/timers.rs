//! The timers: wakes orders whose deadline has come, and watches that none is overdue.

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr};
use surehold_actors::order::OrderMsg;
use surehold_actors::post::Post;
use surehold_domain::time::Span;

use crate::limits::{DUE_MAX, OVERDUE_GRACE};
use crate::participant::Worker;

/// An order whose deadline passed and that did not move is woken again after this.
const AGAIN: Span = Span::seconds(5);
/// An order that was not answered asks again after this.
const PATIENCE: Span = Span::seconds(10);
/// Longest sleep; waking for nothing once in a while costs nothing.
const SLEEP_MAX: Duration = Duration::from_secs(5);

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

impl Actor for TimersActor {
    type Msg = TimersMsg;
    type State = Arc<Post>;
    type Arguments = Arc<Post>;

    async fn pre_start(
        &self,
        _myself: ActorRef<TimersMsg>,
        post: Arc<Post>,
    ) -> Result<Arc<Post>, ActorProcessingErr> {
        Ok(post)
    }

    async fn post_start(
        &self,
        myself: ActorRef<TimersMsg>,
        _post: &mut Arc<Post>,
    ) -> Result<(), ActorProcessingErr> {
        myself.send_message(TimersMsg::Tick)?;
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<TimersMsg>,
        message: TimersMsg,
        post: &mut Arc<Post>,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            TimersMsg::Tick => {
                let pause = tick(post);
                let post = Arc::clone(post);
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
    let grace = Span(u64::try_from(OVERDUE_GRACE.as_millis()).unwrap_or(u64::MAX));
    #[expect(clippy::cast_precision_loss, reason = "a gauge takes no integers")]
    {
        metrics::gauge!("surehold_orders_open").set(post.agenda.len() as f64);
        if !due.is_empty() {
            let overdue = post.agenda.overdue(now, grace);
            metrics::gauge!("surehold_orders_overdue").set(overdue as f64);
        }
    }
    // What was asked may have been lost with whoever crashed; asking again is harmless.
    for order in post.agenda.unanswered(now, PATIENCE, DUE_MAX) {
        post.directory.order(order, OrderMsg::Reissue);
    }
    post.watchers.sweep();
    match next {
        Some(next) => Duration::from_millis(next.since(now).0).clamp(MIN_SLEEP, SLEEP_MAX),
        None => SLEEP_MAX,
    }
}

/// Shortest sleep, so that many deadlines in a row are looked at together.
const MIN_SLEEP: Duration = Duration::from_millis(2);

/// The timers as a participant.
pub struct Timers(pub(crate) Arc<Post>);

impl Worker for Timers {
    type Msg = TimersMsg;
    const NAME: &'static str = "timers";

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

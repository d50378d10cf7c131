//! The whole tree, on one screen: who is started in which order, and what each of them is.
//!
//! ```text
//! root            rest_for_one: a child that gives up takes those after it along, and all of them
//! |               are started again; 3 in 60 s, then the process gives up
//! |- journal      dies with the disk; then the root opens the data anew
//! |- snapshots    makes checkpoints
//! |- inventory    one child per offering, on demand; per child 3 in 30 s, then quarantine
//! |- payments     bounded gateway calls
//! |- confirmations automatic confirmation, the operator's word
//! |- mileage      points; a follower of the committed feed, and asked where an order waits for them
//! |- messages     a follower of the committed feed
//! |- reviews      writes reviews
//! |- views        a follower of the committed feed
//! |- orders       one child per order, on demand; per child 3 in 30 s, then quarantine
//! |- timers       wakes orders whose deadline has come
//! `- edge         admits last, stops admitting first
//! ```
//!
//! Stopping goes the other way round.

use std::pin::Pin;
use std::sync::Arc;

use ractor::{Actor, ActorCell, SpawnErr};

use crate::brood::supervisor::{BroodArgs, BroodSupervisor};
use crate::brood::{Brood, Child};
use crate::core::Core;
use crate::gate::{EdgeActor, Gate};
use crate::keeper::{JournalActor, SnapshotsWorker};
use crate::participant::{Health, Participant, ParticipantArgs, Worker};
use crate::support::{MessagesWorker, MileageWorker, ReviewsWorker};
use crate::timers::Timers;
use crate::views::ViewsWorker;
use crate::workers::{Confirmations, Payments, wake_owed};

/// A future that starts a child.
pub(crate) type Starting = Pin<Box<dyn Future<Output = Result<ActorCell, SpawnErr>> + Send>>;

/// What a child is started with.
#[derive(Clone)]
pub(crate) struct Soil {
    pub(crate) core: Arc<Core>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) root: ActorCell,
}

/// A child of the root.
pub(crate) struct Spec {
    /// Its name in the tree.
    pub(crate) name: &'static str,
    /// Starts it.
    pub(crate) start: fn(Soil) -> Starting,
}

/// The children of the root, in the order in which they are started.
pub(crate) const TREE: [Spec; 12] = [
    Spec { name: "journal", start: |soil| Box::pin(journal(soil)) },
    Spec { name: "snapshots", start: |soil| Box::pin(snapshots(soil)) },
    Spec { name: "inventory", start: |soil| Box::pin(brood(soil.core.offerings.clone(), soil)) },
    Spec { name: "payments", start: |soil| Box::pin(payments(soil)) },
    Spec { name: "confirmations", start: |soil| Box::pin(confirmations(soil)) },
    Spec { name: "mileage", start: |soil| Box::pin(mileage(soil)) },
    Spec { name: "messages", start: |soil| Box::pin(messages(soil)) },
    Spec { name: "reviews", start: |soil| Box::pin(reviews(soil)) },
    Spec { name: "views", start: |soil| Box::pin(views(soil)) },
    Spec { name: "orders", start: |soil| Box::pin(orders(soil)) },
    Spec { name: "timers", start: |soil| Box::pin(timers(soil)) },
    Spec { name: "edge", start: |soil| Box::pin(edge(soil)) },
];

async fn journal(soil: Soil) -> Result<ActorCell, SpawnErr> {
    let post = &soil.core.post;
    let kept = (Arc::clone(post.shelf.journal()), Arc::clone(&post.watchers));
    let (actor, _) = Actor::spawn_linked(None, JournalActor, kept, soil.root).await?;
    Ok(actor.get_cell())
}

async fn snapshots(soil: Soil) -> Result<ActorCell, SpawnErr> {
    let worker = SnapshotsWorker {
        shelf: Arc::clone(&soil.core.post.shelf),
        checkpoints: Arc::clone(&soil.core.checkpoints),
        keeping: Arc::clone(&soil.core.keeping),
        blocks: soil.core.blocks,
    };
    let health = soil.core.healths.snapshots.clone();
    participant(worker, health, soil).await
}

async fn brood<C: Child>(brood: Arc<Brood<C>>, soil: Soil) -> Result<ActorCell, SpawnErr> {
    let args = BroodArgs { brood, clock: Arc::clone(&soil.core.post.clock) };
    let supervisor = BroodSupervisor::default();
    Ok(Actor::spawn_linked(None, supervisor, args, soil.root).await?.0.get_cell())
}

async fn payments(soil: Soil) -> Result<ActorCell, SpawnErr> {
    let (post, orders) = (Arc::clone(&soil.core.post), Arc::clone(&soil.core.orders));
    let health = soil.core.healths.payments.clone();
    participant(Payments { post, orders }, health, soil).await
}

async fn confirmations(soil: Soil) -> Result<ActorCell, SpawnErr> {
    let (post, orders) = (Arc::clone(&soil.core.post), Arc::clone(&soil.core.orders));
    let health = soil.core.healths.confirmations.clone();
    participant(Confirmations { post, orders }, health, soil).await
}

async fn mileage(soil: Soil) -> Result<ActorCell, SpawnErr> {
    let core = Arc::clone(&soil.core);
    let (post, orders) = (Arc::clone(&core.post), Arc::clone(&core.orders));
    let reached = Arc::clone(&core.followed.mileage);
    let worker = MileageWorker::new(post, orders, &core.markets(), reached);
    participant(worker, core.healths.mileage.clone(), soil).await
}

async fn messages(soil: Soil) -> Result<ActorCell, SpawnErr> {
    let core = Arc::clone(&soil.core);
    let reached = Arc::clone(&core.followed.messages);
    let worker = MessagesWorker::new(Arc::clone(&core.post), &core.markets(), reached);
    participant(worker, core.healths.messages.clone(), soil).await
}

async fn reviews(soil: Soil) -> Result<ActorCell, SpawnErr> {
    let health = soil.core.healths.reviews.clone();
    participant(ReviewsWorker(Arc::clone(&soil.core.post)), health, soil).await
}

async fn views(soil: Soil) -> Result<ActorCell, SpawnErr> {
    let health = soil.core.healths.views.clone();
    participant(ViewsWorker(Arc::clone(&soil.core.views)), health, soil).await
}

async fn orders(soil: Soil) -> Result<ActorCell, SpawnErr> {
    let core = Arc::clone(&soil.core);
    let supervisor = brood(Arc::clone(&core.orders), soil).await?;
    // Whoever was owed an answer when the last life ended asks for it again.
    wake_owed(&core.post, &core.orders, None);
    Ok(supervisor)
}

async fn timers(soil: Soil) -> Result<ActorCell, SpawnErr> {
    let health = soil.core.healths.timers.clone();
    let (post, orders) = (Arc::clone(&soil.core.post), Arc::clone(&soil.core.orders));
    participant(Timers { post, orders }, health, soil).await
}

async fn edge(soil: Soil) -> Result<ActorCell, SpawnErr> {
    Ok(Actor::spawn_linked(None, EdgeActor, soil.gate, soil.root).await?.0.get_cell())
}

async fn participant<W: Worker>(
    worker: W,
    health: Health,
    soil: Soil,
) -> Result<ActorCell, SpawnErr> {
    let clock = Arc::clone(&soil.core.post.clock);
    let stopped = soil.core.switches.is_stopped(W::NAME);
    let args = ParticipantArgs { worker: Arc::new(worker), clock, health, stopped };
    let supervisor = Participant::default();
    Ok(Actor::spawn_linked(None, supervisor, args, soil.root).await?.0.get_cell())
}

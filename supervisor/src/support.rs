//! The participants that orders go on without: mileage, messages and reviews, as workers of the tree.
//! What one of them missed while it was down, it does when it is back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ractor::{Actor, ActorCell, ActorRef, SpawnErr};
use surehold_actors::follow::{Pace, Reached};
use surehold_actors::messages::{Mailing, MessagesActor, MessagesArgs, MessagesMsg};
use surehold_actors::mileage::{MileageActor, MileageArgs, MileageMsg};
use surehold_actors::post::Post;
use surehold_actors::reviews::{ReviewsActor, ReviewsArgs, ReviewsMsg};
use surehold_domain::id::MarketId;
use surehold_domain::plan::Plan;
use surehold_domain::saga::Party;

use crate::brood::Brood;
use crate::limits::{CURSOR_STORED_EVERY, FOLLOWER_PAUSE, FOLLOWER_RECORDS};
use crate::participant::{SUPPORTING, Worker};
use crate::policy::Policy;
use crate::workers::{Orders, wake_owed};

const PACE: Pace =
    Pace { records: FOLLOWER_RECORDS, pause: FOLLOWER_PAUSE, stored_every: CURSOR_STORED_EVERY };

/// How far the followers have come.
#[derive(Clone, Default)]
pub(crate) struct Followed {
    pub(crate) mileage: Reached,
    pub(crate) messages: Reached,
}

/// The mileage actor.
pub(crate) struct MileageWorker {
    args: MileageArgs,
    orders: Arc<Brood<Orders>>,
}

impl MileageWorker {
    /// Points for the markets whose plans give any.
    pub(crate) fn new(
        post: Arc<Post>,
        orders: Arc<Brood<Orders>>,
        markets: &[(MarketId, &Plan)],
        reached: Reached,
    ) -> MileageWorker {
        let giving = markets.iter().filter(|(_, plan)| plan.terms.mileage.is_some());
        let markets: BTreeSet<MarketId> = giving.map(|(market, _)| *market).collect();
        MileageWorker { args: MileageArgs { post, markets, pace: PACE, reached }, orders }
    }
}

impl Worker for MileageWorker {
    type Msg = MileageMsg;
    const NAME: &'static str = "mileage";
    const POLICY: Policy = SUPPORTING;

    async fn spawn(&self, supervisor: ActorCell) -> Result<ActorRef<MileageMsg>, SpawnErr> {
        Ok(Actor::spawn_linked(None, MileageActor, self.args.clone(), supervisor).await?.0)
    }
    fn crash() -> MileageMsg {
        MileageMsg::Crash
    }
    fn came_up(&self, actor: ActorRef<MileageMsg>) {
        self.args.post.mileage.fill(actor);
        wake_owed(&self.args.post, &self.orders, Some(Party::Mileage));
    }
    fn went_down(&self) {
        self.args.post.mileage.vacate();
    }
    fn stopped(&self) {
        self.args.post.mileage.stop();
    }
}

/// The messages actor.
pub(crate) struct MessagesWorker(MessagesArgs);

impl MessagesWorker {
    /// Messages for the markets whose plans have words for any.
    pub(crate) fn new(
        post: Arc<Post>,
        markets: &[(MarketId, &Plan)],
        reached: Reached,
    ) -> MessagesWorker {
        let speaking = markets.iter().filter(|(_, plan)| !plan.messages.is_empty());
        let mailing =
            |plan: &Plan| Mailing { market: plan.title.clone(), messages: plan.messages.clone() };
        let markets: BTreeMap<MarketId, Mailing> =
            speaking.map(|(market, plan)| (*market, mailing(plan))).collect();
        MessagesWorker(MessagesArgs { post, markets, pace: PACE, reached })
    }
}

impl Worker for MessagesWorker {
    type Msg = MessagesMsg;
    const NAME: &'static str = "messages";
    const POLICY: Policy = SUPPORTING;

    async fn spawn(&self, supervisor: ActorCell) -> Result<ActorRef<MessagesMsg>, SpawnErr> {
        Ok(Actor::spawn_linked(None, MessagesActor, self.0.clone(), supervisor).await?.0)
    }
    fn crash() -> MessagesMsg {
        MessagesMsg::Crash
    }
    fn came_up(&self, actor: ActorRef<MessagesMsg>) {
        self.0.post.messages.fill(actor);
    }
    fn went_down(&self) {
        self.0.post.messages.vacate();
    }
    fn stopped(&self) {
        self.0.post.messages.stop();
    }
}

/// The reviews actor.
pub(crate) struct ReviewsWorker(pub(crate) Arc<Post>);

impl Worker for ReviewsWorker {
    type Msg = ReviewsMsg;
    const NAME: &'static str = "reviews";
    const POLICY: Policy = SUPPORTING;

    async fn spawn(&self, supervisor: ActorCell) -> Result<ActorRef<ReviewsMsg>, SpawnErr> {
        let args = ReviewsArgs { post: Arc::clone(&self.0) };
        Ok(Actor::spawn_linked(None, ReviewsActor, args, supervisor).await?.0)
    }
    fn crash() -> ReviewsMsg {
        ReviewsMsg::Crash
    }
    fn came_up(&self, actor: ActorRef<ReviewsMsg>) {
        self.0.reviews.fill(actor);
    }
    fn went_down(&self) {
        self.0.reviews.vacate();
    }
    fn stopped(&self) {
        self.0.reviews.stop();
    }
}

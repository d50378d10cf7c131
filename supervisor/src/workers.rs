//! The kinds of actors in the tree: the children on demand and the fixed workers, each with how it
//! is started and what follows when it comes back.

use std::sync::{Arc, OnceLock, Weak};

use ractor::{Actor, ActorCell, ActorRef, SpawnErr};
use surehold_actors::address::Sent;
use surehold_actors::confirmations::{ConfirmationsActor, ConfirmationsArgs, ConfirmationsMsg};
use surehold_actors::inventory::{InventoryMsg, InventoryState};
use surehold_actors::order::{Begin, OrderArgs, OrderMsg, OrderState, Poison};
use surehold_actors::payments::{PaymentsActor, PaymentsArgs, PaymentsMsg};
use surehold_actors::post::{Directory, Post};
use surehold_actors::stream::OfferingKey;
use surehold_domain::id::OrderKey;
use surehold_domain::saga::Party;

use crate::brood::{Brood, Child};
use crate::limits::{
    CHILD_BACKOFF, CHILD_RESTARTS_MAX, CHILD_WINDOW, GATEWAY_CALL, GATEWAY_CALLS_MAX, LIVE_MAX,
    OFFERING_IDLE_SWEEPS, OFFERING_MAIL_MAX, ORDER_IDLE_SWEEPS, ORDER_MAIL_MAX,
    PARTICIPANT_BACKOFF, PARTICIPANT_BACKOFF_MAX, PARTICIPANT_RESTARTS_MAX, PARTICIPANT_WINDOW,
    WAKE_CHUNK,
};
use crate::participant::{NEEDED, Worker};
use crate::policy::{Policy, Then};

/// Where the children find what all actors share; filled once, before the first child. What all
/// share knows the children's directory in turn, so they do not keep it: an opening that is over goes
/// away with everything it had in memory.
pub(crate) type Shared = OnceLock<Weak<Post>>;

fn post(shared: &Shared) -> Result<Arc<Post>, String> {
    let post = shared.get().and_then(Weak::upgrade);
    post.ok_or_else(|| "the engine is not open yet".to_owned())
}

/// Orders, one actor each.
pub struct Orders(pub(crate) Arc<Shared>);

impl Child for Orders {
    type Key = OrderKey;
    type Msg = OrderMsg;
    type Seed = Begin;
    type Shell = OrderState;
    const NAME: &'static str = "orders";
    const POLICY: Policy = Policy {
        restarts_max: CHILD_RESTARTS_MAX,
        window: CHILD_WINDOW,
        backoff: CHILD_BACKOFF,
        backoff_max: CHILD_WINDOW,
        then: Then::Quarantine,
    };
    const MAIL_MAX: usize = ORDER_MAIL_MAX;
    const IDLE_SWEEPS: u32 = ORDER_IDLE_SWEEPS;

    fn shell(
        &self,
        key: OrderKey,
        begin: Option<Begin>,
        poisoned: bool,
    ) -> Result<OrderState, String> {
        let poison = Poison(poisoned);
        Ok(OrderState::new(OrderArgs { key, begin, poison, post: post(&self.0)? }))
    }
    fn crash() -> OrderMsg {
        OrderMsg::Crash
    }
    fn restarted(&self, _key: OrderKey) {}
    fn label(key: OrderKey) -> String {
        format!("order {}/{}", key.market.0, key.order)
    }
}

/// Offerings, one actor each.
pub struct Offerings(pub(crate) Arc<Shared>);

impl Child for Offerings {
    type Key = OfferingKey;
    type Msg = InventoryMsg;
    type Seed = ();
    type Shell = InventoryState;
    const NAME: &'static str = "inventory";
    // Many orders wait for one offering: it gets a participant's patience, not an order's.
    const POLICY: Policy = Policy {
        restarts_max: PARTICIPANT_RESTARTS_MAX,
        window: PARTICIPANT_WINDOW,
        backoff: PARTICIPANT_BACKOFF,
        backoff_max: PARTICIPANT_BACKOFF_MAX,
        then: Then::Quarantine,
    };
    const MAIL_MAX: usize = OFFERING_MAIL_MAX;
    const IDLE_SWEEPS: u32 = OFFERING_IDLE_SWEEPS;

    fn shell(
        &self,
        key: OfferingKey,
        _seed: Option<()>,
        _poisoned: bool,
    ) -> Result<InventoryState, String> {
        Ok(InventoryState::new(key, post(&self.0)?))
    }
    fn crash() -> InventoryMsg {
        InventoryMsg::Crash
    }
    fn restarted(&self, _key: OfferingKey) {
        // The hold or release that it was about to answer died with it.
        let Some(post) = self.0.get().and_then(Weak::upgrade) else { return };
        for order in post.agenda.owed(Some(Party::Inventory)) {
            post.directory.order(order, OrderMsg::Reissue);
        }
    }
    fn label(key: OfferingKey) -> String {
        format!("offering {}/{}", key.market.0, key.offering)
    }
}

/// The directories of an engine, as actors see them.
pub struct Directories {
    /// Orders.
    pub orders: Arc<Brood<Orders>>,
    /// Offerings.
    pub offerings: Arc<Brood<Offerings>>,
}

impl Directory for Directories {
    fn order(&self, order: OrderKey, message: OrderMsg) {
        self.orders.send(order, message);
    }

    fn rest(&self, order: OrderKey) {
        self.orders.rest(order);
    }

    fn offering(&self, offering: OfferingKey, message: InventoryMsg) -> Sent {
        self.offerings.send(offering, message)
    }
}

/// Tells orders that wait for `party` (or for anybody) to ask again, a few at a time: there may be
/// far more of them than should live at once.
pub(crate) fn wake_owed(post: &Arc<Post>, orders: &Arc<Brood<Orders>>, party: Option<Party>) {
    let owed = post.agenda.owed(party);
    if owed.is_empty() {
        return;
    }
    let (post, orders) = (Arc::clone(post), Arc::clone(orders));
    tokio::spawn(async move {
        for chunk in owed.chunks(WAKE_CHUNK) {
            for order in chunk {
                post.directory.order(*order, OrderMsg::Reissue);
            }
            tokio::task::yield_now().await;
            while orders.live() > LIVE_MAX {
                tokio::time::sleep(crate::limits::FOLLOWER_PAUSE).await;
            }
        }
    });
}

/// The payments actor.
pub struct Payments {
    pub(crate) post: Arc<Post>,
    pub(crate) orders: Arc<Brood<Orders>>,
}

impl Worker for Payments {
    type Msg = PaymentsMsg;
    const NAME: &'static str = "payments";
    const POLICY: Policy = NEEDED;

    async fn spawn(&self, supervisor: ActorCell) -> Result<ActorRef<PaymentsMsg>, SpawnErr> {
        let (call_timeout, calls_max) = (GATEWAY_CALL, GATEWAY_CALLS_MAX);
        let args = PaymentsArgs { post: Arc::clone(&self.post), call_timeout, calls_max };
        Ok(Actor::spawn_linked(None, PaymentsActor, args, supervisor).await?.0)
    }
    fn crash() -> PaymentsMsg {
        PaymentsMsg::Crash
    }
    fn came_up(&self, actor: ActorRef<PaymentsMsg>) {
        self.post.payments.fill(actor);
        wake_owed(&self.post, &self.orders, Some(Party::Payments));
    }
    fn went_down(&self) {
        self.post.payments.vacate();
    }
    fn stopped(&self) {
        self.post.payments.stop();
    }
}

/// The confirmations actor.
pub struct Confirmations {
    pub(crate) post: Arc<Post>,
    pub(crate) orders: Arc<Brood<Orders>>,
}

impl Worker for Confirmations {
    type Msg = ConfirmationsMsg;
    const NAME: &'static str = "confirmations";
    const POLICY: Policy = NEEDED;

    async fn spawn(&self, supervisor: ActorCell) -> Result<ActorRef<ConfirmationsMsg>, SpawnErr> {
        let args = ConfirmationsArgs { post: Arc::clone(&self.post) };
        Ok(Actor::spawn_linked(None, ConfirmationsActor, args, supervisor).await?.0)
    }
    fn crash() -> ConfirmationsMsg {
        ConfirmationsMsg::Crash
    }
    fn came_up(&self, actor: ActorRef<ConfirmationsMsg>) {
        self.post.confirmations.fill(actor);
        wake_owed(&self.post, &self.orders, Some(Party::Confirmations));
    }
    fn went_down(&self) {
        self.post.confirmations.vacate();
    }
    fn stopped(&self) {
        self.post.confirmations.stop();
    }
}

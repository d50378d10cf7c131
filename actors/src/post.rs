//! What every actor of one engine shares: the shelf, the clock, the addresses of the others.

use std::sync::Arc;

use surehold_domain::id::EffectId;
use surehold_domain::id::OrderKey;
use surehold_domain::saga::Outcome;

use crate::address::{Address, Sent};
use crate::agenda::Agenda;
use crate::clock::Clock;
use crate::confirmations::ConfirmationsMsg;
use crate::gateway::PaymentGateway;
use crate::gateway::vault::Vault;
use crate::inventory::InventoryMsg;
use crate::messages::MessagesMsg;
use crate::mileage::MileageMsg;
use crate::order::OrderMsg;
use crate::payments::PaymentsMsg;
use crate::payments::guard::Guard;
use crate::payments::load::Load;
use crate::reviews::ReviewsMsg;
use crate::shelf::Shelf;
use crate::stream::OfferingKey;
use crate::watch::Watchers;

/// Finds actors that are started on demand. The supervisor's directories implement it.
pub trait Directory: Send + Sync + 'static {
    /// Puts a message into an order's mailbox, waking the order if it sleeps.
    fn order(&self, order: OrderKey, message: OrderMsg);
    /// Lets an order sleep that has nothing more to do for now.
    fn rest(&self, order: OrderKey);
    /// Puts a message into an offering's mailbox, waking it if it sleeps.
    fn offering(&self, offering: OfferingKey, message: InventoryMsg) -> Sent;
}

/// Shared by all actors of one opening of the engine.
pub struct Post {
    /// Facts in, machines out.
    pub shelf: Arc<Shelf>,
    /// Unfinished orders.
    pub agenda: Arc<Agenda>,
    /// Who waits for an order.
    pub watchers: Arc<Watchers>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whoever moves money.
    pub gateway: Arc<dyn PaymentGateway>,
    /// Its circuit breaker.
    pub breaker: Guard,
    /// How much stands before it.
    pub load: Arc<Load>,
    /// Card numbers of payments under way.
    pub vault: Arc<Vault>,
    /// The payments actor.
    pub payments: Address<PaymentsMsg>,
    /// The confirmations actor.
    pub confirmations: Address<ConfirmationsMsg>,
    /// The mileage actor.
    pub mileage: Address<MileageMsg>,
    /// The messages actor.
    pub messages: Address<MessagesMsg>,
    /// The reviews actor.
    pub reviews: Address<ReviewsMsg>,
    /// Orders and offerings.
    pub directory: Arc<dyn Directory>,
}

impl Post {
    /// Tells an order what became of an effect.
    pub fn answer(&self, effect: EffectId, outcome: Outcome) {
        self.directory.order(effect.order, OrderMsg::Outcome(effect, outcome));
    }
}

//! The engine: the library's front door.
//!
//! Every answer that tells of something recorded waits until it is durable: what this library
//! returns is on disk.

mod admin;
mod attention;
mod audit;
mod catalogue;
mod checked;
pub(crate) mod events;
mod figures;
mod keys;
mod lists;
mod messages;
mod mileage;
mod orders;
mod payments;
mod queue;
mod read;
mod reviews;
#[cfg(test)]
mod tests;
mod upkeep;
mod wait;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics::Counter;
use ractor::{Actor, ActorRef};
use surehold_actors::clock::{Clock, SystemClock};
use surehold_actors::gateway::PaymentGateway;
use surehold_actors::gateway::sandbox::Sandbox;
use surehold_domain::id::MarketId;
use surehold_domain::mutant::{self, Mutant};
use surehold_domain::plan::Plan;
use surehold_storage::JournalError;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::core::{Core, CoreError, Parts};
use crate::gate::Gate;
use crate::limits::{DRAIN, PARTING};
use crate::pulse::Pulse;
use crate::refusal::Refusal;
use crate::retention::Retention;
use crate::root::{Condition, RootActor, RootArgs, RootMsg, Status};
use crate::stores::{FolderStores, MemoryStores, Stores};
use crate::view::Readiness;
use wait::{settling, settling_with, within};

/// Where the data is.
#[derive(Clone)]
pub enum Data {
    /// In this folder, which is made if it is not there.
    Folder(PathBuf),
    /// In memory: gone with the process.
    Memory,
    /// Wherever these stores say.
    Stores(Arc<dyn Stores>),
}

/// What an engine is opened with.
#[derive(Clone)]
pub struct Options {
    /// Where the data is.
    pub data: Data,
    /// The markets.
    pub plans: Vec<Plan>,
    /// Whoever moves money.
    pub gateway: Arc<dyn PaymentGateway>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Which records stay in the journal.
    pub retention: Retention,
}

impl Options {
    /// These markets, with the sandbox gateway and the system's clock.
    #[must_use]
    pub fn new(data: Data, plans: Vec<Plan>) -> Options {
        Options {
            data,
            plans,
            gateway: Arc::new(Sandbox::default()),
            clock: Arc::new(SystemClock::default()),
            retention: Retention::default(),
        }
    }
}

/// Why an engine does not open. Each is one clear line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has the data open.
    #[error("the data in {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// What is on disk is not what was written.
    #[error("the data is damaged: {0}")]
    Damaged(String),
    /// It was written by a newer version of this program. Nothing of it was changed.
    #[error(
        "the data was written by a newer version of Surehold: {0}; start that version or a newer one, or \
         restore a backup from before it ran; nothing was changed"
    )]
    Newer(String),
    /// The operating system refused.
    #[error("the data cannot be opened: {0}")]
    Io(String),
    /// The markets do not fit together.
    #[error("{0}")]
    Plan(String),
    /// The tree did not start. A fault of ours.
    #[error("the engine did not start: {0}")]
    Start(String),
}

impl From<CoreError> for OpenError {
    fn from(error: CoreError) -> OpenError {
        match error {
            CoreError::Journal(JournalError::InUse(file)) => OpenError::InUse(file),
            CoreError::Journal(error @ JournalError::Damaged { .. }) => {
                OpenError::Damaged(error.to_string())
            }
            CoreError::Journal(error @ JournalError::Newer { .. }) => {
                OpenError::Newer(error.to_string())
            }
            CoreError::Newer(error) => OpenError::Newer(error),
            CoreError::Journal(error) => OpenError::Io(error.to_string()),
            CoreError::Shelf(error) | CoreError::Unfit(error) => OpenError::Damaged(error),
            CoreError::NotNow(error) | CoreError::Panicked(error) => OpenError::Start(error),
        }
    }
}

/// A market of this engine, found by name with [`Engine::market`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Market(usize);

/// The booking engine. Clones share one engine.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
/// use surehold::domain::{id::OfferingId, plan::Plan, quantity::Quantity};
/// use surehold::{Booking, Data, Engine, NewOrder, Options};
///
/// let plan = Plan::parse("demo.toml", "name = 'demo'\ncurrency = 'EUR'\n[[offerings]]\nid = 1\n\
///     name = 'A seat'\nprice = { amount = 1250 }\ninventory = { model = 'seats', capacity = 3 }")?;
/// let engine = Engine::open(Options::new(Data::Memory, vec![plan])).await?;
/// let order = NewOrder {
///     customer: "ann".into(), offering: OfferingId(1), quantity: Quantity::ONE,
///     booking: Booking::Units,
///     card: Some("tok_1".into()), attributes: Default::default(),
/// };
/// let placement = engine.place(engine.market("demo")?, order, None).await?;
/// assert_eq!(placement.order.price.amount(), 1250);
/// engine.close().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?; Ok(()) }
/// ```
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    plans: Arc<[Plan]>,
    gate: Arc<Gate>,
    status: Arc<Status>,
    pulse: Arc<Pulse>,
    root: ActorRef<RootMsg>,
    /// Counts the orders that were placed; looked up with the first of them.
    placed: OnceLock<Counter>,
}

impl Engine {
    /// Opens the data, recovers what was under way, and starts the tree.
    ///
    /// # Errors
    /// [`OpenError`], with a sentence for whoever started this.
    pub async fn open(options: Options) -> Result<Engine, OpenError> {
        let Options { data, plans, gateway, clock, retention } = options;
        check_names(&plans)?;
        let stores: Arc<dyn Stores> = match data {
            Data::Folder(folder) => Arc::new(FolderStores::new(folder)),
            Data::Memory => Arc::new(MemoryStores::default()),
            Data::Stores(stores) => stores,
        };
        let plans: Arc<[Plan]> = plans.into();
        let parts = Arc::new(Parts {
            stores,
            plans: Arc::clone(&plans),
            gateway,
            clock,
            retention,
            watchers: Arc::default(),
        });
        let core = Core::open(&parts, false).await?;
        let (gate, status) = (Arc::<Gate>::default(), Arc::<Status>::default());
        let args = RootArgs { parts, core, gate: Arc::clone(&gate), status: Arc::clone(&status) };
        let mut changes = status.changes();
        let (root, ended) = Actor::spawn(None, RootActor, args)
            .await
            .map_err(|error| OpenError::Start(error.to_string()))?;
        let watched = Arc::clone(&status);
        tokio::spawn(async move {
            let _ = ended.await;
            watched.root_ended();
        });
        while matches!(status.condition(), Condition::Down(_)) {
            if changes.changed().await.is_err() {
                break;
            }
        }
        match status.condition() {
            Condition::Failed(reason) => Err(OpenError::Start(reason)),
            Condition::Up(_) | Condition::Down(_) | Condition::Closed => {
                let pulse = Pulse::start(&status);
                let placed = OnceLock::new();
                let inner = Inner { plans, gate, status, pulse, root, placed };
                Ok(Engine { inner: Arc::new(inner) })
            }
        }
    }

    /// The markets, in the order they were given.
    #[must_use]
    pub fn markets(&self) -> &[Plan] {
        &self.inner.plans
    }

    /// The market with this name.
    ///
    /// # Errors
    /// [`Refusal::NoSuchMarket`].
    pub fn market(&self, name: &str) -> Result<Market, Refusal> {
        let index = self.inner.plans.iter().position(|plan| plan.name == name);
        index.map(Market).ok_or_else(|| Refusal::NoSuchMarket(name.to_owned()))
    }

    /// The market's plan.
    #[must_use]
    pub fn plan(&self, market: Market) -> &Plan {
        &self.inner.plans[market.0]
    }

    fn core(&self) -> Result<Arc<Core>, Refusal> {
        match self.inner.status.condition() {
            Condition::Up(core) => Ok(core),
            Condition::Down(reason) => Err(Refusal::unavailable(reason)),
            Condition::Closed => Err(Refusal::unavailable("the engine is closed")),
            Condition::Failed(reason) => Err(Refusal::unavailable(reason)),
        }
    }

    fn market_id(&self, core: &Core, market: Market) -> MarketId {
        core.markets[market.0]
    }

    /// Whether orders are taken.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        match self.inner.status.condition() {
            Condition::Up(_) if self.inner.gate.is_open() => Readiness::Ready,
            Condition::Up(_) => Readiness::NotReady("the engine is closing".to_owned()),
            Condition::Down(reason) | Condition::Failed(reason) => Readiness::NotReady(reason),
            Condition::Closed => Readiness::NotReady("the engine is closed".to_owned()),
        }
    }

    /// Whether it is over: closed as asked, or given up. Whoever waits for more waits in vain.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match self.inner.status.condition() {
            Condition::Closed | Condition::Failed(_) => true,
            Condition::Up(_) | Condition::Down(_) => false,
        }
    }

    /// Whether the engine makes progress, or waits for something outside that it will notice. A
    /// process that is not alive should be ended and started again.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.stalled().is_none()
    }

    /// Why the engine makes no progress, if it makes none: it gave up, nothing is scheduled, or the
    /// disk takes no records. What is only waited for, such as a gateway, is no such reason.
    #[must_use]
    pub fn stalled(&self) -> Option<String> {
        match self.inner.status.condition() {
            Condition::Failed(reason) => Some(reason),
            Condition::Up(_) | Condition::Down(_) | Condition::Closed => {
                self.inner.pulse.stalled(tokio::time::Instant::now())
            }
        }
    }

    /// Resolves only if the engine gives up, with the reason.
    pub async fn failed(&self) -> String {
        let mut changes = self.inner.status.changes();
        loop {
            if let Condition::Failed(reason) = self.inner.status.condition() {
                return reason;
            }
            if changes.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Stops taking work, finishes what was taken, makes a checkpoint and closes. Idempotent. What
    /// does not finish in time is finished by the next start.
    pub async fn close(&self) {
        self.close_within(DRAIN).await;
    }

    /// As [`Engine::close`], for callers who have waited for their work already: what was taken is
    /// given at most so long to finish. Who waits for an order longer than that is told how far it is.
    pub async fn close_within(&self, patience: Duration) {
        self.inner.gate.shut();
        if timeout(patience, self.inner.gate.empty()).await.is_err() {
            tracing::warn!("some work did not finish in time; the next start finishes it");
            // Those who wait for it are told so while what they ask about can still be read.
            if let Ok(core) = self.core() {
                core.post.watchers.release();
            }
            let _ = timeout(PARTING, self.inner.gate.empty()).await;
        }
        let (done, closed) = oneshot::channel();
        if self.inner.root.send_message(RootMsg::Close(done)).is_ok() {
            let _ = closed.await;
        }
    }

    /// Waits until `sequence` is durable: the last step before anything leaves the node.
    async fn durable(&self, core: &Core, sequence: u64) -> Result<(), Refusal> {
        if mutant::is(Mutant::SpeakEarly) {
            return Ok(());
        }
        Ok(core.post.shelf.journal().durable().reached(sequence).await?)
    }

    /// As [`Engine::durable`], for those who only follow: no commit is made for their sake.
    async fn followed(&self, core: &Core, sequence: u64) -> Result<(), Refusal> {
        Ok(core.post.shelf.journal().durable().followed(sequence).await?)
    }
}

fn check_names(plans: &[Plan]) -> Result<(), OpenError> {
    if plans.is_empty() {
        return Err(OpenError::Plan("an engine needs at least one market".to_owned()));
    }
    for (index, plan) in plans.iter().enumerate() {
        if plans[..index].iter().any(|other| other.name == plan.name) {
            let name = &plan.name;
            return Err(OpenError::Plan(format!("the market \"{name}\" is given twice")));
        }
    }
    Ok(())
}

//! One opening of the data: recovered stores, directories, addresses, and what the engine's calls
//! need to reach them. A failed disk ends it; the root then makes another.

use std::sync::{Arc, OnceLock};

use surehold_actors::clock::Clock;
use surehold_actors::gateway::PaymentGateway;
use surehold_actors::machine::{MarketName, NodeLife};
use surehold_actors::payments::guard::Guard;
use surehold_actors::post::Post;
use surehold_actors::shelf::checkpoint::Checkpoints;
use surehold_actors::shelf::recover::recover;
use surehold_actors::shelf::{Loaded, Shelf, ShelfError};
use surehold_actors::stream::{self, OfferingKey};
use surehold_actors::watch::Watchers;
use surehold_domain::id::MarketId;
use surehold_domain::inventory::{self, Inventory};
use surehold_domain::plan::Plan;
use surehold_domain::time::Span;
use surehold_storage::JournalError;
use tracing::{error, warn};

use crate::brood::Brood;
use crate::catalogue::Catalogue;
use crate::engine::events::latest;
use crate::limits::{BREAKER, CLOCK_BACK_MAX};
use crate::participant::Health;
use crate::retention::{Keeping, Retention};
use crate::stores::{Stores, beside};
use crate::support::Followed;
use crate::switches::Switches;
use crate::views::Views;
use crate::workers::{Directories, Offerings, Orders};

/// What an opening is made of.
pub(crate) struct Parts {
    pub(crate) stores: Arc<dyn Stores>,
    pub(crate) plans: Arc<[Plan]>,
    pub(crate) gateway: Arc<dyn PaymentGateway>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) retention: Retention,
    /// Outlives an opening, like the customers in it.
    pub(crate) watchers: Arc<Watchers>,
}

/// Health of the fixed workers.
#[derive(Clone, Default)]
pub(crate) struct Healths {
    pub(crate) payments: Health,
    pub(crate) confirmations: Health,
    pub(crate) views: Health,
    pub(crate) timers: Health,
    pub(crate) snapshots: Health,
    pub(crate) mileage: Health,
    pub(crate) messages: Health,
    pub(crate) reviews: Health,
}

/// One opening.
pub(crate) struct Core {
    /// Whether the stores may take time.
    pub(crate) blocks: bool,
    pub(crate) post: Arc<Post>,
    pub(crate) orders: Arc<Brood<Orders>>,
    pub(crate) offerings: Arc<Brood<Offerings>>,
    pub(crate) checkpoints: Arc<Checkpoints>,
    pub(crate) views: Arc<Views>,
    pub(crate) catalogue: Catalogue,
    /// Held while an offering is added.
    pub(crate) adding: tokio::sync::Mutex<()>,
    /// The number each plan's market has on this node, in the order of the plans.
    pub(crate) markets: Vec<MarketId>,
    /// The plans, in the same order.
    pub(crate) plans: Arc<[Plan]>,
    pub(crate) healths: Healths,
    pub(crate) switches: Switches,
    pub(crate) followed: Followed,
    pub(crate) keeping: Arc<Keeping>,
}

/// Why an opening failed.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum CoreError {
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What is stored cannot be read.
    #[error("{0}")]
    Shelf(String),
    /// The snapshots are not what they should be. Opened again, they are built anew.
    #[error("{0}")]
    Unfit(String),
    /// It did not come to an opening: there is no room to write.
    #[error("{0}")]
    NotNow(String),
    /// Opening panicked. A fault of ours, which trying again does not mend.
    #[error("{0}")]
    Panicked(String),
    /// What is stored was written by a newer version of this program.
    #[error("{0}")]
    Newer(String),
}

impl From<ShelfError> for CoreError {
    fn from(error: ShelfError) -> CoreError {
        match error {
            ShelfError::Journal(error) => CoreError::Journal(error),
            ShelfError::Newer { .. } | ShelfError::NewerArchive { .. } => {
                CoreError::Newer(error.to_string())
            }
            ShelfError::Unfit(_) => CoreError::Unfit(error.to_string()),
            ShelfError::Snapshot(_)
            | ShelfError::Codec { .. }
            | ShelfError::Cut { .. }
            | ShelfError::Gap { .. } => CoreError::Shelf(error.to_string()),
        }
    }
}

impl Core {
    /// Opens the stores, if there is room to write, recovers, and makes sure that the journal takes
    /// records. Snapshots that turn out to be unfit on the way are built anew.
    pub(crate) async fn open(parts: &Arc<Parts>, probe: bool) -> Result<Core, CoreError> {
        match Core::open_once(parts, probe).await {
            // It is written down by now that they are, so this does not happen twice.
            Err(CoreError::Unfit(_)) => Core::open_once(parts, probe).await,
            opened => opened,
        }
    }

    async fn open_once(parts: &Arc<Parts>, probe: bool) -> Result<Core, CoreError> {
        let opening = Arc::clone(parts);
        let work = move || {
            if probe {
                opening.stores.room().map_err(CoreError::NotNow)?;
            }
            Core::read(&opening)
        };
        let read = beside(parts.stores.blocks(), work).await;
        let core = read.map_err(|error| CoreError::Panicked(error.to_string()))??;
        match open_node(&core.post).await {
            Ok(()) => Ok(core),
            Err(error) => {
                core.post.shelf.journal().close();
                Err(error)
            }
        }
    }

    /// Opens the stores and recovers. Blocks.
    fn read(parts: &Parts) -> Result<Core, CoreError> {
        let (journal, snapshots) = parts.stores.open()?;
        let opened = Core::build(parts, Arc::clone(&journal), snapshots);
        if opened.is_err() {
            journal.close();
        }
        opened
    }

    fn build(
        parts: &Parts,
        journal: Arc<dyn surehold_storage::Journal>,
        snapshots: Arc<dyn surehold_storage::SnapshotStore>,
    ) -> Result<Core, CoreError> {
        let shelf = Arc::new(Shelf::new(journal, snapshots, parts.stores.tail_records_max()));
        let agenda = Arc::default();
        let recovered = recover(&shelf, &agenda)?;
        let shared = Arc::new(OnceLock::new());
        let orders = Arc::new(Brood::new(Orders(Arc::clone(&shared))));
        let offerings = Arc::new(Brood::new(Offerings(Arc::clone(&shared))));
        let directory =
            Directories { orders: Arc::clone(&orders), offerings: Arc::clone(&offerings) };
        let post = Arc::new(Post {
            shelf: Arc::clone(&shelf),
            agenda,
            watchers: Arc::clone(&parts.watchers),
            clock: Arc::clone(&parts.clock),
            gateway: Arc::clone(&parts.gateway),
            breaker: Guard::new(BREAKER),
            load: Arc::default(),
            vault: Arc::default(),
            payments: surehold_actors::address::Address::default(),
            confirmations: surehold_actors::address::Address::default(),
            mileage: surehold_actors::address::Address::default(),
            messages: surehold_actors::address::Address::default(),
            reviews: surehold_actors::address::Address::default(),
            directory: Arc::new(directory),
        });
        // Nobody else can have filled it.
        let _ = shared.set(Arc::downgrade(&post));
        go_on_from_the_last_life(&post)?;
        let markets = open_markets(&post, &parts.plans)?;
        let figures = markets.iter().zip(parts.plans.iter()).filter(|(_, plan)| plan.figures);
        let detailed = figures.map(|(market, _)| *market).collect();
        let switches = Switches::load(&shelf)?;
        offerings.set_stopped(switches.is_stopped("inventory"));
        let views = Arc::new(Views::new(Arc::clone(&post), detailed));
        let followed = Followed::default();
        let (kept, seen, ahead) = (Arc::clone(&shelf), Arc::clone(&views), followed.clone());
        let keeping = Keeping::new(parts.retention, kept, seen, ahead, &parts.plans);
        Ok(Core {
            blocks: parts.stores.blocks(),
            views,
            post,
            orders,
            offerings,
            checkpoints: Arc::new(recovered.checkpoints),
            catalogue: Catalogue::default(),
            adding: tokio::sync::Mutex::default(),
            markets,
            plans: Arc::clone(&parts.plans),
            healths: Healths::default(),
            switches,
            followed,
            keeping: Arc::new(keeping),
        })
    }
}

impl Core {
    /// The markets with their numbers on this node.
    pub(crate) fn markets(&self) -> Vec<(MarketId, &Plan)> {
        self.markets.iter().copied().zip(self.plans.iter()).collect()
    }
}

/// Gives every market its number, and opens what its plan sells when it opens for the first time.
fn open_markets(post: &Post, plans: &[Plan]) -> Result<Vec<MarketId>, CoreError> {
    let mut known: Vec<String> = Vec::new();
    while let Some(Loaded { machine, .. }) =
        post.shelf.load::<MarketName>(stream::market(market_id(known.len())))?
    {
        known.push(machine.name);
    }
    let mut markets = Vec::with_capacity(plans.len());
    for plan in plans {
        let place = known.iter().position(|name| *name == plan.name);
        let market = market_id(place.unwrap_or(known.len()));
        if place.is_none() {
            let fact = MarketName { name: plan.name.clone(), at: post.clock.now() };
            post.shelf.append::<MarketName>(stream::market(market), 1, &fact)?;
            known.push(plan.name.clone());
        }
        for planned in &plan.offerings {
            let key = OfferingKey { market, offering: planned.id };
            open_offering(post, key, planned.offering.clone())?;
        }
        markets.push(market);
    }
    Ok(markets)
}

fn market_id(index: usize) -> MarketId {
    MarketId(u16::try_from(index).unwrap_or(u16::MAX))
}

fn open_offering(
    post: &Post,
    key: OfferingKey,
    offering: inventory::Offering,
) -> Result<(), CoreError> {
    if post.shelf.load_head::<Inventory>(key.stream())?.is_none() {
        let event = inventory::Event::Opened(Box::new(offering));
        let fact = inventory::Fact { at: post.clock.now(), event };
        post.shelf.append::<Inventory>(key.stream(), 1, &fact)?;
        post.shelf.numbers().seen(key.stream());
    }
    Ok(())
}

/// Writes down that the node opened, and waits until that is durable: a journal that cannot take
/// one record takes no orders.
async fn open_node(post: &Post) -> Result<(), CoreError> {
    let life = post.shelf.load::<NodeLife>(stream::node())?;
    let number = life.map_or(0, |life| life.machine.openings) + 1;
    let now = post.clock.now();
    let sequence = post.shelf.append::<NodeLife>(stream::node(), number, &now)?;
    let waited = post.shelf.journal().durable().reached(sequence).await;
    waited.map_err(|error| CoreError::Journal(JournalError::Closed(error.0)))
}

/// What was recorded is over, even if the system's clock says that it is still to come: it was set
/// back, or set right. Then the engine's time goes on from the last record, because orders would wait
/// for the clock to come there again. A clock that was wrong by days is not followed.
fn go_on_from_the_last_life(post: &Post) -> Result<(), CoreError> {
    let Some(last) = latest(&post.shelf)? else { return Ok(()) };
    let back = last.since(post.clock.now());
    if back > CLOCK_BACK_MAX {
        let hours = back.0 / 3_600_000;
        error!(
            hours,
            "the clock is that far behind what was recorded last; some orders wait for it"
        );
    } else if back > Span::seconds(0) {
        warn!(ms = back.0, "the clock is behind what was recorded last; time goes on from there");
        post.clock.not_before(last);
    }
    Ok(())
}

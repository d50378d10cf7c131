//! One life of the node, from its opening to its end: plays the moves that are left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use surehold::domain::plan::Plan;
use surehold::{Data, Engine, Market, Options};

use super::audit;
use super::bank::{Bank, BankOf, Mood};
use super::clients::{Ask, Clients, ask, place};
use super::disk::{Disk, DiskOf};
use super::moves::{Death, Move, What};
use super::node::Node;
use super::notes::Notes;
use super::town::NAMES;

/// How long all may take that is under way when the faults end. The longest honest wait: a refund that
/// was asked for again and again is repeated after five minutes, and then the order asks once more.
const SETTLED_WITHIN: u64 = 25 * 60_000;
/// How long requests may take that are under way when all is settled.
const ANSWERED_WITHIN: u64 = 60_000;
/// Pause before a node that did not open is started again.
const REOPENED_AFTER: u64 = 1500;

/// What outlives a node.
pub(super) struct Scene {
    pub(super) plans: Vec<Plan>,
    pub(super) notes: Arc<Notes>,
    pub(super) disk: Arc<Disk>,
    pub(super) bank: Arc<Bank>,
    pub(super) clients: Clients,
    pub(super) moves: Vec<Move>,
    /// The next move.
    pub(super) next: AtomicUsize,
    /// All moves were made, and all was checked; what is left is to see it again.
    pub(super) settled: AtomicBool,
}

/// A life.
pub(super) struct Life {
    pub(super) scene: Arc<Scene>,
    pub(super) node: Arc<Node>,
    pub(super) engine: Engine,
    pub(super) markets: Vec<Market>,
}

/// How a life ended.
pub(super) enum End {
    /// The node died like this.
    Died(Death),
    /// It was closed, to be opened again.
    Closed,
    /// The world is at its end.
    Over,
}

/// Lives once. Returns how it ended, and how old the world is then.
pub(super) async fn live(scene: Arc<Scene>, epoch: u64) -> (End, u64) {
    let node = Arc::new(Node::new(epoch, Arc::clone(&scene.notes)));
    let living = async {
        match open(&scene, &node).await {
            Some(life) => play(life).await,
            None => End::Closed,
        }
    };
    tokio::select! {
        biased;
        () = node.died() => {}
        end = living => {
            if !node.is_dead() {
                return (end, node.age());
            }
        }
    }
    (End::Died(death(&scene)), node.age())
}

/// How the node died: as the last move said that lets it.
fn death(scene: &Scene) -> Death {
    let made = &scene.moves[..scene.next.load(Ordering::Relaxed).min(scene.moves.len())];
    let said = made
        .iter()
        .rev()
        .find_map(|one| if let What::Die(death) = &one.what { Some(*death) } else { None });
    said.unwrap_or(Death { records: 0, away: 1, dice: 0, snapshots_lost: false })
}

async fn open(scene: &Arc<Scene>, node: &Arc<Node>) -> Option<Arc<Life>> {
    node.line("the node starts");
    let disk = DiskOf { disk: Arc::clone(&scene.disk), node: Arc::clone(node) };
    let mut options = Options::new(Data::Stores(Arc::new(disk)), scene.plans.clone());
    options.gateway = Arc::new(BankOf {
        bank: Arc::clone(&scene.bank),
        disk: Arc::clone(&scene.disk),
        node: Arc::clone(node),
    });
    options.clock = Arc::<Node>::clone(node);
    let opened = Engine::open(options).await;
    let engine = match opened {
        Ok(engine) => engine,
        Err(error) => {
            // A disk that fails just then; the process ends, and is started again.
            node.line(&format!("the node does not open: {error}"));
            if !error.to_string().contains("closed") {
                node.fault(format!("the node does not open: {error}"), None);
            }
            tokio::time::sleep(Duration::from_millis(REOPENED_AFTER)).await;
            return None;
        }
    };
    let markets: Result<Vec<Market>, _> = NAMES.iter().map(|name| engine.market(name)).collect();
    let (scene, node) = (Arc::clone(scene), Arc::clone(node));
    match markets {
        Ok(markets) => Some(Arc::new(Life { scene, node, engine, markets })),
        Err(refusal) => {
            node.fault(refusal.to_string(), None);
            None
        }
    }
}

async fn play(life: Arc<Life>) -> End {
    let scene = &life.scene;
    audit::told(&life);
    for (errand, known) in scene.clients.list() {
        // Nobody answered before the node died: the customer asks again under the same key.
        if known.open {
            tokio::spawn(place(Arc::clone(&life), errand, false));
        }
    }
    while let Some(next) = scene.moves.get(scene.next.load(Ordering::Relaxed)) {
        let pause = next.at.saturating_sub(life.node.age());
        if pause > 0 {
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        if scene.notes.is_broken() {
            return End::Over;
        }
        scene.next.fetch_add(1, Ordering::Relaxed);
        life.node.notes.count("moves", 1);
        if let Some(end) = life.make(&next.what).await {
            return end;
        }
    }
    settle(&life).await
}

impl Life {
    async fn make(self: &Arc<Life>, what: &What) -> Option<End> {
        let (scene, node, age) = (&self.scene, &self.node, self.node.age());
        if !matches!(what, What::Place(..)) {
            node.line(&format!("move: {what:?}"));
        }
        let asks = |errand: &usize, what: Ask| {
            tokio::spawn(ask(Arc::clone(self), *errand, what));
        };
        match what {
            What::Place(errand, wish) => {
                scene.clients.begin(*errand, wish);
                tokio::spawn(place(Arc::clone(self), *errand, false));
            }
            What::Again(errand) => {
                tokio::spawn(place(Arc::clone(self), *errand, false));
            }
            What::Other(errand) => {
                tokio::spawn(place(Arc::clone(self), *errand, true));
            }
            What::Pay(errand) => asks(errand, Ask::Pay),
            What::Cancel(errand) => asks(errand, Ask::Cancel),
            What::CancelQuoted(errand) => asks(errand, Ask::CancelQuoted),
            What::Confirm(errand) => asks(errand, Ask::Confirm),
            What::Reject(errand) => asks(errand, Ask::Reject),
            What::Complete(errand) => asks(errand, Ask::Complete),
            What::Annotate(errand) => asks(errand, Ask::Annotate),
            What::Read(errand) => asks(errand, Ask::Read),
            What::CrashOrder(errand) => self.crash_order(*errand),
            What::CrashPart(part) => self.admin(part, Admin::Crash),
            What::StopPart(part) => self.admin(part, Admin::Stop),
            What::StartPart(part) => self.admin(part, Admin::Start),
            What::Bank(mood) => scene.bank.feel(*mood),
            What::Freeze(ms) => scene.disk.freeze(age + ms),
            What::DiskFails => scene.disk.fail(0),
            What::DiskFull(ms) => scene.disk.fail(age + ms),
            What::SnapshotsFail(ms) => scene.disk.cache.fail(age + ms),
            What::Die(Death { records: 0, .. }) => node.die(),
            What::Die(Death { records, .. }) => scene.disk.die_in(*records),
            What::Restart => {
                self.engine.close().await;
                return Some(End::Closed);
            }
            What::Jump(ms) => node.jump(*ms),
            What::Look => {
                let life = Arc::clone(self);
                tokio::spawn(async move { audit::balance(&life).await });
            }
        }
        None
    }

    fn crash_order(self: &Arc<Life>, errand: usize) {
        let Some(known) = self.scene.clients.get(errand) else { return };
        let Some(order) = known.order else { return };
        self.scene.clients.change(errand, |errand| errand.crashed = true);
        let (life, market) = (Arc::clone(self), self.markets[known.wish.sold.market]);
        tokio::spawn(async move { life.engine.crash_order(market, order, false).await });
    }

    fn admin(self: &Arc<Life>, part: &'static str, what: Admin) {
        let life = Arc::clone(self);
        tokio::spawn(async move {
            let done = match what {
                Admin::Crash => life.engine.crash(part).await,
                Admin::Stop => life.engine.stop(part).await,
                Admin::Start => life.engine.start(part).await,
            };
            if !life.node.is_dead() {
                life.node.line(&format!("{what:?} {part}: {done:?}"));
            }
        });
    }
}

#[derive(Clone, Copy, Debug)]
enum Admin {
    Crash,
    Stop,
    Start,
}

/// The faults are over: everything comes to its end, and is counted.
async fn settle(life: &Arc<Life>) -> End {
    let (scene, node) = (&life.scene, &life.node);
    node.line("the faults are over");
    scene.bank.feel(Mood::Perfect);
    scene.disk.heal();
    let until = node.age() + SETTLED_WITHIN;
    while !audit::is_settled(life).await {
        if scene.notes.is_broken() {
            return End::Over;
        }
        if node.age() > until {
            audit::unfinished(life).await;
            return End::Over;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let until = node.age() + ANSWERED_WITHIN;
    // Every task that asks holds on to the life.
    while Arc::strong_count(life) > 1 && node.age() < until {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    if Arc::strong_count(life) > 1 {
        let count = Arc::strong_count(life) - 1;
        node.fault(format!("{count} requests are never answered"), None);
    }
    audit::told(life);
    audit::whole(life).await;
    if scene.settled.swap(true, Ordering::Relaxed) || scene.notes.is_broken() {
        return End::Over;
    }
    // Once more, from what the disk has.
    node.die();
    End::Over
}

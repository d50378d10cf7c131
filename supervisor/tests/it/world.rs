//! What the tests stand on: plans, an engine over stores that outlive it, and waiting for a
//! condition with a bound.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use surehold::domain::attributes::Attributes;
use surehold::domain::id::{OfferingId, OrderId};
use surehold::domain::plan::Plan;
use surehold::domain::quantity::Quantity;
use surehold::domain::saga::Phase;
use surehold::domain::time::Timestamp;
use surehold::stores::{Opened, Stores};
use surehold::{
    Booking, Data, Engine, Market, NewOrder, Options, OrderCommand, OrderView, RuntimeClock,
};
use surehold_storage::faulty::{FaultyJournal, FaultySnapshots};
use surehold_storage::{JournalError, MemoryJournal, MemorySnapshots};

use crate::bank::Bank;

/// Offering 1 without a limit, offering 2 with three seats, both at 1250.
pub(crate) const BASE: &str = r#"
name = "demo"
currency = "EUR"
[[offerings]]
id = 1
name = "Always one more"
price = { amount = 1250 }
inventory = { model = "unlimited" }
[[offerings]]
id = 2
name = "A seat"
price = { amount = 1250 }
inventory = { model = "seats", capacity = 3 }
"#;

pub(crate) fn plan(tables: &str) -> Plan {
    Plan::parse("demo.toml", &format!("{BASE}{tables}")).unwrap()
}

pub(crate) const OPERATOR: &str = "[confirmation]\nby = 'operator'\nwithin = '2 h'";

/// Memory stores that outlive an engine, with a journal that fails on demand. The snapshots can be
/// lost on demand, too.
pub(crate) struct Disk {
    journal: Mutex<Arc<MemoryJournal>>,
    faulty: Mutex<Option<Arc<FaultyJournal<MemoryJournal>>>>,
    snapshots: Arc<FaultySnapshots<MemorySnapshots>>,
    full: Mutex<bool>,
}

impl Default for Disk {
    fn default() -> Self {
        Disk::over(MemoryJournal::new(7))
    }
}

impl Disk {
    pub(crate) fn over(journal: Arc<MemoryJournal>) -> Disk {
        Disk {
            journal: Mutex::new(journal),
            faulty: Mutex::default(),
            snapshots: FaultySnapshots::new(MemorySnapshots::new()),
            full: Mutex::new(false),
        }
    }

    pub(crate) fn journal(&self) -> Arc<FaultyJournal<MemoryJournal>> {
        self.faulty.lock().unwrap().clone().expect("an engine is open")
    }

    pub(crate) fn snapshots(&self) -> &FaultySnapshots<MemorySnapshots> {
        &self.snapshots
    }

    /// The journal as the next engine will find it, to be written to behind its back.
    pub(crate) fn reopened(&self) -> Arc<MemoryJournal> {
        let mut journal = self.journal.lock().unwrap();
        *journal = journal.reopened();
        *self.faulty.lock().unwrap() = None;
        journal.clone()
    }

    pub(crate) fn set_full(&self, full: bool) {
        *self.full.lock().unwrap() = full;
    }
}

impl Stores for Disk {
    fn open(&self) -> Result<Opened, JournalError> {
        let mut journal = self.journal.lock().unwrap();
        let mut faulty = self.faulty.lock().unwrap();
        if faulty.is_some() {
            *journal = journal.reopened();
        }
        let opened = FaultyJournal::new(Arc::clone(&journal));
        *faulty = Some(Arc::clone(&opened));
        Ok((opened, self.snapshots.clone()))
    }

    fn room(&self) -> Result<(), String> {
        if *self.full.lock().unwrap() { Err("the disk is full".to_owned()) } else { Ok(()) }
    }
}

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) market: Market,
    pub(crate) bank: Arc<Bank>,
}

impl World {
    pub(crate) async fn open(tables: &str, disk: Arc<Disk>, bank: Arc<Bank>) -> World {
        World::open_at(0, tables, disk, bank).await
    }

    /// Opens so many hours later than the others.
    pub(crate) async fn open_at(
        hours: u64,
        tables: &str,
        disk: Arc<Disk>,
        bank: Arc<Bank>,
    ) -> World {
        let mut options = Options::new(Data::Stores(disk), vec![plan(tables)]);
        options.gateway = bank.clone();
        let now = Timestamp(1_800_000_000_000 + hours * 3_600_000);
        options.clock = Arc::new(RuntimeClock::starting_at(now));
        let engine = Engine::open(options).await.unwrap();
        let market = engine.market("demo").unwrap();
        World { engine, market, bank }
    }

    pub(crate) async fn fresh(tables: &str) -> World {
        World::open(tables, Arc::default(), Arc::default()).await
    }

    pub(crate) async fn with_bank(tables: &str, bank: Bank) -> World {
        World::open(tables, Arc::default(), Arc::new(bank)).await
    }

    pub(crate) async fn place(&self, offering: u64) -> surehold::Placement {
        self.engine.place(self.market, order(offering), None).await.unwrap()
    }

    pub(crate) async fn order(&self, order: OrderId) -> OrderView {
        self.engine.order(self.market, order).await.unwrap()
    }

    pub(crate) async fn command(&self, order: OrderId, command: OrderCommand) -> OrderView {
        self.engine.command(self.market, order, command).await.unwrap()
    }

    pub(crate) async fn phase(&self, order: OrderId, phase: Phase) -> OrderView {
        until(&format!("order {order} is {phase}"), || async {
            let view = self.order(order).await;
            (view.phase == phase).then_some(view)
        })
        .await
    }

    /// The balances are right, and what the bank holds is what the books say.
    pub(crate) async fn check_books(&self) {
        let audit = self.engine.audit().await.unwrap();
        assert!(audit.balanced, "{:?}", audit.findings);
        let kept: i128 = audit
            .money
            .iter()
            .flat_map(|(_, accounts)| accounts)
            .filter(|account| account.name == "kept")
            .map(|account| account.holds)
            .sum();
        assert_eq!(kept, i128::from(self.bank.holds()), "the books and the bank agree");
    }
}

pub(crate) fn order(offering: u64) -> NewOrder {
    NewOrder {
        customer: "ann".to_owned(),
        offering: OfferingId(offering),
        quantity: Quantity::ONE,
        booking: Booking::Units,
        card: Some("7".to_owned()),
        attributes: Attributes::new(),
    }
}

pub(crate) fn cancel() -> OrderCommand {
    OrderCommand::Cancel { note: None, quote: None, attributes: Attributes::new() }
}

/// Looks until the condition holds. With paused time the looks cost no time at all; the bound is
/// there so that a test fails with words instead of hanging.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(120), looking).await {
        Ok(found) => found,
        Err(_) => panic!("it never came about that {what}"),
    }
}

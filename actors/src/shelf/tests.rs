//! The shelf between readers, writers and checkpoints: whatever is in a snapshot, sealed, or new, a thing
//! reads the same, and nothing is lost on the way.

use std::sync::Arc;

use surehold_domain::id::{MarketId, OrderId, OrderKey, PaymentId};
use surehold_domain::money::{Currency, Money};
use surehold_domain::payment::{Event, Fact, Payment};
use surehold_domain::time::Timestamp;
use surehold_storage::{
    Change, Direction, Entry, MemoryJournal, MemorySnapshots, SnapshotError, SnapshotStore,
};

use super::checkpoint::Checkpoints;
use super::recover::recover;
use super::*;
use crate::agenda::Agenda;
use crate::stream::PaymentKey;

const MARKET: MarketId = MarketId(0);

fn key(payment: u64) -> PaymentKey {
    PaymentKey { market: MARKET, payment: PaymentId(payment) }
}

fn requested() -> Event {
    let order = OrderKey { market: MARKET, order: OrderId(1) };
    let amount = Money::zero(Currency::parse("EUR").unwrap());
    Event::Requested { order, amount, card: None }
}

/// A journal whose records are durable when the test says so, and a shelf on it.
struct World {
    journal: Arc<MemoryJournal>,
    shelf: Shelf,
    checkpoints: Checkpoints,
}

impl World {
    fn on(journal: Arc<MemoryJournal>, snapshots: Arc<dyn SnapshotStore>) -> World {
        let shelf = Shelf::new(Arc::clone(&journal) as Arc<dyn Journal>, snapshots, usize::MAX);
        let checkpoints = recover(&shelf, &Agenda::default()).unwrap().checkpoints;
        World { journal, shelf, checkpoints }
    }

    fn new() -> World {
        World::on(MemoryJournal::held(1), MemorySnapshots::new())
    }

    /// What a restart after a power cut finds.
    fn again(&self) -> World {
        World::on(self.journal.reopened(), Arc::clone(self.shelf.snapshots()))
    }

    fn append(&self, payment: u64, event: Event) -> Loaded<Payment> {
        let stream = key(payment).stream();
        let known = self.shelf.load::<Payment>(stream).unwrap();
        let number = known.map_or(0, |known| known.machine.number()) + 1;
        let fact = Fact { at: Timestamp(u64::from(number)), event };
        self.shelf.append::<Payment>(stream, number, &fact).unwrap();
        self.load(payment)
    }

    fn settle(&self, payment: u64) {
        let loaded = self.load(payment);
        self.shelf.settle(key(payment).stream(), &loaded.machine, loaded.sequence).unwrap();
        assert_eq!(self.load(payment).machine, loaded.machine);
    }

    fn load(&self, payment: u64) -> Loaded<Payment> {
        self.shelf.load(key(payment).stream()).unwrap().unwrap()
    }

    fn checkpoint(&self) -> u64 {
        self.checkpoints.run(&self.shelf).unwrap();
        self.checkpoints.watermark()
    }
}

#[test]
fn a_state_stands_for_its_records() {
    let world = World::new();
    world.append(1, requested());
    let captured = world.append(1, Event::Captured);
    assert_eq!(world.shelf.tail_records(), 2);
    world.settle(1);
    assert_eq!(world.shelf.tail_records(), 1);
    world.settle(1);
    assert_eq!(world.shelf.tail_records(), 1, "once more changes nothing");
    let refunded = world.append(1, Event::Refunded(captured.machine.amount()));
    assert_eq!((refunded.machine.number(), world.shelf.tail_records()), (3, 2));
    // It does not know of the last record.
    world.shelf.settle(key(1).stream(), &captured.machine, captured.sequence).unwrap();
    assert_eq!(world.load(1).machine, refunded.machine);
}

#[test]
fn whether_a_thing_is_there_is_known_wherever_it_lies() {
    let world = World::new();
    world.append(1, requested());
    world.append(2, requested());
    world.settle(2);
    let there = || [1, 2, 3].map(|one| world.shelf.exists(key(one).stream()).unwrap());
    assert_eq!(there(), [true, true, false], "as records, and as a state");
    world.journal.release();
    world.checkpoint();
    assert_eq!(world.shelf.tail_records(), 0);
    assert_eq!(there(), [true, true, false], "among the snapshots, on the page of the third");
}

#[test]
fn a_checkpoint_stores_what_is_durable_and_keeps_the_rest() {
    let world = World::new();
    for payment in 1..=3 {
        world.append(payment, requested());
    }
    world.append(2, Event::Captured);
    world.settle(2);
    world.journal.release();
    world.append(1, Event::Captured);
    assert_eq!(world.checkpoint(), 4);
    assert_eq!(world.shelf.tail_records(), 1, "what is not durable");
    assert_eq!(world.load(1).machine.number(), 2);
    // Lost with the power, as anything that was not on disk.
    let world = world.again();
    assert_eq!([1, 2, 3].map(|payment| world.load(payment).machine.number()), [1, 2, 1]);
}

#[test]
fn a_state_that_is_not_durable_holds_the_watermark_back() {
    let world = World::new();
    world.append(1, requested());
    world.append(2, requested());
    world.append(3, requested());
    world.journal.release();
    world.append(2, Event::Captured);
    world.settle(2);
    assert_eq!(world.checkpoint(), 1, "up to the first record that the state stands for");
    assert_eq!(world.load(2).machine.number(), 2);
    let after = world.again();
    assert_eq!([1, 2, 3].map(|payment| after.load(payment).machine.number()), [1, 1, 1]);
    after.append(2, Event::Captured);
    after.settle(2);
    after.journal.release();
    assert_eq!((after.checkpoint(), after.shelf.tail_records()), (4, 0));
    assert_eq!(after.again().load(2).machine.number(), 2);
}

#[test]
fn neighbours_on_a_page_go_each_their_own_way() {
    let world = World::new();
    for payment in 1..=5 {
        world.append(payment, requested());
    }
    for payment in [1, 2, 3] {
        world.settle(payment);
    }
    world.append(3, Event::Captured);
    world.journal.release();
    // At rest but not durable, with a later record, never at rest, and all of it on one page.
    world.append(2, Event::Captured);
    world.settle(2);
    world.append(4, Event::Captured);
    assert_eq!(world.checkpoint(), 1, "payment 2 began with the second record");
    let numbers =
        |world: &World| [1, 2, 3, 4, 5].map(|payment| world.load(payment).machine.number());
    assert_eq!(numbers(&world), [1, 2, 2, 2, 1]);
    assert_eq!(world.shelf.tail_records(), 2, "a state and a record");
    world.journal.release();
    assert_eq!((world.checkpoint(), world.shelf.tail_records()), (8, 0));
    assert_eq!(numbers(&world.again()), [1, 2, 2, 2, 1]);
}

/// Snapshots that fail when they are told to, and let somebody in while they change.
struct Interrupted {
    inner: Arc<MemorySnapshots>,
    on_apply: Mutex<Option<OnApply>>,
}

type OnApply = Box<dyn FnOnce() -> Result<(), SnapshotError> + Send>;

impl SnapshotStore for Interrupted {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, SnapshotError> {
        self.inner.get(space, key)
    }
    fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Entry>, SnapshotError> {
        self.inner.scan(space, from, to, direction, limit)
    }
    fn apply(&self, changes: Vec<Change>) -> Result<(), SnapshotError> {
        let act = self.on_apply.lock().unwrap().take();
        act.map_or(Ok(()), |act| act())?;
        self.inner.apply(changes)
    }
    fn sync(&self) -> Result<(), SnapshotError> {
        self.inner.sync()
    }
    fn clear(&self) -> Result<(), SnapshotError> {
        self.inner.clear()
    }
    fn size_on_disk(&self) -> u64 {
        self.inner.size_on_disk()
    }
}

fn interrupted() -> (Arc<World>, Arc<Interrupted>) {
    let on_apply = Mutex::default();
    let snapshots = Arc::new(Interrupted { inner: MemorySnapshots::new(), on_apply });
    let store = Arc::clone(&snapshots) as Arc<dyn SnapshotStore>;
    let world = Arc::new(World::on(MemoryJournal::held(1), store));
    for payment in 1..=4 {
        world.append(payment, requested());
    }
    world.settle(2);
    world.journal.release();
    (world, snapshots)
}

#[test]
fn what_a_checkpoint_could_not_store_stays() {
    let (world, snapshots) = interrupted();
    let failure = || Err(SnapshotError::InUse("somebody".into()));
    *snapshots.on_apply.lock().unwrap() = Some(Box::new(failure));
    world.checkpoints.run(&world.shelf).unwrap_err();
    assert_eq!((world.checkpoints.watermark(), world.shelf.tail_records()), (0, 4));
    world.append(1, Event::Captured);
    world.journal.release();
    assert_eq!((world.checkpoint(), world.shelf.tail_records()), (5, 0));
    assert_eq!([1, 2, 3].map(|payment| world.again().load(payment).machine.number()), [2, 1, 1]);
}

#[test]
fn a_checkpoint_that_dies_leaves_nothing_sealed() {
    let (world, snapshots) = interrupted();
    *snapshots.on_apply.lock().unwrap() = Some(Box::new(|| panic!("on purpose")));
    let run = std::panic::AssertUnwindSafe(|| world.checkpoints.run(&world.shelf));
    std::panic::catch_unwind(run).unwrap_err();
    assert_eq!(world.load(2).machine.number(), 1);
    world.append(2, Event::Captured);
    world.settle(2);
    world.append(3, Event::Captured);
    world.journal.release();
    assert_eq!((world.checkpoint(), world.shelf.tail_records()), (6, 0));
    assert_eq!([1, 2, 3].map(|payment| world.again().load(payment).machine.number()), [1, 2, 2]);
}

#[test]
fn whoever_writes_meanwhile_is_none_of_the_checkpoint_s() {
    let (world, snapshots) = interrupted();
    let writer = Arc::clone(&world);
    let write = move || {
        for payment in [1, 2] {
            assert_eq!(writer.append(payment, Event::Captured).machine.number(), 2);
        }
        writer.settle(2);
        writer.append(5, requested());
        Ok(())
    };
    *snapshots.on_apply.lock().unwrap() = Some(Box::new(write));
    assert_eq!((world.checkpoint(), world.shelf.tail_records()), (4, 3));
    let numbers =
        |world: &World| [1, 2, 3, 4, 5].map(|payment| world.load(payment).machine.number());
    assert_eq!(numbers(&world), [2, 2, 1, 1, 1]);
    world.journal.release();
    assert_eq!((world.checkpoint(), world.shelf.tail_records()), (7, 0));
    assert_eq!(numbers(&world.again()), [2, 2, 1, 1, 1]);
}

#[test]
fn a_state_stands_for_what_came_back_under_it() {
    // Of payment 1 a record comes back, of payment 2 a state.
    for payment in [1, 2] {
        let (world, snapshots) = interrupted();
        let writer = Arc::clone(&world);
        let write_and_fail = move || {
            writer.append(payment, Event::Captured);
            writer.settle(payment);
            Err(SnapshotError::InUse("somebody".into()))
        };
        *snapshots.on_apply.lock().unwrap() = Some(Box::new(write_and_fail));
        world.checkpoints.run(&world.shelf).unwrap_err();
        assert_eq!(world.load(payment).machine.number(), 2);
        assert_eq!(world.checkpoint(), payment - 1, "nothing else knows of its first record");
        assert_eq!([1, 2, 3].map(|payment| world.again().load(payment).machine.number()), [1; 3]);
    }
}

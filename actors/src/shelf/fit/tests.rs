//! Snapshots that are not what they should be: found when they are first used, and never believed.

mod quiet;

use std::collections::BTreeSet;
use std::sync::Arc;

use surehold_domain::id::{MarketId, OfferingId, OrderId, OrderKey, PaymentId};
use surehold_domain::inventory::{self, Inventory, Model, Offering};
use surehold_domain::money::{Currency, Money};
use surehold_domain::order::Claim;
use surehold_domain::payment::{Event, Fact, Payment};
use surehold_domain::quantity::Quantity;
use surehold_domain::time::Timestamp;
use surehold_storage::faulty::FaultySnapshots;
use surehold_storage::{Journal, MemoryJournal, MemorySnapshots, SnapshotStore, Space};

use super::super::checkpoint::Checkpoints;
use super::super::meta::META_KEY;
use super::super::page;
use super::super::parts::key_of;
use super::super::recover::{Recovered, recover};
use super::super::{META, OPEN};
use super::*;
use crate::agenda::Agenda;
use crate::stream::{OfferingKey, PaymentKey};

const MARKET: MarketId = MarketId(0);
/// Payments in a stretch.
const STRETCH: u64 = 32 * 32;

fn payment(payment: u64) -> Stream {
    PaymentKey { market: MARKET, payment: PaymentId(payment) }.stream()
}

fn offering(offering: u64) -> Stream {
    OfferingKey { market: MARKET, offering: OfferingId(offering) }.stream()
}

fn page_of(stream: Stream) -> Vec<u8> {
    page::of_snapshot(stream).0.to_key().to_vec()
}

/// What a process does between its start and its end.
struct Life {
    journal: Arc<MemoryJournal>,
    snapshots: Arc<dyn SnapshotStore>,
    shelf: Arc<Shelf>,
    checkpoints: Checkpoints,
    rebuilt: Option<String>,
}

impl Life {
    fn on(journal: Arc<MemoryJournal>, snapshots: Arc<dyn SnapshotStore>) -> Life {
        let store = Arc::clone(&snapshots);
        let shelf = Shelf::new(Arc::clone(&journal) as Arc<dyn Journal>, store, usize::MAX);
        let Recovered { checkpoints, rebuilt, .. } = recover(&shelf, &Agenda::default()).unwrap();
        Life { journal, snapshots, shelf: Arc::new(shelf), checkpoints, rebuilt }
    }

    fn new() -> Life {
        Life::on(MemoryJournal::new(1), MemorySnapshots::new())
    }

    /// The next one.
    fn next(&self) -> Life {
        Life::on(self.journal.reopened(), Arc::clone(&self.snapshots))
    }

    fn try_pay(&self, id: u64) -> Result<u32, ShelfError> {
        let order = OrderKey { market: MARKET, order: OrderId(id) };
        let amount = Money::zero(Currency::parse("EUR").unwrap());
        let known = self.number(id)?;
        let event = if known == 0 {
            Event::Requested { order, amount, card: None }
        } else {
            Event::Captured
        };
        let fact = Fact { at: Timestamp(1), event };
        self.shelf.append::<Payment>(payment(id), known + 1, &fact)?;
        Ok(known + 1)
    }

    fn pay(&self, ids: impl IntoIterator<Item = u64>) {
        for id in ids {
            self.try_pay(id).unwrap();
        }
        self.checkpoint();
    }

    /// How many facts of a payment there are.
    fn number(&self, id: u64) -> Result<u32, ShelfError> {
        let loaded = self.shelf.load::<Payment>(payment(id))?;
        Ok(loaded.map_or(0, |loaded| loaded.machine.number()))
    }

    fn offer(&self, id: u64) {
        let model = Model::Seats { capacity: Quantity::whole(1_000_000).unwrap() };
        let price = Money::zero(Currency::parse("EUR").unwrap());
        let (name, overbook) = ("a seat".to_owned(), Quantity::NONE);
        let opened = Offering { name, price, model, overbook, attributes: Default::default() };
        self.happens(id, inventory::Event::Opened(Box::new(opened)));
    }

    fn hold(&self, id: u64, orders: impl IntoIterator<Item = u64>) {
        for order in orders {
            let (order, claim) = (OrderId(order), Claim::Units(Quantity::ONE));
            self.happens(id, inventory::Event::Held { order, claim });
        }
    }

    fn happens(&self, id: u64, event: inventory::Event) {
        let known = self.shelf.load_head::<Inventory>(offering(id)).unwrap();
        let number = known.map_or(0, |known| known.machine.number()) + 1;
        let fact = inventory::Fact { at: Timestamp(1), event };
        self.shelf.append::<Inventory>(offering(id), number, &fact).unwrap();
    }

    fn offered(&self, id: u64) -> Result<Option<Inventory>, ShelfError> {
        Ok(self.shelf.load::<Inventory>(offering(id))?.map(|loaded| loaded.machine))
    }

    fn checkpoint(&self) {
        self.checkpoints.run(&self.shelf).unwrap();
    }

    fn stored(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.snapshots.get(SNAPSHOTS, key).unwrap()
    }

    /// Behind everybody's back.
    fn put(&self, key: &[u8], value: Option<Vec<u8>>) {
        let (space, key) = (SNAPSHOTS, key.to_vec());
        let change = match value {
            Some(value) => Change::Put { space, key, value },
            None => Change::Remove { space, key },
        };
        self.snapshots.apply(vec![change]).unwrap();
    }

    /// Looks at everything, as if all of it were used.
    fn check_all(&self) -> Result<usize, ShelfError> {
        let all = |space| self.snapshots.scan(space, &[], &[0xff; 20], Direction::Up, usize::MAX);
        let mut stretches = BTreeSet::new();
        for (key, value) in all(STRETCHES).unwrap() {
            let sheet = Sheet::from_key(&key).unwrap();
            stretches.extend(Lines::read(Some(&value)).all().map(|line| Stretch { sheet, line }));
        }
        let said = stretches.len();
        for (key, _) in all(SNAPSHOTS).unwrap() {
            stretches.insert(Stretch::of(&key).unwrap());
        }
        assert_eq!(said, stretches.len(), "each has a line");
        stretches.iter().try_for_each(|stretch| self.shelf.check(*stretch)).map(|()| said)
    }

    /// Nothing of the snapshots is used any more, and the next life builds them anew.
    fn is_given_up(&self) -> Life {
        assert!(matches!(self.number(1), Err(ShelfError::Unfit(_))), "nothing of them is used");
        assert!(self.journal.durable().closed().is_some(), "nothing is taken any more");
        assert!(self.checkpoints.run(&self.shelf).is_err() || self.shelf.tail_records() == 0);
        assert_eq!(self.snapshots.get(META, META_KEY).unwrap(), None, "they stand for nothing");
        let next = self.next();
        assert!(next.rebuilt.is_some(), "they were built anew");
        next.check_all().unwrap();
        next
    }
}

fn is_unfit<T: std::fmt::Debug>(found: Result<T, ShelfError>) {
    assert!(matches!(found, Err(ShelfError::Unfit(_))), "{found:?}");
}

/// What happens to an entry while nobody looks.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Lost,
    Older,
    Foreign,
}

/// How somebody comes to read it.
type FirstUse = fn(&Life, u64) -> Result<u32, ShelfError>;

const HARMS: [Harm; 3] = [Harm::Lost, Harm::Older, Harm::Foreign];

#[test]
fn a_page_that_is_not_what_it_should_be_is_found_when_its_stretch_is_first_used() {
    for harm in HARMS {
        let life = Life::new();
        let (harmed, beside) = (STRETCH + 500, 2 * STRETCH - 1);
        life.pay(1..3 * STRETCH);
        let (key, older) = (page_of(payment(harmed)), life.stored(&page_of(payment(harmed))));
        life.pay(STRETCH..2 * STRETCH);
        let value = match harm {
            Harm::Lost => None,
            Harm::Older => older,
            Harm::Foreign => {
                // As another folder has it: as many entries, and as sound.
                let other = Life::new();
                other.pay(1..STRETCH + 510);
                other.pay([harmed]);
                other.stored(&key)
            }
        };
        assert_ne!(value, life.stored(&key));
        life.put(&key, value);
        let first_uses: [FirstUse; 2] = [Life::number, Life::try_pay];
        for (number, first_use) in first_uses.into_iter().enumerate() {
            for used in [harmed, beside] {
                let copied = Arc::<MemorySnapshots>::default();
                copy(&*life.snapshots, &*copied);
                let next = Life::on(life.journal.reopened(), copied);
                assert_eq!(next.rebuilt, None, "nobody looked yet");
                assert_eq!(next.number(1).unwrap(), 1, "{harm:?}: others are as good as ever");
                is_unfit(first_use(&next, used));
                let healed = next.is_given_up();
                let numbers = [1, harmed, beside].map(|id| healed.number(id).unwrap());
                assert_eq!(numbers, [1, 2, 2], "{harm:?}, {number}");
            }
        }
    }
}

fn copy(from: &dyn SnapshotStore, to: &dyn SnapshotStore) {
    for space in [SNAPSHOTS, OPEN, META, STRETCHES] {
        let all = from.scan(space, &[], &[0xff; 20], Direction::Up, usize::MAX).unwrap();
        let put = |(key, value)| Change::Put { space, key, value };
        to.apply(all.into_iter().map(put).collect()).unwrap();
    }
}

#[test]
fn an_entry_that_should_not_be_there_is_found_and_is_nobody() {
    for beside in [true, false] {
        let life = Life::new();
        life.pay(1..100);
        let place = Stream { id: page::of_snapshot(payment(1)).0.id + 8, ..payment(1) };
        let alone = Stream { id: place.id + 500, ..place };
        let place = if beside { place } else { alone };
        let value = life.stored(&page_of(payment(1)));
        life.put(&place.to_key(), value);
        let next = life.next();
        assert_eq!(next.rebuilt, None);
        is_unfit(next.number(page::snapshot_stream(place, 5).id));
        assert_eq!(next.is_given_up().number(99).unwrap(), 1);
    }
}

#[test]
fn a_value_that_is_damaged_has_everything_built_anew() {
    let snapshots = FaultySnapshots::new(MemorySnapshots::new());
    let life = Life::on(MemoryJournal::new(1), snapshots.clone());
    life.pay(1..2 * STRETCH);
    let next = life.next();
    assert_eq!(next.number(1).unwrap(), 1, "its stretch was looked at");
    // On a page beside it that was good a moment ago.
    snapshots.damage(SNAPSHOTS, &page_of(payment(200)));
    assert_eq!(next.number(1).unwrap(), 1);
    is_unfit(next.number(200));
    next.is_given_up();
}

#[test]
fn a_store_that_was_only_away_is_as_good_as_ever_when_it_is_back() {
    let snapshots = FaultySnapshots::new(MemorySnapshots::new());
    let life = Life::on(MemoryJournal::new(1), snapshots.clone());
    life.pay(1..10);
    let next = life.next();
    snapshots.set_unavailable(true);
    is_unfit(next.number(1));
    assert!(next.journal.durable().closed().is_some(), "the data is opened anew");
    snapshots.set_unavailable(false);
    is_unfit(next.number(1));
    let next = next.next();
    assert_eq!((next.rebuilt.clone(), next.number(1).unwrap()), (None, 1));
}

#[test]
fn an_opening_that_is_over_spoils_nothing_for_the_next() {
    let life = Life::new();
    life.pay(1..10);
    let old = life.next();
    old.journal.close();
    let stored = life.stored(&page_of(payment(1)));
    // As the next opening builds it anew.
    life.put(&page_of(payment(1)), None);
    is_unfit(old.number(1));
    life.put(&page_of(payment(1)), stored);
    let next = old.next();
    assert_eq!((next.rebuilt.clone(), next.number(1).unwrap()), (None, 1));
}

#[test]
fn a_checkpoint_changes_nothing_beside_what_does_not_fit() {
    let life = Life::new();
    life.pay(1..200);
    life.put(&page_of(payment(70)), None);
    let next = life.next();
    // Its records begin with the first, so that nothing was read to write them.
    let order = OrderKey { market: MARKET, order: OrderId(300) };
    let amount = Money::zero(Currency::parse("EUR").unwrap());
    let event = Event::Requested { order, amount, card: None };
    let fact = Fact { at: Timestamp(1), event };
    next.shelf.append::<Payment>(payment(300), 1, &fact).unwrap();
    is_unfit(next.checkpoints.run(&next.shelf));
    assert_eq!(next.stored(&page_of(payment(300))), None);
    let healed = next.is_given_up();
    assert_eq!([70, 300].map(|id| healed.number(id).unwrap()), [1, 1]);
}

/// What becomes of an offering's entries.
type Spoil = fn(&Life, &[Vec<u8>; 2]);

#[test]
fn an_offering_with_a_head_or_a_part_that_is_wrong_decides_nothing() {
    let spoils: [Spoil; 6] = [
        |life, [head, _]| life.put(head, None),
        |life, [_, part]| life.put(part, None),
        // The only one of its stretch.
        |life, _| life.put(&key_of(offering(7), 1), None),
        |life, [head, _]| life.put(head, life.stored(&page_of(offering(8)))),
        |life, [_, part]| life.put(part, life.stored(&key_of(offering(8), 9))),
        // One too many, where there is no other.
        |life, [_, part]| life.put(&key_of(offering(7), 4_000), life.stored(part)),
    ];
    for (number, spoil) in spoils.into_iter().enumerate() {
        let life = Life::new();
        for id in [7, 8] {
            life.offer(id);
            life.hold(id, [20_000, 150_000, 170_000]);
        }
        life.hold(7, [150_001]);
        life.checkpoint();
        let expected = life.offered(7).unwrap();
        spoil(&life, &[page_of(offering(7)), key_of(offering(7), 9)]);
        let next = life.next();
        assert_eq!(next.rebuilt, None);
        is_unfit(next.offered(7));
        let healed = next.is_given_up();
        assert_eq!(healed.offered(7).unwrap(), expected, "{number}");
        // All of it was found to fit. What comes to it does not have it looked through again.
        healed.hold(7, [1, 900_000]);
        healed.checkpoint();
        healed.offered(7).unwrap();
        healed.next().check_all().unwrap();
    }
}

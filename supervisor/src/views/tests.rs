//! Sets, scans, collections and postings against the plainest model there is, stored at odd moments.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use surehold_domain::id::MarketId;
use surehold_domain::time::Timestamp;
use surehold_storage::faulty::Dice;
use surehold_storage::{
    Change, Direction, Entry, MemorySnapshots, SnapshotError, SnapshotStore, Space,
};

use super::Whose;
use super::generation::Generation;
use super::index::Index;
use super::keys::{count_key, page_key, set_key, tag_of};
use super::set::Set;
use crate::view::Collection;

const MARKET: MarketId = MarketId(3);
const NOW: Timestamp = Timestamp(0);

fn index(store: Arc<dyn SnapshotStore>) -> Index {
    Index::nowhere(&store, NOW).beside(NOW)
}

#[test]
fn a_set_is_what_joined_and_did_not_leave() {
    let mut dice = Dice::new(5);
    let mut index = index(MemorySnapshots::new());
    let mut model = BTreeSet::new();
    for round in 0..4000 {
        // Numbers far apart as well as neighbours.
        let number = dice.below(3) * 200_000 + dice.below(700);
        if dice.below(5) < 3 {
            index.join(Set::Waiting, MARKET, number).unwrap();
            model.insert(number);
        } else {
            index.leave(Set::Waiting, MARKET, number).unwrap();
            model.remove(&number);
        }
        // Neighbouring sets do not mix.
        index.join(Set::Reviews, MARKET, round).unwrap();
        index.join(Set::Waiting, MarketId(4), round).unwrap();
        if dice.below(50) == 0 {
            index.store(NOW, false).unwrap();
        }
        if round % 100 != 0 {
            continue;
        }
        let (after, limit) = (dice.below(600_000), usize::try_from(dice.below(900)).unwrap());
        let found = index.members(Set::Waiting, MARKET, after, limit).unwrap();
        let expected: Vec<u64> = model.range(after + 1..).take(limit).copied().collect();
        assert_eq!(found, expected, "round {round}");
        let offset = dice.below(model.len() as u64 + 5);
        let found = index.members_after(Set::Waiting, MARKET, offset, limit).unwrap();
        let skip = usize::try_from(offset).unwrap();
        let expected: Vec<u64> = model.iter().skip(skip).take(limit).copied().collect();
        assert_eq!(found, expected, "round {round}");
        assert_eq!(index.size(Set::Waiting, MARKET).unwrap(), model.len() as u64);
    }
    for number in model {
        index.leave(Set::Waiting, MARKET, number).unwrap();
    }
    assert_eq!(index.size(Set::Waiting, MARKET).unwrap(), 0);
    assert_eq!(index.members(Set::Waiting, MARKET, 0, 10).unwrap(), [] as [u64; 0]);
    let (from, to) = (set_key(1, MARKET, 0), set_key(1, MARKET, u64::MAX));
    assert_eq!(index.scan(&from, &to, 10).unwrap(), [], "empty pages are gone");
}

#[test]
fn a_collection_is_its_rows_in_order_stored_or_not() {
    let store: Arc<dyn SnapshotStore> = MemorySnapshots::new();
    let (mut dice, mut model) = (Dice::new(11), Vec::new());
    let mut index = index(Arc::clone(&store));
    for round in 0..1400 {
        let id = dice.below(1_000_000);
        model.push(id);
        let row = index.add(Collection::Orders, MARKET, id).unwrap();
        assert_eq!(row, model.len() as u64);
        // Neighbouring collections do not mix.
        index.add(Collection::Payments, MARKET, round).unwrap();
        index.add(Collection::Orders, MarketId(4), round).unwrap();
        if dice.below(90) == 0 {
            index.store(NOW, true).unwrap();
            if dice.below(2) == 0 {
                index = Index::open_in(&store, NOW).unwrap();
            }
        }
        let (offset, limit) = (dice.below(1500), usize::try_from(dice.below(600)).unwrap());
        let rows = index.rows(MARKET, Collection::Orders, offset, limit).unwrap();
        let skip = usize::try_from(offset).unwrap();
        let wanted: Vec<u64> = model.iter().skip(skip).take(limit).copied().collect();
        assert_eq!((rows.ids, rows.total), (wanted, model.len() as u64), "round {round}");
    }
    index.store(NOW, true).unwrap();
    let tag = tag_of(Collection::Orders);
    let generation = Generation::live(&store).unwrap();
    let count = generation.get(&count_key(tag, MARKET)).unwrap().unwrap();
    assert_eq!(count, 1400_u64.to_be_bytes());
    let (from, to) = (page_key(tag, MARKET, 0), page_key(tag, MARKET, u64::MAX));
    let pages = generation.scan(&from, &to, Direction::Up, 100).unwrap();
    let wanted = model.chunks(256).zip(0..).map(|(ids, page)| {
        (page_key(tag, MARKET, page), ids.iter().flat_map(|id| id.to_be_bytes()).collect())
    });
    assert_eq!(pages, wanted.collect::<Vec<Entry>>());
}

#[test]
fn what_belongs_to_somebody_is_found_stored_or_not() {
    let store: Arc<dyn SnapshotStore> = MemorySnapshots::new();
    let (mut dice, mut model) = (Dice::new(12), BTreeSet::new());
    let mut index = index(Arc::clone(&store));
    for round in 0..1200 {
        let (customer, id) = (dice.below(3), dice.below(10_000));
        let name = |customer: u64| format!("customer {customer}");
        index.post(MARKET, Whose::Customer(&name(customer)), id);
        model.insert((customer, id));
        if dice.below(70) == 0 {
            index.store(NOW, true).unwrap();
        }
        let (customer, after) = (dice.below(3), dice.below(10_000));
        let limit = usize::try_from(dice.below(300)).unwrap();
        let whose = name(customer);
        let found = index.numbers_of(MARKET, Whose::Customer(&whose), after, limit).unwrap();
        let wanted = model.range((customer, after + 1)..(customer + 1, 0)).take(limit);
        assert_eq!(found, wanted.map(|(_, id)| *id).collect::<Vec<_>>(), "round {round}");
    }
}

/// Counts what is read.
struct Counting(Arc<MemorySnapshots>, AtomicUsize);

impl SnapshotStore for Counting {
    fn apply(&self, changes: Vec<Change>) -> Result<(), SnapshotError> {
        self.0.apply(changes)
    }
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, SnapshotError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.get(space, key)
    }
    fn scan(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Entry>, SnapshotError> {
        let found = self.0.scan(space, from, to, direction, limit)?;
        self.1.fetch_add(found.len(), Ordering::Relaxed);
        Ok(found)
    }
    fn sync(&self) -> Result<(), SnapshotError> {
        self.0.sync()
    }
    fn clear(&self) -> Result<(), SnapshotError> {
        self.0.clear()
    }
    fn size_on_disk(&self) -> u64 {
        0
    }
}

#[test]
fn a_page_of_a_long_queue_reads_few_keys() {
    let store = Arc::new(Counting(MemorySnapshots::new(), AtomicUsize::new(0)));
    let mut index = index(store.clone());
    for number in 1..=200_000 {
        index.join(Set::Waiting, MARKET, number).unwrap();
        if number % 50_000 == 0 {
            index.store(NOW, false).unwrap();
        }
    }
    // The oldest half was spoken of since the last storing.
    for number in 1..=100_000 {
        index.leave(Set::Waiting, MARKET, number).unwrap();
    }
    index.store(NOW, false).unwrap();
    store.1.store(0, Ordering::Relaxed);
    let first = index.members(Set::Waiting, MARKET, 0, 257).unwrap();
    assert_eq!((first[0], first.len()), (100_001, 257));
    let late = index.members(Set::Waiting, MARKET, 150_000, 257).unwrap();
    assert_eq!(late[256], 150_257);
    let deep = index.members_after(Set::Waiting, MARKET, 70_000, 1).unwrap();
    assert_eq!(deep, [170_001]);
    // At worst the pages of one block, and some more.
    let read = store.1.load(Ordering::Relaxed);
    assert!(read < 256 + 3 * 64, "{read} keys");
}

#[test]
fn what_is_not_live_is_swept_and_nothing_else() {
    let store: Arc<dyn SnapshotStore> = MemorySnapshots::new();
    let first = Generation::live(&store).unwrap();
    let (second, third) = (first.next(), first.next().next());
    for generation in [&first, &second, &third] {
        let put = |number: u8| generation.change(&[number, 0xff], Some(vec![number]));
        generation.apply((0..20).map(put).collect()).unwrap();
    }
    store.apply(vec![second.goes_live()]).unwrap();
    let live = Generation::live(&store).unwrap();
    let mut steps = 0;
    while live.sweep(8).unwrap() {
        steps += 1;
    }
    assert_eq!(steps, 6);
    for (generation, left) in [(&first, 0), (&second, 20), (&third, 0)] {
        let found = generation.scan(&[], &[0xff], Direction::Up, 100).unwrap();
        assert_eq!(found.len(), left);
    }
    let mut wrapped = first.clone();
    for _ in 0..250 {
        wrapped = wrapped.next();
    }
    wrapped.apply(vec![wrapped.change(b"x", Some(vec![1]))]).unwrap();
    assert_eq!(first.get(b"x").unwrap(), Some(vec![1]), "after the last comes the first");
}

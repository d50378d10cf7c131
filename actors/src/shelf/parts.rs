//! Parts: what grows with the orders of one thing is stored apart from the rest of it.
//!
//! An offering knows who holds how much of it. Would a checkpoint write all of that anew because one
//! order came, then each order would cost what there ever were. So of such a thing the *head* is stored
//! like any snapshot, and its *parts* under keys of their own: the head's key, then the part's number. A
//! checkpoint reads and writes the head and those parts that its facts are about.
//!
//! Head and parts are changed in one batch only, and the head with every fact. A head may hold all of it
//! itself, without parts; the next checkpoint takes it apart.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use surehold_storage::codec;
use surehold_storage::{Change, Stream};

use super::changed::Changed;
use super::meta::Sums;
use super::page;
use super::tails::TailRecord;
use super::{Loaded, SNAPSHOTS, Shelf, ShelfError, Stored, decode_stored, fold_one};
use crate::machine::Machine;

/// How often head and parts are read before it is given up that both are of one moment. Between two
/// checkpoints of one thing lie seconds.
const READS_MAX: usize = 16;

/// The key of a part.
pub(super) fn key_of(stream: Stream, part: u64) -> Vec<u8> {
    let mut key = page::of_snapshot(stream).0.to_key().to_vec();
    key.extend(part.to_be_bytes());
    key
}

/// The whole thing as it is stored. One scan reads it, so all of it is of one moment.
pub(super) fn load<M: Machine>(
    shelf: &Shelf,
    stream: Stream,
) -> Result<Option<Loaded<M>>, ShelfError> {
    let (place, slot) = page::of_snapshot(stream);
    let mut entries = shelf.entries_of(place)?.into_iter();
    let head = entries.next().filter(|(key, _)| *key == place.to_key());
    let Some((_, head)) = head else { return Ok(None) };
    let Some(head) = page::find(&head, slot) else { return Ok(None) };
    let mut loaded = decode_stored::<M>(stream, head)?;
    for (_, part) in entries {
        put(stream, &mut loaded.machine, &part)?;
    }
    Ok(Some(loaded))
}

/// The head as it is stored, with the parts that these facts are about.
pub(super) fn load_for<M: Machine>(
    shelf: &Shelf,
    stream: Stream,
    tail: &[TailRecord],
) -> Result<Option<Loaded<M>>, ShelfError> {
    let (place, slot) = page::of_snapshot(stream);
    let parts = changed_by::<M>(stream, tail)?;
    let mut head = shelf.entry(&place.to_key())?;
    for _ in 0..READS_MAX {
        let entry = head.as_deref().and_then(|head| page::find(head, slot));
        let Some(entry) = entry else { return Ok(None) };
        let mut loaded = decode_stored::<M>(stream, entry)?;
        for part in &parts {
            if let Some(bytes) = shelf.entry(&key_of(stream, *part))? {
                put(stream, &mut loaded.machine, &bytes)?;
            }
        }
        let again = shelf.entry(&place.to_key())?;
        if again == head {
            return Ok(Some(loaded));
        }
        head = again;
    }
    load(shelf, stream)
}

/// Folds facts into what is stored, and says what changes with that.
pub(super) fn fold<M: Machine>(
    shelf: &Shelf,
    stream: Stream,
    tail: &[TailRecord],
    sums: &mut Sums,
) -> Result<Vec<Change>, ShelfError> {
    let codec_error = |source| ShelfError::Codec { stream, source };
    let (place, slot) = page::of_snapshot(stream);
    let mut head = Changed::load(shelf, SNAPSHOTS, place)?;
    let entry = head.get(slot).map(|entry| decode_stored::<M>(stream, entry));
    let mut loaded = entry.transpose()?;
    let mut parts = Parts::default();
    if let Some(loaded) = &mut loaded {
        // What the head itself still holds goes where it belongs.
        let own = loaded.machine.take_parts().map_err(codec_error)?;
        let mut wanted = changed_by::<M>(stream, tail)?;
        wanted.extend(own.keys());
        for part in wanted {
            let stored = parts.load(shelf, stream, part)?;
            for bytes in stored.as_deref().into_iter().chain(own.get(&part).map(|own| &**own)) {
                put(stream, &mut loaded.machine, bytes)?;
            }
        }
    }
    for record in tail {
        fold_one(stream, &mut loaded, record.number, record.sequence, &record.bytes)?;
    }
    let Some(Loaded { mut machine, sequence }) = loaded else { return Ok(Vec::new()) };
    let mut changes = parts.changes(machine.take_parts().map_err(codec_error)?, stream, sums);
    let snapshot = codec::encode(M::STATE_VERSION, &Stored { sequence, machine });
    head.put(slot, snapshot.map_err(codec_error)?.to_vec());
    changes.extend(head.change(sums));
    Ok(changes)
}

/// The parts under change, as they were stored.
#[derive(Default)]
struct Parts(BTreeMap<u64, Option<Vec<u8>>>);

impl Parts {
    fn load(
        &mut self,
        shelf: &Shelf,
        stream: Stream,
        part: u64,
    ) -> Result<Option<Vec<u8>>, ShelfError> {
        let stored = shelf.entry(&key_of(stream, part))?;
        self.0.insert(part, stored.clone());
        Ok(stored)
    }

    /// What becomes of them, entered into the sums.
    fn changes(
        mut self,
        new: BTreeMap<u64, Bytes>,
        stream: Stream,
        sums: &mut Sums,
    ) -> Vec<Change> {
        // Those of a thing that begins were not there.
        new.keys().for_each(|part| {
            self.0.entry(*part).or_default();
        });
        let mut changes = Vec::new();
        for (part, old) in self.0 {
            let new = new.get(&part);
            if old.as_deref() == new.map(|new| &**new) {
                continue;
            }
            let (space, key) = (SNAPSHOTS, key_of(stream, part));
            if let Some(old) = &old {
                sums.take(space, &key, old);
            }
            changes.push(match new {
                Some(new) => {
                    sums.add(space, &key, new);
                    Change::Put { space, key, value: new.to_vec() }
                }
                None => Change::Remove { space, key },
            });
        }
        changes
    }
}

/// The parts that these facts are about.
pub(super) fn changed_by<M: Machine>(
    stream: Stream,
    tail: &[TailRecord],
) -> Result<BTreeSet<u64>, ShelfError> {
    let mut parts = BTreeSet::new();
    for record in tail {
        let fact = M::fact_from_bytes(&record.bytes)
            .map_err(|source| ShelfError::Codec { stream, source })?;
        parts.extend(M::part_of(&fact));
    }
    Ok(parts)
}

/// Puts a part back.
pub(super) fn put<M: Machine>(
    stream: Stream,
    machine: &mut M,
    part: &[u8],
) -> Result<(), ShelfError> {
    machine.put_part(part).map_err(|source| ShelfError::Codec { stream, source })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use surehold_domain::id::{MarketId, OfferingId, OrderId};
    use surehold_domain::inventory::{Event, Fact, Inventory, Model, Offering};
    use surehold_domain::money::{Currency, Money};
    use surehold_domain::order::Claim;
    use surehold_domain::quantity::Quantity;
    use surehold_domain::time::Timestamp;
    use surehold_storage::{Direction, Journal, MemoryJournal, MemorySnapshots, SnapshotStore};

    use super::*;
    use crate::agenda::Agenda;
    use crate::shelf::checkpoint::Checkpoints;
    use crate::shelf::page::Page;
    use crate::shelf::recover::recover;
    use crate::stream::OfferingKey;

    const KEY: OfferingKey = OfferingKey { market: MarketId(0), offering: OfferingId(7) };

    /// A shelf, the offering on it, and the same offering as it should be.
    struct World {
        journal: Arc<MemoryJournal>,
        shelf: Shelf,
        checkpoints: Checkpoints,
        expected: Inventory,
    }

    impl World {
        fn on(journal: Arc<MemoryJournal>, snapshots: Arc<dyn SnapshotStore>) -> World {
            let truth = Arc::clone(&journal) as Arc<dyn Journal>;
            let shelf = Shelf::new(truth, snapshots, usize::MAX);
            let recovered = recover(&shelf, &Agenda::default()).unwrap();
            assert_eq!(recovered.rebuilt, None, "what is stored is what it says");
            let model = Model::Seats { capacity: Quantity::whole(1_000_000).unwrap() };
            let price = Money::zero(Currency::parse("EUR").unwrap());
            let (name, overbook) = ("a seat".to_owned(), Quantity::NONE);
            let offering =
                Offering { name, price, model, overbook, attributes: Default::default() };
            let event = Event::Opened(Box::new(offering));
            let opened = Fact { at: Timestamp(1), event };
            let stored = shelf.load::<Inventory>(KEY.stream()).unwrap();
            if stored.is_none() {
                shelf.append::<Inventory>(KEY.stream(), 1, &opened).unwrap();
            }
            let expected = stored.map(|loaded| loaded.machine);
            let expected =
                expected.unwrap_or_else(|| Inventory::begin(KEY.offering, &opened).unwrap());
            World { journal, shelf, checkpoints: recovered.checkpoints, expected }
        }

        fn new() -> World {
            World::on(MemoryJournal::new(1), MemorySnapshots::new())
        }

        fn again(self) -> World {
            World::on(self.journal.reopened(), Arc::clone(self.shelf.snapshots()))
        }

        fn append(&mut self, event: Event) {
            let fact = Fact { at: Timestamp(2), event };
            let number = self.expected.number() + 1;
            self.shelf.append::<Inventory>(KEY.stream(), number, &fact).unwrap();
            self.expected.apply(&fact);
        }

        fn hold(&mut self, orders: impl IntoIterator<Item = u64>) {
            for order in orders {
                let claim = Claim::Units(Quantity::ONE);
                self.append(Event::Held { order: OrderId(order), claim });
            }
        }

        fn release(&mut self, order: u64) {
            self.append(Event::Released { order: OrderId(order) });
        }

        fn checkpoint(&self) {
            self.checkpoints.run(&self.shelf).unwrap();
            self.check();
        }

        fn check(&self) {
            let whole = self.shelf.load::<Inventory>(KEY.stream()).unwrap().unwrap();
            assert_eq!(whole.machine, self.expected);
            let mut head = self.shelf.load_head::<Inventory>(KEY.stream()).unwrap().unwrap();
            assert_eq!(head.sequence, whole.sequence);
            head.machine.take_book();
            let mut expected = self.expected.clone();
            expected.take_book();
            assert_eq!(head.machine, expected, "all but the book");
        }

        /// The keys under which the offering is stored, with the values.
        fn stored(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
            let from = page::of_snapshot(KEY.stream()).0.to_key();
            let to = [&from[..], &[0xff; 9]].concat();
            let snapshots = self.shelf.snapshots();
            let found = snapshots.scan(SNAPSHOTS, &from, &to, Direction::Up, usize::MAX);
            found.unwrap().into_iter().collect()
        }
    }

    #[test]
    fn a_checkpoint_changes_only_what_its_facts_are_about() {
        let mut world = World::new();
        world.hold([1, 2, 20_000, 40_000, 60_000]);
        world.check();
        world.checkpoint();
        let before = world.stored();
        assert_eq!(before.len(), 5, "a head and four parts");
        world.hold([20_001]);
        world.release(40_000);
        world.check();
        world.checkpoint();
        let after = world.stored();
        let changed = before.iter().filter(|(key, value)| after.get(*key) != Some(value));
        assert_eq!(
            (changed.count(), after.len()),
            (3, 4),
            "the head, a part, and one that is gone"
        );
        let mut world = world.again();
        world.check();
        world.append(Event::Received { order: OrderId(100_000), quantity: Quantity::ONE });
        world.append(Event::Closed);
        world.checkpoint();
        world.again().check();
    }

    #[test]
    fn a_head_that_holds_all_of_it_is_taken_apart() {
        let mut world = World::new();
        world.hold([1, 20_000, 40_000]);
        world.checkpoint();
        // As it was stored before there were parts.
        let (place, slot) = page::of_snapshot(KEY.stream());
        let sequence = world.shelf.appended();
        let whole = Stored { sequence, machine: world.expected.clone() };
        let mut page = Page::default();
        page.put(slot, codec::encode(Inventory::STATE_VERSION, &whole).unwrap().to_vec());
        let parts = world.stored().into_keys().skip(1);
        let mut changes: Vec<Change> =
            parts.map(|key| Change::Remove { space: SNAPSHOTS, key }).collect();
        let (key, value) = (place.to_key().to_vec(), page.to_bytes().unwrap());
        changes.push(Change::Put { space: SNAPSHOTS, key, value });
        world.shelf.snapshots().apply(changes).unwrap();
        world.check();
        assert_eq!(world.stored().len(), 1);
        world.hold([20_001]);
        world.checkpoint();
        assert_eq!(world.stored().len(), 4, "a head and three parts");
    }

    #[test]
    fn a_part_that_aged_or_went_missing_is_never_used_and_has_everything_built_anew() {
        for aged in [true, false] {
            let mut world = World::new();
            world.hold([1, 20_000]);
            world.checkpoint();
            let (key, before) = world.stored().pop_last().unwrap();
            world.hold([20_001]);
            world.checkpoint();
            let (space, snapshots) = (SNAPSHOTS, world.shelf.snapshots());
            let change = if aged {
                Change::Put { space, key, value: before }
            } else {
                Change::Remove { space, key }
            };
            snapshots.apply(vec![change]).unwrap();
            let snapshots = Arc::clone(snapshots);
            let shelf = Shelf::new(world.journal.reopened(), Arc::clone(&snapshots), usize::MAX);
            assert_eq!(recover(&shelf, &Agenda::default()).unwrap().rebuilt, None);
            let found = shelf.load::<Inventory>(KEY.stream());
            assert!(matches!(found, Err(ShelfError::Unfit(_))), "{found:?}");
            let shelf = Shelf::new(world.journal.reopened(), snapshots, usize::MAX);
            assert!(recover(&shelf, &Agenda::default()).unwrap().rebuilt.is_some());
            let loaded = shelf.load::<Inventory>(KEY.stream()).unwrap().unwrap();
            assert_eq!(loaded.machine, world.expected);
        }
    }

    #[test]
    fn an_offering_that_is_not_there_has_no_head_either() {
        let world = World::new();
        let other = OfferingKey { offering: OfferingId(8), ..KEY }.stream();
        world.checkpoint();
        assert!(world.shelf.load::<Inventory>(other).unwrap().is_none());
        assert!(world.shelf.load_head::<Inventory>(other).unwrap().is_none());
    }
}

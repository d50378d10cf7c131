//! What is stored in parts is archived in parts, under the same keys: the head, and those parts that the
//! facts are about. A head from before holds all of it itself, and is taken apart with its next fact.

use std::collections::BTreeMap;

use surehold_storage::{Change, SnapshotStore, Stream, codec};

use super::super::page::{self, Page};
use super::super::parts::{changed_by, key_of, put};
use super::super::tails::TailRecord;
use super::super::{Loaded, SNAPSHOTS, ShelfError, Stored, decode_stored, fold_one};
use crate::machine::Machine;

/// Folds facts into the head on its page, and says what changes in the parts with that: both go in
/// one batch.
pub(super) fn fold<M: Machine>(
    archive: &dyn SnapshotStore,
    stream: Stream,
    page: &mut Page,
    tail: &[TailRecord],
) -> Result<Vec<Change>, ShelfError> {
    let codec_error = |source| ShelfError::Codec { stream, source };
    let slot = page::of_snapshot(stream).1;
    let loaded = page.get(slot).map(|entry| decode_stored::<M>(stream, entry));
    let mut loaded = loaded.transpose()?;
    let known = loaded.as_ref().map_or(0, |loaded| loaded.machine.number());
    let Some(new) = tail.iter().position(|record| record.number > known) else {
        return Ok(Vec::new());
    };
    let mut before = BTreeMap::new();
    if let Some(Loaded { machine, .. }) = &mut loaded {
        let own = machine.take_parts().map_err(codec_error)?;
        let mut wanted = changed_by::<M>(stream, &tail[new..])?;
        wanted.extend(own.keys());
        for part in wanted {
            let stored = archive.get(SNAPSHOTS, &key_of(stream, part))?;
            for bytes in stored.as_deref().into_iter().chain(own.get(&part).map(|own| &**own)) {
                put(stream, machine, bytes)?;
            }
            before.insert(part, stored);
        }
    }
    for record in &tail[new..] {
        fold_one(stream, &mut loaded, record.number, record.sequence, &record.bytes)?;
    }
    let Some(Loaded { mut machine, sequence }) = loaded else { return Ok(Vec::new()) };
    let after = machine.take_parts().map_err(codec_error)?;
    let snapshot = codec::encode(M::STATE_VERSION, &Stored { sequence, machine });
    page.put(slot, snapshot.map_err(codec_error)?.to_vec());
    let gone = before.iter().filter(|(part, old)| old.is_some() && !after.contains_key(part));
    let gone =
        gone.map(|(part, _)| Change::Remove { space: SNAPSHOTS, key: key_of(stream, *part) });
    let mut changes: Vec<Change> = gone.collect();
    for (part, value) in after {
        let (key, value) = (key_of(stream, part), value.to_vec());
        if before.get(&part).and_then(Option::as_ref) != Some(&value) {
            changes.push(Change::Put { space: SNAPSHOTS, key, value });
        }
    }
    Ok(changes)
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
    use surehold_storage::{Direction, MemorySnapshots, Record};

    use super::super::{fold as fold_all, states};
    use super::*;
    use crate::stream::{Kind, OfferingKey};

    const KEY: OfferingKey = OfferingKey { market: MarketId(0), offering: OfferingId(7) };

    /// An archive, and the offering in it as it should be.
    struct World {
        archive: Arc<MemorySnapshots>,
        expected: Inventory,
        sequence: u64,
    }

    impl World {
        fn new() -> World {
            let model = Model::Seats { capacity: Quantity::whole(1_000_000).unwrap() };
            let price = Money::zero(Currency::parse("EUR").unwrap());
            let (name, overbook) = ("a seat".to_owned(), Quantity::NONE);
            let offering =
                Offering { name, price, model, overbook, attributes: Default::default() };
            let opened = Fact { at: Timestamp(1), event: Event::Opened(Box::new(offering)) };
            let expected = Inventory::begin(KEY.offering, &opened).unwrap();
            let mut world = World { archive: MemorySnapshots::new(), expected, sequence: 0 };
            let record = world.record(&opened);
            world.fold(vec![record]);
            world
        }

        fn record(&mut self, fact: &Fact) -> Record {
            self.sequence += 1;
            let (stream, number) = (KEY.stream(), self.expected.number());
            let bytes = Inventory::fact_to_bytes(fact).unwrap();
            Record { sequence: self.sequence, stream, number, bytes }
        }

        fn add(&mut self, event: Event) -> Record {
            let fact = Fact { at: Timestamp(2), event };
            self.expected.apply(&fact);
            self.record(&fact)
        }

        fn held(&mut self, orders: &[u64]) -> Vec<Record> {
            let claim = |_| Claim::Units(Quantity::ONE);
            let orders = orders.iter().map(|order| (OrderId(*order), claim(order)));
            orders.map(|(order, claim)| self.add(Event::Held { order, claim })).collect()
        }

        fn fold(&self, records: Vec<Record>) {
            fold_all(&*self.archive, records, 1, || {}).unwrap();
            let archived = states::<Inventory>(&*self.archive, Kind::Offering).unwrap();
            assert_eq!(archived, [(KEY.stream(), self.expected.clone())]);
        }

        fn stored(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
            let found = self.archive.scan(SNAPSHOTS, &[], &[0xff], Direction::Up, usize::MAX);
            found.unwrap().into_iter().collect()
        }
    }

    #[test]
    fn a_stride_archives_only_what_its_facts_are_about() {
        let mut world = World::new();
        let records = world.held(&[1, 2, 20_000, 40_000, 60_000]);
        world.fold(records.clone());
        let before = world.stored();
        assert_eq!(before.len(), 5, "a head and four parts");
        world.fold(records.clone());
        assert_eq!(world.stored(), before, "the same once more");
        let mut more = world.held(&[20_001]);
        more.push(world.add(Event::Released { order: OrderId(40_000) }));
        world.fold(records.into_iter().chain(more).collect());
        let after = world.stored();
        let changed = before.iter().filter(|(key, value)| after.get(*key) != Some(value));
        let changed = (changed.count(), after.len());
        assert_eq!(changed, (3, 4), "the head, a part, and one that is gone");
    }

    #[test]
    fn a_head_that_holds_all_of_it_is_taken_apart_with_its_next_fact() {
        let mut world = World::new();
        world.held(&[1, 20_000, 40_000]);
        // As it was archived before there were parts.
        let (place, slot) = page::of_snapshot(KEY.stream());
        let whole = Stored { sequence: world.sequence, machine: world.expected.clone() };
        let mut page = Page::default();
        page.put(slot, codec::encode(Inventory::STATE_VERSION, &whole).unwrap().to_vec());
        let (key, value) = (place.to_key().to_vec(), page.to_bytes().unwrap());
        world.archive.apply(vec![Change::Put { space: SNAPSHOTS, key, value }]).unwrap();
        world.fold(Vec::new());
        assert_eq!(world.stored().len(), 1);
        let more = world.held(&[20_001]);
        world.fold(more);
        assert_eq!(world.stored().len(), 4, "a head and three parts");
    }

    #[test]
    fn who_knows_no_parts_is_told_before_there_are_any() {
        let world = World::new();
        let formats = world.archive.get(super::super::META, super::super::FORMATS_KEY).unwrap();
        assert_eq!(formats, Some(super::super::formats::archived()));
    }
}

//! What a cut left of the journal, read without an engine: cheap enough to be done for every cut.

use std::collections::BTreeMap;

use surehold::domain::id::{MarketId, OfferingId, OrderKey};
use surehold::domain::idempotency::KeyUse;
use surehold::domain::invariants;
use surehold::domain::inventory::Inventory;
use surehold::domain::payment::Payment;
use surehold::domain::saga::Saga;
use surehold::gateway::key::Key;
use surehold_actors::agenda::Agenda;
use surehold_actors::machine::Machine as _;
use surehold_actors::shelf::recover::recover;
use surehold_actors::shelf::{Shelf, archive};
use surehold_actors::stream::{self, Kind, OfferingKey, PaymentKey};
use surehold_storage::faulty::FaultyDisk;
use surehold_storage::{Journal, MemorySnapshots, RedbJournal, Stream};

use super::bank::Ledger;
use super::machine::IDENTITY;
use super::traffic::Told;

/// Records read in one go.
const READ: usize = 4096;

/// Opens the journal, reads all of it, and holds it against what had left the node. Says how many
/// records there were, and how many of them were removed.
pub(super) fn check(image: Vec<u8>, told: &[Told], ledger: &Ledger) -> Result<(u64, u64), String> {
    let journal = RedbJournal::open_on(FaultyDisk::holding(image), IDENTITY)
        .map_err(|error| format!("the journal does not open: {error}"))?;
    let keys = keys(&*journal)?;
    let records = (journal.last(), journal.anchor());
    let shelf = Shelf::new(journal.clone(), MemorySnapshots::new(), usize::MAX);
    recover(&shelf, &Agenda::default()).map_err(|error| format!("no recovery: {error}"))?;
    let book = Book { shelf, keys };
    told.iter().try_for_each(|told| book.holds(told))?;
    ledger.keys().try_for_each(|key| book.knows_charge(key))?;
    book.inventories()?;
    journal.close();
    Ok(records)
}

/// Reads every record, which checks every frame and its link to the one before; the orders by the
/// keys they were placed with.
fn keys(journal: &dyn Journal) -> Result<BTreeMap<(u16, String), u64>, String> {
    let (mut keys, mut after) = (BTreeMap::new(), journal.anchor());
    if let Some(archive) = journal.archive() {
        archive.verify().map_err(|error| format!("the archive does not hold: {error}"))?;
        let archived = archive::states::<KeyUse>(&*archive, Kind::Key);
        let archived = archived.map_err(|error| format!("the archive cannot be read: {error}"))?;
        let by_key = |(stream, used): (Stream, KeyUse)| ((stream.group, used.key), used.order.0);
        keys.extend(archived.into_iter().map(by_key));
    }
    loop {
        let read = journal.read_from(after, READ);
        let read = read.map_err(|error| format!("the journal cannot be read: {error}"))?;
        let Some(last) = read.last() else { break };
        after = last.sequence;
        for record in read.iter().filter(|record| Kind::of(record.stream) == Some(Kind::Key)) {
            let used = KeyUse::fact_from_bytes(&record.bytes);
            let used = used.map_err(|error| format!("a key cannot be read: {error}"))?;
            // The archive may know a record that is still there.
            let before = keys.insert((record.stream.group, used.key), used.order.0);
            if let Some(before) = before.filter(|before| *before != used.order.0) {
                return Err(format!("the key of order {before} made order {}, too", used.order));
            }
        }
    }
    if after != journal.last() {
        return Err(format!("{after} records of {} can be read", journal.last()));
    }
    Ok(keys)
}

struct Book {
    shelf: Shelf,
    keys: BTreeMap<(u16, String), u64>,
}

/// A market's number from its place among the plans.
fn market_id(market: usize) -> MarketId {
    MarketId(u16::try_from(market).unwrap_or(u16::MAX))
}

impl Book {
    fn saga(&self, key: OrderKey) -> Result<Option<Saga>, String> {
        let loaded = self.shelf.load::<Saga>(stream::order(key));
        Ok(loaded.map_err(|error| error.to_string())?.map(|loaded| loaded.machine))
    }

    /// What was told is there.
    fn holds(&self, told: &Told) -> Result<(), String> {
        let (shown, market) = (&told.order, market_id(told.market));
        let key = OrderKey { market, order: shown.id };
        let lost = || format!("order {}/{} was told and is lost", market.0, shown.id);
        let saga = self.saga(key)?.ok_or_else(lost)?;
        let order = saga.order();
        if (&order.customer, order.offering, order.price)
            != (&shown.customer, shown.offering, shown.price)
        {
            return Err(format!("order {}/{} is another one now", market.0, shown.id));
        }
        let step = |step: &surehold::domain::saga::Step| {
            step.at == shown.updated_at && step.phase == shown.phase
        };
        if !saga.history().iter().any(step) {
            let (told, phase) = (shown.phase, saga.phase());
            return Err(format!(
                "order {}/{} was told to be {told} and never was: it is {phase}",
                market.0, shown.id
            ));
        }
        if let Some((request, _)) = &told.placed {
            let used = self.keys.get(&(market.0, request.key.clone()));
            if used != Some(&shown.id.0) {
                return Err(format!(
                    "the key of order {}/{} is lost: {used:?}",
                    market.0, shown.id
                ));
            }
        }
        Ok(())
    }

    /// No charge left before its reason was on disk.
    fn knows_charge(&self, key: &str) -> Result<(), String> {
        let parsed = Key::parse(key).ok_or_else(|| format!("{key} is no key of ours"))?;
        let stream = PaymentKey { market: parsed.market, payment: parsed.payment }.stream();
        match self.shelf.load::<Payment>(stream) {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(format!("{key} was charged and is no payment")),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Nothing is oversold, and no unit is held by nobody.
    fn inventories(&self) -> Result<(), String> {
        for market in (0..super::traffic::MARKETS.len()).map(market_id) {
            let last = self.shelf.numbers().last(Kind::Offering, market);
            for offering in (1..=last).map(OfferingId) {
                let stream = OfferingKey { market, offering }.stream();
                let loaded = self.shelf.load::<Inventory>(stream);
                let Some(loaded) = loaded.map_err(|error| error.to_string())? else { continue };
                invariants::never_oversold(&loaded.machine)
                    .map_err(|broken| format!("{}: {}", broken.rule, broken.seen))?;
                for order in loaded.machine.holds().keys() {
                    let saga = self.saga(OrderKey { market, order: *order })?;
                    if saga.is_none_or(|saga| saga.order().offering != offering) {
                        return Err(format!(
                            "units of offering {}/{offering} are held by order {order}, which is none",
                            market.0
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

//! Recovery: snapshots up to the watermark, the journal after it, and nothing else.
//!
//! Time to ready depends on the tail and on the unfinished orders. A snapshot store that does not
//! fit the journal, or is not what its meta record says, is emptied and built anew from the journal.
//! What the meta record tells of is the index of unfinished orders and the sheets, one for 30,000
//! orders or more; the snapshots themselves are held against the sheets when they are read (`fit.rs`).

use surehold_domain::confirmation::Confirmation;
use surehold_domain::saga::{Party, Saga};
use surehold_domain::time::Timestamp;
use surehold_storage::codec;
use surehold_storage::{Direction, Record, Stream};
use tracing::{info, warn};

use super::changed::OPEN_VERSION;
use super::checkpoint::Checkpoints;
use super::meta::{FORMATS_KEY, META_KEY, META_VERSION, Meta, entry_hash};
use super::tails::TailRecord;
use super::{META, OPEN, SNAPSHOTS, STRETCHES, Shelf, ShelfError};
use super::{archive, formats, page};
use crate::agenda::{Agenda, Open};
use crate::machine::Machine;
use crate::stream::{ConfirmationKey, Kind, PaymentKey, order as order_stream, order_key};

/// Records read from the journal in one go.
pub(super) const READ_RECORDS: usize = 4096;
/// Entries read from the snapshots in one go.
const SCAN_ENTRIES: usize = 4096;

/// What a recovery found.
#[derive(Debug)]
pub struct Recovered {
    /// Goes on making checkpoints where the stored ones end.
    pub checkpoints: Checkpoints,
    /// Records replayed from the journal.
    pub replayed: u64,
    /// Why the snapshots had to be built anew, if they had to.
    pub rebuilt: Option<String>,
}

impl std::fmt::Debug for Checkpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checkpoints").field("watermark", &self.watermark()).finish()
    }
}

/// Fills an empty shelf and the agenda from disk. Blocks.
///
/// # Errors
/// [`ShelfError`] if the journal is damaged, or the snapshots cannot even be emptied.
pub fn recover(shelf: &Shelf, agenda: &Agenda) -> Result<Recovered, ShelfError> {
    if let Some(archive) = shelf.journal.archive() {
        archive::check(&*archive)?;
    }
    let (meta, rebuilt) = match usable(shelf) {
        Ok(meta) => (meta, None),
        Err(Unusable::Empty) => {
            formats::check_all(&**shelf.journal())?;
            (first(shelf)?, None)
        }
        Err(Unusable::JournalCut { watermark, last }) => {
            return Err(ShelfError::Cut { watermark, last });
        }
        Err(Unusable::Because(reason)) => {
            // Whoever made them may know more than we do. Then nothing of theirs is touched.
            formats::check_all(&**shelf.journal())?;
            warn!(reason, "the snapshots are built anew from the journal");
            shelf.snapshots.clear()?;
            (first(shelf)?, Some(reason))
        }
    };
    shelf.numbers.restore(&meta.counters);
    let watermark = meta.watermark;
    let checkpoints = Checkpoints::new(meta);
    let replayed = replay(shelf, &checkpoints, watermark)?;
    // After the replay, because checkpoints made on the way change the index.
    read_open(shelf, agenda)?;
    enter_tails(shelf, agenda)?;
    info!(watermark, replayed, unfinished = agenda.len(), "recovered");
    Ok(Recovered { checkpoints, replayed, rebuilt })
}

/// What empty snapshots begin with: what the journal's archive has, if the journal does not begin at
/// its beginning.
fn first(shelf: &Shelf) -> Result<Meta, ShelfError> {
    match shelf.journal.archive() {
        Some(archive) if shelf.journal.anchor() > 0 => archive::restore(shelf, &*archive),
        Some(_) | None => Ok(Meta::default()),
    }
}

enum Unusable {
    Empty,
    JournalCut { watermark: u64, last: u64 },
    Because(String),
}

fn usable(shelf: &Shelf) -> Result<Meta, Unusable> {
    let because = |reason: String| Unusable::Because(reason);
    let stored = shelf.snapshots.get(META, META_KEY).map_err(|e| because(e.to_string()))?;
    let Some(bytes) = stored else {
        for space in [SNAPSHOTS, OPEN, STRETCHES] {
            let any = shelf.snapshots.scan(space, &[], &[0xff], Direction::Up, 1);
            if !any.map_err(|error| because(error.to_string()))?.is_empty() {
                return Err(because("they do not say what they stand for".to_owned()));
            }
        }
        return Err(Unusable::Empty);
    };
    let (version, body) = codec::open(&bytes).map_err(|e| because(e.to_string()))?;
    if version != META_VERSION {
        return Err(because(format!("they are of version {version}")));
    }
    let meta: Meta = codec::decode(body).map_err(|e| because(e.to_string()))?;
    if meta.journal != shelf.journal.identity() {
        return Err(because("they were made from another journal".to_owned()));
    }
    verify(shelf, &meta)?;
    // Snapshots are made of durable facts only, so a journal that ends before them has lost some.
    let (watermark, last) = (meta.watermark, shelf.journal.last());
    if watermark > last {
        return Err(Unusable::JournalCut { watermark, last });
    }
    // What lies between was removed from the journal since: only its archive has it.
    if watermark < shelf.journal.anchor() {
        return Err(because(format!("they end at {watermark}, before the journal begins")));
    }
    // Facts under the watermark are not read again, so their formats must be known from this.
    let formats = shelf.snapshots.get(META, FORMATS_KEY).map_err(|e| because(e.to_string()))?;
    if formats.as_deref() != Some(formats::today().as_slice()) {
        return Err(because("they were made by another version of this program".to_owned()));
    }
    Ok(meta)
}

/// Counts and sums what the meta record tells of. What the snapshots come to is on the sheets.
fn verify(shelf: &Shelf, meta: &Meta) -> Result<(), Unusable> {
    let (mut entries, mut sum) = (0u64, 0u64);
    for space in [STRETCHES, OPEN] {
        each_entry(shelf, space, |key, value| {
            entries += 1;
            sum = sum.wrapping_add(entry_hash(space, key, value));
            Ok(())
        })
        .map_err(|error| Unusable::Because(error.to_string()))?;
    }
    if (entries, sum) == (meta.entries, meta.sum) {
        Ok(())
    } else {
        Err(Unusable::Because(format!(
            "{} entries are expected, {entries} found, or some differ",
            meta.entries
        )))
    }
}

fn each_entry(
    shelf: &Shelf,
    space: surehold_storage::Space,
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), ShelfError>,
) -> Result<(), ShelfError> {
    let mut from = Vec::new();
    loop {
        let entries =
            shelf.snapshots.scan(space, &from, &[0xff; 12], Direction::Up, SCAN_ENTRIES)?;
        for (key, value) in &entries {
            visit(key, value)?;
        }
        match entries.last() {
            Some((key, _)) if entries.len() == SCAN_ENTRIES => {
                from.clone_from(key);
                from.push(0);
            }
            Some(_) | None => return Ok(()),
        }
    }
}

fn read_open(shelf: &Shelf, agenda: &Agenda) -> Result<(), ShelfError> {
    each_entry(shelf, OPEN, |key, value| {
        let Some(place) = Stream::from_key(key) else { return Ok(()) };
        for (slot, bytes) in page::entries(value) {
            let stream = page::open_stream(place, slot);
            let codec_error = |source| ShelfError::Codec { stream, source };
            let (version, body) = codec::open(bytes).map_err(codec_error)?;
            let open = if version == OPEN_VERSION {
                Some(codec::decode::<Open>(body).map_err(codec_error)?)
            } else {
                // An older entry does not tell all; what it is made from does.
                shelf.load::<Saga>(stream)?.and_then(|loaded| Open::of(&loaded.machine))
            };
            agenda.set(order_key(stream), open, Timestamp(0));
        }
        Ok(())
    })
}

/// Puts the journal after the watermark into the tails, with checkpoints in between where that is
/// much, so that a full replay needs no more memory than a short one.
fn replay(shelf: &Shelf, checkpoints: &Checkpoints, after: u64) -> Result<u64, ShelfError> {
    let mut last = after;
    loop {
        let records = shelf.journal.read_from(last, READ_RECORDS)?;
        let Some(newest) = records.last() else { return Ok(last - after) };
        last = newest.sequence;
        for record in records {
            formats::check(&record)?;
            learn_numbers(shelf, &record)?;
            let entry = TailRecord {
                number: record.number,
                sequence: record.sequence,
                bytes: record.bytes,
            };
            shelf.shard(Shelf::index(record.stream)).push(record.stream, entry);
            shelf.count(1);
        }
        if shelf.tail_records() >= shelf.limit.records {
            // Only up to what was read: the journal may hold more.
            checkpoints.run_to(shelf, last)?;
        }
    }
}

/// Learns which numbers were given. An order's fact names the payment or confirmation that follows
/// it, and may be on disk while that one's own first record is not.
fn learn_numbers(shelf: &Shelf, record: &Record) -> Result<(), ShelfError> {
    let stream = record.stream;
    shelf.numbers.seen(stream);
    if Kind::of(stream) != Some(Kind::Order) {
        return Ok(());
    }
    let fact = Saga::fact_from_bytes(&record.bytes)
        .map_err(|source| ShelfError::Codec { stream, source })?;
    let (payment, confirmation) = fact.event.numbers();
    let market = order_key(stream).market;
    if let Some(payment) = payment {
        shelf.numbers.seen(PaymentKey { market, payment }.stream());
    }
    if let Some(confirmation) = confirmation {
        shelf.numbers.seen(ConfirmationKey { market, confirmation }.stream());
    }
    Ok(())
}

/// Enters the orders that the tails tell of: what the stored index says of them may be old. An
/// operator's word that is in the tails may not have reached its order: such an order asks for it.
fn enter_tails(shelf: &Shelf, agenda: &Agenda) -> Result<(), ShelfError> {
    let mut spoken = Vec::new();
    for index in 0..shelf.tails.len() {
        let streams = shelf.shard(index).streams();
        for stream in streams {
            match Kind::of(stream) {
                Some(Kind::Order) => {
                    if let Some(loaded) = shelf.load::<Saga>(stream)? {
                        let saga = &loaded.machine;
                        agenda.set(order_key(stream), Open::of(saga), saga.updated_at());
                    }
                }
                Some(Kind::Confirmation) => {
                    if let Some(loaded) = shelf.load::<Confirmation>(stream)? {
                        spoken.push(loaded.machine.order());
                    }
                }
                Some(
                    Kind::Node
                    | Kind::Market
                    | Kind::Offering
                    | Kind::Payment
                    | Kind::Key
                    | Kind::Mileage
                    | Kind::Message
                    | Kind::Review
                    | Kind::Sale
                    | Kind::Supply
                    | Kind::Switch,
                )
                | None => {}
            }
        }
    }
    for order in spoken {
        let Some(loaded) = shelf.load::<Saga>(order_stream(order))? else { continue };
        let saga = loaded.machine;
        if saga.inquiry().is_some()
            && let Some(open) = Open::of(&saga)
        {
            let owed = Some(Party::Confirmations);
            agenda.set(order, Some(Open { owed, ..open }), saga.updated_at());
        }
    }
    Ok(())
}

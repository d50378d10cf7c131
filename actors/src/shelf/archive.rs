//! What stands for records that were removed from the journal: the states they came to, page by page
//! as among the snapshots, in the journal's own archive.
//!
//! The snapshots are a cache and may be lost at any time; an archived state may not, because the
//! facts it was made of are gone. So it is made of these facts and of nothing else: the records that
//! are to go are read once more, checked, and folded over what was archived before. A state may know
//! more facts than were removed; those it knows change nothing when they are replayed over it.
//!
//! What grows with the orders of one thing is archived in parts, as among the snapshots (see
//! `parts.rs`): else whatever an offering ever sold would be archived anew with every stride.

mod parted;

use surehold_domain::inventory::Inventory;
use surehold_domain::saga::Saga;
use surehold_storage::{Archive, Change, Direction, Record, SnapshotStore, Stream, codec};
use tracing::info;

use super::changed::{Opens, fold_stream, open_to_bytes};
use super::meta::{FORMATS_KEY, Meta, Sums, put_formats, put_meta};
use super::page::{self, Page};
use super::parts;
use super::tails::TailRecord;
use super::{META, SNAPSHOTS, Shelf, ShelfError, decode_stored, formats};
use crate::agenda::Open;
use crate::machine::Machine;
use crate::stream::Kind;

/// The key in [`META`] of the last numbers given, by kind and market.
const COUNTERS_KEY: &[u8] = b"counters";
/// The version of what is under [`COUNTERS_KEY`].
const COUNTERS_VERSION: u8 = 1;
/// Pages restored in one batch.
const BATCH_PAGES: usize = 128;

/// The last numbers given, by kind and market.
type Counters = Vec<(u8, u16, u64)>;

/// Folds records that follow one another over what is archived, in batches of about `batch_bytes`.
/// Every stream that the records tell of is archived afterwards at least up to its last one.
///
/// # Errors
/// [`ShelfError`] if the records do not follow what is archived, or the archive fails. What was
/// stored so far is good: the same records may be folded again.
pub fn fold(
    archive: &dyn SnapshotStore,
    records: Vec<Record>,
    batch_bytes: usize,
    mut stored: impl FnMut(),
) -> Result<(), ShelfError> {
    mark(archive)?;
    let place = |stream| page::of_snapshot(stream).0;
    let (streams, tail) = in_order(records);
    let (mut rest, mut changes, mut bytes) = (tail.as_slice(), Vec::new(), 0);
    for page in streams.chunk_by(|one, other| place(*one) == place(*other)) {
        let tail = rest.split_off(..page.len()).unwrap_or_default();
        // Together, so that a head and its parts are changed in one batch.
        for change in fold_page(archive, page, tail)? {
            if let Change::Put { value, .. } = &change {
                bytes += value.len();
            }
            changes.push(change);
        }
        if bytes >= batch_bytes {
            archive.apply(std::mem::take(&mut changes))?;
            bytes = 0;
            stored();
        }
    }
    if !changes.is_empty() {
        archive.apply(changes)?;
        stored();
    }
    Ok(())
}

/// The records stream by stream, as they came, and so page by page: the streams of a page are
/// neighbours. What they are sorted by fits a number, with the place of the record below it.
fn in_order(mut records: Vec<Record>) -> (Vec<Stream>, Vec<TailRecord>) {
    let key = |(at, record): (usize, &Record)| {
        let Stream { kind, group, id } = record.stream;
        let stream = u128::from(kind) << 80 | u128::from(group) << 64 | u128::from(id);
        stream << u32::BITS | at as u128
    };
    let mut order: Vec<u128> = records.iter().enumerate().map(key).collect();
    order.sort_unstable();
    let taken = order.into_iter().map(|key| {
        let at = usize::try_from(key & u128::from(u32::MAX)).unwrap_or_default();
        let record = &mut records[at];
        let Record { sequence, stream, number, .. } = *record;
        (stream, TailRecord { number, sequence, bytes: std::mem::take(&mut record.bytes) })
    });
    taken.unzip()
}

/// What changes on a page with these records, whose streams are beside them.
fn fold_page(
    archive: &dyn SnapshotStore,
    streams: &[Stream],
    mut tail: &[TailRecord],
) -> Result<Vec<Change>, ShelfError> {
    let Some(first) = streams.first() else { return Ok(Vec::new()) };
    let key = page::of_snapshot(*first).0.to_key().to_vec();
    let old = archive.get(SNAPSHOTS, &key)?;
    let mut page = old.as_deref().map(Page::read).unwrap_or_default();
    let mut changes = Vec::new();
    for run in streams.chunk_by(|one, other| one == other) {
        let (stream, records) = (run[0], tail.split_off(..run.len()).unwrap_or_default());
        if Kind::of(stream) == Some(Kind::Offering) {
            changes.extend(parted::fold::<Inventory>(archive, stream, &mut page, records)?);
            continue;
        }
        let slot = page::of_snapshot(stream).1;
        if let Some(folded) = fold_stream(stream, page.get(slot), records)? {
            page.put(slot, folded.snapshot);
        }
    }
    let new = page.to_bytes().filter(|new| old.as_ref() != Some(new));
    changes.extend(new.map(|value| Change::Put { space: SNAPSHOTS, key, value }));
    Ok(changes)
}

/// Says how states are archived, before one is: who does not know that must not read them.
fn mark(archive: &dyn SnapshotStore) -> Result<(), ShelfError> {
    let value = formats::archived();
    if archive.get(META, FORMATS_KEY)?.as_ref() == Some(&value) {
        return Ok(());
    }
    Ok(archive.apply(vec![Change::Put { space: META, key: FORMATS_KEY.to_vec(), value }])?)
}

/// What is archived beside the states, before records are removed: which numbers were given, and
/// the formats of what is archived.
///
/// # Errors
/// [`ShelfError`] if the archive fails.
pub fn describe(shelf: &Shelf, archive: &dyn SnapshotStore) -> Result<(), ShelfError> {
    let stream = crate::stream::node();
    let counters: Counters = shelf.numbers.all();
    let counters = codec::encode(COUNTERS_VERSION, &counters)
        .map_err(|source| ShelfError::Codec { stream, source })?;
    let put = |key: &[u8], value| Change::Put { space: META, key: key.to_vec(), value };
    let formats = formats::archived();
    let changes = vec![put(COUNTERS_KEY, counters.to_vec()), put(FORMATS_KEY, formats)];
    Ok(archive.apply(changes)?)
}

/// Every archived state of a kind, in the order of their streams.
///
/// # Errors
/// [`ShelfError`] if the archive fails, or holds what is no such state.
pub fn states<M: Machine>(
    archive: &dyn SnapshotStore,
    kind: Kind,
) -> Result<Vec<(Stream, M)>, ShelfError> {
    let (mut from, end) = (vec![kind as u8], [kind as u8 + 1]);
    let mut states: Vec<(Stream, M)> = Vec::new();
    loop {
        let entries = archive.scan(SNAPSHOTS, &from, &end, Direction::Up, BATCH_PAGES)?;
        let Some((last, _)) = entries.last() else { return Ok(states) };
        from.clone_from(last);
        from.push(0);
        for (key, value) in &entries {
            let Some(place) = Stream::from_key(key) else {
                // A part follows its head.
                if let Some((stream, machine)) = states.last_mut() {
                    parts::put(*stream, machine, value)?;
                }
                continue;
            };
            for (slot, bytes) in page::entries(value) {
                let stream = page::snapshot_stream(place, slot);
                states.push((stream, decode_stored::<M>(stream, bytes)?.machine));
            }
        }
    }
}

/// Refuses an archive that a newer version of this program wrote.
pub(super) fn check(archive: &dyn SnapshotStore) -> Result<(), ShelfError> {
    match archive.get(META, FORMATS_KEY)? {
        Some(stored) => formats::check_archived(&stored),
        None => Ok(()),
    }
}

/// Fills empty snapshots with what is archived, and says what they stand for then: everything up to
/// the anchor. Until that is stored, they stand for nothing.
pub(super) fn restore(shelf: &Shelf, archive: &dyn Archive) -> Result<Meta, ShelfError> {
    let anchor = shelf.journal.anchor();
    archive.verify()?;
    let mut meta = Meta { journal: shelf.journal.identity(), ..Meta::default() };
    let (mut from, mut pages) = (Vec::new(), 0);
    loop {
        let entries = archive.scan(SNAPSHOTS, &from, &[0xff; 12], Direction::Up, BATCH_PAGES)?;
        let Some((last, _)) = entries.last() else { break };
        from.clone_from(last);
        from.push(0);
        pages += entries.len();
        restore_pages(shelf, entries, &mut meta)?;
    }
    let counters = archive.get(META, COUNTERS_KEY)?;
    shelf.numbers.restore(&counters.map_or(Ok(Vec::new()), |bytes| read_counters(&bytes))?);
    meta.counters = shelf.numbers.all();
    shelf.snapshots.sync()?;
    meta.watermark = anchor;
    shelf.store(vec![put_meta(&meta)?, put_formats()])?;
    shelf.snapshots.sync()?;
    info!(anchor, pages, "the snapshots were restored from the journal's archive");
    Ok(meta)
}

fn read_counters(bytes: &[u8]) -> Result<Counters, ShelfError> {
    let codec_error = |source| ShelfError::Codec { stream: crate::stream::node(), source };
    let (found, body) = codec::open(bytes).map_err(codec_error)?;
    if found != COUNTERS_VERSION {
        let known = COUNTERS_VERSION;
        return Err(codec_error(codec::CodecError::UnknownVersion { found, known }));
    }
    codec::decode(body).map_err(codec_error)
}

/// Stores pages and parts as they were archived, and enters the unfinished orders on them into the
/// index.
fn restore_pages(
    shelf: &Shelf,
    entries: Vec<(Vec<u8>, Vec<u8>)>,
    meta: &mut Meta,
) -> Result<(), ShelfError> {
    let mut changes = Vec::with_capacity(entries.len() + 1);
    let (mut opens, mut sums) = (Opens::of(shelf), Sums::default());
    for (key, value) in entries {
        // The key of a part is that of no page.
        if let Some(place) = Stream::from_key(&key) {
            enter(shelf, place, &value, &mut opens)?;
        }
        sums.add(SNAPSHOTS, &key, &value);
        changes.push(Change::Put { space: SNAPSHOTS, key, value });
    }
    changes.extend(opens.changes(&mut sums));
    changes.extend(sums.settle(shelf, meta)?);
    changes.push(put_meta(meta)?);
    shelf.store(changes)
}

/// Enters the unfinished orders of a page into the index, and notes which numbers were given.
fn enter(
    shelf: &Shelf,
    place: Stream,
    page: &[u8],
    opens: &mut Opens<'_>,
) -> Result<(), ShelfError> {
    for (slot, bytes) in page::entries(page) {
        let stream = page::snapshot_stream(place, slot);
        shelf.numbers.seen(stream);
        if Kind::of(stream) != Some(Kind::Order) {
            continue;
        }
        let saga = decode_stored::<Saga>(stream, bytes)?.machine;
        let Some(open) = Open::of(&saga) else { continue };
        opens.set(stream, Some(Some(open_to_bytes(stream, &open)?)))?;
    }
    Ok(())
}

//! The formats of what is stored: a version for the facts and one for the snapshots of each kind.
//!
//! A newer version of this program may have written facts that are not known here. They are looked
//! for before anything else is done with a folder, so that one is refused by name instead of being
//! misread, or read as far as it goes. Only the version of a fact is looked at, which costs a byte.
//! Facts under the watermark are not read at all; what stands beside the snapshots says which
//! formats they have, and when these are not today's, the journal is looked through.

use surehold_domain::confirmation::Confirmation;
use surehold_domain::idempotency::KeyUse;
use surehold_domain::inventory::Inventory;
use surehold_domain::message::Message;
use surehold_domain::mileage::Mileage;
use surehold_domain::payment::Payment;
use surehold_domain::review::Review;
use surehold_domain::saga::Saga;
use surehold_storage::{Journal, Record};

use super::ShelfError;
use super::recover::READ_RECORDS;
use crate::machine::{Machine, MarketName, NodeLife, Serial, Switch};
use crate::stream::Kind;

/// The versions of a kind's facts and snapshots.
fn of(kind: Kind) -> (u8, u8) {
    fn versions<M: Machine>() -> (u8, u8) {
        (M::FACT_VERSION, M::STATE_VERSION)
    }
    match kind {
        Kind::Node => versions::<NodeLife>(),
        Kind::Market => versions::<MarketName>(),
        Kind::Offering => versions::<Inventory>(),
        Kind::Order => versions::<Saga>(),
        Kind::Payment => versions::<Payment>(),
        Kind::Confirmation => versions::<Confirmation>(),
        Kind::Key => versions::<KeyUse>(),
        Kind::Mileage => versions::<Mileage>(),
        Kind::Message => versions::<Message>(),
        Kind::Review => versions::<Review>(),
        Kind::Sale | Kind::Supply => versions::<Serial>(),
        Kind::Switch => versions::<Switch>(),
    }
}

/// Today's formats: kind, version of facts, version of snapshots, for each kind.
pub(super) fn today() -> Vec<u8> {
    let triple = |kind: Kind| {
        let (facts, states) = of(kind);
        [kind as u8, facts, states]
    };
    Kind::ALL.into_iter().flat_map(triple).collect()
}

/// In the formats of an archive, where the number of a kind stands otherwise: no kind has it. Programs that
/// know no arrangements take it for a kind that they do not know, and refuse the archive.
const ARRANGEMENT: u8 = 0;
/// How states are arranged in an archive: with parts beside the heads. Before that was written down, all
/// of a thing was archived under one key.
const IN_PARTS: u8 = 1;

/// The formats of what this program archives.
pub(super) fn archived() -> Vec<u8> {
    let mut formats = today();
    formats.extend([ARRANGEMENT, 0, IN_PARTS]);
    formats
}

/// Refuses a record whose kind or version is not known yet.
pub(super) fn check(record: &Record) -> Result<(), ShelfError> {
    let newer = |what: String, found: String| {
        Err(ShelfError::Newer { sequence: record.sequence, what, found })
    };
    let Some(kind) = Kind::of(record.stream) else {
        let what = format!("something of kind {}", record.stream.kind);
        return newer(what, "and that kind is not known here".to_owned());
    };
    let (known, _) = of(kind);
    match record.bytes.first() {
        Some(found) if *found > known => newer(
            format!("{} {}", kind.name(), record.stream.id),
            format!("in format {found}, and {known} is the newest known here"),
        ),
        // Whoever reads it says what is wrong with it.
        Some(_) | None => Ok(()),
    }
}

/// Refuses an archive with these formats, if it holds a kind or a version that is not known yet.
pub(super) fn check_archived(stored: &[u8]) -> Result<(), ShelfError> {
    for triple in stored.chunks_exact(3) {
        let newer = |what: String, found: String| Err(ShelfError::NewerArchive { what, found });
        if triple[0] == ARRANGEMENT && triple[1] == 0 && triple[2] <= IN_PARTS {
            continue;
        }
        let Some(kind) = Kind::from_number(triple[0]) else {
            let what = format!("something of kind {}", triple[0]);
            return newer(what, "and that kind is not known here".to_owned());
        };
        let ((facts, states), (known_facts, known_states)) = ((triple[1], triple[2]), of(kind));
        if facts > known_facts || states > known_states {
            let found = format!(
                "in format {facts}.{states}, and {known_facts}.{known_states} is the newest known \
                 here"
            );
            return newer(format!("things of kind {}", kind.name()), found);
        }
    }
    Ok(())
}

/// Refuses a journal with a record whose kind or version is not known yet.
pub(super) fn check_all(journal: &dyn Journal) -> Result<(), ShelfError> {
    let mut last = journal.anchor();
    loop {
        let records = journal.read_from(last, READ_RECORDS)?;
        let Some(newest) = records.last() else { return Ok(()) };
        last = newest.sequence;
        records.iter().try_for_each(check)?;
    }
}

#[cfg(test)]
mod tests {
    use surehold_storage::{MemoryJournal, NewRecord, Stream};

    use super::*;

    fn journal(kind: u8, version: u8) -> Result<(), String> {
        let journal = MemoryJournal::new(7);
        let record = |kind, version| {
            let stream = Stream { kind, group: 0, id: 4 };
            NewRecord { stream, number: 1, bytes: vec![version, 0].into() }
        };
        let records = vec![record(Kind::Node as u8, 1), record(kind, version)];
        journal.append(records).map_err(|error| error.to_string())?;
        check_all(&*journal).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_known_yet_is_refused_by_name() {
        for kind in Kind::ALL {
            let (known, _) = of(kind);
            (1..=known).for_each(|version| assert_eq!(journal(kind as u8, version), Ok(())));
            let refused = journal(kind as u8, known + 1).unwrap_err();
            let words = format!("record 2 of the journal tells of {} 4, in format", kind.name());
            assert!(refused.starts_with(&words), "{refused}");
        }
        let refused = journal(200, 1).unwrap_err();
        assert!(refused.contains("something of kind 200, and that kind is not known"), "{refused}");
    }

    #[test]
    fn todays_formats_tell_every_kind() {
        assert_eq!(today().len(), 3 * Kind::ALL.len());
        assert!(check_archived(&today()).is_ok(), "as it was before things were archived in parts");
        assert!(Kind::from_number(ARRANGEMENT).is_none(), "who knows no arrangements refuses it");
        assert!(check_archived(&archived()).is_ok());
        for place in 0..archived().len() {
            let mut newer = archived();
            newer[place] += 100;
            let refused = check_archived(&newer).unwrap_err();
            assert!(matches!(refused, ShelfError::NewerArchive { .. }), "{place}: {refused}");
        }
    }
}

//! Power cuts under the snapshots: what was synced is there, whole batches only, also while one
//! generation takes the place of another.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use surehold_storage::faulty::{Dice, FaultyFolder, FolderImage, Survivors};
use surehold_storage::{SledSnapshots, SnapshotStore};

use crate::seeds;
use crate::snapshots::{ONE, TWO, put, value_of};

const CUTS: [Survivors; 3] = [Survivors::Nothing, Survivors::Prefix, Survivors::Subset];
/// Low, so that the store is rebuilt within a run.
const REBUILD_FROM: u64 = 1 << 20;
const ROUNDS: usize = 60;

/// Applies batches, each of which says its number in many places, and syncs now and then. The stamp of
/// a moment is the number of the last batch that was synced by then.
fn work(root: &std::path::Path, seed: u64) -> Arc<FaultyFolder> {
    let synced = Arc::<AtomicUsize>::default();
    let stamp = Arc::clone(&synced);
    let stamp = move || stamp.load(Ordering::Acquire);
    let folder = FaultyFolder::holding(root, &FolderImage::new(), stamp).unwrap();
    let folder = Arc::new(folder);
    let store = SledSnapshots::open_on(root, REBUILD_FROM, folder.clone()).unwrap();
    let mut dice = Dice::new(seed);
    for round in 1..=ROUNDS {
        let number = round.to_le_bytes();
        let mut batch = vec![put(ONE, b"number", &number), put(TWO, b"number", &number)];
        for key in 0..dice.below(12) {
            let length = usize::try_from(dice.below(6000)).unwrap();
            let noise = (0..length).map(|_| dice.below(256).to_le_bytes()[0]).collect::<Vec<u8>>();
            batch.push(put(ONE, &key.to_le_bytes(), &noise));
        }
        store.apply(batch).unwrap();
        if dice.below(3) > 0 {
            store.sync().unwrap();
            synced.store(round, Ordering::Release);
        }
    }
    folder
}

/// In memory where the system has such a folder: sled syncs now and then by itself, which would only
/// cost time here.
fn home() -> tempfile::TempDir {
    let memory = tempfile::tempdir_in("/dev/shm");
    memory.or_else(|_| tempfile::tempdir()).unwrap()
}

#[test]
fn no_power_cut_takes_back_what_was_synced() {
    let (mut cuts, mut generations) = (0, 0);
    for seed in seeds(1) {
        let home = home();
        let folder = work(&home.path().join("store"), seed);
        let moments = folder.moments();
        for (moment, synced) in moments.iter().enumerate().skip(1) {
            let survivors = CUTS[moment % 3];
            let image = folder.after_power_cut(moment, survivors, seed + moment as u64);
            let context =
                format!("seed {seed}, moment {moment} of {}, {survivors:?}", moments.len());
            generations += usize::from(image.contains_key(std::path::Path::new("current")));
            check(&image, *synced, &context);
            cuts += 1;
        }
    }
    println!("{cuts} cuts, {generations} of them after a rebuild");
    assert!(generations > 0, "the store was never rebuilt");
}

fn check(image: &FolderImage, synced: usize, context: &str) {
    let home = home();
    let root = home.path().join("store");
    let folder = Arc::new(FaultyFolder::holding(&root, image, || 0).unwrap());
    let store = SledSnapshots::open_on(&root, u64::MAX, folder);
    let store = store.unwrap_or_else(|error| panic!("{context}: {error}"));
    let number = |space| {
        value_of(&*store, space, b"number")
            .map_or(0, |bytes| usize::from_le_bytes(bytes.try_into().unwrap()))
    };
    let found = number(ONE);
    assert_eq!(found, number(TWO), "{context}: half of a batch");
    assert!(found >= synced, "{context}: {synced} was synced, {found} is there");
}

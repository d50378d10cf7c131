//! Snapshots that are what they should be: found so, whoever writes meanwhile, and looked at no more than
//! needed.

use std::sync::atomic::AtomicUsize;

use surehold_storage::faulty::Dice;

use super::*;

/// Counts what is read.
#[derive(Default)]
struct Counting {
    inner: MemorySnapshots,
    reads: AtomicUsize,
    /// Done before the next scan of the snapshots.
    before_scan: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl SnapshotStore for Counting {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, SnapshotError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
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
        let act = (space == SNAPSHOTS).then(|| self.before_scan.lock().unwrap().take());
        if let Some(act) = act.flatten() {
            act();
        }
        let entries = self.inner.scan(space, from, to, direction, limit)?;
        self.reads.fetch_add(1 + entries.len(), Ordering::Relaxed);
        Ok(entries)
    }
    fn apply(&self, changes: Vec<Change>) -> Result<(), SnapshotError> {
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

#[test]
fn a_start_reads_no_more_when_there_is_more() {
    let reads = |payments: u64| {
        let snapshots = Arc::<Counting>::default();
        let life = Life::on(MemoryJournal::new(1), snapshots.clone());
        life.offer(7);
        life.hold(7, (0..payments).step_by(100));
        life.pay(1..payments);
        // What came after the last checkpoint is as much in both.
        for id in payments - 100..payments {
            life.try_pay(id).unwrap();
        }
        let before = snapshots.reads.load(Ordering::Relaxed);
        let next = life.next();
        let reads = snapshots.reads.load(Ordering::Relaxed) - before;
        assert_eq!((next.rebuilt.clone(), next.number(payments - 1).unwrap()), (None, 2));
        reads
    };
    let (few, many) = (reads(3_000), reads(30_000));
    assert!(few < 30 && many <= few + 1, "{few} and {many} reads");
}

#[test]
fn a_stretch_is_looked_at_once() {
    let snapshots = Arc::<Counting>::default();
    let life = Life::on(MemoryJournal::new(1), snapshots.clone());
    life.pay(1..STRETCH);
    let next = life.next();
    let mut reads = Vec::new();
    for id in [5, 5, 700, 1000] {
        let before = snapshots.reads.load(Ordering::Relaxed);
        next.number(id).unwrap();
        reads.push(snapshots.reads.load(Ordering::Relaxed) - before);
    }
    assert_eq!(reads, [1 + 1 + 32 + 1, 1, 1, 1]);
}

#[test]
fn a_walk_finds_what_nobody_used_yet() {
    let life = Life::new();
    life.pay(1..70 * STRETCH);
    life.offer(7);
    life.hold(7, [1, 20_000, 900_000]);
    life.checkpoint();
    let walked = |life: &Life| {
        let (mut walk, mut steps) = (Walk::default(), 0);
        while walk.step(&life.shelf)? {
            steps += 1;
        }
        Ok(steps)
    };
    assert_eq!(walked(&life).unwrap(), 0, "who wrote it all knows that it fits");
    let next = life.next();
    next.number(5).unwrap();
    // 70 of payments, one of which was used; a head, two of parts.
    assert_eq!(walked(&next).unwrap(), 69 + 1 + 2);
    assert_eq!(walked(&next).unwrap(), 0);
    life.put(&page_of(payment(66 * STRETCH)), None);
    let next = life.next();
    is_unfit(walked(&next));
    next.is_given_up();
}

#[test]
fn a_checkpoint_between_the_two_looks_does_no_harm() {
    let snapshots = Arc::<Counting>::default();
    let life = Life::on(MemoryJournal::new(1), snapshots.clone());
    life.pay(1..STRETCH);
    let next = Arc::new(life.next());
    let event = Fact { at: Timestamp(2), event: Event::Captured };
    next.shelf.append::<Payment>(payment(7), 2, &event).unwrap();
    let other = Arc::clone(&next);
    let between = Box::new(move || other.checkpoint());
    *snapshots.before_scan.lock().unwrap() = Some(between);
    assert_eq!(next.number(9).unwrap(), 1, "what was read last was changed meanwhile, and is good");
    assert_eq!(next.number(7).unwrap(), 2);
    next.next().check_all().unwrap();
}

#[test]
fn readers_and_checkpoints_do_not_disturb_each_other() {
    let mut life = Life::new();
    life.pay(1..4 * STRETCH);
    for round in 0..20 {
        life = life.next();
        std::thread::scope(|scope| {
            for reader in 0..3 {
                let (life, mut dice) = (&life, Dice::new(round * 3 + reader));
                scope.spawn(move || {
                    for _ in 0..300 {
                        let found = life.number(1 + dice.below(4 * STRETCH - 1)).unwrap();
                        assert!((1..=21).contains(&found));
                    }
                });
            }
            let mut dice = Dice::new(1000 + round);
            for _ in 0..10 {
                let ids: BTreeSet<u64> = (0..20).map(|_| 1 + dice.below(4 * STRETCH - 1)).collect();
                life.pay(ids.into_iter().filter(|id| life.number(*id).unwrap() == 1));
            }
        });
    }
    assert!(life.next().check_all().unwrap() >= 4);
}

#[test]
fn whatever_checkpoints_did_the_next_process_finds_that_all_fits() {
    for seed in 0..30 {
        let mut dice = Dice::new(seed);
        let snapshots = FaultySnapshots::new(MemorySnapshots::new());
        let mut life = Life::on(MemoryJournal::new(1), snapshots.clone());
        let offerings = [1, 63, 64, 700];
        // Some begin with more than one batch.
        life.pay(1..[2, 6_000][usize::from(seed % 10 == 0)]);
        for id in offerings {
            life.offer(id);
        }
        for _ in 0..dice.below(60) {
            match dice.below(6) {
                0 => {
                    life = life.next();
                    assert_eq!(life.rebuilt, None, "seed {seed}");
                }
                1 => {
                    snapshots.fail_apply_at(1 + dice.below(3));
                    let _ = life.checkpoints.run(&life.shelf);
                    // What did not come to it is over.
                    (0..3).for_each(|_| drop(snapshots.apply(Vec::new())));
                }
                2 => {
                    let from = dice.below(10 * STRETCH);
                    life.pay((from..from + dice.below(300)).filter(|id| *id > 0));
                }
                3 => {
                    let id = offerings[usize::try_from(dice.below(4)).unwrap()];
                    life.hold(id, (0..5).map(|_| dice.below(400_000)).collect::<BTreeSet<_>>());
                }
                4 => {
                    let id = offerings[usize::try_from(dice.below(4)).unwrap()];
                    let held = OrderId(dice.below(400_000));
                    life.happens(id, inventory::Event::Released { order: held });
                }
                _ => life.checkpoint(),
            }
        }
        life.checkpoint();
        let next = life.next();
        assert_eq!(next.rebuilt, None, "seed {seed}");
        next.check_all().unwrap();
        for id in offerings {
            assert_eq!(next.offered(id).unwrap(), life.offered(id).unwrap());
        }
    }
}

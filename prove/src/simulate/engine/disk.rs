//! The disk of a world. It outlives the node; what was not durable when the node dies is cut, at a
//! place that the seed chooses.
//!
//! Records become durable when a task writes them: in groups, after pauses, sometimes after seconds,
//! sometimes never.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use surehold::stores::{Opened, Stores};
use surehold_storage::{Durable, Journal, JournalError, NewRecord, Record};
use tokio::sync::Notify;

use super::book::Book;
use super::moves::{Death, Fate};
use super::node::Node;
use super::notes::Notes;
use super::snapshots::{Cache, SimSnapshots};

/// What is on the disk, and what is wrong with it.
struct Platter {
    records: Vec<Record>,
    /// The last sequence of each append that is not durable.
    groups: Vec<u64>,
    durable: u64,
    book: Book,
    /// Counts openings: a handle of an earlier one writes nothing.
    opening: u64,
    closed: bool,
    fails: bool,
    /// No room until the world is so old.
    full_until: u64,
    frozen_until: u64,
    /// The node dies with the record so many later.
    dies_in: Option<u64>,
    /// Typical pause before a write, in milliseconds.
    pace: u64,
    fate: Fate,
}

/// The disk.
pub(super) struct Disk {
    identity: u128,
    platter: Mutex<Platter>,
    pub(super) cache: Arc<Cache>,
}

impl Disk {
    /// An empty disk.
    pub(super) fn new(seed: u64) -> Disk {
        let mut fate = Fate::new(seed, 2);
        let pace = fate.one_of(&[0, 1, 3, 8, 40]);
        let platter = Platter {
            records: Vec::new(),
            groups: Vec::new(),
            durable: 0,
            book: Book::default(),
            opening: 0,
            closed: true,
            fails: false,
            full_until: 0,
            frozen_until: 0,
            dies_in: None,
            pace,
            fate,
        };
        let platter = Mutex::new(platter);
        Disk { identity: u128::from(seed) + 1, platter, cache: Arc::default() }
    }

    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.platter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at what the journal tells, with the last durable sequence.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Book, u64) -> T) -> T {
        let platter = self.platter();
        look(&platter.book, platter.durable)
    }

    pub(super) fn freeze(&self, until: u64) {
        self.platter().frozen_until = until;
    }

    pub(super) fn fail(&self, full_until: u64) {
        let mut platter = self.platter();
        (platter.fails, platter.full_until) = (true, full_until);
    }

    pub(super) fn die_in(&self, records: u64) {
        self.platter().dies_in = Some(records);
    }

    /// The disk works from now on.
    pub(super) fn heal(&self) {
        let mut platter = self.platter();
        (platter.fails, platter.full_until, platter.frozen_until) = (false, 0, 0);
        platter.dies_in = None;
        self.cache.fail(0);
    }

    /// The node died: of what was not durable only the first part is there, or nothing.
    pub(super) fn cut(&self, death: &Death, notes: &Notes) {
        let mut fate = Fate::new(death.dice, 3);
        self.platter().cut(&mut fate, notes);
        self.cache.cut(&mut fate, death.snapshots_lost);
    }
}

impl Platter {
    fn cut(&mut self, fate: &mut Fate, notes: &Notes) {
        let kept = usize::try_from(fate.below(self.groups.len() as u64 + 1)).unwrap_or(0);
        let last = kept.checked_sub(1).and_then(|at| self.groups.get(at)).copied();
        let last = last.unwrap_or(self.durable);
        let lost = self.records.len() as u64 - last;
        self.records.truncate(usize::try_from(last).unwrap_or(usize::MAX));
        self.groups.clear();
        (self.durable, self.closed, self.dies_in) = (last, true, None);
        notes.line(&format!("{lost} records are lost, {last} are left"));
        notes.count("records lost", lost);
        match Book::of(&self.records) {
            Ok(book) => self.book = book,
            Err(found) => notes.fault(found.what, found.about),
        }
    }

    fn append(&mut self, new: Vec<NewRecord>, node: &Node) -> u64 {
        for NewRecord { stream, number, bytes } in new {
            let sequence = self.records.len() as u64 + 1;
            let record = Record { sequence, stream, number, bytes };
            match self.book.record(&record) {
                Ok(told) => node.line(&format!("{sequence} {told}")),
                Err(found) => node.fault(found.what, found.about),
            }
            self.records.push(record);
            node.notes.count("records", 1);
        }
        let last = self.records.len() as u64;
        self.groups.push(last);
        if let Some(left) = &mut self.dies_in {
            *left = left.saturating_sub(1);
            if *left == 0 {
                node.die();
            }
        }
        last
    }

    /// How long until the next write, in milliseconds; `None` if there is nothing to write.
    fn pause(&mut self, age: u64) -> Option<u64> {
        if self.groups.is_empty() || self.closed {
            return None;
        }
        let pause = if self.fate.chance(2) {
            self.fate.from(100, 1500)
        } else {
            self.fate.below(2 * self.pace + 1)
        };
        Some(pause.max(self.frozen_until.saturating_sub(age)))
    }

    /// The next write: all that waits, or the first part of it.
    fn write(&mut self) -> u64 {
        let all = self.groups.len() as u64;
        let some = if self.fate.chance(20) { self.fate.from(1, all) } else { all };
        let some = usize::try_from(some).unwrap_or(0);
        let last = self.groups.drain(..some).next_back();
        self.durable = last.unwrap_or(self.durable);
        self.durable
    }
}

/// The disk as one life of the node sees it.
pub(super) struct DiskOf {
    pub(super) disk: Arc<Disk>,
    pub(super) node: Arc<Node>,
}

impl Stores for DiskOf {
    fn open(&self) -> Result<Opened, JournalError> {
        let (disk, node) = (Arc::clone(&self.disk), Arc::clone(&self.node));
        let mut platter = disk.platter();
        platter.opening += 1;
        platter.closed = false;
        let (opening, durable) = (platter.opening, Durable::starting_at(platter.durable));
        drop(platter);
        node.line(&format!("the disk is opened, {} records", durable.get()));
        let snapshots = SimSnapshots { cache: Arc::clone(&disk.cache), node: Arc::clone(&node) };
        let wanted = Arc::default();
        let journal = Arc::new(SimJournal { disk, node, opening, durable, wanted });
        tokio::spawn(write(Arc::clone(&journal)));
        Ok((journal, Arc::new(snapshots)))
    }

    fn blocks(&self) -> bool {
        false
    }

    fn room(&self) -> Result<(), String> {
        let full = self.disk.platter().full_until > self.node.age();
        if full { Err("the disk is full".to_owned()) } else { Ok(()) }
    }
}

/// The journal as one opening sees it.
struct SimJournal {
    disk: Arc<Disk>,
    node: Arc<Node>,
    opening: u64,
    durable: Arc<Durable>,
    /// Told when something waits to be written.
    wanted: Arc<Notify>,
}

/// Writes what waits, for as long as the journal is open.
async fn write(journal: Arc<SimJournal>) {
    while journal.is_open() {
        let Some(pause) = journal.disk.platter().pause(journal.node.age()) else {
            journal.wanted.notified().await;
            continue;
        };
        if pause == 0 {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        journal.flush();
    }
}

impl SimJournal {
    fn is_open(&self) -> bool {
        let platter = self.disk.platter();
        platter.opening == self.opening && !platter.closed && !self.node.is_dead()
    }

    fn flush(&self) {
        if !self.is_open() {
            return;
        }
        let mut platter = self.disk.platter();
        if platter.frozen_until > self.node.age() || platter.groups.is_empty() {
            return;
        }
        if platter.fails {
            platter.fails = false;
            let mut fate = Fate::new(platter.durable, platter.opening);
            platter.cut(&mut fate, &self.node.notes);
            drop(platter);
            self.durable.close("a write failed");
            return;
        }
        let durable = platter.write();
        drop(platter);
        self.node.line(&format!("durable up to {durable}"));
        self.durable.publish(durable);
    }

    fn closed(&self) -> JournalError {
        JournalError::Closed("it is closed".into())
    }
}

impl Journal for SimJournal {
    fn append(&self, records: Vec<NewRecord>) -> Result<u64, JournalError> {
        if !self.is_open() {
            return Err(self.closed());
        }
        let sequence = self.disk.platter().append(records, &self.node);
        self.wanted.notify_one();
        Ok(sequence)
    }

    fn read_from(&self, after: u64, limit: usize) -> Result<Vec<Record>, JournalError> {
        if !self.is_open() {
            return Err(self.closed());
        }
        let platter = self.disk.platter();
        let durable = usize::try_from(platter.durable).unwrap_or(usize::MAX);
        let after = usize::try_from(after).unwrap_or(usize::MAX).min(durable);
        Ok(platter.records[after..durable].iter().take(limit).cloned().collect())
    }

    fn durable(&self) -> &Arc<Durable> {
        &self.durable
    }

    fn identity(&self) -> u128 {
        self.disk.identity
    }

    fn size_on_disk(&self) -> u64 {
        0
    }

    fn close(&self) {
        if self.is_open() {
            let mut platter = self.disk.platter();
            platter.groups.clear();
            platter.durable = platter.records.len() as u64;
            platter.closed = true;
            let durable = platter.durable;
            drop(platter);
            self.node.line("the journal is closed");
            self.durable.publish(durable);
        }
        self.wanted.notify_one();
        self.durable.close("it was closed");
    }
}

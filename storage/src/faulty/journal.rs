//! A journal that freezes, lags, fails and fills up, around any other.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::durable::Durable;
use crate::journal::{Archive, Journal, JournalError, NewRecord, Record};

#[derive(Debug, Default)]
struct State {
    /// The last sequence given out.
    sequence: u64,
    /// Appends that have their sequences and did not reach the journal within yet.
    held: VecDeque<Vec<NewRecord>>,
    frozen: bool,
    /// So many appends stay behind until later ones come.
    lag: usize,
    fail_in: Option<u64>,
    room: Option<usize>,
    closed: Option<Arc<str>>,
}

/// A journal with faults. Without any it behaves as the journal within.
#[derive(Debug)]
pub struct FaultyJournal<J> {
    inner: Arc<J>,
    state: Mutex<State>,
}

impl<J: Journal> FaultyJournal<J> {
    /// Wraps `inner`; nobody else may append to it.
    #[must_use]
    pub fn new(inner: Arc<J>) -> Arc<FaultyJournal<J>> {
        let state = State { sequence: inner.last(), ..State::default() };
        Arc::new(FaultyJournal { inner, state: Mutex::new(state) })
    }

    /// The journal within.
    pub fn inner(&self) -> &Arc<J> {
        &self.inner
    }

    /// From now on nothing becomes durable, as if the disk hung.
    pub fn freeze(&self) {
        self.state().frozen = true;
    }

    /// The disk works again, and writes what it owes.
    pub fn thaw(&self) {
        let mut state = self.state();
        state.frozen = false;
        self.pass_on(&mut state);
    }

    /// From now on an append becomes durable only when `appends` later ones have come.
    pub fn lag_by(&self, appends: usize) {
        let mut state = self.state();
        state.lag = appends;
        self.pass_on(&mut state);
    }

    /// The write of the append with this number (the next one is 1) fails: it gets its sequence,
    /// is lost, and the journal closes.
    pub fn fail_at(&self, append: u64) {
        self.state().fail_in = Some(append);
    }

    /// After so many more bytes the disk is full, and the journal closes.
    pub fn fill_up_after(&self, bytes: usize) {
        self.state().room = Some(bytes);
    }

    /// Fails now: what was held back is lost, and the journal closes.
    pub fn fail(&self, reason: &str) {
        self.shut(&mut self.state(), reason);
    }

    fn pass_on(&self, state: &mut State) {
        while !state.frozen && state.held.len() > state.lag {
            let Some(records) = state.held.pop_front() else { return };
            if let Err(error) = self.inner.append(records) {
                return self.shut(state, &error.to_string());
            }
        }
    }

    fn shut(&self, state: &mut State, reason: &str) {
        state.held.clear();
        state.closed.get_or_insert_with(|| reason.into());
        // First, so that the waiters hear this reason.
        self.inner.durable().close(reason);
        self.inner.close();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Why the write of the next append fails, if it does.
    fn fault(&mut self, bytes: usize) -> Option<&'static str> {
        self.fail_in = self.fail_in.map(|left| left.saturating_sub(1));
        if self.fail_in == Some(0) {
            return Some("a write failed: a fault was injected");
        }
        match self.room {
            Some(room) if bytes > room => Some("a write failed: no space left on device"),
            Some(room) => {
                self.room = Some(room - bytes);
                None
            }
            None => None,
        }
    }
}

impl<J: Journal> Journal for FaultyJournal<J> {
    fn append(&self, records: Vec<NewRecord>) -> Result<u64, JournalError> {
        let mut state = self.state();
        if let Some(reason) = &state.closed {
            return Err(JournalError::Closed(Arc::clone(reason)));
        }
        if let Some(reason) = self.inner.durable().closed() {
            return Err(JournalError::Closed(reason));
        }
        state.sequence += records.len() as u64;
        let sequence = state.sequence;
        match state.fault(records.iter().map(|record| record.bytes.len()).sum()) {
            Some(reason) => self.shut(&mut state, reason),
            None => {
                state.held.push_back(records);
                self.pass_on(&mut state);
            }
        }
        Ok(sequence)
    }

    fn read_from(&self, after: u64, limit: usize) -> Result<Vec<Record>, JournalError> {
        self.inner.read_from(after, limit)
    }

    fn durable(&self) -> &Arc<Durable> {
        self.inner.durable()
    }

    fn identity(&self) -> u128 {
        self.inner.identity()
    }

    fn anchor(&self) -> u64 {
        self.inner.anchor()
    }

    fn archive(&self) -> Option<Arc<dyn Archive>> {
        self.inner.archive()
    }

    fn size_on_disk(&self) -> u64 {
        self.inner.size_on_disk()
    }

    fn close(&self) {
        let mut state = self.state();
        (state.frozen, state.lag) = (false, 0);
        self.pass_on(&mut state);
        state.closed.get_or_insert_with(|| "it was closed in order".into());
        self.inner.close();
    }
}

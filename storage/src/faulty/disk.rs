//! A disk in memory that knows what was synced, loses power, and fills up.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

use super::tape::{Step, Survivors, Tape, Write, after_power_cut, perform};

/// Called before a sync, while the disk is free for others.
type BeforeSync = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct State {
    /// What a reader sees.
    live: Vec<u8>,
    /// What the last sync made certain.
    synced: Vec<u8>,
    /// What happened since.
    unsynced: Vec<Arc<Write>>,
    /// What it began with and everything since, if that is recorded.
    tape: Option<(Vec<u8>, Vec<Step>)>,
    before_sync: Option<BeforeSync>,
    syncs: u64,
    cut_at_sync: Option<u64>,
    capacity: Option<usize>,
}

/// A disk for redb. Clones are the same disk.
#[derive(Clone, Default)]
pub struct FaultyDisk(Arc<Mutex<State>>);

impl FaultyDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> FaultyDisk {
        FaultyDisk::default()
    }

    /// A disk with these contents, all of them synced.
    #[must_use]
    pub fn holding(image: Vec<u8>) -> FaultyDisk {
        let state = State { live: image.clone(), synced: image, ..State::default() };
        FaultyDisk(Arc::new(Mutex::new(state)))
    }

    /// As [`FaultyDisk::holding`], and everything done to it is recorded.
    #[must_use]
    pub fn recording(image: Vec<u8>) -> FaultyDisk {
        let tape = Some((image.clone(), Vec::new()));
        let state = State { live: image.clone(), synced: image, tape, ..State::default() };
        FaultyDisk(Arc::new(Mutex::new(state)))
    }

    /// Lets `wait` run before every sync: a disk is slow, and what others do meanwhile may matter.
    pub fn before_sync(&self, wait: impl Fn() + Send + Sync + 'static) {
        self.state().before_sync = Some(Arc::new(wait));
    }

    /// How many steps were recorded so far.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.state().tape.as_ref().map_or(0, |(_, steps)| steps.len())
    }

    /// What was recorded so far.
    #[must_use]
    pub fn tape(&self) -> Tape {
        let (base, steps) = self.state().tape.clone().unwrap_or_default();
        Tape { base, steps }
    }

    /// How often it was synced.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// Cuts the power at the sync with this number (counted from the first): that sync and every
    /// call after it fail.
    pub fn cut_power_at_sync(&self, sync: u64) {
        self.state().cut_at_sync = Some(sync);
    }

    /// Lets nothing be written beyond `bytes`: the disk is full there.
    pub fn fill_up_at(&self, bytes: usize) {
        self.state().capacity = Some(bytes);
    }

    /// The bytes as a reader sees them now: what the next process finds when only this one died.
    #[must_use]
    pub fn contents(&self) -> Vec<u8> {
        self.state().live.clone()
    }

    /// The bytes a power cut now would leave; the same for the same seed.
    #[must_use]
    pub fn after_power_cut(&self, survivors: Survivors, seed: u64) -> Vec<u8> {
        let state = self.state();
        after_power_cut(&state.synced, &state.unsynced, survivors, seed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn powered(&self) -> io::Result<()> {
        match self.cut_at_sync {
            Some(sync) if self.syncs >= sync => Err(io::Error::other("the power is off")),
            _ => Ok(()),
        }
    }

    fn record(&mut self, write: Write) {
        if let Write::Length(length) = write {
            self.live.resize(length, 0);
        } else {
            perform(&mut self.live, &write);
        }
        let write = Arc::new(write);
        if let Some((_, steps)) = &mut self.tape {
            steps.push(Step::Write(Arc::clone(&write)));
        }
        self.unsynced.push(write);
    }
}

impl std::fmt::Debug for FaultyDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state();
        let (bytes, syncs) = (state.live.len(), state.syncs);
        f.debug_struct("FaultyDisk").field("bytes", &bytes).field("syncs", &syncs).finish()
    }
}

impl StorageBackend for FaultyDisk {
    fn len(&self) -> io::Result<u64> {
        let state = self.state();
        state.powered()?;
        Ok(state.live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        state.powered()?;
        let from = place(offset)?;
        let bytes = state.live.get(from..from.saturating_add(out.len()));
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut state = self.state();
        state.powered()?;
        state.record(Write::Length(place(length)?));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let wait = self.state().before_sync.clone();
        if let Some(wait) = wait {
            wait();
        }
        let mut state = self.state();
        state.powered()?;
        state.syncs += 1;
        state.powered()?;
        let State { synced, unsynced, tape, .. } = &mut *state;
        if let Some((_, steps)) = tape {
            steps.push(Step::Sync);
        }
        for write in unsynced.drain(..) {
            perform(synced, &write);
        }
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.powered()?;
        let offset = place(offset)?;
        if state.capacity.is_some_and(|capacity| offset + bytes.len() > capacity) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.record(Write::Bytes { offset, bytes: bytes.to_vec() });
        Ok(())
    }
}

fn place(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput.into())
}

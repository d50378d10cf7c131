//! A disk in memory that knows what was synced, loses power, and fills up.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

use super::Dice;

/// What a disk writes in one piece.
const SECTOR: usize = 512;

/// Which of the unsynced writes survive a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survivors {
    /// None of them.
    Nothing,
    /// The first ones, the last of these perhaps torn.
    Prefix,
    /// Any of them, sector by sector.
    Subset,
}

#[derive(Clone, Debug)]
enum Write {
    Bytes { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Debug, Default)]
struct State {
    /// What a reader sees.
    live: Vec<u8>,
    /// What the last sync made certain.
    synced: Vec<u8>,
    /// What happened since.
    unsynced: Vec<Write>,
    syncs: u64,
    cut_at_sync: Option<u64>,
    capacity: Option<usize>,
}

/// A disk for redb. Clones are the same disk.
#[derive(Clone, Debug, Default)]
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
        let (mut image, mut dice) = (state.synced.clone(), Dice::new(seed));
        match survivors {
            Survivors::Nothing => {}
            Survivors::Prefix => {
                let mut left = dice.below(sectors(&state.unsynced) + 1);
                for write in state.unsynced.iter().flat_map(split) {
                    if left == 0 {
                        break;
                    }
                    left -= 1;
                    perform(&mut image, &write);
                }
            }
            Survivors::Subset => {
                for write in state.unsynced.iter().flat_map(split) {
                    if dice.below(2) == 0 {
                        perform(&mut image, &write);
                    }
                }
            }
        }
        image
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
        self.unsynced.push(write);
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
        let mut state = self.state();
        state.powered()?;
        state.syncs += 1;
        state.powered()?;
        let State { synced, unsynced, .. } = &mut *state;
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

fn sectors(writes: &[Write]) -> u64 {
    writes.iter().map(|write| split(write).len() as u64).sum()
}

/// A write as the pieces that survive or perish on their own.
fn split(write: &Write) -> Vec<Write> {
    match write {
        Write::Length(length) => vec![Write::Length(*length)],
        Write::Bytes { offset, bytes } => {
            let pieces = bytes.chunks(SECTOR).zip((*offset..).step_by(SECTOR));
            pieces.map(|(piece, offset)| Write::Bytes { offset, bytes: piece.to_vec() }).collect()
        }
    }
}

/// Bytes beyond the end are lost: without the length that was set, nobody will find them.
fn perform(image: &mut Vec<u8>, write: &Write) {
    match write {
        Write::Length(length) => image.resize(*length, 0),
        Write::Bytes { offset, bytes } => {
            let room = image.len().saturating_sub(*offset).min(bytes.len());
            if room > 0 {
                image[*offset..*offset + room].copy_from_slice(&bytes[..room]);
            }
        }
    }
}

//! Everything that was done to a disk, in order, so that one run can be cut at every step.

use std::sync::Arc;

use super::Dice;

/// What a disk writes in one piece.
pub(super) const SECTOR: usize = 512;

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
pub(super) enum Write {
    Bytes { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Write(Arc<Write>),
    Sync,
}

/// A recording of a disk. It begins with contents that were certain.
#[derive(Debug)]
pub struct Tape {
    pub(super) base: Vec<u8>,
    pub(super) steps: Vec<Step>,
}

impl Tape {
    /// How many steps there were: writes, changes of length, and syncs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether the step with this number (the first is 0) is a sync.
    #[must_use]
    pub fn is_sync(&self, step: usize) -> bool {
        matches!(self.steps.get(step), Some(Step::Sync))
    }

    /// A reader at the beginning.
    #[must_use]
    pub fn play(&self) -> Player<'_> {
        Player { tape: self, at: 0, synced: self.base.clone(), unsynced: Vec::new() }
    }
}

/// Goes along a tape and knows what is certain and what is not yet.
#[derive(Debug)]
pub struct Player<'a> {
    tape: &'a Tape,
    at: usize,
    synced: Vec<u8>,
    unsynced: Vec<Arc<Write>>,
}

impl Player<'_> {
    /// Goes on until so many steps are done. There is no way back.
    pub fn forward(&mut self, steps: usize) {
        let end = steps.min(self.tape.steps.len());
        while self.at < end {
            match &self.tape.steps[self.at] {
                Step::Write(write) => self.unsynced.push(Arc::clone(write)),
                Step::Sync => {
                    for write in self.unsynced.drain(..) {
                        perform(&mut self.synced, &write);
                    }
                }
            }
            self.at += 1;
        }
    }

    /// The bytes a power cut here would leave; the same for the same seed.
    #[must_use]
    pub fn after_power_cut(&self, survivors: Survivors, seed: u64) -> Vec<u8> {
        after_power_cut(&self.synced, &self.unsynced, survivors, seed)
    }
}

/// What is left of `synced` and the writes since.
pub(super) fn after_power_cut(
    synced: &[u8],
    unsynced: &[Arc<Write>],
    survivors: Survivors,
    seed: u64,
) -> Vec<u8> {
    let (mut image, mut dice) = (synced.to_vec(), Dice::new(seed));
    let pieces = unsynced.iter().flat_map(|write| split(write));
    match survivors {
        Survivors::Nothing => {}
        Survivors::Prefix => {
            let all: u64 = unsynced.iter().map(|write| split(write).len() as u64).sum();
            let left = dice.below(all + 1);
            let left = usize::try_from(left).unwrap_or(usize::MAX);
            pieces.take(left).for_each(|write| perform(&mut image, &write));
        }
        Survivors::Subset => {
            pieces.filter(|_| dice.below(2) == 0).for_each(|write| perform(&mut image, &write));
        }
    }
    image
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
pub(super) fn perform(image: &mut Vec<u8>, write: &Write) {
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

#[cfg(test)]
mod tests {
    use redb::StorageBackend;

    use super::*;
    use crate::faulty::FaultyDisk;

    #[test]
    fn a_tape_shows_every_moment_of_the_disk_it_was_made_of() {
        let mut dice = Dice::new(1);
        let disk = FaultyDisk::recording(vec![7; 2000]);
        let mut moments = Vec::new();
        for _ in 0..200 {
            match dice.below(5) {
                0 => disk.sync_data().unwrap(),
                1 => disk.set_len(1000 + dice.below(3000)).unwrap(),
                _ => {
                    let byte = dice.below(256).to_le_bytes()[0];
                    disk.write(dice.below(900), &[byte; 700]).unwrap();
                }
            }
            let seed = dice.below(1000);
            for survivors in [Survivors::Nothing, Survivors::Prefix, Survivors::Subset] {
                let image = disk.after_power_cut(survivors, seed);
                moments.push((disk.steps(), survivors, seed, image));
            }
        }
        let tape = disk.tape();
        assert_eq!(tape.len(), 200);
        let mut player = tape.play();
        for (steps, survivors, seed, image) in moments {
            player.forward(steps);
            assert!(player.after_power_cut(survivors, seed) == image, "after {steps} steps");
        }
    }
}

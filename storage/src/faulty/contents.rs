//! A file's contents in pieces that versions of it share, so that many versions fit into memory.

use std::sync::Arc;

use super::tape::SECTOR;
use super::{Dice, Survivors};

/// A whole number of sectors.
const PIECE: usize = 32 * SECTOR;

/// One version of a file.
#[derive(Clone, Default)]
pub(super) struct Contents {
    /// All but the last are [`PIECE`] long.
    pieces: Vec<Arc<[u8]>>,
}

impl Contents {
    /// These bytes; pieces that are as in `known` are shared with it.
    pub(super) fn of(bytes: &[u8], known: Option<&Contents>) -> Contents {
        let shared = |at: usize, piece: &[u8]| {
            known.and_then(|known| known.pieces.get(at)).filter(|known| known[..] == *piece)
        };
        let pieces = bytes.chunks(PIECE).enumerate();
        let pieces = pieces.map(|(at, piece)| shared(at, piece).cloned().unwrap_or(piece.into()));
        Contents { pieces: pieces.collect() }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.pieces.iter().flat_map(|piece| piece.iter().copied()).collect()
    }

    fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.len()).sum()
    }

    /// The numbers of the sectors that are not as in `old`.
    fn changed(&self, old: Option<&Contents>) -> Vec<usize> {
        let mut changed = Vec::new();
        for (at, piece) in self.pieces.iter().enumerate() {
            let before = old.and_then(|old| old.pieces.get(at));
            if before.is_some_and(|before| Arc::ptr_eq(before, piece)) {
                continue;
            }
            let before = before.map_or(&[][..], |before| &before[..]);
            for (sector, bytes) in piece.chunks(SECTOR).enumerate() {
                if before.chunks(SECTOR).nth(sector) != Some(bytes) {
                    changed.push(at * (PIECE / SECTOR) + sector);
                }
            }
        }
        changed
    }

    /// What a power cut leaves of this version, where only `old` was synced.
    pub(super) fn mixed_into(
        &self,
        old: Option<&Contents>,
        survivors: Survivors,
        dice: &mut Dice,
    ) -> Vec<u8> {
        let mut image = old.map(Contents::bytes).unwrap_or_default();
        let mut changed = match survivors {
            Survivors::Nothing => return image,
            Survivors::Prefix | Survivors::Subset => self.changed(old),
        };
        let longer = match survivors {
            Survivors::Nothing | Survivors::Prefix => true,
            Survivors::Subset => dice.below(2) == 0,
        };
        if longer {
            image.resize(self.len(), 0);
        }
        if survivors == Survivors::Prefix {
            let kept = dice.below(changed.len() as u64 + 1);
            changed.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
        }
        for sector in changed {
            if survivors == Survivors::Subset && dice.below(2) == 1 {
                continue;
            }
            let (piece, within) = (sector / (PIECE / SECTOR), sector % (PIECE / SECTOR) * SECTOR);
            let Some(bytes) = self.pieces[piece][within..].chunks(SECTOR).next() else { continue };
            let at = sector * SECTOR;
            // Beyond the old length nobody will find it.
            let room = image.len().saturating_sub(at).min(bytes.len());
            if room > 0 {
                image[at..at + room].copy_from_slice(&bytes[..room]);
            }
        }
        image
    }
}

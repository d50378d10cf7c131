//! The frames that may leave a journal: found and checked before the commit that removes them, because
//! the writer of the journal waits for that commit.

use super::frame::{self, Tip};
use super::recover;
use super::store::{Frames, damaged, place_of};
use crate::journal::JournalError;

/// Frames that may go: checked, and each a link to the next.
pub(super) struct Leading {
    /// What the first of them follows.
    pub(super) before: Tip,
    /// The sequence each begins with.
    pub(super) firsts: Vec<u64>,
    /// The chain with all of them.
    pub(super) reached: Tip,
}

impl Leading {
    /// The first frames, at most so many, as long as all their records have sequences up to `sequence`.
    /// Whoever removes a link checks it first, so the chain is whole up to the anchor.
    pub(super) fn find(
        frames: &Frames<'_>,
        identity: u128,
        sequence: u64,
        most: usize,
    ) -> Result<Leading, JournalError> {
        let before = recover::start(frames, identity)?;
        let mut leading = Leading { before, firsts: Vec::new(), reached: before };
        while leading.firsts.len() < most {
            let (file, first) = (frames.file(), leading.reached.sequence + 1);
            let outline = |bytes: &[u8]| {
                frame::outline(bytes).map_err(|reason| recover::refused(file, first, &reason))
            };
            let Some(frame) = frames.at(first, outline)? else { break };
            frame.follows(&leading.reached).map_err(|e| damaged(file, &place_of(first), e))?;
            if frame.tip().sequence > sequence {
                break;
            }
            leading.firsts.push(first);
            leading.reached = frame.tip();
        }
        Ok(leading)
    }
}

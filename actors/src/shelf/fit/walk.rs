//! A walk along all stretches, so that one that does not fit is found before somebody needs it.

use surehold_storage::Direction;

use super::super::stretch::{Lines, Sheet, Stretch};
use super::super::{STRETCHES, Shelf, ShelfError};

/// How far somebody came who looks at what nobody used yet.
#[derive(Debug, Default)]
pub struct Walk {
    /// The first key behind the sheets that were read.
    from: Vec<u8>,
    /// Of the last of these, what is still to be looked at.
    ahead: Vec<Stretch>,
}

impl Walk {
    /// Looks at one stretch that nobody looked at before, which takes about a millisecond. Returns
    /// whether there was one. Blocks.
    ///
    /// # Errors
    /// [`ShelfError::Unfit`] if it does not fit; all that follows from that is done.
    pub fn step(&mut self, shelf: &Shelf) -> Result<bool, ShelfError> {
        loop {
            while let Some(stretch) = self.ahead.pop() {
                if !shelf.fit.is_checked(stretch) {
                    return shelf.check(stretch).map(|()| true);
                }
            }
            let sheets = shelf.snapshots.scan(STRETCHES, &self.from, &[0xff], Direction::Up, 1);
            let sheets = sheets.map_err(|error| shelf.broken(error))?;
            let Some((key, lines)) = sheets.into_iter().next() else { return Ok(false) };
            if let Some(sheet) = Sheet::from_key(&key) {
                let lines = Lines::read(Some(&lines));
                self.ahead = lines.all().map(|line| Stretch { sheet, line }).collect();
            }
            self.from = key;
            self.from.push(0);
        }
    }
}

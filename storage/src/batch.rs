//! Records that several read at once: whoever follows the journal closely shares what the writer has in
//! memory, and copies none of it.

use std::ops::Range;
use std::sync::Arc;

use crate::journal::Record;

/// Records that follow one another.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    frames: Vec<(Arc<Vec<Record>>, Range<usize>)>,
}

impl Batch {
    /// Adds a part of a frame, which follows what is there.
    pub(crate) fn add(&mut self, frame: &Arc<Vec<Record>>, part: Range<usize>) {
        if !part.is_empty() {
            self.frames.push((Arc::clone(frame), part));
        }
    }

    /// The records, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Record> {
        self.frames.iter().flat_map(|(frame, part)| &frame[part.clone()])
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frames.iter().map(|(_, part)| part.len()).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The last one.
    #[must_use]
    pub fn last(&self) -> Option<&Record> {
        self.frames.last().and_then(|(frame, part)| frame[part.clone()].last())
    }

    /// The records for somebody to keep.
    #[must_use]
    pub fn to_vec(&self) -> Vec<Record> {
        let mut records = Vec::with_capacity(self.len());
        records.extend(self.iter().cloned());
        records
    }
}

impl From<Vec<Record>> for Batch {
    fn from(records: Vec<Record>) -> Batch {
        let mut batch = Batch::default();
        let all = 0..records.len();
        batch.add(&Arc::new(records), all);
        batch
    }
}

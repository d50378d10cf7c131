//! The tail: the most recent durable records, kept in memory, so that whoever follows the journal
//! closely reads no disk.

use std::collections::VecDeque;
use std::sync::Arc;

use super::frame::RECORD_OVERHEAD;
use crate::batch::Batch;
use crate::journal::Record;

/// Most records kept: a few commits' worth at full speed.
const RECORDS_MAX: usize = 65_536;
/// Most bytes kept, so that a journal of large records stays as small in memory as one of small
/// ones.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// A run of records without gaps, ending at the last durable one, commit by commit.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    frames: VecDeque<Frame>,
    records: usize,
    bytes: usize,
}

/// The records of one commit.
#[derive(Debug)]
pub(crate) struct Frame {
    records: Arc<Vec<Record>>,
    first: u64,
    bytes: usize,
}

impl Tail {
    /// Adds the records of one commit and forgets the oldest commits beyond the bounds. Those it gives back,
    /// to be dropped where nobody waits for it.
    pub(crate) fn push(&mut self, records: Vec<Record>) -> Vec<Frame> {
        let mut gone = Vec::new();
        let Some(first) = records.first().map(|record| record.sequence) else { return gone };
        debug_assert!(self.frames.back().is_none_or(|last| last.end() == first));
        let bytes = records.iter().map(weight).sum();
        self.records += records.len();
        self.bytes += bytes;
        self.frames.push_back(Frame { records: Arc::new(records), first, bytes });
        while self.records > RECORDS_MAX || self.bytes > BYTES_MAX {
            let Some(oldest) = self.frames.pop_front() else { break };
            self.records -= oldest.records.len();
            self.bytes -= oldest.bytes;
            gone.push(oldest);
        }
        gone
    }

    /// Up to `limit` records above `after` and up to `last`; `None` if the tail begins later.
    pub(crate) fn read(&self, after: u64, last: u64, limit: usize) -> Option<Batch> {
        let from = after.checked_add(1)?;
        if from < self.frames.front()?.first {
            return None;
        }
        let to = last.saturating_add(1).min(from.saturating_add(limit as u64));
        let begun = self.frames.partition_point(|frame| frame.end() <= from);
        let mut batch = Batch::default();
        for frame in self.frames.range(begun..).take_while(|frame| frame.first < to) {
            batch.add(&frame.records, frame.place(from)..frame.place(to));
        }
        Some(batch)
    }
}

impl Frame {
    /// The sequence after its last one.
    fn end(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    /// Where a sequence stands in it, or would stand.
    fn place(&self, sequence: u64) -> usize {
        let place = sequence.saturating_sub(self.first);
        usize::try_from(place).map_or(self.records.len(), |place| place.min(self.records.len()))
    }
}

fn weight(record: &Record) -> usize {
    record.bytes.len() + RECORD_OVERHEAD
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::journal::Stream;

    fn record(sequence: u64, length: usize) -> Record {
        let stream = Stream { kind: 1, group: 2, id: 3 };
        Record { sequence, stream, number: 1, bytes: Bytes::from(vec![0; length]) }
    }

    fn sequences(records: Option<Batch>) -> Option<Vec<u64>> {
        records.map(|records| records.iter().map(|record| record.sequence).collect())
    }

    #[test]
    fn serves_what_it_holds_and_nothing_before() {
        let mut tail = Tail::default();
        assert!(tail.read(0, 9, 9).is_none(), "an empty tail knows nothing");
        tail.push((5..=6).map(|sequence| record(sequence, 10)).collect());
        tail.push(Vec::new());
        tail.push((7..=8).map(|sequence| record(sequence, 10)).collect());
        assert_eq!(sequences(tail.read(3, 9, 9)), None, "4 is not held");
        assert_eq!(sequences(tail.read(4, 9, 2)), Some(vec![5, 6]));
        assert_eq!(sequences(tail.read(5, 9, 2)), Some(vec![6, 7]), "of two commits");
        assert_eq!(sequences(tail.read(4, 9, 9)), Some(vec![5, 6, 7, 8]));
        assert_eq!(sequences(tail.read(6, 7, 9)), Some(vec![7]), "8 is not durable yet");
        assert_eq!(sequences(tail.read(8, 8, 9)), Some(vec![]));
        let all = tail.read(5, u64::MAX, usize::MAX).unwrap();
        assert_eq!((all.len(), all.last().map(|record| record.sequence)), (3, Some(8)));
        assert_eq!(all.to_vec().len(), 3);
    }

    #[test]
    fn stays_within_its_bounds() {
        let mut tail = Tail::default();
        let last = RECORDS_MAX as u64 + 10;
        for sequence in 1..=last {
            tail.push(vec![record(sequence, 0)]);
        }
        assert_eq!((tail.records, tail.frames.len()), (RECORDS_MAX, RECORDS_MAX));
        tail.push(vec![record(last + 1, BYTES_MAX - 100)]);
        assert!(tail.records < 5 && tail.bytes <= BYTES_MAX);
        tail.push(vec![record(last + 2, BYTES_MAX)]);
        assert_eq!((tail.records, tail.bytes), (0, 0), "too large to keep");
    }
}

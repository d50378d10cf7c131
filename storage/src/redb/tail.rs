//! The tail: the most recent durable records, kept in memory, so that whoever follows the journal
//! closely reads no disk.

use std::collections::VecDeque;

use super::frame::RECORD_OVERHEAD;
use crate::journal::Record;

/// Most records kept: a few commits' worth at full speed.
const RECORDS_MAX: usize = 65_536;
/// Most bytes kept, so that a journal of large records stays as small in memory as one of small
/// ones.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// A run of records without gaps, ending at the last durable one.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    records: VecDeque<Record>,
    bytes: usize,
}

impl Tail {
    /// Adds the records of one commit and forgets the oldest beyond the bounds.
    pub(crate) fn push(&mut self, records: impl Iterator<Item = Record>) {
        for record in records {
            debug_assert!(
                self.records.back().is_none_or(|last| last.sequence + 1 == record.sequence)
            );
            self.bytes += weight(&record);
            self.records.push_back(record);
            while self.records.len() > RECORDS_MAX || self.bytes > BYTES_MAX {
                let Some(oldest) = self.records.pop_front() else { break };
                self.bytes -= weight(&oldest);
            }
        }
    }

    /// Up to `limit` records above `after` and up to `last`; `None` if the tail begins later.
    pub(crate) fn read(&self, after: u64, last: u64, limit: usize) -> Option<Vec<Record>> {
        let first = self.records.front()?.sequence;
        let skip = usize::try_from(after.checked_add(1)?.checked_sub(first)?).ok()?;
        // There are no gaps, so what is wanted is known before: the list is made at once, at its length.
        let wanted = usize::try_from(last.saturating_sub(after)).map_or(limit, |it| it.min(limit));
        let end = self.records.len().min(skip.saturating_add(wanted));
        Some(self.records.range(skip.min(end)..end).cloned().collect())
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

    fn sequences(records: Option<Vec<Record>>) -> Option<Vec<u64>> {
        records.map(|records| records.iter().map(|record| record.sequence).collect())
    }

    #[test]
    fn serves_what_it_holds_and_nothing_before() {
        let mut tail = Tail::default();
        assert_eq!(tail.read(0, 9, 9), None, "an empty tail knows nothing");
        tail.push((5..=8).map(|sequence| record(sequence, 10)));
        assert_eq!(sequences(tail.read(3, 9, 9)), None, "4 is not held");
        assert_eq!(sequences(tail.read(4, 9, 2)), Some(vec![5, 6]));
        assert_eq!(sequences(tail.read(6, 7, 9)), Some(vec![7]), "8 is not durable yet");
        assert_eq!(sequences(tail.read(8, 8, 9)), Some(vec![]));
    }

    #[test]
    fn stays_within_its_bounds() {
        let mut tail = Tail::default();
        tail.push((1..=RECORDS_MAX as u64 + 10).map(|sequence| record(sequence, 0)));
        assert_eq!(tail.records.len(), RECORDS_MAX);
        tail.push(std::iter::once(record(RECORDS_MAX as u64 + 11, BYTES_MAX - 100)));
        assert!(tail.records.len() < 5 && tail.bytes <= BYTES_MAX);
        tail.push(std::iter::once(record(RECORDS_MAX as u64 + 12, BYTES_MAX)));
        assert_eq!((tail.records.len(), tail.bytes), (0, 0), "too large to keep");
    }
}

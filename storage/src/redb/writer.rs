//! The writer: one thread that gathers what was appended, writes it as one frame and says so.
//!
//! It commits when somebody needs it, not when there is something: a lone order appends several records
//! before it waits, and all of them go in one commit. Where many are at work it lets half of them come to
//! where they wait for the disk (see [`crate::demand`]), for a limited time. What nobody waits for is on
//! disk a moment later. While a commit is on its way, appends queue up; the next one takes all of them.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Shared;
use super::frame::{Encoder, RECORD_OVERHEAD, Tip};
use crate::demand::Demand;
use crate::durable::Durable;
use crate::folder::panic_text;
use crate::journal::{JournalError, NewRecord, Record};

/// Most records in a frame, unless one append brings more.
const FRAME_RECORDS_MAX: usize = 65_536;
/// Most bytes in a frame, unless one append brings more: what one read has to hold and to hash.
const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long a commit may be put off for the sake of each of those at work. Longer saves commits and costs
/// more than they do: a processor with nothing to do sleeps, and waking it takes its time.
const PATIENCE_EACH: Duration = Duration::from_micros(8);
/// How long it may be put off at most: about two commits of a fast disk.
const PATIENCE_MAX: Duration = Duration::from_micros(500);
/// How long records wait that nobody waits for.
const UNWANTED_MAX: Duration = Duration::from_millis(5);
/// Appends that are enough for a frame, whoever waits for them.
const ENOUGH: usize = 4096;

/// The records of one call of `append`. They stay together in one frame.
struct Append {
    records: Records,
    bytes: usize,
}

/// What one call brings. Most bring one record, which needs no list.
pub(super) enum Records {
    One(NewRecord),
    Many(Vec<NewRecord>),
}

impl Records {
    pub(super) fn as_slice(&self) -> &[NewRecord] {
        match self {
            Records::One(record) => std::slice::from_ref(record),
            Records::Many(records) => records,
        }
    }
}

#[derive(Default)]
struct Waiting {
    /// The last sequence given out.
    sequence: u64,
    appends: VecDeque<Append>,
    /// Nothing more comes in; the writer ends when it has written the rest.
    closing: bool,
    closed: Option<Arc<str>>,
}

/// What was appended and not yet taken by the writer.
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    durable: Arc<Durable>,
}

impl Queue {
    /// An empty queue; sequences go on after the last durable one.
    pub(crate) fn before(durable: &Arc<Durable>) -> Queue {
        let waiting = Waiting { sequence: durable.get(), ..Waiting::default() };
        Queue { waiting: Mutex::new(waiting), durable: Arc::clone(durable) }
    }

    /// Gives the records their sequences and queues them.
    pub(super) fn push(&self, records: Records) -> Result<u64, JournalError> {
        let all = records.as_slice();
        let bytes = all.iter().map(|record| record.bytes.len() + RECORD_OVERHEAD).sum();
        let count = all.len();
        let mut waiting = self.waiting();
        if let Some(reason) = &waiting.closed {
            return Err(JournalError::Closed(Arc::clone(reason)));
        }
        if count == 0 {
            return Ok(waiting.sequence);
        }
        waiting.sequence += count as u64;
        let last = waiting.sequence;
        waiting.appends.push_back(Append { records, bytes });
        let queued = waiting.appends.len();
        drop(waiting);
        match queued {
            1 => self.demand().appended(),
            ENOUGH => self.demand().ring(),
            _ => {}
        }
        Ok(last)
    }

    /// Lets nothing more in. The first reason stays.
    pub(crate) fn close(&self, reason: &str) {
        let mut waiting = self.waiting();
        waiting.closing = true;
        waiting.closed.get_or_insert_with(|| reason.into());
        drop(waiting);
        self.demand().ring();
    }

    fn demand(&self) -> &Demand {
        &self.durable.demand
    }

    /// Waits until a commit is due and takes everything; nothing once the queue closed.
    fn take(&self) -> VecDeque<Append> {
        // When what is there was first seen, and when it was first wanted.
        let (mut seen, mut wanted) = (None, None);
        loop {
            let mut waiting = self.waiting();
            if waiting.closing || self.demand().is_due() && !waiting.appends.is_empty() {
                return std::mem::take(&mut waiting.appends);
            }
            let queued = waiting.appends.len();
            let patience = self.patience(queued, &mut seen, &mut wanted);
            if patience == Some(Duration::ZERO) {
                return std::mem::take(&mut waiting.appends);
            }
            self.demand().rest(patience.is_none());
            drop(waiting);
            // Whoever came to wait before it lay down did not ring.
            if queued > 0 && self.demand().is_due() {
                self.demand().up();
            } else {
                self.demand().sleep(patience);
            }
        }
    }

    /// How long the writer may sleep yet if nobody rings; nothing if there is no reason to get up.
    fn patience(
        &self,
        queued: usize,
        seen: &mut Option<Instant>,
        wanted: &mut Option<Instant>,
    ) -> Option<Duration> {
        let at_work = self.demand().at_work();
        if queued == 0 {
            return (at_work > 0).then_some(UNWANTED_MAX);
        }
        if queued >= ENOUGH {
            return Some(Duration::ZERO);
        }
        let now = Instant::now();
        let unwanted = UNWANTED_MAX.saturating_sub(now - *seen.get_or_insert(now));
        if !self.demand().is_wanted() {
            return Some(unwanted);
        }
        let most = u32::try_from(at_work).map_or(PATIENCE_MAX, |many| PATIENCE_EACH * many);
        let left = most.min(PATIENCE_MAX).saturating_sub(now - *wanted.get_or_insert(now));
        Some(left.min(unwanted))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Every critical section leaves the queue whole, so a poisoned lock holds good data.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of the thread. However it ends, it leaves the journal closed.
pub(crate) fn run(shared: &Shared, tip: Tip) {
    let reason = match catch_unwind(AssertUnwindSafe(|| write_all(shared, tip))) {
        Ok(Ok(())) => "it was closed in order".to_owned(),
        Ok(Err(error)) => format!("a write failed: {error}"),
        Err(panic) => format!("the writer failed: {}", panic_text(&*panic)),
    };
    shared.shut(&reason);
}

/// Writes until the queue is closed and empty.
fn write_all(shared: &Shared, mut tip: Tip) -> Result<(), JournalError> {
    let mut encoder = Encoder::new();
    let mut backlog = VecDeque::new();
    shared.durable.demand.commit_here();
    loop {
        if backlog.is_empty() {
            backlog = shared.queue.take();
        }
        let frame = next_frame(&mut backlog);
        if frame.is_empty() {
            return Ok(());
        }
        let first = tip.sequence + 1;
        encoder.start(&tip);
        for record in frame.iter().flat_map(|append| append.records.as_slice()) {
            encoder.push(record);
        }
        let (bytes, reached) = encoder.finish();
        shared.write(first, bytes)?;
        let records = numbered(frame, &tip, &reached);
        tip = reached;
        let gone = shared.tail().push(records);
        shared.durable.publish(tip.sequence);
        drop(gone);
    }
}

/// The appends of the next frame: at least one, if there is any, and as many as fit.
fn next_frame(backlog: &mut VecDeque<Append>) -> Vec<Append> {
    let (mut records, mut bytes) = (0, 0);
    let fitting = backlog.iter().take_while(|append| {
        let first = records == 0;
        records += append.records.as_slice().len();
        bytes += append.bytes;
        first || (records <= FRAME_RECORDS_MAX && bytes <= FRAME_BYTES_MAX)
    });
    let count = fitting.count();
    backlog.drain(..count).collect()
}

/// The records of a frame as they stand in the journal: after this tip, up to that one.
fn numbered(frame: Vec<Append>, after: &Tip, upto: &Tip) -> Vec<Record> {
    let count = upto.sequence - after.sequence;
    let mut numbered = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
    let mut sequence = after.sequence;
    let mut add = |NewRecord { stream, number, bytes }| {
        sequence += 1;
        numbered.push(Record { sequence, stream, number, bytes });
    };
    for append in frame {
        match append.records {
            Records::One(record) => add(record),
            Records::Many(records) => records.into_iter().for_each(&mut add),
        }
    }
    numbered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(records: usize, bytes: usize) -> Append {
        let stream = crate::journal::Stream { kind: 1, group: 1, id: 1 };
        let record = NewRecord { stream, number: 1, bytes: bytes::Bytes::new() };
        Append { records: Records::Many(vec![record; records]), bytes }
    }

    fn sizes(appends: &[(usize, usize)]) -> Vec<usize> {
        let mut backlog = appends.iter().map(|(records, bytes)| append(*records, *bytes)).collect();
        let frames = std::iter::from_fn(|| Some(next_frame(&mut backlog).len()));
        frames.take_while(|appends| *appends > 0).collect()
    }

    #[test]
    fn a_frame_takes_what_fits_and_never_splits_an_append() {
        assert_eq!(sizes(&[]), [] as [usize; 0]);
        assert_eq!(sizes(&[(1, 10), (2, 20), (3, 30)]), [3], "all in one");
        assert_eq!(sizes(&[(FRAME_RECORDS_MAX, 10), (1, 10)]), [1, 1], "full of records");
        assert_eq!(sizes(&[(1, FRAME_BYTES_MAX), (1, 1), (1, 1)]), [1, 2], "full of bytes");
        assert_eq!(sizes(&[(FRAME_RECORDS_MAX + 1, 10), (1, 10)]), [1, 1], "too large, but whole");
    }
}

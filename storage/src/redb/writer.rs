//! The writer: one thread that gathers what was appended, writes it as one frame and says so.
//!
//! While a commit is on its way to the disk, appends queue up; the next commit takes all of them.
//! So a lone appender waits for one commit, and many share one. Where many share one, the writer
//! waits a moment for as many again: a commit costs the processor the same for few as for many, and
//! on a fast disk small commits would take the time that the appenders need.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Shared;
use super::frame::{Encoder, RECORD_OVERHEAD, Tip};
use crate::folder::panic_text;
use crate::journal::{JournalError, NewRecord, Record};

/// Most records in a frame, unless one append brings more.
const FRAME_RECORDS_MAX: usize = 65_536;
/// Most bytes in a frame, unless one append brings more: what one read has to hold and to hash.
const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Appends in a frame from which on the writer waits for as many again.
const SHARED_FROM: usize = 48;
/// How long it waits for them at most: well below what so many appenders wait for each other anyway.
const SHARED_WAIT: Duration = Duration::from_micros(400);

/// The records of one call of `append`. They stay together in one frame.
struct Append {
    records: Vec<NewRecord>,
    bytes: usize,
}

#[derive(Default)]
struct Waiting {
    /// The last sequence given out.
    sequence: u64,
    appends: VecDeque<Append>,
    /// The writer sleeps; waking it costs a system call, so only a sleeping one is woken.
    asleep: bool,
    /// Appends that must be there before it is worth waking it.
    wanted: usize,
    /// Nothing more comes in; the writer ends when it has written the rest.
    closing: bool,
    closed: Option<Arc<str>>,
}

/// What was appended and not yet taken by the writer.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

impl Queue {
    /// An empty queue; sequences go on after `sequence`.
    pub(crate) fn after(sequence: u64) -> Queue {
        Queue {
            waiting: Mutex::new(Waiting { sequence, ..Waiting::default() }),
            wake: Condvar::new(),
        }
    }

    /// Gives the records their sequences and queues them.
    pub(crate) fn push(&self, records: Vec<NewRecord>) -> Result<u64, JournalError> {
        let bytes = records.iter().map(|record| record.bytes.len() + RECORD_OVERHEAD).sum();
        let mut waiting = self.waiting();
        if let Some(reason) = &waiting.closed {
            return Err(JournalError::Closed(Arc::clone(reason)));
        }
        if records.is_empty() {
            return Ok(waiting.sequence);
        }
        waiting.sequence += records.len() as u64;
        let last = waiting.sequence;
        waiting.appends.push_back(Append { records, bytes });
        let wake = waiting.asleep && waiting.appends.len() >= waiting.wanted;
        if wake {
            waiting.asleep = false;
        }
        drop(waiting);
        if wake {
            self.wake.notify_one();
        }
        Ok(last)
    }

    /// Lets nothing more in. The first reason stays.
    pub(crate) fn close(&self, reason: &str) {
        let mut waiting = self.waiting();
        waiting.closing = true;
        waiting.closed.get_or_insert_with(|| reason.into());
        self.wake.notify_one();
    }

    /// Waits until there is something, and a moment for `wanted` appends, and takes all of it;
    /// nothing once the queue closed.
    fn take(&self, wanted: usize) -> VecDeque<Append> {
        let mut waiting = self.waiting();
        if wanted > 1 {
            waiting.wanted = wanted;
            waiting.asleep = waiting.appends.len() < wanted && !waiting.closing;
            let few = |waiting: &mut Waiting| waiting.asleep && !waiting.closing;
            let waited = self.wake.wait_timeout_while(waiting, SHARED_WAIT, few);
            waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        waiting.wanted = 1;
        while waiting.appends.is_empty() && !waiting.closing {
            waiting.asleep = true;
            waiting = self.wake.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.asleep = false;
        std::mem::take(&mut waiting.appends)
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
    let mut shared_by = 0;
    loop {
        if backlog.is_empty() {
            backlog = shared.queue.take(if shared_by < SHARED_FROM { 1 } else { shared_by });
        }
        let frame = next_frame(&mut backlog);
        shared_by = frame.len();
        if frame.is_empty() {
            return Ok(());
        }
        let first = tip.sequence + 1;
        encoder.start(&tip);
        for record in frame.iter().flat_map(|append| &append.records) {
            encoder.push(record);
        }
        let (bytes, reached) = encoder.finish();
        shared.write(first, bytes)?;
        tip = reached;
        let records = frame.into_iter().flat_map(|append| append.records).zip(first..);
        shared.tail().push(records.map(|(record, sequence)| numbered(record, sequence)));
        shared.durable.publish(tip.sequence);
    }
}

/// The appends of the next frame: at least one, if there is any, and as many as fit.
fn next_frame(backlog: &mut VecDeque<Append>) -> Vec<Append> {
    let (mut records, mut bytes) = (0, 0);
    let fitting = backlog.iter().take_while(|append| {
        let first = records == 0;
        records += append.records.len();
        bytes += append.bytes;
        first || (records <= FRAME_RECORDS_MAX && bytes <= FRAME_BYTES_MAX)
    });
    let count = fitting.count();
    backlog.drain(..count).collect()
}

fn numbered(NewRecord { stream, number, bytes }: NewRecord, sequence: u64) -> Record {
    Record { sequence, stream, number, bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(records: usize, bytes: usize) -> Append {
        let stream = crate::journal::Stream { kind: 1, group: 1, id: 1 };
        let record = NewRecord { stream, number: 1, bytes: bytes::Bytes::new() };
        Append { records: vec![record; records], bytes }
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

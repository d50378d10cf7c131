//! What happened in a world, line by line: a sum that is the same for the same story, the lines
//! themselves where somebody wants to read them, and what was found wrong.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Faults kept of one world: the first one is what matters.
const FAULTS_MAX: usize = 5;

#[derive(Default)]
struct Written {
    sum: u64,
    lines: Option<Vec<String>>,
    faults: Vec<Found>,
    counts: BTreeMap<&'static str, u64>,
    now: u64,
}

/// Something wrong, and with which order, as its lines name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) what: String,
    pub(super) about: Option<String>,
}

/// The notes of one world.
#[derive(Default)]
pub(super) struct Notes(Mutex<Written>);

/// What is left of the notes at the end.
pub(super) struct Kept {
    /// The same for the same story.
    pub(super) sum: u64,
    pub(super) lines: Vec<String>,
    pub(super) faults: Vec<Found>,
    pub(super) counts: BTreeMap<&'static str, u64>,
}

impl Notes {
    /// Notes that keep their lines, if `lines`.
    pub(super) fn new(lines: bool) -> Notes {
        let lines = lines.then(Vec::new);
        Notes(Mutex::new(Written { sum: 0xcbf2_9ce4_8422_2325, lines, ..Written::default() }))
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is so late now.
    pub(super) fn now(&self, now: u64) {
        self.written().now = now;
    }

    /// Something happened.
    pub(super) fn line(&self, what: &str) {
        let mut written = self.written();
        let now = written.now;
        for byte in now.to_le_bytes().iter().chain(what.as_bytes()) {
            written.sum = (written.sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if let Some(lines) = &mut written.lines {
            lines.push(format!("{now}: {what}"));
        }
    }

    /// Something was done that is worth counting.
    pub(super) fn count(&self, what: &'static str, times: u64) {
        *self.written().counts.entry(what).or_default() += times;
    }

    /// Something does not hold.
    pub(super) fn fault(&self, what: String, about: Option<String>) {
        self.line(&format!("FAULT: {what}"));
        let mut written = self.written();
        if written.faults.len() < FAULTS_MAX {
            written.faults.push(Found { what, about });
        }
    }

    /// Whether something does not hold.
    pub(super) fn is_broken(&self) -> bool {
        !self.written().faults.is_empty()
    }

    /// All of it.
    pub(super) fn take(&self) -> Kept {
        let Written { sum, lines, faults, counts, .. } = std::mem::take(&mut *self.written());
        Kept { sum, lines: lines.unwrap_or_default(), faults, counts }
    }
}

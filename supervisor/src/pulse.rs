//! Whether the process makes progress: a task that beats, and looks each time whether the journal
//! moves while records wait for the disk.
//!
//! Only what a new process could mend counts. A gateway that is slow, a participant that is stopped
//! and a disk that is full are not among it: they are waited for.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{BEAT_EVERY, BEAT_MISSING, JOURNAL_STALLED};
use crate::root::{Condition, Status};

/// The journal, as one look found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    durable: u64,
    appended: u64,
}

#[derive(Debug)]
struct Beats {
    /// When the task last beat.
    at: Instant,
    /// The journal at the last beat, and since when it waits without moving.
    journal: Option<(Look, Option<Instant>)>,
}

/// The pulse of an engine.
#[derive(Debug)]
pub(crate) struct Pulse(Mutex<Beats>);

impl Pulse {
    fn new(now: Instant) -> Pulse {
        Pulse(Mutex::new(Beats { at: now, journal: None }))
    }

    /// Begins to beat, for as long as the engine lives.
    pub(crate) fn start(status: &Arc<Status>) -> Arc<Pulse> {
        let pulse = Arc::new(Pulse::new(Instant::now()));
        let (beating, status) = (Arc::downgrade(&pulse), Arc::downgrade(status));
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(BEAT_EVERY).await;
                let (Some(pulse), Some(status)) = (beating.upgrade(), status.upgrade()) else {
                    return;
                };
                pulse.beat(look(&status), Instant::now());
            }
        });
        pulse
    }

    fn beat(&self, journal: Option<Look>, now: Instant) {
        let mut beats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        beats.at = now;
        beats.journal = journal.map(|seen| {
            let waits = seen.durable < seen.appended;
            let since = match beats.journal {
                Some((before, since)) if before.durable == seen.durable => since.or(Some(now)),
                Some(_) | None => Some(now),
            };
            (seen, since.filter(|_| waits))
        });
    }

    /// Why no progress is made, if none is.
    pub(crate) fn stalled(&self, now: Instant) -> Option<String> {
        let beats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = now.saturating_duration_since(beats.at);
        if silent > BEAT_MISSING {
            return Some(format!("nothing was scheduled for {}", seconds(silent)));
        }
        let (look, since) = beats.journal?;
        let waited = now.saturating_duration_since(since?);
        (waited > JOURNAL_STALLED).then(|| {
            let waiting = look.appended - look.durable;
            format!("the disk took none of {waiting} records for {}", seconds(waited))
        })
    }
}

/// The journal, unless it is closed: then the root opens the data anew, or waits for the disk.
fn look(status: &Status) -> Option<Look> {
    match status.condition() {
        Condition::Up(core) => {
            let shelf = &core.post.shelf;
            // In this order: what was appended meanwhile does not wait yet.
            let (appended, durable) = (shelf.appended(), shelf.journal().durable());
            durable.closed().is_none().then(|| Look { durable: durable.get(), appended })
        }
        Condition::Down(_) | Condition::Closed | Condition::Failed(_) => None,
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_beat_and_a_journal_that_stands_still_are_told_apart() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let look = |durable, appended| Some(Look { durable, appended });
        let pulse = Pulse::new(start);
        let (missing, stalled) = (BEAT_MISSING.as_secs(), JOURNAL_STALLED.as_secs());
        assert_eq!(pulse.stalled(at(missing)), None);
        assert!(pulse.stalled(at(missing + 1)).is_some_and(|why| why.contains("scheduled")));
        // Nothing waits: the journal may stand still for ever.
        for second in 0..3 * stalled {
            pulse.beat(look(7, 7), at(second));
            assert_eq!(pulse.stalled(at(second)), None);
        }
        // It waits, and moves: slowly, but it does.
        let begin = 3 * stalled;
        for second in begin..6 * stalled {
            pulse.beat(look(7 + second / 9, 10_000), at(second));
            assert_eq!(pulse.stalled(at(second)), None, "{second}");
        }
        // It waits, and does not move.
        let begin = 6 * stalled;
        for second in begin..=begin + stalled {
            pulse.beat(look(9000, 10_000 + second), at(second));
            assert_eq!(pulse.stalled(at(second)), None, "{second}");
        }
        let late = at(begin + stalled + 1);
        pulse.beat(look(9000, 10_000), late);
        assert!(pulse.stalled(late).is_some_and(|why| why.contains("1000 records")));
        // It moved again, or was opened anew.
        pulse.beat(look(9001, 10_000), late);
        assert_eq!(pulse.stalled(late), None);
        pulse.beat(None, late);
        assert_eq!(pulse.stalled(late), None);
    }
}

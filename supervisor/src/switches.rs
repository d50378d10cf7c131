//! Which participants an operator stopped. That is written down: a stopped participant stays stopped
//! when the process starts again, until somebody starts it.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use surehold_actors::machine::Switch;
use surehold_actors::shelf::{Shelf, ShelfError};
use surehold_actors::stream;

/// The participants an operator can stop, start and crash. Their places are stored: only append.
pub(crate) const PARTICIPANTS: [&str; 7] =
    ["inventory", "payments", "confirmations", "mileage", "messages", "reviews", "views"];

/// The switches of one opening.
#[derive(Default)]
pub(crate) struct Switches {
    stopped: RwLock<BTreeSet<&'static str>>,
    /// Held while one is moved.
    moving: tokio::sync::Mutex<()>,
}

impl Switches {
    /// The switches as they were left.
    ///
    /// # Errors
    /// [`ShelfError`] if they cannot be read.
    pub(crate) fn load(shelf: &Shelf) -> Result<Switches, ShelfError> {
        let mut stopped = BTreeSet::new();
        for (name, place) in PARTICIPANTS.into_iter().zip(1..) {
            let loaded = shelf.load::<Switch>(stream::switch(place))?;
            if loaded.is_some_and(|loaded| loaded.machine.stopped) {
                tracing::warn!(participant = name, "is stopped, as an operator left it");
                stopped.insert(name);
            }
        }
        Ok(Switches { stopped: RwLock::new(stopped), moving: tokio::sync::Mutex::default() })
    }

    /// Whether this participant is stopped.
    pub(crate) fn is_stopped(&self, name: &str) -> bool {
        self.stopped.read().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    /// Whoever moves a switch holds this meanwhile, so that the last word written is the last done.
    pub(crate) async fn moving(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.moving.lock().await
    }

    /// Writes down that a participant is stopped, or is not; `None` if it is so already, otherwise
    /// the record that says so.
    ///
    /// # Errors
    /// [`ShelfError`] if that cannot be written.
    pub(crate) fn set(
        &self,
        shelf: &Shelf,
        name: &'static str,
        stop: bool,
    ) -> Result<Option<u64>, ShelfError> {
        if self.is_stopped(name) == stop {
            return Ok(None);
        }
        let place = PARTICIPANTS.into_iter().zip(1..).find(|(known, _)| *known == name);
        let Some((_, place)) = place else { return Ok(None) };
        let stream = stream::switch(place);
        let number = shelf.load::<Switch>(stream)?.map_or(0, |loaded| loaded.machine.number);
        let sequence = shelf.append::<Switch>(stream, number + 1, &stop)?;
        let mut stopped = self.stopped.write().unwrap_or_else(PoisonError::into_inner);
        if stop {
            stopped.insert(name);
        } else {
            stopped.remove(name);
        }
        Ok(Some(sequence))
    }
}

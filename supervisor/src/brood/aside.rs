//! Children that are set aside because they crashed too often, and faults on demand.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

use surehold_domain::time::Timestamp;

use super::supervisor::BroodMsg;
use super::{Brood, Child, Slot};

impl<C: Child> Brood<C> {
    /// What a quarantined child died of; `None` if it is not quarantined.
    pub fn quarantined(&self, key: C::Key) -> Option<String> {
        match self.shard(key).slots.get(&key) {
            Some(Slot::Quarantined(cause)) => Some(cause.clone()),
            Some(Slot::Live(_) | Slot::Between(..)) | None => None,
        }
    }

    /// Lets a quarantined child live again, without its past and without a fault on demand.
    /// Returns whether it was quarantined.
    pub fn release(&self, key: C::Key) -> bool {
        self.poison(key, false);
        let mut shard = self.shard(key);
        if !matches!(shard.slots.get(&key), Some(Slot::Quarantined(_))) {
            return false;
        }
        shard.slots.insert(key, Slot::Between(VecDeque::new(), None));
        self.aside().remove(&key);
        // Without a supervisor nothing is lost: the next one starts whoever is between two lives.
        if let Some(reign) = &shard.reign {
            reign.tell(BroodMsg::Retry(key));
        }
        true
    }

    fn aside(&self) -> MutexGuard<'_, BTreeMap<C::Key, (String, Timestamp)>> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a child aside that crashed too often.
    pub(super) fn set_aside(&self, key: C::Key, cause: String, now: Timestamp) {
        let mut shard = self.shard(key);
        self.aside().insert(key, (cause.clone(), now));
        shard.slots.insert(key, Slot::Quarantined(cause));
    }

    /// Quarantined children.
    pub fn count_quarantined(&self) -> usize {
        self.aside().len()
    }

    /// The first `limit` quarantined children after this one, what they died of, and when.
    pub fn list_quarantined(
        &self,
        after: Option<C::Key>,
        limit: usize,
    ) -> Vec<(C::Key, String, Timestamp)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let aside = self.aside();
        let found = aside.range((from, Bound::Unbounded)).take(limit);
        found.map(|(key, (cause, at))| (*key, cause.clone(), *at)).collect()
    }

    /// Sets or lifts a fault on demand: while it is set, every life that the child begins is
    /// poisoned. One that is under way is not.
    pub fn poison(&self, key: C::Key, poisoned: bool) {
        let mut all = self.poisoned.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|other| *other != key);
        if poisoned {
            all.push(key);
        }
        self.any_poisoned.store(!all.is_empty(), Ordering::Relaxed);
    }

    pub(super) fn is_poisoned(&self, key: C::Key) -> bool {
        self.any_poisoned.load(Ordering::Relaxed) && {
            let all = self.poisoned.lock().unwrap_or_else(PoisonError::into_inner);
            all.contains(&key)
        }
    }
}

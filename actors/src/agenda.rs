//! The agenda: which unfinished order is looked at when, and which of them still wait for an answer
//! and from whom. It replaces a timer per order, and it is what a restart starts from.
//!
//! Timers are lazy: an order's place in the time line moves only when its time comes, because most
//! deadlines are pushed back several times before they matter. A new order is looked at so soon, and
//! so nearly in turn, that it stands in a queue first, which costs no search; many end before its time.
//!
//! A million orders may wait for a day to come. So nothing that is asked every few seconds goes through
//! all of them: those that are owed an answer are in a list of their own, and those that are late stand
//! at the beginning of the time line.

mod owed;
#[cfg(test)]
mod tests;

use std::collections::hash_map::Entry as Place;
use std::collections::{BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use surehold_domain::id::{MarketId, OrderId, OrderKey};
use surehold_domain::saga::{HOLD_ANSWER, Party, Phase, Saga};
use surehold_domain::time::{Span, Timestamp};
use tokio::sync::Notify;

use owed::Owed;

/// What the agenda knows of an unfinished order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// When it is looked at again.
    pub deadline: Timestamp,
    /// Who owes it an answer.
    pub owed: Option<Party>,
    /// What is special about it.
    pub mark: Mark,
}

/// What is special about an unfinished order, so that it is found without reading any. Variants are
/// only ever added at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Mark {
    /// Nothing.
    Plain,
    /// Its undoing cannot finish.
    Stuck,
    /// It is unpaid only because the payments could not be reached.
    Unreached,
}

impl Open {
    /// The entry of an order; `None` when it is at its end.
    #[must_use]
    pub fn of(saga: &Saga) -> Option<Open> {
        let deadline = saga.deadline()?;
        let mark = if saga.phase() == Phase::Stuck {
            Mark::Stuck
        } else if saga.waits_for_payments() {
            Mark::Unreached
        } else {
            Mark::Plain
        };
        Some(Open { deadline, owed: saga.owed_by(), mark })
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    deadline: Timestamp,
    /// Where it stands in the time line: not later than its deadline, but for one that was found due
    /// and stands there again.
    scheduled: Timestamp,
    /// Whether it stands there in the queue.
    queued: bool,
    /// Its place among those that are owed an answer.
    owed: Option<u32>,
    mark: Mark,
}

/// Orders stand in the queue at most so long before they are looked at: as long as a new one waits for
/// the inventory. One that ended meanwhile keeps its place there until then.
const QUEUED_AT_MOST: Span = HOLD_ANSWER;

#[derive(Debug, Default)]
struct Lists {
    orders: FxHashMap<OrderKey, Entry>,
    /// Those that wait for an answer.
    owed: Owed,
    /// The beginning of the time line: new orders, in the order of their times. Those that ended or moved
    /// stay until their time comes.
    queue: VecDeque<(Timestamp, OrderKey)>,
    /// The time line, but for those that stand in the queue.
    times: BTreeSet<(Timestamp, OrderKey)>,
    /// When the time line is looked at next, as far as whoever does that knows; `None` if nothing stood
    /// there.
    next: Option<Timestamp>,
    /// No order that was found due stands in the time line after this.
    again_until: Timestamp,
    /// Those that are marked.
    marked: BTreeSet<(Mark, OrderKey)>,
}

impl Lists {
    /// Enters an order, or moves it. Says whether the time line is to be looked at earlier.
    fn put(&mut self, order: OrderKey, open: Open, now: Timestamp) -> bool {
        let Open { deadline, owed, mark } = open;
        let mut left = None;
        // Only a new one, and it has to come after the others.
        let soon = deadline.since(now) <= QUEUED_AT_MOST;
        let queued = soon && self.queue.back().is_none_or(|(last, _)| *last <= deadline);
        let (was, is) = match self.orders.entry(order) {
            Place::Vacant(place) => {
                let owed = owed.map(|party| self.owed.join(order, party, now));
                place.insert(Entry { deadline, scheduled: deadline, queued, owed, mark });
                (None, deadline)
            }
            Place::Occupied(entry) => {
                let entry = entry.into_mut();
                let was = *entry;
                entry.owed = match (was.owed, owed) {
                    (Some(place), Some(party)) => {
                        self.owed.renew(place, party, now);
                        Some(place)
                    }
                    (None, Some(party)) => Some(self.owed.join(order, party, now)),
                    (place, None) => {
                        left = place;
                        None
                    }
                };
                (entry.deadline, entry.mark) = (deadline, mark);
                entry.scheduled = was.scheduled.min(deadline);
                entry.queued = was.queued && entry.scheduled == was.scheduled;
                (Some(was), entry.scheduled)
            }
        };
        if let Some(place) = left {
            self.leave(place);
        }
        self.mark(order, was.map_or(Mark::Plain, |entry| entry.mark), mark);
        match was {
            Some(was) if was.scheduled == is => return false,
            Some(was) => {
                self.unschedule(order, was);
                self.times.insert((is, order));
            }
            None if queued => self.queue.push_back((is, order)),
            None => {
                self.times.insert((is, order));
            }
        }
        let earlier = self.next.is_none_or(|next| is < next);
        if earlier {
            self.next = Some(is);
        }
        earlier
    }

    fn remove(&mut self, order: OrderKey) {
        let Some(entry) = self.orders.remove(&order) else { return };
        self.unschedule(order, entry);
        if let Some(place) = entry.owed {
            self.leave(place);
        }
        self.mark(order, entry.mark, Mark::Plain);
    }

    /// Takes an order out of the time line, unless it stands in the queue: there it is passed over when its
    /// time comes.
    fn unschedule(&mut self, order: OrderKey, entry: Entry) {
        if !entry.queued {
            self.times.remove(&(entry.scheduled, order));
        }
    }

    /// Whether this place in the queue is still the order's.
    fn is_queued(&self, (time, order): (Timestamp, OrderKey)) -> bool {
        self.orders.get(&order).is_some_and(|entry| entry.queued && entry.scheduled == time)
    }

    /// The beginning of the time line.
    fn first(&mut self) -> Option<(Timestamp, OrderKey)> {
        while let Some(place) = self.queue.front()
            && !self.is_queued(*place)
        {
            self.queue.pop_front();
        }
        self.queue.front().into_iter().chain(self.times.first()).min().copied()
    }

    /// Nobody owes the order at this place an answer any more.
    fn leave(&mut self, place: u32) {
        if let Some(moved) = self.owed.leave(place)
            && let Some(entry) = self.orders.get_mut(&moved)
        {
            entry.owed = Some(place);
        }
    }

    /// Moves an order from the mark it had to the one it has.
    fn mark(&mut self, order: OrderKey, had: Mark, has: Mark) {
        if had == has {
            return;
        }
        self.marked.remove(&(had, order));
        if has != Mark::Plain {
            self.marked.insert((has, order));
        }
    }

    /// The orders whose deadline is more than `grace` ago.
    fn late(&self, now: Timestamp, grace: Span) -> impl Iterator<Item = OrderKey> + '_ {
        let until = now.max(self.again_until);
        let queued = self.queue.iter().take_while(move |(time, _)| *time <= until);
        let queued = queued.filter(|place| self.is_queued(**place));
        let begun = queued.chain(self.times.range(..=(until, LAST))).map(|(_, order)| *order);
        begun.filter(move |order| {
            self.orders.get(order).is_some_and(|entry| now.since(entry.deadline) > grace)
        })
    }
}

/// All unfinished orders.
#[derive(Debug, Default)]
pub struct Agenda {
    lists: Mutex<Lists>,
    earlier: Notify,
}

impl Agenda {
    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters, moves or removes an order.
    pub fn set(&self, order: OrderKey, open: Option<Open>, now: Timestamp) {
        let earlier = match open {
            Some(open) => self.lists().put(order, open, now),
            None => {
                self.lists().remove(order);
                false
            }
        };
        if earlier {
            self.earlier.notify_one();
        }
    }

    /// Orders whose deadline has passed, at most `limit`, and when to look again. They stay on the
    /// agenda, a little later, until they move themselves.
    #[must_use]
    pub fn due(
        &self,
        now: Timestamp,
        again_at: Timestamp,
        limit: usize,
    ) -> (Vec<OrderKey>, Option<Timestamp>) {
        let mut guard = self.lists();
        let lists = &mut *guard;
        let mut due = Vec::new();
        while due.len() < limit {
            let Some((time, order)) = lists.first() else { break };
            if time > now {
                break;
            }
            if lists.queue.front() == Some(&(time, order)) {
                lists.queue.pop_front();
            } else {
                lists.times.remove(&(time, order));
            }
            let Some(entry) = lists.orders.get_mut(&order) else { continue };
            entry.queued = false;
            entry.scheduled = if entry.deadline > now {
                entry.deadline
            } else {
                due.push(order);
                lists.again_until = lists.again_until.max(again_at);
                again_at
            };
            lists.times.insert((entry.scheduled, order));
        }
        // After a crowd it gives back what it no longer needs.
        if lists.queue.capacity() > 8 * lists.queue.len() {
            lists.queue.shrink_to(2 * lists.queue.len());
        }
        lists.next = lists.first().map(|(time, _)| time);
        (due, lists.next)
    }

    /// Returns when an order was entered that is to be looked at before what [`Agenda::due`] said last.
    pub async fn earlier(&self) {
        self.earlier.notified().await;
    }

    /// Orders that wait for an answer, from `party` or from anybody.
    #[must_use]
    pub fn owed(&self, party: Option<Party>) -> Vec<OrderKey> {
        let mut owed: Vec<OrderKey> = self.lists().owed.by(party).collect();
        owed.sort_unstable();
        owed
    }

    /// How many orders wait for an answer from `party`, or from anybody.
    #[must_use]
    pub fn waiting(&self, party: Option<Party>) -> usize {
        self.lists().owed.by(party).count()
    }

    /// Orders that have waited for an answer for at least `patience`, at most `limit`: what they
    /// asked may have been lost with whoever was asked. Each is found once per `patience`.
    #[must_use]
    pub fn unanswered(&self, now: Timestamp, patience: Span, limit: usize) -> Vec<OrderKey> {
        let mut found = self.lists().owed.found_waiting(now, patience, limit);
        found.sort_unstable();
        found
    }

    /// Unfinished orders.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lists().orders.len()
    }

    /// Whether every order is at its end.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Orders whose deadline is more than `grace` ago: nothing acted on them, which is a fault.
    #[must_use]
    pub fn overdue(&self, now: Timestamp, grace: Span) -> usize {
        self.lists().late(now, grace).count()
    }

    /// The first `limit` overdue orders after this one. Goes through all that are overdue, in memory.
    #[must_use]
    pub fn list_overdue(
        &self,
        now: Timestamp,
        grace: Span,
        after: Option<OrderKey>,
        limit: usize,
    ) -> Vec<OrderKey> {
        let mut first = BTreeSet::new();
        for order in self.lists().late(now, grace) {
            if after.is_some_and(|it| order <= it) {
                continue;
            }
            first.insert(order);
            if first.len() > limit {
                first.pop_last();
            }
        }
        first.into_iter().collect()
    }

    /// The first `limit` orders with this mark after this one.
    #[must_use]
    pub fn list_marked(&self, mark: Mark, after: Option<OrderKey>, limit: usize) -> Vec<OrderKey> {
        let lists = self.lists();
        let from = match after {
            Some(order) => Bound::Excluded((mark, order)),
            None => Bound::Included((mark, FIRST)),
        };
        let marked = lists.marked.range((from, Bound::Unbounded));
        let marked = marked.take_while(|(other, _)| *other == mark);
        marked.map(|(_, order)| *order).take(limit).collect()
    }

    /// Orders with this mark.
    #[must_use]
    pub fn marked(&self, mark: Mark) -> usize {
        let lists = self.lists();
        lists.marked.range((mark, FIRST)..).take_while(|(other, _)| *other == mark).count()
    }
}

/// No order comes before it.
const FIRST: OrderKey = OrderKey { market: MarketId(0), order: OrderId(0) };
/// No order comes after it.
const LAST: OrderKey = OrderKey { market: MarketId(u16::MAX), order: OrderId(u64::MAX) };

//! The agenda: which unfinished order is looked at when, and which of them still wait for an answer
//! and from whom. It replaces a timer per order, and it is what a restart starts from.
//!
//! Timers are lazy: an order's place in the time line moves only when its time comes, because most
//! deadlines are pushed back several times before they matter.
//!
//! A million orders may wait for a day to come. So nothing that is asked every few seconds goes through
//! all of them: those that are owed an answer are in a list of their own, and those that are late stand
//! at the beginning of the time line.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use surehold_domain::id::{MarketId, OrderId, OrderKey};
use surehold_domain::saga::{Party, Phase, Saga};
use surehold_domain::time::{Span, Timestamp};
use tokio::sync::Notify;

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
        Some(Open { deadline, owed: saga.effect().map(|effect| effect.party()), mark })
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    deadline: Timestamp,
    /// Where it stands in the time line: not later than its deadline, but for one that was found due
    /// and stands there again.
    scheduled: Timestamp,
    mark: Mark,
}

/// An order that waits for an answer.
#[derive(Debug, Clone, Copy)]
struct Owed {
    party: Party,
    /// When it was last entered, or last found waiting.
    since: Timestamp,
}

#[derive(Debug, Default)]
struct Lists {
    orders: FxHashMap<OrderKey, Entry>,
    owed: FxHashMap<OrderKey, Owed>,
    times: BTreeSet<(Timestamp, OrderKey)>,
    /// No order that was found due stands in the time line after this.
    again_until: Timestamp,
    /// Those that are marked.
    marked: BTreeSet<(Mark, OrderKey)>,
}

impl Lists {
    /// Moves an order from the mark it had to the one it has.
    fn mark(&mut self, order: OrderKey, mark: Mark) {
        let had = self.orders.get(&order).map_or(Mark::Plain, |entry| entry.mark);
        if had == mark {
            return;
        }
        self.marked.remove(&(had, order));
        if mark != Mark::Plain {
            self.marked.insert((mark, order));
        }
    }

    /// The orders whose deadline is more than `grace` ago.
    fn late(&self, now: Timestamp, grace: Span) -> impl Iterator<Item = OrderKey> + '_ {
        let until = (now.max(self.again_until), LAST);
        let begun = self.times.range(..=until).map(|(_, order)| *order);
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
        let mut guard = self.lists();
        let lists = &mut *guard;
        lists.mark(order, open.map_or(Mark::Plain, |open| open.mark));
        match open.and_then(|open| open.owed) {
            Some(party) => {
                lists.owed.insert(order, Owed { party, since: now });
            }
            None => {
                lists.owed.remove(&order);
            }
        }
        let Some(Open { deadline, mark, .. }) = open else {
            if let Some(entry) = lists.orders.remove(&order) {
                lists.times.remove(&(entry.scheduled, order));
            }
            return;
        };
        let scheduled = match lists.orders.get(&order) {
            Some(entry) if entry.scheduled <= deadline => entry.scheduled,
            old => {
                if let Some(entry) = old {
                    lists.times.remove(&(entry.scheduled, order));
                }
                lists.times.insert((deadline, order));
                if lists.times.first() == Some(&(deadline, order)) {
                    self.earlier.notify_one();
                }
                deadline
            }
        };
        lists.orders.insert(order, Entry { deadline, scheduled, mark });
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
            let Some((time, order)) = lists.times.first().copied() else { break };
            if time > now {
                break;
            }
            lists.times.remove(&(time, order));
            let Some(entry) = lists.orders.get_mut(&order) else { continue };
            entry.scheduled = if entry.deadline > now {
                entry.deadline
            } else {
                due.push(order);
                lists.again_until = lists.again_until.max(again_at);
                again_at
            };
            lists.times.insert((entry.scheduled, order));
        }
        let next = lists.times.first().map(|(time, _)| *time);
        (due, next)
    }

    /// Returns when an order was entered with a deadline earlier than all others.
    pub async fn earlier(&self) {
        self.earlier.notified().await;
    }

    /// Orders that wait for an answer, from `party` or from anybody.
    #[must_use]
    pub fn owed(&self, party: Option<Party>) -> Vec<OrderKey> {
        let lists = self.lists();
        let wanted = lists.owed.iter().filter(|(_, owed)| party.is_none_or(|it| owed.party == it));
        let mut owed: Vec<OrderKey> = wanted.map(|(order, _)| *order).collect();
        owed.sort_unstable();
        owed
    }

    /// How many orders wait for an answer from `party`, or from anybody.
    #[must_use]
    pub fn waiting(&self, party: Option<Party>) -> usize {
        let lists = self.lists();
        lists.owed.values().filter(|owed| party.is_none_or(|it| owed.party == it)).count()
    }

    /// Orders that have waited for an answer for at least `patience`, at most `limit`: what they
    /// asked may have been lost with whoever was asked. Each is found once per `patience`.
    #[must_use]
    pub fn unanswered(&self, now: Timestamp, patience: Span, limit: usize) -> Vec<OrderKey> {
        let mut lists = self.lists();
        let waits = |owed: &Owed| now.since(owed.since) >= patience;
        let waiting = lists.owed.iter_mut().filter(|(_, owed)| waits(owed)).take(limit);
        let mut found = Vec::new();
        for (order, owed) in waiting {
            owed.since = now;
            found.push(*order);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn key(order: u64) -> OrderKey {
        OrderKey { market: MarketId(0), order: OrderId(order) }
    }

    fn open(deadline: u64, owed: Option<Party>) -> Option<Open> {
        Some(Open { deadline: Timestamp(deadline), owed, mark: Mark::Plain })
    }

    #[test]
    fn an_order_comes_due_at_its_last_deadline_and_again_until_it_moves() {
        let agenda = Agenda::default();
        agenda.set(key(1), open(10, Some(Party::Inventory)), Timestamp(0));
        agenda.set(key(1), open(50, None), Timestamp(0));
        agenda.set(key(2), open(30, Some(Party::Payments)), Timestamp(0));
        let due = |now: u64| agenda.due(Timestamp(now), Timestamp(now + 5), 10);
        assert_eq!(due(10), (vec![], Some(Timestamp(30))), "moved back, not due");
        assert_eq!(due(30), (vec![key(2)], Some(Timestamp(35))));
        assert_eq!(due(35).0, vec![key(2)], "nobody acted: due again");
        agenda.set(key(2), None, Timestamp(0));
        assert_eq!(due(60).0, vec![key(1)]);
        assert_eq!(agenda.overdue(Timestamp(60), Span(9)), 1);
        assert_eq!(agenda.overdue(Timestamp(60), Span(10)), 0);
    }

    #[test]
    fn an_earlier_deadline_moves_an_order_forward() {
        let agenda = Agenda::default();
        agenda.set(key(1), open(50, None), Timestamp(0));
        agenda.set(key(1), open(20, Some(Party::Confirmations)), Timestamp(0));
        assert_eq!(agenda.due(Timestamp(20), Timestamp(25), 10).0, vec![key(1)]);
        assert_eq!(agenda.owed(Some(Party::Confirmations)), vec![key(1)]);
        assert_eq!(agenda.owed(Some(Party::Payments)), vec![]);
    }

    #[test]
    fn marked_and_overdue_orders_are_found_page_by_page() {
        let agenda = Agenda::default();
        for order in 1..=6 {
            let mark = if order % 2 == 0 { Mark::Stuck } else { Mark::Unreached };
            let open = Open { deadline: Timestamp(order * 10), owed: None, mark };
            agenda.set(key(order), Some(open), Timestamp(0));
        }
        let stuck = |after, limit| agenda.list_marked(Mark::Stuck, after, limit);
        assert_eq!(stuck(None, 2), vec![key(2), key(4)]);
        assert_eq!(stuck(Some(key(4)), 2), vec![key(6)]);
        assert_eq!(agenda.list_marked(Mark::Unreached, None, 9), vec![key(1), key(3), key(5)]);
        let late = |after, limit| agenda.list_overdue(Timestamp(51), Span(10), after, limit);
        assert_eq!(late(None, 3), vec![key(1), key(2), key(3)]);
        assert_eq!(late(Some(key(3)), 3), vec![key(4)]);
        agenda.set(key(2), open(99, None), Timestamp(1));
        agenda.set(key(4), None, Timestamp(1));
        assert_eq!((agenda.marked(Mark::Stuck), agenda.marked(Mark::Unreached)), (1, 3));
    }

    #[test]
    fn an_order_that_nobody_looks_at_is_overdue_wherever_it_stands() {
        let agenda = Agenda::default();
        agenda.set(key(1), open(10, None), Timestamp(0));
        agenda.set(key(2), open(10, None), Timestamp(0));
        agenda.set(key(3), open(10, None), Timestamp(0));
        agenda.set(key(3), open(90, None), Timestamp(0));
        // The first was found due and stands in the time line after the moment it is asked about.
        assert_eq!(agenda.due(Timestamp(10), Timestamp(40), 1).0, vec![key(1)]);
        let late = |now| agenda.list_overdue(Timestamp(now), Span(5), None, 9);
        assert_eq!((late(15), late(16)), (vec![], vec![key(1), key(2)]));
        assert_eq!(agenda.overdue(Timestamp(60), Span(5)), 2, "the third has time");
    }

    #[test]
    fn an_order_that_nobody_answers_is_found_again_and_again() {
        let agenda = Agenda::default();
        agenda.set(key(1), open(500, Some(Party::Payments)), Timestamp(0));
        agenda.set(key(2), open(500, None), Timestamp(0));
        let find = |now: u64| agenda.unanswered(Timestamp(now), Span(10), 10);
        assert_eq!((find(9), find(10), find(15)), (vec![], vec![key(1)], vec![]));
        assert_eq!(find(20), vec![key(1)]);
    }
}

//! Whether what clients were told can be true: a history of requests and answers, checked against the journal's own order.
//!
//! Each offering must be linearizable: there must be one order of all that happened to it in which every answer is
//! right, and in which nothing that was answered before another thing was asked for comes after it. The engine
//! names that order itself: the sequence of its committed facts. So nothing is searched for; the witness is checked.
//!
//! 1. Read in its order, the witness never holds more than there is, and nothing is held or released twice.
//! 2. Every unit that a client was told it has, or has no more, is in the witness.
//! 3. What was answered before something else was asked for stands before it.
//! 4. Whoever was told that nothing is left: at some moment between asking and answer, nothing was.
//! 5. One key is one order, for ever.

use std::collections::{BTreeMap, BTreeSet};

/// A moment, counted from the beginning of the history, in nanoseconds.
pub type Moment = u64;

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// One unit of this offering, under this key.
    Place {
        /// Of which offering.
        offering: u64,
        /// The idempotency key.
        key: String,
    },
    /// That this order of this offering is cancelled.
    Cancel {
        /// Of which offering.
        offering: u64,
        /// Which order.
        order: u64,
    },
}

/// What it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// This order has its unit.
    Booked(u64),
    /// Nothing is left.
    NoRoom,
    /// The order is cancelled, and its unit free.
    Cancelled,
    /// Nothing that can be checked: refused before anything was done, or under way.
    Nothing,
    /// No answer came.
    Silence,
}

/// A request and its answer.
#[derive(Clone, Debug)]
pub struct Asked {
    /// When it was sent.
    pub from: Moment,
    /// When its answer had arrived, or the client gave up.
    pub to: Moment,
    /// What for.
    pub wish: Wish,
    /// What was said.
    pub said: Said,
}

/// A unit that came to be held, or free again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Its place in the journal.
    pub sequence: u64,
    /// Of which offering.
    pub offering: u64,
    /// By which order.
    pub order: u64,
    /// Whether it came to be held.
    pub held: bool,
}

/// One offering's turns, in order.
#[derive(Default)]
struct Book {
    /// Sequence, and how many are held from there on.
    held: Vec<(u64, u64)>,
    got: BTreeMap<u64, u64>,
    gave: BTreeMap<u64, u64>,
}

/// Checks a history against its witness. `capacity` is by offering. Tells everything that is wrong.
#[must_use]
pub fn check(history: &[Asked], witness: &[Turn], capacity: &BTreeMap<u64, u64>) -> Vec<String> {
    let mut wrong = Vec::new();
    let books = books(witness, capacity, &mut wrong);
    one_key_one_order(history, &mut wrong);
    let placed = places(history, &books, &mut wrong);
    in_the_order_of_time(history, &placed, &mut wrong);
    for (asked, between) in history.iter().zip(windows(history, &placed)) {
        let Wish::Place { offering, key } = &asked.wish else { continue };
        if asked.said != Said::NoRoom {
            continue;
        }
        let limit = capacity.get(offering).copied().unwrap_or(0);
        if !books.get(offering).is_some_and(|book| book.was_full(between, limit)) && limit > 0 {
            wrong.push(format!(
                "key {key} was told that offering {offering} has no room, and it had room all the time \
                 (between sequences {} and {})",
                between.0, between.1
            ));
        }
    }
    wrong
}

fn books(
    witness: &[Turn],
    capacity: &BTreeMap<u64, u64>,
    wrong: &mut Vec<String>,
) -> BTreeMap<u64, Book> {
    let mut books: BTreeMap<u64, Book> = BTreeMap::new();
    for turn in witness {
        let Turn { sequence, offering, order, held } = *turn;
        let limit = capacity.get(&offering).copied().unwrap_or(0);
        let book = books.entry(offering).or_default();
        let mut count = book.held.last().map_or(0, |(_, count)| *count);
        let seen = if held { &mut book.got } else { &mut book.gave };
        if seen.insert(order, sequence).is_some() {
            let what = if held { "held" } else { "released" };
            wrong.push(format!("order {order} {what} a unit of offering {offering} twice"));
        }
        if held {
            count += 1;
        } else if book.got.contains_key(&order) {
            count = count.saturating_sub(1);
        } else {
            wrong.push(format!("order {order} released what it never held of offering {offering}"));
        }
        if count > limit {
            wrong.push(format!(
                "at sequence {sequence} offering {offering} is held {count} times, and there are {limit}"
            ));
        }
        book.held.push((sequence, count));
    }
    books
}

impl Book {
    /// Whether everything was held at some moment after `between.0` and not after `between.1`.
    fn was_full(&self, between: (u64, u64), limit: u64) -> bool {
        let (from, to) = between;
        let after = self.held.partition_point(|(sequence, _)| *sequence <= from);
        let before = after.checked_sub(1).map(|at| &self.held[at]);
        let during = self.held[after..].iter().take_while(|(sequence, _)| *sequence < to);
        before.into_iter().chain(during).any(|(_, count)| *count >= limit)
    }
}

fn one_key_one_order(history: &[Asked], wrong: &mut Vec<String>) {
    let mut orders: BTreeMap<&str, u64> = BTreeMap::new();
    for asked in history {
        if let (Wish::Place { key, .. }, Said::Booked(order)) = (&asked.wish, asked.said) {
            let first = *orders.entry(key).or_insert(order);
            if first != order {
                wrong.push(format!("key {key} is order {first}, and is order {order}"));
            }
        }
    }
    let mut seen = BTreeSet::new();
    for (key, order) in &orders {
        if !seen.insert(order) {
            wrong.push(format!("order {order} belongs to key {key} and to another"));
        }
    }
}

/// Where in the witness each request took effect; `None` if it took none that is known.
fn places(
    history: &[Asked],
    books: &BTreeMap<u64, Book>,
    wrong: &mut Vec<String>,
) -> Vec<Option<u64>> {
    let mut first = BTreeSet::new();
    let mut placed = Vec::with_capacity(history.len());
    for asked in history {
        let (offering, order, held) = match (&asked.wish, asked.said) {
            (Wish::Place { offering, .. }, Said::Booked(order)) => (offering, order, true),
            (Wish::Cancel { offering, order }, Said::Cancelled) => (offering, *order, false),
            (
                Wish::Place { .. } | Wish::Cancel { .. },
                Said::Booked(_) | Said::NoRoom | Said::Cancelled | Said::Nothing | Said::Silence,
            ) => {
                placed.push(None);
                continue;
            }
        };
        let book = books.get(offering);
        let at = book.and_then(|book| if held { &book.got } else { &book.gave }.get(&order));
        if at.is_none() {
            let told = if held { "has a unit" } else { "gave its unit back" };
            wrong.push(format!(
                "it was told that order {order} {told}, and the journal does not know of it"
            ));
        }
        // A repeated request is answered again, long after it took effect.
        placed.push(at.copied().filter(|_| first.insert((order, held))));
    }
    placed
}

/// For each request the sequences between which it must have taken effect: after everything that was answered before it
/// was asked, before everything that was asked after it was answered.
fn windows(history: &[Asked], placed: &[Option<u64>]) -> Vec<(u64, u64)> {
    let mut ended: Vec<(Moment, u64)> = effects(history, placed, |asked| asked.to);
    let mut begun: Vec<(Moment, u64)> = effects(history, placed, |asked| asked.from);
    ended.sort_unstable();
    begun.sort_unstable();
    // The highest sequence of all that ended up to here; the lowest of all that begins from here on.
    let mut highest = 0;
    for (_, sequence) in &mut ended {
        highest = highest.max(*sequence);
        *sequence = highest;
    }
    let mut lowest = u64::MAX;
    for (_, sequence) in begun.iter_mut().rev() {
        lowest = lowest.min(*sequence);
        *sequence = lowest;
    }
    let window = |asked: &Asked| {
        let before = ended.partition_point(|(to, _)| *to < asked.from);
        let after = begun.partition_point(|(from, _)| *from <= asked.to);
        let from = before.checked_sub(1).map_or(0, |at| ended[at].1);
        (from, begun.get(after).map_or(u64::MAX, |(_, sequence)| *sequence))
    };
    history.iter().map(window).collect()
}

fn effects(
    history: &[Asked],
    placed: &[Option<u64>],
    when: impl Fn(&Asked) -> Moment,
) -> Vec<(Moment, u64)> {
    let known = history.iter().zip(placed);
    known.filter_map(|(asked, at)| at.map(|at| (when(asked), at))).collect()
}

fn in_the_order_of_time(history: &[Asked], placed: &[Option<u64>], wrong: &mut Vec<String>) {
    for ((asked, at), (after, before)) in history.iter().zip(placed).zip(windows(history, placed)) {
        let Some(at) = at else { continue };
        if *at <= after || *at >= before {
            wrong.push(format!(
                "{:?} took effect at sequence {at}; by the clock it belongs between {after} and {before}",
                asked.wish
            ));
        }
    }
}

#[cfg(test)]
mod tests;

//! What the mixture asks next, and whether an answer is right.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::load::{Script, Tally};
use crate::wire::{self, Answer};
use crate::workload::Random;

/// Where orders are.
const ORDERS: &str = "/v1/talentshare/orders";
/// The phases of an order that is undone, or on its way there.
const UNDONE: [&str; 3] = ["cancelled", "refunding", "releasing"];
/// Of a hundred requests, so many read ...
const READS: u64 = 70;
/// ... and so many place an order; the others cancel one.
const PLACES: u64 = 20;
/// So many wrong answers are quoted; the others are counted.
const QUOTED: usize = 3;

/// What was asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked {
    /// An order, and whether its cancellation had been answered by then.
    Read { id: u64, undone: bool },
    /// A new order.
    Place,
    /// An end to this one.
    Cancel { id: u64 },
}

/// What an answer says of an order.
#[derive(Deserialize)]
struct Order {
    id: u64,
    phase: String,
}

/// What the answers so far said.
#[derive(Default)]
struct Book {
    /// Orders that nobody wants to cancel yet.
    standing: Vec<u64>,
    /// Orders whose cancellation was answered.
    undone: Vec<u64>,
    /// Those, and those whose cancellation was asked for.
    doomed: BTreeSet<u64>,
    wrong: u64,
    quotes: Vec<String>,
}

/// The seeded mixture.
pub(super) struct Mixture {
    host: SocketAddr,
    bodies: Vec<String>,
    random: RefCell<Random>,
    book: RefCell<Book>,
    parts: RefCell<[Tally; 3]>,
    start: Cell<Instant>,
}

impl Mixture {
    /// A mixture over these bodies of orders.
    pub(super) fn new(seed: u64, host: SocketAddr, bodies: Vec<String>) -> Self {
        Self {
            host,
            bodies,
            random: RefCell::new(Random::new(seed)),
            book: RefCell::default(),
            parts: RefCell::default(),
            start: Cell::new(Instant::now()),
        }
    }

    /// A leg begins.
    pub(super) fn begin(&self) {
        self.start.set(Instant::now());
        self.parts.take();
    }

    /// What the reads, the orders and the cancellations of the leg were, which took so long.
    pub(super) fn parts(&self, elapsed: Duration) -> [(&'static str, Tally); 3] {
        let [mut reads, mut orders, mut cancels] = self.parts.take();
        for tally in [&mut reads, &mut orders, &mut cancels] {
            tally.elapsed = elapsed;
        }
        [("reads", reads), ("orders", orders), ("cancellations", cancels)]
    }

    /// What was wrong since this was last asked; the first ones in words.
    pub(super) fn wrong(&self) -> Option<String> {
        let mut book = self.book.borrow_mut();
        let (wrong, quotes) = (std::mem::take(&mut book.wrong), std::mem::take(&mut book.quotes));
        (wrong > 0)
            .then(|| format!("{wrong} answers of the mixture are wrong: {}", quotes.join("; ")))
    }

    /// How many of its orders stand.
    pub(super) fn standing(&self) -> u64 {
        self.book.borrow().standing.len() as u64
    }
}

impl Script for Mixture {
    type Asked = Asked;

    fn ask(&self, number: usize, into: &mut Vec<u8>) -> Asked {
        let asked = self.book.borrow_mut().draw(&mut self.random.borrow_mut());
        let request = match asked {
            Asked::Read { id, .. } => wire::render("GET", self.host, &format!("{ORDERS}/{id}"), ""),
            Asked::Place => {
                wire::render("POST", self.host, ORDERS, &self.bodies[number % self.bodies.len()])
            }
            Asked::Cancel { id } => {
                wire::render("POST", self.host, &format!("{ORDERS}/{id}/cancel"), "{}")
            }
        };
        into.extend_from_slice(&request);
        asked
    }

    fn heard(&self, asked: Asked, answer: &Answer<'_>, latency: Duration) -> bool {
        let order = serde_json::from_slice(answer.body).ok();
        let right = self.book.borrow_mut().note(asked, answer, order);
        let part = match asked {
            Asked::Read { .. } => 0,
            Asked::Place => 1,
            Asked::Cancel { .. } => 2,
        };
        let at = self.start.get().elapsed();
        self.parts.borrow_mut()[part].record(answer.status, right, latency, at);
        right
    }
}

impl Book {
    /// Draws what is asked next; where there is nothing to read or to cancel yet, an order is placed.
    fn draw(&mut self, random: &mut Random) -> Asked {
        let kind = random.below(100);
        let cancels = kind >= READS + PLACES;
        let known =
            if cancels { self.standing.len() } else { self.standing.len() + self.undone.len() };
        if (READS..READS + PLACES).contains(&kind) || known == 0 {
            return Asked::Place;
        }
        let at = usize::try_from(random.below(known as u64)).unwrap_or(0);
        if cancels {
            let id = self.standing.swap_remove(at);
            self.doomed.insert(id);
            return Asked::Cancel { id };
        }
        match at.checked_sub(self.standing.len()) {
            None => Asked::Read { id: self.standing[at], undone: false },
            Some(at) => Asked::Read { id: self.undone[at], undone: true },
        }
    }

    /// Notes what an answer said; whether it is right.
    fn note(&mut self, asked: Asked, answer: &Answer<'_>, order: Option<Order>) -> bool {
        let undone = |order: &Order| UNDONE.contains(&order.phase.as_str());
        let right = match (asked, &order) {
            (Asked::Place, Some(order)) => {
                let right = answer.status == 201 && !undone(order);
                if right {
                    self.standing.push(order.id);
                }
                right
            }
            (Asked::Read { id, undone: was }, Some(order)) => {
                // One that is about to be cancelled may be read either way.
                let as_known = was == undone(order) || (!was && self.doomed.contains(&id));
                answer.status == 200 && order.id == id && as_known
            }
            (Asked::Cancel { id }, Some(order)) => {
                self.undone.push(id);
                answer.status == 200 && order.id == id && undone(order)
            }
            (_, None) => false,
        };
        if !right {
            self.wrong += 1;
            if self.quotes.len() < QUOTED {
                let body = String::from_utf8_lossy(&answer.body[..answer.body.len().min(200)]);
                self.quotes.push(format!("{asked:?} was answered {} {body}", answer.status));
            }
        }
        right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(book: &mut Book, asked: Asked, status: u16, id: u64, phase: &str) -> bool {
        let body = format!(r#"{{"id":{id},"phase":"{phase}"}}"#);
        let answer = Answer { status, retry_after: None, body: body.as_bytes() };
        book.note(asked, &answer, serde_json::from_str(&body).ok())
    }

    #[test]
    fn an_answer_must_fit_what_is_known() {
        let mut book = Book::default();
        assert!(note(&mut book, Asked::Place, 201, 7, "paid"));
        assert!(!note(&mut book, Asked::Place, 409, 8, "refused"), "seats never run out");
        let read = Asked::Read { id: 7, undone: false };
        assert!(note(&mut book, read, 200, 7, "confirmed"));
        assert!(!note(&mut book, read, 200, 8, "confirmed"), "another order");
        assert!(!note(&mut book, read, 404, 7, "confirmed"));
        assert!(!note(&mut book, read, 200, 7, "cancelled"), "nobody cancelled it");
        book.doomed.insert(7);
        assert!(note(&mut book, read, 200, 7, "cancelled"), "somebody is about to");
        assert!(!note(&mut book, Asked::Cancel { id: 7 }, 200, 7, "confirmed"));
        assert!(note(&mut book, Asked::Cancel { id: 7 }, 200, 7, "refunding"));
        let read = Asked::Read { id: 7, undone: true };
        assert!(note(&mut book, read, 200, 7, "cancelled"));
        assert!(!note(&mut book, read, 200, 7, "confirmed"), "it was cancelled");
        assert_eq!((book.wrong, book.quotes.len()), (6, QUOTED));
    }

    #[test]
    fn the_mixture_is_the_one_that_was_announced() {
        let mut random = Random::new(1);
        let mut book = Book { standing: (0..20_000).collect(), ..Book::default() };
        let mut counts = [0; 3];
        for _ in 0..10_000 {
            match book.draw(&mut random) {
                Asked::Read { .. } => counts[0] += 1,
                Asked::Place => counts[1] += 1,
                Asked::Cancel { .. } => counts[2] += 1,
            }
        }
        for (count, percent) in counts.into_iter().zip([70, 20, 10]) {
            assert!((count - percent * 100_i32).abs() < 200, "{counts:?}");
        }
        assert_eq!(book.doomed.len(), usize::try_from(counts[2]).unwrap());
        let first = Book::default().draw(&mut Random::new(1));
        assert!(matches!(first, Asked::Place), "nothing to read yet");
    }
}

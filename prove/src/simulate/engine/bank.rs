//! The gateway of a world: its ledger outlives the node, it knows every key for ever, and what it does
//! to a call is thrown for that call alone. It notes what a gateway should never see.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use surehold::gateway::{Answer, Answering, PaymentGateway, Request};
use surehold_actors::gateway::key::{Key, of_payment};
use surehold_actors::stream::PaymentKey;

use super::book::named;
use super::disk::Disk;
use super::moves::Fate;
use super::node::Node;

/// How the gateway is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// As gateways are: now and then something goes wrong.
    Well,
    /// Half of the calls go wrong.
    Shaky,
    /// Nobody answers.
    Down,
    /// It answers late, or too late.
    Slow,
    /// Nothing goes wrong.
    Perfect,
}

/// What it does with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// As asked, after so many milliseconds.
    Right(u64),
    Decline,
    /// Nothing, and says that it does not know.
    Shrug,
    /// As asked, and says that it does not know.
    DoAndShrug,
    /// Nothing, and never says so.
    Silence,
    /// As asked, and never says so.
    DoAndSilence,
    /// As asked, but only after so many milliseconds, when nobody listens any more.
    Late(u64),
}

/// Money taken under a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Charge {
    pub(super) taken: i64,
    pub(super) back: i64,
}

#[derive(Clone, Debug)]
enum Entry {
    Taken(Charge),
    Declined,
}

#[derive(Default)]
struct Ledger {
    entries: BTreeMap<String, Entry>,
    /// Calls so far by key.
    calls: BTreeMap<String, u64>,
    /// Requests on their way: when they arrive, and what for.
    late: Vec<(u64, Want)>,
}

#[derive(Clone, Debug)]
struct Want {
    key: String,
    amount: i64,
    back: bool,
}

/// The gateway.
pub(super) struct Bank {
    seed: u64,
    mood: Mutex<Mood>,
    ledger: Mutex<Ledger>,
}

impl Bank {
    pub(super) fn new(seed: u64) -> Bank {
        Bank { seed, mood: Mutex::new(Mood::Well), ledger: Mutex::default() }
    }

    pub(super) fn feel(&self, mood: Mood) {
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was taken under every key, by payment.
    pub(super) fn charges(&self, age: u64) -> BTreeMap<PaymentKey, Charge> {
        let mut ledger = self.ledger();
        ledger.arrive(age);
        let taken = ledger.entries.iter().filter_map(|(key, entry)| match entry {
            Entry::Taken(charge) => payment_of(key).map(|key| (key, *charge)),
            Entry::Declined => None,
        });
        taken.collect()
    }

    /// What happens to this call: the same for the same key and the same number of calls before it.
    fn throw(&self, request: &Request, asks: bool) -> Does {
        let mood = *self.mood.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ledger = self.ledger();
        let calls = ledger.calls.entry(request.key.clone()).or_default();
        *calls += 1;
        let salt = request
            .key
            .bytes()
            .fold(*calls, |sum, byte| sum.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte));
        let mut fate = Fate::new(self.seed, salt);
        let wrong = match mood {
            Mood::Perfect => return Does::Right(1),
            Mood::Well => 8,
            Mood::Shaky => 60,
            Mood::Down => {
                return if fate.chance(50) { Does::Silence } else { Does::Shrug };
            }
            Mood::Slow => {
                return match fate.below(3) {
                    0 => Does::Late(fate.from(10_000, 20_000)),
                    _ => Does::Right(fate.from(2000, 12_000)),
                };
            }
        };
        if !fate.chance(wrong) {
            return if !asks && fate.chance(12) {
                Does::Decline
            } else {
                Does::Right(fate.below(300))
            };
        }
        match fate.below(5) {
            0 => Does::Shrug,
            1 => Does::DoAndShrug,
            2 => Does::Silence,
            3 => Does::DoAndSilence,
            _ => Does::Late(fate.from(500, 18_000)),
        }
    }
}

impl Ledger {
    /// What was on its way and has arrived by now.
    fn arrive(&mut self, age: u64) {
        let mut due = Vec::new();
        self.late.retain(|(at, want)| {
            let there = *at <= age;
            if there {
                due.push((*at, want.clone()));
            }
            !there
        });
        due.sort_by(|a, b| (a.0, &a.1.key).cmp(&(b.0, &b.1.key)));
        for (_, want) in due {
            self.act(&want, true);
        }
    }

    /// Does as it was asked, once per key.
    fn act(&mut self, want: &Want, approve: bool) -> Answer {
        match self.entries.get_mut(of_payment(&want.key)) {
            Some(Entry::Taken(charge)) if want.back => {
                charge.back = want.amount;
                Answer::Captured
            }
            Some(Entry::Taken(_)) => Answer::Captured,
            Some(Entry::Declined) => Answer::Declined("declined before".to_owned()),
            None if want.back => Answer::NotFound,
            None if approve => {
                let charge = Charge { taken: want.amount, back: 0 };
                self.entries.insert(want.key.clone(), Entry::Taken(charge));
                Answer::Captured
            }
            None => {
                self.entries.insert(want.key.clone(), Entry::Declined);
                Answer::Declined("no".to_owned())
            }
        }
    }
}

fn payment_of(key: &str) -> Option<PaymentKey> {
    Key::parse(key).map(|Key { market, payment, .. }| PaymentKey { market, payment })
}

/// The gateway as one life of the node reaches it.
pub(super) struct BankOf {
    pub(super) bank: Arc<Bank>,
    pub(super) disk: Arc<Disk>,
    pub(super) node: Arc<Node>,
}

impl BankOf {
    /// Notes what a gateway should never be asked.
    fn check(&self, request: &Request, back: bool) {
        let Some(key) = payment_of(&request.key) else {
            return self.node.fault(format!("the key {} is none of ours", request.key), None);
        };
        let (may, order) = self.disk.look(|book, durable| {
            (book.may_call(key, back, durable), book.paid_by(key).map(named))
        });
        if !may {
            let what =
                format!("the gateway was called for {} before that was on disk", request.key);
            self.node.fault(what, order.clone());
        }
        let ledger = self.bank.ledger();
        if let Some(Entry::Taken(charge)) = ledger.entries.get(of_payment(&request.key)) {
            let amount = request.amount.amount();
            let other = if back {
                amount > charge.taken || (charge.back != 0 && charge.back != amount)
            } else {
                amount != charge.taken
            };
            if other {
                let what = format!("{} is asked with {amount}, and has {charge:?}", request.key);
                self.node.fault(what, order);
            }
        }
    }

    fn call(&self, request: Request, kind: Kind) -> Answering<'_> {
        if self.node.is_dead() {
            return Box::pin(pending());
        }
        self.bank.ledger().arrive(self.node.age());
        self.check(&request, kind == Kind::Refund);
        let does = self.bank.throw(&request, kind != Kind::Capture);
        let (key, amount) = (request.key.clone(), request.amount);
        let want = Want { key, amount: amount.amount(), back: kind == Kind::Refund };
        let mut ledger = self.bank.ledger();
        let mut act = |approve: bool| match kind {
            Kind::Capture => ledger.act(&want, approve),
            Kind::Ask => match ledger.entries.get(&want.key) {
                Some(Entry::Taken(_)) => Answer::Captured,
                Some(Entry::Declined) => Answer::Declined("declined before".to_owned()),
                None => Answer::NotFound,
            },
            Kind::Refund => match ledger.act(&want, true) {
                Answer::Captured => Answer::Refunded(amount),
                other @ (Answer::Declined(_)
                | Answer::Unknown(_)
                | Answer::NotFound
                | Answer::Refunded(_)) => other,
            },
        };
        let unknown = || Answer::Unknown("it does not know".to_owned());
        let (answer, wait) = match does {
            Does::Right(wait) => (Some(act(true)), wait),
            Does::Decline => (Some(act(false)), 20),
            Does::Shrug => (Some(unknown()), 5),
            Does::DoAndShrug => {
                act(true);
                (Some(unknown()), 5)
            }
            Does::DoAndSilence => {
                act(true);
                (None, 0)
            }
            Does::Late(after) if kind != Kind::Ask => {
                let at = self.node.age() + after;
                ledger.late.push((at, want.clone()));
                (None, 0)
            }
            Does::Silence | Does::Late(_) => (None, 0),
        };
        drop(ledger);
        self.node.notes.count("gateway calls", 1);
        self.node.line(&format!(
            "gateway: {kind:?} {} of {}: {does:?}",
            request.key,
            amount.amount()
        ));
        said(answer, wait)
    }
}

fn said(answer: Option<Answer>, wait: u64) -> Answering<'static> {
    Box::pin(async move {
        let Some(answer) = answer else { return pending().await };
        if wait > 0 {
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        answer
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Capture,
    Ask,
    Refund,
}

impl PaymentGateway for BankOf {
    fn describe(&self) -> String {
        "the gateway of a simulated world".to_owned()
    }

    fn capture(&self, request: Request) -> Answering<'_> {
        self.call(request, Kind::Capture)
    }

    fn ask(&self, request: Request) -> Answering<'_> {
        self.call(request, Kind::Ask)
    }

    fn refund(&self, request: Request) -> Answering<'_> {
        self.call(request, Kind::Refund)
    }
}

//! A payment service that speaks JSON as the README describes it. How it behaves is a function of what
//! it is asked; what it took and gave back stands in its books, once per key, whatever it answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::{Asked, Reply, Standin, What};

/// Cards whose name contains this are declined.
pub const DECLINED: &str = "declined";

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Take the money.
    Charge,
    /// What became of it?
    Question,
    /// Give it back.
    Refund,
}

/// How a request is treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// How long until the answer; it is done at once.
    pub after: Duration,
    /// What goes wrong, if anything.
    pub fault: Option<Fault>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is done, and then the line breaks.
    Lost,
    /// It is done, and nobody is ever told.
    Silent,
    /// It is not done: status 500.
    Broken,
}

/// A payment as the service sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// In minor units.
    pub amount: i64,
    /// The card, as it came.
    pub card: String,
    /// Whether the money was taken; else the card was declined.
    pub captured: bool,
    /// What was given back, by the key of the request.
    pub refunds: BTreeMap<String, i64>,
}

impl Entry {
    /// What was given back in all, in minor units.
    #[must_use]
    pub fn refunded(&self) -> i64 {
        self.refunds.values().sum()
    }
}

/// What the service knows.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// The payments by key.
    pub payments: BTreeMap<String, Entry>,
    /// Requests of each step: charges, questions, refunds.
    pub asked: [u64; 3],
    /// Requests that no client should make: one key with two amounts, more back than was taken.
    pub wrong: Vec<String>,
}

impl Books {
    /// What was taken, in minor units.
    #[must_use]
    pub fn captured(&self) -> i64 {
        self.payments.values().filter(|entry| entry.captured).map(|entry| entry.amount).sum()
    }

    /// What was given back, in minor units.
    #[must_use]
    pub fn refunded(&self) -> i64 {
        self.payments.values().map(Entry::refunded).sum()
    }

    /// The payments whose card has this name.
    pub fn of_card(&self, card: &str) -> impl Iterator<Item = &Entry> {
        self.payments.values().filter(move |entry| entry.card == card)
    }
}

/// The running service.
#[derive(Debug)]
pub struct PaymentService {
    standin: Standin,
    books: Arc<Mutex<Books>>,
}

impl PaymentService {
    /// Starts one. `manner` is told the step and the card, and how often it was asked for that step
    /// of that payment before.
    ///
    /// # Errors
    /// One line, if there is no port.
    pub fn start(
        runtime: &Handle,
        manner: impl Fn(Step, &str, u32) -> Manner + Send + Sync + 'static,
    ) -> Result<PaymentService, String> {
        let books = Arc::new(Mutex::new(Books::default()));
        let state = (Arc::clone(&books), Mutex::new(BTreeMap::<(String, u8), u32>::new()));
        let standin = Standin::serve(runtime, move |asked| {
            let body: Value = serde_json::from_slice(&asked.body).unwrap_or(Value::Null);
            let (step, payment) = about(&asked);
            let mut books = state.0.lock().unwrap_or_else(PoisonError::into_inner);
            books.asked[step as usize] += 1;
            let card = match (step, books.payments.get(&payment)) {
                (Step::Charge, _) => body["card"].as_str().unwrap_or_default().to_owned(),
                (Step::Question | Step::Refund, Some(entry)) => entry.card.clone(),
                (Step::Question | Step::Refund, None) => String::new(),
            };
            let mut before = state.1.lock().unwrap_or_else(PoisonError::into_inner);
            let before = before.entry((payment.clone(), step as u8)).or_default();
            let Manner { after, fault } = manner(step, &card, *before);
            *before += 1;
            if fault == Some(Fault::Broken) {
                return Reply { after, what: What::Say(500, json!({"error": "out of order"})) };
            }
            let (status, said) = act(&mut books, &asked, step, &payment, &body);
            let what = match fault {
                Some(Fault::Lost) => What::HangUp,
                Some(Fault::Silent) => What::Silence,
                Some(Fault::Broken) | None => What::Say(status, said),
            };
            Reply { after, what }
        })?;
        Ok(PaymentService { standin, books })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        self.standin.url()
    }

    /// Its books. Nobody is answered while they are held.
    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The step a request means, and the key of its payment.
fn about(asked: &Asked) -> (Step, String) {
    let path = asked.path.trim_start_matches("/payments").trim_start_matches('/');
    match (path, path.strip_suffix("/refunds")) {
        ("", _) => (Step::Charge, asked.key.clone()),
        (_, Some(payment)) => (Step::Refund, payment.to_owned()),
        (payment, None) => (Step::Question, payment.to_owned()),
    }
}

/// Does what is asked, once per key.
fn act(books: &mut Books, asked: &Asked, step: Step, payment: &str, body: &Value) -> (u16, Value) {
    let amount = body["amount"].as_i64().unwrap_or_default();
    match (step, books.payments.get_mut(payment)) {
        (Step::Charge, Some(entry)) if entry.amount != amount => {
            books.wrong.push(format!("{payment}: charged {amount}, before {}", entry.amount));
            (409, json!({"error": "the key was used for another amount"}))
        }
        (Step::Charge, entry) => {
            let captured = match entry {
                Some(entry) => entry.captured,
                None => {
                    let card = body["card"].as_str().unwrap_or_default().to_owned();
                    let captured = !card.contains(DECLINED);
                    let entry = Entry { amount, card, captured, refunds: BTreeMap::new() };
                    books.payments.insert(payment.to_owned(), entry);
                    captured
                }
            };
            if captured {
                (201, json!({"state": "captured"}))
            } else {
                (402, json!({"declined": "not enough money"}))
            }
        }
        (Step::Refund, Some(entry)) if entry.captured => {
            entry.refunds.entry(asked.key.clone()).or_insert(amount);
            if entry.refunded() > entry.amount {
                books.wrong.push(format!("{payment}: more went back than came: {entry:?}"));
            }
            (201, json!({"amount": amount}))
        }
        (Step::Question, Some(entry)) => {
            let state = match (entry.captured, entry.refunds.is_empty()) {
                (false, _) => "declined",
                (true, true) => "captured",
                (true, false) => "refunded",
            };
            (200, json!({"state": state}))
        }
        (Step::Refund | Step::Question, _) => (404, json!({"error": "no such payment"})),
    }
}

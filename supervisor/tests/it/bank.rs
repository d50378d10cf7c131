//! A gateway that follows a script and keeps a ledger by idempotency key, like a real one: one
//! capture and one refund per key, however often it is asked.

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::sync::{Mutex, MutexGuard};

use surehold::gateway::{Answer, Answering, PaymentGateway, Request};

/// What the gateway does with its next call; with an empty script it approves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    Approve,
    Decline,
    /// Does as it was asked and never says so.
    DoThenSilence,
    /// Does nothing and never says so.
    Silence,
    /// Says at once that it does not know.
    Shrug,
}

#[derive(Default)]
pub(crate) struct Books {
    pub(crate) captured: BTreeMap<String, i64>,
    pub(crate) refunded: BTreeMap<String, i64>,
    pub(crate) calls: usize,
    /// How many of them were questions.
    pub(crate) questions: usize,
    /// The key that was asked about last.
    pub(crate) asked_about: Option<String>,
    script: VecDeque<Does>,
}

#[derive(Default)]
pub(crate) struct Bank {
    books: Mutex<Books>,
}

impl Bank {
    pub(crate) fn scripted(script: &[Does]) -> Bank {
        let books = Books { script: script.iter().copied().collect(), ..Books::default() };
        Bank { books: Mutex::new(books) }
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// Forgets what is left of the script.
    pub(crate) fn approve_from_now_on(&self) {
        self.books().script.clear();
    }

    /// Money taken and not given back.
    pub(crate) fn holds(&self) -> i64 {
        let books = self.books();
        books.captured.values().sum::<i64>() - books.refunded.values().sum::<i64>()
    }

    fn call(&self, act: impl FnOnce(&mut Books, bool) -> Answer) -> Option<Answer> {
        let mut books = self.books();
        books.calls += 1;
        let does = books.script.pop_front().unwrap_or(Does::Approve);
        match does {
            Does::Approve => Some(act(&mut books, true)),
            Does::Decline => Some(act(&mut books, false)),
            Does::DoThenSilence => {
                act(&mut books, true);
                None
            }
            Does::Silence => None,
            Does::Shrug => Some(Answer::Unknown("shrugs".to_owned())),
        }
    }
}

fn said(answer: Option<Answer>) -> Answering<'static> {
    Box::pin(async move {
        match answer {
            Some(answer) => answer,
            None => pending().await,
        }
    })
}

impl PaymentGateway for Bank {
    fn describe(&self) -> String {
        "a scripted bank".to_owned()
    }

    fn capture(&self, request: Request) -> Answering<'_> {
        said(self.call(|books, approve| {
            if let Some(amount) = books.captured.get(&request.key) {
                assert_eq!(*amount, request.amount.amount(), "one key, one amount");
                return Answer::Captured;
            }
            if !approve {
                return Answer::Declined("no".to_owned());
            }
            books.captured.insert(request.key, request.amount.amount());
            Answer::Captured
        }))
    }

    fn ask(&self, request: Request) -> Answering<'_> {
        said(self.call(|books, _| {
            books.questions += 1;
            books.asked_about = Some(request.key.clone());
            match books.captured.contains_key(&request.key) {
                true => Answer::Captured,
                false => Answer::NotFound,
            }
        }))
    }

    fn refund(&self, request: Request) -> Answering<'_> {
        said(self.call(|books, _| {
            let charge = request.key.trim_end_matches("-refund");
            assert!(books.captured.contains_key(charge), "nothing is refunded that was not taken");
            books.refunded.insert(charge.to_owned(), request.amount.amount());
            Answer::Refunded(request.amount)
        }))
    }
}

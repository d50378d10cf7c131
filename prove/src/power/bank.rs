//! The gateway of the proof: a ledger by key that knows how far the disk was at every entry, so that
//! after a cut it is set back to what had really left the node by then.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use surehold::domain::card::Card;
use surehold::gateway::key::of_payment;
use surehold::gateway::{Answer, Answering, PaymentGateway, Request};

/// A card that is declined.
pub(super) const DECLINED: &str = "declined";
/// A card whose first charge is taken and not answered.
pub(super) const TAKEN_SILENTLY: &str = "silent";
/// A card whose first charge is neither taken nor answered.
pub(super) const LOST: &str = "lost";

/// Money that moved under a key, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) taken: i64,
    pub(super) returned: i64,
}

/// All that moved, by the key of the payment.
pub(super) type Ledger = BTreeMap<String, Moved>;

#[derive(Default)]
struct Books {
    ledger: Ledger,
    /// The ledger's entry under a key, after the disk had made so many steps.
    entries: Vec<(usize, String, Moved)>,
    /// Keys that were asked for before.
    seen: BTreeSet<String>,
    wrongs: Vec<String>,
}

/// The gateway.
pub(super) struct Bank {
    books: Mutex<Books>,
    steps: Box<dyn Fn() -> usize + Send + Sync>,
    /// Whether every call is answered.
    calm: bool,
}

impl Bank {
    /// A gateway that knows this ledger; `steps` says how far the disk is.
    pub(super) fn holding(
        ledger: Ledger,
        calm: bool,
        steps: impl Fn() -> usize + Send + Sync + 'static,
    ) -> Bank {
        let entries = ledger.iter().map(|(key, moved)| (0, key.clone(), *moved)).collect();
        let books = Books { ledger, entries, ..Books::default() };
        Bank { books: Mutex::new(books), steps: Box::new(steps), calm }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ledger as it stands.
    pub(super) fn ledger(&self) -> Ledger {
        self.books().ledger.clone()
    }

    /// The ledger as it stood when the disk had made so many steps.
    pub(super) fn ledger_at(&self, steps: usize) -> Ledger {
        let books = self.books();
        let until = books.entries.iter().filter(|(at, _, _)| *at <= steps);
        until.map(|(_, key, moved)| (key.clone(), *moved)).collect()
    }

    /// What no gateway should be asked for.
    pub(super) fn wrongs(&self) -> Vec<String> {
        self.books().wrongs.clone()
    }

    fn enter(&self, books: &mut Books, key: &str, moved: Moved) {
        books.ledger.insert(key.to_owned(), moved);
        books.entries.push(((self.steps)(), key.to_owned(), moved));
    }

    fn charge(&self, request: &Request) -> Answer {
        let mut books = self.books();
        let amount = request.amount.amount();
        if let Some(moved) = books.ledger.get(&request.key).copied() {
            if moved.taken != amount {
                let wrong = format!("{}: {amount} after {}", request.key, moved.taken);
                books.wrongs.push(format!("one key was charged two amounts: {wrong}"));
            }
            return Answer::Captured;
        }
        let card = match &request.card {
            Some(Card::Token(token)) => token.as_str(),
            Some(Card::Number { .. }) | None => "",
        };
        let first = books.seen.insert(request.key.clone()) && !self.calm;
        if card == DECLINED {
            return Answer::Declined("no".to_owned());
        }
        if first && card == LOST {
            return Answer::Unknown("the line broke".to_owned());
        }
        self.enter(&mut books, &request.key, Moved { taken: amount, returned: 0 });
        if first && card == TAKEN_SILENTLY {
            return Answer::Unknown("the line broke".to_owned());
        }
        Answer::Captured
    }

    fn look(&self, request: &Request) -> Answer {
        match self.books().ledger.contains_key(&request.key) {
            true => Answer::Captured,
            false => Answer::NotFound,
        }
    }

    fn give_back(&self, request: &Request) -> Answer {
        let (mut books, key) = (self.books(), of_payment(&request.key));
        let amount = request.amount.amount();
        let Some(moved) = books.ledger.get(key).copied() else {
            books.wrongs.push(format!("{key}: {amount} was to be returned, nothing was taken"));
            return Answer::NotFound;
        };
        if moved.returned == 0 {
            self.enter(&mut books, key, Moved { returned: amount, ..moved });
        }
        Answer::Refunded(request.amount)
    }
}

impl PaymentGateway for Bank {
    fn describe(&self) -> String {
        "the gateway of a proof: no real money moves".to_owned()
    }

    fn capture(&self, request: Request) -> Answering<'_> {
        let answer = self.charge(&request);
        Box::pin(async move { answer })
    }

    fn ask(&self, request: Request) -> Answering<'_> {
        let answer = self.look(&request);
        Box::pin(async move { answer })
    }

    fn refund(&self, request: Request) -> Answering<'_> {
        let answer = self.give_back(&request);
        Box::pin(async move { answer })
    }
}

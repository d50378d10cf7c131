//! The port to whoever moves money. The only part of the engine that knows of an outside world.

pub mod json;
pub mod key;
pub mod sandbox;
pub mod stripe;
pub mod vault;
mod wire;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use surehold_domain::card::Card;
use surehold_domain::money::Money;
pub use surehold_domain::payment::Answer;

/// A card number that may be used, but never stored, logged or shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a card number.
    #[must_use]
    pub fn new(number: String) -> Secret {
        Secret(number)
    }

    /// The card number, for the one call that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// What is asked of a gateway. The key makes repeating a request harmless: a gateway carries out
/// one request per key and answers the same again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The idempotency key, unique among all nodes and for ever.
    pub key: String,
    /// How much.
    pub amount: Money,
    /// What with, as far as it is kept.
    pub card: Option<Card>,
    /// The card number, where the customer gave one and the process has lived since.
    pub secret: Option<Secret>,
}

/// A future that a gateway returns.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// Moves money. Errors are answers: what cannot be told is [`Answer::Unknown`].
pub trait PaymentGateway: Send + Sync + 'static {
    /// One line for the log at start: what this is, and whether money is real.
    fn describe(&self) -> String;
    /// Takes the money, once per key.
    fn capture(&self, request: Request) -> Answering<'_>;
    /// Says what became of the capture under this key.
    fn ask(&self, request: Request) -> Answering<'_>;
    /// Gives `amount` of the capture under this key back, once per key.
    fn refund(&self, request: Request) -> Answering<'_>;
}

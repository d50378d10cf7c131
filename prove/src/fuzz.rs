//! Garbled input for everything that reads: what is stored, market files, webhooks, gateways' answers, requests.
//!
//! A target is a function that takes any bytes and says what is wrong with how they were read. Two harnesses call it:
//! a coverage-guided one in the folder `fuzz/` (cargo-fuzz, nightly Rust), and [`hunt`], which garbles the same committed
//! samples from a seed on any Rust, for tests and for `surehold prove fuzz`. The requests are tried by the crate above,
//! which knows HTTP; it brings its target along.

pub mod corpus;
pub mod hunt;
mod mutate;
pub mod stored;
pub mod texts;

pub use self::corpus::Sample;
use crate::{Ask, Verdict};

/// What tries one input after another. One lives for a block of inputs.
pub trait Trial {
    /// Tries an input: whether it was read, and not refused.
    ///
    /// # Errors
    /// What does not hold.
    fn hear(&mut self, input: &[u8]) -> Result<bool, String>;

    /// Looks back over the whole block.
    ///
    /// # Errors
    /// What does not hold.
    fn end(self: Box<Self>) -> Result<(), String> {
        Ok(())
    }
}

/// A reader without a memory.
struct Plain(fn(&[u8]) -> Result<bool, String>);

impl Trial for Plain {
    fn hear(&mut self, input: &[u8]) -> Result<bool, String> {
        (self.0)(input)
    }
}

/// Something that reads.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder of samples.
    pub name: &'static str,
    /// Inputs to begin with.
    pub corpus: &'static [Sample],
    /// Pieces that mean something to it.
    pub words: &'static [&'static str],
    /// Inputs of one block.
    pub block: u64,
    /// Makes what tries a block.
    pub begin: fn() -> Box<dyn Trial>,
}

/// The targets of the crates below HTTP.
pub const TARGETS: [Target; 6] = [
    Target {
        name: "envelope",
        corpus: corpus::ENVELOPE,
        words: &[],
        block: 200,
        begin: || Box::new(Plain(stored::envelope)),
    },
    Target {
        name: "frame",
        corpus: corpus::FRAME,
        words: &[],
        block: 200,
        begin: || Box::new(Plain(stored::frame)),
    },
    Target {
        name: "fact",
        corpus: corpus::FACT,
        words: &["Europe/Berlin", "EUR"],
        block: 600,
        begin: || Box::new(Plain(stored::fact)),
    },
    Target {
        name: "market",
        corpus: corpus::MARKET,
        words: texts::MARKET_WORDS,
        block: 150,
        begin: || Box::new(Plain(texts::market)),
    },
    Target {
        name: "webhook",
        corpus: corpus::WEBHOOK,
        words: texts::WEBHOOK_WORDS,
        block: 200,
        begin: || Box::new(Plain(texts::webhook)),
    },
    Target {
        name: "answer",
        corpus: corpus::ANSWER,
        words: texts::ANSWER_WORDS,
        block: 200,
        begin: || Box::new(Plain(texts::answer)),
    },
];

/// The committed samples, then garbled ones, for the crates below HTTP.
#[must_use]
pub fn run(ask: &Ask) -> Verdict {
    hunt::hunt(ask, &TARGETS)
}

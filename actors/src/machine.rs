//! What the shelf needs to know of a domain machine: how its facts and its state become bytes.
//!
//! Versions are per stored type. A type that changes gets a new version and keeps a reader for the
//! old one; golden files in `tests/golden` hold every version ever written.

use serde::Serialize;
use serde::de::DeserializeOwned;
use surehold_domain::confirmation::{self, Confirmation};
use surehold_domain::id::{ConfirmationId, OfferingId, PaymentId};
use surehold_domain::idempotency::KeyUse;
use surehold_domain::inventory::{self, Inventory};
use surehold_domain::payment::{self, Payment};
use surehold_domain::saga::{self, Saga};
use surehold_domain::time::Timestamp;
use surehold_storage::Stream;
use surehold_storage::codec::{self, CodecError};

use crate::stream::order_key;

/// A machine that can be rebuilt from its facts.
pub trait Machine: Serialize + DeserializeOwned + Clone + Send + 'static {
    /// Its facts.
    type Fact: Serialize + DeserializeOwned + Send;
    /// The version facts are written in.
    const FACT_VERSION: u8 = 1;
    /// The version snapshots are written in.
    const STATE_VERSION: u8 = 1;

    /// The machine its first fact makes; `None` if that fact begins nothing.
    fn begin(stream: Stream, fact: &Self::Fact) -> Option<Self>;
    /// Makes a later fact so.
    fn apply(&mut self, fact: &Self::Fact);
    /// Facts applied so far.
    fn number(&self) -> u32;

    /// A fact as stored bytes.
    ///
    /// # Errors
    /// [`CodecError`] if the fact cannot be written.
    fn fact_to_bytes(fact: &Self::Fact) -> Result<bytes::Bytes, CodecError> {
        codec::encode(Self::FACT_VERSION, fact)
    }

    /// A fact from stored bytes.
    ///
    /// # Errors
    /// [`CodecError`] for bytes that are no such fact, or of a newer version.
    fn fact_from_bytes(bytes: &[u8]) -> Result<Self::Fact, CodecError> {
        let (version, body) = codec::open(bytes)?;
        if version == Self::FACT_VERSION {
            codec::decode(body)
        } else {
            Err(CodecError::UnknownVersion { found: version, known: Self::FACT_VERSION })
        }
    }
}

impl Machine for Saga {
    type Fact = saga::Fact;

    fn begin(stream: Stream, fact: &saga::Fact) -> Option<Saga> {
        Saga::begin(order_key(stream), fact)
    }
    fn apply(&mut self, fact: &saga::Fact) {
        Saga::apply(self, fact);
    }
    fn number(&self) -> u32 {
        Saga::number(self)
    }
}

impl Machine for Inventory {
    type Fact = inventory::Fact;

    fn begin(stream: Stream, fact: &inventory::Fact) -> Option<Inventory> {
        Inventory::begin(OfferingId(stream.id), fact)
    }
    fn apply(&mut self, fact: &inventory::Fact) {
        Inventory::apply(self, fact);
    }
    fn number(&self) -> u32 {
        Inventory::number(self)
    }
}

impl Machine for Payment {
    type Fact = payment::Fact;

    fn begin(stream: Stream, fact: &payment::Fact) -> Option<Payment> {
        Payment::begin(PaymentId(stream.id), fact)
    }
    fn apply(&mut self, fact: &payment::Fact) {
        Payment::apply(self, fact);
    }
    fn number(&self) -> u32 {
        Payment::number(self)
    }
}

impl Machine for Confirmation {
    type Fact = confirmation::Fact;

    fn begin(stream: Stream, fact: &confirmation::Fact) -> Option<Confirmation> {
        Confirmation::begin(ConfirmationId(stream.id), fact)
    }
    fn apply(&mut self, fact: &confirmation::Fact) {
        Confirmation::apply(self, fact);
    }
    fn number(&self) -> u32 {
        Confirmation::number(self)
    }
}

/// An idempotency key is a single fact that is also its own state.
impl Machine for KeyUse {
    type Fact = KeyUse;

    fn begin(_stream: Stream, fact: &KeyUse) -> Option<KeyUse> {
        Some(fact.clone())
    }
    fn apply(&mut self, _fact: &KeyUse) {}
    fn number(&self) -> u32 {
        1
    }
}

/// A market's name: a single fact that is also its own state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct MarketName {
    /// The name.
    pub name: String,
    /// When the market first opened.
    pub at: Timestamp,
}

impl Machine for MarketName {
    type Fact = MarketName;

    fn begin(_stream: Stream, fact: &MarketName) -> Option<MarketName> {
        Some(fact.clone())
    }
    fn apply(&mut self, _fact: &MarketName) {}
    fn number(&self) -> u32 {
        1
    }
}

/// The node's own life: the last time it opened, and how often it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct NodeLife {
    /// When it last opened.
    pub opened_at: Timestamp,
    /// How often.
    pub openings: u32,
}

impl Machine for NodeLife {
    type Fact = Timestamp;

    fn begin(_stream: Stream, fact: &Timestamp) -> Option<NodeLife> {
        Some(NodeLife { opened_at: *fact, openings: 1 })
    }
    fn apply(&mut self, fact: &Timestamp) {
        self.opened_at = *fact;
        self.openings += 1;
    }
    fn number(&self) -> u32 {
        self.openings
    }
}

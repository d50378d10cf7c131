//! What the shelf needs to know of a domain machine: how its facts and its state become bytes.
//!
//! Versions are per stored type. A type that changes gets a new version and keeps a reader for the
//! old one; golden files in `tests/golden` hold every version ever written.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use surehold_domain::confirmation::{self, Confirmation};
use surehold_domain::id::{ConfirmationId, OfferingId, OrderId, PaymentId, ReviewId};
use surehold_domain::idempotency::KeyUse;
use surehold_domain::inventory::{self, Inventory};
use surehold_domain::message::Message;
use surehold_domain::mileage::{self, Mileage};
use surehold_domain::payment::{self, Payment};
use surehold_domain::review::{self, Review};
use surehold_domain::saga::{self, Saga};
use surehold_domain::time::Timestamp;
use surehold_storage::Stream;
use surehold_storage::codec::{self, CodecError};

use crate::agenda::Open;
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
    /// What the agenda knows of it, if it is an order and not at its end.
    fn open(&self) -> Option<Open> {
        None
    }

    /// Whether what grows with the orders is stored apart from the rest, in parts with numbers. Then the
    /// three functions below say how.
    const PARTED: bool = false;

    /// The part that a fact changes; all others may be missing when it is applied.
    fn part_of(_fact: &Self::Fact) -> Option<u64> {
        None
    }
    /// Takes the parts out, as far as they are there.
    ///
    /// # Errors
    /// [`CodecError`] if one cannot be written.
    fn take_parts(&mut self) -> Result<BTreeMap<u64, Bytes>, CodecError> {
        Ok(BTreeMap::new())
    }
    /// Puts a part back. Archived ones must stay readable, as states must (see [`Machine::older_state`]).
    ///
    /// # Errors
    /// [`CodecError`] for bytes that are no part, or of another version.
    fn put_part(&mut self, _bytes: &[u8]) -> Result<(), CodecError> {
        Ok(())
    }

    /// A fact as stored bytes.
    ///
    /// # Errors
    /// [`CodecError`] if the fact cannot be written.
    fn fact_to_bytes(fact: &Self::Fact) -> Result<Bytes, CodecError> {
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
            Self::older_fact(version, body)
        }
    }

    /// A state of an older version, as today's, and the sequence stored before it. Among the
    /// snapshots there is none, because those of another version are built anew. In a journal's
    /// archive there may be, and there the facts are gone: whoever changes a state keeps a reader of
    /// every older version here, from the first release that archives on.
    ///
    /// # Errors
    /// [`CodecError::UnknownVersion`] for a version that was never archived, or is not yet.
    fn older_state(version: u8, _body: &[u8]) -> Result<(u64, Self), CodecError> {
        Err(CodecError::UnknownVersion { found: version, known: Self::STATE_VERSION })
    }

    /// A fact of an older version, as today's.
    ///
    /// # Errors
    /// [`CodecError::UnknownVersion`] for a version there never was, or is not yet.
    fn older_fact(version: u8, _body: &[u8]) -> Result<Self::Fact, CodecError> {
        Err(CodecError::UnknownVersion { found: version, known: Self::FACT_VERSION })
    }
}

impl Machine for Saga {
    type Fact = saga::Fact;
    const FACT_VERSION: u8 = 3;
    const STATE_VERSION: u8 = 3;

    fn older_fact(version: u8, body: &[u8]) -> Result<saga::Fact, CodecError> {
        match version {
            1 => codec::decode::<saga::v1::Fact>(body).map(saga::Fact::from),
            2 => codec::decode::<saga::v2::Fact>(body).map(saga::Fact::from),
            found => Err(CodecError::UnknownVersion { found, known: Self::FACT_VERSION }),
        }
    }

    fn begin(stream: Stream, fact: &saga::Fact) -> Option<Saga> {
        Saga::begin(order_key(stream), fact)
    }
    fn apply(&mut self, fact: &saga::Fact) {
        Saga::apply(self, fact);
    }
    fn number(&self) -> u32 {
        Saga::number(self)
    }
    fn open(&self) -> Option<Open> {
        Open::of(self)
    }
}

impl Machine for Inventory {
    type Fact = inventory::Fact;
    const FACT_VERSION: u8 = 2;
    const STATE_VERSION: u8 = 2;

    fn older_fact(version: u8, body: &[u8]) -> Result<inventory::Fact, CodecError> {
        match version {
            1 => codec::decode::<inventory::v1::Fact>(body).map(inventory::Fact::from),
            found => Err(CodecError::UnknownVersion { found, known: Self::FACT_VERSION }),
        }
    }

    fn begin(stream: Stream, fact: &inventory::Fact) -> Option<Inventory> {
        Inventory::begin(OfferingId(stream.id), fact)
    }
    fn apply(&mut self, fact: &inventory::Fact) {
        Inventory::apply(self, fact);
    }
    fn number(&self) -> u32 {
        Inventory::number(self)
    }

    const PARTED: bool = true;

    fn part_of(fact: &inventory::Fact) -> Option<u64> {
        fact.event.part()
    }
    fn take_parts(&mut self) -> Result<BTreeMap<u64, Bytes>, CodecError> {
        let encoded = |(number, part)| Ok((number, codec::encode(Self::STATE_VERSION, &part)?));
        self.take_book().into_iter().map(encoded).collect()
    }
    fn put_part(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        let (found, body) = codec::open(bytes)?;
        if found != Self::STATE_VERSION {
            return Err(CodecError::UnknownVersion { found, known: Self::STATE_VERSION });
        }
        self.put_book(codec::decode(body)?);
        Ok(())
    }
}

impl Machine for Payment {
    type Fact = payment::Fact;
    const FACT_VERSION: u8 = 2;
    const STATE_VERSION: u8 = 2;

    /// The first version only had fewer variants.
    fn older_fact(version: u8, body: &[u8]) -> Result<payment::Fact, CodecError> {
        match version {
            1 => codec::decode(body),
            found => Err(CodecError::UnknownVersion { found, known: Self::FACT_VERSION }),
        }
    }

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

impl Machine for Mileage {
    type Fact = mileage::Fact;

    fn begin(_stream: Stream, fact: &mileage::Fact) -> Option<Mileage> {
        Mileage::begin(fact)
    }
    fn apply(&mut self, fact: &mileage::Fact) {
        Mileage::apply(self, fact);
    }
    fn number(&self) -> u32 {
        self.number
    }
}

impl Machine for Review {
    type Fact = review::Fact;

    fn begin(stream: Stream, fact: &review::Fact) -> Option<Review> {
        Review::begin(ReviewId(stream.id), fact)
    }
    fn apply(&mut self, fact: &review::Fact) {
        Review::apply(self, fact);
    }
    fn number(&self) -> u32 {
        self.number
    }
}

/// Things that are a single fact, which is also their state.
macro_rules! single {
    ($name:ty) => {
        impl Machine for $name {
            type Fact = $name;

            fn begin(_stream: Stream, fact: &$name) -> Option<$name> {
                Some(fact.clone())
            }
            fn apply(&mut self, _fact: &$name) {}
            fn number(&self) -> u32 {
                1
            }
        }
    };
}

single!(Message);
single!(KeyUse);
single!(MarketName);
single!(Serial);

/// A market's name: a single fact that is also its own state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct MarketName {
    /// The name.
    pub name: String,
    /// When the market first opened.
    pub at: Timestamp,
}

/// Which order has a number among the sales, or the supplies, of its market.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Serial {
    /// The order.
    pub order: OrderId,
}

/// Whether an operator stopped a participant. It outlives restarts, as the operator's will does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Switch {
    /// Whether it is stopped.
    pub stopped: bool,
    /// Facts applied so far.
    pub number: u32,
}

impl Machine for Switch {
    type Fact = bool;

    fn begin(_stream: Stream, fact: &bool) -> Option<Switch> {
        Some(Switch { stopped: *fact, number: 1 })
    }
    fn apply(&mut self, fact: &bool) {
        self.stopped = *fact;
        self.number += 1;
    }
    fn number(&self) -> u32 {
        self.number
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

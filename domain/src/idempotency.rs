//! What is remembered of an idempotency key: whose order it made, and from which words.

use serde::{Deserialize, Serialize};

use crate::id::OrderId;
use crate::time::Timestamp;

/// Longest idempotency key, in characters.
pub const KEY_LENGTH_MAX: usize = 255;

/// One key of one market, for as long as its order exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// The key as the client sent it.
    pub key: String,
    /// A fingerprint of the request it came with.
    pub fingerprint: u64,
    /// The order that request made.
    pub order: OrderId,
    /// When.
    pub at: Timestamp,
}

/// What a key that was seen before means for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// The same request again: answer with that order.
    Same(OrderId),
    /// Another request under the same key: refuse it.
    Other,
}

impl KeyUse {
    /// Compares a request with the one the key came with first.
    #[must_use]
    pub fn repeated(&self, fingerprint: u64) -> Repeat {
        if self.fingerprint == fingerprint { Repeat::Same(self.order) } else { Repeat::Other }
    }
}

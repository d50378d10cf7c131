//! Card numbers in memory, for as long as their payment is under way, and nowhere else.
//!
//! They outlive a crashed actor, not the process: a payment whose number is lost is asked about at
//! the gateway, never charged blindly.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;
use surehold_domain::id::OrderKey;

use super::Secret;

/// The card numbers of payments under way.
#[derive(Debug, Default)]
pub struct Vault {
    secrets: Mutex<FxHashMap<OrderKey, Secret>>,
}

impl Vault {
    fn secrets(&self) -> MutexGuard<'_, FxHashMap<OrderKey, Secret>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a number until its payment is settled.
    pub fn keep(&self, order: OrderKey, secret: Secret) {
        self.secrets().insert(order, secret);
    }

    /// The number, if it is known.
    #[must_use]
    pub fn get(&self, order: OrderKey) -> Option<Secret> {
        self.secrets().get(&order).cloned()
    }

    /// Forgets the number.
    pub fn forget(&self, order: OrderKey) {
        self.secrets().remove(&order);
    }
}

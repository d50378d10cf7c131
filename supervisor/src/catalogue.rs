//! What is sold, kept decoded, so that placing an order reads nothing from the shelf.

use std::sync::{Arc, PoisonError, RwLock};

use rustc_hash::FxHashMap;
use surehold_actors::stream::OfferingKey;
use surehold_domain::inventory::{Inventory, Offering};

use crate::limits::CATALOGUE_MAX;

/// Offerings that are sold, as far as they were asked for lately.
#[derive(Default)]
pub(crate) struct Catalogue {
    offerings: RwLock<FxHashMap<OfferingKey, Arc<Offering>>>,
}

impl Catalogue {
    /// The offering, if it is here.
    pub(crate) fn get(&self, key: OfferingKey) -> Option<Arc<Offering>> {
        self.offerings.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
    }

    /// Takes over an offering as it stands now; a closed one is forgotten.
    pub(crate) fn put(&self, key: OfferingKey, inventory: &Inventory) -> Option<Arc<Offering>> {
        let mut offerings = self.offerings.write().unwrap_or_else(PoisonError::into_inner);
        if !inventory.is_open() {
            offerings.remove(&key);
            return None;
        }
        if offerings.len() >= CATALOGUE_MAX {
            // It is only a cache: starting over costs one read per offering.
            offerings.clear();
        }
        let offering = Arc::new(inventory.offering().clone());
        offerings.insert(key, Arc::clone(&offering));
        Some(offering)
    }
}

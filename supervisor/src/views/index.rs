//! The keys of the views' indexes, and rows packed into pages.
//!
//! ```text
//!  cursor                                   -> sequence
//!  count  | tag | market                    -> rows in all
//!  page   | tag | market | page number      -> up to 256 numbers of eight bytes
//!  by customer | market | hash | order      -> nothing
//!  by offering | market | offering | order  -> nothing
//!  cancellation of | market | order         -> row number
//! ```

use std::hash::{DefaultHasher, Hasher};

use surehold_domain::id::{MarketId, OfferingId, OrderId};

use crate::view::Collection;

/// Rows of one stored page.
pub(super) const PAGE_ROWS: u64 = 256;
/// The cursor's key.
pub(super) const CURSOR_KEY: &[u8] = &[0];

const COUNT: u8 = 1;
const PAGE: u8 = 2;
const BY_CUSTOMER: u8 = 3;
const BY_OFFERING: u8 = 4;
const CANCELLATION_OF: u8 = 5;

/// The stored number of a collection.
pub(super) fn tag_of(collection: Collection) -> u8 {
    match collection {
        Collection::Orders => 1,
        Collection::Payments => 2,
        Collection::Confirmations => 3,
        Collection::Cancellations => 4,
    }
}

fn key(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![kind];
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

pub(super) fn count_key(tag: u8, market: MarketId) -> Vec<u8> {
    key(COUNT, &[&[tag], &market.0.to_be_bytes()])
}

pub(super) fn page_key(tag: u8, market: MarketId, page: u64) -> Vec<u8> {
    key(PAGE, &[&[tag], &market.0.to_be_bytes(), &page.to_be_bytes()])
}

pub(super) fn customer_prefix(market: MarketId, customer: &str) -> Vec<u8> {
    // A change of this hash after an upgrade would only hide orders from lists until the views are
    // rebuilt; the snapshots' own sum changes with it and has them rebuilt.
    let mut hasher = DefaultHasher::new();
    hasher.write(customer.as_bytes());
    key(BY_CUSTOMER, &[&market.0.to_be_bytes(), &hasher.finish().to_be_bytes()])
}

pub(super) fn offering_prefix(market: MarketId, offering: OfferingId) -> Vec<u8> {
    key(BY_OFFERING, &[&market.0.to_be_bytes(), &offering.0.to_be_bytes()])
}

pub(super) fn cancellation_key(market: MarketId, order: OrderId) -> Vec<u8> {
    key(CANCELLATION_OF, &[&market.0.to_be_bytes(), &order.0.to_be_bytes()])
}

/// The number in the last eight bytes; 0 if there are fewer.
pub(super) fn last_id(bytes: &[u8]) -> u64 {
    bytes.last_chunk::<8>().map_or(0, |last| u64::from_be_bytes(*last))
}

/// The numbers of a page.
pub(super) fn rows_of(page: &[u8]) -> impl Iterator<Item = u64> + '_ {
    page.chunks_exact(8).map(last_id)
}

//! The keys of the views' indexes, and rows packed into pages.
//!
//! ```text
//!  cursor                                   -> sequence
//!  count  | tag | market                    -> rows in all
//!  page   | tag | market | page number      -> up to 256 numbers of eight bytes
//!  run    | run number | first posting      -> up to 512 postings, sorted
//!  run length | run number                  -> postings in all; run count -> runs in all
//!  cancellation of | market | order         -> row number
//! ```
//!
//! A posting is `who is meant (customer or offering) | market | hash or number | order`.

use std::hash::{DefaultHasher, Hasher};

use surehold_domain::id::{MarketId, OfferingId, OrderId};

use crate::view::Collection;

/// Rows of one stored page.
pub(super) const PAGE_ROWS: u64 = 256;
/// The cursor's key.
pub(super) const CURSOR_KEY: &[u8] = &[0];

const COUNT: u8 = 1;
const PAGE: u8 = 2;
const CANCELLATION_OF: u8 = 3;
const RUN: u8 = 4;
const RUN_LENGTH: u8 = 5;
/// The key of the number of runs.
pub(super) const RUN_COUNT_KEY: &[u8] = &[6];

/// Bytes of a posting.
pub(super) const POSTING_LENGTH: usize = 19;
/// Which order belongs to whom.
pub(super) type Posting = [u8; POSTING_LENGTH];
/// Postings under one key.
pub(super) const CHUNK_POSTINGS: usize = 512;

const CUSTOMER: u8 = 1;
const OFFERING: u8 = 2;

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

/// A customer's posting. Customers are meant by a hash of their name.
pub(super) fn customer_posting(market: MarketId, customer: &str, order: OrderId) -> Posting {
    // A change of this hash after an upgrade would only hide orders from lists until the views are
    // rebuilt; the snapshots' own sum changes with it and has them rebuilt.
    let mut hasher = DefaultHasher::new();
    hasher.write(customer.as_bytes());
    posting(CUSTOMER, market, hasher.finish(), order)
}

/// An offering's posting.
pub(super) fn offering_posting(market: MarketId, offering: OfferingId, order: OrderId) -> Posting {
    posting(OFFERING, market, offering.0, order)
}

fn posting(tag: u8, market: MarketId, who: u64, order: OrderId) -> Posting {
    let mut posting = [0; POSTING_LENGTH];
    posting[0] = tag;
    posting[1..3].copy_from_slice(&market.0.to_be_bytes());
    posting[3..11].copy_from_slice(&who.to_be_bytes());
    posting[11..].copy_from_slice(&order.0.to_be_bytes());
    posting
}

/// The postings of a stored chunk.
pub(super) fn postings_of(chunk: &[u8]) -> impl Iterator<Item = Posting> + '_ {
    chunk.as_chunks::<POSTING_LENGTH>().0.iter().copied()
}

pub(super) fn chunk_key(run: u64, first: Posting) -> Vec<u8> {
    key(RUN, &[&run.to_be_bytes(), &first])
}

pub(super) fn run_length_key(run: u64) -> Vec<u8> {
    key(RUN_LENGTH, &[&run.to_be_bytes()])
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

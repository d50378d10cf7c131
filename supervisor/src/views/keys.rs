//! The keys of the views' indexes, and numbers packed into values. Every key is stored with its
//! generation in front (see `generation.rs`).
//!
//! ```text
//!  cursor                                   -> sequence
//!  count   | tag | market                   -> rows in all
//!  page    | tag | market | page number     -> up to 256 numbers of eight bytes
//!  run     | run number | first posting     -> up to 512 postings, sorted
//!  run length | run number                  -> postings in all; run count -> runs in all
//!  cancellation of | market | order         -> row number
//!  flow of | market | order                 -> row number
//!  set     | set | market | number / 256    -> the numbers in it, one byte each, sorted
//!  block   | set | market | number / 65536  -> how many numbers it has
//!  reviews | market | offering              -> reviews that stand
//!  figures | market | offering              -> see `figures.rs`
//!  balance | market | customer's whole name -> points
//! ```
//!
//! A posting is `who is meant, and of what | market | hash or number | number of the thing`.

use surehold_domain::id::{MarketId, OfferingId, OrderId};

use super::Whose;
use super::names::hash_of;
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
const FLOW_OF: u8 = 7;
const SET: u8 = 8;
const BLOCK: u8 = 9;
const REVIEWS: u8 = 10;
const FIGURES: u8 = 11;
const BALANCE: u8 = 12;

/// Bytes of a posting.
pub(super) const POSTING_LENGTH: usize = 19;
/// Which thing belongs to whom.
pub(super) type Posting = [u8; POSTING_LENGTH];
/// Postings under one key.
pub(super) const CHUNK_POSTINGS: usize = 512;

const ORDERS_OF_CUSTOMER: u8 = 1;
const ORDERS_OF_OFFERING: u8 = 2;
const REVIEWS_OF_OFFERING: u8 = 3;
const MESSAGES_OF_CUSTOMER: u8 = 4;
const MILEAGE_OF_CUSTOMER: u8 = 5;

/// The stored number of a collection.
pub(super) fn tag_of(collection: Collection) -> u8 {
    match collection {
        Collection::Orders => 1,
        Collection::Payments => 2,
        Collection::Confirmations => 3,
        Collection::Cancellations => 4,
        Collection::Messages => 5,
        Collection::Mileages => 6,
        Collection::Flows => 7,
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

/// The posting of one thing. Customers are meant by a hash of their name.
pub(super) fn posting(market: MarketId, whose: Whose<'_>, id: u64) -> Posting {
    let (tag, who) = match whose {
        Whose::Customer(name) => (ORDERS_OF_CUSTOMER, hash_of(name)),
        Whose::Offering(offering) => (ORDERS_OF_OFFERING, offering.0),
        Whose::ReviewsOf(offering) => (REVIEWS_OF_OFFERING, offering.0),
        Whose::MessagesOf(name) => (MESSAGES_OF_CUSTOMER, hash_of(name)),
        Whose::MileageOf(name) => (MILEAGE_OF_CUSTOMER, hash_of(name)),
    };
    let mut posting = [0; POSTING_LENGTH];
    posting[0] = tag;
    posting[1..3].copy_from_slice(&market.0.to_be_bytes());
    posting[3..11].copy_from_slice(&who.to_be_bytes());
    posting[11..].copy_from_slice(&id.to_be_bytes());
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

pub(super) fn flow_key(market: MarketId, order: OrderId) -> Vec<u8> {
    key(FLOW_OF, &[&market.0.to_be_bytes(), &order.0.to_be_bytes()])
}

/// A page of a set: 256 neighbours.
pub(super) fn set_key(set: u8, market: MarketId, page: u64) -> Vec<u8> {
    key(SET, &[&[set], &market.0.to_be_bytes(), &page.to_be_bytes()])
}

/// A block of a set: 256 neighbouring pages.
pub(super) fn block_key(set: u8, market: MarketId, block: u64) -> Vec<u8> {
    key(BLOCK, &[&[set], &market.0.to_be_bytes(), &block.to_be_bytes()])
}

pub(super) fn reviews_key(market: MarketId, offering: OfferingId) -> Vec<u8> {
    key(REVIEWS, &[&market.0.to_be_bytes(), &offering.0.to_be_bytes()])
}

pub(super) fn figures_key(market: MarketId, offering: OfferingId) -> Vec<u8> {
    key(FIGURES, &[&market.0.to_be_bytes(), &offering.0.to_be_bytes()])
}

/// The whole name, not a hash of it: two customers never share an account.
pub(super) fn balance_key(market: MarketId, customer: &str) -> Vec<u8> {
    key(BALANCE, &[&market.0.to_be_bytes(), customer.as_bytes()])
}

/// The first key after this one.
pub(super) fn after_key(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}

/// The number in the last eight bytes; 0 if there are fewer.
pub(super) fn last_id(bytes: &[u8]) -> u64 {
    bytes.last_chunk::<8>().map_or(0, |last| u64::from_be_bytes(*last))
}

/// The numbers of a page.
pub(super) fn rows_of(page: &[u8]) -> impl Iterator<Item = u64> + '_ {
    page.chunks_exact(8).map(last_id)
}

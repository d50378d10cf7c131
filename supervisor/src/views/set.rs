//! Sets of numbers that things join and leave: who waits, which reviews stand. 256 neighbours share
//! a key, and 256 such pages share a count, so that neither the first members nor those after a
//! million others are far away.

use surehold_domain::id::MarketId;
use surehold_storage::SnapshotError;

use super::index::Index;
use super::keys::{after_key, block_key, last_id, set_key};

/// Numbers of one page.
const PAGE_NUMBERS: u64 = 256;
/// Numbers of one block.
const BLOCK_NUMBERS: u64 = PAGE_NUMBERS * 256;
/// Keys read in one go.
const SCAN_KEYS: usize = 64;

/// Which set. The numbers are stored: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Set {
    /// Confirmations that wait for the operator.
    Waiting = 1,
    /// Reviews that stand.
    Reviews = 2,
}

impl Index {
    /// Takes a number in.
    pub(super) fn join(
        &mut self,
        set: Set,
        market: MarketId,
        number: u64,
    ) -> Result<(), SnapshotError> {
        let key = set_key(set as u8, market, number / PAGE_NUMBERS);
        let mut slots = self.get(&key)?.unwrap_or_default();
        if let Err(place) = slots.binary_search(&slot(number)) {
            slots.insert(place, slot(number));
            self.put(key, slots);
            let block = block_key(set as u8, market, number / BLOCK_NUMBERS);
            let count = self.number(&block)?;
            self.put_number(block, count + 1);
        }
        Ok(())
    }

    /// Lets a number out; no complaint if it is not in.
    pub(super) fn leave(
        &mut self,
        set: Set,
        market: MarketId,
        number: u64,
    ) -> Result<(), SnapshotError> {
        let key = set_key(set as u8, market, number / PAGE_NUMBERS);
        let mut slots = self.get(&key)?.unwrap_or_default();
        if let Ok(place) = slots.binary_search(&slot(number)) {
            slots.remove(place);
            if slots.is_empty() {
                self.remove(key);
            } else {
                self.put(key, slots);
            }
            let block = block_key(set as u8, market, number / BLOCK_NUMBERS);
            let count = self.number(&block)?;
            self.put_number(block, count.saturating_sub(1));
        }
        Ok(())
    }

    /// The first `limit` members above `after`, in order.
    pub(super) fn members(
        &self,
        set: Set,
        market: MarketId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<u64>, SnapshotError> {
        match after.checked_add(1) {
            Some(first) => self.walk(set, market, first, 0, limit),
            None => Ok(Vec::new()),
        }
    }

    /// The first `limit` members after `offset` others, in order.
    pub(super) fn members_after(
        &self,
        set: Set,
        market: MarketId,
        offset: u64,
        limit: usize,
    ) -> Result<Vec<u64>, SnapshotError> {
        let mut skip = offset;
        let mut first = None;
        self.blocks(set, market, |block, count| {
            if skip < count {
                first = Some(block * BLOCK_NUMBERS);
            } else {
                skip -= count;
            }
            first.is_none()
        })?;
        match first {
            Some(first) => self.walk(set, market, first, skip, limit),
            None => Ok(Vec::new()),
        }
    }

    /// How many members there are.
    pub(super) fn size(&self, set: Set, market: MarketId) -> Result<u64, SnapshotError> {
        let mut size = 0;
        self.blocks(set, market, |_, count| {
            size += count;
            true
        })?;
        Ok(size)
    }

    /// Shows the blocks that have members, in order, as long as `visit` says to go on.
    fn blocks(
        &self,
        set: Set,
        market: MarketId,
        mut visit: impl FnMut(u64, u64) -> bool,
    ) -> Result<(), SnapshotError> {
        let mut at = block_key(set as u8, market, 0);
        let end = after_key(block_key(set as u8, market, u64::MAX));
        loop {
            let blocks = self.scan(&at, &end, SCAN_KEYS)?;
            let Some((last, _)) = blocks.last() else { return Ok(()) };
            at = after_key(last.clone());
            for (key, count) in &blocks {
                if !visit(last_id(key), last_id(count)) {
                    return Ok(());
                }
            }
        }
    }

    /// Up to `limit` members from `first` on, after `skip` of them.
    fn walk(
        &self,
        set: Set,
        market: MarketId,
        first: u64,
        mut skip: u64,
        limit: usize,
    ) -> Result<Vec<u64>, SnapshotError> {
        let mut at = set_key(set as u8, market, first / PAGE_NUMBERS);
        let end = after_key(set_key(set as u8, market, u64::MAX));
        let mut found = Vec::new();
        while found.len() < limit {
            let pages = self.scan(&at, &end, SCAN_KEYS)?;
            let Some((last, _)) = pages.last() else { break };
            at = after_key(last.clone());
            for (key, slots) in &pages {
                let page = last_id(key) * PAGE_NUMBERS;
                let numbers = slots.iter().map(|slot| page + u64::from(*slot));
                for number in numbers.filter(|number| *number >= first) {
                    if skip > 0 {
                        skip -= 1;
                    } else if found.len() < limit {
                        found.push(number);
                    }
                }
            }
        }
        Ok(found)
    }
}

/// A number's place on its page: its last byte.
fn slot(number: u64) -> u8 {
    number.to_be_bytes()[7]
}

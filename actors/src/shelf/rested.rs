//! States at rest: machines that will not write soon, already as they will be stored, several neighbours
//! together as on a page of the snapshots (see `page.rs`).
//!
//! A checkpoint takes such a page as it is. It costs the memory of its bytes, where each state by itself
//! would cost a place in a map and an allocation that are long out of the processor's caches when they
//! are looked at again.

use crate::agenda::Open;

/// A machine as it is stored, in place of the records that made it so.
#[derive(Clone, Copy, Debug)]
pub(super) struct State<'a> {
    pub(super) bytes: &'a [u8],
    /// The sequence of the first record since the snapshot under it.
    pub(super) first: u64,
    /// Its last record.
    pub(super) sequence: u64,
    /// What the agenda knows of it, if it is an order and not at its end.
    pub(super) open: Option<Open>,
}

/// Where a state lies among the bytes.
#[derive(Clone, Debug)]
struct Slot {
    slot: u8,
    from: usize,
    length: usize,
    first: u64,
    sequence: u64,
    open: Option<Open>,
}

/// The states of one page.
#[derive(Clone, Debug, Default)]
pub(super) struct Rested {
    /// One state after the other, as they came.
    bytes: Vec<u8>,
    /// In their own order, which nearly always is that in which they come.
    slots: Vec<Slot>,
}

impl Rested {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Where a slot is, or where it would be.
    fn at(&self, slot: u8) -> Result<usize, usize> {
        match self.slots.last() {
            Some(last) if last.slot >= slot => {
                self.slots.binary_search_by_key(&slot, |other| other.slot)
            }
            Some(_) | None => Err(self.slots.len()),
        }
    }

    fn state(&self, slot: &Slot) -> State<'_> {
        let Slot { from, length, first, sequence, open, .. } = *slot;
        State { bytes: &self.bytes[from..from + length], first, sequence, open }
    }

    /// The state at a slot.
    pub(super) fn get(&self, slot: u8) -> Option<State<'_>> {
        self.at(slot).ok().map(|at| self.state(&self.slots[at]))
    }

    /// Those that are not durable.
    pub(super) fn unripe(&self, durable: u64) -> impl Iterator<Item = (u8, State<'_>)> {
        let unripe = self.slots.iter().filter(move |slot| slot.sequence > durable);
        unripe.map(|slot| (slot.slot, self.state(slot)))
    }

    /// All of them, in the order of their slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u8, State<'_>)> {
        self.slots.iter().map(|slot| (slot.slot, self.state(slot)))
    }

    /// Puts a state in the place of the one at its slot, if there is one.
    pub(super) fn put(&mut self, slot: u8, neighbours: usize, state: State<'_>) {
        let State { bytes, first, sequence, open } = state;
        let at = self.at(slot);
        if let Ok(at) = at {
            self.drop_bytes(at);
        } else if self.slots.is_empty() {
            // They are much alike.
            self.bytes.reserve_exact(neighbours * (bytes.len() + bytes.len() / 8));
            self.slots.reserve_exact(neighbours);
        }
        let (from, length) = (self.bytes.len(), bytes.len());
        self.bytes.extend_from_slice(bytes);
        let put = Slot { slot, from, length, first, sequence, open };
        match at {
            Ok(at) => self.slots[at] = put,
            Err(at) => self.slots.insert(at, put),
        }
    }

    /// As [`Rested::put`]; what the state at this slot stood for, this one stands for too.
    pub(super) fn follow(&mut self, slot: u8, neighbours: usize, state: State<'_>) {
        let first = self.at(slot).map_or(state.first, |at| self.slots[at].first);
        self.put(slot, neighbours, State { first, ..state });
    }

    fn drop_bytes(&mut self, at: usize) {
        let Slot { from, length, .. } = self.slots[at];
        self.bytes.drain(from..from + length);
        for slot in self.slots.iter_mut().filter(|slot| slot.from > from) {
            slot.from -= length;
        }
    }

    /// Lets the state at a slot stand for earlier records too.
    pub(super) fn begin_earlier(&mut self, slot: u8, first: u64) {
        if let Ok(at) = self.at(slot) {
            let known = &mut self.slots[at].first;
            *known = first.min(*known);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(bytes: &[u8], sequence: u64) -> State<'_> {
        State { bytes, first: sequence, sequence, open: None }
    }

    fn found(rested: &Rested) -> Vec<(u8, &[u8], u64)> {
        rested.iter().map(|(slot, state)| (slot, state.bytes, state.first)).collect()
    }

    #[test]
    fn states_are_found_in_the_order_of_their_slots_and_take_each_other_s_place() {
        let mut rested = Rested::default();
        for (slot, bytes) in [(5, &b"five"[..]), (0, b"nought"), (15, b""), (7, b"seven")] {
            rested.put(slot, 16, state(bytes, u64::from(slot) + 1));
        }
        let all = [(0, &b"nought"[..], 1), (5, b"five", 6), (7, b"seven", 8), (15, b"", 16)];
        assert_eq!(found(&rested), all);
        rested.put(5, 16, state(b"a longer one", 20));
        rested.put(0, 16, state(b"0", 21));
        rested.follow(0, 16, state(b"00", 23));
        let all = [(0, &b"00"[..], 21), (5, b"a longer one", 20), (7, b"seven", 8), (15, b"", 16)];
        assert_eq!(found(&rested), all);
        assert_eq!(rested.get(7).unwrap().bytes, b"seven");
        assert!(rested.get(8).is_none());
        assert_eq!(rested.bytes.len(), 19, "nothing is left of what was replaced");
    }

    #[test]
    fn a_state_may_come_to_stand_for_earlier_records_and_never_for_fewer() {
        let mut rested = Rested::default();
        rested.put(3, 16, state(b"three", 30));
        rested.begin_earlier(3, 10);
        rested.begin_earlier(3, 20);
        rested.begin_earlier(4, 1);
        assert_eq!(found(&rested), [(3, &b"three"[..], 10)]);
        let unripe = |durable| rested.unripe(durable).count();
        assert_eq!((unripe(29), unripe(30)), (1, 0));
    }
}

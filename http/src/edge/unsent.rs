//! Large answers that wait to be sent, counted in bytes.
//!
//! A page may have a megabyte, and a client may ask for one on each of its connections and read none.
//! What is small is not counted: as many small answers as there are connections are no danger.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::limits::{LARGE, UNSENT_MAX};

/// How many bytes of large answers are not sent yet.
#[derive(Clone)]
pub(super) struct Unsent {
    bytes: Arc<AtomicUsize>,
    most: usize,
}

impl Default for Unsent {
    fn default() -> Unsent {
        Unsent { bytes: Arc::default(), most: UNSENT_MAX }
    }
}

/// The part of one answer, until it is sent or its connection ends.
pub(super) struct Part {
    unsent: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for Part {
    fn drop(&mut self) {
        self.unsent.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// There is no room for one more large answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Unsent {
    /// Counts an answer of so many bytes; `None` for one that need not be counted.
    pub(super) fn add(&self, bytes: u64) -> Result<Option<Part>, Full> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        if bytes < LARGE {
            return Ok(None);
        }
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let part = Part { unsent: Arc::clone(&self.bytes), bytes };
        if before.saturating_add(bytes) > self.most { Err(Full) } else { Ok(Some(part)) }
    }
}

/// Bytes that are counted for as long as anybody has them.
struct Counted {
    bytes: Bytes,
    _part: Part,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Part {
    /// The same bytes; the part is given back when the last of them was handed to the system.
    pub(super) fn of(self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Counted { bytes, _part: self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_answers_are_counted_until_they_are_gone() {
        let unsent = Unsent { most: 3 * LARGE, ..Unsent::default() };
        let size = LARGE as u64;
        for _ in 0..100 {
            assert!(unsent.add(size - 1).is_ok_and(|part| part.is_none()));
        }
        let mut sending: Vec<Bytes> = (0..3)
            .map(|_| unsent.add(size).ok().flatten().unwrap().of(Bytes::from_static(b"page")))
            .collect();
        assert_eq!(unsent.add(size).err(), Some(Full));
        assert_eq!(unsent.add(u64::MAX).err(), Some(Full));
        assert!(unsent.add(1).is_ok());
        let mut last = sending.pop().unwrap();
        let sent = last.split_to(2);
        drop(last);
        assert_eq!(unsent.add(size).err(), Some(Full), "a piece of it is still on its way");
        drop(sent);
        assert!(unsent.add(size).is_ok());
        drop(sending);
        assert_eq!(unsent.bytes.load(Ordering::Relaxed), 0);
    }
}

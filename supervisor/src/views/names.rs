//! The hash under which a customer's things are found: SipHash-1-3 without a key. It is stored, also in
//! a journal's archive, where it cannot be made anew; so it is written out here, and does not change
//! with the standard library, whose hash it was first.

/// The hash of a name.
pub(super) fn hash_of(name: &str) -> u64 {
    let mut state = State {
        a: 0x736f_6d65_7073_6575,
        b: 0x646f_7261_6e64_6f6d,
        c: 0x6c79_6765_6e65_7261,
        d: 0x7465_6462_7974_6573,
    };
    let bytes = name.as_bytes();
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        state.take(u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    last[7] = bytes.len().to_le_bytes()[0];
    state.take(u64::from_le_bytes(last));
    state.finish()
}

struct State {
    a: u64,
    b: u64,
    c: u64,
    d: u64,
}

impl State {
    fn take(&mut self, word: u64) {
        self.d ^= word;
        self.round();
        self.a ^= word;
    }

    fn finish(mut self) -> u64 {
        self.c ^= 0xff;
        for _ in 0..3 {
            self.round();
        }
        self.a ^ self.b ^ self.c ^ self.d
    }

    fn round(&mut self) {
        let State { a, b, c, d } = self;
        *a = a.wrapping_add(*b);
        *b = b.rotate_left(13) ^ *a;
        *a = a.rotate_left(32);
        *c = c.wrapping_add(*d);
        *d = d.rotate_left(16) ^ *c;
        *a = a.wrapping_add(*d);
        *d = d.rotate_left(21) ^ *a;
        *c = c.wrapping_add(*b);
        *b = b.rotate_left(17) ^ *c;
        *c = c.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{DefaultHasher, Hasher};

    use super::*;

    #[test]
    fn is_what_earlier_builds_stored() {
        for name in ["", "ann", "seven b", "eight by", "a name that takes more than one word", "김"]
        {
            let mut hasher = DefaultHasher::new();
            hasher.write(name.as_bytes());
            assert_eq!(hash_of(name), hasher.finish(), "{name}");
        }
    }
}

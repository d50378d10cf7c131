//! Garbles samples: the same for the same seed for ever.

use surehold_storage::faulty::Dice;

use super::Target;

/// Longest garbled input, in bytes: just above the longest body that is read of a request.
const LONGEST: usize = 66 * 1024;
/// Most changes of one input. Each is half as likely as the one before: what is changed a little gets further.
const CHANGES: u64 = 6;
/// One of so many inputs is a sample as it is, so that what has a memory gets on.
const WHOLE: u64 = 8;
/// Numbers that readers get wrong.
const NUMBERS: [u64; 12] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    (1 << 53) - 1,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];
/// The same as they are written, and others that are none.
const WRITTEN: [&str; 14] = [
    "0",
    "-1",
    "1.5",
    "1e400",
    "00",
    "65536",
    "1000001",
    "9007199254740992",
    "9223372036854775808",
    "18446744073709551616",
    "null",
    "\"\"",
    "[]",
    "{}",
];

/// A number below `bound`, as an index.
fn below(dice: &mut Dice, bound: usize) -> usize {
    usize::try_from(dice.below(bound.max(1) as u64)).unwrap_or(0)
}

fn one<'a, T: ?Sized>(dice: &mut Dice, of: &[&'a T]) -> Option<&'a T> {
    let at = below(dice, of.len());
    of.get(at).copied()
}

/// One sample, nearly always with a few changes.
pub(super) fn garbled(dice: &mut Dice, target: &Target) -> Vec<u8> {
    let at = below(dice, target.corpus.len());
    let mut bytes = target.corpus.get(at).map(|(_, sample)| sample.to_vec()).unwrap_or_default();
    if dice.below(WHOLE) == 0 {
        return bytes;
    }
    change(dice, target, &mut bytes);
    for _ in 1..CHANGES {
        if dice.below(2) == 0 {
            break;
        }
        change(dice, target, &mut bytes);
    }
    bytes.truncate(LONGEST);
    bytes
}

fn change(dice: &mut Dice, target: &Target, bytes: &mut Vec<u8>) {
    let at = below(dice, bytes.len() + 1);
    let to = at + below(dice, (bytes.len() - at).min(64) + 1);
    let byte = u8::try_from(dice.below(256)).unwrap_or(0);
    match dice.below(11) {
        0 => set(bytes, at, |old| old ^ (1 << (byte % 8))),
        1 => set(bytes, at, |_| byte),
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..to)),
        4 => {
            let piece = bytes[at..to].repeat(1 + usize::from(byte % 4));
            insert(bytes, at, &piece);
        }
        5 => insert(bytes, at, &[byte]),
        6 => number(dice, bytes, at),
        7 => digits(dice, bytes, at),
        8 => {
            if let Some(word) = one(dice, target.words) {
                insert(bytes, at, word.as_bytes());
            }
        }
        9 => {
            if let Some(word) = one(dice, target.words) {
                bytes.splice(at..to, word.bytes());
            }
        }
        _ => {
            let other = below(dice, target.corpus.len());
            let (_, other) = target.corpus.get(other).copied().unwrap_or_default();
            let from = below(dice, other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
    }
}

fn set(bytes: &mut [u8], at: usize, to: impl FnOnce(u8) -> u8) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte = to(*byte);
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}

/// Overwrites a number of 1, 2, 4 or 8 bytes, either way round, perhaps with how much is left: what lengths look like.
fn number(dice: &mut Dice, bytes: &mut [u8], at: usize) {
    let width = 1_usize << dice.below(4);
    let left = bytes.len().saturating_sub(at) as u64;
    let known = NUMBERS.len() as u64;
    let value = match usize::try_from(dice.below(known + 3)).ok().and_then(|it| NUMBERS.get(it)) {
        Some(value) => *value,
        None => left.wrapping_sub(2).wrapping_add(dice.below(5)),
    };
    let mut written = value.to_le_bytes();
    let written = &mut written[..width];
    if dice.below(2) == 0 {
        written.reverse();
    }
    if let Some(place) = bytes.get_mut(at..at + width) {
        place.copy_from_slice(written);
    }
}

/// Replaces the next run of digits.
fn digits(dice: &mut Dice, bytes: &mut Vec<u8>, at: usize) {
    let digit = |byte: &u8| byte.is_ascii_digit();
    let Some(from) = bytes[at..].iter().position(digit).map(|found| at + found) else { return };
    let to =
        bytes[from..].iter().position(|byte| !digit(byte)).map_or(bytes.len(), |end| from + end);
    if let Some(word) = one(dice, &WRITTEN) {
        bytes.splice(from..to, word.bytes());
    }
}

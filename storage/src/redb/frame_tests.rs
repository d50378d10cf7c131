//! Frames read back as written, and garbled ones are refused.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

fn new_record(id: u64, length: usize) -> NewRecord {
    let stream = Stream { kind: 1, group: 7, id };
    NewRecord { stream, number: 9, bytes: Bytes::from(vec![id.to_le_bytes()[0]; length]) }
}

fn encode(tip: &Tip, records: &[NewRecord]) -> (Vec<u8>, Tip) {
    let mut encoder = Encoder::new();
    encoder.start(tip);
    for record in records {
        encoder.push(record);
    }
    let (bytes, tip) = encoder.finish();
    (bytes.to_vec(), tip)
}

#[test]
fn the_documented_lengths_are_the_real_ones() {
    let (bytes, _) = encode(&genesis(1), &[]);
    assert_eq!(bytes.len(), HEADER_LENGTH + CRC_LENGTH);
    assert!(decode(&bytes).is_err(), "a frame without records is none");
    let (bytes, _) = encode(&genesis(1), &[new_record(1, 10)]);
    assert_eq!(bytes.len(), HEADER_LENGTH + RECORD_OVERHEAD + 10 + CRC_LENGTH);
}

#[test]
fn a_chain_links_and_a_gap_is_noticed() {
    let start = genesis(42);
    let (one, tip_one) = encode(&start, &[new_record(1, 3), new_record(2, 0)]);
    let (two, tip_two) = encode(&tip_one, &[new_record(3, 300)]);
    let (one, two) = (decode(&one).unwrap(), decode(&two).unwrap());
    assert_eq!(one.follows(&start), Ok(()));
    assert_eq!(two.follows(&tip_one), Ok(()));
    assert_eq!((one.tip(), two.tip()), (tip_one, tip_two));
    assert!(two.follows(&start).is_err(), "a frame is missing");
    assert!(one.follows(&genesis(43)).is_err(), "a frame of another journal");
}

#[test]
fn a_later_version_is_named() {
    let (mut bytes, _) = encode(&genesis(1), &[new_record(1, 10)]);
    bytes[0] = 2;
    assert_eq!(decode(&bytes).err(), Some(FrameError::UnknownVersion(2)));
}

proptest! {
    #[test]
    fn what_is_written_is_read(lengths in prop::collection::vec(0_usize..300, 1..50), id: u128) {
        let start = genesis(id);
        let written: Vec<NewRecord> =
            lengths.iter().zip(0..).map(|(length, id)| new_record(id, *length)).collect();
        let (bytes, tip) = encode(&start, &written);
        let frame = decode(&bytes).unwrap();
        prop_assert_eq!(frame.follows(&start), Ok(()));
        prop_assert_eq!(frame.tip(), tip);
        prop_assert_eq!(frame.records.len(), written.len());
        for ((read, written), sequence) in frame.records.iter().zip(&written).zip(1..) {
            prop_assert_eq!(read.sequence, sequence);
            prop_assert_eq!(
                (read.stream, read.number, &read.bytes),
                (written.stream, written.number, &written.bytes)
            );
        }
    }

    #[test]
    fn one_altered_byte_is_noticed(at: prop::sample::Index, flip in 1_u8..) {
        let (mut bytes, _) = encode(&genesis(1), &[new_record(1, 20), new_record(2, 30)]);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn any_cut_is_noticed(at: prop::sample::Index) {
        let (bytes, _) = encode(&genesis(1), &[new_record(1, 20), new_record(2, 30)]);
        prop_assert!(decode(&bytes[..at.index(bytes.len())]).is_err());
    }

    #[test]
    fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode(&bytes);
        // With a valid version and crc the inner parts are reached as well.
        if let Some(first) = bytes.first_mut() {
            *first = VERSION;
        }
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        let _ = decode(&bytes);
    }
}

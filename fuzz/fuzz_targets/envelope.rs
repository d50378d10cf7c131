//! Envelopes around stored values.
#![no_main]

use libfuzzer_sys::fuzz_target;
use surehold_prove::fuzz::stored::envelope;

fuzz_target!(|input: &[u8]| {
    if let Err(what) = envelope(input) {
        panic!("{what}");
    }
});

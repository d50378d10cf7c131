//! Frames of the journal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use surehold_prove::fuzz::stored::frame;

fuzz_target!(|input: &[u8]| {
    if let Err(what) = frame(input) {
        panic!("{what}");
    }
});

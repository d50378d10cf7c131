//! Stored facts and states of every kind.
#![no_main]

use libfuzzer_sys::fuzz_target;
use surehold_prove::fuzz::stored::fact;

fuzz_target!(|input: &[u8]| {
    if let Err(what) = fact(input) {
        panic!("{what}");
    }
});

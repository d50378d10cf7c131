//! Answers of a payment service.
#![no_main]

use libfuzzer_sys::fuzz_target;
use surehold_prove::fuzz::texts::answer;

fuzz_target!(|input: &[u8]| {
    if let Err(what) = answer(input) {
        panic!("{what}");
    }
});

//! Market files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use surehold_prove::fuzz::texts::market;

fuzz_target!(|input: &[u8]| {
    if let Err(what) = market(input) {
        panic!("{what}");
    }
});

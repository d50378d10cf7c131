//! Events of Stripe's.
#![no_main]

use libfuzzer_sys::fuzz_target;
use surehold_prove::fuzz::texts::webhook;

fuzz_target!(|input: &[u8]| {
    if let Err(what) = webhook(input) {
        panic!("{what}");
    }
});

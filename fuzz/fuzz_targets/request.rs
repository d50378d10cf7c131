//! HTTP requests through the filter of the server. One engine answers a thousand inputs; then its books must balance.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use surehold_http::fuzzing::REQUEST;
use surehold_prove::fuzz::Trial;

/// Inputs that one engine hears.
const BLOCK: u32 = 1000;

thread_local! {
    static TRIAL: RefCell<(u32, Option<Box<dyn Trial>>)> = const { RefCell::new((0, None)) };
}

fuzz_target!(|input: &[u8]| {
    TRIAL.with_borrow_mut(|(heard, trial)| {
        let engine = trial.get_or_insert_with(REQUEST.begin);
        if let Err(what) = engine.hear(input) {
            panic!("{what}");
        }
        *heard += 1;
        if *heard % BLOCK == 0
            && let Some(Err(what)) = trial.take().map(|trial| trial.end())
        {
            panic!("{what}");
        }
    });
});

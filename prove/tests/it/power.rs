//! The power is cut a few hundred times.

use std::path::PathBuf;
use std::sync::Arc;

use surehold_prove::ask::Silent;
use surehold_prove::report::table;
use surehold_prove::{Ask, Proof};

#[test]
fn no_power_cut_takes_back_what_was_told() {
    let ask = Ask {
        seeds: None,
        seed: 1,
        minutes: None,
        quick: true,
        program: PathBuf::new(),
        progress: Arc::new(Silent),
    };
    let verdict = Proof::Power.run(&ask);
    let table = table(&[(Proof::Power, verdict.clone())]);
    println!("{table}");
    assert!(verdict.holds(), "{table}");
    let tried = |what: &str| {
        let count = verdict.tried.iter().find(|(_, known)| known == what);
        count.map_or(0, |(count, _)| *count)
    };
    assert!(tried("cuts of the journal") > 100, "{table}");
    assert!(tried("cuts of the whole engine") > 8, "{table}");
    assert!(tried("cuts during or after the recovery from one") > 3, "{table}");
}

//! Worlds of machines: few seeds, and each the same twice.

use std::path::PathBuf;
use std::sync::Arc;

use surehold_prove::ask::Silent;
use surehold_prove::simulate::machines;
use surehold_prove::{Ask, Proof, report};

#[test]
fn few_worlds_end_right() {
    let (seeds, minutes, program) = (None, None, PathBuf::new());
    let ask = Ask { seeds, seed: 1, minutes, quick: true, program, progress: Arc::new(Silent) };
    let verdict = machines::run(&ask);
    assert!(verdict.holds(), "{}", report::table(&[(Proof::Simulate, verdict)]));
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    for seed in 1..40 {
        let (one, other) = (machines::story(seed), machines::story(seed));
        assert!(one.len() > 20, "seed {seed} tells something");
        assert!(one == other, "seed {seed} tells two stories");
    }
}

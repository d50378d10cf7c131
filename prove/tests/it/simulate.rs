//! A few worlds of the real engine, and that a world is the same each time.

use std::path::PathBuf;
use std::sync::Arc;

use surehold_prove::ask::Silent;
use surehold_prove::simulate::engine;
use surehold_prove::{Ask, Proof, report};

fn ask(seed: u64, seeds: u64) -> Ask {
    let (program, progress) = (PathBuf::new(), Arc::new(Silent));
    Ask { seeds: Some(seeds), seed, minutes: None, quick: true, program, progress }
}

#[test]
fn the_engine_survives_its_worlds() {
    let verdict = Proof::Simulate.run(&ask(1, 16));
    assert!(verdict.holds(), "{}", report::table(&[(Proof::Simulate, verdict)]));
}

#[test]
fn a_seed_tells_one_story() {
    for seed in [3, 4, 5] {
        let (once, again) = (engine::story_of(seed), engine::story_of(seed));
        let differs = once.iter().zip(&again).find(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(once.len(), again.len(), "seed {seed}");
    }
    assert_ne!(engine::sum_of(3), engine::sum_of(4));
}

//! The model, with few faults.

use std::path::PathBuf;
use std::sync::Arc;

use surehold_prove::ask::Silent;
use surehold_prove::{Ask, Proof, report};

#[test]
fn a_model_with_few_faults_has_only_good_ends() {
    let (seeds, minutes, program) = (None, None, PathBuf::new());
    let ask = Ask { seeds, seed: 1, minutes, quick: true, program, progress: Arc::new(Silent) };
    let verdict = Proof::Model.run(&ask);
    assert!(verdict.holds(), "{}", report::table(&[(Proof::Model, verdict)]));
}

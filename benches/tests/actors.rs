//! The suite `actors` with tiny numbers: every subject does every task and answers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::path::Path;

use surehold_benches::suites::actors::{self, Plan};

#[test]
fn actors_in_small() {
    let plan = Plan {
        rounds: 2,
        spawn: 200,
        trips: 100,
        messages: 1_000,
        orders: 200,
        window: 16,
        crashes: 5,
        idle: vec![500, 1_000],
        seed: 7,
    };
    let program = Path::new(env!("CARGO_BIN_EXE_surehold-benches"));
    let mut lines = Vec::new();
    let findings = actors::run(&plan, program, &mut |line| lines.push(line.to_owned())).unwrap();
    assert!(findings.is_sound() && lines.len() == 2, "{:?}", findings.failures);
    let keys: Vec<&str> = findings.figures.iter().map(|figure| figure.key.as_str()).collect();
    for subject in ["tokio", "lean_tokio", "ractor", "actix"] {
        for figure in ["hop", "one_way", "spawn", "orders", "order_cpu", "restart", "idle.1000"] {
            let key = format!("actors.{subject}.{figure}");
            assert!(keys.contains(&key.as_str()), "{key} is missing in {keys:?}");
        }
    }
    for figure in &findings.figures {
        // So little takes no tick of the clock and perhaps no page.
        let may_be_nothing = figure.key.contains("idle") || figure.key.ends_with("order_cpu");
        let right = |run: &f64| run.is_finite() && (*run > 0.0 || may_be_nothing);
        assert!(figure.runs.len() == 2 && figure.runs.iter().all(right), "{figure:?}");
    }
}

//! What a run found: figures, the facts they need beside them, and what speaks against them.
//!
//! `leg` has the figures of one stretch of load, `series` all that one server did; `budget` judges the figures against
//! the design; `table` prints the whole for a reader, and `serde` prints the same as JSON for a program.

pub mod budget;
pub mod leg;
pub mod series;
pub mod table;

use serde::Serialize;

pub use budget::{Budget, Verdict};
pub use leg::{Leg, Round};
pub use series::Series;

use crate::machine::Machine;
use crate::plan::{Plan, in_words};

/// Said of a server that answers an order in less than half of what a sync takes.
const UNSYNCED: &str = "orders are answered faster than the disk syncs: they cannot be durable";

/// The result of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The machine it was made on.
    pub machine: Machine,
    /// What was asked.
    pub plan: Plan,
    /// One per number of connections.
    pub series: Vec<Series>,
    /// The design's budgets beside what was measured.
    pub budgets: Vec<Budget>,
    /// What is *wrong*: the server broke its promise. Any makes the run fail.
    pub failures: Vec<String>,
    /// What a reader must know to read the figures; none makes the run fail.
    pub remarks: Vec<String>,
}

impl Report {
    /// Judges what was measured.
    #[must_use]
    pub fn new(machine: Machine, plan: Plan, series: Vec<Series>) -> Self {
        let budgets = budget::judge(&machine, &plan, &series);
        let (mut failures, mut remarks) = (Vec::new(), Vec::new());
        for one in &series {
            let named = |text: &String| format!("{}: {text}", in_words(one.connections));
            failures.extend(one.failures.iter().map(named));
            remarks.extend(one.remarks.iter().map(named));
            let p50_ms = one.orders.as_ref().map_or(f64::NAN, |orders| orders.p50_ms);
            if p50_ms < machine.sync.p50_ms / 2.0 {
                remarks.push(named(&UNSYNCED.to_owned()));
            }
        }
        if cfg!(debug_assertions) {
            remarks.push("the generator is a debug build: run it with --release".to_owned());
        }
        Self { machine, plan, series, budgets, failures, remarks }
    }

    /// Whether the server kept its promise; budgets do not count here.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.failures.is_empty()
    }
}

/// The median; of an even number, the mean of the middle two. `NaN` of nothing.
#[must_use]
pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn medians() {
        assert!(median([]).is_nan());
        assert_eq!(median([3.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]).to_bits(), 2.5_f64.to_bits());
    }
}

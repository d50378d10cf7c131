//! The design's budgets beside what was measured.
//!
//! A budget holds under conditions (a number of connections, a disk that syncs in so much time, finished orders). Where
//! a run does not meet them, the verdict is *not judged*, with the reason: a budget passed elsewhere is not passed.

use serde::{Deserialize, Serialize};

use super::Series;
use crate::machine::Machine;
use crate::plan::{Plan, in_words};

/// Orders to echoes: the number of connections, and the least ratio.
const RATIOS: [(usize, f64); 2] = [(64, 0.35), (256, 0.45)];
/// The most the median order may take at one connection...
const LATENCY_MS_MAX: f64 = 1.0;
/// ... where a synced write takes this long.
const SYNC_MS: f64 = 0.2;
/// A faster sync than this is no sync: a folder in memory, or a disk that lies.
const SYNC_MS_MIN: f64 = 0.02;
/// The most allocated bytes of a finished order, compacted.
const ORDER_BYTES_MAX: f64 = 2_000.0;
/// With fewer orders, the fixed parts of the files dominate.
const ORDERS_MIN: u64 = 50_000;
/// How far one hot offering may be behind.
const HOT_LOSS_PERCENT: u32 = 20;

/// One budget.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Budget {
    /// What it is about.
    pub what: String,
    /// What the design asks.
    pub asked: String,
    /// What was measured.
    pub measured: String,
    /// Whether that is enough.
    pub verdict: Verdict,
}

/// Whether a budget is met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is.
    Met,
    /// It is not.
    NotMet,
    /// This run cannot say, for the reason given.
    NotJudged(String),
}

/// Judges what a run measured.
#[must_use]
pub fn judge(machine: &Machine, plan: &Plan, series: &[Series]) -> Vec<Budget> {
    let mut budgets = Vec::new();
    for one in series {
        budgets.extend(ratio(plan, one));
        budgets.extend(latency(machine, one));
        budgets.push(bytes(one));
    }
    if plan.offerings == 1 {
        budgets.push(hot(series));
    }
    budgets
}

fn ratio(plan: &Plan, series: &Series) -> Option<Budget> {
    let (connections, least) = RATIOS.into_iter().find(|(at, _)| *at == series.connections)?;
    let offerings = if plan.offerings == 1 { ", one hot offering" } else { "" };
    Some(Budget {
        what: format!("orders to echo, {}{offerings}", in_words(connections)),
        asked: format!("at least {least:.2}"),
        measured: format!("{:.3}", series.ratio),
        verdict: met(series.ratio >= least),
    })
}

fn latency(machine: &Machine, series: &Series) -> Option<Budget> {
    let orders = series.orders.as_ref().filter(|_| series.connections == 1)?;
    let (p50, sync) = (orders.p50_ms, machine.sync.p50_ms);
    let verdict = if sync < SYNC_MS_MIN {
        Verdict::NotJudged(format!("a sync takes {sync:.3} ms here: nothing waits for a disk"))
    } else if p50 < sync / 2.0 {
        Verdict::NotJudged("an order takes less than a sync: it cannot be durable".to_owned())
    } else if p50 < LATENCY_MS_MAX {
        Verdict::Met
    } else if sync > SYNC_MS * 1.25 {
        Verdict::NotJudged(format!(
            "a sync takes {sync:.2} ms here, the budget is for {SYNC_MS} ms"
        ))
    } else {
        Verdict::NotMet
    };
    Some(Budget {
        what: "p50 of an order, one connection".to_owned(),
        asked: format!("under {LATENCY_MS_MAX:.0} ms where a sync takes {SYNC_MS} ms"),
        measured: format!("{p50:.3} ms, a sync {sync:.3} ms"),
        verdict,
    })
}

fn bytes(series: &Series) -> Budget {
    let bytes = series.bytes_per_order(series.disk_drained);
    let verdict = if bytes <= 0.0 {
        Verdict::NotJudged("the folder did not grow".to_owned())
    } else if series.orders_made < ORDERS_MIN {
        Verdict::NotJudged(format!(
            "fewer than {ORDERS_MIN} orders: fixed parts of the files dominate"
        ))
    } else if bytes < ORDER_BYTES_MAX {
        Verdict::Met
    } else {
        Verdict::NotJudged(
            "nothing was compacted, and the budget is for after compaction".to_owned(),
        )
    };
    Budget {
        what: format!("bytes on disk per order, {}", in_words(series.connections)),
        asked: format!("under {ORDER_BYTES_MAX:.0} after compaction"),
        measured: format!("{bytes:.0} after draining"),
        verdict,
    }
}

fn hot(series: &[Series]) -> Budget {
    let rates = series.iter().filter_map(|one| {
        Some(format!("{:.0}/s at {}", one.orders.as_ref()?.per_second, one.connections))
    });
    Budget {
        what: "orders on one hot offering".to_owned(),
        asked: format!("within {HOT_LOSS_PERCENT}% of the spread-out rate"),
        measured: rates.collect::<Vec<_>>().join(", "),
        verdict: Verdict::NotJudged(
            "compare with a run without --hot on the same machine".to_owned(),
        ),
    }
}

fn met(is: bool) -> Verdict {
    if is { Verdict::Met } else { Verdict::NotMet }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Sync;
    use crate::plan::Inventory;
    use crate::report::Leg;
    use crate::usage::{Disk, Memory};

    fn verdicts(connections: usize, sync_ms: f64, p50_ms: f64, ratio: f64) -> Vec<Verdict> {
        let sync = Sync { p50_ms: sync_ms, p99_ms: sync_ms };
        let text = String::new;
        let (processor, kernel, file_system) = (text(), text(), text());
        let machine = Machine { cores: 2, processor, kernel, file_system, load_before: 0.0, sync };
        let plan = Plan {
            orders: 1,
            connections: vec![connections],
            rounds: 1,
            offerings: 2,
            inventory: Inventory::Seats,
            seed: 1,
        };
        let memory = Memory { resident_bytes: 1, peak_bytes: 1 };
        let mut series = Series::new(connections, memory, Disk::default());
        series.ratio = ratio;
        series.orders = Some(Leg { p50_ms, ..Leg::default() });
        series.orders_made = ORDERS_MIN;
        series.disk_drained.allocated_bytes = ORDERS_MIN * 1_999;
        judge(&machine, &plan, &[series]).into_iter().map(|budget| budget.verdict).collect()
    }

    #[test]
    fn ratios_are_judged_where_the_design_has_one() {
        assert_eq!(verdicts(64, 0.2, 9.0, 0.35), [Verdict::Met, Verdict::Met]);
        assert_eq!(verdicts(64, 0.2, 9.0, 0.349), [Verdict::NotMet, Verdict::Met]);
        assert_eq!(verdicts(256, 0.2, 9.0, 0.44), [Verdict::NotMet, Verdict::Met]);
        assert_eq!(verdicts(64, 0.2, 9.0, f64::NAN), [Verdict::NotMet, Verdict::Met]);
        assert_eq!(verdicts(65, 0.2, 9.0, 0.1), [Verdict::Met], "bytes only");
    }

    #[test]
    fn latency_is_judged_for_the_disk_the_budget_speaks_of() {
        let latency = |sync, p50| verdicts(1, sync, p50, 0.1).remove(0);
        assert_eq!(latency(0.2, 0.9), Verdict::Met);
        assert_eq!(latency(0.2, 1.0), Verdict::NotMet);
        assert_eq!(latency(0.8, 0.9), Verdict::Met, "a slower disk only makes it harder");
        assert!(matches!(latency(0.8, 1.8), Verdict::NotJudged(_)));
        assert!(matches!(latency(0.2, 0.05), Verdict::NotJudged(_)), "too good to be true");
        assert!(matches!(latency(0.001, 0.1), Verdict::NotJudged(_)), "memory is no disk");
    }
}

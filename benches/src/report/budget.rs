//! The design's budgets beside what was measured.
//!
//! A budget holds under conditions (a number of connections, a disk that syncs in so much time, finished orders). Where
//! a run does not meet them, the verdict is *not judged*, with the reason: a budget passed elsewhere is not passed.

use serde::{Deserialize, Serialize};

use super::Series;
use super::series::{ECHO, HOT, ORDERS, SPREAD};
use crate::load::Pace;
use crate::machine::Machine;
use crate::plan::in_words;

/// Orders to echoes: the number of connections, and the least ratio.
const RATIOS: [(usize, f64); 2] = [(64, 0.35), (256, 0.45)];
/// The most the median order may take at one connection...
const LATENCY_MS_MAX: f64 = 1.0;
/// ... where a synced write takes this long.
const SYNC_MS: f64 = 0.2;
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

/// Judges what a server did in a closed loop: an open one has the rate that it was asked for.
#[must_use]
pub fn judge(machine: &Machine, series: &Series) -> Vec<Budget> {
    if series.pace != Pace::Closed {
        return Vec::new();
    }
    let mut budgets = Vec::new();
    budgets.extend(ratio(series));
    budgets.extend(latency(machine, series));
    budgets.push(bytes(series));
    budgets
}

/// Judges orders on one offering beside orders that are spread over many.
#[must_use]
pub fn hot(series: &Series) -> Option<Budget> {
    let ratio = series.ratio(HOT, SPREAD);
    (series.pace == Pace::Closed).then(|| Budget {
        what: format!("orders on one hot offering, {}", series.in_words()),
        asked: format!("within {HOT_LOSS_PERCENT}% of the spread-out rate"),
        measured: format!("{ratio:.3} of it"),
        verdict: met(ratio * 100.0 >= f64::from(100 - HOT_LOSS_PERCENT)),
    })
}

fn ratio(series: &Series) -> Option<Budget> {
    let (connections, least) = RATIOS.into_iter().find(|(at, _)| *at == series.connections)?;
    let ratio = series.ratio(ORDERS, ECHO);
    Some(Budget {
        what: format!("orders to echo, {}", in_words(connections)),
        asked: format!("at least {least:.2}"),
        measured: format!("{ratio:.3}"),
        verdict: met(ratio >= least),
    })
}

fn latency(machine: &Machine, series: &Series) -> Option<Budget> {
    let orders = series.kind(ORDERS).filter(|_| series.connections == 1)?;
    let (p50, sync) = (orders.summary().p50_ms, machine.sync.p50_ms);
    let verdict = if p50 < LATENCY_MS_MAX {
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

fn met(is: bool) -> Verdict {
    if is { Verdict::Met } else { Verdict::NotMet }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Sync;
    use crate::report::{Kind, Leg};
    use crate::usage::{Disk, Memory};

    fn kind(name: &str, per_second: f64, p50_ms: f64) -> Kind {
        Kind {
            name: name.to_owned(),
            part: false,
            legs: vec![Leg { per_second, p50_ms, ..Leg::default() }],
            latencies_us: crate::load::histogram(),
            timelines: Vec::new(),
        }
    }

    fn series(connections: usize, kinds: Vec<Kind>) -> Series {
        let memory = Memory { resident_bytes: 1, peak_bytes: 1 };
        let mut series = Series::new(connections, Pace::Closed, memory, Disk::default());
        series.kinds = kinds;
        series.orders_made = ORDERS_MIN;
        series.disk_drained.allocated_bytes = ORDERS_MIN * 1_999;
        series
    }

    fn verdicts(connections: usize, sync_ms: f64, p50_ms: f64, ratio: f64) -> Vec<Verdict> {
        let sync = Sync { p50_ms: sync_ms, p99_ms: sync_ms };
        let text = String::new;
        let (processor, kernel, file_system) = (text(), text(), text());
        let machine = Machine { cores: 2, processor, kernel, file_system, load_before: 0.0, sync };
        let kinds = vec![kind(ECHO, 1.0, 1.0), kind(ORDERS, ratio, p50_ms)];
        let budgets = judge(&machine, &series(connections, kinds));
        budgets.into_iter().map(|budget| budget.verdict).collect()
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
    }

    #[test]
    fn one_hot_offering_is_judged_beside_many() {
        let verdict = |hot, spread| {
            let kinds = vec![kind(HOT, hot, 1.0), kind(SPREAD, spread, 1.0)];
            hot_of(&series(64, kinds))
        };
        assert_eq!(verdict(80.0, 100.0), Some(Verdict::Met));
        assert_eq!(verdict(120.0, 100.0), Some(Verdict::Met));
        assert_eq!(verdict(79.9, 100.0), Some(Verdict::NotMet));
        let open = Series { pace: Pace::Open(9.0), ..series(64, Vec::new()) };
        assert_eq!(hot_of(&open), None, "an open loop has the rate it was asked for");
    }

    fn hot_of(series: &Series) -> Option<Verdict> {
        hot(series).map(|budget| budget.verdict)
    }
}

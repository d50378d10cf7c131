//! Which fault comes when: it follows from the seed, the number of the payment, and how often it was asked about.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::workload::Random;

/// Faults in a row that one payment may meet, and its refund too: after that the service behaves, so that a run ends.
const IN_A_ROW_MAX: u32 = 3;

/// What the service does beside what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Never answers.
    Timeout,
    /// Resets the connection.
    Reset,
    /// Says 500 and does nothing.
    Error,
    /// Does it and answers two times.
    Twice,
    /// Does it and answers when nobody listens any more.
    Late,
    /// Does it and says nonsense.
    Garbage,
}

/// All of them.
pub(super) const FAULTS: [Fault; 6] =
    [Fault::Timeout, Fault::Reset, Fault::Error, Fault::Twice, Fault::Late, Fault::Garbage];

/// What a request meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Met {
    pub(super) fault: Fault,
    /// Whether a service that hangs up or falls silent does what it was asked before.
    pub(super) does: bool,
}

/// How often payments and refunds were asked about.
#[derive(Debug, Default)]
pub(super) struct Script {
    seed: u64,
    percent: u64,
    asked: BTreeMap<(String, bool), (u64, u32)>,
}

impl Script {
    pub(super) fn new(seed: u64, percent: u64) -> Script {
        Script { seed, percent, asked: BTreeMap::new() }
    }

    /// What the next request about this payment, or its refund, meets.
    pub(super) fn next(&mut self, payment: &str, refund: bool) -> Option<Met> {
        if self.percent == 0 {
            return None;
        }
        // The name of the node in front is another one each time.
        let number = payment.rsplit('-').next().unwrap_or(payment);
        let (nth, row) = self.asked.entry((number.to_owned(), refund)).or_default();
        *nth += 1;
        let mut mixed = self.seed ^ (*nth << 1) ^ u64::from(refund);
        for byte in number.bytes() {
            mixed = Random::new(mixed ^ u64::from(byte)).draw();
        }
        let mut random = Random::new(mixed);
        let at = usize::try_from(random.below(100) / self.percent).unwrap_or(usize::MAX);
        let fault = FAULTS.get(at).copied().filter(|_| *row < IN_A_ROW_MAX);
        let Some(fault) = fault else {
            *row = 0;
            return None;
        };
        *row += 1;
        Some(Met { fault, does: random.below(2) == 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_comes_as_often_as_told_and_the_same_for_the_same_seed() {
        let run = |seed| {
            let mut script = Script::new(seed, 10);
            let met = |payment: u64| script.next(&format!("node-0-{payment}"), false);
            (0..10_000).map(met).collect::<Vec<_>>()
        };
        let met = run(1);
        for fault in FAULTS {
            let count = met.iter().flatten().filter(|it| it.fault == fault).count();
            assert!((800..1200).contains(&count), "{fault:?}: {count} of 10000");
        }
        assert!(met == run(1) && met != run(2));
        assert!(Script::new(1, 0).next("n-0-1", false).is_none());
    }

    #[test]
    fn no_payment_meets_faults_for_ever() {
        let mut script = Script::new(1, 16);
        for payment in 0..1000 {
            let mut row = 0;
            for _ in 0..100 {
                row = if script.next(&format!("n-0-{payment}"), true).is_some() {
                    row + 1
                } else {
                    0
                };
                assert!(row <= IN_A_ROW_MAX);
            }
        }
    }
}

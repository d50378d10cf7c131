//! What came of a load: statuses, latencies, and how the rate went over time.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

/// The longest latency told apart, in microseconds: ten minutes. Longer ones count as this one.
const LATENCY_US_MAX: u64 = 600_000_000;
/// Three significant figures: an error below 0.1% of the value.
const LATENCY_FIGURES: u8 = 3;
/// The rate over time is told in steps of this.
const STEP: Duration = Duration::from_millis(100);
/// The most points of a curve of the rate; longer loads have wider steps.
const POINTS_MAX: usize = 100;

/// What came of a load.
#[derive(Debug, Clone)]
pub struct Tally {
    /// From the first request to the last answer; connecting is before that.
    pub elapsed: Duration,
    /// How many answers had which status.
    pub statuses: BTreeMap<u16, u64>,
    /// How many were the answer that was due.
    pub right: u64,
    /// The latencies of those, in microseconds.
    pub latencies_us: Histogram<u64>,
    /// How many of those came in each tenth of a second since the start.
    pub timeline: Vec<u32>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            elapsed: Duration::ZERO,
            statuses: BTreeMap::new(),
            right: 0,
            latencies_us: histogram(),
            timeline: Vec::new(),
        }
    }
}

impl Tally {
    /// Notes an answer that came so long after the start.
    pub fn record(&mut self, status: u16, right: bool, latency: Duration, at: Duration) {
        *self.statuses.entry(status).or_insert(0) += 1;
        if !right {
            return;
        }
        self.right += 1;
        let us = u64::try_from(latency.as_micros()).unwrap_or(LATENCY_US_MAX);
        self.latencies_us.saturating_record(us);
        let step = usize::try_from(at.as_millis() / STEP.as_millis()).unwrap_or(usize::MAX);
        if self.timeline.len() <= step {
            self.timeline.resize(step + 1, 0);
        }
        self.timeline[step] += 1;
    }

    /// How many answers had `status`.
    #[must_use]
    pub fn count(&self, status: u16) -> u64 {
        self.statuses.get(&status).copied().unwrap_or(0)
    }

    /// Right answers a second over the seconds since the start. The last, incomplete step is left out.
    #[must_use]
    pub fn rate_over_time(&self) -> Vec<(f64, f64)> {
        let whole = &self.timeline[..self.timeline.len().saturating_sub(1)];
        let width = whole.len().div_ceil(POINTS_MAX).max(1);
        let seconds = STEP.as_secs_f64() * width as f64;
        let steps = whole.chunks_exact(width).enumerate();
        steps
            .map(|(number, counts)| {
                let count: u64 = counts.iter().copied().map(u64::from).sum();
                ((number as f64 + 0.5) * seconds, count as f64 / seconds)
            })
            .collect()
    }
}

/// A histogram for latencies in microseconds.
#[must_use]
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(LATENCY_US_MAX, LATENCY_FIGURES)
        .expect("the bounds are constants that the histogram accepts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_over_time_is_told_in_whole_steps() {
        let mut tally = Tally::default();
        for ms in [0, 50, 99, 100, 250, 310] {
            tally.record(200, true, Duration::from_millis(1), Duration::from_millis(ms));
        }
        tally.record(503, false, Duration::ZERO, Duration::from_millis(50));
        assert_eq!((tally.right, tally.timeline.clone()), (6, vec![3, 1, 1, 1]));
        let points: Vec<_> = tally.rate_over_time().iter().map(|(_, rate)| rate.round()).collect();
        assert_eq!(points, [30.0, 10.0, 10.0], "the last step is not over");
        tally.timeline = vec![1; 401];
        assert_eq!(tally.rate_over_time().len(), POINTS_MAX, "a long load has wider steps");
        tally.timeline.clear();
        assert_eq!(tally.rate_over_time(), []);
    }
}

//! Curves that more than one suite draws.

use hdrhistogram::Histogram;

use crate::findings::{Axis, Curve, Plot};

/// What an axis of percentiles is called; a page that knows it writes 90%, 99%, 99.9% at its marks. Its values are
/// `1 / (1 - share)`, so that 10 is 90% and 100 is 99%.
pub const PERCENTILE: &str = "percentile";
/// Steps for each halving of what is left: enough for a smooth curve, few enough for a small file.
const STEPS_PER_HALVING: u32 = 4;

/// The latency distribution: for each share of the answers, `1 / (1 - share)` and the latency in milliseconds that so
/// many do not exceed. The slowest answer is the last point.
#[must_use]
pub fn percentiles(latencies_us: &Histogram<u64>) -> Vec<(f64, f64)> {
    if latencies_us.is_empty() {
        return Vec::new();
    }
    let point = |at: &hdrhistogram::iterators::IterationValue<u64>| {
        let left = (1.0 - at.quantile()).max(1.0 / latencies_us.len() as f64);
        (1.0 / left, at.value_iterated_to() as f64 / 1e3)
    };
    let mut points: Vec<(f64, f64)> =
        latencies_us.iter_quantiles(STEPS_PER_HALVING).map(|at| point(&at)).collect();
    points.dedup_by(|next, before| {
        let same = next.0 <= before.0;
        if same {
            before.1 = before.1.max(next.1);
        }
        same
    });
    points
}

/// A plot of latency distributions.
#[must_use]
pub fn latency_plot(title: &str, curves: Vec<Curve>) -> Plot {
    let axis = |label: &str| Axis { label: label.to_owned(), logarithmic: true };
    Plot { title: title.to_owned(), x: axis(PERCENTILE), y: axis("milliseconds"), curves }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_ends_with_the_slowest() {
        let mut latencies = crate::load::histogram();
        assert_eq!(percentiles(&latencies), []);
        for us in 1..=1000 {
            latencies.record(us).unwrap();
        }
        let points = percentiles(&latencies);
        assert!(
            points.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1),
            "{points:?}"
        );
        assert_eq!(points.last(), Some(&(1000.0, 1.0)));
        let median = points.iter().find(|(x, _)| *x >= 2.0).unwrap();
        assert!((0.49..0.56).contains(&median.1), "{median:?}");
    }
}

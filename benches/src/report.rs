//! What the suites over HTTP found, from what servers did to figures.
//!
//! `leg` has the figures of one stretch of load, `series` all that one server did; `budget` judges them against the
//! design; `found` makes findings of them, as every suite has them.

pub mod budget;
pub mod found;
pub mod leg;
pub mod series;

pub use budget::{Budget, Verdict};
pub use leg::Leg;
pub use series::{Kind, Series};

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

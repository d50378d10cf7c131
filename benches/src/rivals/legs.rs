//! One of those that are measured: echo, orders over many offerings, orders on one, round by round; then its books, then
//! clients that go away, and its books again.

use std::rc::Rc;
use std::time::Duration;

use super::disconnects::{self, Gone};
use super::suite::Plan;
use super::{Books, Rival, RivalError};
use crate::load::{Load, Tally};
use crate::report::{Leg, median};
use crate::workload::{Workload, order_bodies};

/// How long it may answer nothing before it is given up.
const STALLED_AFTER: Duration = Duration::from_secs(30);
/// The most requests of a warm-up; it is a tenth of a leg below that.
const WARM_UP_MAX: usize = 4_000;
/// The status of an echo.
const ECHOED: u16 = 200;

/// What is sent in a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Requests that do nothing.
    Echo,
    /// Orders over many offerings.
    Spread,
    /// Orders on one.
    Hot,
}

/// In the order of a round.
pub(super) const KINDS: [Kind; 3] = [Kind::Echo, Kind::Spread, Kind::Hot];

/// All that was measured of one.
#[derive(Debug)]
pub(super) struct Measured {
    /// For [`super::told`]: the part of its figures' keys.
    pub(super) key: &'static str,
    /// For a reader.
    pub(super) name: String,
    /// The legs of each kind, in the order of [`KINDS`].
    pub(super) legs: [Vec<Leg>; 3],
    /// The size that was best for spread and for hot orders.
    pub(super) sizes: Option<(usize, usize)>,
    /// What is in the books after the load, beside the answers that said done.
    pub(super) answered: u64,
    pub(super) books: Books,
    /// What clients that went away left behind.
    pub(super) gone: Gone,
    pub(super) books_after: Books,
}

impl Measured {
    /// The legs of one kind.
    pub(super) fn of(&self, kind: Kind) -> &[Leg] {
        let at = KINDS.iter().position(|other| *other == kind).unwrap_or_default();
        &self.legs[at]
    }

    fn median_of(&self, kind: Kind, figure: fn(&Leg) -> f64) -> f64 {
        median(self.of(kind).iter().map(figure))
    }

    /// Its median rate.
    pub(super) fn rate(&self, kind: Kind) -> f64 {
        self.median_of(kind, |leg| leg.per_second)
    }
}

/// A rival under measurement.
struct Bench<'a, R> {
    rival: &'a mut R,
    plan: &'a Plan,
    name: &'a str,
    workloads: [Rc<Workload>; 3],
    /// The best size for each kind, and how many requests fit into a leg.
    settings: [(Option<usize>, usize); 3],
    answered: u64,
    progress: &'a mut dyn FnMut(&str),
}

/// Measures one. `key` and `name` say who it is.
pub(super) async fn measure<R: Rival>(
    rival: &mut R,
    (key, name): (&'static str, &str),
    plan: &Plan,
    progress: &mut dyn FnMut(&str),
) -> Result<Measured, RivalError> {
    progress(&format!("{name}: making the offerings"));
    let many = u64::try_from(plan.offerings).unwrap_or(u64::MAX);
    let mut offerings = rival.make_offerings(many + 1, plan.units(rival.sizes().len())).await?;
    let hot = offerings.pop().into_iter().collect::<Vec<u64>>();
    let [spread, hot] = [offerings, hot].map(|offerings| order_bodies(plan.seed, &offerings));
    let workloads = [rival.echoes(&spread), rival.orders(&spread), rival.orders(&hot)].map(Rc::new);
    let settings = [(None, plan.orders); 3];
    let mut bench = Bench { rival, plan, name, workloads, settings, answered: 0, progress };
    bench.warm_up().await?;
    let legs = bench.run_rounds().await?;
    (bench.progress)(&format!("{name}: checking the books"));
    let books = bench.rival.books().await?;
    let sizes = bench.settings[1].0.zip(bench.settings[2].0);
    let usual_ms = median(legs[1].iter().map(|leg| leg.p50_ms));
    let answered = bench.answered;
    (bench.progress)(&format!("{name}: {} clients go away", plan.gone));
    // Others of the pool than in the rounds, or the same: to the books it makes no difference.
    let workload = rival.orders(&spread);
    let load = Load {
        address: rival.address(),
        connections: plan.connections,
        requests: plan.gone,
        expected: rival.done(),
        stalled_after: STALLED_AFTER,
    };
    let gone = disconnects::run(load, workload, usual_ms, plan.seed).await?;
    let books_after = rival.books().await?;
    Ok(Measured { key, name: name.to_owned(), legs, sizes, answered, books, gone, books_after })
}

impl<R: Rival> Bench<'_, R> {
    /// Warms everything up, finds the best size for each kind of order, and how many requests fill a leg.
    async fn warm_up(&mut self) -> Result<(), RivalError> {
        let requests = self.plan.warm_up();
        for kind in [0, 1, 2] {
            let sizes: Vec<usize> =
                if kind == 0 { Vec::new() } else { self.rival.sizes().to_vec() };
            let mut best = (None, 0.0);
            // Once without being counted: the first requests of all meet cold caches.
            self.drive(kind, requests).await?;
            for size in sizes.iter().copied().map(Some).chain(sizes.is_empty().then_some(None)) {
                self.settings[kind].0 = size;
                let (_, leg) = self.drive(kind, requests).await?;
                if leg.per_second > best.1 {
                    best = (size, leg.per_second);
                }
            }
            self.settings[kind] = (best.0, self.plan.leg(best.1));
        }
        Ok(())
    }

    async fn run_rounds(&mut self) -> Result<[Vec<Leg>; 3], RivalError> {
        let mut legs = [const { Vec::new() }; 3];
        for round in 1..=self.plan.rounds {
            for (at, kind) in KINDS.into_iter().enumerate() {
                let (tally, leg) = self.drive(at, self.settings[at].1).await?;
                let name = self.name;
                let (rate, statuses) = (leg.per_second, &tally.statuses);
                let kind = format!("{kind:?}").to_lowercase();
                let line = format!("{name}: round {round} {kind}: {rate:.0}/s {statuses:?}");
                (self.progress)(&line);
                legs[at].push(leg);
            }
        }
        Ok(legs)
    }

    async fn drive(&mut self, kind: usize, requests: usize) -> Result<(Tally, Leg), RivalError> {
        if let Some(size) = self.settings[kind].0 {
            self.rival.resize(size).await?;
        }
        let expected = if kind == 0 { ECHOED } else { self.rival.done() };
        let load = Load {
            address: self.rival.address(),
            connections: self.plan.connections,
            requests,
            expected,
            stalled_after: STALLED_AFTER,
        };
        let driven = load.drive(Rc::clone(&self.workloads[kind]));
        let timed = Leg::timed::<RivalError>(|| self.rival.processor_time(), driven).await?;
        if kind != 0 {
            self.answered += timed.0.count(expected);
        }
        Ok(timed)
    }
}

impl Plan {
    /// How many requests warm up, each time.
    fn warm_up(&self) -> usize {
        (self.orders / 10).min(WARM_UP_MAX).max(self.connections)
    }

    /// How many requests make a leg for somebody with this rate: no more than are asked for, nor than fit into its time.
    fn leg(&self, per_second: f64) -> usize {
        let fit = Duration::from_secs(self.seconds).as_secs_f64() * per_second;
        // The largest that fits, found without turning a float into a whole number.
        let (mut low, mut high) = (self.connections.min(self.orders), self.orders);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if middle as f64 <= fit { low = middle } else { high = middle - 1 }
        }
        low
    }

    /// Units for each offering: enough for every order that the run could place.
    fn units(&self, sizes: usize) -> u64 {
        let warm_ups = self.warm_up() * (2 + sizes);
        u64::try_from(warm_ups + self.orders * self.rounds + self.gone).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leg_is_as_long_as_its_time_allows() {
        let plan = Plan {
            orders: 1000,
            seconds: 10,
            connections: 64,
            rounds: 3,
            offerings: 2,
            gone: 5,
            seed: 1,
            without: Vec::new(),
            program: std::path::PathBuf::new(),
        };
        let legs = [0.0, 20.0, 99.95, 5000.0].map(|rate| plan.leg(rate));
        assert_eq!(legs, [64, 200, 999, 1000]);
        assert_eq!(plan.units(4), 100 * 6 + 3000 + 5, "enough units for every order");
    }
}

//! One leg of a round, its figures, and what speaks against them.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use super::median;
use crate::load::{LoadError, Tally};
use crate::usage;

/// A leg shorter than this is mostly start and end.
const LEG_SECONDS_MIN: f64 = 1.0;
/// The generator is one thread; when it is busy for more than this share of a leg, it is part of what is measured.
const GENERATOR_BUSY_MAX: f64 = 0.9;

/// One leg: a number of requests of one kind.
#[derive(Debug, Clone, Default)]
pub struct Leg {
    /// Right answers a second.
    pub per_second: f64,
    /// Latency of the right answers, in milliseconds.
    pub p50_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
    /// The 99.9th percentile.
    pub p999_ms: f64,
    /// The slowest.
    pub max_ms: f64,
    /// How long the leg took.
    pub seconds: f64,
    /// Processor time of the server for each right answer, in microseconds.
    pub server_us: f64,
    /// The same of the generator.
    pub generator_us: f64,
    /// How many answers had which status.
    pub statuses: BTreeMap<u16, u64>,
    /// How many answers were right.
    pub right: u64,
}

impl Leg {
    /// The figures of a tally.
    #[must_use]
    pub fn new(tally: &Tally, server: Duration, generator: Duration) -> Self {
        let done = tally.right as f64;
        let at = |quantile| tally.latencies_us.value_at_quantile(quantile) as f64 / 1e3;
        Self {
            per_second: done / tally.elapsed.as_secs_f64(),
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: tally.latencies_us.max() as f64 / 1e3,
            seconds: tally.elapsed.as_secs_f64(),
            server_us: server.as_secs_f64() * 1e6 / done,
            generator_us: generator.as_secs_f64() * 1e6 / done,
            statuses: tally.statuses.clone(),
            right: tally.right,
        }
    }

    /// Drives a load, and takes the processor time of whoever is measured and of this process, which drives it.
    ///
    /// # Errors
    /// A load that does not finish, or a process of which the system does not tell the time.
    pub async fn timed<E: From<LoadError> + From<io::Error>>(
        used: impl Fn() -> io::Result<Duration>,
        load: impl Future<Output = Result<Tally, LoadError>>,
    ) -> Result<(Tally, Self), E> {
        let own = || usage::processor_time(std::process::id());
        let before = (used()?, own()?);
        let tally = load.await?;
        let leg =
            Self::new(&tally, used()?.saturating_sub(before.0), own()?.saturating_sub(before.1));
        Ok((tally, leg))
    }

    /// The medians of some legs, the slowest answer of all, and all statuses together.
    #[must_use]
    pub fn summary<'a>(legs: impl Iterator<Item = &'a Self> + Clone) -> Self {
        let of = |figure: fn(&Self) -> f64| median(legs.clone().map(figure));
        let mut statuses = BTreeMap::new();
        for (status, count) in legs.clone().flat_map(|leg| &leg.statuses) {
            *statuses.entry(*status).or_insert(0) += count;
        }
        Self {
            per_second: of(|leg| leg.per_second),
            p50_ms: of(|leg| leg.p50_ms),
            p99_ms: of(|leg| leg.p99_ms),
            p999_ms: of(|leg| leg.p999_ms),
            max_ms: legs.clone().map(|leg| leg.max_ms).fold(0.0, f64::max),
            seconds: of(|leg| leg.seconds),
            server_us: of(|leg| leg.server_us),
            generator_us: of(|leg| leg.generator_us),
            statuses,
            right: legs.map(|leg| leg.right).sum(),
        }
    }

    /// What speaks against the figures.
    #[must_use]
    pub fn doubts(&self, what: &str) -> Vec<String> {
        let mut doubts = Vec::new();
        let wrong = self.statuses.values().sum::<u64>() - self.right;
        if wrong > 0 {
            let statuses = &self.statuses;
            doubts.push(format!(
                "{what}: {wrong} answers were not the ones that were due: {statuses:?}; \
                 only the others are counted and timed"
            ));
        }
        if self.seconds < LEG_SECONDS_MIN {
            let seconds = self.seconds;
            doubts.push(format!("{what}: a leg took {seconds:.2} s only; ask for more orders"));
        }
        let busy = self.generator_us * self.per_second / 1e6;
        if busy > GENERATOR_BUSY_MAX {
            let percent = busy * 100.0;
            doubts.push(format!(
                "{what}: the generator's one thread was busy {percent:.0}% of the time: \
                 the rate may be its limit, not the server's"
            ));
        }
        doubts
    }
}

//! What is sent: a seeded pool of different order requests, rendered once.
//!
//! The pool is walked in a circle, so a request costs the generator one index. Customers, cards and offerings are drawn
//! from the seed: the same seed gives the same bytes. The echo gets the same bodies as the orders, so that
//! the two differ only in what the server does with them.

use std::net::SocketAddr;

use crate::wire;

/// How many different requests are rendered: enough to vary, few enough to stay in a cache.
pub const POOL_REQUESTS: usize = 4096;
/// How many customers the orders are drawn from.
const CUSTOMERS: u64 = 10_000;
/// How many card tokens the orders are drawn from; short, so that the server treats them as opaque.
const CARDS: u64 = 1_000;

/// A seeded generator of pseudo-random numbers (SplitMix64): small, portable, the same everywhere.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator that starts at `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// The next number below `bound`, which must not be zero. Its bias is far below what a workload could notice.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw() % bound
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let index = self.draw() % u64::try_from(items.len()).ok()?.max(1);
        items.get(usize::try_from(index).ok()?)
    }
}

/// A pool of rendered requests.
#[derive(Debug)]
pub struct Workload {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Workload {
    /// Renders `POST path` once per body.
    ///
    /// # Panics
    /// When there is no body: a workload of nothing is a mistake of the caller.
    #[must_use]
    pub fn new(host: SocketAddr, path: &str, bodies: &[String]) -> Self {
        Self::addressed(host, bodies, |_| path.to_owned())
    }

    /// Renders `POST` once per body, to the path that `path_of` says of it.
    ///
    /// # Panics
    /// As [`Workload::new`].
    #[must_use]
    pub fn addressed(
        host: SocketAddr,
        bodies: &[String],
        path_of: impl Fn(&str) -> String,
    ) -> Self {
        assert!(!bodies.is_empty(), "a workload has at least one body");
        let mut workload = Self { bytes: Vec::new(), ends: Vec::with_capacity(bodies.len()) };
        for body in bodies {
            workload.bytes.extend_from_slice(&wire::render("POST", host, &path_of(body), body));
            workload.ends.push(workload.bytes.len());
        }
        workload
    }

    /// The request at `index`; the pool repeats.
    #[must_use]
    pub fn request(&self, index: usize) -> &[u8] {
        let index = index % self.ends.len();
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[index]]
    }
}

/// Draws the bodies of the order requests: customer, offering and card vary.
#[must_use]
pub fn order_bodies(seed: u64, offerings: &[u64]) -> Vec<String> {
    let mut random = Random::new(seed);
    let mut draw = |_| {
        let customer = random.below(CUSTOMERS);
        let card = random.below(CARDS);
        let offering = random.pick(offerings)?;
        Some(format!(
            r#"{{"customer":"c{customer}","offering":{offering},"payment":{{"card":"{card}"}}}}"#
        ))
    };
    (0..POOL_REQUESTS).filter_map(&mut draw).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_every_body() {
        let bodies = order_bodies(1, &[4, 5, 6]);
        assert_eq!(bodies, order_bodies(1, &[4, 5, 6]));
        assert_ne!(bodies, order_bodies(2, &[4, 5, 6]));
        assert_eq!(bodies.len(), POOL_REQUESTS);
        let different: std::collections::BTreeSet<_> = bodies.iter().collect();
        assert!(different.len() > POOL_REQUESTS * 9 / 10, "{} differ", different.len());
    }

    #[test]
    fn bodies_are_json_and_spread_over_the_offerings() {
        let mut seen = std::collections::BTreeSet::new();
        for body in order_bodies(3, &[10, 20]) {
            let order: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert!(order["payment"]["card"].is_string() && order["customer"].is_string());
            seen.insert(order["offering"].as_u64().unwrap());
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [10, 20]);
    }

    #[test]
    fn requests_are_cut_where_they_end() {
        let host = "127.0.0.1:9".parse().unwrap();
        let pool = Workload::new(host, "/echo", &["{}".to_owned(), "{\"a\":1}".to_owned()]);
        assert_eq!(pool.request(0), wire::render("POST", host, "/echo", "{}"));
        assert_eq!(pool.request(1), wire::render("POST", host, "/echo", "{\"a\":1}"));
        assert_eq!(pool.request(2), pool.request(0));
    }
}

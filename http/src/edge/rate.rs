//! How many requests a client may make: so many a second, and so many at once after a pause.
//!
//! The generic cell rate algorithm: per client one number, the time at which its allowance is whole
//! again. A request moves it on by the share of one request; a client for which it would be further
//! away than a whole allowance takes is refused, and nothing moves.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use warp::http::{HeaderName, HeaderValue};

use super::client::Client;
use super::limits::{CLIENT_SHARDS, CLIENTS_MAX};
use crate::answer::Response;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Nanoseconds between two searches of a full part: each stranger would search it all in vain.
const SEARCH_PAUSE: u64 = 100_000_000;

/// What a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests a second, at least 1.
    pub per_second: u32,
    /// Requests at once, at least 1.
    pub burst: u32,
}

/// What one request found, and left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    limit: RateLimit,
    /// Requests that may follow at once.
    remaining: u64,
    /// Until the allowance is whole again.
    whole_in: Duration,
    /// Until one more is allowed, if this one is not.
    refused_for: Option<Duration>,
}

impl RateLimit {
    /// Nanoseconds that one request takes of the allowance.
    fn share(self) -> u64 {
        1_000_000_000 / u64::from(self.per_second.max(1))
    }

    /// Decides about a request now, given when the allowance is whole again; returns when it is then.
    /// Times are nanoseconds since whenever.
    fn decide(self, whole_at: u64, now: u64) -> (u64, Allowance) {
        let share = self.share().max(1);
        let burst = share.saturating_mul(u64::from(self.burst.max(1)));
        let before = whole_at.max(now);
        let after = before.saturating_add(share);
        let latest = now.saturating_add(burst);
        let allowance = |whole_at: u64, refused_for| Allowance {
            limit: self,
            remaining: latest.saturating_sub(whole_at) / share,
            whole_in: Duration::from_nanos(whole_at - now),
            refused_for,
        };
        if after > latest {
            let wait = Duration::from_nanos(after - latest);
            return (before, allowance(before, Some(wait)));
        }
        (after, allowance(after, None))
    }
}

/// Whole seconds, rounded up.
fn seconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos().div_ceil(1_000_000_000)).unwrap_or(u64::MAX)
}

impl Allowance {
    /// How long the client should wait, if this request is refused.
    #[must_use]
    pub fn refused_for(&self) -> Option<Duration> {
        self.refused_for
    }

    /// Says on an answer what is left. A refusal says it in the words of the IETF draft as well.
    pub fn mark(&self, answer: &mut Response) {
        let RateLimit { per_second, burst } = self.limit;
        let whole_in = seconds(self.whole_in);
        let headers = answer.headers_mut();
        headers.insert(LIMIT, HeaderValue::from(burst));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(whole_in));
        let Some(wait) = self.refused_for else { return };
        let window = burst.div_ceil(per_second.max(1));
        let policy = format!("\"client\";q={burst};w={window}");
        let state = format!("\"client\";r=0;t={}", seconds(wait).max(1));
        for (name, value) in [(POLICY, policy), (STATE, state)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}

/// A part of the table.
#[derive(Default)]
struct Shard {
    whole_at: HashMap<Client, u64>,
    /// What all share who come when the part is full.
    others: u64,
    /// Before this time a full part is not searched again for clients to forget.
    search_at: u64,
}

/// All clients that used some of their allowance lately.
pub struct Rates {
    limit: RateLimit,
    began: Instant,
    hasher: RandomState,
    shards: Box<[Mutex<Shard>]>,
}

impl Rates {
    /// Nobody yet.
    #[must_use]
    pub fn new(limit: RateLimit) -> Rates {
        let shards = (0..CLIENT_SHARDS).map(|_| Mutex::default()).collect();
        Rates { limit, began: Instant::now(), hasher: RandomState::new(), shards }
    }

    /// Counts a request of this client.
    pub fn take(&self, client: Client, now: Instant) -> Allowance {
        let now = self.nanos(now);
        let place = self.hasher.hash_one(client) % CLIENT_SHARDS as u64;
        let mut shard = self.shard(usize::try_from(place).unwrap_or(0));
        let Shard { whole_at, others, search_at } = &mut *shard;
        if let Some(known) = whole_at.get_mut(&client) {
            let (after, allowance) = self.limit.decide(*known, now);
            *known = after;
            return allowance;
        }
        if whole_at.len() >= CLIENTS_MAX / CLIENT_SHARDS && now >= *search_at {
            whole_at.retain(|_, whole_at| *whole_at > now);
            *search_at = now + SEARCH_PAUSE;
        }
        if whole_at.len() >= CLIENTS_MAX / CLIENT_SHARDS {
            let (after, allowance) = self.limit.decide(*others, now);
            *others = after;
            return allowance;
        }
        let (after, allowance) = self.limit.decide(0, now);
        whole_at.insert(client, after);
        allowance
    }

    /// Forgets, in one part of the table per call, whose allowance is whole again.
    pub fn sweep(&self, turn: u32) {
        let now = self.nanos(Instant::now());
        let place = usize::try_from(turn).unwrap_or(0) % CLIENT_SHARDS;
        let mut shard = self.shard(place);
        shard.whole_at.retain(|_, whole_at| *whole_at > now);
        if shard.whole_at.is_empty() {
            shard.whole_at.shrink_to_fit();
        }
    }

    fn shard(&self, place: usize) -> MutexGuard<'_, Shard> {
        // Every critical section leaves the part whole.
        self.shards[place].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn nanos(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.began);
        // Half a thousand years.
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const LIMIT: RateLimit = RateLimit { per_second: 10, burst: 3 };

    #[test]
    fn a_burst_then_the_pace() {
        let mut whole_at = 0;
        let mut ask = |now: u64| {
            let (after, allowance) = LIMIT.decide(whole_at, now);
            whole_at = after;
            (allowance.refused_for, allowance.remaining, allowance.whole_in)
        };
        let span = Duration::from_millis;
        assert_eq!(ask(SECOND), (None, 2, span(100)));
        assert_eq!(ask(SECOND), (None, 1, span(200)));
        assert_eq!(ask(SECOND), (None, 0, span(300)));
        assert_eq!(ask(SECOND), (Some(span(100)), 0, span(300)));
        assert_eq!(ask(SECOND), (Some(span(100)), 0, span(300)), "asking in vain costs nothing");
        assert_eq!(ask(SECOND + SECOND / 10), (None, 0, span(300)));
        assert_eq!(ask(SECOND + SECOND / 10).0, Some(span(100)));
        assert_eq!(ask(9 * SECOND), (None, 2, span(100)), "a pause does not add up");
    }

    #[test]
    fn in_the_long_run_everybody_has_the_pace() {
        for (per_second, burst) in [(1, 1), (7, 20), (1000, 1), (u32::MAX, 1)] {
            let limit = RateLimit { per_second, burst };
            let (mut whole_at, mut allowed) = (0, 0u64);
            for now in (0..10 * SECOND).step_by(1_000_000) {
                let (after, allowance) = limit.decide(whole_at, now);
                whole_at = after;
                allowed += u64::from(allowance.refused_for.is_none());
            }
            let right = (10 * u64::from(per_second) + u64::from(burst)).min(10_000);
            assert!(allowed.abs_diff(right) <= 1 + right / 100, "{limit:?}: {allowed}");
        }
    }

    #[test]
    fn the_table_is_bounded_and_forgets() {
        let rates = Rates::new(RateLimit { per_second: 1, burst: 2 });
        let client = |number: u32| Client::from(IpAddr::V4(Ipv4Addr::from_bits(number)));
        let now = rates.began;
        let many = u32::try_from(3 * CLIENTS_MAX).unwrap();
        let refused = (0..many).filter(|n| rates.take(client(*n), now).refused_for.is_some());
        assert!(refused.count() > CLIENTS_MAX, "those who come on top share one allowance");
        let known =
            || (0..CLIENT_SHARDS).map(|place| rates.shard(place).whole_at.len()).sum::<usize>();
        assert!(known() <= CLIENTS_MAX, "{}", known());
        // Who is known keeps what is its own.
        assert_eq!(rates.take(client(0), now).refused_for, None);
        assert!(rates.take(client(0), now).refused_for.is_some());
        let later = now + Duration::from_secs(3);
        assert_eq!(rates.take(client(many), later).refused_for, None);
        for place in 0..CLIENT_SHARDS {
            let later = rates.nanos(later);
            rates.shard(place).whole_at.retain(|_, whole_at| *whole_at > later);
        }
        assert_eq!(known(), 1);
    }
}

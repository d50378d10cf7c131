//! What came of a load: every order's answer, as its customer saw it.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::Value;

use crate::wire::Answer;

/// The longest latency told apart, in microseconds.
const LATENCY_US_MAX: u64 = 600_000_000;
/// How many wrong answers are kept in words.
const WORDS_MAX: usize = 1000;

/// An order that was answered with a number.
#[derive(Debug, Clone)]
pub struct Sale {
    /// Its number at the server.
    pub id: u64,
    /// The status of the answer.
    pub status: u16,
    /// Whether its customer took it back, and was told that this is done or under way.
    pub taken_back: bool,
}

/// Everything that came of a load.
#[derive(Debug, Clone)]
pub struct Came {
    /// From the first request to the end of the load.
    pub elapsed: Duration,
    /// Requests for orders that left.
    pub sent: u64,
    /// Answers to them by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Orders with a number, whatever became of them.
    pub sales: Vec<Sale>,
    /// Answers that are none of the right ones, and what is wrong with them.
    pub wrong: Vec<String>,
    /// Requests that got no answer, and why.
    pub unanswered: Vec<String>,
    /// Requests that left later than they should have: the generator had no connection for them.
    pub late: u64,
    /// Latencies of 201 and 202, in microseconds.
    pub accepted_us: Histogram<u64>,
    /// Latencies of 503, in microseconds.
    pub refused_us: Histogram<u64>,
}

/// Latencies with an error below 0.1%.
fn latencies() -> Histogram<u64> {
    Histogram::new_with_max(LATENCY_US_MAX, 3)
        .expect("the bounds are constants that the histogram accepts")
}

impl Default for Came {
    fn default() -> Came {
        Came {
            elapsed: Duration::ZERO,
            sent: 0,
            statuses: BTreeMap::new(),
            sales: Vec::new(),
            wrong: Vec::new(),
            unanswered: Vec::new(),
            late: 0,
            accepted_us: latencies(),
            refused_us: latencies(),
        }
    }
}

/// What a customer makes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// The order's number, where there is one.
    pub id: Option<u64>,
    /// Whether it came into being, or may still.
    pub accepted: bool,
    /// How long to stay away.
    pub stay_away: Option<Duration>,
}

impl Came {
    /// How many answers had this status.
    #[must_use]
    pub fn count(&self, status: u16) -> u64 {
        self.statuses.get(&status).copied().unwrap_or(0)
    }

    /// Takes note of an answer to an order. Right ones are 201, 202, 503 that says when to come back, and what
    /// `also` names.
    pub fn answered(&mut self, answer: &Answer<'_>, also: &[u16], took: Duration) -> Heard {
        let status = answer.status;
        *self.statuses.entry(status).or_insert(0) += 1;
        let said: Value = serde_json::from_slice(answer.body).unwrap_or(Value::Null);
        let accepted = matches!(status, 201 | 202);
        let id = said[if accepted { "id" } else { "order" }].as_u64();
        let us = u64::try_from(took.as_micros()).unwrap_or(LATENCY_US_MAX);
        if accepted {
            self.accepted_us.saturating_record(us);
        } else if status == 503 {
            self.refused_us.saturating_record(us);
        }
        let right = match status {
            201 | 202 => id.is_some(),
            503 => answer.retry_after.is_some(),
            other => also.contains(&other),
        };
        if !right {
            let body = String::from_utf8_lossy(&answer.body[..answer.body.len().min(300)]);
            note(&mut self.wrong, format!("{status} {body}"));
        }
        if let Some(id) = id {
            self.sales.push(Sale { id, status, taken_back: false });
        }
        let seconds = answer.retry_after.filter(|_| status == 503);
        let stay_away = seconds.map(|seconds| Duration::from_secs(u64::from(seconds)));
        Heard { id, accepted, stay_away }
    }

    /// The quantile of accepted orders, in milliseconds.
    #[must_use]
    pub fn accepted_ms(&self, quantile: f64) -> f64 {
        millis(self.accepted_us.value_at_quantile(quantile))
    }

    /// The quantile of refused orders, in milliseconds.
    #[must_use]
    pub fn refused_ms(&self, quantile: f64) -> f64 {
        millis(self.refused_us.value_at_quantile(quantile))
    }

    /// Answers with this status, a second.
    #[must_use]
    pub fn rate(&self, status: u16) -> f64 {
        count(self.count(status)) / self.elapsed.as_secs_f64()
    }

    /// The statuses, in words.
    #[must_use]
    pub fn in_words(&self) -> String {
        let all: Vec<_> =
            self.statuses.iter().map(|(status, count)| format!("{status} x {count}")).collect();
        if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
    }
}

/// Keeps a sentence, as long as there is room for more.
pub(super) fn note(list: &mut Vec<String>, words: String) {
    if list.len() < WORDS_MAX {
        list.push(words);
    }
}

/// A count as a figure: far below 2^32.
#[must_use]
pub fn count(of: u64) -> f64 {
    f64::from(u32::try_from(of).unwrap_or(u32::MAX))
}

fn millis(us: u64) -> f64 {
    count(us) / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<u32>, body: &str) -> Answer<'_> {
        Answer { status, retry_after, body: body.as_bytes() }
    }

    #[test]
    fn only_right_answers_are_right() {
        let mut came = Came::default();
        let took = Duration::from_millis(3);
        for (said, also) in [
            (answer(201, None, "{\"id\":1}"), [].as_slice()),
            (answer(202, None, "{\"id\":2}"), &[]),
            (answer(503, Some(1), "{}"), &[]),
            (answer(503, Some(1), "{\"order\":3}"), &[]),
            (answer(409, None, "{\"order\":4}"), &[409]),
        ] {
            came.answered(&said, also, took);
        }
        assert_eq!(came.wrong, Vec::<String>::new());
        let ids: Vec<u64> = came.sales.iter().map(|sale| sale.id).collect();
        assert_eq!((ids, came.accepted_us.len(), came.refused_us.len()), (vec![1, 2, 3, 4], 2, 2));
        for said in [
            answer(201, None, "{}"),
            answer(503, None, "{}"),
            answer(500, Some(1), "{}"),
            answer(409, None, ""),
        ] {
            came.answered(&said, &[], took);
        }
        assert_eq!(came.wrong.len(), 4, "{:?}", came.wrong);
    }
}

//! After the last fault: has everything come to a right end, and is what the customers were told true?

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::history::{self, Asked, Turn};
use super::stage::{CAPACITY, Diary, MARKET};
use crate::Verdict;
use crate::client::{Client, Request};

/// How long what was under way may take to its end.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// Phases in which an order is on its way somewhere.
const UNDER_WAY: [&str; 5] = ["holding", "paying", "refunding", "releasing", "stuck"];
/// Wrong things that are told; the rest is counted.
const TOLD_MAX: usize = 12;

/// Everything that is wrong.
pub(super) async fn verify(address: &str, diaries: &[Diary], verdict: &mut Verdict) -> Vec<String> {
    let mut wrong: Vec<String> = diaries.iter().flat_map(|diary| diary.wrong.clone()).collect();
    let requests = diaries.iter().map(|diary| diary.requests).sum();
    let history: Vec<Asked> = diaries.iter().flat_map(|diary| diary.history.clone()).collect();
    verdict.tried(requests, "requests");
    verdict.tried(history.len() as u64, "bookings and cancellations checked");
    let mut desk = Desk { client: Client::new(address) };
    if let Err(what) = desk.look(diaries, &history, &mut wrong).await {
        wrong.push(what);
    }
    if wrong.len() > TOLD_MAX {
        let more = wrong.len() - TOLD_MAX;
        wrong.truncate(TOLD_MAX);
        wrong.push(format!("and {more} more"));
    }
    wrong
}

struct Desk {
    client: Client,
}

impl Desk {
    async fn look(
        &mut self,
        diaries: &[Diary],
        history: &[Asked],
        wrong: &mut Vec<String>,
    ) -> Result<(), String> {
        self.settled().await?;
        let witness = self.witness().await?;
        let capacity: BTreeMap<u64, u64> = CAPACITY.into_iter().collect();
        wrong.extend(history::check(history, &witness, &capacity));
        for (order, known) in diaries.iter().flat_map(|diary| &diary.orders) {
            let found = self.get(&format!("/v1/{MARKET}/idempotency/{}", known.key)).await?;
            if found["id"].as_u64() != Some(*order) {
                wrong.push(format!("key {} was order {order}, and is now {found}", known.key));
            }
        }
        let audit = self.get("/v1/admin/audit").await?;
        if audit["balanced"] != true {
            wrong.push(format!("the books do not balance: {audit}"));
        }
        let attention = self.get("/v1/admin/attention").await?;
        if attention["items"].as_array().is_some_and(|items| !items.is_empty()) {
            wrong.push(format!("somebody must look: {attention}"));
        }
        Ok(())
    }

    /// Waits until no order is under way.
    async fn settled(&mut self) -> Result<(), String> {
        let began = Instant::now();
        loop {
            let mut open = None;
            for phase in UNDER_WAY {
                open = open.or(self.first_in(phase).await?);
            }
            match open {
                None => return Ok(()),
                Some(order) if began.elapsed() > SETTLED_WITHIN => {
                    return Err(format!(
                        "after {SETTLED_WITHIN:?} an order is still under way: {order}"
                    ));
                }
                Some(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// The first order in this phase; a list looks at some thousands at a time.
    async fn first_in(&mut self, phase: &str) -> Result<Option<Value>, String> {
        let mut cursor = String::new();
        loop {
            let path = format!("/v1/{MARKET}/orders?phase={phase}&limit=1{cursor}");
            let page = self.get(&path).await?;
            if let Some(order) = page["items"].get(0) {
                return Ok(Some(order.clone()));
            }
            match page["next"].as_u64() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(None),
            }
        }
    }

    /// What the journal says of every unit.
    async fn witness(&mut self) -> Result<Vec<Turn>, String> {
        let (mut turns, mut after) = (Vec::new(), 0);
        loop {
            let path = format!("/v1/{MARKET}/events?as=facts&limit=1000&after={after}");
            let page = self.get(&path).await?;
            for fact in page["items"].as_array().into_iter().flatten() {
                let held = match fact["eventType"].as_str() {
                    Some("UnitsHeld") => true,
                    Some("UnitsReleased") => false,
                    Some(_) | None => continue,
                };
                let number =
                    |value: &Value| value.as_u64().ok_or_else(|| format!("an odd fact: {fact}"));
                turns.push(Turn {
                    sequence: number(&fact["sequence"])?,
                    offering: number(&fact["offering"])?,
                    order: number(&fact["data"]["order"])?,
                    held,
                });
            }
            match page["next"].as_u64() {
                Some(next) => after = next,
                None => return Ok(turns),
            }
        }
    }

    async fn get(&mut self, path: &str) -> Result<Value, String> {
        let answer = self.client.send(&Request::get(path)).await;
        let answer = answer.map_err(|error| format!("{path}: {error}"))?;
        if answer.status != 200 {
            return Err(format!("{path}: {}", answer.told()));
        }
        Ok(answer.json())
    }
}

//! Finds our payment intent at Stripe by the key in its metadata, without changing anything.
//!
//! The search knows all intents but the youngest: it lags behind, by a minute as a rule and by an
//! hour at worst. The list, newest first, is up to date. Only both together can say that there is
//! none; where there is no search (some countries, test servers) the list must be read to its end.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::{METADATA, Stripe, words};
use crate::gateway::wire::{Body, Said};

/// How old an intent is that the search must know.
const SEARCHABLE: Duration = Duration::from_secs(3600);
/// Items of one page, the most there can be.
const PAGE: &str = "100";
/// Pages read before the answer is that it cannot be told.
const PAGES_MAX: usize = 20;

impl Stripe {
    /// The intent with this key; `None` if it is certain that there is none.
    pub(super) async fn find(&self, key: &str) -> Result<Option<Value>, String> {
        let searched = self.search(key).await?;
        if let Search::Found(id) = &searched {
            // What the search shows may be old; the intent itself is not.
            let said = self.get(&["v1", "payment_intents", id], &[]).await?;
            return object(said).map(Some);
        }
        self.list(key, searched).await
    }

    async fn search(&self, key: &str) -> Result<Search, String> {
        let query = format!("metadata[\"{METADATA}\"]:\"{key}\"");
        let path = ["v1", "payment_intents", "search"];
        let said = self.get(&path, &[("query", &query), ("limit", PAGE)]).await?;
        Ok(match said.status {
            200 => match best(said.body.value(), key).and_then(|found| found["id"].as_str()) {
                Some(id) => Search::Found(id.to_owned()),
                None if said.body.value()["data"].is_array() => Search::None,
                None => return Err(words(&said)),
            },
            400 | 404 => Search::Impossible,
            _ => return Err(words(&said)),
        })
    }

    async fn list(&self, key: &str, searched: Search) -> Result<Option<Value>, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let known = now.saturating_sub(SEARCHABLE).as_secs();
        let mut after: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let mut query = vec![("limit", PAGE)];
            query.extend(after.as_deref().map(|after| ("starting_after", after)));
            let page = object(self.get(&["v1", "payment_intents"], &query).await?)?;
            if let Some(found) = best(&page, key) {
                return Ok(Some(found.clone()));
            }
            let Some(data) = page["data"].as_array() else {
                return Err("that is no list of payment intents".to_owned());
            };
            let oldest = data.last().and_then(|last| last["created"].as_u64()).unwrap_or(u64::MAX);
            let rest_is_known = matches!(searched, Search::None) && oldest < known;
            if page["has_more"] == false || rest_is_known {
                return Ok(None);
            }
            after = data.last().and_then(|last| last["id"].as_str()).map(str::to_owned);
        }
        Err(format!("it is not among the last {PAGES_MAX} pages of payment intents"))
    }

    /// The refund of an intent that has this key.
    pub(super) async fn find_refund(
        &self,
        intent: &str,
        key: &str,
    ) -> Result<Option<Value>, String> {
        let query = [("payment_intent", intent), ("limit", PAGE)];
        let page = object(self.get(&["v1", "refunds"], &query).await?)?;
        match page["data"].as_array() {
            Some(data) => Ok(data.iter().find(|refund| has(refund, key)).cloned()),
            None => Err("that is no list of refunds".to_owned()),
        }
    }
}

/// What the search said.
enum Search {
    Found(String),
    None,
    /// There is none here.
    Impossible,
}

fn has(object: &Value, key: &str) -> bool {
    object["metadata"][METADATA].as_str() == Some(key)
}

/// The object on this page that has the key, before all one that succeeded.
fn best<'a>(page: &'a Value, key: &'a str) -> Option<&'a Value> {
    let data = page["data"].as_array()?;
    let mut found: Vec<_> = data.iter().filter(|object| has(object, key)).collect();
    found.sort_by_key(|object| object["status"] != "succeeded");
    found.first().copied()
}

fn object(said: Said) -> Result<Value, String> {
    match (said.status, said.body) {
        (200, Body::Json(value)) => Ok(value),
        (status, body) => Err(words(&Said { status, body })),
    }
}

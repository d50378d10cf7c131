//! The calls that are not measured: making offerings, trying the echo, and asking for the books afterwards.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::wire::{self, Connection, WireError};

/// How many orders a page of the listing is asked for.
const PAGE_ORDERS: usize = 1000;
/// Phases of orders that did not come into being, or were undone.
const UNDONE: [&str; 2] = ["refused", "cancelled"];
/// How often the listing is asked again while it is behind: it is a view, and follows the orders.
const ASK_AGAIN_EVERY: Duration = Duration::from_millis(250);

/// A connection for calls that are not measured.
#[derive(Debug)]
pub struct Control {
    address: SocketAddr,
    connection: Connection,
}

/// Why a call gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The connection failed.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The answer is not the one that the contract gives.
    #[error("{call} answered {status}: {body}")]
    Unexpected {
        /// Method and path.
        call: String,
        /// The status of the answer.
        status: u16,
        /// The start of its body.
        body: String,
    },
}

/// What the listing of orders says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// How many orders are in which phase.
    pub phases: BTreeMap<String, u64>,
    /// How many of them are neither refused nor cancelled.
    pub standing: u64,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Item>,
    next: Option<Value>,
}

#[derive(Deserialize)]
struct Item {
    phase: String,
}

impl Control {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self, ControlError> {
        Ok(Self { address, connection: Connection::open(address).await? })
    }

    /// Makes an offering with the given inventory and returns its id.
    pub async fn make_offering(
        &mut self,
        name: &str,
        inventory: &Value,
    ) -> Result<u64, ControlError> {
        let price = json!({"amount": 1000, "currency": "KRW"});
        let offering = json!({"name": name, "price": price, "inventory": inventory}).to_string();
        let read = |made: Value| made["id"].as_u64();
        self.call("POST", "/v1/talentshare/offerings", &offering, 201, read).await
    }

    /// Tries the echo: it must give back the JSON it got, or there is nothing to compare with.
    pub async fn try_echo(&mut self, body: &str) -> Result<(), ControlError> {
        let sent: Option<Value> = serde_json::from_str(body).ok();
        let same = |got: Value| (Some(got) == sent).then_some(());
        self.call("POST", "/echo", body, 200, same).await
    }

    /// Stops or starts a participant.
    pub async fn participant(&mut self, name: &str, verb: &str) -> Result<(), ControlError> {
        let path = format!("/v1/admin/participants/{name}/{verb}");
        self.call("POST", &path, "", 202, |_: Value| Some(())).await
    }

    /// The supervision tree.
    pub async fn tree(&mut self) -> Result<Value, ControlError> {
        self.call("GET", "/v1/admin/tree", "", 200, Some).await
    }

    /// What a path has to say.
    pub async fn get(&mut self, path: &str) -> Result<Value, ControlError> {
        self.call("GET", path, "", 200, Some).await
    }

    /// An admin's word that is only taken note of.
    pub async fn post(&mut self, path: &str) -> Result<(), ControlError> {
        let request = wire::render("POST", self.address, path, "");
        let answer = self.connection.exchange(&request).await?;
        if matches!(answer.status, 200 | 202 | 204) {
            return Ok(());
        }
        Err(ControlError::Unexpected {
            call: format!("POST {path}"),
            status: answer.status,
            body: String::from_utf8_lossy(answer.body).into_owned(),
        })
    }

    /// All orders of a market, page by page.
    pub async fn orders(&mut self, path: &str) -> Result<Vec<Value>, ControlError> {
        let mut orders = Vec::new();
        let mut page = self.get(&format!("{path}?limit={PAGE_ORDERS}")).await?;
        loop {
            if let Value::Array(items) = page["items"].take() {
                orders.extend(items);
            }
            let next = &page["next"];
            if next.is_null() {
                return Ok(orders);
            }
            let cursor = next.as_str().map_or_else(|| next.to_string(), percent_encode);
            page = self.get(&format!("{path}?limit={PAGE_ORDERS}&cursor={cursor}")).await?;
        }
    }

    /// Asks whether the books balance; the answer comes along, to be shown if they do not.
    pub async fn audit(&mut self) -> Result<(bool, Value), ControlError> {
        let read = |audit: Value| Some((audit["balanced"].as_bool()?, audit));
        self.call("GET", "/v1/admin/audit", "", 200, read).await
    }

    /// Lists all orders until as many stand as were made, or time is up; then what the last full listing said.
    /// `None` when time was too short for even one.
    pub async fn list_until(
        &mut self,
        standing: u64,
        within: Duration,
    ) -> Result<Option<Listing>, ControlError> {
        let deadline = Instant::now() + within;
        let mut again = tokio::time::interval(ASK_AGAIN_EVERY);
        let mut last = None;
        loop {
            again.tick().await;
            match self.list_before(deadline).await? {
                Some(listing) if listing.standing == standing => return Ok(Some(listing)),
                Some(listing) => last = Some(listing),
                None => return Ok(last),
            }
        }
    }

    /// Walks the pages once; `None` when the deadline passes meanwhile.
    pub(crate) async fn list_before(
        &mut self,
        deadline: Instant,
    ) -> Result<Option<Listing>, ControlError> {
        let mut listing = Listing { phases: BTreeMap::new(), standing: 0 };
        let mut path = format!("/v1/talentshare/orders?limit={PAGE_ORDERS}");
        while Instant::now() < deadline {
            let read = |page: Page| Some(page);
            let page = self.call("GET", &path, "", 200, read).await?;
            for item in page.items {
                listing.standing += u64::from(!UNDONE.contains(&item.phase.as_str()));
                *listing.phases.entry(item.phase).or_insert(0) += 1;
            }
            let Some(next) = page.next else { return Ok(Some(listing)) };
            let cursor = next.as_str().map_or_else(|| next.to_string(), percent_encode);
            path = format!("/v1/talentshare/orders?limit={PAGE_ORDERS}&cursor={cursor}");
        }
        Ok(None)
    }

    async fn call<A: for<'de> Deserialize<'de>, T>(
        &mut self,
        method: &str,
        path: &str,
        body: &str,
        expected: u16,
        read: impl FnOnce(A) -> Option<T>,
    ) -> Result<T, ControlError> {
        let request = wire::render(method, self.address, path, body);
        let answer = self.connection.exchange(&request).await?;
        let parsed = serde_json::from_slice(answer.body).ok().filter(|_| answer.status == expected);
        parsed.and_then(read).ok_or_else(|| ControlError::Unexpected {
            call: format!("{method} {path}"),
            status: answer.status,
            body: String::from_utf8_lossy(&answer.body[..answer.body.len().min(500)]).into_owned(),
        })
    }
}

/// Escapes whatever a query may not carry as it is.
fn percent_encode(cursor: &str) -> String {
    let mut encoded = String::new();
    for byte in cursor.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    #[test]
    fn cursors_are_escaped() {
        assert_eq!(super::percent_encode("a1_-"), "a1_-");
        assert_eq!(super::percent_encode("a+b/c=="), "a%2Bb%2Fc%3D%3D");
    }
}

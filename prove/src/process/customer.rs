//! A customer: books, looks, cancels, and asks again until it is told, whatever happens to the server.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use surehold_storage::faulty::Dice;

use super::history::{Asked, Moment, Said, Wish};
use super::stage::{CAPACITY, Diary, Known, MARKET, Stage};
use crate::client::{Answer, Client, Request};

/// Pause before the same is asked again, as a patient program would make it.
const PAUSE: Duration = Duration::from_millis(15);
/// How long the same is asked before the server counts as one that never answers. The longest it may be
/// away is a full disk, and a start on a busy machine.
const ASKED_FOR: Duration = Duration::from_secs(90);
/// Of a hundred things a customer does, so many are bookings, and so many more cancellations.
const BOOKS: u64 = 55;
const CANCELS: u64 = 30;

fn patience() -> Moment {
    Moment::try_from(ASKED_FOR.as_nanos()).unwrap_or(Moment::MAX)
}

/// One customer.
pub(super) struct Customer {
    name: String,
    stage: Arc<Stage>,
    dice: Dice,
    client: Client,
    keys: u64,
    diary: Diary,
}

impl Customer {
    pub(super) fn new(number: u64, seed: u64, stage: Arc<Stage>) -> Customer {
        let name = format!("customer-{seed}-{number}");
        let dice = Dice::new(seed.wrapping_mul(1_000_003).wrapping_add(number));
        let client = Client::new("");
        Customer { name, stage, dice, client, keys: 0, diary: Diary::default() }
    }

    /// Goes on until the stage closes, and finishes what it has begun.
    pub(super) async fn run(mut self) -> Diary {
        self.client = Client::new(&self.stage.address().await);
        while self.stage.is_open() && self.diary.wrong.is_empty() {
            match self.dice.below(100) {
                kind if kind < BOOKS => self.book().await,
                kind if kind < BOOKS + CANCELS => self.cancel().await,
                _ => self.look().await,
            }
        }
        self.diary
    }

    async fn book(&mut self) {
        let offering = 1 + self.dice.below(CAPACITY.len() as u64);
        self.keys += 1;
        let key = format!("{}-{}", self.name, self.keys);
        let order = json!({
            "customer": self.name, "offering": offering, "payment": {"card": "tok_process"},
        });
        let request = Request::post(format!("/v1/{MARKET}/orders"), &order);
        let request = request.with("idempotency-key", key.as_str());
        let from = self.stage.now();
        let until = from + patience();
        let mut said = Said::Silence;
        while self.stage.now() < until {
            let Some(answer) = self.ask(&request).await else { continue };
            let body = answer.json();
            said = match (answer.status, body["type"].as_str(), body["id"].as_u64()) {
                (201, _, Some(id)) => {
                    let known = Known { offering, key: key.clone(), cancelled: false };
                    self.diary.orders.insert(id, known);
                    Said::Booked(id)
                }
                (409, Some("/problems/no-room"), _) => Said::NoRoom,
                // Undone, because something took too long: by its own clock.
                (409, Some("/problems/came-to-nothing"), _) => Said::Nothing,
                (503, _, _) if body["order"].is_u64() => Said::Nothing,
                // Under way, or not now: the same key asks again.
                (202 | 503, _, _) => {
                    self.pause().await;
                    continue;
                }
                _ => return self.wrong(format!("key {key} was answered {}", answer.told())),
            };
            break;
        }
        self.told(from, Wish::Place { offering, key }, said);
    }

    async fn cancel(&mut self) {
        let Some((order, offering)) = self.pick() else { return };
        let path = format!("/v1/{MARKET}/orders/{order}");
        let from = self.stage.now();
        let until = from + patience();
        let mut said = Said::Silence;
        while self.stage.now() < until {
            let request = Request::post(format!("{path}/cancel"), &Value::Null);
            let Some(answer) = self.ask(&request).await else { continue };
            // Cancelled before, by a request whose answer was lost: it does not fit the phase now.
            let answer = if answer.status == 409 {
                let Some(answer) = self.ask(&Request::get(path.clone())).await else { continue };
                answer
            } else {
                answer
            };
            match (answer.status, answer.json()["phase"].as_str()) {
                (200, Some("cancelled")) => {
                    said = Said::Cancelled;
                    break;
                }
                (200, Some("refunding" | "releasing")) | (503, _) => self.pause().await,
                _ => return self.wrong(format!("order {order}, cancelled: {}", answer.told())),
            }
        }
        if let Some(known) = self.diary.orders.get_mut(&order) {
            known.cancelled = said == Said::Cancelled;
        }
        self.told(from, Wish::Cancel { offering, order }, said);
    }

    /// An order that it has.
    fn pick(&mut self) -> Option<(u64, u64)> {
        let mine: Vec<(u64, u64)> = self
            .diary
            .orders
            .iter()
            .filter(|(_, it)| !it.cancelled)
            .map(|(order, it)| (*order, it.offering))
            .collect();
        let at = self.dice.below(mine.len().max(1) as u64);
        mine.get(usize::try_from(at).unwrap_or(0)).copied()
    }

    /// Looks at an order that it has, or had.
    async fn look(&mut self) {
        let at = self.dice.below(self.diary.orders.len().max(1) as u64);
        let at = usize::try_from(at).unwrap_or(0);
        let Some((order, known)) = self.diary.orders.iter().nth(at) else { return };
        let (order, cancelled) = (*order, known.cancelled);
        let request = Request::get(format!("/v1/{MARKET}/orders/{order}"));
        let Some(answer) = self.ask(&request).await else { return };
        let body = answer.json();
        let right = match (answer.status, body["phase"].as_str(), cancelled) {
            (200, Some("cancelled"), true) => body["payment"]["state"] == "refunded",
            (200, Some("paid" | "confirmed" | "fulfilled"), false) => {
                body["payment"]["state"] == "captured"
            }
            (503, _, _) => true,
            _ => false,
        };
        if !right {
            let told = if cancelled { "cancelled" } else { "booked" };
            self.wrong(format!("order {order} was {told}, and now: {}", answer.told()));
        }
    }

    /// Asks once; `None` if no answer came, after a pause and perhaps at a new address.
    async fn ask(&mut self, request: &Request) -> Option<Answer> {
        self.diary.requests += 1;
        match self.client.send(request).await {
            Ok(answer) => {
                if answer.status == 503 && answer.header("retry-after").is_none() {
                    self.wrong(format!("a 503 without Retry-After: {}", answer.told()));
                }
                Some(answer)
            }
            Err(_) => {
                self.pause().await;
                self.client = Client::new(&self.stage.address().await);
                None
            }
        }
    }

    async fn pause(&mut self) {
        let more = self.dice.below(15);
        tokio::time::sleep(PAUSE + Duration::from_millis(more)).await;
    }

    fn told(&mut self, from: u64, wish: Wish, said: Said) {
        if said == Said::Silence {
            self.wrong(format!("{wish:?} was never answered"));
        }
        self.diary.history.push(Asked { from, to: self.stage.now(), wish, said });
    }

    fn wrong(&mut self, what: String) {
        self.diary.wrong.push(what);
    }
}

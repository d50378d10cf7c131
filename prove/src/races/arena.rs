//! Where a scenario is tried: a server of its own, one client at the desk, and a crowd whose members
//! each have a connection of their own and all ask at the same instant.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use surehold_storage::faulty::Dice;
use tokio::runtime::Runtime;
use tokio::sync::Barrier;

use crate::Ask;
use crate::client::{Answer, Client, Request, Unanswered};
use crate::server::{Ended, Server, Settings};

/// How long anything may take before it counts as stuck.
pub(super) const PATIENCE: Duration = Duration::from_secs(45);
/// How often it is looked again.
const LOOK: Duration = Duration::from_millis(5);
/// Orders read with one request.
const PAGE: usize = 1000;
/// The market of every scenario.
pub(super) const MARKET: &str = "museum";

/// What is wrong, and the story of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) story: Vec<String>,
}

impl From<String> for Wrong {
    fn from(what: String) -> Wrong {
        Wrong { what, story: Vec::new() }
    }
}

impl From<&str> for Wrong {
    fn from(what: &str) -> Wrong {
        Wrong::from(what.to_owned())
    }
}

/// What a step came to.
pub(super) type Tried<T> = Result<T, Wrong>;

/// What a scenario needs to know.
pub(super) struct Stage<'a> {
    pub(super) ask: &'a Ask,
    pub(super) runtime: &'a Runtime,
}

impl Stage<'_> {
    /// One of two sizes.
    pub(super) fn size(&self, full: usize, quick: usize) -> usize {
        if self.ask.quick { quick } else { full }
    }

    /// Throws that belong to the seed.
    pub(super) fn dice(&self) -> Dice {
        Dice::new(self.ask.seed)
    }

    /// A server that sells by this market file.
    pub(super) fn open(&self, market: &str) -> Tried<Arena<'_>> {
        self.open_with(Settings { markets: vec![market.to_owned()], ..Settings::default() })
    }

    /// A server with these settings.
    pub(super) fn open_with(&self, settings: Settings) -> Tried<Arena<'_>> {
        let server = Server::start(&self.ask.program, settings)?;
        let desk = server.client();
        let (crowd, requests) = (Vec::new(), 0);
        Ok(Arena { runtime: self.runtime, server, desk, crowd, requests })
    }
}

/// The server of a scenario, and everybody who talks to it.
pub(super) struct Arena<'a> {
    runtime: &'a Runtime,
    pub(super) server: Server,
    desk: Client,
    crowd: Vec<Client>,
    /// Requests sent so far.
    pub(super) requests: u64,
}

/// A path in the market.
pub(super) fn at(path: &str) -> String {
    format!("/v1/{MARKET}/{path}")
}

/// A request for an order of an offering; `wish` is what is particular about it.
pub(super) fn order(offering: u64, customer: &str, wish: &Value) -> Request {
    let mut body = json!({"customer": customer, "offering": offering});
    if let (Some(body), Some(wish)) = (body.as_object_mut(), wish.as_object()) {
        body.extend(wish.clone());
    }
    Request::post(at("orders"), &body)
}

/// A command to an order.
pub(super) fn command(id: u64, name: &str) -> Request {
    Request::post(at(&format!("orders/{id}/{name}")), &json!({}))
}

/// A number in a body.
pub(super) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

impl Arena<'_> {
    /// Asks at the desk.
    pub(super) fn ask(&mut self, request: &Request) -> Tried<Answer> {
        self.requests += 1;
        let said = self.runtime.block_on(self.desk.send(request));
        said.map_err(|error| Wrong::from(format!("{} {}: {error}", request.method, request.path)))
    }

    /// Asks, and takes only this status.
    pub(super) fn expect(&mut self, status: u16, request: &Request) -> Tried<Value> {
        let said = self.ask(request)?;
        if said.status == status {
            return Ok(said.json());
        }
        let Request { method, path, .. } = request;
        Err(format!("{method} {path}: {status} was expected, not {}", said.told()).into())
    }

    pub(super) fn get(&mut self, path: &str) -> Tried<Value> {
        self.expect(200, &Request::get(path))
    }

    /// Opens an offering.
    pub(super) fn offer(&mut self, inventory: &Value) -> Tried<u64> {
        let new = json!({"name": "A thing", "price": {"amount": 1000}, "inventory": inventory});
        let made = self.expect(201, &Request::post(at("offerings"), &new))?;
        Ok(number(&made["id"]))
    }

    pub(super) fn order(&mut self, id: u64) -> Tried<Value> {
        self.get(&at(&format!("orders/{id}")))
    }

    /// What is free of an offering in all, or at its only slot.
    pub(super) fn free(&mut self, offering: u64) -> Tried<u64> {
        let told = self.get(&at(&format!("offerings/{offering}/availability")))?;
        let slot = told["slots"].as_array().and_then(|slots| slots.first());
        Ok(number(slot.map_or(&told["free"], |slot| &slot["free"])))
    }

    /// All orders of an offering, by number, each as it is now.
    pub(super) fn orders(&mut self, offering: u64) -> Tried<Vec<Value>> {
        let (mut orders, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = at(&format!("orders?offering={offering}&limit={PAGE}{cursor}"));
            let page = self.get(&path)?;
            orders.extend(page["items"].as_array().into_iter().flatten().cloned());
            let next = &page["next"];
            if next.is_null() {
                return Ok(orders);
            }
            cursor = format!("&cursor={}", next.to_string().trim_matches('"'));
        }
    }

    /// Looks again until something is found.
    pub(super) fn until<T>(
        &mut self,
        what: &str,
        mut look: impl FnMut(&mut Self) -> Tried<Option<T>>,
    ) -> Tried<T> {
        let began = Instant::now();
        loop {
            if let Some(found) = look(self)? {
                return Ok(found);
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("it never came that {what}").into());
            }
            std::thread::park_timeout(LOOK);
        }
    }

    /// Waits until an order is in one of these phases, and returns it.
    pub(super) fn reach(&mut self, id: u64, phases: &[&str]) -> Tried<Value> {
        let what = format!("order {id} is {}", phases.join(" or "));
        let reached = self.until(&what, |arena| {
            let order = arena.order(id)?;
            let there = phases.iter().any(|phase| order["phase"] == *phase);
            Ok(there.then_some(order))
        });
        reached.map_err(|wrong| self.tell(wrong.what, &[id]))
    }

    /// Waits until an order waits for the operator.
    pub(super) fn waits(&mut self, id: u64) -> Tried<()> {
        self.until(&format!("order {id} waits for the operator"), |arena| {
            let order = arena.order(id)?;
            Ok((order["confirmation"]["state"] == "waiting").then_some(()))
        })
    }

    /// Lets everybody ask at the same instant. Returns the answers, in the order of the requests.
    pub(super) fn rush(&mut self, requests: Vec<Request>) -> Tried<Vec<Answer>> {
        let said = self.rush_while(requests, |_| {})?;
        let lost = |error: Unanswered| Wrong::from(format!("one of a crowd: {error}"));
        said.into_iter().map(|said| said.map_err(lost)).collect()
    }

    /// Lets everybody ask at the same instant, and does something meanwhile. Answers may be missing.
    pub(super) fn rush_while(
        &mut self,
        requests: Vec<Request>,
        meanwhile: impl FnOnce(&mut Server),
    ) -> Tried<Vec<Result<Answer, Unanswered>>> {
        self.requests += requests.len() as u64;
        let line = Arc::new(Barrier::new(requests.len() + 1));
        let mut asking = Vec::with_capacity(requests.len());
        for request in requests {
            let mut client = self.crowd.pop().unwrap_or_else(|| self.server.client());
            let line = Arc::clone(&line);
            asking.push(self.runtime.spawn(async move {
                let connected = client.connect().await;
                line.wait().await;
                let said = match connected {
                    Ok(()) => client.send(&request).await,
                    Err(error) => Err(error),
                };
                (client, said)
            }));
        }
        self.runtime.block_on(line.wait());
        meanwhile(&mut self.server);
        let mut all = Vec::with_capacity(asking.len());
        for asked in asking {
            let (client, said) =
                self.runtime.block_on(asked).map_err(|error| Wrong::from(error.to_string()))?;
            self.crowd.push(client);
            all.push(said);
        }
        Ok(all)
    }

    /// Sends requests whose answers nobody waits for, over connections of their own.
    pub(super) fn ask_and_go(&mut self, requests: Vec<Request>) -> Tried<()> {
        self.requests += requests.len() as u64;
        for request in requests {
            let mut client = self.server.client();
            let connected = self.runtime.block_on(client.connect());
            connected.map_err(|error| Wrong::from(error.to_string()))?;
            // It ends with the server at the latest.
            self.runtime.spawn(async move { client.send(&request).await });
        }
        Ok(())
    }

    /// Starts the server again on its folder, and lets everybody connect anew.
    pub(super) fn restart(&mut self) -> Tried<()> {
        self.server.restart()?;
        self.desk = self.server.client();
        self.crowd.clear();
        Ok(())
    }

    /// Asks the server to finish. Kept connections would only keep it waiting.
    pub(super) fn stop(&mut self) -> Tried<Ended> {
        self.desk = self.server.client();
        self.crowd.clear();
        Ok(self.server.stop()?)
    }

    /// The audit: every unit and every cent is in exactly one account.
    pub(super) fn balanced(&mut self) -> Tried<Value> {
        let audit = self.get("/v1/admin/audit")?;
        if audit["balanced"] == true {
            return Ok(audit);
        }
        Err(format!("the books do not balance: {audit}").into())
    }

    /// Something is wrong with these orders: their histories are the story.
    pub(super) fn tell(&mut self, what: String, orders: &[u64]) -> Wrong {
        let mut story = Vec::new();
        for id in orders.iter().take(4) {
            // What cannot be read is left out of the story.
            let Ok(history) = self.get(&at(&format!("orders/{id}/history"))) else { continue };
            for step in history["items"].as_array().into_iter().flatten() {
                story.push(format!("order {id}: {step}"));
            }
        }
        Wrong { what, story }
    }
}

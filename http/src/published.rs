//! What `GET /v1/{market}/events` shows of a committed fact: the market's own events where it speaks
//! a dialect, the engine's facts where it does not, or where they are asked for with `?as=facts`.
//!
//! As CloudEvents 1.0 (`Accept: application/cloudevents-batch+json`) each of these is an envelope:
//! `id` is the sequence and the place among the events of that sequence, `source` the address of the
//! market's events (or of its facts), `type` is `surehold.{market}.{eventType}`, `subject` the kind and number of what
//! the fact is about, `time` its time, `data` the event without its envelope. `source` and `id`
//! together name an event for ever.

use serde_json::{Value, json};
use surehold::event::{Committed, CommittedFact, Events};
use surehold::{Engine, Market, Refusal};

use crate::dialects;
use crate::dialects::kit::tell::{self, Teller};
use crate::native::facts;
use crate::shapes::Moment;

/// One published event.
#[derive(Debug, Clone)]
pub struct Published {
    /// Its place in the total order of the node.
    pub sequence: u64,
    /// Its place among the events of this sequence, from 0, and whether it is the last of them.
    pub place: (usize, bool),
    /// What it is called.
    pub name: &'static str,
    /// What it says.
    pub body: Value,
    subject: String,
    time: Moment,
}

/// Who writes a market's events.
#[derive(Clone)]
pub struct Publisher {
    name: String,
    /// Whether these are the facts of a market that has events of its own.
    as_facts: bool,
    teller: Option<Teller>,
}

impl Publisher {
    /// The events of a market: in its own words, or as facts.
    #[must_use]
    pub fn new(engine: &Engine, market: Market, name: &str, as_facts: bool) -> Publisher {
        let own = dialects::named(name);
        let as_facts = as_facts && own.is_some();
        let dialect = own.filter(|_| !as_facts);
        let teller = dialect.map(|dialect| Teller { engine: engine.clone(), market, dialect });
        Publisher { name: name.to_owned(), as_facts, teller }
    }

    /// What is published of these facts.
    ///
    /// # Errors
    /// [`Refusal`] if what they are about cannot be read.
    pub async fn publish(&self, events: &Events) -> Result<Vec<Published>, Refusal> {
        let mut published = Vec::new();
        for committed in &events.events {
            match &self.teller {
                None => published.push(fact(committed)),
                Some(teller) => {
                    let told = teller.tell(committed).await?;
                    let last = told.len().saturating_sub(1);
                    published.extend(told.iter().enumerate().map(|(place, told)| Published {
                        name: told.name,
                        body: tell::body(committed, told),
                        place: (place, place == last),
                        ..fact_about(committed)
                    }));
                }
            }
        }
        Ok(published)
    }

    /// The event in an envelope of CloudEvents 1.0.
    #[must_use]
    pub fn envelope(&self, event: Published) -> Value {
        let mut data = event.body;
        if let Value::Object(fields) = &mut data {
            for name in ["sequence", "eventType", "timestamp"] {
                fields.remove(name);
            }
        }
        let market = &self.name;
        json!({
            "specversion": "1.0",
            "id": format!("{}.{}", event.sequence, event.place.0),
            "source": format!("/v1/{market}/events{}", if self.as_facts { "?as=facts" } else { "" }),
            "type": format!("surehold.{market}.{}", event.name),
            "subject": event.subject,
            "time": event.time,
            "datacontenttype": "application/json",
            "data": data,
        })
    }
}

fn fact(committed: &Committed) -> Published {
    Published { body: facts::body(committed), ..fact_about(committed) }
}

fn fact_about(committed: &Committed) -> Published {
    let (kind, id) = match &committed.fact {
        CommittedFact::Order(id, _) => ("order", id.0),
        CommittedFact::Offering(id, _) => ("offering", id.0),
        CommittedFact::Payment(id, _) => ("payment", id.0),
        CommittedFact::Confirmation(id, _) => ("confirmation", id.0),
        CommittedFact::Mileage(id, _) => ("mileage", id.0),
        CommittedFact::Review(id, _) => ("review", id.0),
        CommittedFact::Message(id, _) => ("message", id.0),
    };
    Published {
        sequence: committed.sequence,
        place: (0, true),
        name: facts::name(&committed.fact),
        body: Value::Null,
        subject: format!("{kind}/{id}"),
        time: Moment(committed.fact.at()),
    }
}

//! What a run of the end-to-end suite does: how many orders, over what, drawn how.

use serde::Serialize;
use serde_json::{Value, json};

use crate::load::Pace;
use crate::power;

/// The most requests of a warm-up; it is a tenth of a leg below that.
const WARM_UP_MAX: usize = 5_000;

/// A number of connections, in words.
#[must_use]
pub fn in_words(connections: usize) -> String {
    let plural = if connections == 1 { "" } else { "s" };
    format!("{connections} connection{plural}")
}

/// What to run.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Orders of one leg, and as many echoes.
    pub orders: usize,
    /// The numbers of connections, one series each.
    pub connections: Vec<usize>,
    /// How often echo and orders alternate.
    pub rounds: usize,
    /// How many offerings the orders are drawn from; one is the hot offering.
    pub offerings: usize,
    /// What the offerings hold.
    pub inventory: Inventory,
    /// Requests a second of an open loop; without it, the loop is closed.
    pub rate: Option<f64>,
    /// Seed of the requests.
    pub seed: u64,
}

/// The inventory of the offerings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Inventory {
    /// Seats, each offering with enough for the whole run: every order takes a hold.
    Seats,
    /// No limit: nothing can run out.
    Unlimited,
}

impl Plan {
    /// When requests leave.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.rate.map_or(Pace::Closed, Pace::Open)
    }

    /// What was asked, for the settings of a run.
    #[must_use]
    pub fn settings(&self) -> Vec<(String, String)> {
        let connections: Vec<_> = self.connections.iter().map(ToString::to_string).collect();
        let inventory = format!("{:?}", self.inventory).to_lowercase();
        let pace = match self.rate {
            None => "closed: each connection sends when it was answered".to_owned(),
            Some(rate) => {
                format!("open: {rate} a second, latency from the time at which a request was due")
            }
        };
        let settings = [
            ("requests of a leg", self.orders.to_string()),
            ("rounds", self.rounds.to_string()),
            ("connections", connections.join(", ")),
            ("loop", pace),
            ("offerings", format!("{} ({inventory})", self.offerings)),
            ("seed", self.seed.to_string()),
        ];
        settings.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// How many requests warm a server up, before each kind of leg.
    #[must_use]
    pub fn warm_up(&self, connections: usize) -> usize {
        (self.orders / 10).min(WARM_UP_MAX).max(connections)
    }

    /// How many orders one offering may get: none may run out of seats.
    fn orders_in_all(&self, connections: usize) -> usize {
        power::ORDERS + self.warm_up(connections) + self.orders * self.rounds
    }

    /// The inventory each offering is made with.
    #[must_use]
    pub fn inventory_of_each(&self, connections: usize) -> Value {
        match self.inventory {
            Inventory::Seats => {
                json!({"model": "seats", "capacity": self.orders_in_all(connections)})
            }
            Inventory::Unlimited => json!({"model": "unlimited"}),
        }
    }
}

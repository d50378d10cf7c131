//! What a run of the end-to-end suite does: how many orders, over what, drawn how.

use serde::Serialize;
use serde_json::{Value, json};

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
    /// How many requests warm a server up, before each kind of leg.
    #[must_use]
    pub fn warm_up(&self, connections: usize) -> usize {
        (self.orders / 10).min(WARM_UP_MAX).max(connections)
    }

    /// How many orders one server may get: no offering may run out of seats.
    fn orders_in_all(&self, connections: usize) -> usize {
        self.warm_up(connections) + self.orders * self.rounds
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

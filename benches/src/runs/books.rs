//! The three books held against each other once everything is at rest: what customers were told, what the server
//! lists and audits, and what the payment service has in its ledger.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::came::Came;
use super::verdict::Line;
use crate::bank::{Entry, Ledger};
use crate::control::{Control, ControlError};

/// Pause between two looks at a server that is not yet at rest.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// An order as the server lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    phase: String,
    /// Its number and its state.
    payment: Option<(u64, String)>,
    price: i64,
    offering: u64,
    units: u64,
}

/// What the server says of itself.
#[derive(Debug, Clone, Default)]
pub struct Books {
    orders: BTreeMap<u64, Listed>,
    audit: Value,
    /// From the first look to the one that found everything at rest.
    pub settled_in: Duration,
}

impl Listed {
    fn read(order: &Value) -> Option<(u64, Listed)> {
        let payment = &order["payment"];
        let payment = payment["id"].as_u64().map(|id| {
            let state = payment["state"].as_str().unwrap_or_default();
            (id, state.to_owned())
        });
        let listed = Listed {
            phase: order["phase"].as_str()?.to_owned(),
            payment,
            price: order["price"]["amount"].as_i64()?,
            offering: order["offering"].as_u64()?,
            units: order["quantity"].as_u64()?,
        };
        Some((order["id"].as_u64()?, listed))
    }

    fn stands(&self) -> bool {
        matches!(self.phase.as_str(), "confirmed" | "fulfilled")
    }

    fn is_undone(&self) -> bool {
        matches!(self.phase.as_str(), "refused" | "cancelled")
    }

    /// Whether nothing is owed any more, in either direction.
    fn rests(&self) -> bool {
        let state = self.payment.as_ref().map(|(_, state)| state.as_str());
        if self.stands() {
            return state == Some("captured");
        }
        self.is_undone() && !matches!(state, Some("pending" | "unknown" | "captured"))
    }
}

impl Books {
    /// Reads until every order is at rest, or the time is up; then what was read last.
    pub async fn at_rest(
        control: &mut Control,
        path: &str,
        within: Duration,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Books, ControlError> {
        let (began, mut told) = (Instant::now(), None);
        let mut again = tokio::time::interval(LOOK_EVERY);
        loop {
            again.tick().await;
            let views = control.get("/v1/admin/views").await?;
            let behind = views["cursor"] != views["last"];
            let mut books = Books::default();
            for order in control.orders(path).await? {
                books.orders.extend(Listed::read(&order));
            }
            books.settled_in = began.elapsed();
            let moving = books.restless().len();
            if (moving == 0 && !behind) || began.elapsed() > within {
                books.audit = control.get("/v1/admin/audit").await?;
                return Ok(books);
            }
            if told != Some(moving) {
                let orders = books.orders.len();
                progress(&format!("settling: {moving} of {orders} orders are not at rest"));
                told = Some(moving);
            }
        }
    }

    fn restless(&self) -> Vec<String> {
        let moving = self.orders.iter().filter(|(_, order)| !order.rests());
        moving.map(|(id, order)| format!("order {id}: {order:?}")).collect()
    }

    /// How many orders are in which phase.
    #[must_use]
    pub fn phases(&self) -> BTreeMap<&str, u64> {
        let mut phases = BTreeMap::new();
        for order in self.orders.values() {
            *phases.entry(order.phase.as_str()).or_insert(0) += 1;
        }
        phases
    }

    /// Holds them against what customers were told and against the payment service's ledger.
    #[must_use]
    pub fn lines(&self, came: &Came, ledger: &Ledger) -> Vec<Line> {
        let all = u64::try_from(self.orders.len()).unwrap_or(u64::MAX);
        let money = &self.audit["money"]["EUR"];
        let cents = |name: &str| money[name].as_i64().unwrap_or(0);
        let balanced = self.audit["balanced"] == true;
        let findings = self.audit["findings"][0].as_str().unwrap_or("balanced");
        let (taken, back) = (ledger.captured(), ledger.refunded());
        vec![
            Line::none("answers that are not right", came.sent, &came.wrong),
            Line::none("requests without an answer", came.sent, &came.unanswered),
            Line::none("orders told yes that are gone", came.count(201), &self.lost(came)),
            Line::none("orders told no that stand", 0, &self.told_no(came)),
            Line::none("orders without an end", all, &self.restless()),
            Line::none("orders not paid exactly once", all, &self.mispaid(ledger)),
            Line::none("payments kept for no order", 0, &self.strays(ledger)),
            Line::same("cents taken: service, audit", taken, cents("captured")),
            Line::same("cents given back: service, audit", back, cents("refunded")),
            Line::same("cents kept: service, audit", taken - back, cents("kept")),
            Line::none("requests to the service that make no sense", 0, &ledger.nonsense),
            Line::new("the audit", "balanced", findings, balanced),
        ]
    }

    /// Orders that were acknowledged, and are not there or were undone although nobody asked for that.
    fn lost(&self, came: &Came) -> Vec<String> {
        let acknowledged = came.sales.iter().filter(|sale| matches!(sale.status, 201 | 202));
        let lost = acknowledged.filter_map(|sale| match self.orders.get(&sale.id) {
            None => Some(format!("order {} is not there", sale.id)),
            Some(order) if sale.status == 201 && !order.stands() && !sale.taken_back => {
                Some(format!("order {} is {}", sale.id, order.phase))
            }
            Some(_) => None,
        });
        lost.collect()
    }

    /// Orders of which the customer heard that they came to nothing.
    fn told_no(&self, came: &Came) -> Vec<String> {
        let refused = came.sales.iter().filter(|sale| !matches!(sale.status, 201 | 202));
        refused
            .filter(|sale| self.orders.get(&sale.id).is_some_and(|order| !order.is_undone()))
            .map(|sale| format!("order {} was answered {}", sale.id, sale.status))
            .collect()
    }

    /// Orders that stand and were not paid once and in full, or came to nothing and were paid.
    fn mispaid(&self, ledger: &Ledger) -> Vec<String> {
        let entries: BTreeMap<u64, &Entry> = ledger.numbered().collect();
        let mut wrong = Vec::new();
        for (id, order) in &self.orders {
            let entry = order.payment.as_ref().and_then(|(payment, _)| entries.get(payment));
            let net = entry.map_or(0, |entry| entry.net());
            let owed = if order.stands() { order.price } else { 0 };
            if net != owed {
                wrong.push(format!("order {id} is {}: {net} instead of {owed}", order.phase));
            }
        }
        wrong
    }

    /// Money that was kept under a number that is no order's payment.
    fn strays(&self, ledger: &Ledger) -> Vec<String> {
        let paid = self.orders.values().filter_map(|order| Some(order.payment.as_ref()?.0));
        let paid: std::collections::BTreeSet<u64> = paid.collect();
        ledger
            .numbered()
            .filter(|(number, entry)| entry.net() != 0 && !paid.contains(number))
            .map(|(number, entry)| format!("payment {number}: {}", entry.net()))
            .collect()
    }

    /// Offerings of which more is sold than there is, where each has so many units.
    #[must_use]
    pub fn oversold(&self, units: u64) -> Vec<String> {
        let mut sold = BTreeMap::new();
        let scarce = self.orders.values().filter(|order| order.stands() && order.offering > 1);
        for order in scarce {
            *sold.entry(order.offering).or_insert(0) += order.units;
        }
        let over = sold.into_iter().filter(|(_, sold)| *sold > units);
        over.map(|(offering, sold)| format!("offering {offering}: {sold} of {units}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::came::Sale;
    use super::*;
    use serde_json::json;

    fn order(id: u64, phase: &str, state: &str, units: u64) -> Value {
        json!({"id": id, "phase": phase, "offering": 2, "quantity": units,
            "price": {"amount": 7 * units}, "payment": {"id": id, "state": state}})
    }

    fn books(orders: &[Value], captured: i64) -> Books {
        let orders = orders.iter().map(|order| Listed::read(order).unwrap()).collect();
        let audit = json!({"balanced": true, "money":
            {"EUR": {"captured": captured, "refunded": 0, "kept": captured}}});
        Books { orders, audit, settled_in: Duration::ZERO }
    }

    fn failed(books: &Books, sales: &[(u64, u16)], taken: &[(u64, i64)]) -> Vec<String> {
        let sale = |(id, status): &(u64, u16)| Sale { id: *id, status: *status, taken_back: false };
        let came = Came { sales: sales.iter().map(sale).collect(), ..Came::default() };
        let mut ledger = Ledger::default();
        for (number, amount) in taken {
            let entry = Entry { amount: *amount, captured: true, ..Entry::default() };
            ledger.payments.insert(format!("n-0-{number}"), entry);
        }
        let lines = books.lines(&came, &ledger);
        lines.into_iter().filter(|line| !line.holds).map(|line| line.what).collect()
    }

    #[test]
    fn books_that_agree_hold() {
        let books =
            books(&[order(1, "confirmed", "captured", 2), order(2, "cancelled", "voided", 1)], 14);
        assert_eq!(failed(&books, &[(1, 201), (2, 503)], &[(1, 14)]), Vec::<String>::new());
        assert!(books.oversold(2).is_empty());
        assert_eq!(books.oversold(1), ["offering 2: 2 of 1"]);
    }

    #[test]
    fn whatever_does_not_agree_is_found() {
        let one = books(&[order(1, "confirmed", "captured", 2)], 14);
        assert_eq!(
            failed(&one, &[(1, 201), (2, 201)], &[(1, 14)]),
            ["orders told yes that are gone"]
        );
        assert_eq!(failed(&one, &[(1, 503)], &[(1, 14)]), ["orders told no that stand"]);
        let twice = failed(&one, &[], &[(1, 14), (5, 14)]);
        assert_eq!(twice[0], "payments kept for no order");
        assert!(twice.contains(&"cents kept: service, audit".to_owned()));
        let unpaid = failed(&one, &[], &[]);
        assert_eq!(unpaid[0], "orders not paid exactly once");
        let gone = books(&[order(1, "cancelled", "refunded", 2)], 0);
        assert_eq!(failed(&gone, &[(1, 201)], &[]), ["orders told yes that are gone"]);
        let stuck = books(&[order(1, "paying", "unknown", 2)], 0);
        assert_eq!(failed(&stuck, &[(1, 202)], &[]), ["orders without an end"]);
    }
}

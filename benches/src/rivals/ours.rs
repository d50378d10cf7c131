//! Our server as one of those that are measured.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Books, PRICE, Rival, RivalError};
use crate::control::Control;
use crate::server::Server;
use crate::workload::Workload;

/// Where orders go.
pub(super) const ORDERS: &str = "/v1/talentshare/orders";
/// The audit counts units in thousandths.
const THOUSANDTHS: u64 = 1000;
/// Phases in which something is still owed: units without money, or money without an order.
const UNPAID: [&str; 3] = ["holding", "paying", "unpaid"];
const UNDOING: [&str; 3] = ["refunding", "releasing", "stuck"];
/// How long everything may take to be at rest; the listing is a view and follows the orders.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Our server.
#[derive(Debug)]
pub(super) struct Ours {
    pub(super) server: Server,
}

impl Rival for Ours {
    fn address(&self) -> SocketAddr {
        self.server.address()
    }

    fn echoes(&self, bodies: &[String]) -> Workload {
        Workload::new(self.address(), "/echo", bodies)
    }

    fn orders(&self, bodies: &[String]) -> Workload {
        Workload::new(self.address(), ORDERS, bodies)
    }

    fn done(&self) -> u16 {
        201
    }

    fn processor_time(&self) -> io::Result<Duration> {
        self.server.processor_time()
    }

    async fn make_offerings(&mut self, count: u64, units: u64) -> Result<Vec<u64>, RivalError> {
        let mut control = Control::open(self.address()).await?;
        let inventory = json!({"model": "seats", "capacity": units});
        let mut offerings = Vec::new();
        for number in 0..count {
            offerings.push(control.make_offering(&format!("offering {number}"), &inventory).await?);
        }
        Ok(offerings)
    }

    /// Looks until listing and audit agree, twice the same, that nothing is half-done, or the time is up; then what was
    /// seen last.
    async fn books(&mut self) -> Result<Books, RivalError> {
        let deadline = Instant::now() + SETTLED_WITHIN;
        let mut control = Control::open(self.address()).await?;
        let mut again = tokio::time::interval(LOOK_EVERY);
        let mut before = None;
        loop {
            again.tick().await;
            let books = look(&mut control).await?;
            let settled = books.agree() && before == Some(books);
            if settled || Instant::now() > deadline {
                return Ok(books);
            }
            before = Some(books);
        }
    }
}

async fn look(control: &mut Control) -> Result<Books, RivalError> {
    // A walk that takes longer than this says more about the machine than a failure would.
    let listing = control.list_before(Instant::now() + SETTLED_WITHIN).await?;
    let listing = listing
        .ok_or_else(|| RivalError::Failed("the listing was too slow to be checked".to_owned()))?;
    let (balanced, audit) = control.audit().await?;
    if !balanced {
        return Err(RivalError::Failed(format!("the audit does not balance: {audit}")));
    }
    let in_phases =
        |phases: &[&str]| phases.iter().filter_map(|phase| listing.phases.get(*phase)).sum::<u64>();
    let (unpaid, undoing) = (in_phases(&UNPAID), in_phases(&UNDOING));
    let (taken, charges) = audited(&audit);
    let orders = listing.standing - unpaid - undoing;
    Ok(Books {
        orders,
        taken,
        charges,
        // What the audit knows beyond the listing counts too.
        unpaid: unpaid.max(taken.saturating_sub(orders)),
        orderless: undoing.max(charges.saturating_sub(orders)),
    })
}

/// Units taken and charges that stand, as the audit has them.
fn audited(audit: &Value) -> (u64, u64) {
    let units = |name: &str| audit["units"][name].as_u64().unwrap_or_default();
    let taken = units("capacity").saturating_sub(units("free")) / THOUSANDTHS;
    let kept = audit["money"]["KRW"]["kept"].as_u64().unwrap_or_default();
    (taken, kept / PRICE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audit_is_read_in_orders() {
        let audit = json!({"units": {"capacity": 100_000, "free": 97_000, "sold": 3_000},
            "money": {"KRW": {"captured": 4_000, "kept": 3_000}}});
        assert_eq!(audited(&audit), (3, 3));
        assert_eq!(audited(&json!({})), (0, 0));
    }
}

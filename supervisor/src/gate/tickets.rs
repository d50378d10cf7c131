//! Tickets to the payment gateway. The gateway is often the slowest part of an order, and nothing here
//! makes it faster: so an order that it could not take on in good time is refused before anything
//! is done for it.
//!
//! ```text
//!                      calls at once x how long an order may wait for them
//!  let in at once  =  ----------------------------------------------------
//!                              what a call takes just now
//! ```
//!
//! A gateway that takes longer the more it has to do gets less to do that way, and settles where
//! both sides wait equally long.
//!
//! A crowd at one offering gets none of the last quarter: whoever wants something else still gets in.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use surehold_actors::payments::load::Load;

use crate::limits::{
    GATEWAY_CALLS_MAX, GATEWAY_WAIT, PLACING_MAX, TICKET_HELD, TICKET_PAUSE, TICKETS_MIN,
};
use crate::refusal::Refusal;

/// Counts the orders that are on their way to the payments. Those that are there count themselves,
/// also when whoever placed them hung up.
#[derive(Default)]
pub(crate) struct Tickets {
    coming: AtomicUsize,
}

/// An order that was let in.
#[derive(Debug)]
pub(crate) struct Ticket<'g> {
    coming: &'g AtomicUsize,
}

impl Tickets {
    /// Lets an order in that will ask for money. `beside` says how many orders for the same offering are
    /// under way.
    pub(crate) async fn take(
        &self,
        load: &Load,
        beside: impl Fn() -> usize,
    ) -> Result<Ticket<'_>, Refusal> {
        if let Some(ticket) = self.try_take(load, beside()) {
            return Ok(ticket);
        }
        // A burst is no overload: a gateway that keeps up has room again at once.
        tokio::time::sleep(TICKET_PAUSE).await;
        self.try_take(load, beside()).ok_or_else(|| {
            metrics::counter!("surehold_refused_overload_total").increment(1);
            Refusal::unavailable("the payment gateway has enough to do; try again shortly")
        })
    }

    /// Orders on their way.
    #[cfg(test)]
    pub(crate) fn coming(&self) -> usize {
        self.coming.load(Ordering::Relaxed)
    }

    fn try_take(&self, load: &Load, beside: usize) -> Option<Ticket<'_>> {
        let room = room_beside(room(load.mean()), beside);
        // Counted first, so that two who come together do not both take the last one.
        let coming = self.coming.fetch_add(1, Ordering::Relaxed);
        let ticket = Ticket { coming: &self.coming };
        (coming.max(load.under_way()) < room).then_some(ticket)
    }
}

impl Ticket<'_> {
    /// Holds the ticket while an order settles, but no longer than an order needs to get to the
    /// payments.
    pub(crate) async fn hold<T>(self, settling: impl Future<Output = T>) -> T {
        let mut settling = pin!(settling);
        if let Ok(settled) = tokio::time::timeout(TICKET_HELD, settling.as_mut()).await {
            return settled;
        }
        drop(self);
        settling.await
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.coming.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many may stand before a gateway whose calls take so long.
fn room(call: Option<Duration>) -> usize {
    // Until the first call ended: as many as find a call.
    let Some(call) = call else { return GATEWAY_CALLS_MAX };
    let wait = usize::try_from(GATEWAY_WAIT.as_micros()).unwrap_or(usize::MAX);
    let call = usize::try_from(call.as_micros()).unwrap_or(usize::MAX);
    let room = GATEWAY_CALLS_MAX.saturating_mul(wait) / call.max(1);
    room.clamp(TICKETS_MIN, PLACING_MAX)
}

/// What of it is for an order that has so many others for the same offering beside it.
fn room_beside(room: usize, beside: usize) -> usize {
    let is_crowd = beside > room / 2;
    if is_crowd { room - room / 4 } else { room }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_leaves_a_quarter_to_the_others() {
        assert_eq!(room_beside(400, 200), 400, "half of it is no crowd");
        assert_eq!(room_beside(400, 201), 300);
        assert_eq!(room_beside(TICKETS_MIN, PLACING_MAX), TICKETS_MIN - TICKETS_MIN / 4);
    }

    #[test]
    fn a_slower_gateway_gets_less_to_do() {
        let room_at = |millis| room(Some(Duration::from_millis(millis)));
        assert_eq!(room(None), GATEWAY_CALLS_MAX);
        assert_eq!(room_at(0), PLACING_MAX);
        assert_eq!(room_at(20), PLACING_MAX);
        assert_eq!(room_at(500), 614, "all calls, and some who wait");
        assert_eq!(room_at(1000), 307, "fewer than the calls there are");
        assert_eq!(room_at(60_000), TICKETS_MIN, "never nobody: how else would it be noticed");
    }
}

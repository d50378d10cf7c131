//! How long an order is waited for, and its ticket held.

use std::pin::pin;
use std::time::Duration;

use surehold_domain::id::{OrderId, OrderKey};
use tokio::time::{Instant, timeout};

use super::{FIRST, Town};
use crate::engine::wait::settling_with;
use crate::limits::{SETTLE_WAIT, TICKET_HELD};

#[tokio::test(start_paused = true)]
async fn a_ticket_is_held_until_an_order_got_there_and_the_order_waited_for_longer() {
    let town = Town::fresh().await;
    let core = town.engine.core().unwrap();
    let tickets = &town.engine.inner.gate.tickets;
    let ticket = tickets.take(&core.post.load, || 0).await.unwrap();
    // An order that is never heard of.
    let order = OrderKey { market: FIRST, order: OrderId(99) };
    let settled = core.post.watchers.settled(order, 0);
    let began = Instant::now();
    let mut waiting = pin!(settling_with(&core, ticket, settled));
    let moment = Duration::from_millis(5);
    assert!(timeout(TICKET_HELD - moment, waiting.as_mut()).await.is_err());
    assert_eq!(tickets.coming(), 1);
    assert!(timeout(2 * moment, waiting.as_mut()).await.is_err());
    assert_eq!(tickets.coming(), 0, "it is there by now");
    assert!(waiting.await.is_none());
    let waited = began.elapsed();
    assert!(waited >= SETTLE_WAIT && waited < SETTLE_WAIT + 3 * moment, "{waited:?}");
    // One that settles at once gives the ticket back at once.
    let ticket = tickets.take(&core.post.load, || 0).await.unwrap();
    let settled = core.post.watchers.settled(order, 0);
    core.post.watchers.release();
    assert!(settling_with(&core, ticket, settled).await.is_none());
    assert_eq!(tickets.coming(), 0);
}

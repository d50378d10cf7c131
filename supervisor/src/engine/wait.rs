//! Waiting for an order to settle, and for answers: always for a limited time.

use std::time::Duration;

use surehold_actors::watch::Seen;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::core::Core;
use crate::gate::Ticket;
use crate::limits::{SETTLE_WAIT, TICKET_HELD};

/// Waits for an order to settle for a limited time; `None` when the time is up, or when the journal
/// closed and nothing more will come of waiting. Who waits then is let go by whoever keeps the journal.
pub(super) async fn settling(
    core: &Core,
    time: Duration,
    settled: oneshot::Receiver<Seen>,
) -> Option<Seen> {
    // Whoever registered after those were let go sees it here.
    if core.post.shelf.journal().durable().is_closed() {
        return None;
    }
    within(time, settled).await
}

/// As [`settling`], for as long as whoever places an order waits. The ticket is held meanwhile, but no
/// longer than an order needs to get to the payments: one wait after the other, because each sets a
/// timer, and nearly always the first is enough.
pub(super) async fn settling_with(
    core: &Core,
    ticket: Ticket<'_>,
    mut settled: oneshot::Receiver<Seen>,
) -> Option<Seen> {
    if core.post.shelf.journal().durable().is_closed() {
        return None;
    }
    if let Ok(settled) = timeout(TICKET_HELD, &mut settled).await {
        return settled.ok();
    }
    drop(ticket);
    settling(core, SETTLE_WAIT - TICKET_HELD, settled).await
}

/// Waits for an answer for a limited time; `None` when the time is up or nobody will answer.
pub(super) async fn within<T>(time: Duration, answer: oneshot::Receiver<T>) -> Option<T> {
    timeout(time, answer).await.ok()?.ok()
}

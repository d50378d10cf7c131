//! The orders that wait for an answer, close together: they are gone through every few seconds, and
//! an order joins, is renewed and leaves without a search. Whoever keeps an order knows its place.

use surehold_domain::id::OrderKey;
use surehold_domain::saga::Party;
use surehold_domain::time::{Span, Timestamp};

/// An order that waits for an answer.
#[derive(Debug, Clone, Copy)]
struct Waits {
    order: OrderKey,
    /// Who owes it.
    party: Party,
    /// When it was last entered, or last found waiting.
    since: Timestamp,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Owed(Vec<Waits>);

impl Owed {
    /// An order waits; says at which place it stands.
    pub(super) fn join(&mut self, order: OrderKey, party: Party, since: Timestamp) -> u32 {
        self.0.push(Waits { order, party, since });
        // Memory ends long before the numbers do.
        u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX)
    }

    /// The order at this place waits from now on, perhaps for somebody else.
    pub(super) fn renew(&mut self, place: u32, party: Party, since: Timestamp) {
        if let Some(waits) = self.0.get_mut(place as usize) {
            (waits.party, waits.since) = (party, since);
        }
    }

    /// The order at this place waits no longer. Another one may stand there now: that one is returned.
    pub(super) fn leave(&mut self, place: u32) -> Option<OrderKey> {
        if self.0.len() > place as usize {
            self.0.swap_remove(place as usize);
        }
        self.0.get(place as usize).map(|waits| waits.order)
    }

    /// Those that wait for `party`, or for anybody, in no order.
    pub(super) fn by(&self, party: Option<Party>) -> impl Iterator<Item = OrderKey> + '_ {
        let wanted = self.0.iter().filter(move |waits| party.is_none_or(|it| waits.party == it));
        wanted.map(|waits| waits.order)
    }

    /// Those that have waited for at least `patience`, at most `limit`; they begin anew.
    pub(super) fn found_waiting(
        &mut self,
        now: Timestamp,
        patience: Span,
        limit: usize,
    ) -> Vec<OrderKey> {
        let late = |waits: &&mut Waits| now.since(waits.since) >= patience;
        let found = self.0.iter_mut().filter(late).take(limit);
        found
            .map(|waits| {
                waits.since = now;
                waits.order
            })
            .collect()
    }
}

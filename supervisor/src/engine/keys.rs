//! Idempotency keys: one request, one order, for as long as the order exists.

use surehold_actors::machine::Machine;
use surehold_actors::shelf::Appended;
use surehold_actors::stream;
use surehold_domain::id::{MarketId, OrderKey};
use surehold_domain::idempotency::{KEY_LENGTH_MAX, KeyUse};
use surehold_domain::saga::Saga;

use super::orders::load;
use super::{Engine, Market};
use crate::core::Core;
use crate::refusal::Refusal;
use crate::view::{Idempotency, OrderView};

impl Engine {
    /// The order that was placed with this idempotency key, as it stands; `None` if the key was
    /// never used in this market.
    ///
    /// # Errors
    /// [`Refusal`] if it cannot be read.
    pub async fn order_by_key(
        &self,
        market: Market,
        key: &str,
    ) -> Result<Option<OrderView>, Refusal> {
        let core = self.core()?;
        let plan = self.plan(market);
        let market = self.market_id(&core, market);
        let Some((_, used)) = find_key(&core, market, key)? else { return Ok(None) };
        let seen = load(&core, OrderKey { market, order: used.order })?;
        self.show(&core, plan, seen).await.map(Some)
    }
}

pub(super) fn check_key(key: &Idempotency) -> Result<(String, u64), Refusal> {
    let visible = key.key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if key.key.is_empty() || key.key.len() > KEY_LENGTH_MAX || !visible {
        let reason = format!("must be 1 to {KEY_LENGTH_MAX} visible ASCII characters");
        return Err(Refusal::invalid("Idempotency-Key", reason));
    }
    Ok((key.key.clone(), hash(&key.body)))
}

/// A stable 64-bit hash (FNV-1a): it is stored, so it must not change with the standard library.
fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bytes {
        hasher = (hasher ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hasher
}

/// The use of a key, and the stream it stands in. Keys whose hashes clash stand one after another.
pub(super) fn find_key(
    core: &Core,
    market: MarketId,
    key: &str,
) -> Result<Option<(u64, KeyUse)>, Refusal> {
    let mut place = hash(key.as_bytes());
    while let Some(found) = core.post.shelf.load::<KeyUse>(stream::key(market, place))? {
        if found.machine.key == key {
            return Ok(Some((place, found.machine)));
        }
        place = place.wrapping_add(1);
    }
    Ok(None)
}

/// Appends the key and the order together, in the first free place for the key.
pub(super) fn append_keyed(
    core: &Core,
    order: OrderKey,
    key: String,
    fingerprint: u64,
    fact: &<Saga as Machine>::Fact,
) -> Result<Appended<KeyUse>, Refusal> {
    let mut place = hash(key.as_bytes());
    let used = KeyUse { key, fingerprint, order: order.order, at: core.post.clock.now() };
    loop {
        let guard = (stream::key(order.market, place), &used);
        let appended =
            core.post.shelf.append_unless::<KeyUse, Saga>(guard, (stream::order(order), fact))?;
        match appended {
            Appended::Exists(found) if found.machine.key != used.key => {
                place = place.wrapping_add(1);
            }
            done @ (Appended::Done(_) | Appended::Exists(_)) => return Ok(done),
        }
    }
}

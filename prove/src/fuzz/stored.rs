//! What is stored: envelopes, frames, and the facts and states of every kind of thing.

use std::collections::BTreeMap;

use surehold_actors::glance;
use surehold_actors::machine::{Machine, MarketName, NodeLife, Serial, Switch};
use surehold_domain::confirmation::Confirmation;
use surehold_domain::idempotency::KeyUse;
use surehold_domain::inventory::Inventory;
use surehold_domain::message::Message;
use surehold_domain::mileage::Mileage;
use surehold_domain::payment::Payment;
use surehold_domain::review::Review;
use surehold_domain::saga::{Event, Saga};
use surehold_storage::codec;
use surehold_storage::redb::trial;

/// Values of every shape that a length or a mark stands before.
type Shapes = (u64, String, Vec<u32>, BTreeMap<String, Option<i64>>, Result<u128, bool>);

/// An envelope around one of the stored shapes: what is read is written and read again as the same.
///
/// # Errors
/// What does not hold.
pub fn envelope(bytes: &[u8]) -> Result<bool, String> {
    let Ok((version, body)) = codec::open(bytes) else { return Ok(false) };
    let Ok(value) = codec::decode::<Shapes>(body) else { return Ok(false) };
    let written = codec::encode(version, &value).map_err(said("it cannot be written"))?;
    let (again, body) = codec::open(&written).map_err(said("what was written is no envelope"))?;
    let read: Shapes = codec::decode(body).map_err(said("what was written cannot be read"))?;
    if again == version && read == value {
        Ok(true)
    } else {
        Err(format!("{value:?} was read again as {read:?}"))
    }
}

/// A frame, as it is and with checksums that fit: what is read is written again as the same bytes.
///
/// # Errors
/// What does not hold.
pub fn frame(bytes: &[u8]) -> Result<bool, String> {
    let sealed = trial::sealed(bytes);
    let mut taken = false;
    for bytes in [bytes, &sealed] {
        match trial::again(bytes)? {
            None => {}
            Some(again) if again == bytes => taken = true,
            Some(_) => return Err("the frame was written again as another one".to_owned()),
        }
    }
    Ok(taken)
}

/// A fact or a state: the first byte says of what kind, and its highest bit which of the two; the rest is as it would be
/// stored.
///
/// # Errors
/// What does not hold.
pub fn fact(bytes: &[u8]) -> Result<bool, String> {
    let Some((kind, bytes)) = bytes.split_first() else { return Ok(false) };
    let state = kind & 0x80 != 0;
    match (kind & 0x7f) % 12 {
        0 => {
            let taken = read::<Saga>(state, bytes)?;
            if taken && !state {
                glanced(bytes)?;
            }
            Ok(taken)
        }
        1 => read::<Inventory>(state, bytes),
        2 => read::<Payment>(state, bytes),
        3 => read::<Confirmation>(state, bytes),
        4 => read::<Mileage>(state, bytes),
        5 => read::<Review>(state, bytes),
        6 => read::<Message>(state, bytes),
        7 => read::<KeyUse>(state, bytes),
        8 => read::<MarketName>(state, bytes),
        9 => read::<Serial>(state, bytes),
        10 => read::<Switch>(state, bytes),
        _ => read::<NodeLife>(state, bytes),
    }
}

fn read<M: Machine>(state: bool, bytes: &[u8]) -> Result<bool, String> {
    let again = |bytes: &[u8]| -> Result<Vec<u8>, codec::CodecError> {
        if state {
            let (version, body) = codec::open(bytes)?;
            return Ok(codec::encode(version, &codec::decode::<M>(body)?)?.to_vec());
        }
        Ok(M::fact_to_bytes(&M::fact_from_bytes(bytes)?)?.to_vec())
    };
    let Ok(once) = again(bytes) else { return Ok(false) };
    let twice = again(&once).map_err(said("what was written cannot be read"))?;
    if once == twice { Ok(true) } else { Err("it is written differently each time".to_owned()) }
}

/// Who only glances at an order's fact sees what is there.
fn glanced(bytes: &[u8]) -> Result<(), String> {
    let whole = Saga::fact_from_bytes(bytes).map_err(said("it cannot be read again"))?;
    let glance = glance::order(bytes).map_err(said("what can be read cannot be glanced at"))?;
    let mut placed = None;
    if let Event::Placed { order, .. } = &whole.event {
        placed = Some((order.customer.as_str(), order.offering));
    }
    if glance.turn() == whole.event.turn() && glance.placed() == placed {
        Ok(())
    } else {
        Err(format!("a glance says something else than {whole:?}"))
    }
}

fn said(what: &'static str) -> impl Fn(codec::CodecError) -> String {
    move |error| format!("{what}: {error}")
}

//! What a glance says of a stored fact is what the whole fact says: over one sample of everything that
//! is stored, in every version there was.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use surehold_actors::glance;
use surehold_actors::machine::Machine;
use surehold_domain::inventory::{self, Inventory};
use surehold_domain::message::{Message, Occasion};
use surehold_domain::payment::{self, Payment};
use surehold_domain::saga::{Event, Saga};

use crate::{samples, unhex};

/// The samples as they are written today, and as every older version wrote them.
fn stored<M: Machine>(name: &str, facts: &[M::Fact]) -> Vec<Vec<u8>> {
    let today = facts.iter().map(|fact| M::fact_to_bytes(fact).unwrap().to_vec());
    let older = (1..M::FACT_VERSION).flat_map(|version| {
        let file = format!("tests/golden/{name}-facts-v{version}.hex");
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        text.lines().map(unhex).collect::<Vec<_>>()
    });
    today.chain(older).collect()
}

#[test]
fn of_orders() {
    let (mut kinds, mut turns, mut placed) = (BTreeSet::new(), 0, 0);
    let facts = stored::<Saga>("order", &samples::order_facts());
    for bytes in &facts {
        let (whole, glance) =
            (Saga::fact_from_bytes(bytes).unwrap(), glance::order(bytes).unwrap());
        assert_eq!(glance.turn(), whole.event.turn(), "{whole:?}");
        let order = if let Event::Placed { order, .. } = &whole.event {
            Some((order.customer.as_str(), order.offering))
        } else {
            None
        };
        assert_eq!(glance.placed(), order, "{whole:?}");
        kinds.insert(whole.event.kind().name());
        turns += usize::from(glance.turn().is_some());
        placed += usize::from(order.is_some());
    }
    assert_eq!(kinds.len(), 23, "a sample of every variant: {kinds:?}");
    assert!(turns > 20 && placed > 6, "{turns} turns, {placed} placed, of {}", facts.len());
}

#[test]
fn of_payments_and_offerings() {
    let payments = stored::<Payment>("payment", &samples::payment_facts());
    let mut names = BTreeSet::new();
    for bytes in &payments {
        let event = Payment::fact_from_bytes(bytes).unwrap().event;
        assert_eq!(glance::is_captured(bytes).unwrap(), event == payment::Event::Captured);
        names.insert(event.name());
    }
    assert_eq!(names.len(), 10, "a sample of every variant: {names:?}");
    names.clear();
    for bytes in &stored::<Inventory>("offering", &samples::offering_facts()) {
        let event = Inventory::fact_from_bytes(bytes).unwrap().event;
        let changed = matches!(event, inventory::Event::Changed(_));
        assert_eq!(glance::is_changed(bytes).unwrap(), changed, "{event:?}");
        names.insert(event.name());
    }
    assert_eq!(names.len(), 7, "a sample of every variant: {names:?}");
}

#[test]
fn of_messages() {
    let messages: Vec<Message> = Occasion::ALL.into_iter().map(samples::message).collect();
    for (bytes, message) in stored::<Message>("message", &messages).iter().zip(&messages) {
        assert_eq!(glance::told_to(bytes).unwrap(), message.customer);
    }
}

#[test]
fn a_newer_version_is_refused_by_name_and_half_a_fact_is_none() {
    let bytes = Saga::fact_to_bytes(&samples::order_facts()[0]).unwrap().to_vec();
    let Err(error) = glance::order(&bytes[..12]) else { panic!("half a fact was read") };
    assert!(error.to_string().contains("does not decode"), "{error}");
    let newer = [&[99], &bytes[1..]].concat();
    let Err(error) = glance::order(&newer) else { panic!("a newer fact was read") };
    assert!(error.to_string().contains("stored version 99 is not known here"), "{error}");
}

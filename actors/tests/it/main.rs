//! What is stored stays readable: every version of every stored type, held against golden files.
//!
//! A golden file is the bytes in hexadecimal, one value a line. A type that changes gets a new
//! version and new files; the old files stay, and must decode for ever. To write the files of a new
//! version, run this with `SUREHOLD_WRITE_GOLDEN=1` and look at what changed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

mod gateways;
mod glances;
mod samples;

use std::fmt::Write;
use std::path::PathBuf;

use surehold_actors::machine::{Machine, Serial, Switch};
use surehold_actors::shelf::checkpoint::{META_VERSION, Meta};
use surehold_domain::confirmation::Confirmation;
use surehold_domain::id::OrderId;
use surehold_domain::idempotency::KeyUse;
use surehold_domain::inventory::Inventory;
use surehold_domain::message::{Message, Occasion};
use surehold_domain::mileage::Mileage;
use surehold_domain::payment::Payment;
use surehold_domain::review::Review;
use surehold_domain::saga::Saga;
use surehold_storage::codec;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Holds the values against the file, both ways.
fn golden(name: &str, values: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let now: String = values.iter().map(|value| hex(value) + "\n").collect();
    if std::env::var_os("SUREHOLD_WRITE_GOLDEN").is_some() {
        std::fs::write(&file, &now).unwrap();
    }
    let stored = std::fs::read_to_string(&file).unwrap();
    assert_eq!(stored, now, "{name}: what is written today is not what was written then");
    stored.lines().map(unhex).collect()
}

fn check<M: Machine + PartialEq + std::fmt::Debug>(name: &str, facts: &[M::Fact], states: &[M])
where
    M::Fact: PartialEq + std::fmt::Debug,
{
    let encoded: Vec<Vec<u8>> =
        facts.iter().map(|fact| M::fact_to_bytes(fact).unwrap().to_vec()).collect();
    let stored = golden(&format!("{name}-facts-v{}.hex", M::FACT_VERSION), &encoded);
    for (bytes, fact) in stored.iter().zip(facts) {
        assert_eq!(M::fact_from_bytes(bytes).unwrap(), *fact, "{name}");
    }
    let encoded: Vec<Vec<u8>> = states
        .iter()
        .map(|state| codec::encode(M::STATE_VERSION, state).unwrap().to_vec())
        .collect();
    let stored = golden(&format!("{name}-states-v{}.hex", M::STATE_VERSION), &encoded);
    for (bytes, state) in stored.iter().zip(states) {
        let (version, body) = codec::open(bytes).unwrap();
        assert_eq!(version, M::STATE_VERSION);
        assert_eq!(codec::decode::<M>(body).unwrap(), *state, "{name}");
    }
}

/// Facts that an older version wrote are today's facts. (Snapshots of an older version are not read:
/// they are built anew from the facts.)
fn older<M: Machine>(name: &str, facts: &[M::Fact])
where
    M::Fact: PartialEq + std::fmt::Debug,
{
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let stored = std::fs::read_to_string(&file).unwrap();
    assert_eq!(stored.lines().count(), facts.len(), "{name}");
    for (line, fact) in stored.lines().zip(facts) {
        assert_eq!(M::fact_from_bytes(&unhex(line)).unwrap(), *fact, "{name}");
    }
}

#[test]
fn orders() {
    let facts = samples::order_facts();
    check::<Saga>("order", &facts, &samples::sagas(&facts));
    older::<Saga>("order-facts-v1.hex", &samples::first_order_facts());
    older::<Saga>("order-facts-v2.hex", &samples::second_order_facts());
}

#[test]
fn offerings() {
    let facts = samples::offering_facts();
    check::<Inventory>("offering", &facts, &samples::inventories(&facts));
    older::<Inventory>("offering-facts-v1.hex", &samples::first_offering_facts());
}

#[test]
fn mileages() {
    let facts = samples::mileage_facts();
    check::<Mileage>("mileage", &facts, &samples::mileages(&facts));
}

#[test]
fn reviews() {
    let facts = samples::review_facts();
    check::<Review>("review", &facts, &samples::reviews(&facts));
}

#[test]
fn messages() {
    let messages: Vec<Message> = Occasion::ALL.into_iter().map(samples::message).collect();
    check::<Message>("message", &messages, &messages);
}

#[test]
fn serials_and_switches() {
    let serial = Serial { order: OrderId(300) };
    check::<Serial>("serial", std::slice::from_ref(&serial), std::slice::from_ref(&serial));
    let switch = Switch { stopped: true, number: 3 };
    check::<Switch>("switch", &[true, false], std::slice::from_ref(&switch));
}

#[test]
fn payments() {
    let facts = samples::payment_facts();
    check::<Payment>("payment", &facts, &samples::payments(&facts));
    older::<Payment>("payment-facts-v1.hex", &samples::first_payment_facts());
}

#[test]
fn confirmations() {
    let facts = samples::confirmation_facts();
    check::<Confirmation>("confirmation", &facts, &samples::confirmations(&facts));
}

#[test]
fn keys() {
    let key = samples::key_use();
    check::<KeyUse>("key", std::slice::from_ref(&key), std::slice::from_ref(&key));
}

#[test]
fn meta() {
    let meta = Meta {
        journal: 0x0123_4567_89ab_cdef,
        watermark: 4711,
        counters: vec![(4, 0, 17), (5, 0, 12)],
        entries: 3,
        sum: u64::MAX - 1,
    };
    let bytes = codec::encode(META_VERSION, &meta).unwrap().to_vec();
    let stored = golden(&format!("meta-v{META_VERSION}.hex"), &[bytes]);
    let (_, body) = codec::open(&stored[0]).unwrap();
    assert_eq!(codec::decode::<Meta>(body).unwrap(), meta);
}

#[test]
fn a_newer_version_is_refused_by_name() {
    let mut bytes = Saga::fact_to_bytes(&samples::order_facts()[0]).unwrap().to_vec();
    bytes[0] = 99;
    let error = Saga::fact_from_bytes(&bytes).unwrap_err();
    assert!(error.to_string().contains("stored version 99 is not known here"), "{error}");
}

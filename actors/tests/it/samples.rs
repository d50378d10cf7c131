//! One value of everything that is stored. Values here never change: the golden files are made of
//! them.

use std::collections::BTreeMap;

use surehold_actors::machine::Machine;
use surehold_domain::attributes::Attribute;
use surehold_domain::card::Card;
use surehold_domain::confirmation::{self, Confirmation};
use surehold_domain::day::Day;
use surehold_domain::id::{
    ConfirmationId, MarketId, MessageId, OfferingId, OrderId, OrderKey, PaymentId,
};
use surehold_domain::idempotency::KeyUse;
use surehold_domain::inventory::{self, Inventory, Model, Offering};
use surehold_domain::message::{Message, Occasion};
use surehold_domain::mileage::{self, Mileage};
use surehold_domain::money::{Currency, Money};
use surehold_domain::order::Claim;
use surehold_domain::payment::{self, Payment};
use surehold_domain::quantity::Quantity;
use surehold_domain::review::{self, Opinion, Review};
use surehold_domain::saga::{AfterHold, Event, Fact, Reason, Return, Saga, Undo};
use surehold_domain::slot::Slot;
use surehold_domain::terms::{Earn, LateMoney, MileageTerms, RefundTier};
use surehold_domain::time::{Span, Timestamp};
use surehold_domain::zone::Zone;
use surehold_storage::Stream;

const AT: Timestamp = Timestamp(1_800_000_000_000);
const UNTIL: Timestamp = Timestamp(1_800_000_900_000);
const KEY: OrderKey = OrderKey { market: MarketId(2), order: OrderId(300) };

fn euro(amount: i64) -> Money {
    Money::new(amount, Currency::parse("EUR").unwrap()).unwrap()
}

fn undo(reason: Reason, money: Return) -> Undo {
    Undo { reason, money, withdraw: Some(ConfirmationId(9)) }
}

fn attributes() -> BTreeMap<String, Attribute> {
    let values = [
        Attribute::Null,
        Attribute::Flag(true),
        Attribute::Whole(-7),
        Attribute::Decimal(2.5),
        Attribute::Text("Bowling".to_owned()),
    ];
    values.into_iter().enumerate().map(|(index, value)| (format!("a{index}"), value)).collect()
}

/// The facts of orders that the first version knew.
pub(crate) fn first_order_facts() -> Vec<Fact> {
    let mut order = surehold_domain::testing::order();
    order.attributes = attributes();
    order.starts_at = Some(UNTIL);
    order.terms.tiers = vec![RefundTier { until: Span(172_800_000), percent: 50 }];
    let (payment, confirmation, until) = (PaymentId(8), ConfirmationId(9), UNTIL);
    let unpaid = undo(Reason::Unpaid, Return::Nothing);
    let events = [
        Event::Placed {
            order: Box::new(order),
            card: Some(Card::Number { last4: "4242".to_owned() }),
            until,
        },
        Event::Held(AfterHold::Pay { payment, until }),
        Event::Held(AfterHold::PayLater { until }),
        Event::Held(AfterHold::Confirm { confirmation, until }),
        Event::Held(AfterHold::Undo { undo: unpaid, until }),
        Event::Refused(Reason::NoRoom),
        Event::PayRequested { payment, card: Card::Token("7".to_owned()), until },
        Event::PaymentDeferred { until },
        Event::Paid { confirmation, until },
        Event::ConfirmationAwaited,
        Event::ConfirmationDemanded { until },
        Event::Confirmed { until },
        Event::Fulfilled,
        Event::UndoStarted {
            undo: undo(Reason::Customer(Some("ill".to_owned())), Return::Part(euro(500))),
            until,
            attributes: attributes(),
        },
        Event::UndoRetried { attempt: 2, until },
        Event::Refunded { amount: euro(500), until },
        Event::Released { until },
        Event::Withdrawn,
        Event::GotStuck { until },
        Event::Resumed { until },
        Event::Quoted { refund: euro(1000), until },
        Event::Annotated(attributes()),
    ];
    events.into_iter().map(|event| Fact { at: AT, event }).collect()
}

/// The facts of orders, and what the third version brought.
pub(crate) fn order_facts() -> Vec<Fact> {
    let (payment, confirmation, until) = (PaymentId(8), ConfirmationId(9), UNTIL);
    let mut order = surehold_domain::testing::order();
    order.terms.late = LateMoney::Retake;
    order.terms.no_show = 25;
    let undone = |reason, money| Event::UndoStarted {
        undo: undo(reason, money),
        until,
        attributes: BTreeMap::new(),
    };
    let events = [
        Event::Placed { order: Box::new(order), card: None, until },
        Event::PaymentResumed { payment, until },
        undone(Reason::PaymentExpired, Return::Retake),
        Event::Retaken { confirmation, points: false, until },
        Event::Retaken { confirmation, points: true, until },
        undone(Reason::NoShow(Some("waited".to_owned())), Return::Part(euro(250))),
    ];
    let more = events.into_iter().map(|event| Fact { at: AT, event });
    second_order_facts().into_iter().chain(more).collect()
}

/// The facts of orders that the first version knew, and what the second brought.
pub(crate) fn second_order_facts() -> Vec<Fact> {
    let (confirmation, until) = (ConfirmationId(9), UNTIL);
    let placed = |claim| {
        let mut order = surehold_domain::testing::order();
        order.claim = claim;
        order.terms.mileage = Some(MileageTerms { earn: Earn::Per(1000), sync: true });
        Event::Placed { order: Box::new(order), card: None, until }
    };
    let (from, units) = (Day::parse("2027-03-27").unwrap(), Quantity::ONE);
    let events = [
        placed(Claim::Nights { from, to: from.plus(2), units }),
        placed(Claim::Slot { slot: slot(), units }),
        placed(Claim::Supply(Quantity::parse("20000.5").unwrap())),
        Event::Charged { confirmation, until },
        Event::Delivered { until },
        Event::Refused(Reason::MileageUnavailable),
        Event::Refused(Reason::WrongClaim),
        Event::Refused(Reason::NotDelivered),
    ];
    let more = events.into_iter().map(|event| Fact { at: AT, event });
    first_order_facts().into_iter().chain(more).collect()
}

/// Half past two, the second time, on the night when summer ends.
fn slot() -> Slot {
    Zone::parse("Europe/Berlin").unwrap().slot("2026-10-25T02:30+01:00").unwrap()
}

fn stream() -> Stream {
    Stream { kind: 4, group: 2, id: 300 }
}

/// The machine after each of its facts, whether or not they would follow one another in life.
fn states<M: Machine>(facts: &[M::Fact]) -> Vec<M> {
    let mut machine = M::begin(stream(), &facts[0]).unwrap();
    let mut states = vec![machine.clone()];
    for fact in &facts[1..] {
        machine.apply(fact);
        states.push(machine.clone());
    }
    states
}

pub(crate) fn sagas(facts: &[Fact]) -> Vec<Saga> {
    states(facts)
}

fn offering(model: Model, overbook: Quantity) -> Box<Offering> {
    let (name, price) = ("A seat".to_owned(), euro(1250));
    Box::new(Offering { name, price, model, overbook, attributes: attributes() })
}

/// The facts of offerings, and what the second version brought.
pub(crate) fn offering_facts() -> Vec<inventory::Fact> {
    let whole = |units| Quantity::whole(units).unwrap();
    let slots = vec![slot()];
    let zone = Zone::parse("Europe/Berlin").unwrap();
    let (from, units) = (Day::parse("2027-03-27").unwrap(), whole(1));
    let events = [
        inventory::Event::Changed(offering(Model::Nights { units: whole(3) }, whole(2))),
        inventory::Event::Held {
            order: OrderId(301),
            claim: Claim::Nights { from, to: from.plus(2), units },
        },
        inventory::Event::Released { order: OrderId(301) },
        inventory::Event::Changed(offering(
            Model::Slots { capacity: whole(1), zone, slots },
            Quantity::NONE,
        )),
        inventory::Event::Held { order: OrderId(302), claim: Claim::Slot { slot: slot(), units } },
        inventory::Event::Received { order: OrderId(303), quantity: whole(20) },
        inventory::Event::Adjusted { quantity: whole(1), up: false },
    ];
    let more = events.into_iter().map(|event| inventory::Fact { at: AT, event });
    first_offering_facts().into_iter().chain(more).collect()
}

/// The facts of offerings that the first version knew.
pub(crate) fn first_offering_facts() -> Vec<inventory::Fact> {
    let offering = |model| offering(model, Quantity::NONE);
    let whole = |units| Quantity::whole(units).unwrap();
    let claim = Claim::Units(whole(2));
    let events = [
        inventory::Event::Opened(offering(Model::Unlimited)),
        inventory::Event::Changed(offering(Model::Seats { capacity: whole(3) })),
        inventory::Event::Changed(offering(Model::Stock { quantity: whole(20_000) })),
        inventory::Event::Held { order: OrderId(300), claim },
        inventory::Event::Released { order: OrderId(300) },
        inventory::Event::Closed,
    ];
    events.into_iter().map(|event| inventory::Fact { at: AT, event }).collect()
}

pub(crate) fn inventories(facts: &[inventory::Fact]) -> Vec<Inventory> {
    states(facts)
}

/// The facts of payments, and what the second version brought.
pub(crate) fn payment_facts() -> Vec<payment::Fact> {
    let event = payment::Event::SettleRequested;
    first_payment_facts().into_iter().chain([payment::Fact { at: AT, event }]).collect()
}

/// The facts of payments that the first version knew.
pub(crate) fn first_payment_facts() -> Vec<payment::Fact> {
    let events = [
        payment::Event::Requested {
            order: KEY,
            amount: euro(1000),
            card: Some(Card::Token("7".to_owned())),
        },
        payment::Event::Unanswered { attempt: 1, again_at: UNTIL },
        payment::Event::NotFound,
        payment::Event::Captured,
        payment::Event::RefundRequested(euro(500)),
        payment::Event::Refunded(euro(500)),
        payment::Event::VoidRequested,
        payment::Event::Voided,
        payment::Event::Declined("no".to_owned()),
    ];
    events.into_iter().map(|event| payment::Fact { at: AT, event }).collect()
}

pub(crate) fn payments(facts: &[payment::Fact]) -> Vec<Payment> {
    states(facts)
}

pub(crate) fn confirmation_facts() -> Vec<confirmation::Fact> {
    let events = [
        confirmation::Event::Queued { order: KEY, until: UNTIL },
        confirmation::Event::Issued { order: KEY },
        confirmation::Event::Confirmed,
        confirmation::Event::Rejected(Some("full up".to_owned())),
        confirmation::Event::Withdrawn,
        confirmation::Event::Abandoned { order: KEY },
    ];
    events.into_iter().map(|event| confirmation::Fact { at: AT, event }).collect()
}

pub(crate) fn confirmations(facts: &[confirmation::Fact]) -> Vec<Confirmation> {
    states(facts)
}

pub(crate) fn key_use() -> KeyUse {
    KeyUse { key: "k-1".to_owned(), fingerprint: 42, order: OrderId(300), at: AT }
}

pub(crate) fn mileage_facts() -> Vec<mileage::Fact> {
    let events = [
        mileage::Event::Credited {
            order: KEY,
            customer: "ann".to_owned(),
            offering: OfferingId(7),
            payment: Some(PaymentId(8)),
            points: 12,
        },
        mileage::Event::TakenBack,
    ];
    events.into_iter().map(|event| mileage::Fact { at: AT, event }).collect()
}

pub(crate) fn mileages(facts: &[mileage::Fact]) -> Vec<Mileage> {
    states(facts)
}

pub(crate) fn review_facts() -> Vec<review::Fact> {
    let opinion =
        |text: &str, rating| Opinion { customer: "ann".to_owned(), rating, text: text.to_owned() };
    let events = [
        review::Event::Written { offering: OfferingId(7), opinion: opinion("good", Some(5)) },
        review::Event::Changed(opinion("not so good", None)),
        review::Event::Removed,
    ];
    events.into_iter().map(|event| review::Fact { at: AT, event }).collect()
}

pub(crate) fn reviews(facts: &[review::Fact]) -> Vec<Review> {
    states(facts)
}

pub(crate) fn message(occasion: Occasion) -> Message {
    Message {
        id: MessageId(3),
        source: 4711,
        occasion,
        order: OrderId(300),
        offering: OfferingId(7),
        customer: "ann".to_owned(),
        text: "booked".to_owned(),
        at: AT,
    }
}

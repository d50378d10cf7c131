//! One value of everything that is stored. Values here never change: the golden files are made of
//! them.

use std::collections::BTreeMap;

use surehold_actors::machine::Machine;
use surehold_domain::attributes::Attribute;
use surehold_domain::card::Card;
use surehold_domain::confirmation::{self, Confirmation};
use surehold_domain::id::{ConfirmationId, MarketId, OrderId, OrderKey, PaymentId};
use surehold_domain::idempotency::KeyUse;
use surehold_domain::inventory::{self, Inventory, Model, Offering};
use surehold_domain::money::{Currency, Money};
use surehold_domain::order::Claim;
use surehold_domain::payment::{self, Payment};
use surehold_domain::quantity::Quantity;
use surehold_domain::saga::{AfterHold, Event, Fact, Reason, Return, Saga, Undo};
use surehold_domain::terms::RefundTier;
use surehold_domain::time::{Span, Timestamp};
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

pub(crate) fn order_facts() -> Vec<Fact> {
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

pub(crate) fn offering_facts() -> Vec<inventory::Fact> {
    let offering = |model| {
        let (name, price) = ("A seat".to_owned(), euro(1250));
        Box::new(Offering { name, price, model, attributes: attributes() })
    };
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

pub(crate) fn payment_facts() -> Vec<payment::Fact> {
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

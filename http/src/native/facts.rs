//! Committed facts, as subscribers read them. A card number never gets this far: of a card only the
//! last four characters are told.

use serde_json::{Map, Value, json};
use surehold::domain::confirmation::Event as ConfirmationEvent;
use surehold::domain::inventory::{Event as InventoryEvent, Offering};
use surehold::domain::message::Message;
use surehold::domain::mileage::Event as MileageEvent;
use surehold::domain::order::Claim;
use surehold::domain::payment::Event as PaymentEvent;
use surehold::domain::review::{Event as ReviewEvent, Opinion};
use surehold::domain::saga::{AfterHold, Event as OrderEvent, Undo};
use surehold::domain::time::Timestamp;
use surehold::event::{Committed, CommittedFact};

use crate::shapes::{Amount, Counted, Kept, Moment, Part, Price, Why, last4};

/// The fact's name on the wire.
#[must_use]
pub fn name(fact: &CommittedFact) -> &'static str {
    match fact {
        CommittedFact::Order(_, fact) => fact.event.kind().name(),
        CommittedFact::Offering(_, fact) => fact.event.name(),
        CommittedFact::Payment(_, fact) => fact.event.name(),
        CommittedFact::Confirmation(_, fact) => fact.event.name(),
        CommittedFact::Mileage(_, fact) => fact.event.name(),
        CommittedFact::Review(_, fact) => fact.event.name(),
        CommittedFact::Message(_, _) => "MessageWritten",
    }
}

/// The fact as JSON.
#[must_use]
pub fn body(committed: &Committed) -> Value {
    let (of, id, at, data) = match &committed.fact {
        CommittedFact::Order(id, fact) => ("order", id.0, fact.at, order(&fact.event)),
        CommittedFact::Offering(id, fact) => ("offering", id.0, fact.at, offering(&fact.event)),
        CommittedFact::Payment(id, fact) => ("payment", id.0, fact.at, payment(&fact.event)),
        CommittedFact::Confirmation(id, fact) => {
            ("confirmation", id.0, fact.at, confirmation(&fact.event))
        }
        CommittedFact::Mileage(id, fact) => ("mileage", id.0, fact.at, mileage(&fact.event)),
        CommittedFact::Review(id, fact) => ("review", id.0, fact.at, review(&fact.event)),
        CommittedFact::Message(id, message) => ("message", id.0, message.at, told(message)),
    };
    let mut body = Map::new();
    body.insert("sequence".to_owned(), json!(committed.sequence));
    body.insert("eventType".to_owned(), json!(name(&committed.fact)));
    body.insert("timestamp".to_owned(), json!(Moment(at)));
    body.insert(of.to_owned(), json!(id));
    body.insert("data".to_owned(), data);
    Value::Object(body)
}

fn order(event: &OrderEvent) -> Value {
    match event {
        OrderEvent::Placed { order, card, until } => {
            let data = json!({
                "customer": order.customer,
                "offering": order.offering.0,
                "quantity": Amount(order.claim.quantity()),
                "price": Price(order.price),
                "card_last4": last4(card.as_ref()),
                "attributes": Kept(&order.attributes),
                "deadline": Moment(*until),
            });
            of_part(data, &order.claim)
        }
        OrderEvent::Held(after) => held(after),
        OrderEvent::Refused(reason) => json!(Why::from(reason)),
        OrderEvent::PayRequested { payment, card, until } => json!({
            "payment": payment.0,
            "card_last4": card.last4(),
            "deadline": Moment(*until),
        }),
        OrderEvent::PaymentResumed { payment, until } => json!({
            "payment": payment.0,
            "deadline": Moment(*until),
        }),
        OrderEvent::Paid { confirmation, until } | OrderEvent::Charged { confirmation, until } => {
            json!({
                "confirmation": confirmation.0,
                "deadline": Moment(*until),
            })
        }
        OrderEvent::Retaken { confirmation, points, until } => json!({
            "confirmation": confirmation.0,
            "then": if *points { "credit" } else { "confirm" },
            "deadline": Moment(*until),
        }),
        OrderEvent::UndoStarted { undo, until, attributes } => json!({
            "undo": Why::from(&undo.reason),
            "attributes": Kept(attributes),
            "deadline": Moment(*until),
        }),
        OrderEvent::UndoRetried { attempt, until } => json!({
            "attempt": attempt,
            "deadline": Moment(*until),
        }),
        OrderEvent::Refunded { amount, until } => json!({
            "amount": Price(*amount),
            "deadline": Moment(*until),
        }),
        OrderEvent::Quoted { refund, until } => json!({
            "refund": Price(*refund),
            "valid_until": Moment(*until),
        }),
        OrderEvent::Annotated(attributes) => json!({ "attributes": Kept(attributes) }),
        OrderEvent::PaymentDeferred { until }
        | OrderEvent::ConfirmationDemanded { until }
        | OrderEvent::Confirmed { until }
        | OrderEvent::Released { until }
        | OrderEvent::GotStuck { until }
        | OrderEvent::Resumed { until }
        | OrderEvent::Delivered { until } => due(*until),
        OrderEvent::ConfirmationAwaited | OrderEvent::Fulfilled | OrderEvent::Withdrawn => {
            json!({})
        }
    }
}

/// The same, with the nights or the slot that are meant, or that stock is brought.
fn of_part(mut data: Value, claim: &Claim) -> Value {
    if let (Value::Object(fields), Value::Object(part)) = (&mut data, json!(Part::from(claim))) {
        fields.extend(part);
    }
    data
}

fn due(until: Timestamp) -> Value {
    json!({ "deadline": Moment(until) })
}

fn held(after: &AfterHold) -> Value {
    match after {
        AfterHold::Pay { payment, until } => json!({
            "then": "pay",
            "payment": payment.0,
            "deadline": Moment(*until),
        }),
        AfterHold::PayLater { until } => json!({ "then": "pay_later", "deadline": Moment(*until) }),
        AfterHold::Confirm { confirmation, until } => json!({
            "then": "confirm",
            "confirmation": confirmation.0,
            "deadline": Moment(*until),
        }),
        AfterHold::Undo { undo: Undo { reason, .. }, until } => json!({
            "then": "undo",
            "undo": Why::from(reason),
            "deadline": Moment(*until),
        }),
    }
}

fn offering(event: &InventoryEvent) -> Value {
    let whole = |offering: &Offering| {
        json!({
            "name": offering.name,
            "price": Price(offering.price),
            "inventory": Counted(&offering.model, offering.overbook),
            "attributes": Kept(&offering.attributes),
        })
    };
    match event {
        InventoryEvent::Opened(offering) | InventoryEvent::Changed(offering) => whole(offering),
        InventoryEvent::Closed => json!({}),
        InventoryEvent::Held { order, claim } => {
            let data = json!({ "order": order.0, "quantity": Amount(claim.quantity()) });
            of_part(data, claim)
        }
        InventoryEvent::Released { order } => json!({ "order": order.0 }),
        InventoryEvent::Received { order, quantity } => json!({
            "order": order.0,
            "quantity": Amount(*quantity),
        }),
        InventoryEvent::Adjusted { quantity, up } => json!({
            (if *up { "received" } else { "removed" }): Amount(*quantity),
        }),
    }
}

fn payment(event: &PaymentEvent) -> Value {
    match event {
        PaymentEvent::Requested { order, amount, card } => json!({
            "order": order.order.0,
            "amount": Price(*amount),
            "card_last4": last4(card.as_ref()),
        }),
        PaymentEvent::Declined(why) => json!({ "reason_text": why }),
        PaymentEvent::Unanswered { attempt, again_at } => json!({
            "attempt": attempt,
            "again_at": Moment(*again_at),
        }),
        PaymentEvent::RefundRequested(amount) | PaymentEvent::Refunded(amount) => {
            json!({ "amount": Price(*amount) })
        }
        PaymentEvent::Captured
        | PaymentEvent::NotFound
        | PaymentEvent::VoidRequested
        | PaymentEvent::SettleRequested
        | PaymentEvent::Voided => json!({}),
    }
}

fn confirmation(event: &ConfirmationEvent) -> Value {
    match event {
        ConfirmationEvent::Queued { order, until } => json!({
            "order": order.order.0,
            "deadline": Moment(*until),
        }),
        ConfirmationEvent::Issued { order } | ConfirmationEvent::Abandoned { order } => {
            json!({ "order": order.order.0 })
        }
        ConfirmationEvent::Rejected(why) => json!({ "reason_text": why }),
        ConfirmationEvent::Confirmed | ConfirmationEvent::Withdrawn => json!({}),
    }
}

fn mileage(event: &MileageEvent) -> Value {
    match event {
        MileageEvent::Credited { customer, offering, payment, points, .. } => json!({
            "customer": customer,
            "offering": offering.0,
            "payment": payment.map(|payment| payment.0),
            "points": points,
        }),
        MileageEvent::TakenBack => json!({}),
    }
}

fn review(event: &ReviewEvent) -> Value {
    let says = |opinion: &Opinion| {
        json!({
            "customer": opinion.customer,
            "rating": opinion.rating,
            "content": opinion.text,
        })
    };
    match event {
        ReviewEvent::Written { offering, opinion } => {
            let mut value = says(opinion);
            value["offering"] = json!(offering.0);
            value
        }
        ReviewEvent::Changed(opinion) => says(opinion),
        ReviewEvent::Removed => json!({}),
    }
}

fn told(message: &Message) -> Value {
    json!({
        "occasion": message.occasion.name(),
        "order": message.order.0,
        "offering": message.offering.0,
        "customer": message.customer,
        "text": message.text,
    })
}

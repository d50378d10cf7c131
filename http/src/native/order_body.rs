//! An order, as the native API shows it.

use serde::Serialize;
use surehold::domain::saga::Step;
use surehold::view::{History, OrderView, PaymentView};

use crate::shapes::{Amount, Kept, Moment, Part, Price, Why, last4};

/// The order object of the contract.
#[derive(Debug, Serialize)]
pub struct OrderBody<'a> {
    id: u64,
    market: &'a str,
    phase: &'static str,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    reason: Option<Why<'a>>,
    customer: &'a str,
    offering: u64,
    quantity: Amount,
    #[serde(flatten)]
    part: Part,
    price: Price,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<PaymentBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmation: Option<ConfirmationBody>,
    created_at: Moment,
    updated_at: Moment,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<Moment>,
    attributes: Kept<'a>,
}

#[derive(Debug, Serialize)]
struct PaymentBody<'a> {
    id: u64,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_last4: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct ConfirmationBody {
    id: u64,
    state: &'static str,
}

impl<'a> From<&'a PaymentView> for PaymentBody<'a> {
    fn from(payment: &'a PaymentView) -> Self {
        let card_last4 = last4(payment.card.as_ref());
        PaymentBody { id: payment.id.0, state: payment.state, card_last4 }
    }
}

impl<'a> From<&'a OrderView> for OrderBody<'a> {
    fn from(order: &'a OrderView) -> Self {
        let confirmation = order.confirmation.as_ref();
        OrderBody {
            id: order.id.0,
            market: &order.market,
            phase: order.phase.name(),
            reason: order.reason.as_ref().map(Why::from),
            customer: &order.customer,
            offering: order.offering.0,
            quantity: Amount(order.quantity),
            part: Part::from(&order.claim),
            price: Price(order.price),
            payment: order.payment.as_ref().map(PaymentBody::from),
            confirmation: confirmation
                .and_then(|made| made.state.map(|state| ConfirmationBody { id: made.id.0, state })),
            created_at: Moment(order.created_at),
            updated_at: Moment(order.updated_at),
            deadline: order.deadline.map(Moment),
            attributes: Kept(&order.attributes),
        }
    }
}

/// An order's history.
#[derive(Debug, Serialize)]
pub struct HistoryBody<'a> {
    order: u64,
    items: Vec<StepBody<'a>>,
}

#[derive(Debug, Serialize)]
struct StepBody<'a> {
    at: Moment,
    event: &'static str,
    phase: &'static str,
    cause: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

impl<'a> From<&'a History> for HistoryBody<'a> {
    fn from(history: &'a History) -> Self {
        let step = |step: &'a Step| StepBody {
            at: Moment(step.at),
            event: step.event.name(),
            phase: step.phase.name(),
            cause: step.cause.name(),
            note: step.note.as_deref(),
        };
        HistoryBody { order: history.order.0, items: history.steps.iter().map(step).collect() }
    }
}

//! One gateway call: after its pause, with a permit, once its reason is durable, for a limited time.

use std::sync::{Arc, Weak};
use std::time::Duration;

use surehold_domain::card::Card;
use surehold_domain::id::OrderKey;
use surehold_domain::money::Money;
use surehold_domain::payment::{Answer, Effect};
use tokio::sync::Semaphore;

use super::{PaymentsArgs, PaymentsMsg};
use crate::gateway::Request;
use crate::gateway::key::Key;
use crate::stream::PaymentKey;

/// What all calls share.
pub(super) struct Desk {
    pub(super) args: PaymentsArgs,
    pub(super) permits: Semaphore,
}

/// Everything a call needs.
pub(super) struct Call {
    pub(super) desk: Arc<Desk>,
    /// The life of the actor that wants the call.
    pub(super) life: Weak<()>,
    pub(super) key: PaymentKey,
    pub(super) order: OrderKey,
    /// How much, if the money is to come.
    pub(super) amount: Money,
    /// What with.
    pub(super) card: Option<Card>,
    /// The record that is the call's reason: nothing leaves the node before it is durable.
    pub(super) durable: u64,
    pub(super) effect: Effect,
    pub(super) pause: Duration,
}

/// Runs the call in a task of its own; the answer, or its absence, comes back as a message.
pub(super) fn call(mut call: Call) {
    let load = &call.desk.args.post.load;
    // Counted from here on, not from its permit on: it stands before the gateway.
    let under_way = call.pause.is_zero().then(|| load.enter());
    tokio::spawn(async move {
        let _under_way = under_way;
        let Desk { args, permits } = &*call.desk;
        let post = &args.post;
        if !call.pause.is_zero() {
            tokio::time::sleep(call.pause).await;
            post.payments.send(PaymentsMsg::Due(call.key));
            return;
        }
        // A closed journal ends this life of the tree; the next one asks again.
        if post.shelf.journal().durable().reached(call.durable).await.is_err() {
            return;
        }
        let card = call.card.take();
        let Ok(_permit) = permits.acquire().await else { return };
        if call.life.upgrade().is_none() {
            return;
        }
        let request = request(&call, card);
        let began = post.clock.now();
        let answering = match call.effect {
            Effect::Capture => post.gateway.capture(request),
            Effect::Ask => post.gateway.ask(request),
            Effect::Refund(_) => post.gateway.refund(request),
        };
        let answer = match tokio::time::timeout(args.call_timeout, answering).await {
            Ok(answer) => answer,
            Err(_) => Answer::Unknown(format!("no answer within {:?}", args.call_timeout)),
        };
        let (answered, now) = (!matches!(answer, Answer::Unknown(_)), post.clock.now());
        post.breaker.called(answered, began, now);
        post.load.took(now.since(began));
        post.payments.send(PaymentsMsg::Answered(call.key, answer));
    });
}

fn request(call: &Call, card: Option<Card>) -> Request {
    let post = &call.desk.args.post;
    let node = post.shelf.journal().identity();
    let key = Key { node, market: call.key.market, payment: call.key.payment };
    Request {
        key: match call.effect {
            Effect::Refund(_) => key.refund(),
            Effect::Capture | Effect::Ask => key.charge(),
        },
        amount: match call.effect {
            Effect::Refund(amount) => amount,
            Effect::Capture | Effect::Ask => call.amount,
        },
        secret: match &card {
            Some(Card::Number { .. }) => post.vault.get(call.order),
            // Whatever number is known belongs to another attempt to pay.
            Some(Card::Token(_)) | None => None,
        },
        card,
    }
}

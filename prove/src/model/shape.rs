//! What of a world counts: two worlds of the same shape go on in the same way.
//!
//! Numbers become places (the first payment of an order, what is asked for now or was before), time
//! only an order, and two orders that are placed alike are interchangeable. Reasons, notes and
//! histories decide nothing and are left out, and so is the number of attempts: that a compensation
//! gets stuck is a move of its own.

use std::hash::{DefaultHasher, Hash, Hasher};

use surehold_domain::confirmation;
use surehold_domain::id::{EffectId, OrderId, PaymentId};
use surehold_domain::payment::{self, Answer, Payment};
use surehold_domain::saga::{Asked, Effect, Outcome, Part, Return, Saga, State};
use surehold_domain::time::Timestamp;

use crate::world::{Message, Node, Said, World};

/// A fingerprint of a shape. Of ten million shapes, the chance that two share one is below 10^-24.
pub(crate) type Print = u128;

/// The fingerprint of a world's shape; with its tail if the node may still die.
pub(crate) fn print(world: &World, tail: bool) -> Print {
    let mut orders: Vec<Vec<u8>> = Vec::with_capacity(2);
    let cuts = if tail { cuts(world) } else { Vec::new() };
    for order in world.node.orders.keys() {
        let mut bytes = Vec::with_capacity(96);
        node_shape(&world.node, *order, &mut bytes);
        outside_shape(world, *order, &mut bytes);
        mail_shape(world, *order, &mut bytes);
        for cut in &cuts {
            bytes.push(255);
            node_shape(cut, *order, &mut bytes);
        }
        orders.push(bytes);
    }
    orders.sort_unstable();
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, world.breaker_open, &orders).hash(&mut hasher);
        hasher.finish()
    };
    (u128::from(half(1)) << 64) | u128::from(half(2))
}

/// The machines as the disk may know them after a crash.
fn cuts(world: &World) -> Vec<Node> {
    let mut cut = world.base.clone();
    let mut cuts = Vec::with_capacity(world.tail.len());
    for entry in &world.tail {
        cuts.push(cut.clone());
        cut.apply(entry);
    }
    cuts
}

fn node_shape(node: &Node, order: OrderId, bytes: &mut Vec<u8>) {
    let Some(saga) = node.orders.get(&order) else { return bytes.push(254) };
    saga_shape(saga, bytes);
    let holds = node.offerings.values().any(|it| it.holds().contains_key(&order));
    bytes.push(u8::from(holds));
    for paid in node.payments.values().filter(|paid| paid.order().order == order) {
        let current = saga.payment() == Some(paid.id());
        payment_shape(paid, current, bytes);
    }
    bytes.push(253);
    for promise in node.confirmations.values().filter(|it| it.order().order == order) {
        let current = saga.confirmation() == Some(promise.id());
        bytes.push(match promise.state() {
            confirmation::State::Waiting { .. } => 0,
            confirmation::State::Confirmed => 1,
            confirmation::State::Rejected(_) => 2,
            confirmation::State::Withdrawn => 3,
        });
        bytes.push(u8::from(current));
    }
    bytes.push(252);
}

fn saga_shape(saga: &Saga, bytes: &mut Vec<u8>) {
    match saga.state() {
        State::Holding { .. } => bytes.push(0),
        State::Paying { .. } => bytes.push(1),
        State::Unpaid { .. } => bytes.push(2),
        State::Paid { asked, .. } => bytes.push(match asked {
            Asked::Requested => 3,
            Asked::Waiting => 4,
            Asked::Demanded => 5,
        }),
        State::Confirmed { .. } => bytes.push(6),
        State::Undoing { undo, part, .. } => {
            bytes.extend([7, part_shape(*part), u8::from(undo.withdraw.is_some())]);
            bytes.push(return_shape(undo.money));
        }
        State::Stuck { undo, part, .. } => {
            bytes.extend([8, part_shape(*part), u8::from(undo.withdraw.is_some())]);
            bytes.push(return_shape(undo.money));
        }
        State::Fulfilled => bytes.push(9),
        State::Refused(_) => bytes.push(10),
        State::Cancelled(_) => bytes.push(11),
        State::Crediting { .. } => bytes.push(12),
        State::Delivering { .. } => bytes.push(13),
    }
    let money = |money: Option<surehold_domain::money::Money>| {
        money.map_or(0, |money| if money.is_zero() { 1 } else { 2 })
    };
    bytes.extend([money(saga.captured()), money(saga.refunded()), u8::from(saga.holds_units())]);
    bytes.extend([u8::from(saga.payment().is_some()), u8::from(saga.confirmation().is_some())]);
}

fn part_shape(part: Part) -> u8 {
    match part {
        Part::Money => 0,
        Part::Units => 1,
        Part::Confirmation => 2,
    }
}

fn return_shape(money: Return) -> u8 {
    match money {
        Return::Nothing => 0,
        Return::All => 1,
        Return::Part(_) => 2,
        Return::Retake => 3,
    }
}

fn payment_shape(paid: &Payment, current: bool, bytes: &mut Vec<u8>) {
    let state = match paid.state() {
        payment::State::Pending => 0,
        payment::State::Unknown { .. } => 1,
        payment::State::Captured => 2,
        payment::State::Declined(_) => 3,
        payment::State::Voiding { .. } => 4,
        payment::State::Refunding { .. } => 5,
        payment::State::Voided => 6,
        payment::State::Refunded(_) => 7,
        payment::State::Settling { .. } => 8,
    };
    // What came to nothing and is no longer asked about decides nothing.
    if current || !matches!(paid.state(), payment::State::Declined(_) | payment::State::Voided) {
        bytes.extend([20 + state, u8::from(current)]);
    }
}

/// What the payments' desk, the gateway and the inventory know of an order beside the journal.
fn outside_shape(world: &World, order: OrderId, bytes: &mut Vec<u8>) {
    let Some(saga) = world.node.orders.get(&order) else { return };
    for paid in world.payments_of(order) {
        let id = paid.id();
        let desk = world.desk.get(&id);
        let wanted = match desk.and_then(|desk| desk.wanted) {
            None => 0,
            Some(wanted) => 1 + u8::from(Some(wanted) == saga.effect_id()),
        };
        let (came, went) = world.gateway.flow(id);
        let account = world.gateway.ledger.get(&id);
        let current = saga.payment() == Some(id);
        let shape = [
            u8::from(current),
            u8::from(desk.is_some()) * 4 + wanted,
            u8::from(desk.is_some_and(|desk| desk.busy)),
            u8::from(came > 0) + 2 * u8::from(went > 0),
            u8::from(account.is_some_and(|account| account.declined)),
            u8::from(world.gateway.is_awaited(id)),
        ];
        if current || shape[1..] != [0; 5] {
            bytes.extend(shape);
        }
    }
    bytes.push(251);
    bytes.push(u8::from(world.refused.keys().any(|(_, refused)| *refused == order)));
}

/// What is on its way: asks in their order, answers in any.
fn mail_shape(world: &World, order: OrderId, bytes: &mut Vec<u8>) {
    let Some(saga) = world.node.orders.get(&order) else { return };
    let current = |id: EffectId| u8::from(saga.effect_id() == Some(id));
    let latest = world.latest.get(&order);
    let (mut asks, mut others) = (Vec::new(), Vec::new());
    for message in world.mail.iter().filter(|it| super::moves::concerns(world, it, order)) {
        match message {
            Message::Ask { id, effect, number } => {
                let (party, shape) = (effect.party(), effect_shape(effect, saga));
                // Only to a hold it matters whether it is the latest ask.
                let late = matches!(effect, Effect::Hold { .. }) && latest != Some(number);
                asks.push((party, [shape, current(*id), u8::from(late)]));
            }
            Message::Answer { id, said } => {
                let late = matches!(said, Said::NotHeld(_, number) if latest != Some(number));
                others.push([said_shape(said), current(*id), u8::from(late)]);
            }
            Message::Call { payment, effect } => {
                let effect = effect.map_or(3, |effect| match effect {
                    payment::Effect::Capture => 0,
                    payment::Effect::Ask => 1,
                    payment::Effect::Refund(_) => 2,
                });
                others.push([40 + effect, rank(saga, *payment), 1]);
            }
            Message::Back { payment, answer, asked_at } => {
                let early = u8::from(*asked_at == Timestamp(0));
                others.push([50 + answer_shape(answer), rank(saga, *payment), 2 + early]);
            }
        }
    }
    // A stable sort: what one party is asked stays in its order.
    asks.sort_by_key(|(party, _)| *party);
    others.sort_unstable();
    asks.into_iter().for_each(|(_, ask)| bytes.extend(ask));
    bytes.push(250);
    others.into_iter().for_each(|other| bytes.extend(other));
    bytes.push(249);
}

fn rank(saga: &Saga, payment: PaymentId) -> u8 {
    u8::from(saga.payment() == Some(payment))
}

fn effect_shape(effect: &Effect, saga: &Saga) -> u8 {
    match effect {
        Effect::Hold { .. } => 0,
        Effect::Charge { payment, .. } => 1 + rank(saga, *payment),
        Effect::Confirm { demanded, .. } => 3 + u8::from(*demanded),
        Effect::Refund { payment, amount } => {
            5 + rank(saga, *payment) + 2 * u8::from(amount.is_some())
        }
        Effect::Release { .. } => 9,
        Effect::Withdraw { .. } => 10,
        Effect::Credit { .. } => 11,
        Effect::Supply { .. } => 12,
        Effect::Settle { payment } => 13 + rank(saga, *payment),
    }
}

fn said_shape(said: &Said) -> u8 {
    match said {
        Said::Granted => 60,
        Said::Charged => 61,
        Said::NotHeld(..) => 77,
        Said::Plain(outcome) => match outcome {
            Outcome::Held(_) => 62,
            Outcome::NotHeld(_) => 63,
            Outcome::Captured(_) => 64,
            Outcome::Declined(_) => 65,
            Outcome::Unavailable => 66,
            Outcome::Refunded(amount) => 67 + u8::from(amount.is_zero()),
            Outcome::Released => 69,
            Outcome::Awaited => 70,
            Outcome::Confirmed => 71,
            Outcome::Rejected(_) => 72,
            Outcome::Withdrawn => 73,
            Outcome::Credited => 74,
            Outcome::NotCredited => 75,
            Outcome::Supplied => 76,
        },
    }
}

fn answer_shape(answer: &Answer) -> u8 {
    match answer {
        Answer::Captured => 0,
        Answer::Declined(_) => 1,
        Answer::Unknown(_) => 2,
        Answer::NotFound => 3,
        Answer::Refunded(_) => 4,
    }
}

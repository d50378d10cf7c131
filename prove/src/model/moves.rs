//! What can happen next in a model.

use surehold_domain::id::{ConfirmationId, OrderId, PaymentId};
use surehold_domain::payment;
use surehold_domain::saga::{Command, Party, Phase, Saga};

use super::case::Case;
use crate::world::{Message, Reply, Word, World};

/// Messages about one order that may be on their way before its next deadline passes: deadlines are
/// seconds and more apart, messages take less.
const MAIL_MAX: usize = 3;
/// More wakes than a compensation has attempts.
const WAKES_MAX: u32 = 40;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    Place,
    Deliver(u8),
    Call(u8, Reply),
    Arrive(PaymentId),
    Wake(OrderId),
    /// It asks again, because nothing came back.
    Nudge(OrderId),
    Cancel(OrderId),
    Pay(OrderId),
    Complete(OrderId),
    Speak(ConfirmationId, Word),
    Lose(u8),
    Double(u8),
    /// Nobody answers until the order is stuck.
    Forsake(OrderId),
    /// The node dies with so much of its tail on disk.
    Crash(u8),
    CrashOrder(OrderId),
    CrashParty(Party),
    /// The gateway is known to be down, or no longer.
    Breaker(bool),
}

/// Whether a move may be a part of the way to a good end: nobody outside does anything, and nothing
/// more goes wrong.
pub(crate) fn is_calm(one: Move) -> bool {
    match one {
        Move::Deliver(_) | Move::Arrive(_) | Move::Wake(_) | Move::Nudge(_) => true,
        Move::Call(_, reply) => reply == Reply::Does,
        Move::Place
        | Move::Cancel(_)
        | Move::Pay(_)
        | Move::Complete(_)
        | Move::Speak(..)
        | Move::Lose(_)
        | Move::Double(_)
        | Move::Forsake(_)
        | Move::Crash(_)
        | Move::CrashOrder(_)
        | Move::CrashParty(_)
        | Move::Breaker(_) => false,
    }
}

/// Whether a move is something that goes wrong, or otherwise than everybody hoped: those are bounded.
/// A deadline that passes while something is still on its way is one; where nothing is, it is only time.
pub(crate) fn is_fault(world: &World, one: Move) -> bool {
    match one {
        Move::Place
        | Move::Deliver(_)
        | Move::Arrive(_)
        | Move::Nudge(_)
        | Move::Pay(_)
        | Move::Complete(_)
        | Move::Speak(_, Word::Yes)
        | Move::Breaker(false) => false,
        Move::Call(_, reply) => reply != Reply::Does,
        Move::Wake(order) => world.mail.iter().any(|message| concerns(world, message, order)),
        Move::Cancel(_)
        | Move::Speak(_, Word::No)
        | Move::Lose(_)
        | Move::Double(_)
        | Move::Forsake(_)
        | Move::Crash(_)
        | Move::CrashOrder(_)
        | Move::CrashParty(_)
        | Move::Breaker(true) => true,
    }
}

/// Whether a message is about this order.
pub(crate) fn concerns(world: &World, message: &Message, order: OrderId) -> bool {
    match message {
        Message::Ask { id, .. } | Message::Answer { id, .. } => id.order.order == order,
        Message::Call { payment, .. } | Message::Back { payment, .. } => {
            world.node.payments.get(payment).is_some_and(|paid| paid.order().order == order)
        }
    }
}

/// All that can happen next; what goes wrong only if it still may.
pub(crate) fn moves(case: &Case, world: &World, faults: bool, found: &mut Vec<Move>) {
    found.clear();
    if (world.node.orders.len() as u64) < case.orders {
        found.push(Move::Place);
    }
    for (at, message) in world.mail.iter().enumerate() {
        let number = u8::try_from(at).unwrap_or(u8::MAX);
        mail_moves(world, at, number, message, faults, found);
    }
    found.extend(world.gateway.wire.iter().map(|(_, payment, _)| Move::Arrive(*payment)));
    for (order, saga) in &world.node.orders {
        order_moves(world, *order, saga, faults, found);
    }
    for promise in world.node.confirmations.values() {
        let waits = matches!(promise.state(), surehold_domain::confirmation::State::Waiting { .. });
        if waits {
            found.push(Move::Speak(promise.id(), Word::Yes));
            found.push(Move::Speak(promise.id(), Word::No));
        }
    }
    disasters(world, faults, found);
    // What goes wrong only as long as it may.
    found.retain(|one| faults || !is_fault(world, *one));
}

fn disasters(world: &World, faults: bool, found: &mut Vec<Move>) {
    if faults {
        let tail = u8::try_from(world.tail.len()).unwrap_or(u8::MAX);
        found.extend((0..=tail).map(Move::Crash));
        let parties = [Party::Inventory, Party::Payments];
        found.extend(parties.map(Move::CrashParty));
    }
    if world.breaker_open {
        found.push(Move::Breaker(false));
    } else if faults {
        found.push(Move::Breaker(true));
    }
}

fn mail_moves(
    world: &World,
    at: usize,
    number: u8,
    message: &Message,
    faults: bool,
    found: &mut Vec<Move>,
) {
    if let Message::Call { payment, effect } = message {
        if !world.is_call(at) {
            return;
        }
        let owed = world.node.payments.get(payment).and_then(|paid| paid.effect());
        let effect = effect.or(owed.map(|(effect, _)| effect));
        found.push(Move::Call(number, Reply::Does));
        let wrong: &[Reply] = match effect.filter(|_| faults) {
            Some(payment::Effect::Capture) => {
                &[Reply::Declines, Reply::Silent, Reply::Mute, Reply::Slow]
            }
            Some(payment::Effect::Refund(_)) => &[Reply::Silent, Reply::Mute, Reply::Keeps],
            Some(payment::Effect::Ask) => &[Reply::Silent],
            None => &[],
        };
        found.extend(wrong.iter().map(|reply| Move::Call(number, *reply)));
        return;
    }
    if !world.is_next(at) {
        return;
    }
    found.push(Move::Deliver(number));
    if faults {
        found.push(Move::Lose(number));
        found.push(Move::Double(number));
    }
}

fn order_moves(world: &World, order: OrderId, saga: &Saga, faults: bool, found: &mut Vec<Move>) {
    let phase = saga.phase();
    if phase.is_terminal() {
        return;
    }
    let mail = world.mail.iter().filter(|message| concerns(world, message, order)).count();
    let retries = matches!(phase, Phase::Refunding | Phase::Releasing);
    // A compensation is tried again only when nothing is on its way any more.
    if if retries { mail == 0 } else { mail <= MAIL_MAX } {
        found.push(Move::Wake(order));
    }
    if mail == 0 && saga.effect().is_some() {
        found.push(Move::Nudge(order));
    }
    if !retries && phase != Phase::Stuck {
        found.push(Move::Cancel(order));
    }
    if phase == Phase::Unpaid {
        found.push(Move::Pay(order));
    }
    if phase == Phase::Confirmed {
        found.push(Move::Complete(order));
    }
    if faults {
        found.push(Move::CrashOrder(order));
        if retries {
            found.push(Move::Forsake(order));
        }
    }
}

/// Makes it happen.
pub(crate) fn play(case: &Case, world: &mut World, one: Move) {
    match one {
        Move::Place => {
            world.place(case.order(), None);
        }
        Move::Deliver(at) => world.deliver(usize::from(at)),
        Move::Call(at, reply) => world.call(usize::from(at), reply),
        Move::Arrive(payment) => world.arrive(payment),
        Move::Wake(order) => {
            let deadline = world.node.orders.get(&order).and_then(|saga| saga.deadline());
            world.now = deadline.map_or(world.now, |until| until.max(world.now));
            world.wake(order);
        }
        Move::Nudge(order) => world.nudge(order),
        Move::Cancel(order) => world.cancel(order),
        Move::Pay(order) => world.pay(order),
        Move::Complete(order) => world.command(order, Command::Complete),
        Move::Speak(confirmation, word) => world.speak(confirmation, word),
        Move::Lose(at) => world.lose(usize::from(at)),
        Move::Double(at) => world.double(usize::from(at)),
        Move::Forsake(order) => forsake(world, order),
        Move::Crash(kept) => world.crash(usize::from(kept)),
        Move::CrashOrder(order) => world.crash_order(order),
        Move::CrashParty(party) => world.crash_party(party),
        Move::Breaker(open) => {
            let says = if open { "down" } else { "back" };
            world.say(|_| format!("the gateway is known to be {says}"));
            world.breaker_open = open;
            let orders: Vec<OrderId> = world.open_orders().collect();
            orders.into_iter().for_each(|order| world.payments_back(order));
        }
    }
}

/// Every ask of a compensation is lost, until the order is stuck.
fn forsake(world: &mut World, order: OrderId) {
    let deadline = |world: &World| world.node.orders.get(&order).and_then(|saga| saga.deadline());
    for _ in 0..WAKES_MAX {
        world.mail.retain(|message| match message {
            Message::Ask { id, .. } | Message::Answer { id, .. } => id.order.order != order,
            Message::Call { .. } | Message::Back { .. } => true,
        });
        let phase = world.node.orders.get(&order).map(|saga| saga.phase());
        if phase.is_none_or(|phase| phase == Phase::Stuck) {
            return;
        }
        world.now = deadline(world).map_or(world.now, |until| until.max(world.now));
        world.wake(order);
    }
}

//! Ordinary life: what is on its way arrives, what is due happens, and time passes in between.

use surehold_domain::id::OrderId;
use surehold_domain::time::{Span, Timestamp};

use super::happen::Stage;
use crate::world::World;

/// Far more steps than any scene needs; a world that takes more runs in a circle.
const STEPS_MAX: u32 = 60_000;

impl Stage<'_> {
    /// Does something there is to do now, the message at this place first; `false` if there is
    /// nothing.
    pub(super) fn work(&mut self, pick: usize) -> bool {
        self.tally.steps += 1;
        let world = &mut self.world;
        let length = world.mail.len();
        for offset in 0..length {
            let at = (pick + offset) % length;
            if world.is_next(at) {
                world.deliver(at);
                return true;
            }
            if world.call_at(at).is_some_and(|due| due <= world.now) {
                world.call(at, self.mood.reply());
                return true;
            }
        }
        if world.follow() {
            return true;
        }
        if let Some(order) = due(world) {
            world.wake(order);
            return true;
        }
        false
    }

    /// Does the next thing, if need be later; `false` if there is none.
    pub(super) fn step(&mut self, pick: usize) -> bool {
        if self.work(pick) {
            return true;
        }
        // A node that has nothing to do has long written everything down.
        self.world.sync(usize::MAX);
        if self.world.follow() {
            return true;
        }
        let Some(pause) = next(&self.world) else { return false };
        self.world.pass(pause);
        true
    }

    /// Goes on until nothing is left to do, and looks at everything.
    pub(super) fn settle(&mut self) {
        for _ in 0..STEPS_MAX {
            let more = self.step(0);
            if self.world.look().is_some() {
                return;
            }
            if !more {
                let audit = self.world.audit();
                return audit.unwrap_or_else(|what| self.world.wrong(what));
            }
        }
        let open: Vec<OrderId> = self.world.open_orders().collect();
        self.world.wrong(format!("the world runs in a circle; orders {open:?} are open"));
    }
}

/// An order whose deadline has passed.
fn due(world: &World) -> Option<OrderId> {
    let due = |until: Timestamp| until <= world.now;
    let found = world.node.orders.iter().find(|(_, saga)| saga.deadline().is_some_and(due));
    found.map(|(order, _)| *order)
}

/// How long until something happens by itself.
fn next(world: &World) -> Option<Span> {
    let deadlines = world.node.orders.values().filter_map(|saga| saga.deadline());
    let calls = (0..world.mail.len()).filter_map(|at| world.call_at(at));
    let inside = deadlines.chain(calls).map(|at| at.since(world.now));
    let outside = world.gateway.wire.iter().map(|(at, ..)| at.since(world.outside));
    inside.chain(outside).min()
}

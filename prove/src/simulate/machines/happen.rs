//! What a throw means in the world it falls into.

use surehold_domain::id::{ConfirmationId, OrderId};
use surehold_domain::inventory::{self, Event, Input, Model};
use surehold_domain::quantity::Quantity;
use surehold_domain::saga::{Command, Party, Phase};
use surehold_domain::time::{Span, Timestamp};

use super::Tally;
use super::scene::Scene;
use super::script::{Script, Throw};
use crate::world::{Entry, Reply, START, Time, Word, World};

/// Longest time a machine is suspended, and furthest a clock is set back over a restart.
const JUMP_MAX: u64 = 3 * 86_400_000;
const BACK_MAX: u64 = 3_600_000;
/// Facts the disk may be behind before everybody waits for it.
const TAIL_MAX: usize = 64;
/// Those who can be stopped.
const PARTIES: [Party; 4] =
    [Party::Inventory, Party::Payments, Party::Confirmations, Party::Mileage];

/// How the gateway behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// Makes this of every call.
    Makes(Reply),
    /// Known to be down.
    Down,
}

impl Mood {
    pub(super) fn reply(self) -> Reply {
        match self {
            Mood::Makes(reply) => reply,
            Mood::Down => Reply::Silent,
        }
    }
}

/// A world and what is around it.
pub(super) struct Stage<'a> {
    scene: &'a Scene,
    pub(super) world: World,
    pub(super) mood: Mood,
    pub(super) tally: Tally,
    /// How many of the scene's orders were asked for.
    asked: usize,
}

impl<'a> Stage<'a> {
    pub(super) fn new(scene: &'a Scene, tell: bool) -> Stage<'a> {
        let mut world = World::new(Time::Passes, TAIL_MAX);
        world.tale = tell.then(Vec::new);
        for (id, offering) in &scene.offerings {
            let event = Event::Opened(Box::new(offering.clone()));
            world.record(Entry::Inventory(*id, inventory::Fact { at: START, event }));
        }
        world.sync(usize::MAX);
        let (mood, tally) = (Mood::Makes(Reply::Does), Tally::default());
        Stage { scene, world, mood, tally, asked: 0 }
    }

    /// Plays a script, and then lets everything calm down.
    pub(super) fn play(&mut self, script: &Script) {
        for throw in script {
            self.happen(*throw);
            if self.world.look().is_some() {
                return;
            }
        }
        self.mend();
        self.settle();
        if self.world.look().is_none() {
            self.look_at_stock();
        }
    }

    fn happen(&mut self, Throw { kind, pick }: Throw) {
        match kind {
            0..52 => self.steps(pick),
            52..66 => self.request(pick),
            66..70 => self.with_mail(pick, World::lose),
            70..74 => self.double(pick),
            74..80 => self.crash(pick),
            80..84 => self.crash_order(pick),
            84..87 => {
                self.tally.crashes += 1;
                self.world.crash_party(PARTIES[pick % PARTIES.len()]);
            }
            87..91 => self.stop_or_start(pick),
            91..98 => self.change_mood(pick),
            98..102 => self.world.pass(Span(pick as u64 * pick as u64 % JUMP_MAX)),
            102..107 => self.speak(pick),
            107..111 => self.with_order(pick, None, World::cancel),
            111..114 => self.with_order(pick, Some(Phase::Confirmed), |world, order| {
                world.command(order, Command::Complete);
            }),
            114..117 => self.with_order(pick, Some(Phase::Unpaid), World::pay),
            117..119 => self.with_order(pick, None, World::nudge),
            119..124 => self.world.sync(1 + pick % 8),
            124 => self.with_order(pick, Some(Phase::Stuck), |world, order| {
                world.command(order, Command::Retry);
            }),
            _ => self.resize(pick),
        }
    }

    fn steps(&mut self, pick: usize) {
        for more in 0..=pick % 6 {
            if !self.step(pick / 6 + more * 7) {
                return;
            }
        }
    }

    /// A customer's request: a new one, or one that was made before.
    fn request(&mut self, pick: usize) {
        let again = pick.is_multiple_of(4) && self.asked > 0;
        let used = if again { pick / 4 % self.asked } else { self.asked };
        let Some(order) = self.scene.orders.get(used) else { return };
        self.asked = self.asked.max(used + 1);
        let name = order.offering;
        self.world.say(|_| format!("request {used}: offering {name}, {:?}", order.claim));
        self.world.place(order.clone(), Some(used as u64));
    }

    fn with_mail(&mut self, pick: usize, act: impl FnOnce(&mut World, usize)) {
        let length = self.world.mail.len();
        if length > 0 {
            act(&mut self.world, pick % length);
        }
    }

    fn double(&mut self, pick: usize) {
        self.with_mail(pick, |world, at| {
            if world.is_next(at) {
                world.double(at);
            }
        });
    }

    /// The node dies somewhere in what is not yet on disk; now and then its clock is behind when it
    /// comes back.
    fn crash(&mut self, pick: usize) {
        self.tally.crashes += 1;
        let kept = pick % (self.world.tail.len() + 1);
        self.world.crash(kept);
        if pick.is_multiple_of(5) {
            let back = pick as u64 * 977 % BACK_MAX;
            self.world.say(|_| format!("its clock is {} behind", Span(back)));
            let earliest = START.0.max(self.world.now.0.saturating_sub(back));
            self.world.now = Timestamp(earliest);
        }
    }

    fn crash_order(&mut self, pick: usize) {
        self.tally.crashes += 1;
        self.with_order(pick, None, World::crash_order);
    }

    fn stop_or_start(&mut self, pick: usize) {
        let party = PARTIES[pick % PARTIES.len()];
        if self.world.stopped.contains(&party) {
            self.world.start(party);
        } else {
            self.world.stop(party);
        }
    }

    fn change_mood(&mut self, pick: usize) {
        let moods = [
            Mood::Makes(Reply::Does),
            Mood::Makes(Reply::Does),
            Mood::Makes(Reply::Declines),
            Mood::Makes(Reply::Silent),
            Mood::Makes(Reply::Mute),
            Mood::Makes(Reply::Slow),
            Mood::Makes(Reply::Keeps),
            Mood::Down,
        ];
        self.be(moods[pick % moods.len()]);
    }

    /// The gateway behaves like this from now on; if it is no longer down, those who wait hear it.
    fn be(&mut self, mood: Mood) {
        self.world.say(|_| format!("the gateway from now on: {mood:?}"));
        self.mood = mood;
        let was = std::mem::replace(&mut self.world.breaker_open, mood == Mood::Down);
        if was && mood != Mood::Down {
            self.payments_back();
        }
    }

    fn payments_back(&mut self) {
        let open: Vec<OrderId> = self.world.open_orders().collect();
        open.into_iter().for_each(|order| self.world.payments_back(order));
    }

    fn speak(&mut self, pick: usize) {
        let numbers: Vec<ConfirmationId> = self.world.node.confirmations.keys().copied().collect();
        if !numbers.is_empty() {
            let word = if pick.is_multiple_of(3) { Word::No } else { Word::Yes };
            self.world.speak(numbers[pick % numbers.len()], word);
        }
    }

    /// Acts on an order, mostly one in this phase.
    fn with_order(
        &mut self,
        pick: usize,
        phase: Option<Phase>,
        act: impl FnOnce(&mut World, OrderId),
    ) {
        let all = &self.world.node.orders;
        let fits = |order: &&OrderId| phase.is_none_or(|phase| all[*order].phase() == phase);
        let mut orders: Vec<OrderId> = all.keys().filter(fits).copied().collect();
        if orders.is_empty() || pick.is_multiple_of(16) {
            orders = all.keys().copied().collect();
        }
        if !orders.is_empty() {
            act(&mut self.world, orders[pick % orders.len()]);
        }
    }

    /// Somebody changes how many seats there are, as far as that may be.
    fn resize(&mut self, pick: usize) {
        let (id, _) = &self.scene.offerings[pick % self.scene.offerings.len()];
        let Some(offering) = self.world.node.offerings.get(id) else { return };
        let mut offering = offering.offering().clone();
        if let Model::Seats { capacity } = &mut offering.model {
            *capacity = Quantity::whole(pick as u64 / 8 % 5).unwrap_or(*capacity);
            let now = self.world.now;
            self.world.change(*id, Input::Change { offering: Box::new(offering), now });
        }
    }

    /// Somebody looks, and mends what is broken; who was not answered asks again.
    fn mend(&mut self) {
        self.world.say(|_| "everything calms down".to_owned());
        PARTIES.into_iter().for_each(|party| self.world.start(party));
        self.be(Mood::Makes(Reply::Does));
        for used in 0..self.asked {
            self.world.place(self.scene.orders[used].clone(), Some(used as u64));
        }
        self.payments_back();
    }

    /// There is as much stock as there was and was brought.
    fn look_at_stock(&mut self) {
        let mut wrong = None;
        for (id, opened) in &self.scene.offerings {
            let Some(offering) = self.world.node.offerings.get(id) else { continue };
            let (Model::Stock { quantity: was }, Model::Stock { quantity: is }) =
                (&opened.model, &offering.offering().model)
            else {
                continue;
            };
            let brought = offering.receipts().iter();
            let brought = brought.filter_map(|order| self.world.node.orders.get(order)?.brings());
            let sum = brought.fold(*was, Quantity::plus);
            if sum != *is {
                wrong = Some(format!("offering {id} has {is} in stock, and should have {sum}"));
            }
        }
        if let Some(what) = wrong {
            self.world.wrong(what);
        }
    }
}

//! Breadth first through every state a model can reach, fewest faults first.
//!
//! Forwards, every state is looked at; backwards, from the good ends, every state is asked whether
//! the way to one of them is open without anybody's help.

use std::collections::hash_map::Entry as Place;
use std::collections::{HashMap, VecDeque};

use super::case::Case;
use super::moves::{Move, is_calm, is_fault, moves, play};
use super::shape::{Print, print};
use crate::world::World;

/// A state nobody came from: the first.
const NOWHERE: u32 = u32::MAX;
/// More states than any model that is asked for has; one that has more is not finite.
const STATES_MAX: usize = 40_000_000;

/// What a walk saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) states: u64,
    pub(crate) transitions: u64,
    /// Good ends: quiet, and all accounts balance.
    pub(crate) ends: u64,
    /// What does not hold, and the shortest way there.
    pub(crate) broken: Option<(String, Vec<Move>)>,
}

struct Known {
    from: u32,
    by: Move,
    faults: u8,
    walked: bool,
}

struct Walk<'a> {
    case: &'a Case,
    places: HashMap<Print, u32>,
    known: Vec<Known>,
    /// Calm steps, as (to, from).
    calm: Vec<(u32, u32)>,
    ends: Vec<u32>,
    /// One queue for each number of faults.
    queues: Vec<VecDeque<(u32, World)>>,
    seen: Seen,
}

/// Walks through all of it.
pub(crate) fn walk(case: &Case, mut progress: impl FnMut(u64)) -> Seen {
    let queues = (0..=case.faults).map(|_| VecDeque::new()).collect();
    let (places, known) = (HashMap::new(), Vec::new());
    let (calm, ends, seen) = (Vec::new(), Vec::new(), Seen::default());
    let mut walk = Walk { case, places, known, calm, ends, queues, seen };
    walk.reach(case.begin(), NOWHERE, Move::Place, 0);
    let mut found = Vec::new();
    for faults in 0..=case.faults {
        while let Some((at, world)) = walk.queues[usize::from(faults)].pop_front() {
            walk.from(at, &world, faults, &mut found);
            if walk.seen.broken.is_some() {
                return walk.seen;
            }
            if walk.seen.states.is_multiple_of(1 << 14) {
                progress(walk.seen.states);
            }
        }
    }
    walk.look_back();
    walk.seen
}

impl Walk<'_> {
    /// All that can happen in one state.
    fn from(&mut self, at: u32, world: &World, faults: u8, found: &mut Vec<Move>) {
        let known = &mut self.known[at as usize];
        if known.walked {
            return;
        }
        known.walked = true;
        self.seen.states += 1;
        if world.is_quiet() {
            match world.audit() {
                Ok(()) => {
                    self.ends.push(at);
                    self.seen.ends += 1;
                }
                Err(what) => return self.seen.broken = Some((what, self.way(at))),
            }
        }
        moves(self.case, world, faults < self.case.faults, found);
        for one in found.iter().copied() {
            let mut next = world.clone();
            play(self.case, &mut next, one);
            self.seen.transitions += 1;
            if let Some(what) = next.look() {
                let what = what.to_owned();
                let mut way = self.way(at);
                way.push(one);
                return self.seen.broken = Some((what, way));
            }
            let to = self.reach(next, at, one, faults + u8::from(is_fault(world, one)));
            if is_calm(one) && to != at {
                self.calm.push((to, at));
            }
        }
        if self.known.len() > STATES_MAX {
            self.seen.broken = Some(("the model has no end".to_owned(), self.way(at)));
        }
    }

    /// A state is reached; again, perhaps, or with fewer faults than before.
    fn reach(&mut self, world: World, from: u32, by: Move, faults: u8) -> u32 {
        let print = print(&world, faults < self.case.faults);
        let next = u32::try_from(self.known.len()).unwrap_or(NOWHERE);
        let at = match self.places.entry(print) {
            Place::Occupied(place) => {
                let at = *place.get();
                let known = &mut self.known[at as usize];
                if known.faults <= faults {
                    return at;
                }
                (known.from, known.by, known.faults) = (from, by, faults);
                at
            }
            Place::Vacant(place) => {
                place.insert(next);
                self.known.push(Known { from, by, faults, walked: false });
                next
            }
        };
        self.queues[usize::from(faults)].push_back((at, world));
        at
    }

    /// The moves that led here.
    fn way(&self, at: u32) -> Vec<Move> {
        let mut way = Vec::new();
        let mut at = at;
        while let Some(known) = self.known.get(at as usize).filter(|it| it.from != NOWHERE) {
            way.push(known.by);
            at = known.from;
        }
        way.reverse();
        way
    }

    /// Marks every state from which a good end can be reached; the first other one is broken.
    fn look_back(&mut self) {
        self.calm.sort_unstable();
        let mut good = vec![false; self.known.len()];
        let mut open = std::mem::take(&mut self.ends);
        open.iter().for_each(|at| good[*at as usize] = true);
        while let Some(at) = open.pop() {
            let first = self.calm.partition_point(|(to, _)| *to < at);
            for (_, from) in self.calm[first..].iter().take_while(|(to, _)| *to == at) {
                if !std::mem::replace(&mut good[*from as usize], true) {
                    open.push(*from);
                }
            }
        }
        if let Some(lost) = good.iter().position(|good| !good) {
            let lost = u32::try_from(lost).unwrap_or(NOWHERE);
            let what = "no good end can be reached from here without help".to_owned();
            self.seen.broken = Some((what, self.way(lost)));
        }
    }
}

//! A model of the saga, explored to its end: every state that two orders for one unit can reach.
//!
//! The machines are the real ones; between them lie the rules of the actors' shells. Every order in
//! which messages, calls, deadlines and people can come is tried. What goes otherwise than everybody
//! hoped (a cancellation, an operator's no, a deadline that overtakes an answer, a message lost or
//! doubled, a gateway that declines, is silent, keeps quiet about what it did or does it late, a
//! crash of the node with a part of its tail, of an order, of a party) is bounded per run, and the
//! bound is told: within it, nothing is left out.

mod case;
mod moves;
mod shape;
mod walk;

use std::thread;

use case::Case;
use moves::play;
use walk::{Seen, walk};

use crate::{Ask, Fault, Verdict};

/// Faults in a run of two orders, and of one order alone: full size, and for a quick look.
const PAIR: [u8; 2] = [1, 0];
const ALONE: [u8; 2] = [3, 1];

/// Walks through all models.
#[must_use]
pub fn run(ask: &Ask) -> Verdict {
    let size = usize::from(ask.quick);
    let mut cases = Vec::new();
    for (name, terms) in case::all() {
        let case = |orders, faults| Case { name, terms: terms.clone(), orders, faults };
        cases.push(case(2, PAIR[size]));
        cases.push(case(1, ALONE[size]));
    }
    let total = cases.len();
    let mut verdict = Verdict::default();
    let (one, other): (Vec<_>, Vec<_>) =
        cases.into_iter().enumerate().partition(|(at, _)| (at / 2 + at) % 2 == 0);
    let walked = thread::scope(|scope| {
        let threads = [one, other].map(|cases| {
            scope.spawn(move || -> Vec<(usize, Case, Seen)> {
                let walked = cases.into_iter().map(|(at, case)| {
                    let seen = walk(&case, |states| ask.progress.at(states, states, case.name));
                    (at, case, seen)
                });
                walked.collect()
            })
        });
        threads.map(|thread| thread.join().unwrap_or_default())
    });
    let mut walked: Vec<_> = walked.into_iter().flatten().collect();
    walked.sort_by_key(|(at, ..)| *at);
    if walked.len() < total {
        let what = format!("{} models died on their way", total - walked.len());
        verdict.faults.push(Fault { what, repeat: None, story: Vec::new() });
    }
    for (_, case, seen) in walked {
        count(&mut verdict, &case, &seen);
        if let Some((what, way)) = seen.broken {
            verdict.faults.push(told(&case, what, &way, ask.quick));
        }
    }
    verdict
}

fn count(verdict: &mut Verdict, case: &Case, seen: &Seen) {
    let orders = if case.orders == 1 { "one order" } else { "two orders for one unit" };
    verdict.tried(seen.states, &format!("states of {orders} with up to {} faults", case.faults));
    verdict.tried(seen.transitions, "transitions");
    verdict.tried(seen.ends, "good ends");
}

/// The story of the shortest way to what is broken.
fn told(case: &Case, what: String, way: &[moves::Move], quick: bool) -> Fault {
    let mut world = case.begin();
    world.tale = Some(Vec::new());
    for one in way {
        play(case, &mut world, *one);
        world.look();
    }
    let mut story =
        vec![format!("{}; {} orders, up to {} faults", case.name, case.orders, case.faults)];
    story.extend(world.tale.unwrap_or_default());
    let repeat = if quick { "surehold prove model --quick" } else { "surehold prove model" };
    Fault { what, repeat: Some(repeat.to_owned()), story }
}

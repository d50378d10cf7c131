//! The harness that needs no special Rust: garbles samples from a seed, and tells what was found as short as it can.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use surehold_storage::faulty::Dice;

use super::{Target, mutate};
use crate::report::grouped;
use crate::{Ask, Fault, Verdict};

/// Blocks of garbled inputs: about half a minute in a release build.
const SEEDS: u64 = 500;
/// The same for a look that takes seconds.
const SEEDS_QUICK: u64 = 3;
/// An input that takes longer is a fault: whoever sends it could keep the server busy.
const INPUT_TIME: Duration = Duration::from_secs(20);
/// Attempts to make an input that fails shorter.
const SHRINKS: usize = 300;
/// Longest piece of an input that a story shows, in bytes.
const SHOWN: usize = 600;

/// What became of one target.
#[derive(Default)]
struct Tally {
    heard: u64,
    taken: u64,
    broken: bool,
}

/// Tries the samples of these targets, then blocks of garbled ones, one block of each target for each seed.
#[must_use]
pub fn hunt(ask: &Ask, targets: &[Target]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut tallies: Vec<Tally> = targets.iter().map(|_| Tally::default()).collect();
    for (target, tally) in targets.iter().zip(&mut tallies) {
        let samples =
            target.corpus.iter().map(|(name, input)| (format!("sample {name}"), input.to_vec()));
        verdict.faults.extend(block(target, tally, samples, None));
    }
    let seeds = ask.seeds_or(SEEDS, SEEDS_QUICK);
    for place in 0..seeds {
        let seed = ask.seed.wrapping_add(place);
        ask.progress.at(place, seeds, "blocks of garbled input");
        for (target, tally) in targets.iter().zip(&mut tallies) {
            if tally.broken {
                continue;
            }
            let mut dice = Dice::new(seed);
            let inputs = (0..target.block).map(|at| {
                (format!("input {at} of seed {seed}"), mutate::garbled(&mut dice, target))
            });
            verdict.faults.extend(block(target, tally, inputs, Some(seed)));
        }
    }
    for (target, Tally { heard, taken, .. }) in targets.iter().zip(tallies) {
        verdict.tried(heard, &format!("inputs for {} ({} were read)", target.name, grouped(taken)));
    }
    verdict
}

/// Tries inputs with one trial; the first thing that does not hold ends the block.
fn block(
    target: &Target,
    tally: &mut Tally,
    inputs: impl Iterator<Item = (String, Vec<u8>)>,
    seed: Option<u64>,
) -> Option<Fault> {
    let repeat = || {
        Some(match seed {
            Some(seed) => format!("surehold prove fuzz --seed {seed} --seeds 1"),
            None => "surehold prove fuzz --seeds 1".to_owned(),
        })
    };
    let mut trial = (target.begin)();
    for (name, input) in inputs {
        tally.heard += 1;
        match caught(|| in_time(|| trial.hear(&input))) {
            Ok(taken) => tally.taken += u64::from(taken),
            Err(what) => {
                tally.broken = true;
                let what = format!("{}: {what}", target.name);
                return Some(Fault { what, repeat: repeat(), story: story(target, &name, input) });
            }
        }
    }
    let what = caught(|| trial.end()).err()?;
    tally.broken = true;
    let what = format!("{}: at the end of a block: {what}", target.name);
    Some(Fault { what, repeat: repeat(), story: Vec::new() })
}

fn in_time(hear: impl FnOnce() -> Result<bool, String>) -> Result<bool, String> {
    let began = Instant::now();
    let taken = hear()?;
    let took = began.elapsed();
    if took > INPUT_TIME { Err(format!("one input took {took:?}")) } else { Ok(taken) }
}

/// A panic is something that does not hold, too.
fn caught<T>(tries: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(tries)).unwrap_or_else(|panic| Err(told(panic.as_ref())))
}

fn told(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("it panicked: {}", text.unwrap_or("without words"))
}

/// What the input alone does to a trial of its own.
fn alone(target: &Target, input: &[u8]) -> Result<(), String> {
    let mut trial = (target.begin)();
    caught(|| in_time(|| trial.hear(input)))?;
    caught(|| trial.end())
}

fn story(target: &Target, name: &str, input: Vec<u8>) -> Vec<String> {
    let whole = input.len();
    let (input, note) = match alone(target, &input) {
        Ok(()) => (input, "it takes what came before it, too".to_owned()),
        Err(_) => {
            let least = shrunk(target, input);
            let note = format!("{} of its {whole} bytes are enough", least.len());
            (least, note)
        }
    };
    let shown = input.get(..SHOWN).unwrap_or(&input);
    vec![format!("{name}; {note}:"), shown.escape_ascii().to_string()]
}

/// The same without what is not needed to fail.
fn shrunk(target: &Target, mut input: Vec<u8>) -> Vec<u8> {
    let (mut piece, mut left) = (input.len().div_ceil(2), SHRINKS);
    while piece > 0 && left > 0 {
        let mut at = 0;
        while at < input.len() && left > 0 {
            left -= 1;
            let mut less = input.clone();
            less.drain(at..(at + piece).min(input.len()));
            if alone(target, &less).is_err() {
                input = less;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    input
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Trial;
    use super::*;
    use crate::ask::Silent;

    /// Believes in itself until it meets an x that another follows at once.
    struct Afraid;

    impl Trial for Afraid {
        fn hear(&mut self, input: &[u8]) -> Result<bool, String> {
            assert!(!input.windows(2).any(|pair| pair == b"xx"), "two of them");
            Ok(input.contains(&b'x'))
        }
    }

    fn ask() -> Ask {
        let (seeds, minutes) = (Some(400), None);
        Ask { seeds, seed: 1, minutes, quick: true, program: "".into(), progress: Arc::new(Silent) }
    }

    #[test]
    fn a_panic_is_found_shortened_and_found_again() {
        let target = Target {
            name: "afraid",
            corpus: &[("one", b"a long way to the letter x and on from there")],
            words: &[],
            block: 50,
            begin: || Box::new(Afraid),
        };
        let verdict = hunt(&ask(), &[target]);
        let fault = verdict.faults.first().expect("it is afraid of something");
        assert_eq!(fault.what, "afraid: it panicked: two of them");
        assert_eq!(fault.story.last().map(String::as_str), Some("xx"), "{fault:?}");
        let seed = fault.repeat.as_deref().and_then(|line| line.split(' ').nth(4)).expect("a seed");
        let again = Ask { seeds: Some(1), seed: seed.parse().expect("a number"), ..ask() };
        assert_eq!(hunt(&again, &[target]).faults.first(), Some(fault));
        assert!(!verdict.holds());
    }
}

//! A story that is worth telling: the fewest moves that still break something, and what was recorded and
//! told of the order that it is about.

use std::time::{Duration, Instant};

use super::moves::Move;
use super::notes::Found;
use super::world;
use crate::Fault;

/// Lines of what happened.
const LINES_MAX: usize = 90;

/// Makes the story short, within a time, and tells it.
pub(super) fn tell(seed: u64, moves: Vec<Move>, found: &Found, within: Duration) -> Fault {
    let all = moves.len();
    let moves = shorten(seed, moves, Instant::now() + within);
    let kept = world(seed, &moves, true);
    let found = kept.faults.first().unwrap_or(found);
    let mut story = vec![format!("{} of {all} moves are enough:", moves.len())];
    story.extend(moves.iter().map(|one| format!("  {one}")));
    story.push(match &found.about {
        Some(about) => format!("and of {about} was recorded, told and asked:"),
        None => "and at last happened:".to_owned(),
    });
    let about = |line: &&String| found.about.as_ref().is_none_or(|about| tells(line, about));
    let lines: Vec<&String> = kept.lines.iter().filter(about).collect();
    let skipped = lines.len().saturating_sub(LINES_MAX);
    story.extend(lines[skipped..].iter().map(|line| format!("  {line}")));
    Fault {
        what: found.what.clone(),
        repeat: Some(format!("surehold prove simulate --seed {seed} --seeds 1")),
        story,
    }
}

/// Whether a line is about the order, or about everybody.
fn tells(line: &str, about: &str) -> bool {
    let whole = |at: usize| !line[at + about.len()..].starts_with(|c: char| c.is_ascii_digit());
    line.match_indices(about).any(|(at, _)| whole(at))
        || ["the node", "records are lost", "FAULT", "the disk", "move: "]
            .iter()
            .any(|word| line.contains(word))
}

/// Leaves out what is not needed, in ever smaller pieces, until the time is up.
fn shorten(seed: u64, mut moves: Vec<Move>, until: Instant) -> Vec<Move> {
    let mut size = moves.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < moves.len() {
            if Instant::now() > until {
                return moves;
            }
            let mut fewer = moves.clone();
            fewer.drain(at..(at + size).min(moves.len()));
            if world(seed, &fewer, false).faults.is_empty() {
                at += size;
            } else {
                moves = fewer;
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    moves
}

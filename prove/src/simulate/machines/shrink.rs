//! Makes a failing script shorter, as long as it still fails.

use super::script::Script;

/// Scripts tried at most: a long one is halved in a few dozen, and the rest is patience.
const TRIES_MAX: u32 = 4000;

/// The shortest script found that still fails: pieces are dropped, large ones first.
pub(crate) fn shrink(script: &Script, fails: impl Fn(&Script) -> bool) -> Script {
    let mut best = script.clone();
    let mut tries = 0;
    let mut piece = best.len().div_ceil(2).max(1);
    loop {
        let before = best.len();
        let mut at = 0;
        while at < best.len() && tries < TRIES_MAX {
            let mut shorter = best.clone();
            shorter.drain(at..(at + piece).min(best.len()));
            tries += 1;
            if fails(&shorter) {
                best = shorter;
            } else {
                at += piece;
            }
        }
        // Single throws are dropped again until none can be.
        if tries >= TRIES_MAX || (piece == 1 && best.len() == before) {
            return best;
        }
        piece = piece.div_ceil(2).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::Throw;
    use super::*;

    #[test]
    fn nothing_is_left_that_is_not_needed() {
        let script: Script = (0..300).map(|kind| Throw { kind, pick: 0 }).collect();
        let needs = |script: &Script| {
            let has = |kind| script.iter().any(|throw| throw.kind == kind);
            has(17) && has(250)
        };
        let kinds: Vec<u64> = shrink(&script, needs).iter().map(|throw| throw.kind).collect();
        assert_eq!(kinds, [17, 250]);
    }
}

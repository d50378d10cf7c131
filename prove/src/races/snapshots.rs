//! Snapshots that cannot be read.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use surehold_storage::faulty::Dice;

use super::arena::{Arena, Stage, Tried, Wrong, command, number, order};
use super::scenario::Tally;
use super::slots::AT_ONCE;
use crate::client::Request;

/// What the server writes when it makes its snapshots anew.
const ANEW: &str = "built anew";

/// A way to spoil snapshots.
struct Spoil {
    name: &'static str,
    /// What becomes of a file's bytes; `None` removes it.
    to: fn(&[u8], &mut Dice) -> Option<Vec<u8>>,
}

const SPOILS: [Spoil; 7] = [
    Spoil {
        name: "garbage in every file",
        to: |bytes, dice| Some(noise(bytes.len().max(64), dice)),
    },
    Spoil { name: "every file empty", to: |_, _| Some(Vec::new()) },
    Spoil {
        name: "every file cut in half",
        to: |bytes, _| Some(bytes[..bytes.len() / 2].to_vec()),
    },
    Spoil { name: "zeros", to: |bytes, _| Some(vec![0; bytes.len()]) },
    Spoil { name: "single bytes altered", to: altered },
    Spoil { name: "text", to: |_, _| Some(b"these are no snapshots\n".repeat(40)) },
    Spoil { name: "files missing", to: |_, dice| (dice.below(2) == 0).then(Vec::new) },
];

fn noise(length: usize, dice: &mut Dice) -> Vec<u8> {
    (0..length).map(|_| u8::try_from(dice.below(256)).unwrap_or(0)).collect()
}

fn altered(bytes: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    for byte in bytes.iter_mut() {
        if dice.below(40) == 0 {
            *byte ^= 0x55;
        }
    }
    Some(bytes)
}

/// akka-core #30077: an actor whose snapshot could not be decoded was started again and again, and
/// failed each time, though its events were all there. Here the snapshots are spoilt in several ways
/// while the server is down: it comes up, every order is what it was, and it heals only once.
pub(super) fn undecodable(stage: &Stage<'_>) -> Tried<Tally> {
    let (rounds, crowd) = (stage.size(21, 7), stage.size(60, 20));
    let mut arena = stage.open(AT_ONCE)?;
    let (mut dice, mut sound) = (stage.dice(), true);
    for round in 0..rounds {
        let spoil = &SPOILS[round % SPOILS.len()];
        let seats = arena.offer(&json!({"model": "seats", "capacity": crowd / 2}))?;
        let wish = json!({"payment": {"card": "tok"}});
        let buy = |who| order(seats, &format!("r{round}c{who}"), &wish);
        arena.rush((0..crowd).map(buy).collect())?;
        let some = arena.orders(seats)?;
        for id in some.iter().filter(|it| it["phase"] != "refused").map(|it| number(&it["id"])) {
            arena.reach(id, &["confirmed"])?;
            if id % 3 == 0 {
                arena.expect(200, &command(id, "cancel"))?;
            }
        }
        let before = (arena.orders(seats)?, arena.free(seats)?);
        quiet(&mut arena, sound)?;
        let spoilt = every_file(&arena.server.data().join("snapshots"), &mut |path| {
            let bytes = fs::read(path)?;
            match (spoil.to)(&bytes, &mut dice) {
                Some(bytes) => fs::write(path, bytes),
                None => fs::remove_file(path),
            }
        });
        let spoilt = spoilt.map_err(|error| format!("{}: {error}", spoil.name))?;
        if spoilt == 0 {
            return Err(Wrong::from("there are no snapshots to spoil"));
        }
        sound = healed(&mut arena, seats, &before).map_err(|wrong| Wrong {
            what: format!("{}: {}", spoil.name, wrong.what),
            story: wrong.story,
        })?;
    }
    arena.balanced()?;
    quiet(&mut arena, sound)?;
    Ok(Tally { rounds: rounds as u64, of: "spoilt folders", requests: arena.requests })
}

/// Stops the server, and holds that it had nothing to heal, if it was started on sound snapshots.
fn quiet(arena: &mut Arena<'_>, sound: bool) -> Tried<()> {
    let said = arena.stop()?;
    let heals = said.stderr.matches(ANEW).count();
    if heals > usize::from(!sound) {
        return Err(Wrong::from(format!("it heals again: {}", said.stderr)));
    }
    Ok(())
}

/// Holds that the server comes up, and that everything is as it was; then it is started once more. Says
/// whether it healed what was spoilt. What nobody needed by then may wait for whoever does.
fn healed(arena: &mut Arena<'_>, seats: u64, before: &(Vec<Value>, u64)) -> Tried<bool> {
    arena.restart()?;
    let audit = Request::get("/v1/admin/audit");
    // It says "not now" while it builds anew what was found to be wrong when it was asked for.
    arena.until("all can be read", |arena| Ok((arena.ask(&audit)?.status != 503).then_some(())))?;
    let after = (arena.orders(seats)?, arena.free(seats)?);
    if after != *before {
        let differ = before.0.iter().zip(&after.0).find(|(before, after)| before != after);
        return Err(Wrong::from(format!("it was {before:?}, it is {after:?}: {differ:?}")));
    }
    arena.balanced()?;
    let said = arena.stop()?;
    let heals = said.stderr.matches(ANEW).count();
    if heals > 1 {
        return Err(Wrong::from(format!("it heals twice: {}", said.stderr)));
    }
    arena.restart()?;
    Ok(heals == 1)
}

/// Does something to every file below a folder. Returns how many there were.
fn every_file(
    folder: &Path,
    each: &mut dyn FnMut(&PathBuf) -> std::io::Result<()>,
) -> std::io::Result<u64> {
    let mut files = 0;
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder)? {
        entries.push(entry?.path());
    }
    // Folders list their files in any order; the same seed shall do the same again.
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files += every_file(&path, each)?;
        } else {
            each(&path)?;
            files += 1;
        }
    }
    Ok(files)
}

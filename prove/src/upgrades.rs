//! Upgrades: data folders of every stored format that ever landed are opened with today's program, their
//! open orders are carried to an end, and everything is compared with what was said then. And the
//! other way round: a folder that a newer version wrote is refused by name, never misread, and nothing
//! of it is changed.

mod corpus;
mod desk;
mod newer;
mod older;

use crate::{Ask, Fault, Verdict};

/// Opens older folders and newer ones.
#[must_use]
pub fn run(ask: &Ask) -> Verdict {
    let mut verdict = Verdict::default();
    let all = corpus::RELEASES.len() as u64 + 1;
    for (done, release) in (0..).zip(corpus::RELEASES) {
        ask.progress.at(done, all, &format!("folders, now: {}", release.name));
        let opened = older::goes_on(ask, release, &mut verdict);
        note(&mut verdict, release.name, opened);
    }
    ask.progress.at(all - 1, all, "folders, now: of a newer version");
    let refused = newer::is_refused(ask, &mut verdict);
    note(&mut verdict, "a newer version", refused);
    ask.progress.at(all, all, "folders");
    verdict
}

fn note(verdict: &mut Verdict, name: &str, done: Result<(), String>) {
    if let Err(what) = done {
        let repeat = Some("surehold prove upgrades".to_owned());
        verdict.faults.push(Fault { what: format!("{name}: {what}"), repeat, story: Vec::new() });
    }
}

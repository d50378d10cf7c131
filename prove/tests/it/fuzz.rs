//! Everything that reads, on the committed samples and a short block of garbled ones.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use surehold_prove::ask::Silent;
use surehold_prove::fuzz::{self, TARGETS, corpus};
use surehold_prove::{Ask, Proof};

/// More address space than all readers together may come to want, in bytes.
const ROOM: u64 = 192 * 1024 * 1024;

fn ask(seed: u64) -> Ask {
    let (seeds, minutes) = (None, None);
    Ask { seeds, seed, minutes, quick: true, program: "".into(), progress: Arc::new(Silent) }
}

/// The most address space this process ever had, in bytes; `None` where the system does not tell.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kb| kb * 1024)
}

#[test]
fn garbled_input_is_refused_or_read_and_no_room_is_made_for_claims() {
    let before = peak();
    let verdict = Proof::Fuzz.run(&ask(1));
    assert!(verdict.holds(), "{:#?}", verdict.faults);
    if let (Some(before), Some(after)) = (before, peak()) {
        assert!(after - before < ROOM, "{} MB more", (after - before) / 1024 / 1024);
    }
}

#[test]
fn a_fresh_block_every_time() {
    // A seed nobody tried before: what it finds is printed with the seed that repeats it.
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let verdict = fuzz::run(&ask(now.as_secs()));
    assert!(verdict.holds(), "{:#?}", verdict.faults);
}

#[test]
fn most_real_samples_are_read() {
    // A reader that refuses everything would pass all else.
    for (target, least) in TARGETS.iter().zip([5, 2, 40, 8, 3, 15]) {
        let mut trial = (target.begin)();
        let read = target.corpus.iter().filter(|(_, input)| trial.hear(input) == Ok(true)).count();
        assert!(read >= least, "{}: {read} of {} samples", target.name, target.corpus.len());
    }
}

#[test]
fn the_list_of_samples_is_that_of_the_folder() {
    let all = TARGETS.iter().map(|target| (target.name, target.corpus));
    for (name, corpus) in all.chain([("request", corpus::REQUEST)]) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
        let files = std::fs::read_dir(&folder).expect("a folder of samples");
        let there: BTreeSet<String> =
            files.map(|file| file.expect("a file").file_name().to_string_lossy().into()).collect();
        let listed: BTreeSet<String> = corpus.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(there, listed, "prove/src/fuzz/corpus.rs: {name}");
    }
}

//! `surehold prove`: runs the proofs one after the other, shows how far they are, prints the verdicts.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use surehold_prove::ask::{Progress, Silent};
use surehold_prove::{Ask, Proof, Verdict, report};

use crate::config::flags::ProveFlags;
use crate::fuzzing;

/// At least one proof found something wrong.
const BROKEN: u8 = 1;

/// Runs what was asked for.
///
/// # Errors
/// One line, if it cannot begin or its verdicts cannot be printed.
pub fn prove(flags: ProveFlags) -> Result<ExitCode, String> {
    let program = std::env::current_exe()
        .map_err(|error| format!("cannot find this program's own file: {error}"))?;
    if flags.minutes.is_some_and(|minutes| !(minutes > 0.0 && minutes < 100_000.0)) {
        return Err("--minutes takes a number above 0".to_owned());
    }
    let watched = std::io::stderr().is_terminal();
    let progress: Arc<dyn Progress> = if watched { Arc::new(Line) } else { Arc::new(Silent) };
    let clear = if watched { "\x1b[K" } else { "" };
    let seed = flags.seed.unwrap_or_else(fresh_seed);
    let ProveFlags { seeds, minutes, quick, .. } = flags;
    let ask = Ask { seeds, seed, minutes, quick, program, progress };
    let mut proofs = if flags.proofs.is_empty() { Proof::ALL.to_vec() } else { flags.proofs };
    proofs.sort_unstable();
    proofs.dedup();
    say(&mut std::io::stderr(), &format!("the first seed is {seed}\n"))?;
    let mut verdicts = Vec::new();
    for proof in proofs {
        let verdict = run(proof, &ask);
        let (word, took) = (verdict.word(), verdict.took.as_secs_f64());
        say(
            &mut std::io::stderr(),
            &format!("{clear}{}: {word} after {took:.1} s\n", proof.name()),
        )?;
        verdicts.push((proof, verdict));
    }
    say(&mut std::io::stdout(), &report::table(&verdicts))?;
    let holds = verdicts.iter().all(|(_, verdict)| verdict.holds());
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::from(BROKEN) })
}

/// Runs a proof. Garbled input is for requests too, which only this crate can read.
fn run(proof: Proof, ask: &Ask) -> Verdict {
    if proof != Proof::Fuzz {
        return proof.run(ask);
    }
    let began = Instant::now();
    let verdict = fuzzing::run(ask);
    Verdict { took: began.elapsed(), ..verdict }
}

/// A seed nobody used yet, short enough to be read aloud.
fn fresh_seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis().try_into().unwrap_or(0)
}

fn say(to: &mut impl Write, text: &str) -> Result<(), String> {
    to.write_all(text.as_bytes()).and_then(|()| to.flush()).map_err(|error| error.to_string())
}

/// One line on a terminal that is written over and over.
struct Line;

impl Progress for Line {
    fn at(&self, done: u64, of: u64, what: &str) {
        let (done, of) = (report::grouped(done), report::grouped(of));
        // Whether it can be seen is nothing to fail for.
        let _ = say(&mut std::io::stderr(), &format!("\r{done} of {of} {what}\x1b[K\r"));
    }
}

//! The real process under load, while it is killed, stopped, held up, started again and again, given another time, and
//! left without a disk to write to. Customers go on meanwhile and write down what they are told. In the end what they
//! were told must be one true history, and everything must have come to a right end.

mod customer;
mod faults;
pub mod history;
mod stage;
mod verify;

use std::sync::Arc;
use std::time::{Duration, Instant};

use surehold_storage::faulty::Dice;
use tokio::runtime::{Builder, Runtime};

use crate::server::{Server, Settings};
use crate::{Ask, Fault, Verdict};
use customer::Customer;
use faults::{Done, SmallDisk};
use stage::{Diary, Stage};

/// Customers, each with a connection.
const CUSTOMERS: u64 = 24;
/// How long the whole of it runs, in seconds.
const FULL: f64 = 90.0;
/// The same for a short look.
const QUICK: f64 = 8.0;
/// Of that time the part on a small disk that fills up.
const ON_A_SMALL_DISK: f64 = 0.3;

/// Runs it: once on the disk, once on a small disk that fills up, where one can be had.
#[must_use]
pub fn run(ask: &Ask) -> Verdict {
    let whole = ask.minutes.map_or(if ask.quick { QUICK } else { FULL }, |minutes| minutes * 60.0);
    let mut verdict = Verdict::default();
    for (small_disk, part) in [(false, 1.0 - ON_A_SMALL_DISK), (true, ON_A_SMALL_DISK)] {
        let lasting = Duration::from_secs_f64(whole * part);
        let scene = Scene { ask, seed: ask.seed, lasting, small_disk };
        if let Err(what) = scene.play(&mut verdict) {
            let story = vec![
                "the server did not do what it must; what follows from it was not looked at"
                    .to_owned(),
            ];
            verdict.faults.push(Fault { what, repeat: Some(repeat(ask)), story });
        }
    }
    verdict
}

fn repeat(ask: &Ask) -> String {
    // The threads of a real process run as they like, so this comes close and is not the same.
    format!("surehold prove process --seed {} --minutes 5", ask.seed)
}

/// One server with its customers and its faults.
struct Scene<'a> {
    ask: &'a Ask,
    seed: u64,
    lasting: Duration,
    small_disk: bool,
}

impl Scene<'_> {
    fn play(&self, verdict: &mut Verdict) -> Result<(), String> {
        let settings = Settings { markets: vec![stage::market()], ..Settings::default() };
        let mut server = Server::prepare(&self.ask.program, settings)?;
        let disk = self.small_disk.then(|| SmallDisk::at(&server.data())).flatten();
        if self.small_disk && disk.is_none() {
            verdict.tried(0, "full disks (only root may make a small one)");
            return Ok(());
        }
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|error| format!("threads: {error}"))?;
        server.restart()?;
        let stage = Stage::new();
        stage.moved_to(server.address());
        let customers: Vec<_> = (0..CUSTOMERS)
            .map(|number| runtime.spawn(Customer::new(number, self.seed, Arc::clone(&stage)).run()))
            .collect();
        let played = self.disturb(&mut server, &stage);
        stage.close();
        let diaries = self.finish(&runtime, customers)?;
        for (what, count) in played? {
            verdict.tried(count, what);
        }
        let wrong = runtime.block_on(verify::verify(server.address(), &diaries, verdict));
        for what in wrong {
            verdict.faults.push(Fault { what, repeat: Some(repeat(self.ask)), story: Vec::new() });
        }
        server.kill();
        drop(disk);
        Ok(())
    }

    fn disturb(&self, server: &mut Server, stage: &Stage) -> Result<Done, String> {
        let mut dice = Dice::new(self.seed);
        let began = Instant::now();
        let mut done = Done::new();
        // In slices, so that somebody who looks sees it move.
        while began.elapsed() < self.lasting {
            let slice = began + self.lasting.min(began.elapsed() + Duration::from_secs(1));
            for (what, count) in faults::play(server, stage, &mut dice, slice, self.small_disk)? {
                *done.entry(what).or_default() += count;
            }
            let (at, of) = (stage.elapsed().as_secs(), self.lasting.as_secs());
            self.ask.progress.at(at.min(of), of, "seconds of process");
        }
        Ok(done)
    }

    fn finish(
        &self,
        runtime: &Runtime,
        customers: Vec<tokio::task::JoinHandle<Diary>>,
    ) -> Result<Vec<Diary>, String> {
        let mut diaries = Vec::new();
        for customer in customers {
            let diary = runtime.block_on(customer);
            diaries.push(diary.map_err(|error| format!("a customer of the proof's own: {error}"))?);
        }
        Ok(diaries)
    }
}

//! No actors: what the machines alone cost, and a bare channel between two tasks. What a host takes above this is the host's.

use std::io;
use std::time::Instant;

use tokio::runtime::Builder;
use tokio::sync::mpsc;

use super::machines::{OFFERINGS, carried, confirmed, opened};
use crate::usage::{memory, processor_time};
use crate::workload::Random;

/// Microseconds of a message over a bounded channel to another task and its answer: the yardstick.
///
/// # Panics
/// If no threads can be made.
#[must_use]
pub fn hop(trips: u64) -> f64 {
    let runtime = Builder::new_multi_thread().build().expect("threads can be made");
    let (ask, mut asked) = mpsc::channel::<u64>(1);
    let (answer, mut answered) = mpsc::channel::<u64>(1);
    runtime.spawn(async move {
        while let Some(number) = asked.recv().await {
            if answer.send(number).await.is_err() {
                return;
            }
        }
    });
    // A task, too: the thread that blocks on a runtime is none of its workers.
    let asking = runtime.spawn(async move {
        let mut taken = f64::NAN;
        for trips in [trips / 10, trips] {
            let start = Instant::now();
            for number in 0..trips {
                if ask.send(number).await.is_err() || answered.recv().await.is_none() {
                    return f64::NAN;
                }
            }
            taken = start.elapsed().as_secs_f64() * 1e6 / trips as f64;
        }
        taken
    });
    runtime.block_on(asking).unwrap_or(f64::NAN)
}

/// Whole orders, one after the other in one thread: how many a second, and the processor time of each in microseconds.
///
/// # Errors
/// If the system does not tell the processor time.
pub fn orders(orders: u64, seed: u64) -> io::Result<(f64, f64)> {
    let mut offerings: Vec<_> = (0..OFFERINGS).map(opened).collect();
    let mut random = Random::new(seed);
    let (start, cpu) = (Instant::now(), processor_time(std::process::id())?);
    for number in 0..orders {
        let at = usize::try_from(random.below(OFFERINGS)).unwrap_or(0);
        std::hint::black_box(carried(number, &mut offerings[at]));
    }
    let cpu = processor_time(std::process::id())?.saturating_sub(cpu);
    let rate = orders as f64 / start.elapsed().as_secs_f64();
    Ok((rate, cpu.as_secs_f64() * 1e6 / orders as f64))
}

/// Bytes of resident memory for each idle order's state.
///
/// # Errors
/// If the system does not tell them.
pub fn idle(actors: u64) -> io::Result<f64> {
    let before = memory(std::process::id())?.resident_bytes;
    let sagas: Vec<_> = (0..actors).map(confirmed).collect();
    let after = memory(std::process::id())?.resident_bytes;
    drop(sagas);
    Ok(after.saturating_sub(before) as f64 / actors as f64)
}

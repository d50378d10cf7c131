//! What is measured of a host, each task in a process of its own: then nothing that one left behind is in the next
//! one's way, and memory is the subject's alone.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::yield_now;

use super::machines::OFFERINGS;
use super::order::{Order, OrderMail, Town, reach};
use super::parties::{Desk, Stock, Till};
use super::role::{Brood, Direct, Host, Next, Role};
use crate::report::median;
use crate::usage::{memory, processor_time};
use crate::workload::Random;

/// So many actors are started before it is waited for them: with more the queue of those to be started would be
/// measured too.
const CHUNK: u64 = 1_000;

/// Starts these idle orders, and says how long it took from asking until all were alive.
async fn begin_idle(town: &Arc<Town>, brood: &impl Brood<Order>, actors: Range<u64>) -> Duration {
    let mut taken = Duration::ZERO;
    let mut begun = actors.start;
    while begun < actors.end {
        let until = actors.end.min(begun + CHUNK);
        let made: Vec<Order> = (begun..until).map(|key| Order::again(key, town)).collect();
        let start = Instant::now();
        for (key, order) in (begun..until).zip(made) {
            brood.begin(key, order);
        }
        town.begun.reach(usize::try_from(until).unwrap_or(usize::MAX)).await;
        taken += start.elapsed();
        begun = until;
    }
    taken
}

/// Actors a second: from being asked for to being alive.
pub async fn spawn<H: Host>(host: &H, actors: u64) -> f64 {
    let (town, _done) = Town::new();
    let brood = host.brood::<Order>(Arc::clone(&town)).await;
    begin_idle(&town, &brood, 0..CHUNK).await;
    let taken = begin_idle(&town, &brood, CHUNK..CHUNK + actors).await;
    actors as f64 / taken.as_secs_f64()
}

/// Bytes of resident memory for each idle order.
///
/// # Errors
/// If the system does not tell them.
pub async fn idle<H: Host>(host: &H, actors: u64) -> io::Result<f64> {
    let (town, _done) = Town::new();
    let brood = host.brood::<Order>(Arc::clone(&town)).await;
    begin_idle(&town, &brood, 0..CHUNK).await;
    let before = memory(std::process::id())?.resident_bytes;
    begin_idle(&town, &brood, CHUNK..CHUNK + actors).await;
    let after = memory(std::process::id())?.resident_bytes;
    Ok(after.saturating_sub(before) as f64 / actors as f64)
}

/// One of two who throw a ball to each other.
struct Player {
    other: Option<Direct<Throw>>,
    over: Option<oneshot::Sender<()>>,
}

enum Throw {
    Meet(Direct<Throw>),
    Serve(u64, oneshot::Sender<()>),
    Ball(u64),
}

impl Player {
    fn throw(&self, left: u64) {
        if let Some(other) = &self.other {
            other(Throw::Ball(left));
        }
    }
}

impl Role for Player {
    type Mail = Throw;
    type Shelf = ();

    fn again(_: u64, (): &()) -> Self {
        Self { other: None, over: None }
    }

    fn begin(&mut self) {}

    fn hear(&mut self, mail: Throw) -> Next {
        match mail {
            Throw::Meet(other) => self.other = Some(other),
            Throw::Serve(left, over) => {
                self.over = Some(over);
                self.throw(left);
            }
            Throw::Ball(0) => {
                if let Some(over) = self.over.take() {
                    let _ = over.send(());
                }
            }
            Throw::Ball(left) => self.throw(left - 1),
        }
        Next::Stay
    }
}

/// The way to one that was begun a moment ago.
async fn direct<R: Role>(brood: &impl Brood<R>, key: u64) -> Direct<R::Mail> {
    loop {
        if let Some(direct) = brood.direct(key) {
            return direct;
        }
        yield_now().await;
    }
}

/// Microseconds of a message from one actor to another and back. With `near`, both are where the host puts neighbours.
pub async fn hop<H: Host>(host: &H, trips: u64, near: bool) -> f64 {
    let brood = host.brood::<Player>(()).await;
    let cores = std::thread::available_parallelism().map_or(1, Into::into) as u64;
    let (one, other) = (0, if near { cores } else { 1 });
    for key in [one, other] {
        brood.begin(key, Player::again(key, &()));
    }
    let (first, second) = (direct(&brood, one).await, direct(&brood, other).await);
    second(Throw::Meet(direct(&brood, one).await));
    first(Throw::Meet(direct(&brood, other).await));
    let mut taken = f64::NAN;
    for trips in [trips / 10, trips] {
        let (over, came) = oneshot::channel();
        let start = Instant::now();
        // There and back is two throws, and the last one comes back to who served.
        first(Throw::Serve(trips * 2 - 1, over));
        let _ = came.await;
        taken = start.elapsed().as_secs_f64() * 1e6 / trips as f64;
    }
    taken
}

/// One who counts what it is told.
struct Counter {
    heard: u64,
    wanted: u64,
    over: Option<oneshot::Sender<()>>,
}

enum Tell {
    Until(u64, oneshot::Sender<()>),
    One,
}

impl Role for Counter {
    type Mail = Tell;
    type Shelf = ();

    fn again(_: u64, (): &()) -> Self {
        Self { heard: 0, wanted: 0, over: None }
    }

    fn begin(&mut self) {}

    fn hear(&mut self, mail: Tell) -> Next {
        match mail {
            Tell::Until(wanted, over) => {
                (self.heard, self.wanted, self.over) = (0, wanted, Some(over));
            }
            Tell::One => {
                self.heard += 1;
                if self.heard == self.wanted
                    && let Some(over) = self.over.take()
                {
                    let _ = over.send(());
                }
            }
        }
        Next::Stay
    }
}

/// Messages a second from one thread to one actor.
pub async fn one_way<H: Host>(host: &H, messages: u64) -> f64 {
    let brood = host.brood::<Counter>(()).await;
    brood.begin(0, Counter::again(0, &()));
    let counter = direct(&brood, 0).await;
    let mut rate = f64::NAN;
    for messages in [messages / 10, messages] {
        let (over, heard) = oneshot::channel();
        counter(Tell::Until(messages, over));
        let start = Instant::now();
        for _ in 0..messages {
            counter(Tell::One);
        }
        let _ = heard.await;
        rate = messages as f64 / start.elapsed().as_secs_f64();
    }
    rate
}

/// Whole orders: how many a second, and the processor time of each in microseconds.
///
/// # Errors
/// If the system does not tell the processor time.
pub async fn orders<H: Host>(
    host: &H,
    orders: u64,
    window: u64,
    seed: u64,
) -> io::Result<(f64, f64)> {
    let (town, mut done) = Town::new();
    let (tills, desks) =
        (host.brood::<Till>(Arc::clone(&town)).await, host.brood::<Desk>(Arc::clone(&town)).await);
    let stocks = host.brood::<Stock>(Arc::clone(&town)).await;
    let brood = host.brood::<Order>(Arc::clone(&town)).await;
    tills.begin(0, Till::again(0, &town));
    desks.begin(0, Desk::again(0, &town));
    for key in 0..OFFERINGS {
        stocks.begin(key, Stock::again(key, &town));
        drop(direct(&stocks, key).await);
    }
    let _ = (direct(&tills, 0).await, direct(&desks, 0).await);
    reach(&town.orders, &brood);
    reach(&town.offerings, &stocks);
    reach(&town.payments, &tills);
    reach(&town.confirmations, &desks);
    let (mut number, mut random) = (0, Random::new(seed));
    let mut begin = || {
        brood.begin(number, Order::placed(number, random.below(OFFERINGS), &town));
        number += 1;
    };
    let mut rate = (f64::NAN, f64::NAN);
    for orders in [orders / 10, orders] {
        let (start, cpu) = (Instant::now(), processor_time(std::process::id())?);
        let window = window.min(orders);
        (0..window).for_each(|_| begin());
        for left in (0..orders).rev() {
            done.recv().await.ok_or_else(|| io::Error::other("the town is gone"))?;
            if left >= window {
                begin();
            }
        }
        let cpu = processor_time(std::process::id())?.saturating_sub(cpu);
        rate.0 = orders as f64 / start.elapsed().as_secs_f64();
        rate.1 = cpu.as_secs_f64() * 1e6 / orders as f64;
    }
    Ok(rate)
}

/// Microseconds from the message that makes an order panic until its next life answers; the median of `crashes`.
pub async fn restart<H: Host>(host: &H, crashes: u64) -> f64 {
    let (town, _done) = Town::new();
    let brood = host.brood::<Order>(Arc::clone(&town)).await;
    brood.begin(0, Order::again(0, &town));
    let mut taken = Vec::new();
    for _ in 0..crashes {
        look(&brood).await;
        let start = Instant::now();
        brood.tell(0, OrderMail::Crash);
        look(&brood).await;
        taken.push(start.elapsed().as_secs_f64() * 1e6);
    }
    median(taken)
}

/// Asks until it is answered.
async fn look(brood: &impl Brood<Order>) {
    loop {
        let (reply, answer) = oneshot::channel();
        if brood.tell(0, OrderMail::Look(reply)) && answer.await.is_ok() {
            return;
        }
        yield_now().await;
    }
}

//! Ten times as many orders as the gateway can take on: what it can take on is taken on in good
//! time, the rest hears at once that it has to come back, and nothing is done for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use surehold::domain::saga::Phase;
use surehold::domain::time::Timestamp;
use surehold::gateway::{Answer, Answering, PaymentGateway, Request};
use surehold::{Data, Engine, Market, Options, OrderCommand, Placed, Refusal, RuntimeClock};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::world::{order, plan};

/// A gateway with so many hands; whoever finds none free waits there, as at a real one.
struct Busy {
    hands: Semaphore,
    takes: Duration,
    captured: AtomicUsize,
    /// The most calls that were there at once.
    most: AtomicUsize,
    there: AtomicUsize,
}

impl Busy {
    fn with(hands: usize, takes: Duration) -> Arc<Busy> {
        Arc::new(Busy {
            hands: Semaphore::new(hands),
            takes,
            captured: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            there: AtomicUsize::new(0),
        })
    }
}

impl PaymentGateway for Busy {
    fn describe(&self) -> String {
        "a busy bank".to_owned()
    }

    fn capture(&self, _request: Request) -> Answering<'_> {
        Box::pin(async move {
            let there = self.there.fetch_add(1, Ordering::Relaxed) + 1;
            self.most.fetch_max(there, Ordering::Relaxed);
            let _hand = self.hands.acquire().await.unwrap();
            tokio::time::sleep(self.takes).await;
            self.there.fetch_sub(1, Ordering::Relaxed);
            self.captured.fetch_add(1, Ordering::Relaxed);
            Answer::Captured
        })
    }

    fn ask(&self, _request: Request) -> Answering<'_> {
        Box::pin(async { Answer::NotFound })
    }

    fn refund(&self, request: Request) -> Answering<'_> {
        Box::pin(async move { Answer::Refunded(request.amount) })
    }
}

async fn open(gateway: Arc<Busy>, tables: &str) -> (Engine, Market) {
    let mut options = Options::new(Data::Memory, vec![plan(tables)]);
    options.gateway = gateway;
    options.clock = Arc::new(RuntimeClock::starting_at(Timestamp(1_800_000_000_000)));
    let engine = Engine::open(options).await.unwrap();
    let market = engine.market("demo").unwrap();
    (engine, market)
}

/// What came of a load.
#[derive(Default)]
struct Came {
    booked: Vec<Duration>,
    refused: Vec<Duration>,
}

fn at_percent(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

/// Sends so many orders a second for so long, whatever becomes of them.
async fn offer(engine: &Engine, market: Market, rate: u32, seconds: u32) -> Came {
    let came = Arc::new(Mutex::new(Came::default()));
    let began = Instant::now();
    let mut sent = Vec::new();
    for number in 0..rate * seconds {
        tokio::time::sleep_until(began + Duration::from_secs(1) * number / rate).await;
        let (engine, came) = (engine.clone(), Arc::clone(&came));
        sent.push(tokio::spawn(async move {
            let began = Instant::now();
            let placed = engine.place(market, order(1), None).await;
            let took = began.elapsed();
            let mut came = came.lock().unwrap();
            match placed {
                Ok(placement) if placement.placed == Placed::Booked => came.booked.push(took),
                Err(Refusal::Unavailable { .. }) => came.refused.push(took),
                other => panic!("{other:?}"),
            }
        }));
    }
    for one in sent {
        one.await.unwrap();
    }
    Arc::into_inner(came).unwrap().into_inner().unwrap()
}

#[tokio::test(start_paused = true)]
async fn ten_times_too_much_is_refused_and_what_is_let_in_is_done_in_good_time() {
    // 200 hands at half a second each: 400 orders a second.
    let gateway = Busy::with(200, Duration::from_millis(500));
    let (engine, market) = open(Arc::clone(&gateway), "").await;
    let Came { mut booked, mut refused } = offer(&engine, market, 4000, 4).await;
    let p99 = at_percent(&mut booked, 99);
    assert!(p99 < Duration::from_secs(2), "{p99:?}, {} let in", booked.len());
    assert!(booked.len() >= 4 * 400 * 9 / 10, "the gateway is used: {} booked", booked.len());
    let p100 = at_percent(&mut refused, 100);
    assert!(p100 <= Duration::from_millis(100), "a no is told at once: {p100:?}");
    // Nothing was done for those who were refused: no number was given, and nobody was charged.
    let last = engine.place(market, order(1), None).await.unwrap();
    assert_eq!(last.order.id.0, u64::try_from(booked.len() + 1).unwrap());
    assert_eq!(gateway.captured.load(Ordering::Relaxed), booked.len() + 1);
    let audit = engine.audit().await.unwrap();
    assert!(audit.balanced, "{:?}", audit.findings);
    engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn after_the_rush_an_order_takes_what_it_always_took() {
    let gateway = Busy::with(200, Duration::from_millis(500));
    let (engine, market) = open(Arc::clone(&gateway), "").await;
    offer(&engine, market, 4000, 2).await;
    let began = Instant::now();
    let placed = engine.place(market, order(1), None).await.unwrap();
    assert_eq!(placed.placed, Placed::Booked);
    assert!(began.elapsed() <= Duration::from_millis(510), "{:?}", began.elapsed());
    engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_burst_at_a_gateway_that_keeps_up_is_let_in() {
    let gateway = Busy::with(10_000, Duration::from_millis(20));
    let (engine, market) = open(Arc::clone(&gateway), "").await;
    // So many at once that not all find a free call, before anything is known of the gateway.
    let placing: Vec<_> = (0..1500)
        .map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.place(market, order(1), None).await })
        })
        .collect();
    for placed in placing {
        assert_eq!(placed.await.unwrap().unwrap().placed, Placed::Booked);
    }
    assert_eq!(gateway.most.load(Ordering::Relaxed), 512, "calls at once are bounded all the same");
    engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_and_comes_again_gets_no_further() {
    let gateway = Busy::with(100, Duration::from_millis(500));
    let (engine, market) = open(Arc::clone(&gateway), "").await;
    let mut let_in = 0;
    for round in 0..30 {
        let placing: Vec<_> = (0..200)
            .map(|_| {
                let engine = engine.clone();
                tokio::spawn(async move { engine.place(market, order(1), None).await.is_err() })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
        for one in placing {
            // They waited long enough, they think.
            one.abort();
            let refused = one.await.unwrap_or(false);
            let_in += usize::from(!refused);
        }
        assert!(let_in < 1500, "round {round}: {let_in} let in, 200 a second can be paid");
    }
    engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn paying_an_unpaid_order_needs_a_ticket_like_everything() {
    let gateway = Busy::with(1, Duration::from_secs(3));
    let tables = "[payment]\nwhen = 'later'\nwithin = '1 h'";
    let (engine, market) = open(Arc::clone(&gateway), tables).await;
    let mut paying = Vec::new();
    for _ in 0..600 {
        // Booking without paying asks nothing of the gateway, so it is never refused.
        let placed = engine.place(market, order(1), None).await.unwrap();
        assert_eq!((placed.placed, placed.order.phase), (Placed::ToBePaid, Phase::Unpaid));
        let (engine, id) = (engine.clone(), placed.order.id);
        let pay = OrderCommand::Pay { card: "7".to_owned() };
        paying.push(tokio::spawn(async move { (id, engine.command(market, id, pay).await) }));
    }
    let mut refused = Vec::new();
    for paid in paying {
        let (id, paid) = paid.await.unwrap();
        match paid {
            Ok(_) => {}
            Err(Refusal::Unavailable { .. }) => refused.push(id),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(refused.len(), 600 - 512);
    for id in refused {
        assert_eq!(engine.order(market, id).await.unwrap().phase, Phase::Unpaid, "nothing changed");
    }
    engine.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_crowd_at_one_offering_does_not_keep_the_others_from_the_gateway() {
    let gateway = Busy::with(100, Duration::from_millis(500));
    let (engine, market) = open(Arc::clone(&gateway), "").await;
    let crowd = engine.clone();
    let crowd = tokio::spawn(async move { offer(&crowd, market, 3000, 6).await });
    // In the first moments nobody knows yet how slow the gateway is under a crowd.
    tokio::time::sleep(Duration::from_secs(2)).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let began = Instant::now();
        let placed = engine.place(market, order(2), None).await.unwrap();
        assert_eq!(placed.placed, Placed::Booked);
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
    let Came { booked, refused } = crowd.await.unwrap();
    assert!(booked.len() >= 6 * 200 * 8 / 10, "the gateway is used: {} booked", booked.len());
    assert!(refused.len() > booked.len(), "{} refused", refused.len());
    engine.close().await;
}
